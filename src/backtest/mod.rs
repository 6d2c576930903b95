//! What a change of the rules would have done: events as they were evaluated, taken out of the store, and decided again by
//! two sets of rules. Nothing is written or sent.

mod compare;
mod difference;
mod event_line;
mod redact;
mod report;
mod words;

pub use compare::{Lack, Outcome, Side, compare};
pub use difference::Difference;
pub use event_line::{BadLine, EventLine, VERSION};
pub use redact::Redactor;
pub use report::{Change, ChangedAction, ChangedSide, Lacking, MAX_CHANGES, Report, RuleCounts, RuleRow};

//! What a change of the rules would have done: events as they were evaluated, taken out of the store, and decided again by
//! two sets of rules. Nothing is written or sent.

mod amounts;
mod answer;
mod compare;
mod difference;
mod event_line;
mod markdown;
mod other_names;
mod redact;
mod report;
mod run;
mod stateless;
mod stored;
mod words;

pub(crate) use answer::cut;
pub use answer::{Answer, ComparedRules};
pub use compare::{Lack, Outcome, Side, compare};
pub use difference::Difference;
pub use event_line::{BadLine, EventLine, VERSION};
pub use markdown::markdown;
pub use redact::Redactor;
pub use report::{Change, ChangedAction, ChangedSide, Lacking, Limits, MAX_CHANGES, Report, RuleCounts, RuleRow};
pub use run::{BacktestError, Comparison, Decider, Done, EventSource, Item, Monitor, Pace, Progress, Read, run};
pub use stateless::Stateless;
pub use stored::StoredEvents;

//! What a change of the rules would have done: events as they were evaluated, taken out of the store, and decided again by
//! two sets of rules. Nothing is written or sent.

mod amounts;
mod answer;
mod bad_line;
mod compare;
mod difference;
mod event_line;
mod fetch;
mod markdown;
mod missing;
mod other_names;
mod redact;
mod replay;
mod report;
mod run;
mod stateful;
mod stateless;
mod stored;
mod words;

pub(crate) use answer::MAX_TEXT;
pub use answer::{Answer, ComparedRules};
pub use bad_line::BadLine;
pub use compare::{Lack, Outcome, Side, compare};
pub use difference::Difference;
pub use event_line::{EventLine, VERSION};
pub use fetch::{Completed, FetchNote, Fetched, LackingEvents};
pub use markdown::markdown;
pub use redact::Redactor;
pub use replay::{Compared, Replay, ReplayError};
pub use report::{
    Change, ChangedAction, ChangedSide, Lacking, Limits, MAX_CHANGES, Report, RuleCounts, RuleRow, Unreadable,
};
pub use run::{BacktestError, Comparison, Decider, Done, EventSource, Item, Monitor, Pace, Progress, Read, run};
pub use stateful::Stateful;
pub use stateless::Stateless;
pub use stored::StoredEvents;

//! Tests that stand beside the rules: a thread, its messages, and what is expected of the rules.

mod load;
mod run;

pub(super) use load::read;
pub use run::{CaseFailure, CaseResult};

use crate::model::{Message, ThreadDetail};
use jiff::Timestamp;

/// One test. Its last message is the event; each rule counts as live.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it shows, in the user's words.
    pub name: String,
    /// The file that it stands in.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// The thread, with what the list row and the thread's own endpoint say.
    pub thread: ThreadDetail,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// When rules are evaluated.
    pub now: Timestamp,
    /// What must come of it.
    pub expect: Expect,
}

/// What a test expects; what it does not name is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expect {
    /// Exactly these rules match, in this order.
    pub rules: Option<Vec<String>>,
    /// Exactly these actions come of it, in any order, suppressed ones left out.
    pub actions: Option<Vec<String>>,
    /// The reply's text holds each of these.
    pub reply: Vec<String>,
    /// There is no reply: `reply: null`.
    pub no_reply: bool,
    /// What `body` is matched on; runs of white space count as one space.
    pub body: Option<String>,
}

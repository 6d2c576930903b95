//! Tests that stand beside the rules: a thread, its messages, what happens after, and what is expected of the rules.
//!
//! A test of one event is a pure evaluation and runs here. One with steps, or one that expects what becomes of actions, is
//! played by the real engine, which rules know nothing of: here it is only read, and compared with what came of it.

mod compare;
mod forwards;
mod load;
mod run;
mod steps;

pub use compare::{
    ActionOutcomes, ActionStatus, Actual, HeldReply, Mismatch, StepLocation, TestResult, evaluation_error,
};
pub(super) use forwards::recipient_keys;
pub use forwards::{ActualForward, ExpectedForward};
pub(super) use load::read;

use crate::model::{ActionKind, ActionState, Message, ReasonCode, ThreadDetail};
use jiff::Timestamp;
use std::time::Duration;

/// One test. Its last message is the event; each rule counts as live.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCase {
    /// What it shows, in the user's words.
    pub name: String,
    /// The file that it stands in.
    pub file: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// The workspace that it happens in: the one that it names, or else the first one that has the rules of its file.
    /// `None` where no workspaces are known.
    pub workspace: Option<String>,
    /// The thread, with what the list row and the thread's own endpoint say.
    pub thread: ThreadDetail,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// When rules are evaluated.
    pub now: Timestamp,
    /// What must come of it.
    pub expect: Expectation,
    /// What happens after that, in order.
    pub steps: Vec<TestStep>,
}

/// What a test's workspace is called where nothing else is known.
const ANY_WORKSPACE: &str = "test";

impl TestCase {
    /// The name of the workspace that it happens in.
    pub fn workspace(&self) -> &str {
        self.workspace.as_deref().unwrap_or(ANY_WORKSPACE)
    }

    /// Whether evaluating its last message is not enough: it must be played by an engine with a clock.
    pub fn needs_engine(&self) -> bool {
        !self.steps.is_empty() || self.expect.checks_outcome()
    }
}

impl TestCase {
    /// The same after what happens in a step, as the list and the thread would show it.
    pub fn go_on(&mut self, event: &StepEvent, at: Timestamp) {
        self.now = at;
        match event {
            StepEvent::TimePasses => {}
            StepEvent::LeadWrites(message) | StepEvent::PersonAnswers(message) => {
                let outgoing = matches!(event, StepEvent::PersonAnswers(_));
                let id = format!("message-{}", self.messages.len() + 1);
                self.messages.push(Message { id, outgoing, created_at: Some(at), ..message.as_ref().clone() });
                load::show_last(&mut self.thread, &self.messages);
            }
            StepEvent::Category(category) => self.thread.row.category.clone_from(category),
        }
    }
}

/// What happens next in a test, and what must come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TestStep {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// How long after the step before.
    pub after: Duration,
    /// What happens then.
    pub event: StepEvent,
    /// What must come of it.
    pub expect: Expectation,
}

/// What happens in a step.
#[derive(Debug, Clone, PartialEq)]
pub enum StepEvent {
    /// Nothing but that time passes.
    TimePasses,
    /// The lead's side writes into the thread.
    LeadWrites(Box<Message>),
    /// A person of ours answers by hand.
    PersonAnswers(Box<Message>),
    /// The thread's category becomes this one, or is taken away.
    Category(Option<String>),
}

impl StepEvent {
    /// The key that it is written under.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::TimePasses => "after",
            Self::LeadWrites(_) => "then_lead_writes",
            Self::PersonAnswers(_) => "then_person_answers",
            Self::Category(_) => "then_category",
        }
    }
}

/// What a test, or one of its steps, expects; what it does not name is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Exactly these rules match, in this order.
    pub rules: Option<Vec<String>>,
    /// Exactly these definitions hold, in any order.
    pub is: Option<Vec<String>>,
    /// Exactly these actions come of it, in any order, suppressed ones left out.
    pub actions: Option<Vec<String>>,
    /// The reply's text holds each of these.
    pub reply: Vec<String>,
    /// There is no reply: `reply: null`.
    pub no_reply: bool,
    /// Exactly these forwards leave, or are decided and may still leave, in any order.
    pub forwards: Option<Vec<ExpectedForward>>,
    /// What `body` is matched on; runs of white space count as one space.
    pub body: Option<String>,
    /// Exactly these are carried out, in any order.
    pub sent: Option<Vec<ActionKind>>,
    /// Exactly these wait at the end, in any order.
    pub waiting: Option<Vec<ActionKind>>,
    /// Exactly these are held for a person at the end, in any order.
    pub held: Option<Vec<ActionKind>>,
    /// How the newest action of each of these kinds stands at the end.
    pub states: Vec<ExpectedState>,
}

impl Expectation {
    /// Whether it asks what becomes of actions, which a decision alone does not tell.
    pub fn checks_outcome(&self) -> bool {
        self.sent.is_some() || self.waiting.is_some() || self.held.is_some() || !self.states.is_empty()
    }
}

/// How the newest action of a kind must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedState {
    /// The kind.
    pub kind: ActionKind,
    /// The state.
    pub state: ActionState,
    /// Why; `None` if that does not matter.
    pub reason: Option<ReasonCode>,
}

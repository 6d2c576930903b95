//! The world around the service: the inbox, the people who write and click in it, the server's clock, and a journal of
//! what the simulator's own logs do not tell.

use super::transition::Topic;
use crate::fixture::ManualClock;
use jiff::{SignedDuration, Timestamp};
use reply_router::{
    engine::Clock,
    model::ActionId,
    simulator::{Message, NewThread, Thread, Workspace},
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

/// The server's clock never shows the same time twice, so that its times alone tell what came before what.
#[derive(Debug, Clone)]
pub(crate) struct ServerClock {
    hand: ManualClock,
    ticks: Arc<AtomicI64>,
}

impl ServerClock {
    pub(crate) fn now(&self) -> Timestamp {
        let ticks = self.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        self.hand.now() + SignedDuration::from_millis(ticks)
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.hand.advance(std::time::Duration::from_secs(seconds));
    }

    pub(crate) fn new() -> Self {
        Self { hand: ManualClock::new(), ticks: Arc::default() }
    }
}

/// What people did that no log of the simulator shows.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Who toggled a star by hand, and when.
    pub(crate) toggles: Vec<(String, Timestamp)>,
    /// When somebody paused while the service was at work.
    pub(crate) paused_at: Option<Timestamp>,
    /// How many intents were on disk before that pause.
    pub(crate) on_their_way: usize,
    /// The service's clock was set: what it measures in hours and minutes no longer is what the server would measure.
    pub(crate) clock_was_set: bool,
    /// How often the process died at work.
    pub(crate) crashes: usize,
    /// Actions that a person let go, retried or resolved.
    pub(crate) touched: HashSet<ActionId>,
    /// Each thread's categories, and since when.
    pub(crate) categories: Vec<(String, Timestamp, Option<&'static str>)>,
    /// The threads that were there before the service ever ran.
    pub(crate) old: HashSet<String>,
    /// The thread whose messages cannot be read.
    pub(crate) broken: Option<String>,
}

/// The inbox and the people.
#[derive(Debug)]
pub(crate) struct Actors {
    pub(crate) workspace: Workspace,
    pub(crate) clock: ServerClock,
    pub(crate) journal: Mutex<Journal>,
}

impl Actors {
    pub(crate) fn lead_starts_thread(&self, lead: u8, topic: Topic) -> String {
        let category = topic.category().unwrap_or("interested");
        let thread = NewThread::new(lead_email(lead)).name("Jane Doe").campaign("Q1").category(category);
        let id = self
            .workspace
            .add_thread(thread.message(Message::text(FIRST_STEP).outgoing().with_age(DAYS)).message(topic.message()));
        self.note_category(&id, Some(category));
        id
    }

    pub(crate) fn turn_category(&self, thread: &str, category: Option<&'static str>) {
        self.workspace.set_category(thread, category);
        self.note_category(thread, category);
    }

    fn note_category(&self, thread: &str, category: Option<&'static str>) {
        let at = self.clock.now();
        self.journal.lock().unwrap().categories.push((thread.to_owned(), at, category));
    }

    pub(crate) fn lead_writes(&self, thread: &str, topic: Topic) {
        self.workspace.lead_writes(thread, topic.message());
        if let Some(category) = topic.category() {
            self.turn_category(thread, Some(category));
        }
    }

    pub(crate) fn sequence_sends(&self, thread: &str) {
        self.workspace.person_answers(thread, NEXT_STEP);
    }

    pub(crate) fn person_answers(&self, thread: &str) {
        self.workspace.person_answers(thread, "I take this one myself.");
    }

    pub(crate) fn toggle_star(&self, thread: &str) {
        self.workspace.change(thread, |thread| thread.is_starred = !thread.is_starred);
        let at = self.clock.now();
        self.journal.lock().unwrap().toggles.push((thread.to_owned(), at));
    }

    /// The nth thread, counted around.
    pub(crate) fn nth_thread(&self, nth: u8) -> Option<Thread> {
        let threads = self.workspace.threads();
        let index = usize::from(nth).checked_rem(threads.len())?;
        threads.into_iter().nth(index)
    }
}

fn lead_email(lead: u8) -> String {
    format!("lead{lead}@acme.example")
}

/// How long a lead takes to answer a campaign.
const DAYS: std::time::Duration = std::time::Duration::from_secs(3 * 86_400);
/// What the campaign sends to every lead: before they write, and when they have not answered for a while.
const FIRST_STEP: &str = "Hi Jane, teams like yours save a day a week with our planner. Would fifteen minutes help?";
const NEXT_STEP: &str = "Hi Jane, just following up on my note about the planner. Is it worth a look this quarter?";

/// Whether the campaign itself sent it.
pub(crate) fn is_step(text: Option<&str>) -> bool {
    matches!(text, Some(FIRST_STEP | NEXT_STEP))
}

pub(crate) const OPT_OUT: &str = "Please remove me from your list.";
pub(crate) const AWAY: &str = "I am out of the office until Monday and will answer then.";

impl Topic {
    /// `None`: the thread keeps the category that it has.
    pub(crate) fn category(self) -> Option<&'static str> {
        Some(match self {
            Self::Hot => "interested",
            Self::Question => "question",
            Self::Meeting => "meeting_request",
            Self::Thanks => "thanks",
            Self::No => "not_interested",
            Self::OptOut | Self::Away => return None,
        })
    }

    fn message(self) -> Message {
        Message::text(match self {
            Self::Hot => "Sounds good, give me a call.",
            Self::Question => "What does it cost for ten people?",
            Self::Meeting => "Happy to meet on Tuesday.",
            Self::Thanks => "Thank you for the material.",
            Self::No => "We use another tool for this.",
            Self::OptOut => OPT_OUT,
            Self::Away => return Message::text(AWAY).with_subject("Automatic reply: Quick question"),
        })
    }
}

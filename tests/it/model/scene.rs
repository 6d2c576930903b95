//! The world around the service: the inbox, the people who write and click in it, the server's clock, and a journal of
//! what the simulator's own logs do not tell.

use super::transition::Topic;
use crate::stage::HandClock;
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
    hand: HandClock,
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
        Self { hand: HandClock::new(), ticks: Arc::default() }
    }
}

/// What people did that no log of the simulator shows.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Who toggled a star by hand, and when.
    pub(crate) toggles: Vec<(String, Timestamp)>,
    /// When somebody paused while the service was at work.
    pub(crate) paused_at: Option<Timestamp>,
    /// The service's clock was set: what it measures in hours and minutes no longer is what the server would measure.
    pub(crate) clock_was_set: bool,
    /// How often the process died at work.
    pub(crate) crashes: usize,
    /// Actions that a person let go, retried or resolved.
    pub(crate) touched: HashSet<ActionId>,
}

/// The inbox and the people.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) workspace: Workspace,
    pub(crate) clock: ServerClock,
    pub(crate) journal: Mutex<Journal>,
}

impl Scene {
    pub(crate) fn lead_writes_anew(&self, lead: u8, topic: Topic) {
        let category = topic.category().unwrap_or("interested");
        let thread = NewThread::new(lead_email(lead)).name("Jane Doe").campaign("Q1").category(category);
        self.workspace.add_thread(thread.message(topic.message()));
    }

    pub(crate) fn lead_writes(&self, thread: &str, topic: Topic) {
        self.workspace.lead_writes(thread, topic.message());
        if let Some(category) = topic.category() {
            self.workspace.set_category(thread, Some(category));
        }
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
            Self::Away => return Message::text(AWAY).about("Automatic reply: Quick question"),
        })
    }
}

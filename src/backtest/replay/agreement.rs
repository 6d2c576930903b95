//! What two sides that play the same events tell each other: whether they can decide an event, before either acts on it, and
//! which reply was held then.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One side's end. Both ask the same, in the same order of events.
pub(super) struct Agreement {
    mine: UnboundedSender<Said>,
    other: UnboundedReceiver<Said>,
}

/// What one side says.
enum Said {
    /// Whether it lacks something of an event.
    Lacks(bool),
    /// The reply that it holds, where its rules are those of then.
    Holds(Option<HeldReply>),
}

/// A reply that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeldReply {
    /// The rule that planned it.
    pub(super) rule: String,
    /// What it says.
    pub(super) text: Option<String>,
}

impl Agreement {
    /// Both ends.
    pub(super) fn pair() -> [Self; 2] {
        let (to_second, of_first) = unbounded_channel();
        let (to_first, of_second) = unbounded_channel();
        [Self { mine: to_second, other: of_second }, Self { mine: to_first, other: of_first }]
    }

    /// Whether either side lacks something of the event at hand.
    pub(super) async fn does_either_lack(&mut self, lacks: bool) -> bool {
        match self.exchange(Said::Lacks(lacks)).await {
            Said::Lacks(other) => lacks || other,
            Said::Holds(_) => lacks,
        }
    }

    /// The reply to the event at hand that was held then, if either side knows it.
    pub(super) async fn held_then(&mut self, held: Option<HeldReply>) -> Option<HeldReply> {
        match self.exchange(Said::Holds(held.clone())).await {
            Said::Holds(other) => held.or(other),
            Said::Lacks(_) => held,
        }
    }

    async fn exchange(&mut self, said: Said) -> Said {
        // Nobody hears it where the other side has failed: then both end.
        let _ = self.mine.send(said);
        match self.other.recv().await {
            Some(said) => said,
            None => std::future::pending().await,
        }
    }
}

//! Events of the past, played again by two sets of rules through the real engine, each with an engine, a store in memory, a
//! clock and an account of its own: what would have been sent, not only what matches.
//!
//! | file | holds |
//! |---|---|
//! | `order` | events in the order of time, each once, with what later ones tell of their threads |
//! | `scene` | one event as both sides see it: without what the service itself did then |
//! | `account` | the threads as one side sees them: with what it has done in this play |
//! | `agreement` | what both sides tell each other: what neither plays because one of them cannot |
//! | `approvals` | what operators decided then on replies that were held |
//! | `side` | one set of rules with its engine, its store and its clock |
//! | `opt_outs` | who has opted out, as a side knows it |
//! | `followed` | what becomes of the actions of a side |
//! | `due` | when each of them comes up |
//! | `workspaces` | the workspaces of a side, in the modes of then |
//! | `earlier` | what was sent before the first event |
//! | `outcome` | what became of an event, and where both sides differ |

mod account;
mod agreement;
mod approvals;
mod due;
mod earlier;
mod followed;
mod opt_outs;
mod order;
mod outcome;
mod scene;
mod side;
mod workspaces;

use super::{
    compare::{Lack, Outcome, Side as Verdict},
    event_line::EventLine,
};
use crate::{model::WorkspaceSettings, rules::RuleSet, store::StoreError};
pub(super) use outcome::GIVEN_UP;

use agreement::Agreement;
use futures_util::future::try_join;
use order::{InOrder, InTurn, ThreadKey};
use scene::Scene;
use side::{Side, Turn};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};
use tracing::{instrument::WithSubscriber, subscriber::NoSubscriber};

/// So many events are played before their outcomes are handed out.
const BATCH: usize = 512;

/// Why events cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// An event is older than one that was played already.
    #[error(
        "the event {id} of {time} comes too late: many younger ones stand before it. Sort the events by `time`, or compare \
         matching alone with --stateless"
    )]
    OutOfOrder {
        /// Its id.
        id: String,
        /// Its time.
        time: jiff::Timestamp,
    },
    /// The store of the play.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else that has nothing to do with the events.
    #[error("the events cannot be played: {0}")]
    Failed(String),
}

/// Two sets of rules that play the same events.
///
/// Nothing leaves: neither a request to an account nor a delivery to a destination.
pub struct Replay {
    /// Both sides; `None` only while they play.
    sides: Option<[Side; 2]>,
    /// Whether any rule may ask for more of a thread than its messages.
    may_read_threads: bool,
    order: InOrder,
    /// Events whose outcomes are not handed out yet, oldest first.
    waiting: VecDeque<Waiting>,
    /// How many were played.
    played: u64,
    /// The threads of these.
    threads: HashSet<ThreadKey>,
    is_over: bool,
}

/// An event that was played.
struct Waiting {
    event: EventLine,
    /// What the sides lack, if they were not compared for that.
    lacks: Option<[Option<Lack>; 2]>,
}

/// An event that was compared.
pub type Compared = (EventLine, Outcome);

impl Replay {
    /// Two sets of rules at the beginning. `workspaces` are those of the configuration: their limits, caps and opt-outs hold.
    /// A workspace that is not among them has every default.
    ///
    /// # Errors
    /// Nothing can stand for the accounts.
    pub fn new(
        before: &RuleSet,
        after: &RuleSet,
        workspaces: impl IntoIterator<Item = WorkspaceSettings>,
    ) -> Result<Self, ReplayError> {
        let settings: HashMap<_, _> =
            workspaces.into_iter().map(|workspace| (workspace.name.clone(), workspace)).collect();
        let settings = Arc::new(settings);
        let [one, other] = Agreement::pair();
        let sides = [Side::new(before, Arc::clone(&settings), one)?, Side::new(after, settings, other)?];
        Ok(Self {
            sides: Some(sides),
            may_read_threads: before.may_read_threads() || after.may_read_threads(),
            order: InOrder::default(),
            waiting: VecDeque::new(),
            played: 0,
            threads: HashSet::new(),
            is_over: false,
        })
    }

    /// How many events were given more than once: each counts once.
    pub fn repeated(&self) -> u64 {
        self.order.repeated()
    }

    /// Takes more events. Those whose outcomes are known come back, oldest first.
    ///
    /// # Errors
    /// An event comes too late, or cannot be played.
    pub async fn add(&mut self, events: impl IntoIterator<Item = EventLine>) -> Result<Vec<Compared>, ReplayError> {
        for event in events {
            self.order.add(event)?;
        }
        let mut compared = Vec::new();
        while self.order.is_full() {
            compared.extend(self.play(BATCH).await?);
        }
        Ok(compared)
    }

    /// Plays what is left, some at a time: call it until it says `None`. After the last event time goes on, so that what waits
    /// is done.
    ///
    /// # Errors
    /// An event cannot be played.
    pub async fn rest(&mut self) -> Result<Option<Vec<Compared>>, ReplayError> {
        if !self.order.is_empty() {
            return self.play(BATCH).await.map(Some);
        }
        if self.is_over {
            return Ok(None);
        }
        self.is_over = true;
        let Some([mut before, mut after]) = self.sides.take() else { return Ok(None) };
        let played = both(async move { before.let_time_pass().await.map(|()| before) }, async move {
            after.let_time_pass().await.map(|()| after)
        });
        self.sides = Some(played.await?.into());
        self.compared().await.map(Some)
    }

    /// Plays the next events.
    async fn play(&mut self, at_most: usize) -> Result<Vec<Compared>, ReplayError> {
        let mut scenes = Vec::with_capacity(at_most);
        while scenes.len() < at_most
            && let Some(InTurn { event, later, start }) = self.order.next()
        {
            let mut scene = Scene::new(self.played, event, later, start);
            self.played += 1;
            scene.is_whole |= scene.messages.is_some() && !self.may_read_threads;
            scene.is_known = !self.threads.insert(scene.key());
            self.waiting.push_back(Waiting { event: scene.without_texts(), lacks: None });
            scenes.push(scene);
        }
        let Some([mut before, mut after]) = self.sides.take() else { return Ok(Vec::new()) };
        let scenes = Arc::new(scenes);
        let same = Arc::clone(&scenes);
        let played = both(async move { before.play_all(&same).await.map(|found| (before, found)) }, async move {
            after.play_all(&scenes).await.map(|found| (after, found))
        });
        let ((before, turns), (after, turns_too)) = played.await?;
        let first = self.waiting.len().saturating_sub(turns.len());
        for (waiting, turns) in self.waiting.iter_mut().skip(first).zip(turns.into_iter().zip(turns_too)) {
            waiting.lacks = match turns {
                (Turn::Played, Turn::Played) => None,
                (one, other) => Some([one.lack(), other.lack()]),
            };
        }
        self.sides = Some([before, after]);
        self.compared().await
    }

    /// Hands out the events, oldest first, of which all is known.
    async fn compared(&mut self) -> Result<Vec<Compared>, ReplayError> {
        let Some([before, after]) = &mut self.sides else { return Ok(Vec::new()) };
        let mut compared = Vec::new();
        loop {
            let number = self.played.saturating_sub(self.waiting.len() as u64);
            if self.waiting.is_empty() || !(before.is_final(number) && after.is_final(number)) {
                return Ok(compared);
            }
            let Some(Waiting { event, lacks }) = self.waiting.pop_front() else { return Ok(compared) };
            let (one, other) = (before.take(number), after.take(number));
            let decisions = [&one, &other].map(|played| played.as_ref().map(|played| Arc::clone(&played.record)));
            let outcome = match lacks {
                Some([one, other]) => Outcome {
                    before: one.map_or_else(nothing, Verdict::Lacks),
                    after: other.map_or_else(nothing, Verdict::Lacks),
                    difference: None,
                    new_text: None,
                },
                None => outcome::compare((before, one), (after, other)).await?,
            };
            for (side, decision) in [&*before, &*after].into_iter().zip(decisions) {
                if let Some(decision) = decision {
                    side.release(&decision.id);
                }
            }
            compared.push((event, outcome));
        }
    }
}

/// What is said of a set that lacks nothing of an event which the other cannot decide.
fn nothing() -> Verdict {
    Verdict::Decided(outcome::no_decision())
}

/// Both at the same time; what they log is not of the service.
async fn both<A: Send + 'static, B: Send + 'static>(
    one: impl Future<Output = Result<A, ReplayError>> + Send + 'static,
    other: impl Future<Output = Result<B, ReplayError>> + Send + 'static,
) -> Result<(A, B), ReplayError> {
    let mut other = Ends(tokio::spawn(other.with_subscriber(NoSubscriber::new())));
    let other = async {
        match (&mut other.0).await {
            Ok(played) => played,
            Err(error) => Err(ReplayError::Failed(error.to_string())),
        }
    };
    // Where one fails, the other may wait for it.
    try_join(one.with_subscriber(NoSubscriber::new()), other).await
}

/// A task that ends with whoever waits for it.
struct Ends<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Ends<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

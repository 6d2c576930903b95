//! Events of the past, played again by two sets of rules through the real engine, each with an engine, a store in memory, a
//! clock and an account of its own: what would have been sent, not only what matches.
//!
//! | file | holds |
//! |---|---|
//! | `order` | events in the order of time, each once, with what later ones tell of their threads |
//! | `scene` | one event as both sides see it: without what the service itself did then |
//! | `account` | the threads as one side sees them: with what it has done in this play |
//! | `side` | one set of rules with its engine, its store and its clock |
//! | `opt_outs` | who has opted out, as a side knows it |
//! | `workspaces` | the workspaces of a side, in the modes of then |
//! | `earlier` | what was sent before the first event |
//! | `outcome` | what became of an event, and where both sides differ |

mod account;
mod earlier;
mod opt_outs;
mod order;
mod outcome;
mod scene;
mod side;
mod workspaces;

use super::{
    compare::{Lack, Outcome, Side as Verdict},
    event_line::EventLine,
    missing::find_lack,
};
use crate::{model::WorkspaceSettings, rules::RuleSet, store::StoreError};
pub(super) use outcome::GIVEN_UP;

use order::{InOrder, ThreadKey};
use scene::Scene;
use side::Side;
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
    /// The store in memory.
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
    /// No store in memory can be made.
    pub async fn new(
        before: &RuleSet,
        after: &RuleSet,
        workspaces: impl IntoIterator<Item = WorkspaceSettings>,
    ) -> Result<Self, ReplayError> {
        let settings: HashMap<_, _> =
            workspaces.into_iter().map(|workspace| (workspace.name.clone(), workspace)).collect();
        let settings = Arc::new(settings);
        let sides = [Side::new(before, Arc::clone(&settings)).await?, Side::new(after, settings).await?];
        Ok(Self {
            sides: Some(sides),
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
    /// An event comes too late, or the store in memory fails.
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
    /// The store in memory fails.
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
            && let Some((event, later)) = self.order.next()
        {
            let start = *self.order.start().get_or_insert(event.time);
            let scene = Scene::new(self.played, event, later.as_deref(), start);
            self.played += 1;
            let lacks = self.lacks(&scene);
            self.threads.insert(scene.key());
            self.waiting.push_back(Waiting { event: scene.without_texts(), lacks: lacks.clone() });
            scenes.push((scene, lacks.is_some()));
        }
        let Some([mut before, mut after]) = self.sides.take() else { return Ok(Vec::new()) };
        let scenes = Arc::new(scenes);
        let same = Arc::clone(&scenes);
        let played = both(async move { before.play_all(&same).await.map(|found| (before, found)) }, async move {
            after.play_all(&scenes).await.map(|found| (after, found))
        });
        let ((before, lacks_before), (after, lacks_after)) = played.await?;
        let first = self.waiting.len().saturating_sub(lacks_before.len());
        for ((waiting, before), after) in self.waiting.iter_mut().skip(first).zip(lacks_before).zip(lacks_after) {
            if waiting.lacks.is_none() && (before.is_some() || after.is_some()) {
                waiting.lacks = Some([before, after]);
            }
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
            let outcome = match lacks {
                Some([one, other]) => Outcome {
                    before: one.map_or_else(nothing, Verdict::Lacks),
                    after: other.map_or_else(nothing, Verdict::Lacks),
                    difference: None,
                    new_text: None,
                },
                None => outcome::compare((before, one), (after, other)).await?,
            };
            compared.push((event, outcome));
        }
    }

    /// What the sets need and the event lacks. An event that one of them cannot decide is played by neither, so that what they
    /// do later differs by their rules alone.
    fn lacks(&self, scene: &Scene) -> Option<[Option<Lack>; 2]> {
        let event = &scene.event;
        if event.thread.is_some() && scene.messages.is_some() {
            return None;
        }
        let is_known = self.threads.contains(&scene.key());
        let lack = |side: &Side| find_lack(side.rules(), event, scene.read.as_deref(), is_known);
        let [before, after] = self.sides.as_ref()?;
        let lacks = [lack(before), lack(after)];
        lacks.iter().any(Option::is_some).then_some(lacks)
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
    let other = Ends(tokio::spawn(other.with_subscriber(NoSubscriber::new())));
    let one = one.with_subscriber(NoSubscriber::new()).await?;
    let mut other = other;
    let other = (&mut other.0).await.map_err(|error| ReplayError::Failed(error.to_string()))??;
    Ok((one, other))
}

/// A task that ends with whoever waits for it.
struct Ends<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Ends<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

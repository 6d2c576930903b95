//! The run of a backtest: events out of a source, decided by two sets of rules, summed up as they come.

use super::{
    bad_line::BadLine,
    compare::Outcome,
    event_line::EventLine,
    report::{Report, Unreadable},
};
use crate::{rules::RuleSet, store::StoreError};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use std::{sync::Arc, time::Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

/// Why a backtest has no result.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// A line of a file is no event.
    #[error("{place}: {error}")]
    Line {
        /// The file and the line.
        place: String,
        /// What is wrong with it.
        error: BadLine,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Events cannot be read from elsewhere, or cannot be decided; in a sentence.
    #[error("{0}")]
    Failed(String),
    /// Whoever asked for it wants it no more.
    #[error("the backtest was cancelled")]
    Cancelled,
}

/// What is compared: two sets of rules, on which events.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The earlier rules.
    pub before: Arc<RuleSet>,
    /// The later rules.
    pub after: Arc<RuleSet>,
    /// Only events that were evaluated then or later.
    pub since: Option<Timestamp>,
    /// Only events of these workspaces.
    pub workspaces: Option<Vec<String>>,
}

/// An event out of a source, read or not yet.
#[derive(Debug)]
pub enum Item {
    /// An event.
    Event(Box<EventLine>),
    /// A line that holds one.
    Line {
        /// The file and the line, for errors.
        place: String,
        /// The line.
        text: String,
    },
    /// A file that holds one, which cannot be read, or of which nobody knows when it was.
    Unreadable(Unreadable),
}

/// What an item turns out to be.
#[derive(Debug)]
pub enum Read {
    /// An event to decide.
    Event(Box<EventLine>),
    /// It cannot be read.
    Unreadable(Unreadable),
    /// Neither set knows its workspace.
    UnknownWorkspace,
    /// It is not of this time, or not of these workspaces.
    LeftOut,
}

/// What became of an item.
#[derive(Debug)]
pub enum Done {
    /// Both sets have decided, or could not.
    Compared(Box<(EventLine, Outcome)>),
    /// It could not be read.
    Unreadable(Unreadable),
    /// Neither set knows its workspace.
    UnknownWorkspace,
    /// It is not of this time, or not of these workspaces.
    LeftOut,
    /// It was given before.
    Repeated,
}

/// Where events come from.
#[async_trait]
pub trait EventSource: Send {
    /// The next ones, oldest first; none at the end.
    async fn next(&mut self) -> Result<Vec<Item>, BacktestError>;

    /// How many there are, if that is known.
    fn total(&self) -> Option<u64> {
        None
    }
}

/// Says what both sets of a comparison do with events.
#[async_trait]
pub trait Decider: Send {
    /// Decides the next events, in order. What becomes of one may be told later, when that is known.
    async fn decide(&mut self, items: Vec<Item>) -> Result<Vec<Done>, BacktestError>;

    /// There are no more events: tells what is not told yet, some at a time, until it says `None`.
    async fn finish(&mut self) -> Result<Option<Vec<Done>>, BacktestError> {
        Ok(None)
    }
}

/// How far a backtest is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// The events that are done, whatever became of them.
    pub done: u64,
    /// Of so many, if that is known.
    pub total: Option<u64>,
    /// Those whose outcome differs so far.
    pub changed: u64,
    /// When the oldest of them was evaluated: events come in this order.
    pub from: Option<Timestamp>,
    /// When the newest of them was evaluated.
    pub up_to: Option<Timestamp>,
}

/// How much of the machine a backtest takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// All cores, all the time.
    Full,
    /// One thread that decides, and after each piece of work a rest as long as it took: beside a service that has to answer.
    Background,
}

/// Whoever watches a run, and may end it.
#[derive(Debug, Clone)]
pub struct Monitor {
    /// How far it is.
    pub progress: watch::Sender<Progress>,
    /// Ends it.
    pub cancelled: CancellationToken,
    /// How much of the machine it takes.
    pub pace: Pace,
}

impl Monitor {
    /// Nobody has asked how far it is.
    pub fn new(pace: Pace) -> Self {
        Self { progress: watch::Sender::new(Progress::default()), cancelled: CancellationToken::new(), pace }
    }

    /// Rests as long as the work took that began then, in the background.
    async fn rest(&self, began: Instant) -> Result<(), BacktestError> {
        if self.pace == Pace::Background {
            let rest = tokio::time::sleep(began.elapsed());
            self.cancelled.run_until_cancelled(rest).await.ok_or(BacktestError::Cancelled)?;
        }
        Ok(())
    }
}

impl Comparison {
    /// Reads an item, and says whether it counts.
    ///
    /// # Errors
    /// It is no event.
    pub fn read(&self, item: Item) -> Result<Read, BacktestError> {
        let event = match item {
            Item::Event(event) => event,
            Item::Unreadable(unreadable) => return Ok(Read::Unreadable(unreadable)),
            Item::Line { place, text } => {
                Box::new(EventLine::from_json(&text).map_err(|error| BacktestError::Line { place, error })?)
            }
        };
        let is_young = self.since.is_none_or(|since| event.time >= since);
        if !is_young || self.workspaces.as_ref().is_some_and(|names| !names.contains(&event.workspace)) {
            return Ok(Read::LeftOut);
        }
        let knows = |set: &RuleSet| {
            let mut views = set.views().peekable();
            views.peek().is_none() || views.any(|(name, _)| name == event.workspace)
        };
        Ok(if knows(&self.before) || knows(&self.after) { Read::Event(event) } else { Read::UnknownWorkspace })
    }
}

/// Compares all events of a source, some at a time: while these are decided, the next ones are read. The report holds what was
/// found so far, also where the run ends early.
///
/// # Errors
/// Events cannot be read or decided, or the run was cancelled.
pub async fn run(
    source: &mut dyn EventSource,
    decider: &mut dyn Decider,
    report: &mut Report,
    monitor: &Monitor,
) -> Result<(), BacktestError> {
    let mut progress = Progress { total: source.total(), ..Progress::default() };
    let mut next = source.next().await?;
    while !next.is_empty() {
        let began = Instant::now();
        progress.from = progress.from.or_else(|| next.iter().find_map(time_of));
        let work = async { tokio::join!(decider.decide(next), source.next()) };
        let (done, read) = monitor.cancelled.run_until_cancelled(work).await.ok_or(BacktestError::Cancelled)?;
        add(report, done?, &mut progress, monitor);
        next = read?;
        monitor.rest(began).await?;
    }
    loop {
        let began = Instant::now();
        let rest = monitor.cancelled.run_until_cancelled(decider.finish()).await.ok_or(BacktestError::Cancelled)?;
        let Some(done) = rest? else { return Ok(()) };
        add(report, done, &mut progress, monitor);
        monitor.rest(began).await?;
    }
}

fn time_of(item: &Item) -> Option<Timestamp> {
    match item {
        Item::Event(event) => Some(event.time),
        Item::Line { .. } | Item::Unreadable(_) => None,
    }
}

fn add(report: &mut Report, done: Vec<Done>, progress: &mut Progress, monitor: &Monitor) {
    progress.done += done.len() as u64;
    for done in done {
        match done {
            Done::Compared(found) => {
                progress.up_to = Some(found.0.time);
                report.add(&found.0, found.1);
            }
            Done::Unreadable(unreadable) => report.add_unreadable(unreadable),
            Done::UnknownWorkspace => report.unknown_workspace += 1,
            Done::Repeated => report.repeated_events += 1,
            Done::LeftOut => {}
        }
    }
    progress.changed = report.changed;
    monitor.progress.send_replace(*progress);
}

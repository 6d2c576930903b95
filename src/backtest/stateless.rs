//! Events decided one by one, as they were evaluated: what one set of rules would have sent changes nothing for the next event.

use super::{
    compare::compare,
    run::{BacktestError, Comparison, Decider, Done, Item, Pace, Read},
};
use async_trait::async_trait;
use std::{sync::Arc, thread};

/// Compares matching alone.
#[derive(Debug)]
pub struct Stateless {
    comparison: Arc<Comparison>,
    threads: usize,
}

impl Stateless {
    /// Decides on as many threads as the pace allows.
    pub fn new(comparison: Arc<Comparison>, pace: Pace) -> Self {
        let threads = match pace {
            Pace::Full => thread::available_parallelism().map_or(1, usize::from),
            Pace::Background => 1,
        };
        Self { comparison, threads }
    }
}

#[async_trait]
impl Decider for Stateless {
    async fn decide(&mut self, items: Vec<Item>) -> Result<Vec<Done>, BacktestError> {
        let (comparison, threads) = (Arc::clone(&self.comparison), self.threads);
        let working =
            tokio::task::spawn_blocking(move || in_parallel(items, threads, |item| decide(&comparison, item)));
        let done = working.await.map_err(|error| BacktestError::Failed(format!("deciding has failed: {error}")))?;
        done.into_iter().collect()
    }
}

fn decide(comparison: &Comparison, item: Item) -> Result<Done, BacktestError> {
    Ok(match comparison.read(item)? {
        Read::Event(mut event) => {
            let outcome = compare(&comparison.before, &comparison.after, &mut event);
            Done::Compared(Box::new((*event, outcome)))
        }
        Read::Unreadable(unreadable) => Done::Unreadable(unreadable),
        Read::UnknownWorkspace => Done::UnknownWorkspace,
        Read::LeftOut => Done::LeftOut,
    })
}

/// Does it with every item; the results are in the order of the items.
fn in_parallel<I: Send, D: Send>(items: Vec<I>, threads: usize, work: impl Fn(I) -> D + Sync) -> Vec<D> {
    if threads < 2 {
        return items.into_iter().map(work).collect();
    }
    let size = items.len().div_ceil(threads).max(1);
    let mut parts: Vec<Vec<I>> = Vec::with_capacity(threads);
    let mut items = items.into_iter();
    loop {
        let part: Vec<I> = items.by_ref().take(size).collect();
        if part.is_empty() {
            break;
        }
        parts.push(part);
    }
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> =
            parts.into_iter().map(|part| scope.spawn(move || part.into_iter().map(work).collect::<Vec<D>>())).collect();
        // A part that panicked ends the run: nothing of it may be missing from the result.
        running
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

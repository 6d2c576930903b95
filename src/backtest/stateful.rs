//! Events played with all state: what one set of rules would have sent counts for the events that follow.

use super::{
    replay::{Compared, Replay, ReplayError},
    run::{BacktestError, Comparison, Decider, Done, Item, Read},
};
use crate::model::WorkspaceSettings;
use async_trait::async_trait;
use std::sync::Arc;

/// Plays the events of a comparison.
pub struct Stateful {
    comparison: Arc<Comparison>,
    replay: Replay,
}

impl Stateful {
    /// Nothing is played yet. `workspaces` are those of the configuration.
    ///
    /// # Errors
    /// Nothing can stand for the accounts.
    pub fn new(
        comparison: Arc<Comparison>,
        workspaces: impl IntoIterator<Item = WorkspaceSettings>,
    ) -> Result<Self, BacktestError> {
        let replay = Replay::new(&comparison.before, &comparison.after, workspaces)?;
        Ok(Self { comparison, replay })
    }
}

#[async_trait]
impl Decider for Stateful {
    async fn decide(&mut self, items: Vec<Item>) -> Result<Vec<Done>, BacktestError> {
        let mut done = Vec::new();
        let mut events = Vec::with_capacity(items.len());
        for item in items {
            match self.comparison.read(item)? {
                Read::Event(event) => events.push(*event),
                Read::Unreadable(unreadable) => done.push(Done::Unreadable(unreadable)),
                Read::UnknownWorkspace => done.push(Done::UnknownWorkspace),
                Read::LeftOut => done.push(Done::LeftOut),
            }
        }
        let before = self.replay.repeated();
        done.extend(self.replay.add(events).await?.into_iter().map(compared));
        done.extend((before..self.replay.repeated()).map(|_| Done::Repeated));
        Ok(done)
    }

    async fn finish(&mut self) -> Result<Option<Vec<Done>>, BacktestError> {
        Ok(self.replay.rest().await?.map(|found| found.into_iter().map(compared).collect()))
    }
}

fn compared(found: Compared) -> Done {
    Done::Compared(Box::new(found))
}

impl From<ReplayError> for BacktestError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Store(error) => Self::Store(error),
            other => Self::Failed(other.to_string()),
        }
    }
}

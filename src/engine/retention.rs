//! Removing what is old: calmly, while all else goes on.

use super::shared::Shared;
use crate::store::{RemovalMark, RemoveBefore, StoreError};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The first pass begins so long after the start.
const FIRST: Duration = Duration::from_secs(60);
/// The time between two passes.
const EVERY: Duration = Duration::from_secs(3_600);
/// The shortest rest between two steps of a pass.
const REST: Duration = Duration::from_millis(50);
/// A rest takes so many times as long as the step before it: what it does to a busy disk stays a small part of its time.
const RESTS: u32 = 9;

impl Shared {
    /// Removes what is old until `shutdown`. Several processes on one store may do so at once.
    pub(in crate::engine) async fn remove_old_records(&self, shutdown: &CancellationToken) {
        let mut next = FIRST;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(next) => {}
            }
            next = EVERY;
            if let Err(error) = self.remove_old_once(shutdown).await {
                tracing::warn!(%error, "old records were not removed; the next pass goes on");
            }
        }
    }

    /// One pass over all that is old; returns how many decisions it removed.
    pub(in crate::engine) async fn remove_old_once(&self, shutdown: &CancellationToken) -> Result<u64, StoreError> {
        let before = self.removable_before();
        let (mut next, mut removed) = (Some(RemovalMark::default()), 0);
        if before.latest().is_none() || self.dry_run {
            return Ok(0);
        }
        while let Some(from) = next {
            let began = Instant::now();
            let step = self.store.remove_old_decisions(&before, from).await?;
            (next, removed) = (step.next, removed + step.decisions);
            if !rest(began, shutdown).await {
                return Ok(removed);
            }
        }
        // A line of the audit log may be about any workspace.
        if let Some(before) = before.others {
            let mut began = Instant::now();
            while self.store.remove_old_audit(before).await? > 0 && rest(began, shutdown).await {
                began = Instant::now();
            }
        }
        let mut began = Instant::now();
        while self.store.give_back_space().await? && rest(began, shutdown).await {
            began = Instant::now();
        }
        if removed > 0 {
            tracing::info!(decisions = removed, "removed what is older than `retention`");
        }
        Ok(removed)
    }

    /// What may be removed now. What belongs to a workspace that is not configured any more, or to none, is kept as long as
    /// the longest of the others.
    fn removable_before(&self) -> RemoveBefore {
        let now = self.now();
        let before = |span: Option<Duration>| span.and_then(|span| now.checked_sub(span).ok());
        let workspaces: HashMap<String, Option<Timestamp>> = self
            .workspaces
            .now()
            .iter()
            .map(|workspace| (workspace.name().to_owned(), before(workspace.settings().retention)))
            .collect();
        let others =
            if workspaces.values().any(Option::is_none) { None } else { workspaces.values().flatten().min().copied() };
        RemoveBefore { others, workspaces }
    }
}

/// Rests after a step; false once the service stops.
async fn rest(began: Instant, shutdown: &CancellationToken) -> bool {
    let pause = began.elapsed().saturating_mul(RESTS).max(REST);
    tokio::select! {
        () = shutdown.cancelled() => false,
        () = tokio::time::sleep(pause) => true,
    }
}

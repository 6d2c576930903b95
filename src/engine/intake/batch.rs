//! A batch of pending threads: several are read and decided at once, those of one lead one after another.

use super::Intake;
use super::pending::{HandleReport, Handled, IntakeError};
use super::records::lead_key;
use crate::engine::{Workspace, failpoint::mutated, read_failures::Reach};
use crate::{
    coldsend::{ApiError, Scope},
    store::{ReadyThread, StoreError},
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// A thread that could not be read is read again after this, then twice as long each time.
pub(super) const FIRST_DEFERRAL: Duration = Duration::from_secs(60);
pub(super) const MAX_DEFERRAL: Duration = Duration::from_secs(3_600);
/// You are alerted after this many tries in a row, about a quarter of an hour.
const TOLD_AFTER: u32 = 5;
/// When threads that cannot be read have taken this long, the rest waits for the next pass, so that polling goes on.
const MAX_FAILING: Duration = Duration::from_secs(20);

/// What has become of a batch so far.
struct Batch {
    report: HandleReport,
    patience: Patience,
    /// Why nothing more begins.
    error: Option<IntakeError>,
}

/// What has become of one thread.
enum End {
    Decided(String),
    NoEvent,
    /// It stays pending.
    Waits,
    /// It could not be read and stays pending.
    Unread(ApiError, Reach),
}

impl Intake {
    /// Handles these threads, several at once.
    pub(super) async fn handle_batch(
        &self,
        workspace: &Workspace,
        threads: Vec<ReadyThread>,
    ) -> Result<HandleReport, IntakeError> {
        if threads.is_empty() {
            return Ok(HandleReport::default());
        }
        let state = &self.shared.store.workspace_state(workspace.name()).await?;
        let overrides = &self.shared.store.override_modes().await?;
        let patience = Patience { most: workspace.read_failures.most_failures(), failed: 0, slow: Duration::ZERO };
        let mut batch = Batch { report: HandleReport::default(), patience, error: None };
        let mut waiting: VecDeque<ReadyThread> = threads.into();
        let mut running = FuturesUnordered::new();
        let mut leads = HashSet::new();
        loop {
            while batch.error.is_none() && !batch.report.unfinished && running.len() < workspace.reading.size() {
                let Some(place) = waiting.iter().position(|thread| !leads.contains(&lead_of(thread))) else { break };
                let Some(thread) = waiting.remove(place) else { break };
                leads.insert(lead_of(&thread));
                workspace.poll_health.record_progress(self.shared.now());
                running.push(async move {
                    let began = Instant::now();
                    let handled = self.handle(workspace, &thread.pending, state, overrides).await;
                    let end = self.put_off_if_open(workspace, &thread, handled).await;
                    (lead_of(&thread), began.elapsed(), end)
                });
            }
            // What has begun ends, whatever happened to others. Nothing may be awaited between: what runs would stand still,
            // with what it holds of the store.
            let Some((lead, took, end)) = running.next().await else { break };
            leads.remove(&lead);
            batch.record(workspace, took, end);
        }
        match batch.error {
            Some(error) => Err(error),
            None => Ok(batch.report),
        }
    }

    /// Defers a thread that waits or could not be read. The error ends the batch.
    async fn put_off_if_open(
        &self,
        workspace: &Workspace,
        thread: &ReadyThread,
        handled: Result<Handled, IntakeError>,
    ) -> Result<End, IntakeError> {
        let row = &thread.pending.row;
        Ok(match handled {
            Ok(Handled::Decided(decided)) => End::Decided(decided.record.id.clone()),
            Ok(Handled::NoEvent) => End::NoEvent,
            Ok(Handled::Waits(until)) => {
                self.shared.store.put_off(workspace.name(), row, until, false).await?;
                End::Waits
            }
            Err(IntakeError::Api(_)) if mutated!(self.shared, DropUnreadable) => {
                self.settle(workspace, &thread.pending, None).await?;
                End::NoEvent
            }
            // The person was erased while this was read: it is as if it had been dealt with before.
            Err(IntakeError::Store(StoreError::Forgotten)) => {
                workspace.forget_thread(&row.id);
                End::NoEvent
            }
            Err(IntakeError::Api(error @ ApiError::TooLarge { .. })) => {
                match self.record_unreadable(workspace, &thread.pending, &error).await {
                    Ok(id) => End::Decided(id),
                    Err(StoreError::Forgotten) => End::NoEvent,
                    Err(error) => return Err(error.into()),
                }
            }
            Err(IntakeError::Api(error)) => {
                let reach = workspace.read_failures.record_failure(&row.id, &error, self.shared.now());
                if reach == Reach::Workspace && error.scope() != Scope::Unclear {
                    return Err(error.into());
                }
                tracing::warn!(
                    workspace = workspace.name(),
                    thread = row.id,
                    error = %error,
                    "thread could not be read; it stays pending"
                );
                let pause = FIRST_DEFERRAL * (1 << thread.failures.min(6));
                let until = self.shared.now().saturating_add(pause.min(MAX_DEFERRAL)).unwrap_or(Timestamp::MAX);
                self.shared.store.put_off(workspace.name(), row, until, true).await?;
                if reach != Reach::Workspace && thread.failures + 1 == TOLD_AFTER {
                    self.shared.alerts.alert_unread(workspace, row, &error);
                }
                End::Unread(error, reach)
            }
            Err(error) => return Err(error),
        })
    }
}

impl Batch {
    fn record(&mut self, workspace: &Workspace, took: Duration, end: Result<End, IntakeError>) {
        match end {
            Ok(End::Decided(id)) => {
                self.report.decisions.push(id);
                workspace.reading.widen();
                workspace.wake_executor();
            }
            Ok(End::NoEvent) => {
                self.report.no_event += 1;
                workspace.reading.widen();
            }
            Ok(End::Waits) => self.report.left += 1,
            Ok(End::Unread(error, reach)) => {
                workspace.reading.close();
                self.report.left += 1;
                let is_over = self.patience.is_over(took);
                if reach == Reach::Workspace && is_over {
                    workspace.read_failures.record_given_up();
                    self.error.get_or_insert(error.into());
                }
                self.report.unfinished |= self.patience.slow >= MAX_FAILING;
            }
            Err(error) => {
                workspace.reading.close();
                self.error.get_or_insert(error);
            }
        }
    }
}

/// What is handled one after another: what one thread tells of a lead, such as an opt-out, holds for the next.
fn lead_of(thread: &ReadyThread) -> String {
    let row = &thread.pending.row;
    lead_key(row).unwrap_or_else(|| row.id.clone())
}

/// How much may fail before a pass stops, if nothing can be read.
struct Patience {
    most: usize,
    failed: usize,
    slow: Duration,
}

impl Patience {
    /// Counts a failure and the time it took.
    fn is_over(&mut self, took: Duration) -> bool {
        self.failed += 1;
        self.slow += took;
        self.failed >= self.most || self.slow >= MAX_FAILING
    }
}

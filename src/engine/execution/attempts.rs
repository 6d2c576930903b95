//! One try: its intent before the request, its outcome after it, and what follows a try that did not end well.

use super::Executor;
use super::caps::{MAX_WAIT, OnItsWay};
use super::guard::{Verdict, opted_out};
use crate::engine::{Workspace, failpoint::failpoint, read_failures::Reach, threads::own_replies::body_fingerprint};
use crate::{
    coldsend::{ApiError, Remedy, WriteError, WriteOutcome},
    model::{Action, ActionState, Attempt, AttemptOutcome, Reason, ReasonCode, Transition},
    store::{AtIntent, IntentResult, StoreError},
};
use jiff::Timestamp;
use std::time::Duration;

/// How long to wait before the second, third and fourth try.
const BACK_OFF: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(20), Duration::from_secs(300)];
/// A thread that cannot be read while others can is read again after this, then twice as long each time.
const FIRST_READ_PAUSE: Duration = Duration::from_secs(30);
const MAX_READ_PAUSE: Duration = Duration::from_secs(1_800);
/// A store that cannot write an outcome is asked again after this, then twice as long each time.
const FIRST_WRITE_PAUSE: Duration = Duration::from_millis(100);
const MAX_WRITE_PAUSE: Duration = Duration::from_secs(10);

/// How a try ended, and the status code of the response where there was one.
#[derive(Debug)]
pub(super) struct AttemptEnd {
    pub(super) outcome: AttemptOutcome,
    pub(super) status: Option<u16>,
}

impl From<AttemptOutcome> for AttemptEnd {
    fn from(outcome: AttemptOutcome) -> Self {
        Self { outcome, status: None }
    }
}

impl From<&WriteError> for AttemptEnd {
    fn from(WriteError { certainty, error }: &WriteError) -> Self {
        let status = error.status();
        let outcome = match certainty {
            WriteOutcome::Applied => AttemptOutcome::Accepted,
            WriteOutcome::Unknown => AttemptOutcome::Unclear,
            WriteOutcome::NotApplied if matches!(error, ApiError::BudgetExhausted { .. }) => AttemptOutcome::NoBudget,
            WriteOutcome::NotApplied if status.is_none() => AttemptOutcome::NotSent,
            WriteOutcome::NotApplied => AttemptOutcome::Refused,
        };
        Self { outcome, status }
    }
}

impl Executor {
    /// The write before the first byte leaves; `None` if it may not leave: then the action was changed. The rule's limit
    /// is counted in one step with the write. Replies have more to count, see [`Executor::reply`].
    pub(super) async fn set_in_flight<'a>(
        &self,
        workspace: &'a Workspace,
        action: &mut Action,
    ) -> Result<Option<OnItsWay<'a>>, StoreError> {
        if action.timing.limit.is_none() {
            return Ok(self.begin(workspace, action).await?.map(|_| OnItsWay::uncounted()));
        }
        let caps = workspace.caps(action.kind);
        let mut is_last_look = false;
        loop {
            let one_ended = caps.one_ended();
            let counting = caps.count().await;
            let Some(verdict) = self.limit_reached(action).await? else {
                return Ok(self.begin(workspace, action).await?.map(|_| caps.begin()));
            };
            drop(counting);
            if !caps.may_change(&verdict) {
                self.apply_verdict(workspace, action, verdict).await?;
                return Ok(None);
            }
            if is_last_look {
                self.apply_verdict(workspace, action, self.soon(verdict)).await?;
                return Ok(None);
            }
            is_last_look = tokio::time::timeout(MAX_WAIT, one_ended).await.is_err();
        }
    }

    /// The verdict of a cap that others on their way use up, for now: they may not count in a moment.
    pub(super) fn soon(&self, verdict: Verdict) -> Verdict {
        match verdict {
            Verdict::Wait(_, reason) | Verdict::Suppress(reason) => {
                Verdict::Wait(self.shared.now().saturating_add(2 * MAX_WAIT).unwrap_or(Timestamp::MAX), reason)
            }
            other => other,
        }
    }

    /// Writes the intent; `None` if the action may not leave. The pause and the opt-out that came since the guard passed are
    /// checked in the same transaction, which also says what else has come.
    pub(super) async fn begin(
        &self,
        workspace: &Workspace,
        action: &mut Action,
    ) -> Result<Option<AtIntent>, StoreError> {
        failpoint!(self.shared, GuardPassed, action);
        let verdict = match self.shared.write_intent(workspace, action).await? {
            IntentResult::Written(seen) => {
                failpoint!(self.shared, IntentWritten, action);
                return Ok(Some(seen));
            }
            IntentResult::Paused => paused(),
            IntentResult::OptedOut(evidence) => Verdict::Suppress(opted_out(&evidence)),
        };
        self.apply_verdict(workspace, action, verdict).await?;
        Ok(None)
    }

    /// Takes an intent back after the last check said no: nothing has left, and nothing counts as sent.
    pub(super) async fn withdraw(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        verdict: Verdict,
    ) -> Result<(), StoreError> {
        let Some(next) = verdict.into_transition(self.shared.expiry(workspace)) else { return Ok(()) };
        failpoint!(self.shared, GuardBlocked, action);
        action.sent_at = None;
        self.write_until_stored(workspace, action, next).await
    }

    /// The same after a last check that could not read the thread: the action was not tried, it waits.
    pub(super) async fn withdraw_unread(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        error: &ApiError,
    ) -> Result<(), StoreError> {
        action.sent_at = None;
        let next = self.after_failed_read(workspace, action, error).await?;
        self.write_until_stored(workspace, action, next).await
    }

    /// Writes how a try ended. A store that fails (a full disk) is waited for; if the process ends before, the next one
    /// finds the action in flight.
    pub(super) async fn record_outcome(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        end: impl Into<AttemptEnd>,
        next: Transition,
    ) -> Result<(), StoreError> {
        failpoint!(self.shared, ResponseReceived, action);
        let at = action.sent_at.unwrap_or_else(|| self.shared.now());
        let AttemptEnd { outcome, status } = end.into();
        if action.kind.is_api_write() {
            match outcome {
                AttemptOutcome::Accepted | AttemptOutcome::DryRun => workspace.acting.widen(),
                AttemptOutcome::Unclear | AttemptOutcome::NotSent | AttemptOutcome::NoBudget => {
                    workspace.acting.close();
                }
                _ if status == Some(429) => workspace.acting.close(),
                _ => {}
            }
        }
        action.attempts.push(Attempt { at, outcome, status, body: body_fingerprint(&action.payload) });
        let may_have_left = next.state().counts_toward_limits()
            && !matches!(next.state(), ActionState::Waiting | ActionState::Retrying);
        if !may_have_left {
            action.sent_at = None;
        }
        let written = self.write_until_stored(workspace, action, next).await;
        failpoint!(self.shared, OutcomeWritten, action);
        written
    }

    /// Writes the end of an intent, however long the store takes: an action that stays in flight on disk would be taken
    /// for one that may have left.
    async fn write_until_stored(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        next: Transition,
    ) -> Result<(), StoreError> {
        let mut pause = FIRST_WRITE_PAUSE;
        while let Err(error) = self.shared.write(action, next.clone()).await {
            self.wait_for_store(action, error, &mut pause).await?;
        }
        // Once, whatever fails after it.
        self.shared.publish_action(workspace, action);
        while let Err(error) = self.shared.wake_if_resumed(workspace, action).await {
            self.wait_for_store(action, error, &mut pause).await?;
        }
        Ok(())
    }

    /// Waits before the next try to write, each time longer; the error comes back if another try cannot help.
    async fn wait_for_store(&self, action: &Action, error: StoreError, pause: &mut Duration) -> Result<(), StoreError> {
        let StoreError::Database(detail) = &error else { return Err(error) };
        if self.shared.dry_run {
            return Err(error);
        }
        tracing::error!(action = %action.id, error = detail, "outcome not stored; trying again");
        tokio::time::sleep(*pause).await;
        *pause = (*pause * 2).min(MAX_WRITE_PAUSE);
        Ok(())
    }

    /// When the next try is due; `None` when there were enough. Call it before the try that just ended is added.
    pub(super) fn next_try(&self, action: &Action) -> Option<Timestamp> {
        // A try that only had to wait, for the budget, for the API's limit or for a key, is no failure.
        let waited = |attempt: &&Attempt| {
            let is_told_to = matches!(attempt.status, Some(401 | 403 | 429));
            action.kind.is_api_write() && (is_told_to || attempt.outcome == AttemptOutcome::NoBudget)
        };
        let failures = action.attempts.len() - action.attempts.iter().filter(waited).count();
        let pause = BACK_OFF.get(failures)?;
        Some(self.shared.now().saturating_add(*pause).unwrap_or(Timestamp::MAX))
    }

    /// What follows a try that failed but may be repeated.
    pub(super) fn schedule_retry(&self, action: &Action, reason: Reason) -> Transition {
        match self.next_try(action) {
            Some(due) => Transition::retry_at(due, reason),
            None => Transition::failed(reason),
        }
    }

    /// A read before the action itself failed: the action was not tried, it waits.
    pub(super) async fn wait_for_api(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        error: &ApiError,
    ) -> Result<(), StoreError> {
        let next = self.after_failed_read(workspace, action, error).await?;
        self.shared.transition(workspace, action, next).await
    }

    async fn after_failed_read(
        &self,
        workspace: &Workspace,
        action: &Action,
        error: &ApiError,
    ) -> Result<Transition, StoreError> {
        let reach = workspace.read_failures.record_failure(&action.thread_id, error, self.shared.now());
        let is_this_thread = matches!(reach, Reach::Thread(_));
        Ok(match error.remedy() {
            Remedy::MendKey if is_this_thread => {
                Transition::failed(Reason::new(ReasonCode::Refused, error.to_string()))
            }
            // The action was not tried, so that no try is used up.
            Remedy::TryAgain => Transition::wait_until(self.next_read(reach), reason_of(error)),
            Remedy::MendKey | Remedy::WaitFor(_) | Remedy::None => {
                self.after_rejection(workspace, action, error).await?
            }
        })
    }

    /// When a thread is read again: in half a minute, and later each time where others answer meanwhile.
    pub(super) fn next_read(&self, reach: Reach) -> Timestamp {
        let times = if let Reach::Thread(times) = reach { times.min(6) } else { 0 };
        let pause = (FIRST_READ_PAUSE * (1 << times)).min(MAX_READ_PAUSE);
        self.shared.now().saturating_add(pause).unwrap_or(Timestamp::MAX)
    }

    /// What follows a request that the API surely did not carry out.
    pub(super) async fn after_rejection(
        &self,
        workspace: &Workspace,
        action: &Action,
        error: &ApiError,
    ) -> Result<Transition, StoreError> {
        Ok(match error.remedy() {
            Remedy::MendKey => {
                self.shared.pause_on_auth_error(workspace, &error.to_string()).await?;
                Transition::wait_for_resume(reason_of(error))
            }
            Remedy::WaitFor(time) => {
                let due = self.shared.now().saturating_add(time).unwrap_or(Timestamp::MAX);
                Transition::wait_until(due, reason_of(error))
            }
            Remedy::TryAgain => self.schedule_retry(action, reason_of(error)),
            Remedy::None => Transition::failed(reason_of(error)),
        })
    }
}

fn reason_of(error: &ApiError) -> Reason {
    Reason::new(error.reason_code(), error.to_string())
}

/// What waits for an operator has no due date: resuming wakes it.
pub(super) fn paused() -> Verdict {
    Verdict::WaitForResume(Reason::new(ReasonCode::Paused, "nothing leaves until you resume"))
}

//! The executor: takes what is due, judges it again, and hands it to what its kind needs.
//!
//! Each step that changes an action is one write, refused by the store if somebody else (a person who approves, a newer
//! message) changed it first: then the step ends there and nothing leaves.

use crate::engine::{
    Engine, Workspace,
    execution::guard::{Verdict, check_store, check_thread, next_slot},
    failpoint::{Failpoint, Mutation},
    read_failures::Reach,
    status::EngineEventKind,
    threads::own_replies::body_fingerprint,
};
use crate::{
    coldsend::ApiError,
    model::{Action, ActionKind, ActionState, Attempt, Mode, Rate, Reason, ReasonCode, format_duration},
    rules::ThreadMessages,
    store::{IntentResult, Lane, SentFilter, StoreError},
};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before the second, third and fourth try.
const BACK_OFF: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(20), Duration::from_secs(300)];
/// How long a rule must be gone before what it planned is cancelled.
const RULE_GONE: Duration = Duration::from_secs(60);
/// How many due actions are looked at in one go.
const BATCH: u32 = 50;

/// After a step that took so long, what is due is looked up again.
const SLOW: Duration = Duration::from_secs(2);
/// How long a thread that cannot be read while others can is left alone at most.
const MAX_PAUSE: Duration = Duration::from_secs(1_800);

/// The outcomes of a try of which surely nothing was carried out: no place in the budget, no connection, a refusal.
pub(in crate::engine) const NO_BUDGET: &str = "no_budget";
const NOT_SENT: &str = "not_sent";
const REFUSED: &str = "refused";

/// How a try ended that was surely not carried out.
pub(in crate::engine) fn failure_outcome(error: &ApiError) -> &'static str {
    match (error, error.status()) {
        (ApiError::BudgetExhausted { .. }, _) => NO_BUDGET,
        (_, None) => NOT_SENT,
        (_, Some(_)) => REFUSED,
    }
}

/// Whether a try with this outcome was surely not carried out.
pub(in crate::engine) fn was_not_applied(outcome: &str) -> bool {
    [NO_BUDGET, NOT_SENT, REFUSED].contains(&outcome)
}

/// Why execution had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The store failed: nothing leaves without its intent on disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a run of the executor did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunReport {
    /// How many actions were looked at.
    pub looked_at: usize,
    /// Several threads in a row could not be read and none answers: the rest waits, and one is tried now and then.
    pub api_is_down: bool,
}

impl Engine {
    /// Carries out what is due in a lane, one after the other, until nothing is. Ends early, between two actions, when
    /// `stop` says so.
    pub async fn run_due(
        &self,
        workspace: &Workspace,
        lane: Lane,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<RunReport, ExecuteError> {
        let mut report = RunReport::default();
        loop {
            let except = workspace.slow_targets();
            let due = self.store.due_actions(workspace.name(), lane, self.now(), &except, BATCH).await?;
            if due.is_empty() {
                return Ok(report);
            }
            for action in due {
                if stop() {
                    return Ok(report);
                }
                report.looked_at += 1;
                let (began, failures) = (tokio::time::Instant::now(), workspace.evidence.failures());
                match self.step(workspace, action).await {
                    Ok(()) => {}
                    // Somebody changed it in the meantime: whoever did it has said what happens to it.
                    Err(StoreError::Changed(_)) => {}
                    Err(error) => return Err(error.into()),
                }
                let failed = lane == Lane::Api && workspace.evidence.failures() > failures;
                if failed && workspace.evidence.is_down() {
                    report.api_is_down = true;
                    return Ok(report);
                }
                // What has become due meanwhile may well come first.
                if failed || began.elapsed() >= SLOW {
                    break;
                }
            }
        }
    }

    /// One step of one action that is due.
    async fn step(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        if action.state == ActionState::Unknown {
            return self.verify(workspace, action).await;
        }
        let now = self.now();
        if action.state == ActionState::Held {
            let text = format!("nobody approved it within {}", format_duration(workspace.safety().drafts_expire));
            let expired = Verdict::Cancel(Reason::new(ReasonCode::TooOld, text));
            return self.apply_verdict(workspace, &mut action, expired).await;
        }
        if let Some(verdict) = self.check_controls(workspace, &action, now).await? {
            return self.apply_verdict(workspace, &mut action, verdict).await;
        }
        if self.has_waited(&action)
            && let Some(verdict) = self.no_longer_matches(workspace, &action, None).await?
        {
            return self.apply_verdict(workspace, &mut action, verdict).await;
        }
        if action.kind != ActionKind::Reply
            && let Some(verdict) = self.limit_reached(&action).await?
        {
            return self.apply_verdict(workspace, &mut action, verdict).await;
        }
        match action.kind {
            ActionKind::Reply => self.reply(workspace, action).await,
            ActionKind::Star | ActionKind::Unstar => self.star(workspace, action).await,
            ActionKind::MarkRead => self.mark_read(workspace, action).await,
            ActionKind::Slack | ActionKind::Email | ActionKind::Webhook => self.forward(workspace, action).await,
        }
    }

    /// What would become of an action if it came up now, without changing anything.
    pub(in crate::engine) async fn predict(
        &self,
        workspace: &Workspace,
        action: &Action,
        messages: &ThreadMessages,
    ) -> Result<Verdict, StoreError> {
        if let Some(verdict) = self.check_controls(workspace, action, self.now()).await? {
            return Ok(verdict);
        }
        if action.kind != ActionKind::Reply {
            return Ok(self.limit_reached(action).await?.unwrap_or(Verdict::Send));
        }
        match check_store(action, &self.store_facts(workspace, action).await?, workspace.safety(), self.now()) {
            Verdict::Send => {
                let answered = self.who_answered(workspace, &action.thread_id, messages.conversation()).await?;
                let own_sender = self.is_from_own_sender(messages).await?;
                Ok(check_thread(action, messages, own_sender, &answered))
            }
            other => Ok(other),
        }
    }

    /// What people and the clock say, whatever the kind: pauses, the rule's mode, its hours.
    async fn check_controls(
        &self,
        workspace: &Workspace,
        action: &Action,
        now: Timestamp,
    ) -> Result<Option<Verdict>, StoreError> {
        if self.is_paused(workspace.name()).await? && !self.is_mutated(Mutation::IgnorePause) {
            return Ok(Some(paused()));
        }
        let rules = self.rules();
        let rules = rules.of_workspace(workspace.name());
        let Some(rule) = rules.rule(&action.rule) else { return Ok(Some(self.rule_is_gone(&action.rule, now))) };
        let lowered = self.store.override_modes().await?.get(&action.rule).copied().unwrap_or_default();
        let mode = rule.mode.min(workspace.settings().mode).min(lowered);
        if mode <= Mode::Shadow {
            let reason = Reason::new(ReasonCode::RuleRemoved, format!("the rule is {mode} now"));
            return Ok(Some(Verdict::Cancel(reason)));
        }
        if mode == Mode::Draft && action.kind == ActionKind::Reply && !action.approved {
            return Ok(Some(Verdict::Hold(Reason::new(ReasonCode::Draft, "a person must approve it"))));
        }
        if action.approved {
            return Ok(None);
        }
        if let Some(name) = &action.timing.hours {
            let Some(hours) = rules.hours(name) else {
                let reason = Reason::new(ReasonCode::RuleRemoved, format!("the hours `{name}` are gone"));
                return Ok(Some(Verdict::Cancel(reason)));
            };
            if !hours.is_open(now) {
                let until = hours.next_open(now).unwrap_or(Timestamp::MAX);
                return Ok(Some(Verdict::Wait(until, Reason::new(ReasonCode::Hours, format!("outside `{name}`")))));
            }
        }
        Ok(None)
    }

    /// A rule may be gone for a moment only, while its file is being written: what it planned waits before it is cancelled.
    fn rule_is_gone(&self, rule: &str, now: Timestamp) -> Verdict {
        let since = self.board.rule_gone_since(rule);
        let until = since.saturating_add(RULE_GONE).unwrap_or(Timestamp::MAX);
        if now >= until && self.rules_error().is_none() {
            return Verdict::Cancel(Reason::new(ReasonCode::RuleRemoved, "the rule is gone"));
        }
        let text = "the rule is gone; it is cancelled unless the rule comes back within a minute";
        let again = if now < until { until } else { now.saturating_add(RULE_GONE).unwrap_or(Timestamp::MAX) };
        Verdict::Wait(again, Reason::new(ReasonCode::RuleRemoved, text))
    }

    /// The action's own `limit`, over all leads. The guard of a reply asks for it with the other caps.
    async fn limit_reached(&self, action: &Action) -> Result<Option<Verdict>, StoreError> {
        let Some(limit @ Rate { per, .. }) = action.timing.limit else { return Ok(None) };
        let since = self.now().saturating_sub(per).unwrap_or(Timestamp::MIN);
        let filter = SentFilter { kind: action.kind, lead_email: None, rule: Some(&action.rule) };
        let times = self.store.sent_since(&action.workspace, &filter, since).await?;
        let reason = || Reason::new(ReasonCode::Limit, format!("the rule's limit of {limit} is used up"));
        Ok(next_slot(&times, limit).map(|until| Verdict::Wait(until, reason())))
    }

    /// Writes what a verdict other than "send" means.
    pub(in crate::engine) async fn apply_verdict(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        verdict: Verdict,
    ) -> Result<(), StoreError> {
        let Some((state, due_at, reason)) = self.outcome_of(workspace, verdict) else { return Ok(()) };
        self.failpoint(Failpoint::GuardBlocked, Some(action)).await;
        self.transition(workspace, action, state, due_at, Some(reason)).await
    }

    /// The state, date and reason that a verdict other than "send" leads to.
    fn outcome_of(&self, workspace: &Workspace, verdict: Verdict) -> Option<(ActionState, Option<Timestamp>, Reason)> {
        Some(match verdict {
            Verdict::Send => return None,
            // What waits for a switch has no date: whoever turns the switch wakes it.
            Verdict::Wait(until, reason) => {
                (ActionState::Waiting, Some(until).filter(|until| *until < Timestamp::MAX), reason)
            }
            Verdict::Hold(reason) => (ActionState::Held, self.expiry(workspace), reason),
            Verdict::Suppress(reason) => (ActionState::Suppressed, None, reason),
            Verdict::Cancel(reason) => (ActionState::Cancelled, None, reason),
        })
    }

    /// Takes an intent back after the last look said no: nothing has left, and nothing counts as sent.
    pub(in crate::engine) async fn withdraw(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        verdict: Verdict,
    ) -> Result<(), StoreError> {
        let Some((state, due_at, reason)) = self.outcome_of(workspace, verdict) else { return Ok(()) };
        self.failpoint(Failpoint::GuardBlocked, Some(action)).await;
        action.sent_at = None;
        self.write_surely(workspace, action, (state, due_at, Some(reason))).await
    }

    /// The same after a last look that failed: the action was not tried, it waits.
    pub(in crate::engine) async fn withdraw_unread(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        error: &ApiError,
    ) -> Result<(), StoreError> {
        action.sent_at = None;
        let next = self.after_failed_look(workspace, action, error).await?;
        self.write_surely(workspace, action, next).await
    }

    /// Writes an action's new state and tells whoever listens.
    pub(in crate::engine) async fn transition(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        state: ActionState,
        due_at: Option<Timestamp>,
        reason: Option<Reason>,
    ) -> Result<(), StoreError> {
        action.state = state;
        action.due_at = due_at;
        action.reason = reason;
        action.updated_at = self.now();
        self.store.update_action(action).await?;
        self.announce(workspace, action);
        // Whoever resumes wakes what waits. One who resumed between the look at the pause and this write found nothing to
        // wake: so look once more, now that it can be woken.
        let code = action.reason.as_ref().map(|reason| reason.code);
        if state == ActionState::Waiting
            && due_at.is_none()
            && matches!(code, Some(ReasonCode::Paused | ReasonCode::Unauthorized))
            && !self.is_paused(workspace.name()).await?
        {
            action.due_at = Some(self.now());
            self.store.update_action(action).await?;
        }
        Ok(())
    }

    fn announce(&self, workspace: &Workspace, action: &Action) {
        tracing::info!(
            workspace = workspace.name(),
            thread = action.thread_id,
            action = %action.id,
            kind = %action.kind,
            rule = action.rule,
            state = %action.state,
            reason = action.reason.as_ref().map(|reason| reason.code.as_str()),
            body = action.attempts.last().and_then(|attempt| attempt.body.as_deref()),
            "action"
        );
        workspace.figures.record_action(action);
        self.board.publish(action.updated_at, workspace.name(), EngineEventKind::Action(Arc::new(action.clone())));
        if action.state == ActionState::Quarantined {
            self.alert_quarantined(workspace, action);
        }
        self.alert_failed(workspace, action);
    }

    /// When something that is held from now on is given up.
    pub(in crate::engine) fn expiry(&self, workspace: &Workspace) -> Option<Timestamp> {
        self.now().saturating_add(workspace.safety().drafts_expire).ok()
    }

    /// The write before the first byte leaves; whether it may leave. The pause and the opt-out that came since the guard
    /// looked are asked for in the same transaction.
    pub(in crate::engine) async fn set_in_flight(
        &self,
        workspace: &Workspace,
        action: &mut Action,
    ) -> Result<bool, StoreError> {
        self.failpoint(Failpoint::GuardPassed, Some(action)).await;
        let before = (action.state, action.due_at, action.reason.clone(), action.sent_at);
        action.state = ActionState::InFlight;
        action.due_at = None;
        action.reason = None;
        action.updated_at = self.now();
        action.sent_at = Some(self.now());
        let intent = if self.is_mutated(Mutation::LateIntent) {
            IntentResult::Written
        } else if self.is_mutated(Mutation::IgnorePause) || self.is_mutated(Mutation::SkipStoreCheck) {
            self.store.update_action(action).await?;
            IntentResult::Written
        } else {
            self.store.write_intent(action).await?
        };
        let verdict = match intent {
            IntentResult::Written => {
                self.announce(workspace, action);
                self.failpoint(Failpoint::IntentWritten, Some(action)).await;
                return Ok(true);
            }
            IntentResult::Paused => paused(),
            IntentResult::OptedOut(evidence) => {
                Verdict::Suppress(crate::engine::execution::guard::opted_out(&evidence))
            }
        };
        (action.state, action.due_at, action.reason, action.sent_at) = before;
        self.apply_verdict(workspace, action, verdict).await?;
        Ok(false)
    }

    /// Writes how a try ended. Whatever stops the store (a full disk) is waited out: until the outcome is on disk nothing
    /// else leaves, and if the process ends before, the next one finds the action in flight.
    pub(in crate::engine) async fn record_outcome(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        attempt: (&str, Option<u16>),
        next: (ActionState, Option<Timestamp>, Option<Reason>),
    ) -> Result<(), StoreError> {
        self.failpoint(Failpoint::ResponseReceived, Some(action)).await;
        let at = action.sent_at.unwrap_or_else(|| self.now());
        let body = body_fingerprint(&action.payload);
        action.attempts.push(Attempt { at, outcome: attempt.0.to_owned(), status: attempt.1, body });
        if !next.0.counts_toward_limits() || next.0 == ActionState::Waiting || next.0 == ActionState::Retrying {
            action.sent_at = None;
        }
        let written = self.write_surely(workspace, action, next).await;
        self.failpoint(Failpoint::OutcomeWritten, Some(action)).await;
        written
    }

    /// Writes what became of an action in flight, however long the store takes: one that stays in flight on disk would be
    /// taken for one that may have left.
    async fn write_surely(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        (state, due_at, reason): (ActionState, Option<Timestamp>, Option<Reason>),
    ) -> Result<(), StoreError> {
        let mut pause = std::time::Duration::from_millis(100);
        loop {
            match self.transition(workspace, action, state, due_at, reason.clone()).await {
                Err(StoreError::Database(detail)) if !self.dry_run => {
                    tracing::error!(action = %action.id, error = detail, "an outcome could not be written; trying again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(std::time::Duration::from_secs(10));
                }
                other => return other,
            }
        }
    }

    /// What follows a try that failed but may be repeated.
    pub(in crate::engine) fn schedule_retry(
        &self,
        action: &Action,
        reason: Reason,
    ) -> (ActionState, Option<Timestamp>, Option<Reason>) {
        // What only had to wait, for a place in the budget, for the API's limit or for a key, is no failure.
        let waited = |attempt: &&Attempt| {
            let told_to = matches!(attempt.status, Some(401 | 403 | 429)) || attempt.outcome == NO_BUDGET;
            action.kind.is_api_write() && told_to
        };
        let tries = action.attempts.len() - action.attempts.iter().filter(waited).count();
        match BACK_OFF.get(tries) {
            Some(pause) => {
                let due = self.now().saturating_add(*pause).unwrap_or(Timestamp::MAX);
                (ActionState::Retrying, Some(due), Some(reason))
            }
            None => (ActionState::Failed, None, Some(reason)),
        }
    }

    /// A request before the action itself (a read of the guard) failed: the action was not tried, it waits.
    pub(in crate::engine) async fn wait_for_api(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        error: &ApiError,
    ) -> Result<(), StoreError> {
        let (state, due_at, reason) = self.after_failed_look(workspace, action, error).await?;
        self.transition(workspace, action, state, due_at, reason).await
    }

    async fn after_failed_look(
        &self,
        workspace: &Workspace,
        action: &Action,
        error: &ApiError,
    ) -> Result<(ActionState, Option<Timestamp>, Option<Reason>), StoreError> {
        let reach = workspace.evidence.failed(&action.thread_id, error, self.now());
        if error.is_auth_error() && matches!(reach, Reach::Thread(_)) {
            return Ok((ActionState::Failed, None, Some(Reason::new(ReasonCode::Refused, error.to_string()))));
        }
        let (state, due_at, reason) = match self.after_rejection(workspace, action, error).await? {
            // It was not tried, so that no try is used up; and while the API is down, looking must not use up its budget.
            (_, _, reason) if may_pass(error) => (ActionState::Waiting, None, reason),
            (ActionState::Failed, _, reason) => (ActionState::Failed, None, reason),
            (_, due_at, reason) => (ActionState::Waiting, due_at, reason),
        };
        let due_at =
            due_at.or_else(|| (state == ActionState::Waiting && !error.is_auth_error()).then(|| self.soon(reach)));
        Ok((state, due_at, reason))
    }

    /// When a thread is read again: in half a minute, and later each time where others answer meanwhile.
    pub(in crate::engine) fn soon(&self, reach: Reach) -> Timestamp {
        let times = if let Reach::Thread(times) = reach { times.min(6) } else { 0 };
        let pause = (Duration::from_secs(30) * (1 << times)).min(MAX_PAUSE);
        self.now().saturating_add(pause).unwrap_or(Timestamp::MAX)
    }

    /// What follows when the API surely did not carry a request out.
    pub(in crate::engine) async fn after_rejection(
        &self,
        workspace: &Workspace,
        action: &Action,
        error: &ApiError,
    ) -> Result<(ActionState, Option<Timestamp>, Option<Reason>), StoreError> {
        let text = error.to_string();
        if error.is_auth_error() {
            self.pause_on_auth_error(workspace, &text).await?;
            return Ok((ActionState::Waiting, None, Some(Reason::new(ReasonCode::Unauthorized, text))));
        }
        if let Some(after) = error.retry_after() {
            let due = self.now().saturating_add(after).unwrap_or(Timestamp::MAX);
            return Ok((ActionState::Waiting, Some(due), Some(Reason::new(ReasonCode::Budget, text))));
        }
        Ok(match error {
            ApiError::Unreachable { .. }
            | ApiError::Interrupted { .. }
            | ApiError::Timeout { .. }
            | ApiError::Server { .. } => self.schedule_retry(action, Reason::new(ReasonCode::Unreachable, text)),
            _ => (ActionState::Failed, None, Some(Reason::new(ReasonCode::Refused, text))),
        })
    }

    /// Whether the workspace, or everything, is paused.
    pub(in crate::engine) async fn is_paused(&self, workspace: &str) -> Result<bool, StoreError> {
        let pauses = self.store.pauses().await?;
        Ok(pauses.iter().any(|pause| pause.workspace.as_deref().is_none_or(|name| name == workspace)))
    }
}

/// What waits for a switch has no date: whoever turns it wakes what waits.
pub(in crate::engine) fn paused() -> Verdict {
    Verdict::Wait(Timestamp::MAX, Reason::new(ReasonCode::Paused, "nothing leaves until somebody resumes"))
}

/// A read that another time may well succeed: an API that is down may answer with nonsense or point elsewhere, too.
fn may_pass(error: &ApiError) -> bool {
    let nonsense = matches!(error, ApiError::Malformed { .. } | ApiError::Redirected { .. });
    (error.is_transient() || nonsense) && error.retry_after().is_none()
}

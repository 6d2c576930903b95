//! Checks of every action, whatever its kind: pauses, the rule's mode and hours, its own limit.

use super::Executor;
use super::{
    attempts::paused,
    guard::{Verdict, check_store, check_thread, next_slot},
};
use crate::engine::{Workspace, failpoint::mutated, threads::takeover::detect_takeover};
use crate::{
    model::{Action, ActionKind, Mode, Rate, Reason, ReasonCode},
    rules::ThreadMessages,
    store::{ActionUnderControl, SentFilter, SentWindow, StoreError},
};
use jiff::Timestamp;
use std::time::Duration;

/// How long a rule must be gone before what it planned is cancelled.
const RULE_GONE: Duration = Duration::from_secs(60);

/// What people have switched that concerns an action.
#[derive(Debug, Clone, Copy)]
pub(super) struct Controls {
    /// Its workspace, or everything, is paused.
    is_paused: bool,
    /// The mode that its rule was lowered to.
    lowered: Option<Mode>,
}

impl Controls {
    pub(super) fn of(under: &ActionUnderControl) -> Self {
        Self { is_paused: under.is_paused, lowered: under.lowered }
    }
}

impl Executor {
    /// What would happen to an action if it were due now. Changes nothing.
    pub(in crate::engine) async fn predict(
        &self,
        workspace: &Workspace,
        action: &Action,
        messages: &ThreadMessages,
    ) -> Result<Verdict, StoreError> {
        let lowered = self.shared.store.override_modes().await?.get(&action.rule).copied();
        let controls = Controls { is_paused: self.shared.is_paused(workspace.name()).await?, lowered };
        if let Some(verdict) = self.check_controls(workspace, action, controls, self.shared.now()) {
            return Ok(verdict);
        }
        if action.kind != ActionKind::Reply {
            return Ok(self.limit_reached(action).await?.unwrap_or(Verdict::Send));
        }
        let counted = self.store_facts(workspace, action, false).await?;
        match check_store(action, &counted, workspace.safety(), self.shared.now()) {
            Verdict::Send => {
                let takeover =
                    detect_takeover(&*self.shared.store, workspace.name(), &action.thread_id, messages.conversation())
                        .await?;
                let own_sender = self.is_from_own_sender(messages).await?;
                Ok(check_thread(action, messages, own_sender, &takeover, workspace.safety().hold_uncertain))
            }
            other => Ok(other),
        }
    }

    /// Pauses, the rule's mode and its hours; `None` if none of them stands in the way.
    pub(super) fn check_controls(
        &self,
        workspace: &Workspace,
        action: &Action,
        controls: Controls,
        now: Timestamp,
    ) -> Option<Verdict> {
        if controls.is_paused && !mutated!(self.shared, IgnorePause) {
            return Some(paused());
        }
        let rules = self.shared.rules();
        let rules = rules.of_workspace(workspace.name());
        let Some(rule) = rules.rule(&action.rule) else { return Some(self.rule_is_gone(&action.rule, now)) };
        let mode = rule.mode.min(workspace.settings().mode).min(controls.lowered.unwrap_or_default());
        if mode <= Mode::Shadow {
            let reason = Reason::new(ReasonCode::RuleRemoved, format!("the rule is {mode} now"));
            return Some(Verdict::Cancel(reason));
        }
        if mode == Mode::Draft && action.kind == ActionKind::Reply && !action.approved {
            return Some(Verdict::Hold(Reason::new(ReasonCode::Draft, "needs approval")));
        }
        if action.approved {
            return None;
        }
        if let Some(name) = &action.timing.hours {
            let Some(hours) = rules.hours(name) else {
                let reason = Reason::new(ReasonCode::RuleRemoved, format!("the hours `{name}` are gone"));
                return Some(Verdict::Cancel(reason));
            };
            if !hours.is_open(now) {
                let reason = Reason::new(ReasonCode::Hours, format!("outside `{name}`"));
                return Some(match hours.next_open(now) {
                    Some(until) => Verdict::Wait(until, reason),
                    None => Verdict::WaitForResume(reason),
                });
            }
        }
        None
    }

    /// A rule may be gone for a moment while its file is being written: its actions wait before they are cancelled.
    fn rule_is_gone(&self, rule: &str, now: Timestamp) -> Verdict {
        let since = self.shared.status.rule_gone_since(rule);
        let until = since.saturating_add(RULE_GONE).unwrap_or(Timestamp::MAX);
        if now >= until && self.shared.status.rules_error().is_none() {
            return Verdict::Cancel(Reason::new(ReasonCode::RuleRemoved, "the rule is gone"));
        }
        let text = "the rule is gone; it is cancelled unless the rule comes back within a minute";
        let again = if now < until { until } else { now.saturating_add(RULE_GONE).unwrap_or(Timestamp::MAX) };
        Verdict::Wait(again, Reason::new(ReasonCode::RuleRemoved, text))
    }

    /// The action's own `limit`, over all leads. For a reply the guard checks it with the other caps.
    pub(super) async fn limit_reached(&self, action: &Action) -> Result<Option<Verdict>, StoreError> {
        let Some(limit @ Rate { per, .. }) = action.timing.limit else { return Ok(None) };
        let since = self.shared.now().saturating_sub(per).unwrap_or(Timestamp::MIN);
        let filter = SentFilter { kind: action.kind, lead_email: None, rule: Some(&action.rule) };
        let window = SentWindow { since, newest: limit.count };
        let times = self.shared.store.sent_since(&action.workspace, &filter, window).await?;
        let reason = || Reason::new(ReasonCode::Limit, format!("the rule's limit of {limit} is used up"));
        Ok(next_slot(&times, limit).map(|until| Verdict::Wait(until, reason())))
    }
}

//! Takes what is due, checks it again, and hands it to the function of its kind.
//!
//! Each step that changes an action is one write. The store rejects it if somebody else (an operator who approves, a
//! newer message) changed the action first: then the step ends and nothing leaves.

use super::Executor;
use super::{controls::Controls, guard::Verdict, pass::Pass};
use crate::engine::thread_cache::Given;
use crate::engine::threads::reevaluate::has_waited;
use crate::engine::{Workspace, failpoint::failpoint};
use crate::{
    model::{Action, ActionId, ActionKind, ActionState, Reason, ReasonCode, format_duration},
    rules::ThreadMessages,
    store::{Lane, StoreError},
};
use jiff::Timestamp;
use std::sync::Arc;

/// Why execution stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The store failed: nothing leaves without its intent on disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a run of the executor did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunReport {
    /// How many actions came up.
    pub looked_at: usize,
    /// Several threads in a row could not be read: the rest waits.
    pub api_is_down: bool,
}

impl Executor {
    /// Carries out what is due in a lane until nothing is: several threads at once, the actions of one thread one after
    /// another. When `stop` says so nothing more begins; what has begun ends and is recorded.
    pub async fn run_due(
        &self,
        workspace: &Workspace,
        lane: Lane,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<RunReport, ExecuteError> {
        Pass::new(self, workspace, lane, stop).run().await
    }

    /// Carries out one action of a thread if it is due, as [`Executor::run_due`] does; what becomes due by that is left to the
    /// caller. `messages` are those of the thread, where they need not be read from the account.
    ///
    /// # Errors
    /// The store fails.
    pub async fn carry_out(
        &self,
        workspace: &Workspace,
        (thread, id): (&str, &ActionId),
        messages: Option<Arc<ThreadMessages>>,
    ) -> Result<(), ExecuteError> {
        workspace.cache.give(thread, Some(Given { messages, ..Given::default() }));
        let ended = self.step(workspace, id).await;
        workspace.cache.give(thread, None);
        match ended {
            Ok(()) | Err(StoreError::Changed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// One step of one action that is due. One that was changed meanwhile and is not due any more is left alone.
    pub(super) async fn step(&self, workspace: &Workspace, id: &ActionId) -> Result<(), StoreError> {
        let Some(under) = self.shared.store.action_under_control(id).await? else { return Ok(()) };
        let controls = Controls::of(&under);
        let mut action = under.action;
        if !is_due(&action, self.shared.now()) {
            return Ok(());
        }
        if action.state == ActionState::Unknown {
            return self.verify(workspace, action).await;
        }
        let now = self.shared.now();
        if action.state == ActionState::Held {
            let text = format!("not approved within {}", format_duration(workspace.safety().drafts_expire));
            let expired = Verdict::Cancel(Reason::new(ReasonCode::TooOld, text));
            return self.apply_verdict(workspace, &mut action, expired).await;
        }
        if let Some(verdict) = self.check_controls(workspace, &action, controls, now) {
            return self.apply_verdict(workspace, &mut action, verdict).await;
        }
        if has_waited(&action, self.shared.now())
            && let Some(verdict) = self.shared.no_longer_matches(workspace, &action, None).await?
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
            ActionKind::Forward(_) => self.forward(workspace, action).await,
        }
    }

    /// Writes what a verdict other than "send" means.
    pub(super) async fn apply_verdict(
        &self,
        workspace: &Workspace,
        action: &mut Action,
        verdict: Verdict,
    ) -> Result<(), StoreError> {
        let Some(next) = verdict.into_transition(self.shared.expiry(workspace)) else { return Ok(()) };
        failpoint!(self.shared, GuardBlocked, action);
        self.shared.transition(workspace, action, next).await
    }
}

fn is_due(action: &Action, now: Timestamp) -> bool {
    action.comes_up() && action.due_at.is_some_and(|due| due <= now)
}

//! Recovery: actions that a process left in flight when it died.

use super::{Executor, verify::next_check};
use crate::engine::shared::Shared;
use crate::engine::{Workspace, failpoint::mutated, threads::own_replies::body_fingerprint};
use crate::{
    model::{Action, ActionKind, ActionState, Attempt, AttemptOutcome, Reason, ReasonCode, Transition},
    store::{ActionFilter, StoreError},
};

/// So many actions are read at once. Few are in flight when a process dies, as many as its lanes carry out side by side; but
/// several processes may have died one after the other.
const BATCH: u32 = 1_000;

impl Executor {
    /// Runs once before anything is executed: what is in flight on disk belongs to a process that is gone. A reply may
    /// have left, so it is unknown; what may be repeated (forwards, read) or read back (stars) is due again.
    pub async fn recover(&self, workspace: &Workspace) -> Result<usize, StoreError> {
        self.shared.recover(workspace).await
    }
}

impl Shared {
    /// See [`Executor::recover`]; a name that is adopted later is recovered, too.
    pub(in crate::engine) async fn recover(&self, workspace: &Workspace) -> Result<usize, StoreError> {
        let mut filter = ActionFilter {
            workspace: Some(workspace.name().to_owned()),
            states: vec![ActionState::InFlight],
            limit: BATCH,
            ..ActionFilter::default()
        };
        if mutated!(self, SkipRecovery) {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            let in_flight = self.store.actions(&filter).await?;
            let Some(oldest) = in_flight.last() else { return Ok(count) };
            filter.before = Some(oldest.id.0.clone());
            count += in_flight.len();
            for action in in_flight {
                match self.recover_action(workspace, action).await {
                    // Its lead was erased meanwhile.
                    Ok(()) | Err(StoreError::Changed(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn recover_action(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let at = action.sent_at.unwrap_or(action.updated_at);
        action.attempts.push(Attempt {
            at,
            outcome: AttemptOutcome::Interrupted,
            status: None,
            body: body_fingerprint(&action.payload),
        });
        let reason = Reason::new(ReasonCode::Ambiguous, "the program ended while it was on its way");
        if action.kind == ActionKind::Reply {
            let due = next_check(workspace, &action, self.now()).unwrap_or_else(|| self.now());
            return self.transition_recovered(workspace, &mut action, Transition::verify_at(due, reason)).await;
        }
        self.transition_recovered(workspace, &mut action, Transition::retry_at(self.now(), reason)).await
    }
}

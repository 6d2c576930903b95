//! Debug builds only: `REPLY_ROUTER_STOP_AT=STEP[:KIND[:COUNT]]` lets the program stand still at a named place, so that a
//! test can end it exactly there. `intent_written:reply:2` is the second time that the intent of a reply is on disk.

use crate::{
    engine::{Probe, Step},
    model::{Action, ActionKind},
};
use async_trait::async_trait;
use std::sync::atomic::{AtomicUsize, Ordering};

struct StopAt {
    step: Step,
    kind: Option<ActionKind>,
    /// How often the place is still passed.
    left: AtomicUsize,
}

/// The probe that the environment asks for; `None` without one, or where it names no place.
pub(super) fn from_env() -> Option<std::sync::Arc<dyn Probe>> {
    let wanted = std::env::var("REPLY_ROUTER_STOP_AT").ok()?;
    let mut parts = wanted.split(':');
    let name = parts.next()?;
    let step = Step::ALL.iter().copied().find(|step| step.as_str() == name)?;
    let kind = parts.next().and_then(|kind| kind.parse().ok());
    let count: usize = parts.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    Some(std::sync::Arc::new(StopAt { step, kind, left: AtomicUsize::new(count.saturating_sub(1)) }))
}

#[async_trait]
impl Probe for StopAt {
    async fn at(&self, step: Step, action: Option<&Action>) {
        let concerned = self.kind.is_none_or(|kind| action.is_some_and(|action| action.kind == kind));
        if step != self.step || !concerned {
            return;
        }
        let passes = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if !passes {
            tracing::warn!(step = step.as_str(), "standing still");
            std::future::pending::<()>().await;
        }
    }
}

//! Debug builds only: `REPLY_ROUTER_STOP_AT=STEP[:KIND[:COUNT[:WORKSPACE]]],…` lets the program stand still at named places,
//! so that a test can end it exactly there. `intent_written:reply:2` is the second time that the intent of a reply is on
//! disk. What stands at one place holds up nothing but its own flow: one end of the program can be at several places.

use crate::{
    engine::{Probe, Step},
    model::{Action, ActionKind},
};
use async_trait::async_trait;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Place {
    step: Step,
    kind: Option<ActionKind>,
    workspace: Option<String>,
    /// How often the place is still passed.
    left: AtomicUsize,
}

struct StopAt(Vec<Place>);

/// The probe that the environment asks for; `None` without one, or where it names no place.
pub(super) fn from_env() -> Option<std::sync::Arc<dyn Probe>> {
    let wanted = std::env::var("REPLY_ROUTER_STOP_AT").ok()?;
    let places: Vec<_> = wanted.split(',').filter_map(place).collect();
    if places.is_empty() { None } else { Some(std::sync::Arc::new(StopAt(places))) }
}

fn place(text: &str) -> Option<Place> {
    let mut parts = text.split(':');
    let name = parts.next()?;
    let step = Step::ALL.iter().copied().find(|step| step.as_str() == name)?;
    let kind = parts.next().and_then(|kind| kind.parse().ok());
    let count: usize = parts.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let workspace = parts.next().map(str::to_owned);
    Some(Place { step, kind, workspace, left: AtomicUsize::new(count.saturating_sub(1)) })
}

impl Place {
    fn is_at(&self, step: Step, action: Option<&Action>) -> bool {
        let concerns = |holds: &dyn Fn(&Action) -> bool| action.is_some_and(holds);
        self.step == step
            && self.kind.is_none_or(|kind| concerns(&|action| action.kind == kind))
            && self.workspace.as_ref().is_none_or(|name| concerns(&|action| action.workspace == *name))
    }

    fn passes(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

#[async_trait]
impl Probe for StopAt {
    async fn at(&self, step: Step, action: Option<&Action>) {
        for place in self.0.iter().filter(|place| place.is_at(step, action)) {
            if !place.passes() {
                let workspace = action.map(|action| action.workspace.as_str());
                tracing::warn!(step = step.as_str(), workspace, "standing still");
                std::future::pending::<()>().await;
            }
        }
    }
}

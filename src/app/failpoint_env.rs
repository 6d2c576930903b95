//! Debug builds only: `REPLY_ROUTER_STOP_AT=STEP[:KIND[:COUNT[:WORKSPACE]]],…` lets the program stand still at named places,
//! so that a test can end it exactly there. `intent_written:reply:2` is the second time that the intent of a reply is on
//! disk. What stands at one place holds up nothing but its own flow: one end of the program can be at several places.
//! `REPLY_ROUTER_MISTAKE=NAME,…` plants mistakes, so that a test can see that others would notice.

use crate::{
    engine::{Failpoint, Mutation, TestHooks},
    model::{Action, ActionKind},
};
use async_trait::async_trait;
use std::sync::atomic::{AtomicUsize, Ordering};

struct StopPoint {
    step: Failpoint,
    kind: Option<ActionKind>,
    workspace: Option<String>,
    /// How often the place is still passed.
    left: AtomicUsize,
}

struct StopAt {
    places: Vec<StopPoint>,
    mistakes: Vec<Mutation>,
}

/// The probe that the environment asks for; `None` where it names neither a place nor a mistake.
pub(super) fn from_env() -> Option<std::sync::Arc<dyn TestHooks>> {
    let named = |name| std::env::var(name).unwrap_or_default();
    let places: Vec<_> = named("REPLY_ROUTER_STOP_AT").split(',').filter_map(place).collect();
    let wanted = named("REPLY_ROUTER_MISTAKE");
    let is_wanted = |mistake: &Mutation| wanted.split(',').any(|name| name == mistake.as_str());
    let mistakes: Vec<_> = Mutation::ALL.iter().copied().filter(is_wanted).collect();
    if places.is_empty() && mistakes.is_empty() { None } else { Some(std::sync::Arc::new(StopAt { places, mistakes })) }
}

fn place(text: &str) -> Option<StopPoint> {
    let mut parts = text.split(':');
    let name = parts.next()?;
    let step = Failpoint::ALL.iter().copied().find(|step| step.as_str() == name)?;
    let kind = parts.next().and_then(|kind| kind.parse().ok());
    let count: usize = parts.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let workspace = parts.next().map(str::to_owned);
    Some(StopPoint { step, kind, workspace, left: AtomicUsize::new(count.saturating_sub(1)) })
}

impl StopPoint {
    fn is_at(&self, step: Failpoint, action: Option<&Action>) -> bool {
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
impl TestHooks for StopAt {
    async fn hit(&self, step: Failpoint, action: Option<&Action>) {
        for place in self.places.iter().filter(|place| place.is_at(step, action)) {
            if !place.passes() {
                let workspace = action.map(|action| action.workspace.as_str());
                tracing::warn!(step = step.as_str(), workspace, "standing still");
                std::future::pending::<()>().await;
            }
        }
    }

    fn is_mutated(&self, mistake: Mutation) -> bool {
        self.mistakes.contains(&mistake)
    }
}

//! Test hooks for a process under test; the module exists only under the feature `test-hooks`.
//!
//! `REPLY_ROUTER_FAILPOINTS=NAME[:KIND[:COUNT[:WORKSPACE]]],…` stops the flow that reaches one of these failpoints, so that a
//! test can kill the process exactly there: `IntentWritten:reply:2` is the second time that the intent of a reply is on disk.
//! Other flows go on, so that one kill can find the process at several failpoints.
//! `REPLY_ROUTER_MUTATIONS=NAME,…` injects bugs.

use crate::{
    engine::{Failpoint, Mutation, TestHooks},
    model::{Action, ActionKind},
};
use async_trait::async_trait;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

struct StopPoint {
    failpoint: Failpoint,
    kind: Option<ActionKind>,
    workspace: Option<String>,
    /// How many more times the flow passes.
    left: AtomicUsize,
}

struct EnvHooks {
    stops: Vec<StopPoint>,
    mutations: Vec<Mutation>,
}

/// The hooks that the environment asks for; `None` if it names neither a failpoint nor a mutation.
pub(super) fn from_env() -> Option<Arc<dyn TestHooks>> {
    let named = |name| std::env::var(name).unwrap_or_default();
    let stops: Vec<_> = named("REPLY_ROUTER_FAILPOINTS").split(',').filter_map(parse_stop).collect();
    let wanted = named("REPLY_ROUTER_MUTATIONS");
    let is_wanted = |mutation: &Mutation| wanted.split(',').any(|name| name == mutation.as_str());
    let mutations: Vec<_> = Mutation::ALL.iter().copied().filter(is_wanted).collect();
    if stops.is_empty() && mutations.is_empty() { None } else { Some(Arc::new(EnvHooks { stops, mutations })) }
}

fn parse_stop(text: &str) -> Option<StopPoint> {
    let mut parts = text.split(':');
    let name = parts.next()?;
    let failpoint = Failpoint::ALL.iter().copied().find(|failpoint| failpoint.as_str() == name)?;
    let kind = parts.next().and_then(|kind| kind.parse().ok());
    let count: usize = parts.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let workspace = parts.next().map(str::to_owned);
    Some(StopPoint { failpoint, kind, workspace, left: AtomicUsize::new(count.saturating_sub(1)) })
}

impl StopPoint {
    fn matches(&self, failpoint: Failpoint, action: Option<&Action>) -> bool {
        let concerns = |holds: &dyn Fn(&Action) -> bool| action.is_some_and(holds);
        self.failpoint == failpoint
            && self.kind.is_none_or(|kind| concerns(&|action| action.kind == kind))
            && self.workspace.as_ref().is_none_or(|name| concerns(&|action| action.workspace == *name))
    }

    fn lets_pass(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

#[async_trait]
impl TestHooks for EnvHooks {
    async fn hit(&self, failpoint: Failpoint, action: Option<&Action>) {
        for stop in self.stops.iter().filter(|stop| stop.matches(failpoint, action)) {
            if !stop.lets_pass() {
                let workspace = action.map(|action| action.workspace.as_str());
                tracing::warn!(failpoint = failpoint.as_str(), workspace, "stopped at a failpoint");
                std::future::pending::<()>().await;
            }
        }
    }

    fn is_mutated(&self, mutation: Mutation) -> bool {
        self.mutations.contains(&mutation)
    }
}

//! Replacing rules and workspaces while the service runs.

use super::{Engine, Workspace, WorkspaceParts};
use crate::rules::RuleSet;
use std::{collections::HashSet, sync::Arc, time::Duration};

/// How long workspaces that are replaced may take to end what they have in flight before the new configuration holds all the
/// same. Each starts again only when it has ended.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// What a replacement has changed, by the names of workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplaceReport {
    /// New ones.
    pub added: Vec<String>,
    /// Those with other settings, another key or other destinations.
    pub changed: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
}

impl ReplaceReport {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl Engine {
    /// Makes these the active workspaces, and these the active rules unless they are the same; all at once.
    ///
    /// A workspace that is made of the same parts runs on. One that is not stops, with what it has in flight recorded, before
    /// the new ones are active, so that nobody acts by half of a configuration. What a removed workspace was about to do
    /// stays in the store as it is. One call at a time; dropped before its end, it changes nothing.
    pub async fn replace(&self, rules: Option<RuleSet>, parts: Vec<WorkspaceParts>) -> ReplaceReport {
        let before = self.shared.workspaces.now();
        let mut report = ReplaceReport::default();
        let parts: Vec<_> = parts.into_iter().map(|parts| parts.prepare(self.shared.dry_run)).collect();
        for parts in &parts {
            let name = parts.settings.name.clone();
            match before.named(&name) {
                None => report.added.push(name),
                Some(found) if !found.is_made_of(parts) => report.changed.push(name),
                Some(_) => {}
            }
        }
        let names: HashSet<&str> = parts.iter().map(|parts| parts.settings.name.as_str()).collect();
        let gone = before.iter().map(|old| old.name()).filter(|name| !names.contains(name));
        report.removed = gone.map(str::to_owned).collect();
        let stops: HashSet<String> = report.changed.iter().chain(&report.removed).cloned().collect();
        let held = self.supervisor.hold(stops.clone());
        if tokio::time::timeout(MAX_WAIT, self.supervisor.stopped(&stops)).await.is_err() {
            tracing::warn!(
                "actions of replaced workspaces are still in flight; these workspaces start when they have ended"
            );
        }
        if let Some(rules) = rules {
            self.replace_rules(rules);
        }
        // Those of now: while this waited, leases may have come, whose workspaces began anew.
        self.shared.workspaces.update(|now| {
            let next = parts.iter().map(|parts| match now.named(&parts.settings.name) {
                Some(same) if same.is_made_of(parts) => Arc::clone(same),
                Some(old) => Arc::new(old.succeed(parts.clone())),
                None => Arc::new(Workspace::new(parts.clone())),
            });
            next.collect()
        });
        drop(held);
        if !report.is_empty() {
            tracing::info!(
                added = report.added.join(","),
                changed = report.changed.join(","),
                removed = report.removed.join(","),
                "workspaces replaced"
            );
        }
        report
    }
}

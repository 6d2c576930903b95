//! An outage: polls or reads that have failed for `safety.alert_if_failing`, and requests that wait as long.

use super::{Alerts, PAUSED};
use crate::engine::Workspace;
use crate::model::format_duration;
use std::time::Duration;

/// The condition that polls or reads fail.
pub(super) const FAILING: &str = "failing";

impl Alerts {
    /// For how long polls of a workspace have failed, and why, once that is longer than `safety.alert_if_failing`.
    pub fn outage(&self, workspace: &Workspace) -> Option<(Duration, String)> {
        let outage = workspace.poll_health.outage(self.clock.now())?;
        let lasted = Duration::try_from(self.clock.now().duration_since(outage.since)).unwrap_or_default();
        (lasted >= workspace.safety().alert_if_failing).then(|| (lasted, outage.summary.to_owned()))
    }

    /// Alerts once that polls have failed for too long, and once that they work again.
    pub fn watch_outage(&self, workspace: &Workspace) {
        let name = workspace.name();
        let Some(outage) = workspace.poll_health.outage(self.clock.now()) else {
            return self.end_alert(name, FAILING, &format!("Workspace {name} works again"));
        };
        // The pause for a rejected key was alerted already.
        if self.outage(workspace).is_none() || self.is_alerted(name, PAUSED) {
            return;
        }
        let text = format!(
            "Since {} new messages are not found or not handled: {}. Nothing is lost; it goes on by itself as soon as it \
             can.",
            outage.since.strftime("%Y-%m-%d %H:%M:%S UTC"),
            outage.error
        );
        let lasted = format_duration(workspace.safety().alert_if_failing);
        self.alert_since(name, FAILING, outage.since, &format!("Workspace {name} has failed for {lasted}"), &text);
    }
}

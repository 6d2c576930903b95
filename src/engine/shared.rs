//! What intake, execution and operations share.
//!
//! Nothing here carries work from one to the other: that is the store's part. All else in memory can be lost at any
//! time; it saves requests, shows what happens, or says how far a failure reaches.

use super::{
    Clock, Workspace,
    alerts::{Alerts, PAUSED},
    evaluation::EvaluationContext,
    leases::Reports,
    status::LiveStatus,
    supervisor::Supervisor,
    workspace_set::WorkspaceSet,
};
use crate::{
    rules::RuleSet,
    store::{Store, StoreError},
};
use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::sync::watch;

/// The store, the active rules, the workspaces, the clock, the live status and the alerts.
pub(in crate::engine) struct Shared {
    pub(in crate::engine) store: Arc<dyn Store>,
    pub(in crate::engine) active_rules: ArcSwap<RuleSet>,
    pub(in crate::engine) workspaces: Arc<WorkspaceSet>,
    /// Which of them run here.
    pub(in crate::engine) supervisor: Arc<Supervisor>,
    pub(in crate::engine) clock: Arc<dyn Clock>,
    pub(in crate::engine) status: Arc<LiveStatus>,
    pub(in crate::engine) alerts: Alerts,
    /// The revision whose rules were last kept.
    pub(in crate::engine) kept_revision: ArcSwapOption<String>,
    /// What other processes are to be told of the workspaces that run here.
    pub(in crate::engine) reports: Reports,
    /// How often somebody was erased, here or by another process on the store.
    pub(in crate::engine) erasures: watch::Sender<u64>,
    /// Only GET requests leave.
    pub(in crate::engine) dry_run: bool,
    #[cfg(feature = "test-hooks")]
    pub(in crate::engine) test_hooks: Option<Arc<dyn super::TestHooks>>,
}

impl Shared {
    pub(in crate::engine) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The active rules.
    pub(in crate::engine) fn rules(&self) -> Arc<RuleSet> {
        self.active_rules.load_full()
    }

    /// Makes sure that the store has the rules that an evaluation was made with.
    pub(in crate::engine) async fn keep_rules(&self, context: &EvaluationContext) -> Result<(), StoreError> {
        if self.kept_revision.load().as_deref() == Some(&context.revision) {
            return Ok(());
        }
        let sources = context.rules.to_text().map_err(|error| StoreError::Unreadable(error.to_string()))?;
        self.store.keep_rules(&context.revision, &sources).await?;
        self.kept_revision.store(Some(Arc::new(context.revision.clone())));
        Ok(())
    }

    /// The workspace of that name.
    pub(in crate::engine) fn workspace(&self, name: &str) -> Option<Arc<Workspace>> {
        self.workspaces.named(name)
    }

    /// Whether the workspace, or everything, is paused.
    pub(in crate::engine) async fn is_paused(&self, workspace: &str) -> Result<bool, StoreError> {
        let pauses = self.store.pauses().await?;
        Ok(pauses.iter().any(|pause| pause.workspace.as_deref().is_none_or(|name| name == workspace)))
    }

    /// When something that is held from now on expires.
    pub(in crate::engine) fn expiry(&self, workspace: &Workspace) -> Option<Timestamp> {
        self.now().saturating_add(workspace.safety().drafts_expire).ok()
    }

    /// Pauses a workspace whose key was rejected, once, and alerts you.
    pub(in crate::engine) async fn pause_on_auth_error(
        &self,
        workspace: &Workspace,
        why: &str,
    ) -> Result<(), StoreError> {
        if self.store.pauses().await?.iter().any(|pause| pause.workspace.as_deref() == Some(workspace.name())) {
            return Ok(());
        }
        self.alerts.forget_alert(workspace.name(), PAUSED);
        self.store.pause(Some(workspace.name()), why, None, self.now()).await?;
        let text = format!("{why}. Nothing is sent from this workspace until you replace the key and resume it.");
        self.alerts.alert_once(workspace.name(), PAUSED, &format!("Workspace {} is paused", workspace.name()), &text);
        Ok(())
    }
}

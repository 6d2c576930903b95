//! Pauses, overrides and counts, as one caller sees them.

use super::ScopedEngine;
use crate::{
    model::ActionState,
    store::{ActionCount, DayCount, ForeignUse, MatchTotal, ModeOverride, Pause, StoreError},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

impl ScopedEngine {
    /// The pause of everything, and those of their workspaces. Who paused everything is not everybody's to know.
    pub(in crate::admin) async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        let mut pauses = self.app.engine.store().pauses().await?;
        pauses.retain(|pause| pause.workspace.as_deref().is_none_or(|name| self.sees(name)));
        if !self.sees_everything() {
            pauses.iter_mut().filter(|pause| pause.workspace.is_none()).for_each(|pause| pause.by = None);
        }
        Ok(pauses)
    }

    /// Accounts that another service acts on.
    pub(in crate::admin) async fn foreign_uses(&self) -> Result<Vec<ForeignUse>, StoreError> {
        let mut found = self.app.engine.store().foreign_uses().await?;
        found.retain(|found| self.sees(&found.workspace));
        Ok(found)
    }

    /// How many replies were sent since then.
    pub(in crate::admin) async fn replies_sent(&self, since: Timestamp) -> Result<u64, StoreError> {
        let names: Vec<String> = self.workspaces().iter().map(|found| found.name().to_owned()).collect();
        self.app.engine.store().count_sent_replies(&names, since).await
    }

    /// How many actions are in each state.
    pub(in crate::admin) async fn queue_counts(&self) -> Result<HashMap<ActionState, u64>, StoreError> {
        let mut queue: HashMap<ActionState, u64> = HashMap::new();
        for total in self.app.engine.store().action_totals().await? {
            if self.sees(&total.workspace) {
                *queue.entry(total.state).or_default() += total.count;
            }
        }
        Ok(queue)
    }

    /// How many open actions wait in workspaces that are no longer configured, where nothing is sent; for those who see
    /// everything.
    pub(in crate::admin) async fn stopped(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut stopped = BTreeMap::new();
        if self.names().is_none() {
            let workspaces = self.app.engine.workspaces();
            for total in self.app.engine.store().action_totals().await? {
                if !total.state.is_settled() && workspaces.named(&total.workspace).is_none() {
                    *stopped.entry(total.workspace).or_default() += total.count;
                }
            }
        }
        Ok(stopped)
    }

    /// How often each rule matched in their workspaces since then.
    pub(in crate::admin) async fn match_counts(
        &self,
        since: Option<Timestamp>,
    ) -> Result<HashMap<String, u64>, StoreError> {
        self.app.engine.store().match_counts(self.names(), since).await
    }

    /// How often each rule matched in each of their workspaces, and when last.
    pub(in crate::admin) async fn match_totals(&self) -> Result<Vec<MatchTotal>, StoreError> {
        self.app.engine.store().match_totals(self.names()).await
    }

    /// The actions of their workspaces since then, by rule, state and reason.
    pub(in crate::admin) async fn action_counts(
        &self,
        since: Option<Timestamp>,
    ) -> Result<Vec<ActionCount>, StoreError> {
        self.app.engine.store().action_counts(self.names(), since).await
    }

    /// How each rule fared in their workspaces on each day since then.
    pub(in crate::admin) async fn day_counts(&self, since: Timestamp) -> Result<Vec<DayCount>, StoreError> {
        self.app.engine.store().day_counts(self.names(), since).await
    }

    /// The modes that rules were lowered to.
    pub(in crate::admin) async fn mode_overrides(&self) -> Result<Vec<ModeOverride>, StoreError> {
        let mut found = self.app.engine.store().mode_overrides().await?;
        if !self.sees_everything() {
            found.iter_mut().for_each(|found| found.by = None);
        }
        Ok(found)
    }
}

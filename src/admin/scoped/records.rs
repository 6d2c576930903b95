//! Decisions, actions, opt-outs, changes and the audit log, as one caller sees them.

use super::ScopedEngine;
use crate::{
    admin::{access::Needs, left, problem::Problem},
    model::{Action, ActionId, OptOutScope},
    store::{
        ActionFilter, ActionSummary, AuditEntry, AuditFilter, Change, DecisionFilter, DecisionRecord, Erased, OptOut,
        StoreError, opt_out_table::add_in_parts,
    },
};
use std::collections::HashMap;

/// A part of the audit log.
pub(in crate::admin) struct AuditPart {
    pub(in crate::admin) entries: Vec<AuditEntry>,
    /// The last one that was read, whether or not they may read it.
    pub(in crate::admin) last: Option<String>,
    /// There is nothing older.
    pub(in crate::admin) is_end: bool,
}

/// What is recorded.
impl ScopedEngine {
    pub(in crate::admin) async fn decision(&self, id: &str) -> Result<DecisionRecord, Problem> {
        self.find_decision(id).await?.ok_or_else(|| Problem::not_found_named("decision", id))
    }

    pub(in crate::admin) async fn find_decision(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        let found = self.app.engine.store().decision(id).await?;
        Ok(found.filter(|decision| self.sees(&decision.workspace)))
    }

    /// Decisions, newest first. The filter's own list of workspaces is theirs, whatever it was.
    pub(in crate::admin) async fn decisions(&self, filter: DecisionFilter) -> Result<Vec<DecisionRecord>, StoreError> {
        let workspaces = self.names().map(<[String]>::to_vec);
        self.app.engine.store().decisions(&DecisionFilter { workspaces, ..filter }).await
    }

    pub(in crate::admin) async fn action(&self, id: &str) -> Result<Action, Problem> {
        self.find_action(id).await?.ok_or_else(|| Problem::not_found_named("action", id))
    }

    pub(in crate::admin) async fn find_action(&self, id: &str) -> Result<Option<Action>, StoreError> {
        let found = self.app.engine.store().action(&ActionId(id.to_owned())).await?;
        Ok(found.filter(|action| self.sees(&action.workspace)))
    }

    /// Actions, newest first, as [`ScopedEngine::decisions`].
    pub(in crate::admin) async fn actions(&self, filter: ActionFilter) -> Result<Vec<Action>, StoreError> {
        let workspaces = self.names().map(<[String]>::to_vec);
        self.app.engine.store().actions(&ActionFilter { workspaces, ..filter }).await
    }

    /// Threads left for a person, newest first.
    pub(in crate::admin) async fn left(
        &self,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        let since = left::since(self.app.engine.now());
        self.app.engine.store().left_for_people(since, self.names(), before, limit).await
    }

    /// How many there are.
    pub(in crate::admin) async fn left_count(&self) -> Result<u64, StoreError> {
        self.app.engine.store().left_count(left::since(self.app.engine.now()), self.names()).await
    }

    /// Opt-outs, newest first, of a workspace or of all that they see.
    pub(in crate::admin) async fn opt_outs(
        &self,
        workspace: Option<&str>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<OptOut>, StoreError> {
        self.app.engine.store().opt_outs(self.narrowed(workspace).as_deref(), offset, limit).await
    }

    pub(in crate::admin) async fn opt_out(&self, workspace: &str, email: &str) -> Result<Option<OptOut>, StoreError> {
        if !self.sees(workspace) {
            return Ok(None);
        }
        let scope = self.app.engine.workspace(workspace).map(|found| found.safety().opt_outs).unwrap_or_default();
        self.app.engine.store().opt_out(workspace, email, scope).await
    }

    /// Remembers an opt-out in a workspace that they see, and tells what is kept: an earlier entry stays.
    pub(in crate::admin) async fn add_opt_out(&self, opt_out: OptOut) -> Result<OptOut, Problem> {
        self.workspace(&opt_out.workspace)?;
        self.app.engine.store().add_opt_out(&opt_out).await?;
        let scope = OptOutScope::Workspace;
        let kept = self.app.engine.store().opt_out(&opt_out.workspace, &opt_out.email, scope).await?;
        Ok(kept.unwrap_or(opt_out))
    }

    /// The same of many; how many there were none of before comes back. They are all of workspaces that they see.
    pub(in crate::admin) async fn add_opt_outs(&self, opt_outs: Vec<OptOut>) -> Result<u64, Problem> {
        for opt_out in &opt_outs {
            self.workspace(&opt_out.workspace)?;
        }
        Ok(add_in_parts(self.app.engine.store().as_ref(), opt_outs).await?)
    }

    /// The next opt-outs that they see by workspace and address, without those of erased addresses.
    pub(in crate::admin) async fn opt_outs_after(
        &self,
        workspace: Option<&str>,
        after: Option<&OptOut>,
        limit: u32,
    ) -> Result<Vec<OptOut>, StoreError> {
        self.app.engine.store().opt_outs_after(self.narrowed(workspace).as_deref(), after, limit).await
    }

    /// How many are left out there.
    pub(in crate::admin) async fn erased_opt_outs(&self, workspace: Option<&str>) -> Result<u64, StoreError> {
        self.app.engine.store().erased_opt_outs(self.narrowed(workspace).as_deref()).await
    }

    /// Forgets an opt-out in a workspace, or in all that they see; tells where, if there was one.
    pub(in crate::admin) async fn remove_opt_out(
        &self,
        workspace: Option<&str>,
        email: &str,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let store = self.app.engine.store();
        let all = || self.app.engine.workspaces().iter().map(|found| found.name().to_owned()).collect();
        let mut removed = Vec::new();
        for name in self.narrowed(workspace).unwrap_or_else(all) {
            if store.remove_opt_out(Some(&name), email).await? {
                removed.push(name);
            }
        }
        // Also where a workspace is no longer configured.
        let others = workspace.is_none() && self.sees_everything() && store.remove_opt_out(None, email).await?;
        Ok((others || !removed.is_empty()).then_some(removed))
    }

    /// Erases a person in a workspace, or in all that they see; `asked` is the line of the audit log about it.
    pub(in crate::admin) async fn forget(
        &self,
        address: &str,
        workspace: Option<&str>,
        asked: AuditEntry,
    ) -> Result<Erased, StoreError> {
        self.app.engine.forget(address, self.narrowed(workspace), asked).await
    }

    /// What they may read of the next entries of the audit log.
    pub(in crate::admin) async fn audit(&self, filter: &AuditFilter) -> Result<AuditPart, StoreError> {
        let found = self.app.engine.store().audit(filter).await?;
        Ok(AuditPart {
            last: found.last().map(|entry| entry.id.clone()),
            is_end: found.len() < usize::try_from(filter.limit).unwrap_or(usize::MAX),
            entries: found.into_iter().filter_map(|entry| self.of_audit(entry)).collect(),
        })
    }

    /// What they may read of an entry. Lines about their workspaces are theirs; those about the whole
    /// service, and about who signed in, belong to admins of everything.
    fn of_audit(&self, mut entry: AuditEntry) -> Option<AuditEntry> {
        if self.names().is_none() && self.may(Needs::WholeService) {
            return Some(entry);
        }
        let named = entry.details.get("workspace").and_then(|name| name.as_str());
        if named.is_some_and(|name| self.sees(name)) {
            return Some(entry);
        }
        let listed = entry.details.get_mut("workspaces")?.as_array_mut()?;
        listed.retain(|name| name.as_str().is_some_and(|name| self.sees(name)));
        (!listed.is_empty()).then_some(entry)
    }

    /// The actions of decisions that were found before, without what they send.
    pub(in crate::admin) async fn actions_by_decision(
        &self,
        found: &[DecisionRecord],
    ) -> Result<HashMap<String, Vec<ActionSummary>>, StoreError> {
        let ids: Vec<_> =
            found.iter().filter(|found| self.sees(&found.workspace)).map(|found| found.id.clone()).collect();
        self.app.engine.store().actions_by_decision(&ids).await
    }

    /// What happened after this number in the workspaces that they see, and the number up to which was looked; `None` if
    /// nothing happened at all.
    pub(in crate::admin) async fn changes(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Option<(i64, Vec<Change>)>, StoreError> {
        let mut changes = self.app.engine.store().changes(after, limit).await?;
        let Some(last) = changes.last().map(|change| change.seq) else { return Ok(None) };
        changes.retain(|change| self.sees(&change.workspace));
        Ok(Some((last, changes)))
    }

    /// The numbers of the oldest and the newest change that are remembered.
    pub(in crate::admin) async fn change_range(&self) -> Result<Option<(i64, i64)>, StoreError> {
        self.app.engine.store().change_range().await
    }
}

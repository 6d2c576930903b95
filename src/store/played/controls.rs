//! What people switch, who wants no more mail, and what is known of the accounts.

use super::{PlayedStore, refused, stored};
use crate::{
    model::{Mode, OptOutScope, kept_forms, known_by},
    store::{
        AccountStore, CAMPAIGN_STEPS, CampaignStep, ControlStore, ForeignUse, ModeOverride, OptOut, OptOutStore, Pause,
        StoreError, opt_outs::spellings,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Modes, pauses, opt-outs, and the traces of other senders.
#[derive(Debug, Default)]
pub(super) struct Switches {
    /// By rule.
    modes: BTreeMap<String, ModeOverride>,
    /// By workspace; an empty name stands for all.
    pauses: BTreeMap<String, Pause>,
    /// By what is written in place of the address, oldest first.
    opt_outs: HashMap<String, Vec<OptOut>>,
    own_addresses: HashSet<String>,
    foreign_uses: BTreeMap<String, ForeignUse>,
    /// Of each workspace, oldest first.
    steps: HashMap<String, Vec<(Timestamp, CampaignStep)>>,
}

impl Switches {
    pub(super) fn is_paused(&self, workspace: &str) -> bool {
        self.pauses.contains_key("") || self.pauses.contains_key(workspace)
    }

    pub(super) fn lowered(&self, rule: &str) -> Option<Mode> {
        self.modes.get(rule).map(|lowered| lowered.mode)
    }

    pub(super) fn foreign_use(&self, workspace: &str) -> Option<&ForeignUse> {
        self.foreign_uses.get(workspace)
    }

    /// The oldest opt-out of a lead: of the address, its domain, or one above it.
    pub(super) fn opt_out(&self, workspace: &str, lead: &str, scope: OptOutScope) -> Option<&OptOut> {
        if self.opt_outs.is_empty() {
            return None;
        }
        let lead = lead.to_lowercase();
        let forms = spellings(&lead).into_iter().flat_map(|spelling| {
            let domains = spelling.domains().collect::<Vec<_>>();
            [spelling.address.into_owned()].into_iter().chain(domains)
        });
        let found = forms.filter_map(|form| self.opt_outs.get(&form)).flatten();
        let counts = |opt_out: &&OptOut| scope == OptOutScope::Shared || opt_out.workspace == workspace;
        found.filter(counts).min_by_key(|opt_out| opt_out.since)
    }

    /// Remembers an opt-out if there is none of the address; whether there was none.
    pub(super) fn add_opt_out(&mut self, opt_out: &OptOut) -> bool {
        let email = opt_out.email.to_lowercase();
        let known = self.opt_outs.entry(email.clone()).or_default();
        let is_new = known.iter().all(|known| known.workspace != opt_out.workspace);
        if is_new {
            known.push(OptOut { email, since: stored(opt_out.since), ..opt_out.clone() });
        }
        is_new
    }

    fn remove_opt_out(&mut self, workspace: Option<&str>, email: &str) -> bool {
        let mut is_gone = false;
        for form in kept_forms(email) {
            is_gone |= self.remove_form(workspace, &form);
        }
        is_gone
    }

    fn remove_form(&mut self, workspace: Option<&str>, email: &str) -> bool {
        let Some(known) = self.opt_outs.get_mut(email) else { return false };
        let before = known.len();
        known.retain(|opt_out| workspace.is_some_and(|name| opt_out.workspace != name));
        let is_gone = known.len() < before;
        if known.is_empty() {
            self.opt_outs.remove(email);
        }
        is_gone
    }
}

#[async_trait]
impl ControlStore for PlayedStore {
    async fn override_modes(&self) -> Result<HashMap<String, Mode>, StoreError> {
        Ok(self.kept().switches.modes.iter().map(|(rule, lowered)| (rule.clone(), lowered.mode)).collect())
    }

    async fn mode_overrides(&self) -> Result<Vec<ModeOverride>, StoreError> {
        Ok(self.kept().switches.modes.values().cloned().collect())
    }

    async fn set_rule_mode(&self, rule: &str, mode: Option<Mode>, by: &str, now: Timestamp) -> Result<(), StoreError> {
        let modes = &mut self.kept().switches.modes;
        match mode {
            None => drop(modes.remove(rule)),
            Some(mode) => {
                let lowered = ModeOverride { rule: rule.to_owned(), mode, since: stored(now), by: noted(Some(by)) };
                modes.insert(rule.to_owned(), lowered);
            }
        }
        Ok(())
    }

    async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        Ok(self.kept().switches.pauses.values().cloned().collect())
    }

    async fn pause(
        &self,
        workspace: Option<&str>,
        reason: &str,
        by: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let pause = Pause { workspace: noted(workspace), since: stored(now), reason: reason.to_owned(), by: noted(by) };
        self.kept().switches.pauses.entry(workspace.unwrap_or_default().to_owned()).or_insert(pause);
        Ok(())
    }

    async fn resume(&self, workspace: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
        let kept = &mut *self.kept();
        let is_other = |name: &str| workspace.is_some_and(|resumed| name != resumed);
        kept.switches.pauses.retain(|name, _| is_other(name));
        kept.switches.foreign_uses.retain(|name, _| is_other(name));
        kept.records.resume(|action| !is_other(&action.workspace), now)
    }
}

/// An empty text stands for what was not noted.
fn noted(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

#[async_trait]
impl OptOutStore for PlayedStore {
    async fn add_opt_out(&self, opt_out: &OptOut) -> Result<(), StoreError> {
        self.kept().switches.add_opt_out(opt_out);
        Ok(())
    }

    async fn add_opt_outs(&self, opt_outs: Vec<OptOut>) -> Result<u64, StoreError> {
        let switches = &mut self.kept().switches;
        Ok(opt_outs.iter().map(|opt_out| u64::from(switches.add_opt_out(opt_out))).sum())
    }

    async fn remove_opt_out(&self, workspace: Option<&str>, email: &str) -> Result<bool, StoreError> {
        Ok(self.kept().switches.remove_opt_out(workspace, &known_by(email).unwrap_or_default()))
    }

    async fn opt_out(&self, workspace: &str, email: &str, scope: OptOutScope) -> Result<Option<OptOut>, StoreError> {
        Ok(self.kept().switches.opt_out(workspace, email, scope).cloned())
    }

    async fn opt_outs(&self, _: Option<&[String]>, _: u32, _: u32) -> Result<Vec<OptOut>, StoreError> {
        refused("lists of opt-outs")
    }

    async fn opt_outs_after(
        &self,
        _: Option<&[String]>,
        _: Option<&OptOut>,
        _: u32,
    ) -> Result<Vec<OptOut>, StoreError> {
        refused("lists of opt-outs")
    }

    async fn erased_opt_outs(&self, _: Option<&[String]>) -> Result<u64, StoreError> {
        refused("lists of opt-outs")
    }
}

#[async_trait]
impl AccountStore for PlayedStore {
    async fn add_own_addresses(&self, addresses: &[String]) -> Result<(), StoreError> {
        self.kept().switches.own_addresses.extend(addresses.iter().map(|address| address.to_lowercase()));
        Ok(())
    }

    async fn is_own_address(&self, address: &str) -> Result<bool, StoreError> {
        Ok(self.kept().switches.own_addresses.contains(&address.to_lowercase()))
    }

    async fn foreign_uses(&self) -> Result<Vec<ForeignUse>, StoreError> {
        Ok(self.kept().switches.foreign_uses.values().cloned().collect())
    }

    async fn add_foreign_use(&self, found: &ForeignUse) -> Result<bool, StoreError> {
        let known = &mut self.kept().switches.foreign_uses;
        let is_new = !known.contains_key(&found.workspace);
        if is_new {
            let found = ForeignUse { since: stored(found.since), ..found.clone() };
            known.insert(found.workspace.clone(), found);
        }
        Ok(is_new)
    }

    async fn add_campaign_steps(
        &self,
        workspace: &str,
        steps: &[CampaignStep],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let switches = &mut self.kept().switches;
        let known = switches.steps.entry(workspace.to_owned()).or_default();
        for step in steps {
            let is_it =
                |other: &CampaignStep| (&other.thread_id, &other.message_id) == (&step.thread_id, &step.message_id);
            if !known.iter().any(|(_, other)| is_it(other)) {
                // Time goes on, but for a clock that is set back.
                let place = known.partition_point(|(seen_at, _)| *seen_at <= stored(now));
                known.insert(place, (stored(now), step.clone()));
            }
        }
        // Those of one time stay or go together.
        if let Some(kept) = known.len().checked_sub(CAMPAIGN_STEPS as usize).and_then(|first| known.get(first)) {
            let oldest = kept.0;
            known.retain(|(seen_at, _)| *seen_at >= oldest);
        }
        Ok(())
    }

    async fn campaign_steps(&self, workspace: &str) -> Result<Vec<CampaignStep>, StoreError> {
        let kept = self.kept();
        let steps = kept.switches.steps.get(workspace).map(Vec::as_slice).unwrap_or_default();
        Ok(steps.iter().rev().take(CAMPAIGN_STEPS as usize).map(|(_, step)| step.clone()).collect())
    }
}

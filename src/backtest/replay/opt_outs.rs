//! Who has opted out, as one side knows it.

use super::scene::Scene;
use crate::{
    engine::{Engine, Workspace},
    model::OptOutScope,
    store::{OptOut, OptOutStore as _, PlayedStore, StoreError},
};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Events of a lead that are closer together may have been decided at the same time.
const SIDE_BY_SIDE: Duration = Duration::from_secs(60);

/// An address, and the workspace whose opt-outs count for it: none where all share them.
type Lead = (String, String);

/// The opt-outs of one side.
pub(super) struct OptOuts {
    engine: Arc<Engine>,
    store: Arc<PlayedStore>,
    /// Since when each is known in this play.
    known: HashMap<Lead, Timestamp>,
}

impl OptOuts {
    pub(super) fn new(engine: Arc<Engine>, store: Arc<PlayedStore>) -> Self {
        Self { engine, store, known: HashMap::new() }
    }

    /// An opt-out that was known then, however that came about, counts from this event on. One that was not known any more was
    /// lifted by an operator.
    pub(super) async fn learn(&mut self, scene: &Scene) -> Result<(), StoreError> {
        let event = &scene.event;
        match (event.lead_opted_out, self.lead_of(scene)) {
            (Some(true), Some(_)) => self.add(scene, "known when the message came").await,
            (Some(false), Some(lead)) => {
                // Two threads of a lead may have been looked at side by side.
                let was_lifted =
                    |since: &Timestamp| since.saturating_add(SIDE_BY_SIDE).is_ok_and(|at| at <= event.time);
                if self.known.get(&lead).is_some_and(was_lifted) {
                    self.known.remove(&lead);
                    let (workspace, email) = lead;
                    let workspace = Some(workspace.as_str()).filter(|name| !name.is_empty());
                    self.store.remove_opt_out(workspace, &email).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// An opt-out in the words of an event that is not decided.
    pub(super) async fn read(&mut self, scene: &Scene) -> Result<(), StoreError> {
        match scene.opt_out_words() {
            Some(words) => self.add(scene, &words).await,
            None => Ok(()),
        }
    }

    /// Whether the lead of an event has opted out.
    pub(super) async fn is_known(&self, scene: &Scene, workspace: &Workspace) -> Result<bool, StoreError> {
        let Some((_, email)) = self.lead_of(scene) else { return Ok(false) };
        let found = self.store.opt_out(workspace.name(), &email, workspace.safety().opt_outs).await?;
        Ok(found.is_some())
    }

    /// The engine has read an opt-out in the event, and written it.
    pub(super) fn note(&mut self, scene: &Scene) {
        if let Some(lead) = self.lead_of(scene) {
            self.known.entry(lead).or_insert(scene.event.time);
        }
    }

    async fn add(&mut self, scene: &Scene, evidence: &str) -> Result<(), StoreError> {
        let Some(lead) = self.lead_of(scene) else { return Ok(()) };
        if self.known.contains_key(&lead) {
            return Ok(());
        }
        let opt_out = OptOut {
            workspace: scene.event.workspace.clone(),
            email: lead.1.clone(),
            since: scene.event.time,
            evidence: evidence.to_owned(),
        };
        self.known.insert(lead, scene.event.time);
        self.store.add_opt_out(&opt_out).await?;
        Ok(())
    }

    fn lead_of(&self, scene: &Scene) -> Option<Lead> {
        let event = &scene.event;
        let email = event.row.lead_email.as_deref().and_then(crate::model::address_of)?;
        let is_shared = |workspace: Arc<Workspace>| workspace.safety().opt_outs == OptOutScope::Shared;
        let workspace = match self.engine.workspace(&event.workspace).is_some_and(is_shared) {
            true => String::new(),
            false => event.workspace.clone(),
        };
        Some((workspace, email))
    }
}

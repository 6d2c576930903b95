//! The workspaces of a side: with the limits of the configuration, in the modes of each event.

use super::{ReplayError, account::PlayedAccount, scene::Scene};
use crate::{
    coldsend::{Client, ClientSettings},
    destinations::Destinations,
    engine::{Engine, ManualClock, Workspace, WorkspaceParts},
    model::{Mode, Safety, WorkspaceSettings},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

/// No request is made, so any limit will do.
const ANY_LIMIT: u32 = 1;

/// The workspaces that events came from so far.
pub(super) struct PlayedWorkspaces {
    settings: Arc<HashMap<String, WorkspaceSettings>>,
    clock: Arc<ManualClock>,
    client: Client,
    destinations: Destinations,
    all: BTreeMap<String, PlayedWorkspace>,
}

struct PlayedWorkspace {
    account: Arc<PlayedAccount>,
    parts: WorkspaceParts,
}

impl PlayedWorkspaces {
    pub(super) fn new(
        settings: Arc<HashMap<String, WorkspaceSettings>>,
        clock: Arc<ManualClock>,
    ) -> Result<Self, ReplayError> {
        let failed = |error: &dyn std::fmt::Display| ReplayError::Failed(error.to_string());
        let client = Client::new(ClientSettings {
            workspace: "backtest".to_owned(),
            base_url: "http://localhost/".parse().map_err(|error| failed(&error))?,
            api_key: "none".to_owned().into(),
            per_minute: ANY_LIMIT,
            per_hour: ANY_LIMIT,
        });
        let client = client.map_err(|error| failed(&error))?;
        let destinations = Destinations::nowhere().map_err(|error| failed(&error))?;
        Ok(Self { settings, clock, client, destinations, all: BTreeMap::new() })
    }

    /// The event's workspace, as it was then, and its account.
    pub(super) async fn of(
        &mut self,
        engine: &Engine,
        scene: &Scene,
    ) -> Result<(Arc<Workspace>, Arc<PlayedAccount>), ReplayError> {
        let event = &scene.event;
        let is_as_then = |settings: &WorkspaceSettings| {
            (settings.mode, settings.safety.hold_uncertain) == (event.mode, event.hold_uncertain)
        };
        let account = match self.all.get_mut(&event.workspace) {
            Some(known) if is_as_then(&known.parts.settings) => Arc::clone(&known.account),
            Some(known) => {
                known.parts.settings.mode = event.mode;
                known.parts.settings.safety.hold_uncertain = event.hold_uncertain;
                let account = Arc::clone(&known.account);
                self.replace(engine).await;
                account
            }
            None => {
                let account = Arc::new(PlayedAccount::new(Arc::clone(&self.clock)));
                let settings = self.settings_of(&event.workspace, event.mode, event.hold_uncertain);
                let client = self.client.in_process(&event.workspace, Arc::clone(&account) as _);
                let parts = WorkspaceParts { settings, client, destinations: self.destinations.clone() };
                let known = PlayedWorkspace { account: Arc::clone(&account), parts };
                self.all.insert(event.workspace.clone(), known);
                self.replace(engine).await;
                account
            }
        };
        let workspace = engine.workspace(&event.workspace);
        let workspace = workspace.ok_or_else(|| ReplayError::Failed("a workspace is gone".to_owned()))?;
        Ok((workspace, account))
    }

    pub(super) fn account(&self, name: &str) -> Option<&Arc<PlayedAccount>> {
        self.all.get(name).map(|workspace| &workspace.account)
    }

    async fn replace(&self, engine: &Engine) {
        engine.replace(None, self.all.values().map(|workspace| workspace.parts.clone()).collect()).await;
    }

    /// What waited for a category or a first start then has waited; nobody is alerted.
    fn settings_of(&self, name: &str, mode: Mode, hold_uncertain: bool) -> WorkspaceSettings {
        let settings = self.settings.get(name).cloned().unwrap_or_else(|| WorkspaceSettings::new(name));
        let safety = Safety { hold_uncertain, alert: None, ..settings.safety };
        WorkspaceSettings { mode, was: None, wait_for_category: Duration::ZERO, retention: None, safety, ..settings }
    }
}

//! From settings to parts.

use super::Caps;
use crate::diagnostics::Diagnostics;
use crate::{
    coldsend::{Client, ClientError, ClientSettings, SharedBudget},
    destinations::{DestinationSettingsError, Destinations},
    engine::{Clock, Engine, EngineParts, WorkspaceParts},
    model::{Grant, GrantRequest},
    rules::{LoadContext, RuleSet, WorkspaceContext},
    settings::{self, Env, Settings},
    store::{Store, StoreError},
};
use async_trait::async_trait;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why the service could not be built.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Mistakes in the configuration or the rules.
    #[error("{}", .0.render(false))]
    Invalid(Diagnostics),
    /// No configuration, and no key in the environment.
    #[error(
        "no configuration: {0} does not exist. Run `reply-router init` to write one, pass `--config FILE` if it is \
         elsewhere, or set COLDSEND_API_KEY and pass --rules for `preview`"
    )]
    NoConfiguration(PathBuf),
    /// The ColdSend client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A destination.
    #[error(transparent)]
    Destination(#[from] DestinationSettingsError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The admin server's port.
    #[error("the admin server cannot listen on {address}: {detail}; choose another address with `admin.listen`")]
    Listen {
        /// The address that was to be listened on.
        address: std::net::SocketAddr,
        /// What the system says.
        detail: String,
    },
    /// Tokens that are too weak for where the pages can be reached.
    #[error(
        "other machines reach the pages at {address} until the service is restarted, and {why}: `admin.token` and the \
         tokens of `admin.users` need 32 bytes or more there"
    )]
    WeakAccess {
        /// Where the pages are.
        address: std::net::SocketAddr,
        /// What is weak.
        why: &'static str,
    },
    /// The simulator.
    #[error("cannot start the simulated workspace: {0}")]
    Simulator(#[from] crate::simulator::SimulatorError),
    /// The demo's rules have no place.
    #[error(
        "the demo cannot write its rules into a temporary folder: {0}; let TMPDIR name a folder that you can write to"
    )]
    DemoRules(std::io::Error),
    /// The tests beside the rules could not be run to their end.
    #[error("cannot test the rules: {0}")]
    TestsAborted(String),
    /// A workspace that does not exist, or a choice that is missing.
    #[error("{0}")]
    Workspace(String),
}

/// Command-line options that override the configuration.
#[derive(Debug, Clone, Default)]
pub struct CliOptions {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--rules`.
    pub rules: Option<PathBuf>,
}

/// Loads the configuration: the named file, or `reply-router.yaml` in this folder.
///
/// # Errors
/// Every error in it; or that there is no configuration.
pub fn load(overrides: &CliOptions, env: Env<'_>) -> Result<Settings, AppError> {
    let path = overrides.config.clone().unwrap_or_else(|| PathBuf::from(settings::DEFAULT_FILE));
    if overrides.config.is_none() && !path.exists() {
        return Err(AppError::NoConfiguration(path));
    }
    Settings::load_with_rules(&path, overrides.rules.as_deref(), env).map_err(AppError::Invalid)
}

/// As [`load`], but a key in the environment and `--rules` serve where there is no configuration.
///
/// # Errors
/// As [`load`].
pub fn load_without_file(overrides: &CliOptions, env: Env<'_>) -> Result<Settings, AppError> {
    match (load(overrides, env), &overrides.rules) {
        (Err(AppError::NoConfiguration(_)), Some(rules)) if env("COLDSEND_API_KEY").is_some() => {
            Settings::without_file(env, rules).map_err(AppError::Invalid)
        }
        (result, _) => result,
    }
}

/// What rules may name, out of the configuration.
pub fn rules_context(settings: &Settings) -> LoadContext {
    let workspace = |workspace: &settings::WorkspaceConfig| WorkspaceContext {
        name: workspace.name().to_owned(),
        rules: settings.rules_of(workspace).to_vec(),
        destinations: settings
            .destinations_of(workspace)
            .into_iter()
            .map(|(name, found)| (name.to_owned(), found.kind()))
            .collect(),
        own_destinations: workspace.destinations.keys().cloned().collect(),
        fixed_destinations: settings
            .destinations_of(workspace)
            .into_iter()
            .filter(|(_, found)| found.is_fixed())
            .map(|(name, _)| name.to_owned())
            .collect(),
        hours: settings.hours_of(workspace),
        lists: settings.lists_of(workspace),
        vars: workspace.vars.clone(),
    };
    LoadContext {
        destinations: settings.destinations.iter().map(|(name, found)| (name.clone(), found.kind())).collect(),
        hours: settings.hours.clone(),
        lists: settings.lists.clone(),
        without_configuration: settings.file.is_none(),
        attachments_from: settings.attachments_from.clone(),
        private_files: private_files(settings),
        workspaces: settings.workspaces.iter().map(workspace).collect(),
        ..LoadContext::default()
    }
}

/// What no rule may read or send.
fn private_files(settings: &Settings) -> Vec<PathBuf> {
    settings.file.iter().map(PathBuf::as_path).chain(settings.store.file()).map(Path::to_owned).collect()
}

/// Loads the rules that the settings name, for each workspace its own.
///
/// # Errors
/// Every error in them.
pub fn load_rules(settings: &Settings) -> Result<RuleSet, AppError> {
    RuleSet::load_workspaces(&rules_context(settings)).map_err(AppError::Invalid)
}

/// Rule paths for display.
pub fn shown<P: AsRef<std::path::Path>>(paths: &[P]) -> String {
    paths.iter().map(|path| path.as_ref().display().to_string()).collect::<Vec<_>>().join(", ")
}

/// As [`load_rules`], for a service that acts: the tests beside the rules must pass.
///
/// # Errors
/// Every error in them, and every failing test.
pub async fn load_tested_rules(settings: &Settings) -> Result<RuleSet, AppError> {
    super::test_runner::require_passing(load_rules(settings)?, &Caps::from(settings)).await
}

/// The client of one workspace.
///
/// # Errors
/// A key or an address that cannot be used.
pub fn client(workspace: &settings::WorkspaceConfig) -> Result<Client, AppError> {
    Ok(Client::new(ClientSettings {
        workspace: workspace.name().to_owned(),
        base_url: workspace.base_url.clone(),
        api_key: workspace.api_key.clone(),
        per_minute: workspace.rate_limit.per_minute,
        per_hour: workspace.rate_limit.per_hour,
    })?)
}

/// The client of one workspace, which takes places in the key's budget where other processes on the store take theirs.
pub(super) fn shared_client(workspace: &settings::WorkspaceConfig, store: &Arc<dyn Store>) -> Result<Client, AppError> {
    let client = client(workspace)?;
    if store.is_shared() {
        client.share_budget(Arc::new(StoreBudget(Arc::clone(store))));
    }
    Ok(client)
}

/// Budgets that are counted in the store.
struct StoreBudget(Arc<dyn Store>);

#[async_trait]
impl SharedBudget for StoreBudget {
    async fn grant(&self, key: &str, request: GrantRequest) -> Result<Grant, String> {
        self.0.grant_requests(key, request).await.map_err(|error| error.to_string())
    }
}

/// The parts of an engine.
pub struct EngineBuilder<'a> {
    /// The whole configuration.
    pub settings: &'a Settings,
    /// The rules to start with.
    pub rules: RuleSet,
    /// The durable store.
    pub store: Arc<dyn Store>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Only GET requests are sent.
    pub dry_run: bool,
}

impl EngineBuilder<'_> {
    /// Puts an engine together; nothing runs yet.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn build(self) -> Result<Arc<Engine>, AppError> {
        let settings = self.settings;
        let destinations = Destinations::new(settings.destinations.clone(), settings.smtp.clone(), settings.network)?;
        let mut workspaces = Vec::with_capacity(settings.workspaces.len());
        for workspace in &settings.workspaces {
            workspaces.push(WorkspaceParts {
                settings: workspace.settings.clone(),
                client: shared_client(workspace, &self.store)?,
                destinations: destinations.and(workspace.destinations.clone())?,
            });
        }
        Ok(Engine::new(EngineParts {
            store: self.store,
            rules: self.rules,
            workspaces,
            public_url: settings.admin.link_base().map(|url| url.to_string()),
            clock: self.clock,
            dry_run: self.dry_run,
            #[cfg(feature = "test-hooks")]
            test_hooks: super::failpoint_env::from_env(),
        }))
    }
}

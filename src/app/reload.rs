//! Loading configuration and rules again while the service runs: all or nothing.

use super::{
    AppError, Caps, parts::reloaded_parts, restart::StartedWith, setup::rules_context, test_runner::require_passing,
};
use crate::diagnostics::Severity;
use crate::{
    admin::{Access, HookTokens, Reload, ReloadError, RuleFiles},
    coldsend::Client,
    engine::{Engine, WorkspaceParts},
    rules::RuleSet,
    settings::Settings,
};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use secrecy::SecretString;
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::Mutex, task::spawn_blocking};

/// Where the active rules and workspaces come from.
pub struct RulesSource {
    engine: Arc<Engine>,
    /// The configuration as it is active. Its lock serializes loads: what was read first must not become active last.
    active: Mutex<Active>,
    /// What the watcher looks at.
    watched: ArcSwap<Watched>,
    /// The configuration file at the start, where there is one.
    started_with: Option<StartedWith>,
    /// Who may get in.
    access: Access,
    hook_tokens: HookTokens,
    /// Where the pages are reached, whatever the configuration says since.
    listen: SocketAddr,
}

/// The active configuration, and the clients of every key that this process has used.
struct Active {
    settings: Settings,
    clients: Vec<Client>,
}

/// Files that a change of reloads.
struct Watched {
    rules: Vec<PathBuf>,
    lists: Vec<PathBuf>,
    /// The store's file, which may be beside the rules.
    store: Option<PathBuf>,
}

impl RulesSource {
    /// Remembers what is active.
    pub fn new(engine: Arc<Engine>, settings: &Settings) -> Self {
        let clients = engine.workspaces().iter().map(|workspace| workspace.client().clone()).collect();
        Self {
            engine,
            watched: ArcSwap::from_pointee(Watched::of(settings, settings.store.file())),
            started_with: settings.file.as_deref().and_then(StartedWith::read),
            access: Access::new(settings.admin.access()),
            hook_tokens: hook_tokens(settings).into(),
            listen: settings.admin.listen,
            active: Mutex::new(Active { settings: settings.clone(), clients }),
        }
    }

    /// The configuration as it is active.
    pub(super) async fn settings(&self) -> Settings {
        self.active.lock().await.settings.clone()
    }

    /// Who may get in, as the active configuration says.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// The tokens of the vendor's webhook, as the active configuration says.
    pub(super) fn hook_tokens(&self) -> &HookTokens {
        &self.hook_tokens
    }

    /// Loads configuration and rules and puts them in force. On any mistake, and where a test beside the rules fails, all
    /// stays as it is; where nothing has changed, it stays as well. What is read at the start only is told.
    ///
    /// # Errors
    /// Every error in them. The engine records them for the status.
    pub async fn load(&self) -> Result<String, AppError> {
        let mut active = self.active.lock().await;
        let loaded = self.load_tested(&active).await;
        let restart = self.started_with.as_ref().and_then(StartedWith::restart_needed);
        self.engine.record_restart_needed(restart);
        if let Err(error) = &loaded {
            self.engine.record_rejected_rules(&summary(error)).await;
        }
        let Loaded { settings, rules, parts } = loaded?;
        let revision = rules.revision().to_owned();
        let is_new = revision != self.engine.rules().revision() || self.engine.rules_error().is_some();
        let clients: Vec<Client> = parts.iter().map(|parts| parts.client.clone()).collect();
        self.engine.replace(is_new.then_some(rules), parts).await;
        self.replace_access(&active.settings, &settings);
        for client in clients {
            client.apply_limits();
            // One for each name and key: however often the limits change, there is nothing more to remember.
            active.clients.retain(|known| known.workspace() != client.workspace() || !known.has_same_key(&client));
            active.clients.push(client);
        }
        self.watched.store(Arc::new(Watched::of(&settings, active.settings.store.file())));
        active.settings = settings;
        Ok(revision)
    }

    async fn load_tested(&self, active: &Active) -> Result<Loaded, AppError> {
        let before = active.settings.clone();
        // Reading files and compiling rules takes its time.
        let loaded = spawn_blocking(move || {
            let settings = match &before.file {
                Some(file) => {
                    let env = |name: &str| std::env::var(name).ok();
                    Settings::load_with_rules(file, before.given_rules.as_deref(), &env)?
                }
                None => before,
            };
            let rules = RuleSet::load_workspaces(&rules_context(&settings))?;
            Ok((settings, rules))
        });
        let loaded = loaded.await.map_err(|error| AppError::TestsAborted(error.to_string()))?;
        let (settings, rules) = loaded.map_err(AppError::Invalid)?;
        let rules = require_passing(rules, &Caps::from(&settings)).await?;
        self.check_access(&settings)?;
        let parts = reloaded_parts(&self.engine, &active.settings, &active.clients, &settings)?;
        Ok(Loaded { settings, rules, parts })
    }

    /// Refuses tokens that are too weak for the address that the pages have until a restart.
    fn check_access(&self, settings: &Settings) -> Result<(), AppError> {
        match settings.admin.access().weakness().filter(|_| !self.listen.ip().is_loopback()) {
            Some(why) => Err(AppError::WeakAccess { address: self.listen, why }),
            None => Ok(()),
        }
    }

    /// Lets those in who may by now. Event streams end if that is a change, or if there are other workspaces to see.
    fn replace_access(&self, before: &Settings, after: &Settings) {
        self.hook_tokens.replace(hook_tokens(after));
        let names = |settings: &Settings| -> HashSet<String> {
            settings.workspaces.iter().map(|found| found.name().to_owned()).collect()
        };
        if !before.admin.access().is_same(&after.admin.access()) {
            tracing::info!(users = after.admin.users.len(), "users and tokens replaced");
            self.access.replace(after.admin.access());
        } else if names(before) != names(after) {
            self.access.end_streams();
        }
    }

    /// The configuration file, where there is one.
    pub(super) fn config_path(&self) -> Option<&Path> {
        self.started_with.as_ref().map(StartedWith::path)
    }

    /// Whether the rules stand in files.
    pub(super) fn are_files(&self) -> bool {
        self.watched.load().rules.iter().any(|path| path.exists())
    }

    /// The store's file, where the store is one.
    pub(super) fn store_path(&self) -> Option<PathBuf> {
        self.watched.load().store.clone()
    }

    /// The files of lists.
    pub(super) fn list_files(&self) -> Vec<PathBuf> {
        self.watched.load().lists.clone()
    }

    /// Where the rules are.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.watched.load().rules.clone()
    }
}

/// A configuration that may become active.
struct Loaded {
    settings: Settings,
    rules: RuleSet,
    parts: Vec<WorkspaceParts>,
}

impl Watched {
    fn of(settings: &Settings, store: Option<&Path>) -> Self {
        let rules = settings.rule_paths().into_iter().map(Path::to_owned).collect();
        let lists = settings.list_files().map(Path::to_owned).collect();
        Self { rules, lists, store: store.map(Path::to_owned) }
    }
}

fn hook_tokens(settings: &Settings) -> HashMap<String, SecretString> {
    let tokens = settings.workspaces.iter();
    tokens.filter_map(|found| Some((found.name().to_owned(), found.hook_token.clone()?))).collect()
}

#[async_trait]
impl Reload for RulesSource {
    async fn reload(&self) -> Result<String, ReloadError> {
        self.load().await.map_err(|error| match error {
            AppError::Invalid(found) => {
                ReloadError::Refused(serde_json::to_value(&found).unwrap_or(serde_json::Value::Null))
            }
            other => ReloadError::Failed(other.to_string()),
        })
    }

    fn rule_files(&self) -> Option<&dyn RuleFiles> {
        Some(self)
    }
}

/// The first error with its location, and the number of errors.
fn summary(error: &AppError) -> String {
    let AppError::Invalid(found) = error else { return error.to_string() };
    let sorted = found.sorted();
    let Some(first) = sorted.iter().find(|found| found.severity == Severity::Error) else { return error.to_string() };
    let more = match found.error_count() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    format!("{}: {}{more}", first.location(), first.message)
}

//! Loading the rules again while the service runs: all or nothing.

use super::{AppError, Caps, restart::StartedWith, setup::rules_context, test_runner::require_passing};
use crate::diagnostics::Severity;
use crate::{
    admin::{Reload, ReloadError},
    engine::Engine,
    rules::{LoadContext, RuleSet},
    settings::Settings,
};
use async_trait::async_trait;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::Mutex, task::spawn_blocking};

/// Where the active rules come from.
pub struct RulesSource {
    engine: Arc<Engine>,
    paths: Vec<PathBuf>,
    context: LoadContext,
    caps: Caps,
    /// The store's file, which may be beside the rules.
    store: Option<PathBuf>,
    /// The configuration file at the start, where there is one.
    started_with: Option<StartedWith>,
    /// Serializes loads: rules read first must not become active last.
    one_at_a_time: Mutex<()>,
}

impl RulesSource {
    /// Remembers where the rules are and what they may name.
    pub fn new(engine: Arc<Engine>, settings: &Settings) -> Self {
        Self {
            engine,
            paths: settings.rule_paths().into_iter().map(Path::to_owned).collect(),
            context: rules_context(settings),
            caps: Caps::from(settings),
            store: settings.store.file().map(Path::to_owned),
            started_with: settings.file.as_deref().and_then(StartedWith::read),
            one_at_a_time: Mutex::new(()),
        }
    }

    /// Loads the rules and puts them in force. On any mistake, and where a test beside them fails, the old ones stay; where
    /// nothing that decides has changed, they stay as well.
    ///
    /// # Errors
    /// Every error in the new rules. The engine records them for the status.
    pub async fn load(&self) -> Result<String, AppError> {
        let _one = self.one_at_a_time.lock().await;
        self.engine.record_restart_needed(self.started_with.as_ref().and_then(StartedWith::restart_needed));
        let loaded = self.load_tested().await;
        let rules = loaded.inspect_err(|error| self.engine.record_rejected_rules(&summary(error)))?;
        let revision = rules.revision().to_owned();
        if revision != self.engine.rules().revision() || self.engine.rules_error().is_some() {
            self.engine.replace_rules(rules);
        }
        Ok(revision)
    }

    async fn load_tested(&self) -> Result<RuleSet, AppError> {
        let context = self.context.clone();
        // Reading files and compiling rules takes its time.
        let loaded = spawn_blocking(move || RuleSet::load_workspaces(&context)).await;
        let rules = loaded.map_err(|error| AppError::TestsAborted(error.to_string()))?.map_err(AppError::Invalid)?;
        require_passing(rules, &self.caps).await
    }

    /// The configuration file, where there is one.
    pub(super) fn config_path(&self) -> Option<&Path> {
        self.started_with.as_ref().map(StartedWith::path)
    }

    /// Whether the rules stand in files. Those of the demo are compiled in, and their files are there in a checkout only.
    pub(super) fn are_files(&self) -> bool {
        self.paths.iter().any(|path| path.exists())
    }

    /// The store's file.
    pub(super) fn store_path(&self) -> Option<&Path> {
        self.store.as_deref()
    }

    /// Where the rules are.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
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

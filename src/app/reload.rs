//! Loading the rules again while the service runs: all or nothing.

use super::{
    AppError,
    build::{rules_context, tested},
};
use crate::{
    admin::{Reload, ReloadError},
    engine::Engine,
    rules::{Context, RuleSet},
    settings::Settings,
};
use async_trait::async_trait;
use std::{path::PathBuf, sync::Arc};

/// Where the rules in force come from.
pub struct RulesFolder {
    engine: Arc<Engine>,
    path: PathBuf,
    context: Context,
}

impl RulesFolder {
    /// Remembers where the rules are and what they may name.
    pub fn new(engine: Arc<Engine>, settings: &Settings) -> Self {
        Self { engine, path: settings.rules.clone(), context: rules_context(settings) }
    }

    /// Loads the rules and puts them in force; on any mistake the old ones stay.
    ///
    /// # Errors
    /// Every mistake in the new rules.
    pub fn load(&self) -> Result<String, AppError> {
        let rules = tested(RuleSet::load(&self.path, &self.context).map_err(AppError::Mistakes)?)?;
        let revision = rules.revision().to_owned();
        self.engine.replace_rules(rules);
        Ok(revision)
    }
}

#[async_trait]
impl Reload for RulesFolder {
    async fn reload(&self) -> Result<String, ReloadError> {
        self.load().map_err(|error| match error {
            AppError::Mistakes(found) => {
                ReloadError::Refused(serde_json::to_value(&found).unwrap_or(serde_json::Value::Null))
            }
            other => ReloadError::Failed(other.to_string()),
        })
    }
}

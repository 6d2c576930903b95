//! The demo: a simulated workspace, the rules of `examples/demo/` live, everything in one process.
//!
//! In a checkout the rules are the file there. Elsewhere they are a copy in a temporary folder, so that they can be read, edited
//! and tried all the same.

use super::{AppError, EngineBuilder, Service};
use crate::{
    destinations::{DestinationSettings, EmailSettings, NetworkSettings, SlackSettings, SmtpSettings},
    engine::{Engine, SystemClock},
    rules::{LoadContext, RuleSet},
    settings::{Settings, WorkspaceConfig},
    simulator::{self, Simulator, StreamOptions},
    store::SqlStore,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// Compiled in, so that the demo needs nothing but the binary.
const RULES: &str = include_str!("../../examples/demo/rules.yaml");
const RULES_NAME: &str = "examples/demo/rules.yaml";

/// How the demo runs.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Address of the admin pages.
    pub listen: SocketAddr,
    /// Where the simulated workspace and the sinks are.
    pub sinks: SocketAddr,
    /// Time between new messages.
    pub every: Duration,
}

/// The demo, bound to its ports and not yet running.
pub struct Demo {
    simulator: Simulator,
    engine: Arc<Engine>,
    service: Service,
    rules: RulesFile,
}

impl Demo {
    /// Starts the simulated workspace and puts the service together.
    ///
    /// # Errors
    /// A port is taken, or there is no folder for the rules.
    pub async fn start(options: &DemoOptions) -> Result<Self, AppError> {
        let simulator = Simulator::start(simulator::Options {
            listen: options.sinks,
            visibility_lag: Duration::from_secs(1),
            stream: Some(StreamOptions { every: options.every, ..StreamOptions::default() }),
            ..simulator::Options::default()
        })
        .await?;
        let file = RulesFile::find_or_write()?;
        let settings = settings(&simulator, options, file.path())?;
        let context =
            LoadContext { destinations: super::rules_context(&settings).destinations, ..LoadContext::default() };
        let name = file.path().to_string_lossy();
        let rules = RuleSet::parse(&[(&*name, RULES)], &context).map_err(AppError::Invalid)?;
        // In memory: every demo starts empty.
        let store = Arc::new(SqlStore::in_memory_copy(None).await?);
        let clock = Arc::new(SystemClock);
        let engine = EngineBuilder { settings: &settings, rules, store, clock, dry_run: false }.build()?;
        let service = Service::bind(Arc::clone(&engine), &settings).await?;
        Ok(Self { simulator, engine, service, rules: file })
    }

    /// The engine, to listen to.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The simulated workspace and its sinks.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// The file of its rules, which reload when it changes.
    pub fn rules_path(&self) -> &Path {
        self.rules.path()
    }

    /// Where the pages are.
    pub fn pages(&self) -> Option<SocketAddr> {
        self.service.address()
    }

    /// Runs until `shutdown`.
    ///
    /// # Errors
    /// As [`Service::run`].
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), AppError> {
        let result = self.service.run(shutdown).await;
        self.simulator.shutdown().await;
        result
    }
}

fn settings(simulator: &Simulator, options: &DemoOptions, rules: &Path) -> Result<Settings, AppError> {
    let base_url = simulator.base_url().parse().map_err(|error| AppError::Workspace(format!("{error}")))?;
    let mut workspace = WorkspaceConfig::new("demo", simulator::DEFAULT_KEY.to_owned().into(), base_url);
    workspace.settings.poll_every = Duration::from_secs(2);
    workspace.settings.safety.alert = Some("sales-hot".to_owned());
    let mut settings = Settings::with_defaults(vec![workspace], vec![rules.to_owned()]);
    settings.admin.listen = options.listen;
    let slack = SlackSettings { webhook_url: Some(simulator.slack_url().into()), ..SlackSettings::default() };
    let email = EmailSettings { to: vec!["account-team@us.example".to_owned()], ..EmailSettings::default() };
    settings.destinations = BTreeMap::from([
        ("sales-hot".to_owned(), DestinationSettings::Slack(slack)),
        ("account-team".to_owned(), DestinationSettings::Email(email)),
    ]);
    settings.smtp = Some(SmtpSettings {
        url: simulator.smtp_url().into(),
        from: "Reply Router <router@us.example>".to_owned(),
        ca_file: None,
    });
    settings.network = NetworkSettings { allow_private: true };
    Ok(settings)
}

/// The file of the demo's rules.
enum RulesFile {
    /// In a checkout.
    Given(PathBuf),
    /// In a folder that goes with the demo.
    Written { path: PathBuf, _folder: TempDir },
}

impl RulesFile {
    fn find_or_write() -> Result<Self, AppError> {
        let given = PathBuf::from(RULES_NAME);
        if given.is_file() {
            return Ok(Self::Given(given));
        }
        let folder = tempfile::Builder::new().prefix("reply-router-demo-").tempdir().map_err(AppError::DemoRules)?;
        let path = folder.path().join("rules.yaml");
        std::fs::write(&path, RULES).map_err(AppError::DemoRules)?;
        Ok(Self::Written { path, _folder: folder })
    }

    fn path(&self) -> &Path {
        match self {
            Self::Given(path) | Self::Written { path, .. } => path,
        }
    }
}

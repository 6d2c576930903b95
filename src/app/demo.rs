//! The demo: a simulated workspace, the rules of `examples/demo/` live, everything in one process.

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
}

impl Demo {
    /// Starts the simulated workspace and puts the service together.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn start(options: &DemoOptions) -> Result<Self, AppError> {
        let simulator = Simulator::start(simulator::Options {
            listen: options.sinks,
            visibility_lag: Duration::from_secs(1),
            stream: Some(StreamOptions { every: options.every, ..StreamOptions::default() }),
            ..simulator::Options::default()
        })
        .await?;
        let settings = settings(&simulator, options)?;
        let context =
            LoadContext { destinations: super::rules_context(&settings).destinations, ..LoadContext::default() };
        let rules = RuleSet::parse(&[(RULES_NAME, RULES)], &context).map_err(AppError::Invalid)?;
        // In memory: every demo starts empty.
        let store = Arc::new(SqlStore::in_memory_copy(None).await?);
        let clock = Arc::new(SystemClock);
        let engine = EngineBuilder { settings: &settings, rules, store, clock, dry_run: false }.build()?;
        let service = Service::bind(Arc::clone(&engine), &settings).await?;
        Ok(Self { simulator, engine, service })
    }

    /// The engine, to listen to.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The simulated workspace and its sinks.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
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

fn settings(simulator: &Simulator, options: &DemoOptions) -> Result<Settings, AppError> {
    let base_url = simulator.base_url().parse().map_err(|error| AppError::Workspace(format!("{error}")))?;
    let mut workspace = WorkspaceConfig::new("demo", simulator::DEFAULT_KEY.to_owned().into(), base_url);
    workspace.settings.poll_every = Duration::from_secs(2);
    workspace.settings.safety.alert = Some("sales-hot".to_owned());
    let mut settings = Settings::with_defaults(vec![workspace], vec![PathBuf::from(RULES_NAME)]);
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

/// The path of the demo's rules in a checkout.
pub fn rules_path() -> &'static Path {
    Path::new(RULES_NAME)
}

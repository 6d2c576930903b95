//! The fixture that tests of the service share: a simulated workspace, a store on disk, an engine with a clock of its own.

use jiff::Timestamp;
use reply_router::store::prelude::*;
use reply_router::{
    coldsend::{Client, ClientSettings, TimeLimits},
    destinations::{DestinationSettings, Destinations, NetworkSettings, SmtpSettings},
    engine::{Clock, Engine, EngineParts, TestHooks, Workspace, WorkspaceParts},
    model::{Action, ActionKind, ActionState, Mode, Safety, WorkspaceSettings},
    rules::{LoadContext, RuleSet, hours::OpeningHours},
    simulator::{NewThread, Options, Simulator},
    store::{ActionFilter, SqlStore, Store},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A clock that only moves when it is told to.
#[derive(Debug, Clone)]
pub(crate) struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    pub(crate) fn new() -> Self {
        // A Wednesday noon in summer.
        Self(Arc::new(Mutex::new("2026-07-15T12:00:00Z".parse().unwrap())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }

    /// Sets it forward, or back.
    pub(crate) fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap() = at;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What a test wants to be different from the ordinary.
pub(crate) struct FixtureOptions {
    pub(crate) rules: &'static str,
    pub(crate) hours: Vec<(&'static str, OpeningHours)>,
    pub(crate) mode: Mode,
    /// Beside `acme`, in the same inbox.
    pub(crate) more_workspaces: Vec<(&'static str, Mode)>,
    /// What `acme` is called.
    pub(crate) name: &'static str,
    /// (name, its key), where that is not the simulator's default one.
    pub(crate) keys: Vec<(&'static str, &'static str)>,
    /// (name, the name it had before)
    pub(crate) was: Vec<(&'static str, &'static str)>,
    pub(crate) safety: Safety,
    /// How long records are kept.
    pub(crate) retention: Option<Duration>,
    pub(crate) wait_for_category: Duration,
    pub(crate) options: Options,
    pub(crate) dry_run: bool,
    pub(crate) test_hooks: Option<Arc<dyn TestHooks>>,
    /// Where the API, Slack and webhooks, and where SMTP, are reached if not at the simulator's own addresses.
    pub(crate) http_at: Option<SocketAddr>,
    pub(crate) smtp_at: Option<SocketAddr>,
    /// How long a request or delivery may take, if not as long as in earnest.
    pub(crate) time_limit: Option<Duration>,
}

impl Default for FixtureOptions {
    fn default() -> Self {
        Self {
            rules: HOT,
            hours: vec![("office", office())],
            mode: Mode::Live,
            more_workspaces: Vec::new(),
            name: "acme",
            keys: Vec::new(),
            was: Vec::new(),
            safety: safety(),
            retention: None,
            wait_for_category: Duration::ZERO,
            options: Options::for_tests(),
            dry_run: false,
            test_hooks: None,
            http_at: None,
            smtp_at: None,
            time_limit: None,
        }
    }
}

impl FixtureOptions {
    /// A URL of the simulator, at the place where this test reaches it.
    fn http(&self, simulator: &Simulator, url: String) -> String {
        match self.http_at {
            Some(at) => url.replacen(&simulator.address().to_string(), &at.to_string(), 1),
            None => url,
        }
    }
}

pub(crate) fn safety() -> Safety {
    Safety::default()
}

/// The main job: read the body, answer, star, mark as read.
pub(crate) const HOT: &str = r"
version: 1
rules:
  - name: book-a-call
    when:
      category: interested
      campaign: 'Q1 *'
      body: '\bcall\b'
    then:
      - reply: { text: 'Hi {{ lead.first_name }}, here is my calendar.' }
      - star
      - mark_read
";

/// The fixture.
pub(crate) struct Fixture {
    pub(crate) simulator: Simulator,
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<SqlStore>,
    pub(crate) engine: Arc<Engine>,
    first: Arc<Workspace>,
    /// Gone with the fixture.
    pub(crate) folder: tempfile::TempDir,
}

impl Fixture {
    /// Starts everything and lets the engine note what is there.
    pub(crate) async fn new(setting: FixtureOptions) -> Self {
        let fixture = Self::without_baseline(setting).await;
        fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
        fixture
    }

    /// Starts everything; nothing was polled yet.
    pub(crate) async fn without_baseline(setting: FixtureOptions) -> Self {
        let clock = ManualClock::new();
        let time = clock.clone();
        let simulator =
            Simulator::start(Options { clock: Arc::new(move || time.now()), ..setting.options.clone() }).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(crate::stores::open(&folder.path().join("store.db")).await.unwrap());
        let engine = engine(&setting, &simulator, Arc::clone(&store) as Arc<dyn Store>, clock.clone());
        let first = Arc::clone(engine.workspaces().first().unwrap());
        Self { simulator, clock, store, engine, first, folder }
    }

    /// The process ends between two steps and another one takes over what is on disk.
    pub(crate) async fn restart(self, setting: &FixtureOptions) -> Self {
        let Self { simulator, clock, store, engine: old, first, folder } = self;
        store.close().await;
        drop((store, old, first));
        let store = Arc::new(crate::stores::open(&folder.path().join("store.db")).await.unwrap());
        let engine = engine(setting, &simulator, Arc::clone(&store) as Arc<dyn Store>, clock.clone());
        let first = Arc::clone(engine.workspaces().first().unwrap());
        let fixture = Self { simulator, clock, store, engine, first, folder };
        fixture.engine.executor().recover(fixture.workspace()).await.unwrap();
        fixture
    }

    pub(crate) fn store_path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// The first workspace of the engine.
    pub(crate) fn workspace(&self) -> &Workspace {
        let is_current = self.engine.workspaces().first().is_some_and(|first| Arc::ptr_eq(first, &self.first));
        assert!(is_current, "the engine was replaced without its workspace: use `replace_engine`");
        &self.first
    }

    /// Another engine on the same store, with its workspaces.
    pub(crate) fn replace_engine(&mut self, engine: Arc<Engine>) {
        self.first = Arc::clone(engine.workspaces().first().unwrap());
        self.engine = engine;
    }

    /// An interested lead of a Q1 campaign writes for the first time; the thread's id comes back.
    pub(crate) fn hot_lead(&self, email: &str, text: &str) -> String {
        let thread = NewThread::new(email).name("Jane Doe").campaign("Q1 Product Launch").category("interested");
        self.simulator.workspace().add_thread(thread.message(text))
    }

    /// Polls, decides, and carries out all that is due.
    pub(crate) async fn tick(&self) {
        self.engine.intake().poll(self.workspace(), true).await.unwrap();
        self.engine.intake().handle_pending(self.workspace()).await.unwrap();
        self.run_due().await;
    }

    /// Carries out all that is due.
    pub(crate) async fn run_due(&self) {
        use reply_router::store::Lane;
        for lane in [Lane::Api, Lane::Destinations, Lane::Api] {
            self.engine.executor().run_due(self.workspace(), lane, &|| false).await.unwrap();
        }
    }

    /// All actions, oldest first.
    pub(crate) async fn actions(&self) -> Vec<Action> {
        let mut actions = self.store.actions(&ActionFilter { limit: 10_000, ..ActionFilter::default() }).await.unwrap();
        actions.reverse();
        actions
    }

    /// Kind, state and reason code of all actions, oldest first.
    pub(crate) async fn states(&self) -> Vec<(ActionKind, ActionState, Option<&'static str>)> {
        let actions = self.actions().await;
        actions.iter().map(|a| (a.kind, a.state, a.reason.as_ref().map(|reason| reason.code.as_str()))).collect()
    }

    /// The requests since the last call, as `GET /replies/{id}/messages` with the ids left out.
    pub(crate) fn requests(&self) -> Vec<String> {
        let workspace = self.simulator.workspace();
        let log = workspace.requests();
        workspace.clear_requests();
        log.iter().map(|request| format!("{} {}", request.method, without_id(&request.path))).collect()
    }
}

pub(crate) fn engine(
    setting: &FixtureOptions,
    simulator: &Simulator,
    store: Arc<dyn Store>,
    clock: impl Clock + 'static,
) -> Arc<Engine> {
    let destinations = destinations(setting, simulator);
    let names = destinations.names().map(|name| (name.to_owned(), destinations.kind(name).unwrap())).collect();
    let hours = setting.hours.iter().map(|(name, hours)| ((*name).to_owned(), hours.clone())).collect();
    let context = LoadContext { destinations: names, hours, ..LoadContext::default() };
    let rules = RuleSet::parse(&[("rules.yaml", setting.rules)], &context);
    let rules = rules.unwrap_or_else(|found| panic!("{}", found.render(false)));
    let client = |name: &str| {
        let key = setting.keys.iter().find(|(workspace, _)| *workspace == name);
        let settings = ClientSettings {
            workspace: name.to_owned(),
            base_url: setting.http(simulator, simulator.base_url()).parse().unwrap(),
            api_key: key.map_or("cs_live_simulated", |(_, key)| key).to_owned().into(),
            // The budget has tests of its own; here nobody waits for it.
            per_minute: 100_000,
            per_hour: 100_000,
        };
        let whole = setting.time_limit.unwrap_or(TimeLimits::default().whole);
        Client::with_time_limits(settings, TimeLimits { whole, ..TimeLimits::default() }).unwrap()
    };
    let workspaces = std::iter::once((setting.name, setting.mode)).chain(setting.more_workspaces.iter().copied());
    Engine::new(EngineParts {
        store,
        rules,
        workspaces: workspaces
            .map(|(name, mode)| WorkspaceParts {
                settings: WorkspaceSettings {
                    mode,
                    was: setting.was.iter().find(|(to, _)| *to == name).map(|(_, was)| (*was).to_owned()),
                    wait_for_category: setting.wait_for_category,
                    safety: setting.safety.clone(),
                    retention: setting.retention,
                    ..WorkspaceSettings::new(name)
                },
                client: client(name),
                destinations: destinations.clone(),
            })
            .collect(),
        public_url: Some("https://router.acme.example".to_owned()),
        clock: Arc::new(clock),
        dry_run: setting.dry_run,
        test_hooks: setting.test_hooks.clone(),
    })
}

/// Monday to Friday, 9 to 18 o'clock.
fn office() -> OpeningHours {
    use jiff::civil::Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
    let days = [Monday, Tuesday, Wednesday, Thursday, Friday];
    OpeningHours::new(&days, 9 * 60, 18 * 60, jiff::tz::TimeZone::UTC, BTreeSet::new()).unwrap()
}

/// One of each kind: `sales`, `team` and `crm` in the simulator, and `lines` on standard error.
fn destinations(setting: &FixtureOptions, simulator: &Simulator) -> Destinations {
    use reply_router::destinations::{EmailSettings, LogFormat, SlackSettings, WebhookSettings};
    let all = BTreeMap::from([
        (
            "sales".to_owned(),
            DestinationSettings::Slack(SlackSettings {
                webhook_url: Some(setting.http(simulator, simulator.slack_url()).into()),
                ..SlackSettings::default()
            }),
        ),
        (
            "team".to_owned(),
            DestinationSettings::Email(EmailSettings { to: vec!["ae@acme.example".to_owned()], cc: vec![] }),
        ),
        ("lines".to_owned(), DestinationSettings::Log(LogFormat::default())),
        (
            "crm".to_owned(),
            DestinationSettings::Webhook(WebhookSettings {
                url: setting.http(simulator, simulator.webhook_url()).into(),
                secret: None,
            }),
        ),
    ]);
    let smtp = setting.smtp_at.unwrap_or_else(|| simulator.smtp_address());
    let smtp = SmtpSettings {
        url: format!("smtp://router:secret@{smtp}").into(),
        from: "Reply Router <router@acme.example>".to_owned(),
        ca_file: None,
    };
    let network = NetworkSettings { allow_private: true };
    match setting.time_limit {
        Some(limit) => Destinations::with_time_limit(all, Some(smtp), network, limit).unwrap(),
        None => Destinations::new(all, Some(smtp), network).unwrap(),
    }
}

fn without_id(path: &str) -> String {
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["replies", "threads", _] => "thread".to_owned(),
        ["replies", "threads", _, what] => (*what).to_owned(),
        ["replies"] => "list".to_owned(),
        _ => path.to_owned(),
    }
}

/// So that a test reads well.
pub(crate) use ActionKind::{MarkRead, Reply, Star};

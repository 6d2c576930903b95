//! Workspaces side by side, each with a simulated inbox, and the service that is killed there.

use super::checker::{Tally, World, check};
use crate::{
    cli_fixture::{PATIENCE, binary},
    service_process::{SERVICE, ServiceProcess},
};
use reply_router::store::prelude::*;
use reply_router::{
    engine::Mutation,
    model::{ActionKind, ActionState, DestinationKind},
    simulator::{Key, NewThread, Options, Simulator},
    store::{ActionFilter, DecisionFilter, SqlStore},
};
use std::{path::PathBuf, process::Command, time::Duration};

/// The kinds that a rule of these tests carries out.
pub(super) const KINDS: [ActionKind; 6] = [
    ActionKind::Reply,
    ActionKind::Star,
    ActionKind::Forward(DestinationKind::Slack),
    ActionKind::Forward(DestinationKind::Email),
    ActionKind::Forward(DestinationKind::Webhook),
    ActionKind::MarkRead,
];

/// A place at which the program is killed: a workspace of its own.
pub(super) struct KillPoint {
    /// The workspace's name, and its leads' domain.
    pub(super) name: String,
    /// What the rule does there.
    pub(super) kinds: Vec<ActionKind>,
    /// How the reply to each lead of a kill must end, where that is certain.
    pub(super) reply_ends: Option<ActionState>,
    /// A file that goes with the reply.
    pub(super) file: Option<&'static str>,
    /// How long a sent reply stays invisible.
    pub(super) lag: Duration,
}

impl KillPoint {
    pub(super) fn new(name: impl Into<String>) -> Self {
        let name = name.into().replace('_', "-");
        Self { name, kinds: KINDS.to_vec(), reply_ends: None, file: None, lag: Duration::ZERO }
    }

    fn rule(&self) -> String {
        let name = &self.name;
        let files = self.file.map(|file| format!(", attachments: [{file}]")).unwrap_or_default();
        let actions = self.kinds.iter().map(|kind| match kind {
            ActionKind::Reply => format!("      - reply: {{ text: 'Hi {{{{ lead.email }}}}, my calendar.'{files} }}\n"),
            ActionKind::Forward(DestinationKind::Log) => panic!("a line is no request"),
            ActionKind::Forward(DestinationKind::Slack) => format!("      - slack: {name}-slack\n"),
            ActionKind::Forward(DestinationKind::Email) => "      - email: team\n".to_owned(),
            ActionKind::Forward(DestinationKind::Webhook) => format!("      - webhook: {name}-crm\n"),
            kind => format!("      - {kind}\n"),
        });
        let when = format!("{{ category: interested, lead_domain: {name}.example, body: '\\bcall\\b' }}");
        format!("  - name: {name}\n    when: {when}\n    then:\n{}", actions.collect::<String>())
    }
}

/// The workspaces, one folder and one store for all.
pub(super) struct CrashFixture {
    folder: tempfile::TempDir,
    pub(super) spots: Vec<(KillPoint, Simulator)>,
    leads: usize,
    /// The bug that the program has, to prove that the checks notice it.
    pub(super) mutation: Option<Mutation>,
}

impl CrashFixture {
    /// Writes configuration and rules, and lets the program note the empty inboxes.
    pub(super) async fn new(spots: Vec<KillPoint>) -> Self {
        let field = Self::unstarted(spots).await;
        field.record_baseline().await;
        field
    }

    /// Writes configuration and rules.
    pub(super) async fn unstarted(spots: Vec<KillPoint>) -> Self {
        let mut field = Self { folder: tempfile::tempdir().unwrap(), spots: Vec::new(), leads: 0, mutation: None };
        for spot in spots {
            // No two workspaces may have one key.
            let keys = vec![Key::new(format!("cs_live_{}", spot.name))];
            let options = Options { visibility_lag: spot.lag, keys, ..Options::for_tests() };
            field.spots.push((spot, Simulator::start(options).await.unwrap()));
        }
        let rules: String = field.spots.iter().map(|(spot, _)| spot.rule()).collect();
        std::fs::create_dir(field.folder.path().join("rules")).unwrap();
        std::fs::write(field.folder.path().join("rules/rules.yaml"), format!("version: 1\nrules:\n{rules}")).unwrap();
        std::fs::write(field.folder.path().join("reply-router.yaml"), field.configuration()).unwrap();
        field
    }

    pub(super) async fn record_baseline(&self) {
        crate::cli_fixture::run(self.command(&["run", "--once"])).await.assert_exit(0);
    }

    fn configuration(&self) -> String {
        let (mut workspaces, mut destinations) = (String::new(), String::new());
        for (KillPoint { name, .. }, simulator) in &self.spots {
            // Twenty leads in a minute are more than an ordinary budget allows.
            let more = "poll_every: 1s, rate_limit: { per_minute: 1000, per_hour: 10000 }";
            let base = simulator.base_url();
            let key = format!("cs_live_{name}");
            workspaces += &format!("  - {{ name: {name}, api_key: {key}, base_url: \"{base}\", {more} }}\n");
            destinations += &format!("  {name}-slack: {{ slack: {{ webhook_url: \"{}\" }} }}\n", simulator.slack_url());
            destinations += &format!("  {name}-crm: {{ webhook: {{ url: \"{}\" }} }}\n", simulator.webhook_url());
        }
        let smtp = self.spots[0].1.smtp_url();
        format!(
            "workspaces:\n{workspaces}rules: rules/\nadmin: {{ listen: \"127.0.0.1:0\" }}\nnetwork: {{ allow_private: true }}
safety: {{ verify_after: [1s, 2s] }}
smtp: {{ url: \"{smtp}\", from: \"Reply Router <router@acme.example>\" }}
destinations:\n  team: {{ email: {{ to: [ae@acme.example] }} }}\n{destinations}"
        )
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = binary(self.folder.path(), args);
        command.envs(self.mutation.map(|mutation| ("REPLY_ROUTER_MUTATIONS", mutation.as_str())));
        command
    }

    /// The service, stopped at these failpoints.
    pub(super) async fn start(&self, stop_at: &str) -> ServiceProcess {
        let mut command = self.command(SERVICE);
        command.env("REPLY_ROUTER_FAILPOINTS", stop_at);
        ServiceProcess::start(command).await
    }

    /// A new hot lead in every workspace; the threads' ids come back in the workspaces' order.
    pub(super) fn hot_leads(&mut self) -> Vec<String> {
        self.leads += 1;
        let lead = |(spot, simulator): &(KillPoint, Simulator)| {
            let email = format!("lead{}@{}.example", self.leads, spot.name);
            let thread = NewThread::new(email).name("Jane Doe").campaign("Q1 Launch").category("interested");
            simulator.workspace().add_thread(thread.message("Sure, a call on Tuesday?"))
        };
        self.spots.iter().map(lead).collect()
    }

    /// One more lead each, and nothing is held up or goes wrong any more: until nothing moves. Then all is checked.
    pub(super) async fn end(mut self, what: &str) {
        for (_, simulator) in &self.spots {
            simulator.faults().clear();
        }
        self.hot_leads();
        let mut service = ServiceProcess::start(self.command(SERVICE)).await;
        let store = self.store().await;
        while !self.nothing_moves(&store).await {
            service.wait_for_log("\"target\":\"reply_router::engine").await;
        }
        service.terminate().await.assert_exit(0);
        let before = self.world().await;
        crate::cli_fixture::run(self.command(&["run", "--once"])).await;
        let world = self.world().await;
        assert_eq!(before, world, "{what}: another run does nothing more");
        let wrong = self.check(&world, what);
        assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
    }

    /// What a run that may be wrong leaves behind; empty when all is as it should be.
    pub(super) async fn violations(mut self, what: &str) -> Vec<String> {
        self.hot_leads();
        crate::cli_fixture::run(self.command(&["run", "--once"])).await;
        let world = self.world().await;
        self.check(&world, what)
    }

    fn check(&self, world: &World, what: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        let tallies: Vec<Tally> =
            self.spots.iter().map(|(spot, _)| check(spot, world, self.leads, &mut wrong)).collect();
        world.nothing_unknown(&mut wrong);
        for tally in tallies {
            eprintln!("{what:<16} {tally}");
        }
        wrong
    }

    async fn store(&self) -> SqlStore {
        SqlStore::open_read_only(&self.path("reply-router.db")).await.unwrap()
    }

    async fn nothing_moves(&self, store: &SqlStore) -> bool {
        let decided = store.decisions(&DecisionFilter { limit: 10_000, ..DecisionFilter::default() }).await.unwrap();
        let queue = store.queue_counts(None).await.unwrap();
        decided.len() >= self.leads * self.spots.len()
            && queue.iter().all(|(state, count)| *count == 0 || state.is_settled() || *state == ActionState::Held)
    }

    async fn world(&self) -> World {
        let store = self.store().await;
        let all = ActionFilter { limit: 10_000, ..ActionFilter::default() };
        World {
            actions: store.actions(&all).await.unwrap(),
            decisions: store.decisions(&DecisionFilter { limit: 10_000, ..DecisionFilter::default() }).await.unwrap(),
            accepted: self.received(|simulator| simulator.workspace().accepted_replies()),
            threads: self.received(|simulator| simulator.workspace().threads()),
            slack: self.received(Simulator::slack),
            webhooks: self.received(Simulator::webhooks),
            mail: self.spots[0].1.mail(),
        }
    }

    fn received<T>(&self, what: impl Fn(&Simulator) -> Vec<T>) -> Vec<(String, T)> {
        let of = |(spot, simulator): &(KillPoint, Simulator)| {
            let name = spot.name.clone();
            what(simulator).into_iter().map(move |one| (name.clone(), one)).collect::<Vec<_>>()
        };
        self.spots.iter().flat_map(of).collect()
    }

    /// Waits until every queued fault of every workspace has met its request.
    pub(super) async fn wait_for_faults(&self) {
        for (spot, simulator) in &self.spots {
            let faults = simulator.faults();
            let met = simulator.workspace().wait_until(PATIENCE, |_| faults.pending() == 0).await;
            assert!(met, "{}: the request never came, paused by {:?}", spot.name, self.store().await.pauses().await);
        }
    }
}

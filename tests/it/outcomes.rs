//! Every outcome of a request for every kind of action: the state, and how many requests it cost.
//!
//! The expectation is a table. Each of its cells is played twice: once the trouble lasts, once it passes after the first
//! request that it hits.

mod table;

use crate::{
    fixture::{Fixture, FixtureOptions, engine, safety},
    proxy::Proxy,
};
use jiff::Timestamp;
use reply_router::simulator::Endpoint;
use reply_router::store::prelude::*;
use reply_router::{
    model::{Action, ActionKind, ActionState, DestinationKind, Safety},
    simulator::{Fault, SmtpFault, SmtpStep},
    store::Store,
};
use std::{sync::Arc, time::Duration};
use table::TABLE;

/// Longer than any healthy request here takes, and short enough to be waited for.
const SHORT: Duration = Duration::from_millis(150);
/// So many times something that is due is done; what is not settled then would go on like that.
const STEPS: usize = 7;

/// What happens to the requests of an action.
#[derive(Clone)]
enum FaultSpec {
    NobodyListens,
    NoNetwork,
    Http(Fault),
    Smtp(SmtpStep, SmtpFault),
}

/// The trouble that a row of the table is about.
fn trouble(name: &str, kind: ActionKind) -> FaultSpec {
    let words: Vec<_> = name.split(' ').collect();
    let no = || r#"{"detail":"no"}"#.to_owned();
    FaultSpec::Http(match words.as_slice() {
        ["nobody", "listens"] => return FaultSpec::NobodyListens,
        ["no", "network"] => return FaultSpec::NoNetwork,
        ["closed", "before"] => Fault::CloseBefore,
        ["closed", "after"] => Fault::CloseAfter,
        ["silent", "before"] => Fault::Hang,
        ["silent", "after"] => Fault::HangAfter,
        ["garbage"] => Fault::Garbage2xx,
        // In the status line; and in the body, behind the headers: 101 bytes of Slack, up to 110 of the others.
        ["cut", "early"] => Fault::TruncateAfter(10),
        ["cut", "late"] if kind == ActionKind::Forward(DestinationKind::Slack) => Fault::TruncateAfter(102),
        ["cut", "late"] => Fault::TruncateAfter(112),
        [status @ ("202" | "204")] => Fault::StatusAfter(status.parse().unwrap(), String::new()),
        [status @ ("301" | "302" | "307")] => Fault::Redirect(status.parse().unwrap(), "/elsewhere".to_owned()),
        [status, "after"] => Fault::StatusAfter(status.parse().unwrap(), no()),
        [status, "wait", seconds] => Fault::Respond {
            status: status.parse().unwrap(),
            headers: vec![("retry-after".to_owned(), (*seconds).to_owned())],
            body: no(),
        },
        [step, what] if step.starts_with(|first: char| first.is_ascii_uppercase()) => {
            let step = match *step {
                "Greeting" => SmtpStep::Greeting,
                "Hello" => SmtpStep::Hello,
                "Auth" => SmtpStep::Auth,
                "MailFrom" => SmtpStep::MailFrom,
                "RcptTo" => SmtpStep::RcptTo,
                "Data" => SmtpStep::Data,
                "EndOfData" => SmtpStep::EndOfData,
                other => panic!("{other}"),
            };
            let fault = match *what {
                "closed" => SmtpFault::Close,
                "taken" => SmtpFault::CloseAfter,
                "silent" => SmtpFault::Hang,
                code => SmtpFault::Code(code.parse().unwrap(), "no".to_owned()),
            };
            return FaultSpec::Smtp(step, fault);
        }
        [status] => Fault::Status(status.parse().unwrap(), no()),
        other => panic!("{other:?}"),
    })
}

fn rules(kind: ActionKind) -> &'static str {
    macro_rules! only {
        ($action:literal) => {
            concat!("version: 1\nrules: [{ name: only, when: { category: interested }, then: [", $action, "] }]\n")
        };
    }
    match kind {
        ActionKind::Reply => only!("{ reply: { text: 'Hi {{ lead.first_name }}.' } }"),
        ActionKind::Star => only!("star"),
        ActionKind::Unstar => only!("unstar"),
        ActionKind::MarkRead => only!("mark_read"),
        ActionKind::Forward(DestinationKind::Log) => panic!("a line is no request"),
        ActionKind::Forward(DestinationKind::Slack) => only!("{ slack: sales }"),
        ActionKind::Forward(DestinationKind::Email) => only!("{ email: team }"),
        ActionKind::Forward(DestinationKind::Webhook) => only!("{ webhook: crm }"),
    }
}

fn endpoint(kind: ActionKind) -> Endpoint {
    match kind {
        ActionKind::Reply => Endpoint::Reply,
        ActionKind::Star | ActionKind::Unstar => Endpoint::Star,
        ActionKind::MarkRead => Endpoint::Read,
        ActionKind::Forward(DestinationKind::Slack) => Endpoint::SlackWebhook,
        ActionKind::Forward(DestinationKind::Webhook) => Endpoint::Webhook,
        ActionKind::Forward(DestinationKind::Log) => panic!("a line is no request"),
        ActionKind::Forward(DestinationKind::Email) => panic!("a mail goes to no HTTP endpoint"),
    }
}

/// A fixture on which one case after the other is played.
struct OutcomeFixture {
    fixture: Fixture,
    setting: FixtureOptions,
    doors: [Proxy; 2],
    kind: ActionKind,
    cases: usize,
}

impl OutcomeFixture {
    async fn new(kind: ActionKind, time_limit: Option<Duration>) -> Self {
        let setting = || FixtureOptions {
            rules: rules(kind),
            safety: Safety { replies_per_hour: 1_000, ..safety() },
            time_limit,
            ..FixtureOptions::default()
        };
        let fixture = Fixture::new(setting()).await;
        let doors =
            [Proxy::start(fixture.simulator.address()).await, Proxy::start(fixture.simulator.smtp_address()).await];
        let at = [0, 1].map(|door: usize| Some(doors[door].address()));
        let setting = FixtureOptions { http_at: at[0], smtp_at: at[1], ..setting() };
        let mut ground = Self { fixture, setting, doors, kind, cases: 0 };
        ground.new_engine();
        ground
    }

    fn new_engine(&mut self) {
        let store = Arc::clone(&self.fixture.store) as Arc<dyn Store>;
        let renewed = engine(&self.setting, &self.fixture.simulator, store, self.fixture.clock.clone());
        self.fixture.replace_engine(renewed);
    }

    /// Plays a case: right after the first try, and at the end.
    async fn play(&mut self, name: &str, lasts: bool) -> (String, String) {
        let kind = self.kind;
        let trouble = trouble(name, kind);
        let case = self.decide().await;
        self.begin(&trouble, lasts).await;
        self.fixture.run_due().await;
        let action = self.action(&case).await;
        let due = action.due_at.map(|due| due.duration_since(case.began).as_secs());
        let due = due.map_or("-".to_owned(), |due| format!("+{due}s"));
        // A key that is not accepted stops everything, before a person, and nothing else does.
        let paused = !self.fixture.store.pauses().await.unwrap().is_empty();
        assert_eq!(paused, kind.is_api_write() && matches!(name, "401" | "403"), "{name}, {kind}");
        let at_once = format!("{} {due} {}", state(&action), self.requests(&case));
        if !lasts {
            self.all_is_well().await;
        }
        let limited = name.starts_with("429");
        for _ in 0..if limited { 3 } else { STEPS } {
            if limited {
                // The client keeps away from the API by the machine's clock; a new one need not.
                self.new_engine();
            }
            self.step().await;
        }
        let action = self.action(&case).await;
        let (requests, effects) = (self.requests(&case), self.effects(&case, &action));
        self.clear_away(limited).await;
        (at_once, format!("{} {}t {requests} {effects}e", state(&action), action.attempts.len()))
    }

    /// A lead writes, and it is decided what to do.
    async fn decide(&mut self) -> Case {
        let workspace = self.fixture.simulator.workspace();
        self.cases += 1;
        let thread = self.fixture.hot_lead(&format!("lead{}@acme.example", self.cases), "A call, please.");
        workspace.set_starred(&thread, self.kind == ActionKind::Unstar);
        self.fixture.engine.intake().poll(self.fixture.workspace(), true).await.unwrap();
        self.fixture.engine.intake().handle_pending(self.fixture.workspace()).await.unwrap();
        workspace.clear_requests();
        let received = self.fixture.simulator.received();
        Case { thread, began: self.fixture.engine.now(), calls: received.calls(), sunk: self.sunk().len() }
    }

    async fn begin(&self, trouble: &FaultSpec, lasts: bool) {
        let faults = self.fixture.simulator.faults();
        let count = if lasts { 1_000 } else { 1 };
        match trouble {
            FaultSpec::NobodyListens | FaultSpec::NoNetwork => {
                for door in &self.doors {
                    door.refuse().await;
                    if matches!(trouble, FaultSpec::NoNetwork) {
                        door.cut();
                    }
                }
            }
            FaultSpec::Http(fault) => faults.next(endpoint(self.kind), count, fault.clone()),
            FaultSpec::Smtp(step, fault) => faults.smtp(*step, count, fault.clone()),
        }
    }

    async fn all_is_well(&self) {
        self.fixture.simulator.faults().clear();
        for door in &self.doors {
            door.refuse().await;
            door.accept().await;
        }
        // Somebody mended the key.
        self.fixture.engine.operator().resume(None).await.unwrap();
    }

    /// Lets the time pass until something is due, and does it.
    async fn step(&self) -> bool {
        let Some(due) = self.fixture.store.next_due("acme").await.unwrap() else { return false };
        self.fixture.clock.set(due.max(self.fixture.engine.now()));
        self.fixture.run_due().await;
        true
    }

    /// Nothing of this case reaches into the next one.
    async fn clear_away(&mut self, limited: bool) {
        self.all_is_well().await;
        if limited {
            self.new_engine();
        }
        while self.step().await {}
    }

    async fn action(&self, case: &Case) -> Action {
        let mut actions = self.fixture.actions().await;
        actions.retain(|action| action.thread_id == case.thread);
        assert_eq!(actions.len(), 1, "{actions:?}");
        actions.remove(0)
    }

    /// How many writes and reads were made for the action.
    fn requests(&self, case: &Case) -> String {
        if !self.kind.is_api_write() {
            return format!("{}w0r", self.fixture.simulator.received().calls() - case.calls);
        }
        let log = self.fixture.simulator.workspace().requests();
        let reads = log.iter().filter(|request| request.method == "GET").count();
        format!("{}w{reads}r", log.len() - reads)
    }

    /// How often it took effect; and whoever got it more than once can tell.
    fn effects(&self, case: &Case, action: &Action) -> usize {
        let workspace = self.fixture.simulator.workspace();
        let thread = workspace.thread(&case.thread).unwrap();
        let done = action.state == ActionState::Done;
        match self.kind {
            ActionKind::Reply => {
                let all = workspace.accepted_replies();
                let accepted = all.iter().filter(|reply| reply.thread_id == case.thread).count();
                assert!(accepted <= 1, "{accepted} replies");
                return accepted;
            }
            ActionKind::Star => assert!(thread.is_starred || !done, "done, and no star"),
            ActionKind::Unstar => assert!(!thread.is_starred || !done, "done, and a star"),
            ActionKind::MarkRead => assert!(thread.is_read || !done, "done, and not read"),
            ActionKind::Forward(_) => {
                let all = self.sunk();
                let sunk = &all[case.sunk..];
                assert!(sunk.iter().all(|text| text.contains(&action.id.0)), "{} is not in {sunk:?}", action.id);
                return sunk.len();
            }
        }
        let log = workspace.requests();
        log.iter().filter(|request| request.method == "PATCH" && request.carried_out == Some(200)).count()
    }

    /// What the kind's sink got: of each piece the part by which a receiver tells it from others.
    fn sunk(&self) -> Vec<String> {
        let simulator = &self.fixture.simulator;
        match self.kind {
            ActionKind::Forward(DestinationKind::Log) => panic!("a line is no request"),
            ActionKind::Forward(DestinationKind::Slack) => {
                simulator.slack().iter().map(|message| message.payload.to_string()).collect()
            }
            ActionKind::Forward(DestinationKind::Email) => {
                let id = |raw: &str| raw.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_owned);
                simulator.mail().iter().map(|mail| id(&mail.raw).unwrap()).collect()
            }
            ActionKind::Forward(DestinationKind::Webhook) => {
                simulator.webhooks().iter().map(|call| call.header("webhook-id").unwrap().to_owned()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A thread with one action, decided and due, and what the sinks had got by then.
struct Case {
    thread: String,
    began: Timestamp,
    calls: usize,
    sunk: usize,
}

fn state(action: &Action) -> String {
    format!("{} {}", action.state, action.reason.as_ref().map_or("-", |reason| reason.code.as_str()))
}

/// Plays the table's rows of a kind, and shows what came of them.
async fn check(kind: ActionKind) {
    let mut ground = OutcomeFixture::new(kind, None).await;
    let mut impatient = OutcomeFixture::new(kind, Some(SHORT)).await;
    let mut wrong = 0;
    for line in TABLE.lines().filter(|line| line.contains('|')) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [name, kinds, expected @ ..] = cells.as_slice() else { panic!("{line}") };
        if !kinds.split(' ').any(|name| name == kind.as_str()) {
            continue;
        }
        let ground = if name.contains("silent") { &mut impatient } else { &mut ground };
        let (at_once, lasts) = ground.play(name, true).await;
        let (again, passes) = ground.play(name, false).await;
        assert_eq!(at_once, again, "{name}, {kind}: the first try knows nothing of what follows");
        println!("{name:<16} | {:<13} | {at_once:<29} | {lasts:<32} | {passes}", kind.as_str());
        if expected != [&at_once, &lasts, &passes] {
            println!("  expected: {line}");
            wrong += 1;
        }
    }
    assert_eq!(wrong, 0, "rows went otherwise");
}

macro_rules! tests {
    ($($kind:ident),+) => {
        $(#[tokio::test]
        async fn $kind() {
            check(stringify!($kind).parse().unwrap()).await;
        })+
    };
}

tests!(reply, star, unstar, mark_read, slack, email, webhook);

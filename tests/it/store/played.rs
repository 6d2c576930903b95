//! The store of a play answers as the service's own does: both do the same jobs, drawn at random from a small world, and are
//! asked the same questions after each.

use super::{action, at, decision};
use crate::stores;
use jiff::Timestamp;
use reply_router::{
    engine::DECISION_POLICY,
    model::{
        Action, ActionKind, ActionState, Attempt, AttemptOutcome, DestinationKind, Mode, Notice, OptOutScope, Payload,
        Reason, ReasonCode, ThreadRow, Transition,
    },
    store::{
        ActionFilter, CampaignStep, Claim, DecisionRecord, ForeignUse, OptOut, PlayedStore, ReplyQuestion, SentFilter,
        SentWindow, SettledThread, SqlStore, Store, StoreError, StoredEvent, prelude::*,
    },
};
use std::{fmt::Debug, time::Duration};

const WORKSPACES: [&str; 2] = ["acme", "other"];
const THREADS: [&str; 3] = ["t0", "t1", "t2"];
const LEADS: [&str; 4] = ["jane@acme.example", "joe@acme.example", "ann@team.bücher.example", "Eve@Solo"];
const RULES: [&str; 2] = ["hot", "cold"];
const KINDS: [ActionKind; 5] = [
    ActionKind::Reply,
    ActionKind::Star,
    ActionKind::MarkRead,
    ActionKind::Forward(DestinationKind::Slack),
    ActionKind::Forward(DestinationKind::Webhook),
];
const REVISION: &str = "r1";
const SCOPES: [OptOutScope; 2] = [OptOutScope::Workspace, OptOutScope::Shared];

/// Chance that comes again with its seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % limit
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn maybe<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        (!self.once_in(4)).then(|| self.of(all))
    }
}

/// Both stores.
struct Bed {
    _folder: tempfile::TempDir,
    sql: SqlStore,
    played: PlayedStore,
    draw: Draw,
    second: i64,
    decisions: Vec<String>,
    seed: u64,
}

/// The same of both.
macro_rules! same {
    ($bed:expr, |$store:ident| $asked:expr) => {{
        let expected = {
            let $store: &dyn Store = &$bed.sql;
            $asked
        };
        let found = {
            let $store: &dyn Store = &$bed.played;
            $asked
        };
        $bed.assert_same(stringify!($asked), &expected, &found);
    }};
}

impl Bed {
    async fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = stores::open(&folder.path().join("s.db")).await.unwrap();
        let draw = Draw(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let played = PlayedStore::default();
        for store in [&sql as &dyn Store, &played] {
            store.keep_rules(REVISION, "rules").await.unwrap();
        }
        Self { _folder: folder, sql, played, draw, second: 0, decisions: Vec::new(), seed }
    }

    fn assert_same(&self, asked: &str, expected: &impl Debug, found: &impl Debug) {
        let (expected, found) = (format!("{expected:#?}"), format!("{found:#?}"));
        assert!(
            expected == found,
            "seed {}, second {}: {asked}\n{}",
            self.seed,
            self.second,
            first_difference(&expected, &found)
        );
    }

    /// A time that is later than all before, and finer than a database keeps.
    fn now(&mut self) -> Timestamp {
        self.second += 1;
        at(self.second) + Duration::from_nanos(1_234_567)
    }

    fn row(&mut self, thread: &str) -> ThreadRow {
        let row = ThreadRow {
            id: thread.to_owned(),
            lead_email: self.draw.maybe(&LEADS).map(str::to_owned),
            preview: Some(format!("row {}", self.draw.below(2))),
            category: self.draw.maybe(&["interested", "question"]).map(str::to_owned),
            last_message_at: Some(at(self.draw.below(3).try_into().unwrap())),
            ..ThreadRow::default()
        };
        if self.draw.once_in(12) { row.erased() } else { row }
    }

    fn settled(&mut self, workspace: &str, thread: &str) -> SettledThread {
        let rival = WORKSPACES.into_iter().find(|name| *name != workspace).unwrap();
        let ids = |count: usize| (0..count).map(|number| format!("m{number}")).collect::<Vec<_>>();
        SettledThread {
            row: self.row(thread),
            newest_inbound: self.draw.maybe(&["m1", "m2"]).map(str::to_owned),
            inbound: ids(self.draw.of(&[0, 1, 2, 502])),
            last_outgoing: ids(self.draw.of(&[0, 1, 2])),
            looked_at: self.draw.maybe(&[at(5) + Duration::from_nanos(999), at(6)]),
            was_in_line: self.draw.once_in(2),
            opted_out: false,
            claim: Claim {
                rivals: if self.draw.once_in(3) { vec![rival.to_owned()] } else { Vec::new() },
                expiry: Some(at(9_999)),
            },
        }
    }

    fn new_action(&mut self, of: &DecisionRecord, position: u32) -> Action {
        let kind = self.draw.of(&KINDS);
        let states = [ActionState::Planned, ActionState::Waiting, ActionState::Held, ActionState::Suppressed];
        let state = self.draw.of(&states);
        let codes = [ReasonCode::OtherActions, ReasonCode::ForeignUse, ReasonCode::After];
        let named = Notice { recipients: vec!["#sales".to_owned()], ..Notice::default() };
        Action {
            rule: self.draw.of(&RULES).to_owned(),
            position,
            target: (!kind.is_api_write()).then(|| self.draw.of(&["sales", "support"]).to_owned()),
            reason: self.draw.maybe(&codes).map(|code| Reason::new(code, self.draw.of(&["", "a text"]))),
            payload: match kind {
                ActionKind::Reply => action(of, kind, state).payload,
                ActionKind::Forward(_) if self.draw.once_in(2) => Payload::Notice(Box::new(named)),
                _ => Payload::None,
            },
            due_at: self.draw.maybe(&[of.at, of.at + Duration::from_nanos(77)]),
            message_at: Some(of.at),
            ..action(of, kind, state)
        }
    }

    async fn decide(&mut self) {
        let (now, thread) = (self.now(), self.draw.of(&THREADS));
        let mut made = decision(&format!("d{}", self.second), "m", self.second);
        if self.draw.once_in(20) && !self.decisions.is_empty() {
            made.id = self.draw.of(&self.decisions);
        }
        made.at = now;
        made.workspace = self.draw.of(&WORKSPACES).to_owned();
        made.thread_id = thread.to_owned();
        made.message_id = self.draw.maybe(&["m0", "m1", "m2"]).map(str::to_owned);
        made.lead_email = self.draw.maybe(&LEADS).map(str::to_lowercase);
        let actions: Vec<Action> = (0..self.draw.below(4)).map(|place| self.new_action(&made, place as u32)).collect();
        let settled_thread = if self.draw.once_in(6) { "elsewhere" } else { thread };
        let settled = self.settled(&made.workspace, settled_thread);
        let opt_out = OptOut {
            workspace: made.workspace.clone(),
            email: self.draw.of(&LEADS).to_owned(),
            since: now,
            evidence: "stop".to_owned(),
        };
        let opt_out = Some(&opt_out).filter(|_| self.draw.once_in(8));
        let row = self.row(thread);
        let (revision, workspace) = (REVISION.to_owned(), made.workspace.clone());
        let event = StoredEvent { revision, at: now, workspace, row, ..StoredEvent::default() };
        let event = Some(event).filter(|_| !self.draw.once_in(4));
        same!(self, |store| store
            .record_decision(&made, event.clone(), actions.clone(), opt_out, &settled, DECISION_POLICY)
            .await);
        if self.played.decision(&made.id).await.unwrap().is_some() {
            self.decisions.push(made.id);
        }
    }

    /// Some action as it stands, or as it stood before it last changed.
    async fn some_action(&mut self) -> Option<Action> {
        let all = ActionFilter { limit: 1_000, ..ActionFilter::default() };
        let all = self.played.actions(&all).await.unwrap();
        let mut action = if all.is_empty() { return None } else { self.draw.of(&all) };
        if self.draw.once_in(10) {
            action.version -= 1;
        }
        Some(action)
    }

    async fn change(&mut self) {
        let now = self.now();
        let Some(mut action) = self.some_action().await else { return };
        let reason = Reason::new(self.draw.of(&[ReasonCode::OtherActions, ReasonCode::HourCap]), "waits");
        let next = match self.draw.below(8) {
            0 => Transition::done(),
            1 => Transition::planned(now),
            2 => Transition::wait_until(now, reason),
            3 => Transition::hold(reason, Some(now)),
            4 => Transition::failed(reason),
            5 => Transition::cancel(reason),
            6 => Transition::suppress(reason),
            _ => Transition::verify_at(now, reason),
        };
        next.apply_to(&mut action, now);
        action.sent_at = self.draw.maybe(&[now]);
        action.approved = self.draw.once_in(3);
        action.outgoing_before.push("o9".to_owned());
        let body = Some("words".to_owned());
        action.attempts.push(Attempt { at: now, outcome: AttemptOutcome::Accepted, status: Some(200), body });
        action.payload = Payload::Reply { text: Some("edited".to_owned()), html: None, attachments: Vec::new() };
        if self.draw.once_in(3) {
            same!(self, |store| {
                let mut action = action.clone();
                (store.update_edited_action(&mut action).await, action)
            });
        } else {
            same!(self, |store| {
                let mut action = action.clone();
                (store.update_action(&mut action).await, action)
            });
        }
    }

    async fn intend(&mut self) {
        let now = self.now();
        let Some(mut action) = self.some_action().await else { return };
        Transition::in_flight().apply_to(&mut action, now);
        action.sent_at = Some(now);
        let scope = self.draw.of(&SCOPES);
        same!(self, |store| {
            let mut action = action.clone();
            (store.write_intent(&mut action, scope).await, action)
        });
    }

    async fn switch(&mut self) {
        let (now, workspace) = (self.now(), self.draw.of(&WORKSPACES));
        let (rule, lead) = (self.draw.of(&RULES), self.draw.of(&LEADS));
        match self.draw.below(9) {
            0 => {
                let mode = self.draw.maybe(&[Mode::Off, Mode::Draft]);
                same!(self, |store| store.set_rule_mode(rule, mode, "", now).await);
            }
            1 => {
                let whom = self.draw.maybe(&[workspace]);
                same!(self, |store| store.pause(whom, "a while", Some("me"), now).await);
            }
            2 | 3 => {
                let whom = self.draw.maybe(&[workspace]);
                same!(self, |store| store.resume(whom, now).await);
            }
            4 => {
                let (_, domain) = lead.rsplit_once('@').unwrap();
                let email = self.draw.of(&[lead.to_owned(), format!("*@{domain}"), "*@bücher.example".to_owned()]);
                let opt_out =
                    OptOut { workspace: workspace.to_owned(), email, since: now, evidence: format!("at {now}") };
                same!(self, |store| store.add_opt_out(&opt_out).await);
            }
            5 => {
                let whose = self.draw.maybe(&[workspace]);
                same!(self, |store| store.remove_opt_out(whose, lead).await);
            }
            6 => {
                same!(self, |store| store.add_own_addresses(&[lead.to_owned()]).await);
            }
            7 if self.draw.once_in(4) => {
                let seen = ForeignUse { workspace: workspace.to_owned(), since: now, evidence: "ours".to_owned() };
                same!(self, |store| store.add_foreign_use(&seen).await);
            }
            _ => {
                let steps: Vec<CampaignStep> = (0..self.draw.of(&[1, 3, 250]))
                    .map(|number| CampaignStep {
                        thread_id: self.draw.of(&THREADS).to_owned(),
                        message_id: format!("s{}", if number < 3 { number } else { number + 100 * self.second }),
                        sender: Some(lead.to_owned()),
                        words: vec![1, 2],
                    })
                    .collect();
                same!(self, |store| store.add_campaign_steps(workspace, &steps, now).await);
            }
        }
    }

    async fn step(&mut self) {
        match self.draw.below(12) {
            0..4 => self.decide().await,
            4..7 => self.change().await,
            7 | 8 => self.intend().await,
            9 => self.switch().await,
            10 => {
                let (now, workspace, thread) = (self.now(), self.draw.of(&WORKSPACES), self.draw.of(&THREADS));
                let rows = [(self.row(thread), self.draw.once_in(2))];
                if self.draw.once_in(2) {
                    same!(self, |store| store.queue_changed_rows(workspace, &rows, now).await);
                } else {
                    same!(self, |store| store.queue_rows(workspace, &[rows[0].0.clone()], now).await);
                }
            }
            _ => {
                let (workspace, thread) = (self.draw.of(&WORKSPACES), self.draw.of(&THREADS));
                let settled = self.settled(workspace, thread);
                same!(self, |store| store.settle_thread(workspace, &settled).await);
            }
        }
    }

    /// Everything that may be asked of a thread and a lead.
    async fn ask(&mut self, workspace: &str, thread: &str, lead: &str) {
        let threads = THREADS.map(str::to_owned);
        same!(self, |store| store.known_threads(workspace, &threads[..1]).await.map(|known| known.get("t0").cloned()));
        same!(self, |store| store.known_threads(workspace, &threads).await.map(|known| known.get(thread).cloned()));
        same!(self, |store| store.last_outgoing(workspace, thread).await);
        same!(self, |store| store.thread_owners(&threads).await.map(|mut owners| {
            owners.sort_by(|one, other| (&one.workspace, &one.thread_id).cmp(&(&other.workspace, &other.thread_id)));
            owners
        }));
        let (scope, rule, kind) = (self.draw.of(&SCOPES), self.draw.of(&RULES), self.draw.of(&KINDS));
        same!(self, |store| store.lead_facts(workspace, thread, Some(lead), scope).await.map(|mut facts| {
            // Those of one moment may stand in any order.
            assert!(facts.history.is_sorted_by_key(|entry| std::cmp::Reverse(entry.created_at)));
            facts.history.sort_by(|one, other| one.action.cmp(&other.action));
            facts
        }));
        let window =
            SentWindow { since: at(self.draw.below(40).try_into().unwrap()), newest: self.draw.of(&[1, 3, 99]) };
        let question = ReplyQuestion {
            workspace: workspace.to_owned(),
            thread_id: thread.to_owned(),
            lead_email: Some(lead.to_owned()),
            opt_outs: scope,
            rule: rule.to_owned(),
            to_lead: window,
            of_workspace: self.draw.maybe(&[window]),
            by_rule: self.draw.maybe(&[window]),
        };
        same!(self, |store| store.reply_facts(&question).await.map(|mut facts| {
            facts.lead.history.sort_by(|one, other| one.action.cmp(&other.action));
            facts
        }));
        let (of_lead, of_rule) = (self.draw.maybe(&[lead]), self.draw.maybe(&[rule]));
        // Of all rules and leads, only replies are counted.
        let counted = if of_lead.or(of_rule).is_some() { kind } else { ActionKind::Reply };
        let filter = SentFilter { kind: counted, lead_email: of_lead, rule: of_rule };
        same!(self, |store| store.sent_since(workspace, &filter, window).await);
        same!(self, |store| store.opt_out(workspace, lead, scope).await);
        same!(self, |store| store.is_own_address(lead).await);
        same!(self, |store| store.kept_replies(workspace, thread).await);
        same!(self, |store| (store.pauses().await, store.mode_overrides().await, store.foreign_uses().await));
        same!(self, |store| store.campaign_steps(workspace).await.map(|mut steps| {
            steps.sort_by(|one, other| (&one.thread_id, &one.message_id).cmp(&(&other.thread_id, &other.message_id)));
            // Which of those of one moment are the last that find room is not said.
            (steps.len(), if steps.len() < 400 { steps } else { Vec::new() })
        }));
        let states = [vec![], ActionState::OPEN.to_vec(), vec![ActionState::Done]];
        let filter = ActionFilter {
            workspace: self.draw.maybe(&[workspace.to_owned()]),
            thread: self.draw.maybe(&[thread.to_owned()]),
            lead: self.draw.once_in(3).then(|| lead.to_owned()),
            kind: self.draw.once_in(2).then_some(kind),
            rule: self.draw.once_in(4).then(|| rule.to_owned()),
            states: self.draw.of(&states),
            limit: self.draw.of(&[1, 1_000]),
            ..ActionFilter::default()
        };
        same!(self, |store| store.actions(&filter).await);
        if let Some(action) = self.some_action().await {
            same!(self, |store| store.action(&action.id).await);
            same!(self, |store| store.action_under_control(&action.id).await);
            same!(self, |store| store.siblings(&action).await);
        }
        if !self.decisions.is_empty() {
            let decision = self.draw.of(&self.decisions);
            same!(self, |store| store.decision(&decision).await);
            same!(self, |store| store.events(std::slice::from_ref(&decision)).await);
            same!(self, |store| store.kept_rules(REVISION).await);
        }
    }
}

fn first_difference(expected: &str, found: &str) -> String {
    let mut lines = expected.lines().zip(found.lines()).enumerate();
    let place = lines.find(|(_, (one, other))| one != other).map_or(0, |(place, _)| place);
    let around = |text: &str| text.lines().skip(place.saturating_sub(8)).take(16).collect::<Vec<_>>().join("\n");
    format!("expected:\n{}\nfound:\n{}", around(expected), around(found))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_as_the_service_s_own_store_does() {
    for seed in 1..=6 {
        let mut bed = Bed::new(seed).await;
        for _ in 0..120 {
            bed.step().await;
            let [workspace, thread, lead] = [&WORKSPACES[..], &THREADS, &LEADS].map(|all| bed.draw.of(all));
            bed.ask(workspace, thread, lead).await;
        }
        assert!(bed.decisions.len() > 20, "{}", bed.decisions.len());
        bed.sql.close().await;
    }
}

#[tokio::test]
async fn what_was_told_and_waits_no_more_is_kept_no_longer() {
    let store = PlayedStore::default();
    let made = decision("d1", "m1", 0);
    let settled = SettledThread { row: super::row("t", 0), ..SettledThread::default() };
    let event = StoredEvent::default();
    let reply = action(&made, ActionKind::Reply, ActionState::Waiting);
    let record = store.record_decision(&made, Some(event), vec![reply], None, &settled, DECISION_POLICY);
    let mut reply = record.await.unwrap().actions.remove(0);
    store.release("d1");
    let known = async || {
        let events = store.events(&["d1".to_owned()]).await.unwrap();
        (events.len(), store.decision("d1").await.unwrap().is_some())
    };
    assert_eq!(known().await, (1, true), "its reply may have to be decided anew");
    Transition::done().apply_to(&mut reply, at(9));
    reply.sent_at = Some(at(9));
    store.update_action(&mut reply).await.unwrap();
    assert_eq!(known().await, (0, false));
    let facts = store.lead_facts("acme", "t", None, OptOutScope::Workspace).await.unwrap();
    assert_eq!(facts.history.len(), 1, "what it has done counts on");
    assert_eq!(store.action(&reply.id).await.unwrap(), Some(reply));
}

#[tokio::test]
async fn what_no_play_asks_is_refused() {
    let store = PlayedStore::default();
    assert!(matches!(store.metrics().await, Err(StoreError::NotInAPlay("counts"))));
    assert!(matches!(store.changes(0, 1).await, Err(StoreError::NotInAPlay(_))));
}

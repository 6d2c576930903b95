//! Events played again by two sets of rules, against an oracle: the same inbox, played by each set on a simulator of its own.

use crate::fixture::{Fixture, FixtureOptions, safety};
use jiff::Timestamp;
use reply_router::store::prelude::*;
use reply_router::{
    backtest::{Compared, EventLine, Replay, Side},
    model::{ActionKind, ActionState, PlannedOutcome, Rate, Safety, WorkspaceSettings},
    rules::RuleSet,
    simulator::{Message, NewThread},
    store::{DecisionFilter, EventFilter},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// What happens in the inbox.
#[derive(Debug, Clone, Copy)]
enum What {
    /// A lead writes, in its thread or in a new one.
    Writes(&'static str),
    /// The same in a second thread.
    WritesElsewhere(&'static str),
    /// A teammate answers the lead.
    Answers(&'static str),
    /// ColdSend finds another category.
    Becomes(&'static str),
}
use What::{Answers, Becomes, Writes, WritesElsewhere};

/// Two sets of rules, and what happens: after how many minutes, with which lead.
struct Script {
    before: &'static str,
    after: &'static str,
    safety: Safety,
    happens: &'static [(u64, &'static str, What)],
}

/// The lead, and which of its events it was.
type Event = (String, usize);
/// What is done: the kind, the text, and when, if it was.
type Effect = (ActionKind, Option<String>, Option<Timestamp>, PlannedOutcome);

fn options(rules: &'static str, script: &Script) -> FixtureOptions {
    FixtureOptions { rules, safety: script.safety.clone(), ..FixtureOptions::default() }
}

/// Plays the inbox with one set of rules, minute by minute, as the service would.
async fn play(rules: &'static str, script: &Script) -> Fixture {
    let fixture = Fixture::new(options(rules, script)).await;
    let workspace = fixture.simulator.workspace();
    let mut minute = 0;
    let pass = async |minutes: u64| {
        for _ in 0..minutes {
            fixture.clock.advance(MINUTE);
            fixture.run_due().await;
        }
    };
    for (at, lead, what) in script.happens {
        pass(at - minute).await;
        minute = *at;
        let email = format!("{lead}@{lead}.example");
        let thread = workspace.threads().into_iter().find(|thread| thread.lead_email == email).map(|thread| thread.id);
        match (what, thread) {
            (Writes(text), None) | (WritesElsewhere(text), _) => {
                let new =
                    NewThread::new(&email).name(format!("{lead} Doe")).campaign("Q1 Launch").category("interested");
                workspace.add_thread(new.message(*text));
            }
            (Writes(text), Some(thread)) => drop(workspace.lead_writes(&thread, *text)),
            (Answers(text), Some(thread)) => {
                drop(workspace.person_answers(&thread, Message::text(*text).sent_by("boss@us.example")));
            }
            (Becomes(category), Some(thread)) => drop(workspace.set_category(&thread, Some(category))),
            (Answers(_) | Becomes(_), None) => panic!("{lead} has not written"),
        }
        fixture.tick().await;
    }
    pass(2 * 24 * 60).await;
    fixture
}

/// What became of each event, as the store of the service has it.
async fn outcomes(fixture: &Fixture) -> BTreeMap<Event, Vec<Effect>> {
    let filter = DecisionFilter { limit: 1_000, ..DecisionFilter::default() };
    let mut decisions = fixture.store.decisions(&filter).await.unwrap();
    decisions.reverse();
    let actions = fixture.actions().await;
    let mut found: BTreeMap<Event, Vec<Effect>> = BTreeMap::new();
    for decision in decisions {
        let lead = decision.lead_email.clone().unwrap();
        let number = found.keys().filter(|(known, _)| *known == lead).count();
        let of_decision = actions.iter().filter(|action| action.decision_id == decision.id);
        let effects = of_decision.filter_map(|action| {
            let outcome = match action.state {
                ActionState::Done => PlannedOutcome::Done,
                ActionState::Held => PlannedOutcome::Held,
                ActionState::Suppressed | ActionState::Cancelled => return None,
                ActionState::Waiting => PlannedOutcome::Waiting,
                other => panic!("{other}"),
            };
            let done_at = (outcome == PlannedOutcome::Done).then_some(action.updated_at);
            Some((action.kind, action.payload.preview_text().map(str::to_owned), done_at, outcome))
        });
        found.insert((lead, number), sorted(effects.collect()));
    }
    found
}

fn sorted(mut effects: Vec<Effect>) -> Vec<Effect> {
    effects.sort_by_key(|effect| format!("{effect:?}"));
    effects
}

async fn events(fixture: &Fixture) -> Vec<EventLine> {
    let page = fixture.store.events_after(&EventFilter::default(), None, 1_000).await.unwrap();
    page.events.into_iter().map(EventLine::from).collect()
}

async fn replay(before: &RuleSet, after: &RuleSet, safety: &Safety, events: Vec<EventLine>) -> Vec<Compared> {
    let settings = WorkspaceSettings { safety: safety.clone(), ..WorkspaceSettings::new("acme") };
    let mut replay = Replay::new(before, after, [settings]).unwrap();
    let mut compared = replay.add(events).await.unwrap();
    while let Some(more) = replay.rest().await.unwrap() {
        compared.extend(more);
    }
    compared
}

/// The events with what is told of them.
fn by_event(compared: &[Compared]) -> Vec<(Event, &Compared)> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let of = |found: &Compared| {
        let lead = found.0.row.lead_email.clone().unwrap();
        let number = numbers.entry(lead.clone()).or_default();
        *number += 1;
        (lead, *number - 1)
    };
    compared
        .iter()
        .map({
            let mut of = of;
            move |found| (of(found), found)
        })
        .collect()
}

/// What one side has done, as the oracle tells it.
fn effects(side: &Side) -> Vec<(ActionKind, Option<String>, PlannedOutcome)> {
    let Side::Decided(decision) = side else { panic!("{side:?}") };
    let done = decision.actions.iter().filter(|action| action.would != PlannedOutcome::Suppressed);
    let mut found: Vec<_> =
        done.map(|action| (action.kind, action.payload.preview_text().map(str::to_owned), action.would)).collect();
    found.sort_by_key(|effect| format!("{effect:?}"));
    found
}

/// Checks a script against the oracle; why each event that changes does is given back.
async fn check(script: &Script) -> Vec<(Event, String)> {
    let (one, other) = (play(script.before, script).await, play(script.after, script).await);
    let (was, would) = (outcomes(&one).await, outcomes(&other).await);
    assert_eq!(was.keys().collect::<Vec<_>>(), would.keys().collect::<Vec<_>>());
    let differing: BTreeSet<&Event> = was.keys().filter(|event| was[*event] != would[*event]).collect();
    let mut told = Vec::new();
    // Whichever service has seen the events: what it did itself then is no part of them.
    for (fixture, name) in [(&one, "before"), (&other, "after")] {
        let seen = events(fixture).await;
        let compared = replay(&one.engine.rules(), &other.engine.rules(), &script.safety, seen).await;
        let compared = by_event(&compared);
        let mut lacking = BTreeSet::new();
        for (event, (_, outcome)) in &compared {
            if [&outcome.before, &outcome.after].into_iter().any(|side| matches!(side, Side::Lacks(_))) {
                lacking.insert(event);
                continue;
            }
            for (side, oracle) in [(&outcome.before, &was), (&outcome.after, &would)] {
                let oracle = oracle[event].iter().map(|(kind, text, _, would)| (*kind, text.clone(), *would));
                let mut oracle: Vec<_> = oracle.collect();
                oracle.sort_by_key(|effect| format!("{effect:?}"));
                assert_eq!(effects(side), oracle, "{event:?}, seen by the rules {name} the change");
            }
        }
        let named = compared.iter().filter(|(_, (_, outcome))| outcome.difference.is_some());
        let named: BTreeSet<&Event> = named.map(|(event, _)| event).collect();
        let comparable: BTreeSet<&Event> = differing.difference(&lacking).copied().collect();
        assert_eq!(named, comparable, "seen by the rules {name} the change");
        let why = |(event, (_, outcome)): &(Event, &Compared)| Some((event.clone(), outcome.difference.clone()?.text));
        told = compared.iter().filter_map(why).collect();
    }
    assert!(!differing.is_empty(), "the script tests nothing");
    told
}

macro_rules! rules {
    ($when:literal, $then:literal) => {
        concat!(
            "version: 1\nrules:\n  - name: book-a-call\n    when: { category: interested, body: '\\b(",
            $when,
            ")\\b' }\n    then: [",
            $then,
            "]\n  - name: price\n    when: { category: interested, body: '\\bprice\\b' }\n    then: [{ reply: { text: Our prices. } }, star]\n"
        )
    };
}

const PLAIN: &str = rules!("call", "{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.' } }, star, mark_read");

fn per_lead(count: u32) -> Safety {
    Safety { replies_per_lead: Rate { count, per: 7 * DAY }, ..safety() }
}

fn says(told: &[(Event, String)], lead: &str, number: usize, what: &str) {
    let event = (format!("{lead}@{lead}.example"), number);
    let found = told.iter().find(|(found, _)| *found == event).unwrap_or_else(|| panic!("{event:?}: {told:#?}"));
    assert!(found.1.contains(what), "{what}: {found:?}");
}

#[tokio::test]
async fn a_limit_of_the_new_rule_makes_replies_wait() {
    let told = check(&Script {
        before: PLAIN,
        after: rules!(
            "call",
            "{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.', limit: 1 per 1h } }, star, mark_read"
        ),
        safety: safety(),
        happens: &[
            (1, "amy", Writes("A call, please.")),
            (11, "bea", Writes("A call, too.")),
            (21, "cai", Writes("What is the price?")),
            (31, "dan", Writes("A call.")),
        ],
    })
    .await;
    says(&told, "bea", 0, "the rule's limit of 1 per 1h is used up");
    says(&told, "dan", 0, "`book-a-call` reply: would be sent, now would be sent (at 2026-07-15 14:01, because");
}

#[tokio::test]
async fn replies_that_a_new_rule_sends_count_against_the_caps_of_others() {
    let told = check(&Script {
        before: PLAIN,
        after: rules!("call|meeting", "{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.' } }, star, mark_read"),
        safety: Safety { replies_per_hour: 2, ..safety() },
        happens: &[
            (1, "amy", Writes("A meeting sounds good.")),
            (2, "amy", Writes("What is the price?")),
            (3, "bea", Writes("A meeting is fine.")),
            (4, "cai", Writes("What is the price?")),
            (90, "dan", Writes("Tell me more.")),
        ],
    })
    .await;
    says(&told, "amy", 0, "`book-a-call` matches now: when.body");
    says(&told, "amy", 1, "the lead has had");
    says(&told, "cai", 0, "the workspace has sent 2 replies within the hour");
    assert_eq!(told.len(), 4, "{told:#?}");
}

#[tokio::test]
async fn a_rule_repeats_itself_as_often_as_it_says() {
    let told = check(&Script {
        before: PLAIN,
        after: rules!(
            "call",
            "{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.', repeat: 2 per 7d } }, star, mark_read"
        ),
        safety: per_lead(9),
        happens: &[
            (1, "amy", Writes("A call?")),
            (60, "amy", Writes("I said a call!")),
            (120, "amy", Writes("A call, hello?")),
            (130, "bea", Writes("A call?")),
        ],
    })
    .await;
    assert_eq!(told.len(), 1, "{told:#?}");
    says(&told, "amy", 1, "would be sent");
}

#[tokio::test]
async fn who_answers_or_writes_before_a_delay_is_over_stops_the_reply() {
    let told = check(&Script {
        before: PLAIN,
        after: rules!(
            "call",
            "{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.', after: 30m } }, star, mark_read"
        ),
        safety: per_lead(9),
        happens: &[
            (1, "amy", Writes("A call?")),
            (5, "bea", Writes("A call?")),
            (11, "amy", Answers("Hello Amy, I have called you just now, talk soon.")),
            (20, "bea", Writes("Or rather not.")),
            (100, "amy", Writes("Thanks for that.")),
            (101, "cai", Writes("A call?")),
        ],
    })
    .await;
    says(&told, "amy", 0, "a teammate replied");
    says(&told, "bea", 0, "a newer message came");
    says(&told, "cai", 0, "would be sent");
    assert_eq!(told.len(), 3, "{told:#?}");
}

#[tokio::test]
async fn outside_of_opening_hours_replies_wait_and_inside_nothing_changes() {
    let told = check(&Script {
        before: PLAIN,
        after: rules!(
            "call",
            "{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.', hours: office } }, star, mark_read"
        ),
        safety: safety(),
        happens: &[
            (1, "amy", Writes("A call?")),
            (400, "bea", Writes("A call?")),
            (410, "bea", Becomes("not_interested")),
        ],
    })
    .await;
    assert_eq!(told.len(), 1, "{told:#?}");
    says(&told, "bea", 0, "the rule `book-a-call` no longer matches");
}

#[tokio::test]
async fn an_opt_out_in_an_earlier_mail_counts() {
    let told = check(&Script {
        before: PLAIN,
        after: rules!("call|meeting", "{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.' } }, star, mark_read"),
        safety: safety(),
        happens: &[
            (1, "amy", Writes("Please remove me from your list.")),
            (2, "bea", Writes("A meeting?")),
            (3, "amy", WritesElsewhere("A meeting?")),
            (4, "bea", WritesElsewhere("A meeting again?")),
        ],
    })
    .await;
    says(&told, "bea", 0, "`book-a-call` matches now");
    assert!(told.iter().all(|(_, why)| !why.is_empty()));
}

#[tokio::test]
async fn categories_that_change_later_are_events() {
    let told = check(&Script {
        before: PLAIN,
        after: concat!(
            "version: 1\nrules:\n  - name: book-a-call\n    when: { category: [interested, hot], body: '\\bcall\\b' }\n",
            "    then: [{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.' } }, star, mark_read]\n",
            "  - name: price\n    when: { category: interested, body: '\\bprice\\b' }\n    then: [{ reply: { text: Our prices. } }, star]\n"
        ),
        safety: safety(),
        happens: &[
            (1, "amy", Writes("Later perhaps, a call it will be")),
            (2, "bea", Writes("What about the price?")),
            (30, "amy", Becomes("hot")),
            (31, "bea", Becomes("hot")),
            (40, "cai", Writes("Nothing to say.")),
            (41, "cai", Becomes("hot")),
            (50, "cai", Writes("Now a call.")),
        ],
    })
    .await;
    says(&told, "cai", 2, "when.category");
    assert_eq!(told.len(), 1, "{told:#?}");
}

#[tokio::test]
async fn a_reply_that_waits_for_another_category_gives_way_to_the_next_rule() {
    let told = check(&Script {
        before: PLAIN,
        after: concat!(
            "version: 1\nrules:\n  - name: book-a-call\n    when: { category: interested, body: '\\bcall\\b' }\n",
            "    then: [{ reply: { text: 'Hi {{ lead.first_name }}, my calendar.', after: 30m } }, star, mark_read]\n",
            "  - name: hot\n    when: { category: hot, body: '\\bcall\\b' }\n    then: [{ reply: { text: At once. } }]\n",
            "  - name: price\n    when: { category: interested, body: '\\bprice\\b' }\n    then: [{ reply: { text: Our prices. } }, star]\n"
        ),
        safety: per_lead(9),
        happens: &[
            (1, "amy", Writes("A call?")),
            (10, "amy", Becomes("hot")),
            (20, "bea", Writes("A call?")),
        ],
    })
    .await;
    says(&told, "amy", 0, "the rule `book-a-call` no longer matches");
    says(&told, "amy", 1, "`hot`");
}

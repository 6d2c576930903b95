//! Lists: every filter, alone and with others, gives what going through everything gives, page by page.

use super::{StoreFixture, action, at, decision, row};
use reply_router::store::prelude::*;
use reply_router::{
    engine::DECISION_POLICY,
    model::{Action, ActionKind, ActionState},
    store::{ActionFilter, DecisionFilter, DecisionRecord, OptOut, SettledThread},
};

const RULES: [&str; 3] = ["hot", "cold", "rare"];

async fn varied() -> StoreFixture {
    let bed = StoreFixture::new().await;
    for number in 0..40_usize {
        let rule = if number == 11 { "rare" } else { RULES[number % 2] };
        let mut made = DecisionRecord {
            workspace: if number % 3 == 0 { "globex" } else { "acme" }.to_owned(),
            thread_id: format!("t{}", number % 4),
            lead_email: Some(format!("lead{}@acme.example", number % 6)),
            matched: if number % 5 == 0 { vec![] } else { vec![rule.to_owned()] },
            ..decision(&format!("d{number:02}"), &format!("m{number}"), 0)
        };
        made.trace.campaign = (number % 7 != 0).then(|| format!("Campagne d'Été {}", number % 2));
        let state = if number == 13 { ActionState::Quarantined } else { ActionState::Done };
        let kinds = [(ActionKind::Reply, state), (ActionKind::Star, ActionState::Suppressed)];
        let planned = kinds.into_iter().filter(|_| number % 5 != 0).map(|(kind, state)| Action {
            rule: rule.to_owned(),
            due_at: None,
            ..action(&made, kind, state)
        });
        bed.record(&made, planned.collect()).await;
    }
    bed
}

#[tokio::test]
async fn decisions_are_filtered() {
    let bed = varied().await;
    let all = bed.store.decisions(&DecisionFilter { limit: 100, ..DecisionFilter::default() }).await.unwrap();
    let ids: Vec<_> = all.iter().map(|found| found.id.clone()).collect();
    let actions = bed.store.actions_by_decision(&ids).await.unwrap();
    let choices = |text: &[&str]| -> Vec<Option<String>> {
        std::iter::once(None).chain(text.iter().map(|text| Some((*text).to_owned()))).collect()
    };
    let mut looked = 0;
    for rule in choices(&["hot", "rare", "nobody"]) {
        for campaign in choices(&["CAMPAGNE d'Été 1", "none"]) {
            for lead in choices(&["LEAD3@acme.example"]) {
                for (workspace, thread, scope) in [
                    (None, None, None),
                    (Some("globex"), None, None),
                    (None, Some("t1"), None),
                    (None, None, Some(&["acme"][..])),
                    (None, None, Some(&["acme", "nobody", "globex"])),
                    (None, Some("t1"), Some(&["globex"])),
                    (Some("globex"), None, Some(&["acme"])),
                    (None, None, Some(&[])),
                ] {
                    for matched in [None, Some(true), Some(false)] {
                        for states in [&[][..], &[ActionState::Quarantined], &[ActionState::Done, ActionState::Held]] {
                            let filter = DecisionFilter {
                                workspace: workspace.map(str::to_owned),
                                workspaces: scope.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
                                thread: thread.map(str::to_owned),
                                lead: lead.clone(),
                                campaign: campaign.clone(),
                                rule: rule.clone(),
                                matched,
                                states: states.to_vec(),
                                before: None,
                                limit: 4,
                            };
                            let wanted = all.iter().filter(|found| {
                                let is = |wanted: &Option<String>, value: Option<&str>| {
                                    let lower = |text: &str| text.to_lowercase();
                                    wanted.as_deref().is_none_or(|wanted| value.map(lower) == Some(lower(wanted)))
                                };
                                is(&filter.workspace, Some(&found.workspace))
                                    && scope.is_none_or(|names| names.contains(&found.workspace.as_str()))
                                    && is(&filter.thread, Some(&found.thread_id))
                                    && is(&filter.lead, found.lead_email.as_deref())
                                    && is(&filter.campaign, found.trace.campaign.as_deref())
                                    && filter.rule.as_ref().is_none_or(|rule| found.matched.contains(rule))
                                    && matched.is_none_or(|matched| matched != found.matched.is_empty())
                                    && (states.is_empty()
                                        || actions
                                            .get(&found.id)
                                            .is_some_and(|of| of.iter().any(|action| states.contains(&action.state))))
                            });
                            let wanted: Vec<_> = wanted.map(|found| found.id.clone()).collect();
                            let (mut seen, mut before) = (Vec::new(), None);
                            loop {
                                let page = DecisionFilter { before: before.clone(), ..filter.clone() };
                                let page = bed.store.decisions(&page).await.unwrap();
                                seen.extend(page.iter().map(|found| found.id.clone()));
                                if page.len() < 4 {
                                    break;
                                }
                                before = page.last().map(|found| found.id.clone());
                            }
                            assert_eq!(seen, wanted, "{filter:?}");
                            looked += usize::from(!wanted.is_empty());
                        }
                    }
                }
            }
        }
    }
    assert!(looked > 60, "most say nothing: {looked}");
}

#[tokio::test]
async fn actions_are_filtered_by_lead_and_campaign() {
    let bed = varied().await;
    let count =
        async |filter: ActionFilter| bed.store.actions(&ActionFilter { limit: 1_000, ..filter }).await.unwrap().len();
    let all = count(ActionFilter::default()).await;
    let of = |lead: Option<&str>, campaign: Option<&str>| ActionFilter {
        lead: lead.map(str::to_owned),
        campaign: campaign.map(str::to_owned),
        ..ActionFilter::default()
    };
    let (one, other) =
        (count(of(None, Some("campagne d'Été 0"))).await, count(of(None, Some("campagne d'Été 1"))).await);
    assert!(one > 0 && other > 0 && one + other < all, "{one} {other} {all}");
    let both = count(of(Some("Lead1@acme.example"), Some("Campagne d'Été 1"))).await;
    assert!(both > 0 && both <= count(of(Some("lead1@acme.example"), None)).await);
    assert_eq!(count(of(Some("lead1@acme.example"), Some("Campagne d'Été 0"))).await, 0);
}

/// What belongs to other workspaces makes no page shorter, whatever else is asked for.
#[tokio::test]
async fn a_list_of_some_workspaces_is_whole() {
    let bed = varied().await;
    let all = bed.store.actions(&ActionFilter { limit: 1_000, ..ActionFilter::default() }).await.unwrap();
    for scope in [&["acme"][..], &["globex"], &["globex", "acme"], &["globex", "nobody"], &["nobody"], &[]] {
        for state in [None, Some(ActionState::Done), Some(ActionState::Quarantined)] {
            for kind in [None, Some(ActionKind::Star)] {
                for rule in [None, Some("hot")] {
                    for workspace in [None, Some("acme")] {
                        let filter = ActionFilter {
                            workspace: workspace.map(str::to_owned),
                            workspaces: Some(scope.iter().map(|name| (*name).to_owned()).collect()),
                            states: state.into_iter().collect(),
                            kind,
                            rule: rule.map(str::to_owned),
                            limit: 3,
                            ..ActionFilter::default()
                        };
                        let wanted = all.iter().filter(|found| {
                            scope.contains(&found.workspace.as_str())
                                && workspace.is_none_or(|name| name == found.workspace)
                                && state.is_none_or(|state| state == found.state)
                                && kind.is_none_or(|kind| kind == found.kind)
                                && rule.is_none_or(|rule| rule == found.rule)
                        });
                        let wanted: Vec<_> = wanted.map(|found| found.id.clone()).collect();
                        let mut seen = Vec::new();
                        loop {
                            let before = seen.last().map(|id: &reply_router::model::ActionId| id.0.clone());
                            let page = bed.store.actions(&ActionFilter { before, ..filter.clone() }).await.unwrap();
                            let is_end = page.len() < 3;
                            seen.extend(page.into_iter().map(|found| found.id));
                            if is_end {
                                break;
                            }
                        }
                        assert_eq!(seen, wanted, "{filter:?}");
                    }
                }
            }
        }
    }
}

/// Rules, opt-outs and threads left for people are counted and listed for some workspaces as for all.
#[tokio::test]
async fn what_some_workspaces_did_is_counted_alone() {
    let bed = varied().await;
    for (number, workspace) in ["acme", "globex"].into_iter().enumerate() {
        let made = decision(&format!("left{number}"), &format!("left{number}"), 0);
        let lead_email = Some("lead1@acme.example".to_owned());
        let (workspace, thread_id) = (workspace.to_owned(), format!("left{number}"));
        let made = DecisionRecord { workspace, thread_id, lead_email, matched: vec![], ..made };
        let settled = SettledThread { row: row(&made.thread_id, 0), opted_out: true, ..SettledThread::default() };
        bed.store.record_decision(&made, None, vec![], None, &settled, DECISION_POLICY).await.unwrap();
    }
    let decisions = bed.store.decisions(&DecisionFilter { limit: 100, ..DecisionFilter::default() }).await.unwrap();
    let actions = bed.store.actions(&ActionFilter { limit: 1_000, ..ActionFilter::default() }).await.unwrap();
    for email in ["lead1@acme.example", "lead2@acme.example"] {
        for workspace in ["acme", "globex"] {
            let (workspace, email) = (workspace.to_owned(), email.to_owned());
            let evidence = "phone".to_owned();
            bed.store.add_opt_out(&OptOut { workspace, email, since: at(-1), evidence }).await.unwrap();
        }
    }
    for scope in [&["acme"][..], &["globex"], &["globex", "acme"], &["acme", "nobody"], &["nobody"], &[]] {
        let names: Vec<String> = scope.iter().map(|name| (*name).to_owned()).collect();
        let is_theirs = |workspace: &String| names.contains(workspace);
        let some = Some(names.as_slice());
        for (since, is_within) in [(None, true), (Some(at(-86_400)), true), (Some(at(0)), true), (Some(at(1)), false)] {
            let matches = bed.store.match_counts(some, since).await.unwrap();
            let counts = bed.store.action_counts(some, since).await.unwrap();
            for rule in RULES {
                let made = decisions.iter().filter(|made| is_theirs(&made.workspace) && made.matched == [rule]).count();
                let wanted = if is_within { made as u64 } else { 0 };
                assert_eq!(matches.get(rule).copied().unwrap_or_default(), wanted, "{rule} {scope:?} {since:?}");
                for state in [ActionState::Done, ActionState::Suppressed, ActionState::Quarantined] {
                    let counted = counts.iter().filter(|count| count.rule == rule && count.state == state);
                    let is_one =
                        |action: &&Action| action.rule == rule && action.state == state && is_theirs(&action.workspace);
                    let wanted = if is_within { actions.iter().filter(is_one).count() as u64 } else { 0 };
                    let counted = counted.map(|count| count.count).sum::<u64>();
                    assert_eq!(counted, wanted, "{rule} {state} {scope:?} {since:?}");
                }
            }
        }
        let matched: u64 = bed.store.match_counts(some, None).await.unwrap().values().sum();
        let days = bed.store.day_counts(some, at(-86_400)).await.unwrap();
        assert_eq!(days.iter().map(|day| day.matched).sum::<u64>(), matched, "{scope:?}");
        let totals = bed.store.match_totals(some).await.unwrap();
        assert_eq!(totals.iter().map(|total| total.count).sum::<u64>(), matched, "{scope:?}");
        assert!(totals.iter().all(|total| total.workspace.as_ref().is_some_and(is_theirs) && total.last_at == at(0)));
        let opt_outs = bed.store.opt_outs(Some(&names), 0, 100).await.unwrap();
        assert_eq!(opt_outs.len(), 2 * scope.iter().filter(|name| **name != "nobody").count());
        assert!(opt_outs.iter().all(|found| is_theirs(&found.workspace)));
        let left = bed.store.left_for_people(at(-1), Some(&names), None, 100).await.unwrap();
        let all = bed.store.left_for_people(at(-1), None, None, 100).await.unwrap();
        let wanted: Vec<_> = all.iter().filter(|found| is_theirs(&found.workspace)).map(|found| &found.id).collect();
        assert_eq!(left.iter().map(|found| &found.id).collect::<Vec<_>>(), wanted, "{scope:?}");
        assert_eq!(bed.store.left_count(at(-1), Some(&names)).await.unwrap(), wanted.len() as u64);
        assert_eq!(all.len(), 2, "{all:?}");
    }
}

//! What waits: for a person first, then for its time.

use super::{
    super::{
        App,
        lists::{cursor, page, set},
        problem::{Asked, Problem},
    },
    FOR_A_PERSON, Frame, Tab, WAITING,
    view::{self, ActionCard},
};
use crate::{model::ActionState, store::ActionFilter};
use askama::Template;
use axum::{extract::State, response::Response};
use jiff::Timestamp;
use serde::Deserialize;

const CARDS: u32 = 30;

#[derive(Debug, Default, Deserialize)]
pub(in crate::admin) struct Wanted {
    state: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    frame: Frame,
    groups: Vec<Group>,
    waiting: Vec<ActionCard>,
    waiting_count: u64,
    waiting_more: u64,
    /// One state alone is shown, from a place on.
    single: bool,
}

/// The newest actions in one state.
struct Group {
    state: &'static str,
    count: u64,
    cards: Vec<ActionCard>,
    older: Option<String>,
}

pub(in crate::admin) async fn queue(State(app): State<App>, Asked(wanted): Asked<Wanted>) -> Result<Response, Problem> {
    let counts = app.engine.store().queue(None).await?;
    let count = |state: &ActionState| counts.get(state).copied().unwrap_or_default();
    let single = set(wanted.state);
    let before = cursor(wanted.cursor)?;
    let mut groups = Vec::new();
    // Each state by itself, so that many of one kind never hide another.
    for state in FOR_A_PERSON {
        if single.as_deref().is_some_and(|only| only != state.as_str()) {
            continue;
        }
        let filter = ActionFilter {
            states: vec![state],
            before: before.clone().filter(|_| single.is_some()),
            limit: CARDS + 1,
            ..ActionFilter::default()
        };
        let found = page(app.engine.store().actions(&filter).await?, CARDS, |action| action.id.0.clone());
        if found.items.is_empty() && single.is_none() {
            continue;
        }
        let mut cards = Vec::with_capacity(found.items.len());
        for action in found.items {
            let decision = app.engine.store().decision(&action.decision_id).await?;
            let mut card = ActionCard::from(action);
            if let Some(decision) = decision {
                card.message = decision.trace.body;
                card.subject = decision.trace.subject;
            }
            cards.push(card);
        }
        let name = state.as_str();
        let older = found.next.map(|next| format!("/queue?state={name}&cursor={next}"));
        groups.push(Group { state: name, count: count(&state), cards, older });
    }
    let waiting_count = WAITING.iter().map(count).sum();
    let mut waiting = Vec::new();
    if single.is_none() {
        let filter = ActionFilter { states: WAITING.to_vec(), limit: CARDS, ..ActionFilter::default() };
        waiting = app.engine.store().actions(&filter).await?;
        waiting.sort_by_key(|action| action.due_at.unwrap_or(Timestamp::MAX));
    }
    let shown = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
    super::render(&QueuePage {
        frame: Frame::new(&app, Tab::Queue).await?,
        groups,
        waiting: waiting.into_iter().map(ActionCard::from).collect(),
        waiting_count,
        waiting_more: waiting_count.saturating_sub(shown),
        single: single.is_some(),
    })
}

//! Stars: toggled only where they are not as wanted, and as wanted in the end.

use super::{
    oracle::{Violation, ensure},
    snapshot::{Snapshot, describe},
};
use jiff::Timestamp;
use reply_router::{
    model::{Action, ActionKind},
    simulator::LoggedRequest,
};

/// Unless a person toggled it after the last look, or the opposite was done too.
pub(crate) fn star_matches(action: &Action, seen: &Snapshot) -> Result<(), Violation> {
    let is_look = |path: &str| path == "/replies" || path == format!("/replies/threads/{}", action.thread_id);
    let looks = seen.requests.iter().filter(|request| request.status == Some(200) && is_look(&request.path));
    let look = looks.map(|request| request.at).max();
    let toggled =
        seen.toggles.iter().any(|(thread, at)| *thread == action.thread_id && look.is_none_or(|look| *at > look));
    let opposite = seen.actions.iter().any(|other| {
        other.thread_id == action.thread_id
            && other.kind != action.kind
            && is_star(other)
            && other.updated_at >= action.updated_at
    });
    let starred = seen.thread(&action.thread_id).is_starred;
    ensure("the star is as wanted", toggled || opposite || starred == (action.kind == ActionKind::Star), || {
        describe(action)
    })
}

/// What the list showed as wanted, and nobody touched since, is left alone.
pub(crate) fn no_blind_toggle(seen: &Snapshot, before: Option<&Snapshot>) -> Result<(), Violation> {
    let Some(before) = before else { return Ok(()) };
    for thread in &before.threads {
        let path = format!("/replies/threads/{}/star", thread.id);
        let toggled = |request: &&LoggedRequest| is(request, "PATCH", &path);
        let Some(first) = seen.requests.iter().skip(before.requests.len()).find(toggled) else { continue };
        let list = |request: &&LoggedRequest| is(request, "GET", "/replies") && request.status == Some(200);
        let looks = seen.requests.iter().filter(list).map(|request| request.at);
        let look = looks.filter(|look| *look < first.at).max();
        let by_hand = seen.toggles.iter().filter(|(id, _)| *id == thread.id).map(|(_, at)| *at);
        let by_us = seen.requests.iter().filter(toggled).map(|request| request.at);
        let changed = by_hand.chain(by_us).filter(|at| *at < first.at).max();
        // What was toggled since the last transition ended was not seen before it.
        if look.is_none() || look <= changed || changed.is_some_and(|at: Timestamp| at > before.at) {
            continue;
        }
        let tried = seen.actions.iter().filter(|action| {
            let tries = before.action(&action.id).map_or(0, |action| action.attempts.len());
            action.thread_id == thread.id && is_star(action) && action.attempts.len() > tries
        });
        let kinds: Vec<_> = tried.map(|action| action.kind).collect();
        let wanted = [ActionKind::Unstar, ActionKind::Star][usize::from(thread.is_starred)];
        let blind = !kinds.is_empty() && kinds.iter().all(|kind| *kind == wanted);
        ensure("no star is toggled that is as wanted", !blind, || format!("{first:?}"))?;
    }
    Ok(())
}

fn is(request: &LoggedRequest, method: &str, path: &str) -> bool {
    request.method == method && request.path == path
}

fn is_star(action: &Action) -> bool {
    matches!(action.kind, ActionKind::Star | ActionKind::Unstar)
}

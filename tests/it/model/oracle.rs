//! What must hold after every transition, judged from outside.

use super::{
    actors::AWAY,
    forwards,
    snapshot::{Snapshot, cited_message, describe, is_from_person, is_opt_out},
    stars,
    transition::Transition,
};
use jiff::SignedDuration;
use reply_router::{
    model::{Action, ActionKind, ActionState, ReasonCode},
    simulator::{AcceptedReply, LoggedRequest, Thread},
};
use std::collections::HashSet;

/// A promise that was broken.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    /// Which one, in a few words that are always the same.
    pub(crate) invariant: &'static str,
    pub(crate) detail: String,
}

impl Violation {
    pub(crate) fn new(invariant: &'static str, detail: impl Into<String>) -> Self {
        Self { invariant, detail: detail.into() }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "broken: {}: {}", self.invariant, self.detail)
    }
}

/// Fails with the name of the invariant unless it holds.
pub(crate) fn ensure(invariant: &'static str, holds: bool, detail: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(invariant, detail())) }
}

/// A look counts for ten seconds; the server's clock ticks a little besides.
const FRESH: SignedDuration = SignedDuration::from_secs(11);
/// `safety.replies_per_lead` of the model's service.
const CAP: (usize, SignedDuration) = (2, SignedDuration::from_hours(24));

/// Remembers what it saw last.
#[derive(Default)]
pub(crate) struct Oracle {
    pub(crate) before: Option<Snapshot>,
}

impl Oracle {
    pub(crate) fn after(&mut self, transition: &Transition, seen: Snapshot) -> Result<(), Violation> {
        self.judges(transition, &seen)?;
        self.before = Some(seen);
        Ok(())
    }

    fn judges(&self, transition: &Transition, seen: &Snapshot) -> Result<(), Violation> {
        let before = self.before.as_ref();
        for reply in seen.accepted.iter().skip(before.map_or(0, |before| before.accepted.len())) {
            guarded(reply, seen)?;
            opted_out(reply, seen, before)?;
            capped(reply, seen)?;
            still_matches(reply, seen)?;
        }
        once(seen)?;
        never_repeated(seen)?;
        paused(transition, seen, before)?;
        recorded(seen)?;
        for action in seen.entered(ActionState::Done, before) {
            if !seen.touched.contains(&action.id) {
                done(action, seen)?;
            }
        }
        for action in seen.entered(ActionState::Cancelled, before) {
            taken_over(action, seen)?;
        }
        goes_on(transition, seen, before)?;
        stars::no_blind_toggle(seen, before)?;
        forwards::check(seen, before)
    }
}

/// What the guard's look must have shown.
fn guarded(reply: &AcceptedReply, seen: &Snapshot) -> Result<(), Violation> {
    let look = seen.read_before(&reply.thread_id, reply.at);
    let Some(look) = look else {
        return Err(Violation::new("somebody looks before a reply", format!("{reply:?}")));
    };
    ensure("the look is fresh", seen.clock_was_set || reply.at.duration_since(look) <= FRESH, || {
        format!("looked at {look}, accepted {reply:?}")
    })?;
    let Some(answered) = seen.answered(reply) else {
        return Err(Violation::new("a reply answers a message", format!("{reply:?}")));
    };
    let newest = seen.newest_inbound(&reply.thread_id, look);
    ensure("the newest message is answered", newest.map(|newest| &newest.id) == Some(&answered.id), || {
        format!("{reply:?} although {newest:?} was there")
    })?;
    let thread = seen.thread(&reply.thread_id);
    // A category that changes later is an event, however old the message is.
    let turned = seen.categories.iter().filter(|(id, ..)| *id == thread.id).count() > 1;
    let approved =
        seen.actions.iter().any(|action| action.approved && action.message_id.as_ref() == Some(&answered.id));
    let may = turned || approved || !seen.is_as_old(thread);
    ensure("what was there at the first start is not answered", may, || format!("{reply:?}"))?;
    let person = thread.messages.iter().filter(|message| is_from_person(message));
    let mut answer = person.filter(|message| message.at > answered.at && message.at < look);
    ensure("a person's answer is respected", answer.next().is_none(), || format!("{reply:?}"))?;
    ensure("no robot is answered", answered.text.as_deref() != Some(AWAY), || format!("{reply:?}"))
}

fn opted_out(reply: &AcceptedReply, seen: &Snapshot, before: Option<&Snapshot>) -> Result<(), Violation> {
    let look = seen.read_before(&reply.thread_id, reply.at);
    let shown = seen
        .thread(&reply.thread_id)
        .messages
        .iter()
        .any(|message| is_opt_out(message) && look.is_some_and(|look| message.at < look));
    let known = before.is_some_and(|before| before.opted_out.contains(&reply.to));
    ensure("an opt-out is respected", !shown && !known, || format!("{reply:?}"))
}

/// A person who approves may go beyond the cap; the service's own clock may be another day.
fn capped(reply: &AcceptedReply, seen: &Snapshot) -> Result<(), Violation> {
    let message = seen.answered(reply).map(|message| &message.id);
    let approved = seen.actions.iter().any(|action| action.approved && action.message_id.as_ref() == message);
    if approved || seen.clock_was_set {
        return Ok(());
    }
    let earlier = seen
        .accepted
        .iter()
        .filter(|other| other.to == reply.to && other.at < reply.at && reply.at.duration_since(other.at) < CAP.1);
    ensure("a lead gets no more than the cap", earlier.count() < CAP.0, || format!("{reply:?}"))
}

/// What the rule asks for holds when the reply leaves, as far as the list has shown. A person may approve anything.
fn still_matches(reply: &AcceptedReply, seen: &Snapshot) -> Result<(), Violation> {
    let rules = [
        ("Hi, when may I call", "interested"),
        ("Here is the price list", "question"),
        ("Here is my calendar", "meeting_request"),
        ("You are welcome", "thanks"),
    ];
    let text = reply.body.as_deref().unwrap_or_default();
    let Some((_, wanted)) = rules.into_iter().find(|(words, _)| text.contains(words)) else { return Ok(()) };
    let message = seen.answered(reply).map(|message| &message.id);
    let approved = seen.actions.iter().any(|action| action.approved && action.message_id.as_ref() == message);
    let shown = seen.shown_category(&reply.thread_id, reply.at);
    ensure("a rule that holds no more sends nothing", approved || shown == Some(wanted), || {
        format!("{reply:?} although the list showed {shown:?}")
    })
}

/// Only a person takes over: a step that the campaign itself sends does not.
fn taken_over(action: &Action, seen: &Snapshot) -> Result<(), Violation> {
    if action.reason.as_ref().is_none_or(|reason| reason.code != ReasonCode::PersonAnswered) {
        return Ok(());
    }
    let answers = seen.thread(&action.thread_id).messages.iter().any(is_from_person);
    ensure("only a person's answer cancels", answers, || describe(action))
}

/// A thread that cannot be read holds up no other.
fn goes_on(transition: &Transition, seen: &Snapshot, before: Option<&Snapshot>) -> Result<(), Violation> {
    let (Transition::Intake { moment: None } | Transition::Round { moment: None }, Some(before), Some(broken)) =
        (transition, before, &seen.broken)
    else {
        return Ok(());
    };
    let failed = |request: &LoggedRequest| request.status != Some(200);
    let is_of = |request: &LoggedRequest, thread: &str| request.path.split('/').any(|part| part == thread);
    let new = seen.requests.get(before.requests.len()..).unwrap_or_default();
    if seen.is_paused || new.iter().any(|request| failed(request) && !is_of(request, broken)) {
        return Ok(());
    }
    // One that could not be read before is tried again later.
    let is_ready = |thread: &Thread| {
        thread.id != *broken && !seen.requests.iter().any(|request| failed(request) && is_of(request, &thread.id))
    };
    let undecided = seen.undecided();
    let held_up = seen
        .threads
        .iter()
        .filter(|thread| is_ready(thread))
        .find(|thread| thread.messages.iter().any(|message| undecided.contains(&message.id.as_str())));
    ensure("a thread that cannot be read holds up no other", held_up.is_none(), || format!("{held_up:?}"))
}

/// The first promise.
fn once(seen: &Snapshot) -> Result<(), Violation> {
    let mut answered = HashSet::new();
    for reply in &seen.accepted {
        let message = seen.answered(reply).map(|message| message.id.clone());
        ensure("one reply for a message", answered.insert((reply.thread_id.clone(), message)), || {
            format!("{reply:?} is the second one")
        })?;
    }
    Ok(())
}

/// Surely not carried out: what may be tried again.
const REFUSED: [u16; 6] = [400, 401, 403, 404, 422, 429];

/// A request that may have been carried out is not repeated, whether it was or not.
fn never_repeated(seen: &Snapshot) -> Result<(), Violation> {
    let mut sent = HashSet::new();
    for request in seen.requests.iter().filter(|request| request.method == "POST") {
        let text = request.body.as_ref().and_then(|body| body.get("body")).and_then(|text| text.as_str());
        let Some(message) = cited_message(text) else { continue };
        let resolved = seen
            .actions
            .iter()
            .any(|action| action.message_id.as_deref() == Some(message) && seen.touched.contains(&action.id));
        if resolved || request.status.is_some_and(|status| REFUSED.contains(&status)) {
            continue;
        }
        ensure("an unclear reply is not repeated", sent.insert(message.to_owned()), || format!("{request:?}"))?;
    }
    Ok(())
}

/// At most what was on its way still leaves.
fn paused(transition: &Transition, seen: &Snapshot, before: Option<&Snapshot>) -> Result<(), Violation> {
    let invariant = "a pause holds everything back";
    if let Some(at) = seen.paused_at.filter(|at| before.is_none_or(|before| before.at < *at)) {
        let (left, most) = (seen.sent_since(at), seen.on_their_way);
        return ensure(invariant, left <= most, || format!("{left} left, {most} were on their way"));
    }
    let Some(before) = before.filter(|before| before.is_paused && *transition != Transition::Resumes) else {
        return Ok(());
    };
    ensure(invariant, seen.sent_since(before.at) == 0, || format!("{} left", seen.sent_since(before.at)))
}

/// What was accepted is on record as such, or as unclear.
fn recorded(seen: &Snapshot) -> Result<(), Violation> {
    use ActionState::{Cancelled, Done, InFlight, Quarantined, Unknown};
    for reply in &seen.accepted {
        let message = seen.answered(reply).map(|message| &message.id);
        let records: Vec<_> = seen
            .actions
            .iter()
            .filter(|action| action.kind == ActionKind::Reply && action.message_id.as_ref() == message)
            .collect();
        let knows = |action: &&&Action| match action.state {
            Done | InFlight | Unknown | Quarantined => true,
            // Our own was not visible yet when the person's was.
            Cancelled => action.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::PersonAnswered),
            _ => false,
        };
        ensure("what was accepted is on record", records.iter().any(|action| knows(&action)), || {
            format!("{reply:?}: {:?}", records.iter().map(|action| (action.state, &action.reason)).collect::<Vec<_>>())
        })?;
    }
    Ok(())
}

/// What is said to be done is done.
fn done(action: &Action, seen: &Snapshot) -> Result<(), Violation> {
    let detail = || describe(action);
    match action.kind {
        ActionKind::Reply => ensure("a reply that is done was accepted", seen.is_accepted(action), detail),
        ActionKind::Star | ActionKind::Unstar => stars::star_matches(action, seen),
        ActionKind::MarkRead => read_last(action, seen),
        ActionKind::Forward(_) => ensure("a forward that is done arrived", seen.deliveries(action) > 0, detail),
    }
}

/// Everything else of the message went well.
fn read_last(action: &Action, seen: &Snapshot) -> Result<(), Violation> {
    let harmless = [ReasonCode::AlreadyAnswered, ReasonCode::SameTarget, ReasonCode::Shadow];
    let ill = seen.actions.iter().find(|other| {
        let code = other.reason.as_ref().map(|reason| reason.code);
        other.thread_id == action.thread_id
            && other.message_id == action.message_id
            && other.kind != ActionKind::MarkRead
            && other.state != ActionState::Done
            && !(other.state == ActionState::Suppressed && code.is_some_and(|code| harmless.contains(&code)))
    });
    ensure("reading comes last", ill.is_none(), || format!("{} although {:?}", describe(action), ill.map(describe)))
}

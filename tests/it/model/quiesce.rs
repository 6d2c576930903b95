//! The end of a sequence: nothing goes wrong any more, time passes until nothing is due, and then all must be accounted
//! for.

use super::{
    oracle::{Violation, ensure},
    snapshot::{Snapshot, describe, is_from_person},
    system::System,
    transition::Transition,
};
use reply_router::{
    model::{Action, ActionKind, ActionState, ReasonCode},
    store::Lane,
};

/// How often time passes before the service must have come to rest.
const ROUNDS: usize = 60;

/// Lets all calm down, and judges.
pub(crate) async fn quiesce(world: &mut System) -> Result<(), Violation> {
    world.apply(&Transition::ThreadsMend).await?;
    world.apply(&Transition::Resumes).await?;
    settles(world).await?;
    let seen = world.seen();
    for action in seen.actions.iter().filter(|action| !action.state.is_settled()) {
        ensure("what waits at the end waits for a person", waits_for_person(action, seen), || describe(action))?;
    }
    accounted_for(seen)?;
    // Whatever a person has to decide is decided, so that nothing is left.
    let held = seen.actions.iter().filter(|action| action.state == ActionState::Held).count();
    for _ in 0..held {
        world.apply(&Transition::Rejects { nth: 0 }).await?;
    }
    if held > 0 {
        settles(world).await?;
    }
    let waits = world.seen().actions.iter().find(|action| !action.state.is_settled());
    ensure("everything ends", waits.is_none(), || format!("{:?}", waits.map(describe)))
}

/// Polls and carries out until nothing is due that could still change.
async fn settles(world: &mut System) -> Result<(), Violation> {
    let rests = |seen: &Snapshot| {
        let rests = |action: &Action| action.state.is_settled() || waits_for_person(action, seen);
        seen.actions.iter().all(rests) && seen.undecided().is_empty()
    };
    for _ in 0..ROUNDS {
        world.apply(&Transition::Intake { moment: None }).await?;
        for lane in [Lane::Api, Lane::Destinations, Lane::Api] {
            if world.is_due(lane) {
                world.apply(&Transition::Runs { lane, moment: None }).await?;
            }
        }
        if rests(world.seen()) {
            return Ok(());
        }
        world.advance(world.until_due());
    }
    let seen = world.seen();
    let undecided = seen.undecided();
    ensure("no message is lost", undecided.is_empty(), || format!("{undecided:?} have no decision"))?;
    let unsettled = seen.actions.iter().find(|action| !action.state.is_settled() && !waits_for_person(action, seen));
    Err(Violation::new("the service comes to rest", format!("{:?}", unsettled.map(describe))))
}

/// Held with a reason, or the `mark_read` of a message of which something is held.
fn waits_for_person(action: &Action, seen: &Snapshot) -> bool {
    let held = |action: &Action| action.state == ActionState::Held && action.reason.is_some();
    let waits = action.kind == ActionKind::MarkRead
        && action.state == ActionState::Waiting
        && action.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::OtherActions);
    held(action)
        || waits
            && seen.actions.iter().any(|other| {
                held(other) && other.thread_id == action.thread_id && other.message_id == action.message_id
            })
}

/// Every accepted reply has a record that says so; what ended otherwise has a reason that holds.
fn accounted_for(seen: &Snapshot) -> Result<(), Violation> {
    for reply in &seen.accepted {
        let message = seen.answered(reply).map(|message| &message.id);
        let mut records = seen
            .actions
            .iter()
            .filter(|action| action.kind == ActionKind::Reply && action.message_id.as_ref() == message);
        let thread = seen.thread(&reply.thread_id);
        // A person's answer that came between the guard's look and ours may show alone when ours is looked for.
        let person = thread.messages.iter().any(|message| is_from_person(message) && message.at > reply.at)
            || seen.read_before(&reply.thread_id, reply.at).is_some_and(|look| {
                let mut shown = thread.messages.iter().filter(|message| is_from_person(message));
                shown.any(|message| message.at > look)
            });
        let explained = records.any(|action| match action.state {
            ActionState::Done => true,
            ActionState::Cancelled => person,
            // Where the service's clock ran ahead, the times to look were over before the reply showed. And where two
            // replies of a thread say the same, what shows may be either.
            ActionState::Quarantined => seen.clock_was_set || says_what_another_says(action, seen),
            _ => false,
        });
        ensure("an accepted reply ends done", explained, || format!("{reply:?}"))?;
    }
    for action in &seen.actions {
        let wants_reason = !matches!(action.state, ActionState::Done);
        ensure("what is not done has a reason", !wants_reason || action.reason.is_some(), || describe(action))?;
    }
    Ok(())
}

fn says_what_another_says(action: &Action, seen: &Snapshot) -> bool {
    seen.actions.iter().any(|other| {
        other.id != action.id
            && other.kind == ActionKind::Reply
            && other.thread_id == action.thread_id
            && other.payload == action.payload
            && !other.attempts.is_empty()
    })
}

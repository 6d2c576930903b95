//! What became of an event on one side, and where both sides differ.

use super::{
    ReplayError,
    followed::{Followed, Played},
    side::Side,
};
use crate::{
    backtest::{
        compare::{Outcome, Side as Verdict, effect, has_effect},
        difference::{Difference, find_difference},
    },
    model::{
        ActionState, Decision, MailReading, Mode, PlannedAction, PlannedOutcome, Reason, ReasonCode, Repeat, RuleTrace,
        Timing,
    },
};
use std::time::Duration;

const AT_ONCE: Timing = Timing { after: Duration::ZERO, hours: None, repeat: Repeat::OncePerMessage, limit: None };

/// Compares what became of an event.
pub(super) async fn compare(
    (before, one): (&Side, Option<Played>),
    (after, other): (&Side, Option<Played>),
) -> Result<Outcome, ReplayError> {
    let decided = |played: &Option<Played>| played.as_ref().map_or_else(no_decision, decision);
    let (mut earlier, mut later) = (decided(&one), decided(&other));
    let mut difference = None;
    let mut new_text = None;
    if effects(one.as_ref(), &earlier) != effects(other.as_ref(), &later) {
        let bodies = [&other, &one].into_iter().flatten();
        new_text = bodies.into_iter().find_map(|played| played.record.trace.body.clone());
        difference = Some(match (one, other) {
            (Some(one), Some(other)) => {
                earlier.rules = traces(before, one).await?;
                later.rules = traces(after, other).await?;
                find_difference(&earlier, &later)
            }
            (one, _) => taken_over(if one.is_some() { &earlier } else { &later }, one.is_some()),
        });
    }
    Ok(Outcome { before: Verdict::Decided(earlier), after: Verdict::Decided(later), difference, new_text })
}

/// What no rule says anything of.
pub(super) fn no_decision() -> Decision {
    Decision {
        body: None,
        auto_reply: None,
        opt_out: None,
        reading: MailReading::default(),
        rules: Vec::new(),
        actions: Vec::new(),
    }
}

fn decision(played: &Played) -> Decision {
    let trace = &played.record.trace;
    Decision {
        body: trace.body.clone(),
        auto_reply: trace.auto_reply,
        rules: trace.rules.clone(),
        actions: played.actions.iter().map(|followed| planned(followed, &trace.rules)).collect(),
        ..no_decision()
    }
}

/// The action with what became of it in place of what was planned.
fn planned(followed: &Followed, rules: &[RuleTrace]) -> PlannedAction {
    let Followed { action, waited, .. } = followed;
    let would = match action.state {
        ActionState::Done => PlannedOutcome::Done,
        ActionState::Held => PlannedOutcome::Held,
        ActionState::Suppressed | ActionState::Cancelled => PlannedOutcome::Suppressed,
        ActionState::Failed | ActionState::Quarantined => PlannedOutcome::Failed,
        ActionState::Planned
        | ActionState::Waiting
        | ActionState::InFlight
        | ActionState::Retrying
        | ActionState::Unknown => PlannedOutcome::Waiting,
    };
    let after_waiting = || {
        let waited = waited.as_ref().filter(|reason| !reason.text.is_empty())?;
        let at = action.updated_at.strftime("%Y-%m-%d %H:%M");
        Some(Reason::new(waited.code, format!("at {at}, because {}", waited.text)))
    };
    let reason = if would == PlannedOutcome::Done { after_waiting() } else { action.reason.clone() };
    PlannedAction {
        rule: action.rule.clone(),
        mode: rules.iter().find(|rule| rule.name == action.rule).map_or(Mode::Live, |rule| rule.mode),
        position: action.position,
        kind: action.kind,
        target: action.target.clone(),
        would,
        reason,
        payload: action.payload.clone(),
        timing: action.timing.clone(),
        any_sender: action.any_sender,
        any_auto_reply: action.any_auto_reply,
    }
}

/// What was done, held, or at least recorded, and when it was done; in an order of its own.
fn effects(played: Option<&Played>, decision: &Decision) -> Vec<String> {
    let followed = played.map(|played| played.actions.as_slice()).unwrap_or_default();
    let with_time = decision.actions.iter().zip(followed).filter(|(planned, _)| has_effect(planned));
    let mut effects: Vec<String> = with_time
        .map(|(planned, Followed { action, .. })| {
            // What a rule says of the time is no outcome where it is known what came of that.
            let is_open = planned.would == PlannedOutcome::Waiting;
            let done_at = (action.state == ActionState::Done).then_some(action.updated_at);
            let timing = if is_open { planned.timing.clone() } else { AT_ONCE };
            format!("{} {done_at:?}", effect(&PlannedAction { timing, ..planned.clone() }))
        })
        .collect();
    effects.sort_unstable();
    effects
}

/// What every rule said.
async fn traces(side: &Side, played: Played) -> Result<Vec<RuleTrace>, ReplayError> {
    let record = (*played.record).clone();
    let traced = side.engine().operator().trace_decisions(vec![record]).await?;
    Ok(traced.into_iter().flat_map(|traced| traced.record.trace.rules).collect())
}

/// Only one of the sides took it for an event.
fn taken_over(decision: &Decision, was: bool) -> Difference {
    let rule = decision.rules.iter().find(|rule| rule.matched);
    let text = match was {
        true => "it is no event any more: somebody has answered by then",
        false => "it is an event now: nobody has answered by then",
    };
    Difference {
        rule: rule.map(|rule| rule.name.clone()).unwrap_or_default(),
        text: text.to_owned(),
        file: rule.map(|rule| rule.file.clone()).unwrap_or_default(),
        line: rule.map(|rule| rule.line).unwrap_or_default(),
        ..Difference::default()
    }
}

/// The reasons for which an action was given up before it left.
pub(in crate::backtest) const GIVEN_UP: [ReasonCode; 4] =
    [ReasonCode::NewerMessage, ReasonCode::PersonAnswered, ReasonCode::RuleNoLongerMatches, ReasonCode::RuleRemoved];

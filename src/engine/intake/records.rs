//! The records of a decision: the decision with its trace, and its actions.

use crate::engine::evaluation::Evaluation;
use crate::{
    model::{
        Action, ActionId, ActionKind, ActionState, PlannedAction, PlannedOutcome, Reason, ReasonCode, ThreadRow,
        address_of, new_decision_id,
    },
    store::{DecisionRecord, DecisionTrace, EventKind, StoredEvent},
};
use jiff::Timestamp;

/// The address that opt-outs, caps and repeats go by, in lower case.
pub(in crate::engine) fn lead_key(row: &ThreadRow) -> Option<String> {
    row.lead_email.as_deref().and_then(address_of)
}

/// The decision as the store keeps it.
pub(in crate::engine) fn decision_record(
    workspace: &str,
    row: &ThreadRow,
    evaluation: &Evaluation,
    event: EventKind,
    now: Timestamp,
) -> DecisionRecord {
    let decision = &evaluation.decision;
    let newest = evaluation.messages.as_ref().and_then(|messages| messages.newest_inbound());
    DecisionRecord {
        id: new_decision_id(),
        workspace: workspace.to_owned(),
        thread_id: row.id.clone(),
        message_id: newest_inbound(evaluation).map(|(id, _)| id),
        lead_email: lead_key(row),
        at: now,
        event,
        matched: decision.matched().map(str::to_owned).collect(),
        trace: DecisionTrace {
            body: decision.body.clone(),
            auto_reply: decision.auto_reply,
            opt_out: evaluation
                .messages
                .as_ref()
                .map(|_| decision.opt_out.is_some())
                .or(decision.opt_out.as_ref().map(|_| true)),
            reading: decision.reading.clone(),
            subject: row.subject.clone(),
            campaign: row.campaign().map(str::to_owned),
            category: row.category().map(str::to_owned),
            lead_name: row.lead_name.clone().filter(|name| !name.trim().is_empty()),
            from: newest.and_then(|message| message.from.clone()),
            message_at: match newest {
                Some(message) => message.created_at,
                None => row.last_message_at,
            },
            problem: None,
            preview: row.preview.clone().filter(|_| newest.is_none()),
            rules: decision.rules.clone(),
            event: None,
        },
    }
}

/// The event as the store keeps it: all that the evaluation took in.
pub(in crate::engine) fn stored_event(row: &ThreadRow, evaluation: &Evaluation) -> StoredEvent {
    let context = &evaluation.context;
    StoredEvent {
        revision: context.revision.clone(),
        at: context.at,
        workspace: context.workspace.clone(),
        ceiling: context.ceiling,
        row: row.clone(),
        detail: evaluation.detail.clone(),
        messages: evaluation.messages.as_ref().map(|messages| messages.conversation().clone()),
        reading: evaluation.messages.as_ref().map(|messages| messages.keep_reading()),
        history: context.history.clone(),
        overrides: context.overrides.iter().map(|(rule, mode)| (rule.clone(), *mode)).collect(),
        lead_opted_out: context.lead_opted_out,
        hold_uncertain: context.hold_uncertain,
        read_later: None,
    }
}

/// The actions of a decision, in its order. Held ones expire at `expiry`.
pub(in crate::engine) fn action_records(
    record: &DecisionRecord,
    evaluation: &Evaluation,
    now: Timestamp,
    expiry: Option<Timestamp>,
) -> Vec<Action> {
    let message_at = newest_inbound(evaluation).and_then(|(_, at)| at);
    // Messages that were there were considered with the event; only later ones count.
    let seen: Vec<String> = evaluation
        .messages
        .iter()
        .flat_map(|messages| messages.conversation().messages())
        .filter(|message| message.outgoing)
        .map(|message| message.id.clone())
        .collect();
    let record_of = |(place, planned): (usize, &PlannedAction)| {
        let outgoing = if planned.kind == ActionKind::Reply { seen.as_slice() } else { &[] };
        let mut action = action_record(record, place, planned, message_at, outgoing, now);
        if action.state == ActionState::Held {
            action.due_at = expiry;
        }
        action
    };
    evaluation.decision.actions.iter().enumerate().map(record_of).collect()
}

fn newest_inbound(evaluation: &Evaluation) -> Option<(String, Option<Timestamp>)> {
    let message = evaluation.messages.as_ref()?.newest_inbound()?;
    Some((message.id.clone(), message.created_at))
}

fn action_record(
    record: &DecisionRecord,
    place: usize,
    planned: &PlannedAction,
    message_at: Option<Timestamp>,
    outgoing_before: &[String],
    now: Timestamp,
) -> Action {
    // `hours` and `limit` are checked when the action is due, so `after` alone sets the first due date.
    let first = now.saturating_add(planned.timing.after).unwrap_or(now);
    let (state, due_at) = match planned.would {
        PlannedOutcome::Done => (ActionState::Planned, Some(now)),
        PlannedOutcome::Waiting => (ActionState::Waiting, Some(first)),
        PlannedOutcome::Held => (ActionState::Held, None),
        PlannedOutcome::Suppressed => (ActionState::Suppressed, None),
        PlannedOutcome::Failed => (ActionState::Failed, None),
    };
    Action {
        id: ActionId::of_decision(&record.id, place).unwrap_or_default(),
        workspace: record.workspace.clone(),
        decision_id: record.id.clone(),
        thread_id: record.thread_id.clone(),
        message_id: record.message_id.clone(),
        lead_email: record.lead_email.clone(),
        rule: planned.rule.clone(),
        position: planned.position,
        kind: planned.kind,
        target: planned.target.clone(),
        state,
        reason: planned.reason.clone().or_else(|| (state == ActionState::Held).then(held)),
        payload: planned.payload.clone(),
        timing: planned.timing.clone(),
        any_sender: planned.any_sender,
        any_auto_reply: planned.any_auto_reply,
        approved: false,
        message_at,
        outgoing_before: outgoing_before.to_vec(),
        attempts: Vec::new(),
        due_at,
        sent_at: None,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

fn held() -> Reason {
    Reason::new(ReasonCode::Draft, "needs approval")
}

//! The timeline of a thread: poll, decision, actions, as the store knows them.

use super::Operator;
use crate::engine::Workspace;
use crate::{
    model::{Action, ActionState, Conversation, ThreadRow, format_duration},
    store::{ActionFilter, DecisionFilter, DecisionRecord, KnownThread, StoreError},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How many of a thread's latest decisions are searched.
const MAX_DECISIONS: u32 = 20;
/// How many actions of one decision are shown.
const MAX_ACTIONS: u32 = 1_000;

/// One step of the timeline, or what stands in its way.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TimelineEntry {
    /// What it is about.
    pub stage: TimelineStage,
    /// When, where that is known.
    pub at: Option<Timestamp>,
    /// The state of an action.
    pub state: Option<ActionState>,
    /// A sentence for people.
    pub text: String,
}

/// What an entry of a timeline is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineStage {
    /// The poll of the inbox.
    Poll,
    /// The thread before its decision.
    Thread,
    /// A decision.
    Decision,
    /// An action of a decision.
    Action,
    /// The lead's opt-out.
    OptOut,
    /// A pause of the workspace, or of everything.
    Pause,
}

impl TimelineEntry {
    fn new(stage: TimelineStage, at: Option<Timestamp>, text: impl Into<String>) -> Self {
        Self { stage, at, state: None, text: text.into() }
    }
}

/// The entries in the order in which they happened. Those without a time come first, in their order.
pub fn chronological(mut steps: Vec<TimelineEntry>) -> Vec<TimelineEntry> {
    steps.sort_by_key(|step| step.at);
    steps
}

impl Operator {
    /// The timeline of a thread's newest inbound message.
    pub(in crate::engine) async fn timeline(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        conversation: Option<&Conversation>,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut entries = Vec::new();
        let newest = conversation.and_then(Conversation::newest_inbound);
        let message = newest.map(|message| message.id.as_str());
        // The thread's own endpoint may leave out what the list says.
        let last_at = row.last_message_at.or_else(|| newest.and_then(|message| message.created_at));
        let filter = DecisionFilter { thread: Some(row.id.clone()), limit: MAX_DECISIONS, ..DecisionFilter::default() };
        let decisions = self.shared.store.decisions(&filter).await?;
        // One that was made from the list row alone names no message: it is about this one if it is not older.
        let written = newest.and_then(|message| message.created_at);
        let is_about_it = |decision: &DecisionRecord| match decision.message_id.as_deref() {
            Some(id) => message.is_none_or(|message| message == id),
            None => written.is_none_or(|written| decision.at >= written),
        };
        let mut of_workspace = decisions.into_iter().filter(|decision| decision.workspace == workspace.name());
        let decision = of_workspace.find(is_about_it);
        self.poll_entry(workspace, row, (message, last_at), decision.as_ref(), &mut entries).await?;
        if let Some(decision) = decision {
            self.decision_entries(&decision, &mut entries).await?;
        }
        if let Some(lead) = crate::engine::intake::records::lead_key(row)
            && let Some(found) = self.shared.store.opt_out(workspace.name(), &lead, workspace.safety().opt_outs).await?
        {
            let text = format!("{lead} opted out: “{}”. No reply is sent.", found.evidence);
            entries.push(TimelineEntry::new(TimelineStage::OptOut, Some(found.since), text));
        }
        for pause in self.shared.store.pauses().await? {
            let what = match pause.workspace.as_deref() {
                None => "Everything".to_owned(),
                Some(name) if name == workspace.name() => format!("The workspace `{name}`"),
                Some(_) => continue,
            };
            let text = format!("{what} is paused: {}. Nothing is sent until you resume.", pause.reason);
            entries.push(TimelineEntry::new(TimelineStage::Pause, Some(pause.since), text));
        }
        Ok(entries)
    }

    /// What polls have seen of the thread.
    async fn poll_entry(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        (message, last_at): (Option<&str>, Option<Timestamp>),
        decision: Option<&DecisionRecord>,
        entries: &mut Vec<TimelineEntry>,
    ) -> Result<(), StoreError> {
        let state = self.shared.store.workspace_state(workspace.name()).await?;
        let Some(baseline) = state.baseline_at else {
            let text =
                "There is no baseline yet. The first poll that finds threads only records them (`safety.start_from`).";
            entries.push(TimelineEntry::new(TimelineStage::Poll, None, text));
            return Ok(());
        };
        entries.push(TimelineEntry::new(
            TimelineStage::Poll,
            state.last_poll_at.or(Some(baseline)),
            "The inbox was polled last.",
        ));
        let mut known = self.shared.store.known_threads(workspace.name(), std::slice::from_ref(&row.id)).await?;
        let text = match known.remove(&row.id) {
            None => "No poll has seen this thread yet; the next one will.".to_owned(),
            Some(KnownThread { pending: Some(_), .. }) => {
                let wait = workspace.settings().wait_for_category;
                match row.category() {
                    None if !wait.is_zero() => {
                        format!("Pending: a message without a category is left alone for {}.", format_duration(wait))
                    }
                    _ => "Pending: it is decided with the next poll.".to_owned(),
                }
            }
            Some(KnownThread { row: Some(seen), newest_inbound, .. }) => {
                let moved = seen.last_message_at < last_at;
                let new = message.is_some() && newest_inbound.as_deref() != message && decision.is_none();
                if moved && new {
                    "There is a newer message than the last poll saw; the next one will.".to_owned()
                } else if decision.is_some() {
                    "A poll has seen this message.".to_owned()
                } else if last_at.is_some_and(|at| at <= baseline) {
                    format!("It was there at the first poll ({}), so it is known and not acted on.", shown(baseline))
                } else {
                    "A poll has seen it, and nothing in it was new mail of the lead.".to_owned()
                }
            }
            Some(_) => return Ok(()),
        };
        entries.push(TimelineEntry::new(TimelineStage::Thread, None, text));
        Ok(())
    }

    /// A decision and what became of its actions.
    pub(super) async fn decision_entries(
        &self,
        decision: &DecisionRecord,
        entries: &mut Vec<TimelineEntry>,
    ) -> Result<(), StoreError> {
        let text = match decision.matched.as_slice() {
            [] if decision.trace.problem.is_some() => {
                format!("Not decided: {}.", decision.trace.problem.as_deref().unwrap_or_default())
            }
            [] => "Decided: no rule matched.".to_owned(),
            rules => format!("Decided: {} matched.", rules.join(", ")),
        };
        entries.push(TimelineEntry::new(TimelineStage::Decision, Some(decision.at), text));
        let filter =
            ActionFilter { decision: Some(decision.id.clone()), limit: MAX_ACTIONS, ..ActionFilter::default() };
        for action in self.shared.store.actions(&filter).await?.iter().rev() {
            entries.push(TimelineEntry {
                stage: TimelineStage::Action,
                at: Some(action.updated_at),
                state: Some(action.state),
                text: describe_action(action),
            });
        }
        Ok(())
    }
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The state of an action in a sentence.
fn describe_action(action: &Action) -> String {
    let mut text = format!("`{}`: {}", action.rule, action.kind);
    if let Some(target) = action.describe_target() {
        text = format!("{text} {target}");
    }
    text = format!("{text} is {}", action.state);
    if let Some(reason) = &action.reason {
        text = format!("{text} ({}: {})", reason.code.as_str(), reason.text);
    }
    match action.due_at.filter(|_| !action.state.is_settled()) {
        Some(due) if action.state == ActionState::Held => text = format!("{text}, expires {}", shown(due)),
        Some(due) => text = format!("{text}, next {}", shown(due)),
        None => {}
    }
    match action.attempts.len() {
        0 => text + ".",
        1 => text + ", after 1 try.",
        tries => format!("{text}, after {tries} tries."),
    }
}

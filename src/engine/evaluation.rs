//! Evaluating one thread: evaluate, fetch what the rules need, evaluate again. `run`, `preview`, `explain` and `apply`
//! share it.

use crate::{
    coldsend::{ApiError, Client, Priority},
    model::{Decision, HistoryEntry, Mode, ThreadDetail, ThreadRow},
    rules::{EventInput, Need, RowReading, RuleSet, RuleSources, ThreadMessages, evaluate_timed},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

/// A thread to evaluate, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationInput<'a> {
    /// The workspace's name.
    pub workspace: &'a str,
    /// The workspace's mode.
    pub ceiling: Mode,
    /// The list row.
    pub row: &'a ThreadRow,
    /// What the row says, where that serves more than this evaluation.
    pub row_reading: Option<&'a RowReading>,
    /// The messages, where they need not be read. They count from the moment when a rule needs them.
    pub given: Option<&'a Arc<ThreadMessages>>,
    /// Earlier actions; `None` where the store is not asked.
    pub history: Option<&'a [HistoryEntry]>,
    /// The modes that operators lowered rules to.
    pub overrides: &'a HashMap<String, Mode>,
    /// Whether the lead is known to have opted out.
    pub lead_opted_out: Option<bool>,
    /// Whether a reply to what may be automatic mail is held.
    pub hold_uncertain: bool,
    /// Whether every rule and condition is evaluated and told, for an explanation.
    pub thorough: bool,
}

/// The decision, and what was read for it.
#[derive(Debug)]
pub struct Evaluation {
    /// What the rules said.
    pub decision: Decision,
    /// The thread, if it was read.
    pub detail: Option<ThreadDetail>,
    /// The messages, if they were read.
    pub messages: Option<Arc<ThreadMessages>>,
    /// How long each rule that was evaluated took, without the reads in between. What several rules need, such as the
    /// body's new text, counts for the first of them.
    pub took: Vec<(String, Duration)>,
    /// What else it took in.
    pub context: EvaluationContext,
}

/// What an evaluation took in beside the thread: rules, time, and what the store knew.
#[derive(Debug, Clone)]
pub struct EvaluationContext {
    /// All that the rules were made of.
    pub rules: Arc<RuleSources>,
    /// Their revision.
    pub revision: String,
    /// The time.
    pub at: Timestamp,
    /// The workspace's name.
    pub workspace: String,
    /// The workspace's mode.
    pub ceiling: Mode,
    /// Earlier actions; `None` where the store was not asked.
    pub history: Option<Vec<HistoryEntry>>,
    /// The modes that operators lowered rules to.
    pub overrides: HashMap<String, Mode>,
    /// Whether the lead was known to have opted out.
    pub lead_opted_out: Option<bool>,
    /// Whether a reply to what may be automatic mail was held.
    pub hold_uncertain: bool,
}

/// Evaluates the rules on a thread and reads, with GET requests only, what their result depends on. `messages` are
/// those that were read already.
pub async fn evaluate_thread(
    client: &Client,
    rules: &RuleSet,
    subject: EvaluationInput<'_>,
    mut messages: Option<Arc<ThreadMessages>>,
    now: Timestamp,
) -> Result<Evaluation, ApiError> {
    let read_here = RowReading::new(subject.row);
    let mut detail = None;
    let set = rules;
    let rules = set.of_workspace(subject.workspace);
    let mut took: BTreeMap<usize, Duration> = BTreeMap::new();
    loop {
        let input = EventInput {
            workspace: subject.workspace,
            ceiling: subject.ceiling,
            row: subject.row,
            row_reading: subject.row_reading.or(Some(&read_here)),
            detail: detail.as_ref(),
            messages: messages.as_deref(),
            history: subject.history,
            overrides: subject.overrides,
            lead_opted_out: subject.lead_opted_out,
            hold_uncertain: subject.hold_uncertain,
            thorough: subject.thorough,
        };
        let mut began = Instant::now();
        let mut through_with = |place: usize| {
            let ended = Instant::now();
            *took.entry(place).or_default() += ended - began;
            began = ended;
        };
        match evaluate_timed(rules, &input, now, &mut through_with) {
            Ok(decision) => {
                let named = |(place, took)| Some((rules.rules().get::<usize>(place)?.name.clone(), took));
                let took = took.into_iter().filter_map(named).collect();
                let context = EvaluationContext {
                    rules: Arc::clone(set.sources()),
                    revision: set.revision().to_owned(),
                    at: now,
                    workspace: subject.workspace.to_owned(),
                    ceiling: subject.ceiling,
                    history: subject.history.map(<[_]>::to_vec),
                    overrides: subject.overrides.clone(),
                    lead_opted_out: subject.lead_opted_out,
                    hold_uncertain: subject.hold_uncertain,
                };
                return Ok(Evaluation { decision, detail, messages, took, context });
            }
            Err(Need::Thread) => detail = Some(client.thread(&subject.row.id, Priority::Read).await?),
            Err(Need::Messages) => {
                messages = Some(match subject.given {
                    Some(given) => Arc::clone(given),
                    None => fetch_messages(client, &subject.row.id, Priority::Read).await?,
                });
            }
        }
    }
}

/// Reads all messages of a thread. The guard reads with the priority of the reply that waits for it.
pub async fn fetch_messages(
    client: &Client,
    thread_id: &str,
    priority: Priority,
) -> Result<Arc<ThreadMessages>, ApiError> {
    let conversation = client.conversation(thread_id, priority).await?;
    Ok(Arc::new(ThreadMessages::new(conversation)))
}

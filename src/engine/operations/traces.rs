//! Whole traces, derived when somebody asks: the store keeps what rules that matched said, the event, and the rules.

use super::Operator;
use crate::{
    model::{Decision, RuleTrace},
    rules::{EventInput, Need, RuleSet, RuleSources, SourcesError, ThreadMessages, trace_again},
    store::{DecisionRecord, StoreError, StoredEvent},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// So many rule sets that are no longer active are kept compiled.
const COMPILED: usize = 2;

/// A decision with the trace of every rule.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedDecision {
    /// The decision.
    pub record: DecisionRecord,
    /// Why only what was stored is shown: rules that did not match are absent then.
    pub incomplete: Option<String>,
}

/// The rules of a revision, or why they are not there.
type KeptRules = Result<Arc<RuleSet>, Arc<str>>;

/// Rule sets that were asked for last, by revision, the latest first.
#[derive(Debug, Default)]
pub(super) struct CompiledRules {
    latest: Mutex<VecDeque<(String, KeptRules)>>,
}

impl CompiledRules {
    fn get(&self, revision: &str) -> Option<KeptRules> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let place = latest.iter().position(|(known, _)| known == revision)?;
        let found = latest.remove(place)?;
        let rules = found.1.clone();
        latest.push_front(found);
        Some(rules)
    }

    fn put(&self, revision: &str, rules: KeptRules) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.retain(|(known, _)| known != revision);
        latest.push_front((revision.to_owned(), rules));
        latest.truncate(COMPILED);
    }
}

impl Operator {
    /// Decisions with the trace of every rule, in their order. What the store does not have is derived from the event and the
    /// rules of its revision.
    ///
    /// # Errors
    /// The store.
    pub async fn trace_decisions(&self, decisions: Vec<DecisionRecord>) -> Result<Vec<TracedDecision>, StoreError> {
        let ids: Vec<String> = decisions.iter().map(|decision| decision.id.clone()).collect();
        let events = self.shared.store.events(&ids).await?;
        let mut rules: HashMap<String, KeptRules> = HashMap::new();
        for event in events.values() {
            if !rules.contains_key(&event.revision) {
                rules.insert(event.revision.clone(), self.rules_of(&event.revision).await?);
            }
        }
        let derived = tokio::task::spawn_blocking(move || {
            let traced = decisions.into_iter().map(|record| {
                let event = events.get(&record.id);
                match event.and_then(|event| Some((event, rules.get(&event.revision)?))) {
                    Some((event, rules)) => derive(record, event, rules),
                    // It is from before events were stored, so its trace is whole, or there was nothing to evaluate.
                    None => TracedDecision { record, incomplete: None },
                }
            });
            traced.collect()
        });
        derived.await.map_err(|error| StoreError::Unreadable(format!("a trace cannot be derived: {error}")))
    }

    /// The rules of a revision: the active ones, or those that were kept.
    async fn rules_of(&self, revision: &str) -> Result<KeptRules, StoreError> {
        let active = self.shared.rules();
        if active.revision() == revision {
            return Ok(Ok(active));
        }
        if let Some(known) = self.compiled.get(revision) {
            return Ok(known);
        }
        let Some(text) = self.shared.store.kept_rules(revision).await? else {
            return Ok(Err("the rules of this decision are not in the store".into()));
        };
        let rules = compile(text, active).await;
        self.compiled.put(revision, rules.clone());
        Ok(rules)
    }
}

/// Makes rules again from what the store has.
async fn compile(text: String, active: Arc<RuleSet>) -> KeptRules {
    let compiled = tokio::task::spawn_blocking(move || {
        let sources = RuleSources::from_text(&text)?;
        RuleSet::from_sources(&sources, &active)
    });
    let wrong = |why: String| {
        format!("the rules of this decision cannot be loaded by this version of Reply Router: {}", first_line(&why))
    };
    match compiled.await {
        Ok(Ok(rules)) => Ok(Arc::new(rules)),
        Ok(Err(changed @ SourcesError::ListChanged(_))) => Err(changed.to_string().into()),
        Ok(Err(error)) => Err(wrong(error.to_string()).into()),
        Err(error) => Err(wrong(error.to_string()).into()),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The decision with what each rule said. What is stored of a rule stays as it is.
fn derive(mut record: DecisionRecord, event: &StoredEvent, rules: &KeptRules) -> TracedDecision {
    let incomplete = match rules {
        Ok(rules) => match decide_again(rules, event) {
            Ok(decision) if decision.matched().eq(record.matched.iter().map(String::as_str)) => {
                record.trace.rules = merge(decision.rules, std::mem::take(&mut record.trace.rules));
                None
            }
            _ => Some("this version of Reply Router reads the event differently".to_owned()),
        },
        Err(why) => Some(why.to_string()),
    };
    TracedDecision { record, incomplete }
}

fn merge(derived: Vec<RuleTrace>, mut stored: Vec<RuleTrace>) -> Vec<RuleTrace> {
    let whole = derived.into_iter().map(|rule| match stored.iter().position(|known| known.name == rule.name) {
        Some(place) => stored.remove(place),
        None => rule,
    });
    whole.collect()
}

/// The decision about a stored event, with the trace of every rule.
///
/// # Errors
/// The rules need more than was read for the event: they are not those that decided, or read it differently.
pub(super) fn decide_again(rules: &RuleSet, event: &StoredEvent) -> Result<Decision, Need> {
    let reading = event.reading.clone();
    let messages = event.messages.clone().map(|messages| ThreadMessages::with_reading(messages, reading));
    let overrides = event.overrides.iter().map(|(rule, mode)| (rule.clone(), *mode)).collect();
    let input = EventInput {
        workspace: &event.workspace,
        ceiling: event.ceiling,
        row: &event.row,
        row_reading: None,
        detail: event.detail.as_ref(),
        messages: messages.as_ref(),
        history: event.history.as_deref(),
        overrides: &overrides,
        lead_opted_out: event.lead_opted_out,
        hold_uncertain: event.hold_uncertain,
        thorough: true,
    };
    trace_again(rules, &input, event.at)
}

//! What is kept of a decision is enough to tell what every rule said.

use super::{
    Case, NOW,
    candidates::{event, rule, set},
};
use crate::traces::{record, without_rules, write};
use proptest::prelude::*;
use reply_router::{
    model::{Conversation, Message},
    store::{DecisionStore as _, EventStore as _, SqlStore, StoredEvent},
};
use std::sync::Arc;

/// The thread goes on: what was there, and one more message.
fn with_more(mut case: Case, text: String) -> Case {
    if let Some(messages) = case.messages.take() {
        let mut messages = messages.messages().to_vec();
        messages.push(Message { id: "m3".to_owned(), text: Some(text), ..Message::default() });
        case.messages = Some(Conversation::new(messages));
    }
    case
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    /// Whatever the rules and the mail: the trace that is derived from the store is the one that was thorough at the time.
    #[test]
    fn a_derived_trace_is_the_thorough_one(
        rules in prop::collection::vec(rule(), 1..30),
        events in prop::collection::vec((event(), prop::option::of("[a-z ]{0,40}(call|demo|monday)?")), 8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let set = set(&rules);
        let outcome: Result<(), TestCaseError> = runtime.block_on(async {
            let store = Arc::new(SqlStore::in_memory_copy(None).await.unwrap());
            store.keep_rules(set.revision(), &set.sources().to_text().unwrap()).await.unwrap();
            let engine = without_rules(Arc::clone(&store));
            let mut thorough = Vec::new();
            for (number, (case, more)) in events.into_iter().enumerate() {
                let mut case = match more {
                    Some(text) => with_more(case, text),
                    None => case,
                };
                case.thorough = true;
                let Ok(whole) = case.evaluate(&set) else { continue };
                case.thorough = false;
                let decided = case.evaluate(&set).unwrap();
                let id = format!("d{number}");
                let record = record(&id, decided.matched().map(str::to_owned).collect(), decided.rules.clone());
                let event = StoredEvent {
                    revision: set.revision().to_owned(),
                    at: NOW.parse().unwrap(),
                    workspace: "acme".to_owned(),
                    ceiling: case.ceiling,
                    row: case.row.clone(),
                    detail: case.detail.clone(),
                    messages: case.messages.clone(),
                    history: case.history.clone(),
                    overrides: case.overrides.clone().into_iter().collect(),
                    lead_opted_out: case.opted_out,
                    hold_uncertain: true,
                    reading: None,
                    read_later: None,
                };
                write(&store, &record, Some(&event)).await.unwrap();
                prop_assert_eq!(&store.events(std::slice::from_ref(&id)).await.unwrap()[&id], &event);
                thorough.push((id, whole.rules));
            }
            let mut records = Vec::new();
            for (id, _) in &thorough {
                records.push(store.decision(id).await.unwrap().unwrap());
            }
            let traced = engine.operator().trace_decisions(records).await.unwrap();
            for (found, (id, whole)) in traced.into_iter().zip(thorough) {
                prop_assert_eq!(&found.record.id, &id);
                prop_assert_eq!(found.incomplete, None);
                prop_assert_eq!(found.record.trace.rules, whole);
            }
            Ok(())
        });
        outcome?;
    }
}

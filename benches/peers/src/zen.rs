//! zen-engine: a decision table of business rules, all rows that match.

use crate::workload::Rule;
use serde_json::{Value, json};
use zen_engine::{Decision, model::DecisionContent};

pub struct Zen {
    decision: Decision,
    runtime: tokio::runtime::Runtime,
}

impl Zen {
    pub fn regex(rules: &[Rule]) -> Self {
        // It has no flag for the case; the text is in lower case. Its texts have no escapes.
        Self::from_cells(rules.iter().map(|rule| format!("matches($, '{}')", rule.regex)))
    }

    pub fn contains(rules: &[Rule]) -> Self {
        Self::from_cells(rules.iter().map(|rule| format!("contains($, '{}')", rule.contains)))
    }

    fn from_cells(cells: impl Iterator<Item = String>) -> Self {
        let rules: Vec<Value> = cells
            .enumerate()
            .map(|(index, cell)| json!({ "_id": format!("{index}"), "i": cell, "o": format!("{index}") }))
            .collect();
        let table = json!({
            "hitPolicy": "collect", "rules": rules,
            "inputs": [{ "id": "i", "name": "Body", "field": "body" }],
            "outputs": [{ "id": "o", "name": "Rule", "field": "rule" }],
        });
        let content: DecisionContent = serde_json::from_value(json!({
            "nodes": [
                { "id": "in", "name": "in", "type": "inputNode" },
                { "id": "table", "name": "table", "type": "decisionTableNode", "content": table },
                { "id": "out", "name": "out", "type": "outputNode" },
            ],
            "edges": [
                { "id": "1", "sourceId": "in", "targetId": "table", "type": "edge" },
                { "id": "2", "sourceId": "table", "targetId": "out", "type": "edge" },
            ],
        }))
        .expect("a decision");
        let mut decision = Decision::from(content);
        decision.compile();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Self { decision, runtime }
    }

    pub fn matches(&self, body: &str) -> usize {
        let input = json!({ "body": body.to_lowercase() });
        let response = self.runtime.block_on(self.decision.evaluate(input.into())).expect("a decision");
        let result: Value = serde_json::to_value(&response.result).unwrap_or_default();
        result.as_array().map_or(0, Vec::len)
    }
}

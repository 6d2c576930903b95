//! The rules of this crate.

use crate::workload::{Mail, Rule, WORDS};
use jiff::Timestamp;
use reply_router::{
    model::Mode,
    rules::{EventInput, LoadContext, RuleSet, evaluate},
};
use std::{collections::HashMap, fmt::Write};

pub struct Ours(RuleSet);

impl Ours {
    pub fn regex(rules: &[Rule]) -> Self {
        Self::from_conditions(rules.iter().map(|rule| format!("when: {{ body: '{}' }}", rule.regex)))
    }

    pub fn contains(rules: &[Rule]) -> Self {
        Self::from_conditions(rules.iter().map(|rule| format!("when: {{ body: {{ contains: '{}' }} }}", rule.contains)))
    }

    pub fn scripts(count: usize) -> Self {
        Self::from_conditions((0..count).map(|index| format!("script: {}", script("thread", index))))
    }

    fn from_conditions(conditions: impl Iterator<Item = String>) -> Self {
        let mut text = "version: 1\nrules:\n".to_owned();
        for (index, condition) in conditions.enumerate() {
            let _ = writeln!(text, "  - name: rule-{index}\n    {condition}\n    then: [star]");
        }
        let set = RuleSet::parse(&[("peers.yaml", &text)], &LoadContext::default());
        Self(set.unwrap_or_else(|found| panic!("{}", found.render(false))))
    }

    /// The whole decision; how many rules matched.
    pub fn decide(&self, mail: &Mail, thorough: bool) -> usize {
        let now: Timestamp = "2026-01-07T17:00:00Z".parse().expect("a time");
        let input = EventInput {
            workspace: "peers",
            ceiling: Mode::Live,
            row: &mail.thread.row,
            row_reading: None,
            detail: Some(&mail.thread),
            messages: Some(&mail.messages),
            history: Some(&[]),
            overrides: &HashMap::new(),
            lead_opted_out: Some(false),
            hold_uncertain: true,
            thorough,
        };
        evaluate(&self.0, &input, now).map_or(0, |decision| decision.matched().count())
    }
}

/// A script of three conditions. `thread` is how it calls the thread: rhai alone reserves that word.
pub fn script(thread: &str, index: usize) -> String {
    let word = WORDS[index % 40];
    format!(
        "{thread}.reply_count < 6 && !lead.email.ends_with(\"@rival{index}.example\") && \
         message.body.contains(\"{word} number {index}.\")"
    )
}

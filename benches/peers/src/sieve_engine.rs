//! sieve-rs: mail filters as mail servers run them (RFC 5228 with the `body` and `regex` extensions).

use crate::workload::Rule;
use sieve::{Compiler, Event, Input, Runtime, Sieve};
use std::{fmt::Write, sync::Arc};

pub struct SieveEngine {
    runtime: Runtime,
    script: Arc<Sieve>,
}

impl SieveEngine {
    pub fn regex(rules: &[Rule]) -> Self {
        Self::compile(rules.iter().map(|rule| format!(":regex \"{}\"", rule.regex.replace('\\', "\\\\"))))
    }

    pub fn contains(rules: &[Rule]) -> Self {
        Self::compile(rules.iter().map(|rule| format!(":contains \"{}\"", rule.contains)))
    }

    fn compile(tests: impl Iterator<Item = String>) -> Self {
        let mut text = "require [\"fileinto\", \"body\", \"regex\"];\n".to_owned();
        for (index, test) in tests.enumerate() {
            let _ = writeln!(text, "if body :text {test} {{ fileinto \"rule-{index}\"; }}");
        }
        let compiler = Compiler::new().with_max_script_size(usize::MAX).with_max_string_size(usize::MAX);
        let script = compiler.compile(text.as_bytes()).expect("a script");
        Self { runtime: Runtime::new().with_cpu_limit(usize::MAX), script: Arc::new(script) }
    }

    /// The mail as the server would hand it over.
    pub fn mail(body: &str) -> String {
        format!("From: jane@acme.example\r\nTo: sam@us.example\r\nSubject: Re: Quick question\r\n\r\n{body}")
    }

    pub fn matches(&self, mail: &str) -> usize {
        let mut instance = self.runtime.filter(mail.as_bytes());
        let mut input = Input::script("peers", Arc::clone(&self.script));
        let mut matched = 0;
        while let Some(result) = instance.run(input) {
            let event = result.expect("the script runs");
            matched += usize::from(matches!(event, Event::FileInto { .. }));
            input = true.into();
        }
        matched
    }
}

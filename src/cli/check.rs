//! `check`: the mistakes in configuration, rules, scripts and templates.

use super::{Outcome, args::CheckFormat, env};
use crate::{
    app::{self, AppError, Overrides},
    rules::{Context, RequestPlan, RuleSet, diagnostic::Diagnostics},
};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct CheckReport<'a> {
    diagnostics: &'a Diagnostics,
    requests_per_100_threads: Option<RequestPlan>,
}

pub(super) fn check(overrides: &Overrides, paths: &[PathBuf], format: CheckFormat) -> anyhow::Result<Outcome> {
    let mut found = Diagnostics::new();
    let mut plan = None;
    let (context, configured) = match app::load(overrides, &env) {
        Ok(settings) => {
            found.extend(settings.warnings.iter().cloned());
            (app::rules_context(&settings), Some(settings.rules.clone()))
        }
        Err(AppError::Mistakes(mistakes)) => {
            found.extend(mistakes.iter().cloned());
            (Context { without_configuration: true, ..Context::default() }, overrides.rules.clone())
        }
        Err(AppError::NoConfiguration(_)) if !paths.is_empty() || overrides.rules.is_some() => {
            (Context { without_configuration: true, ..Context::default() }, overrides.rules.clone())
        }
        Err(other) => return Err(other.into()),
    };
    let paths = if paths.is_empty() { configured.into_iter().collect() } else { paths.to_vec() };
    for path in &paths {
        match RuleSet::load(path, &context) {
            Ok(rules) => {
                found.extend(rules.warnings().iter().cloned());
                let own = rules.request_plan();
                plan = Some(plan.map_or(own, |all: RequestPlan| RequestPlan {
                    at_least: all.at_least.max(own.at_least),
                    at_most: all.at_most.max(own.at_most),
                }));
            }
            Err(mistakes) => found.extend(mistakes.iter().cloned()),
        }
    }
    match format {
        CheckFormat::Text => {
            if !found.is_empty() {
                anstream::println!("{}\n", found.render(true));
            }
            anstream::println!("{}", summary(&found, &paths));
            if let Some(plan) = plan {
                anstream::println!(
                    "100 new threads cost between {} and {} API requests beside the replies themselves",
                    plan.at_least,
                    plan.at_most
                );
            }
        }
        CheckFormat::Json => {
            let report = CheckReport { diagnostics: &found, requests_per_100_threads: plan };
            anstream::println!("{}", serde_json::to_string_pretty(&report)?);
        }
        CheckFormat::Github if found.is_empty() => {}
        CheckFormat::Github => anstream::println!("{}", found.github()),
    }
    Ok(if found.has_errors() { Outcome::Problem } else { Outcome::Fine })
}

fn summary(found: &Diagnostics, paths: &[PathBuf]) -> String {
    let errors = found.error_count();
    let warnings = found.len() - errors;
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => format!("no mistakes in {}", shown(paths)),
        (0, _) => format!("no mistakes in {}; {}", shown(paths), count(warnings, "warning")),
        (_, 0) => count(errors, "mistake"),
        _ => format!("{}, {}", count(errors, "mistake"), count(warnings, "warning")),
    }
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

//! `check`: errors and warnings in configuration, rules, scripts and templates.

use super::{CommandStatus, args::CheckFormat, env};
use crate::diagnostics::Diagnostics;
use crate::{
    app::{self, AppError, CliOptions, RequestCosts},
    model::counted,
    rules::{Frequency, LoadContext, RequestCost, RuleSet},
    settings::Settings,
};
use serde::Serialize;
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// Maximum number of rules listed in the text.
const TOLD_RULES: usize = 20;

#[derive(Serialize)]
struct CheckReport<'a> {
    diagnostics: &'a Diagnostics,
    requests_per_100_threads: Option<RequestCost>,
    /// What each rule asks for, and what the workspaces' budgets bear.
    requests: Option<&'a RequestCosts>,
}

pub(super) fn check(overrides: &CliOptions, paths: &[PathBuf], format: CheckFormat) -> anyhow::Result<CommandStatus> {
    let mut found = Diagnostics::new();
    let without = || LoadContext { without_configuration: true, ..LoadContext::default() };
    let settings = match app::load(overrides, &env) {
        Ok(settings) => {
            found.extend(settings.warnings.iter().cloned());
            Some(settings)
        }
        Err(AppError::Invalid(mistakes)) => {
            found.extend(mistakes.iter().cloned());
            None
        }
        Err(AppError::NoConfiguration(_)) if !paths.is_empty() || overrides.rules.is_some() => None,
        Err(other) => return Err(other.into()),
    };
    // What the configuration names is one set; what the command line names is one each.
    let sets: Vec<(Option<Settings>, Vec<PathBuf>)> = match (paths, settings, &overrides.rules) {
        ([], Some(settings), _) => {
            let paths = settings.rule_paths().into_iter().map(Path::to_owned).collect();
            vec![(Some(settings), paths)]
        }
        ([], None, rules) => rules.iter().map(|path| (None, vec![path.clone()])).collect(),
        (paths, settings, _) => {
            let own = |path: &PathBuf| settings.clone().map(|settings| settings.with_rules(path));
            paths.iter().map(|path| (own(path), vec![path.clone()])).collect()
        }
    };
    let mut costs: Option<RequestCosts> = None;
    for (settings, paths) in &sets {
        let loaded = match (settings, paths.as_slice()) {
            (Some(settings), _) => RuleSet::load_workspaces(&app::rules_context(settings)),
            (None, [path, ..]) => RuleSet::load(path, &without()),
            (None, []) => continue,
        };
        match loaded {
            Ok(rules) => {
                found.extend(rules.warnings().iter().cloned());
                if let Some(settings) = settings {
                    found.extend(app::lint_config(&rules, settings));
                }
                let own = app::request_costs(&rules, settings.as_ref());
                // Shows the most expensive of several sets.
                let dearer = |known: &RequestCosts| own.per_100_threads.at_most > known.per_100_threads.at_most;
                if costs.as_ref().is_none_or(dearer) {
                    costs = Some(own);
                }
            }
            Err(mistakes) => found.extend(mistakes.iter().cloned()),
        }
    }
    let paths: Vec<PathBuf> = sets.into_iter().flat_map(|(_, paths)| paths).collect();
    match format {
        CheckFormat::Text => {
            if !found.is_empty() {
                super::terminal::out!("{}\n", found.render(true));
            }
            super::terminal::out!("{}", summary(&found, &paths));
            if let Some(costs) = &costs {
                super::terminal::out!("\n{}", told(costs));
            }
        }
        CheckFormat::Json => {
            let plan = costs.as_ref().map(|costs| costs.per_100_threads);
            let report = CheckReport { diagnostics: &found, requests_per_100_threads: plan, requests: costs.as_ref() };
            super::terminal::out!("{}", super::terminal::json(&report)?);
        }
        CheckFormat::Github if found.is_empty() => {}
        CheckFormat::Github => super::terminal::out!("{}", found.github()),
    }
    Ok(if found.has_errors() { CommandStatus::Problem } else { CommandStatus::Success })
}

/// What the rules cost, for people.
fn told(costs: &RequestCosts) -> String {
    let plan = costs.per_100_threads;
    let mut out = match plan.at_least == plan.at_most {
        true => format!("API requests: {} to decide 100 new threads", plan.at_least),
        false => format!("API requests: {} to {} to decide 100 new threads", plan.at_least, plan.at_most),
    };
    let _ = write!(out, ", at most {} to act on one", costs.acting_at_most);
    let reads = |what: &str, asks: Frequency| match asks {
        Frequency::Never => None,
        Frequency::Sometimes => Some(format!("{what} if its cheaper conditions hold")),
        Frequency::Always => Some(format!("{what} for every thread")),
    };
    for rule in costs.rules.iter().take(TOLD_RULES) {
        let asked = [reads("the thread", rule.thread), reads("the messages", rule.messages)];
        let asked: Vec<String> = asked.into_iter().flatten().collect();
        let asked = if asked.is_empty() { "nothing".to_owned() } else { asked.join(", ") };
        let _ = write!(out, "\n  {}: reads {asked}; acting costs at most {}", rule.name, rule.acting);
    }
    if let Some(more @ 1..) = costs.rules.len().checked_sub(TOLD_RULES) {
        let _ = write!(out, "\n  … and {}; `--format json` lists all", counted(more, "more rule", "more rules"));
    }
    for workspace in &costs.workspaces {
        let _ = write!(
            out,
            "\n{}: polling uses {} of {} an hour; the other {} are enough for at least {}",
            workspace.workspace,
            workspace.polling,
            counted(workspace.per_hour, "request", "requests"),
            workspace.left,
            counted(workspace.threads_at_least, "new thread", "new threads")
        );
    }
    out
}

fn summary(found: &Diagnostics, paths: &[PathBuf]) -> String {
    let errors = found.error_count();
    let warnings = found.len() - errors;
    let count = |number: usize, what: &str| counted(number, what, &format!("{what}s"));
    match (errors, warnings) {
        (0, 0) => format!("no errors in {}", app::shown(paths)),
        (0, _) => format!("no errors in {}; {}", app::shown(paths), count(warnings, "warning")),
        (_, 0) => count(errors, "error"),
        _ => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    }
}

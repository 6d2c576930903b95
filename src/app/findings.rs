//! What is odd about rules and configuration together, and what they cost in requests.

use crate::{
    model::Mode,
    rules::{
        RequestPlan, RuleCost, RuleSet,
        diagnostic::{Diagnostic, Diagnostics, code},
    },
    settings::{Settings, WorkspaceSettings},
};
use serde::Serialize;

/// What one workspace's key is spent on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkspaceBudget {
    /// The workspace.
    pub workspace: String,
    /// How many requests it has an hour.
    pub per_hour: u32,
    /// How many of them polling takes when nothing happens.
    pub polling: u32,
    /// What is left.
    pub left: u32,
    /// How many new messages an hour can be decided and acted on with that: if each costs as much as one can.
    pub threads_at_least: u32,
}

/// What the rules cost, and whether the budget bears it.
#[derive(Debug, Clone, Serialize)]
pub struct Costs {
    /// For 100 new threads, to decide.
    pub per_100_threads: RequestPlan,
    /// By rule.
    pub rules: Vec<RuleCost>,
    /// The requests that the actions of one event take at most.
    pub acting_at_most: u32,
    /// By workspace; empty without a configuration.
    pub workspaces: Vec<WorkspaceBudget>,
}

/// What the rules cost in the workspaces of a configuration, if there is one.
pub fn costs(rules: &RuleSet, settings: Option<&Settings>) -> Costs {
    let plan = rules.request_plan();
    let acting = rules.acting_at_most();
    // The list itself is counted with polling.
    let dearest = ((plan.at_most - 1) / 100 + acting).max(1);
    let budget = |workspace: &WorkspaceSettings| {
        let polling = workspace.polls_per_hour();
        let left = workspace.per_hour.saturating_sub(polling);
        WorkspaceBudget {
            workspace: workspace.name.clone(),
            per_hour: workspace.per_hour,
            polling,
            left,
            threads_at_least: left / dearest,
        }
    };
    let workspaces = settings.map(|settings| settings.workspaces.iter().map(budget).collect()).unwrap_or_default();
    Costs { per_100_threads: plan, rules: rules.request_costs(), acting_at_most: acting, workspaces }
}

/// What is odd about a configuration with these rules: ceilings that silence rules, polling that takes the whole budget.
pub fn findings(rules: &RuleSet, settings: &Settings) -> Diagnostics {
    let mut found = Diagnostics::new();
    for workspace in &settings.workspaces {
        let Some(written) = &workspace.written else { continue };
        if workspace.mode < Mode::Live {
            found.extend(rules.silenced_by(&workspace.name, workspace.mode, &written.mode));
        }
        let polling = workspace.polls_per_hour();
        if polling >= workspace.per_hour {
            let message = format!(
                "polling `{}` takes {polling} requests an hour, and it has {}",
                workspace.name, workspace.per_hour
            );
            let warning = Diagnostic::over(code::OVER_BUDGET, &written.poll_every, message).finding(true);
            found.push(warning.hint("nothing is left to answer with; the default `poll_every: 30s` takes 120"));
        }
    }
    found
}

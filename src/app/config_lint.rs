//! What is odd about rules and configuration together, and what they cost in requests.

use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::{
    model::Mode,
    rules::{RequestCost, RuleCost, RuleSet},
    settings::{Settings, WorkspaceConfig},
};
use serde::Serialize;

/// What one workspace's key is spent on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkspaceBudget {
    /// The workspace's name in the configuration.
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
pub struct RequestCosts {
    /// For 100 new threads, to decide.
    pub per_100_threads: RequestCost,
    /// By rule.
    pub rules: Vec<RuleCost>,
    /// The requests that the actions of one event take at most.
    pub acting_at_most: u32,
    /// By workspace; empty without a configuration.
    pub workspaces: Vec<WorkspaceBudget>,
}

/// What the rules cost in the workspaces of a configuration, if there is one.
pub fn request_costs(rules: &RuleSet, settings: Option<&Settings>) -> RequestCosts {
    // Where rules differ by workspace: from the cheapest to the dearest.
    let plans: Vec<RequestCost> = match settings {
        Some(settings) => {
            let of =
                |workspace: &WorkspaceConfig| rules.of_workspace(workspace.name()).request_plan_in(workspace.name());
            settings.workspaces.iter().map(of).collect()
        }
        None => Vec::new(),
    };
    let plan = RequestCost {
        at_least: plans.iter().map(|plan| plan.at_least).min().unwrap_or_else(|| rules.request_cost().at_least),
        at_most: plans.iter().map(|plan| plan.at_most).max().unwrap_or_else(|| rules.request_cost().at_most),
    };
    let acting = rules.max_action_requests();
    let budget = |workspace: &WorkspaceConfig| {
        let own = rules.of_workspace(workspace.name());
        // The list itself is counted with polling.
        let deciding = (own.request_plan_in(workspace.name()).at_most - 1) / 100;
        let dearest = (deciding + own.acting_at_most_in(workspace.name())).max(1);
        let polling = workspace.polls_per_hour();
        let left = workspace.rate_limit.per_hour.saturating_sub(polling);
        WorkspaceBudget {
            workspace: workspace.name().to_owned(),
            per_hour: workspace.rate_limit.per_hour,
            polling,
            left,
            threads_at_least: left / dearest,
        }
    };
    let workspaces = settings.map(|settings| settings.workspaces.iter().map(budget).collect()).unwrap_or_default();
    RequestCosts { per_100_threads: plan, rules: rules.rule_costs(), acting_at_most: acting, workspaces }
}

/// What is odd about a configuration with these rules: ceilings that silence rules, polling that takes the whole budget.
pub fn lint_config(rules: &RuleSet, settings: &Settings) -> Diagnostics {
    let mut found = Diagnostics::new();
    for workspace in &settings.workspaces {
        let Some(written) = &workspace.written else { continue };
        if workspace.settings.mode < Mode::Live {
            let own = rules.of_workspace(workspace.name());
            found.extend(own.ceiling_warning(workspace.name(), workspace.settings.mode, &written.mode));
        }
        let polling = workspace.polls_per_hour();
        if polling >= workspace.rate_limit.per_hour {
            let message = format!(
                "polling `{}` uses {polling} requests an hour, but its limit is {}",
                workspace.name(),
                workspace.rate_limit.per_hour
            );
            let warning = Diagnostic::error(code::OVER_BUDGET, &written.poll_every, message).lint(true);
            found.push(warning.hint("no requests are left for replies; the default `poll_every: 30s` uses 120"));
        }
    }
    found
}

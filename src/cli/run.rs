//! `run`: the service, or one pass of it.

use super::{CommandStatus, env, load, shutdown_signal, warn_of};
use crate::{
    app::{self, CliOptions, EngineBuilder, Service, StoreMode, open_store},
    engine::{Engine, RunOnceReport, SystemClock},
    model::ActionState,
    store::{ActionFilter, DecisionFilter, Store},
};
use std::time::Duration;
use std::{collections::BTreeMap, sync::Arc};

pub(super) async fn run(overrides: &CliOptions, dry_run: bool, once: bool) -> anyhow::Result<CommandStatus> {
    let settings = if dry_run { app::load_without_file(overrides, &env)? } else { load(overrides)? };
    if dry_run {
        warn_of(&settings);
    }
    let rules = app::load_tested_rules(&settings).await?;
    let mut odd = rules.warnings().clone();
    odd.extend(app::lint_config(&rules, &settings));
    if !odd.is_empty() {
        super::terminal::err!("{}", odd.render(true));
    }
    let how = if dry_run { StoreMode::Scratch } else { StoreMode::ReadWrite };
    let store = open_store(&settings, how).await?;
    let count = rules.rules().len();
    let clock = Arc::new(SystemClock);
    let assembly =
        EngineBuilder { settings: &settings, rules, store: Arc::clone(&store) as Arc<dyn Store>, clock, dry_run };
    let engine = assembly.build()?;
    if once {
        let names = settings.workspaces.iter().map(|workspace| workspace.name().to_owned()).collect();
        let claim = app::Claim::take(Arc::clone(&store) as Arc<dyn Store>, names).await?;
        let outcome = single_pass(&engine, dry_run).await;
        claim.release().await?;
        store.close().await;
        return outcome;
    }
    let shutdown = shutdown_signal()?;
    let service = Service::bind(engine, &settings).await?;
    let address = service.address().map(|address| format!("http://{address}")).unwrap_or_default();
    tracing::info!(rules = count, workspaces = settings.workspaces.len(), pages = address, dry_run, "running");
    service.run(shutdown).await?;
    store.close().await;
    tracing::info!("stopped");
    Ok(CommandStatus::Success)
}

async fn single_pass(engine: &Arc<Engine>, dry_run: bool) -> anyhow::Result<CommandStatus> {
    let began = engine.now();
    let mut failed = false;
    engine.alerts().alert_if_paused().await?;
    for workspace in engine.workspaces() {
        engine.executor().recover(&workspace).await?;
        let report = engine.run_once(&workspace).await;
        failed |= report.error.is_some();
        print_pass(engine, &report, dry_run).await?;
    }
    let filter = ActionFilter {
        states: vec![ActionState::Failed, ActionState::Quarantined],
        limit: 10_000,
        ..ActionFilter::default()
    };
    // A clock that was set back by a little must not hide what this run did.
    let since = began.saturating_sub(Duration::from_secs(1)).unwrap_or(began);
    let bad = engine.store().actions(&filter).await?.into_iter().filter(|action| action.updated_at >= since);
    for action in bad {
        failed = true;
        let why = action.reason.as_ref().map(ToString::to_string).unwrap_or_default();
        super::terminal::err!("{} of rule {} {}: {why}", action.kind, action.rule, action.state);
    }
    Ok(if failed { CommandStatus::Problem } else { CommandStatus::Success })
}

async fn print_pass(engine: &Engine, report: &RunOnceReport, dry_run: bool) -> anyhow::Result<()> {
    let would = if dry_run { "would have " } else { "" };
    super::terminal::out!(
        "{}: {} new or changed, {} decided, {} without event, {} left",
        report.workspace,
        report.poll.changed,
        report.handled.decisions.len(),
        report.handled.no_event,
        report.handled.left
    );
    if report.poll.remembered > 0 {
        super::terminal::out!(
            "{}: first start: {} existing threads are left alone (`apply` acts on them)",
            report.workspace,
            report.poll.remembered
        );
    }
    let limit = u32::try_from(report.handled.decisions.len()).unwrap_or(u32::MAX);
    let decisions = engine.store().decisions(&DecisionFilter { limit, ..DecisionFilter::default() }).await?;
    for decision in decisions.iter().rev().filter(|found| report.handled.decisions.contains(&found.id)) {
        if decision.matched.is_empty() {
            continue;
        }
        let filter = ActionFilter { decision: Some(decision.id.clone()), limit: 1_000, ..ActionFilter::default() };
        let mut actions = engine.store().actions(&filter).await?;
        actions.reverse();
        let shown: Vec<_> = actions.iter().map(|action| format!("{would}{} {}", action.kind, action.state)).collect();
        let lead = decision.lead_email.as_deref().unwrap_or("unknown lead");
        super::terminal::out!("  {lead}: {} → {}", decision.matched.join(", "), shown.join(", "));
    }
    if let Some(error) = &report.error {
        super::terminal::err!("{}: {error}", report.workspace);
    }
    let queue: BTreeMap<_, _> = engine.store().queue_counts(Some(&report.workspace)).await?.into_iter().collect();
    let left: Vec<_> = queue
        .iter()
        .filter(|(state, _)| !state.is_settled() || **state == ActionState::Quarantined)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    if !left.is_empty() {
        super::terminal::out!("{}: queue: {}", report.workspace, left.join(", "));
    }
    Ok(())
}

//! `apply`: what the rules say about existing mail, done, through the store like `run`.

use super::{CommandStatus, chosen, load, preview};
use crate::{
    app::{self, CliOptions, EngineBuilder, Selection, StoreMode, open_store},
    engine::SystemClock,
    model::{ActionState, PlannedOutcome, counted},
    store::{ActionFilter, ActionStore as _, Store},
};
use std::time::Duration;
use std::{
    io::{BufRead, IsTerminal, Write},
    sync::Arc,
};

pub(super) struct ApplyArgs {
    pub since: Duration,
    pub thread: Option<String>,
    pub workspace: Option<String>,
    pub yes: bool,
}

/// More threads than this are not acted on in one go.
const MAX_ITEMS: usize = 10_000;

pub(super) async fn apply(overrides: &CliOptions, wanted: ApplyArgs) -> anyhow::Result<CommandStatus> {
    let settings = load(overrides)?;
    let workspace = chosen(&settings, wanted.workspace.as_deref())?;
    let store = open_store(&settings, StoreMode::ReadWrite).await?;
    let rules = app::load_rules(&settings)?;
    let assembly = EngineBuilder {
        settings: &settings,
        rules,
        store: Arc::clone(&store) as Arc<dyn Store>,
        clock: Arc::new(SystemClock),
        dry_run: false,
    };
    let engine = assembly.build()?;
    let Some(runtime) = engine.workspace(workspace.name()) else { return Ok(CommandStatus::Problem) };
    let selection = Selection { since: wanted.since, limit: MAX_ITEMS, thread: wanted.thread };
    let rules = engine.rules();
    let caps = (workspace.settings.mode, workspace.settings.safety.hold_uncertain);
    let survey = app::preview(runtime.client(), &rules, workspace.name(), caps, &selection, engine.now()).await?;
    let acting: Vec<_> = survey
        .threads
        .iter()
        .filter(|found| {
            found.evaluation.decision.actions.iter().any(|action| action.would != PlannedOutcome::Suppressed)
        })
        .map(|found| (workspace.name().to_owned(), found))
        .collect();
    if acting.is_empty() {
        super::terminal::out!("no rule would act on these {}", counted(survey.threads.len(), "thread", "threads"));
        return Ok(CommandStatus::Success);
    }
    super::terminal::out!("{}", preview::table(&acting));
    super::terminal::out!("Earlier actions are not repeated; opt-outs, limits and caps apply.");
    if !wanted.yes && !confirmed(acting.len())? {
        super::terminal::out!("nothing done");
        return Ok(CommandStatus::Success);
    }
    let claim = app::Claim::take(Arc::clone(&store) as Arc<dyn Store>, vec![workspace.name().to_owned()]).await?;
    engine.executor().recover(&runtime).await?;
    let began = engine.now();
    let rows: Vec<_> = acting.iter().map(|(_, found)| found.row.clone()).collect();
    let report = engine.operator().apply(&runtime, &rows).await?;
    if let Err(error) = engine.executor().finish_due(&runtime).await {
        anyhow::bail!(error);
    }
    claim.release().await?;
    let mut failed = false;
    let done = store.actions(&ActionFilter { limit: 10_000, ..ActionFilter::default() }).await?;
    let done: Vec<_> = done.into_iter().filter(|action| action.created_at >= began).collect();
    for action in done.iter().rev() {
        let reason = action.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let lead = action.lead_email.as_deref().unwrap_or("unknown lead");
        super::terminal::out!("{lead}: {} {}{reason}", action.kind, action.state);
        failed |= matches!(action.state, ActionState::Failed | ActionState::Quarantined);
    }
    for (id, error) in survey.unreadable.iter().chain(&report.unreadable) {
        super::terminal::err!("cannot read thread {id}: {error}");
        failed = true;
    }
    if report.erased > 0 {
        let threads = counted(report.erased, "thread", "threads");
        super::terminal::out!("{threads} left out: the person was erased");
    }
    super::terminal::out!(
        "{}, {}",
        counted(report.decided, "thread", "threads"),
        counted(done.len(), "action", "actions")
    );
    store.close().await;
    Ok(if failed { CommandStatus::Problem } else { CommandStatus::Success })
}

fn confirmed(threads: usize) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("`apply` asks before it acts, but this is not a terminal: pass --yes");
    }
    super::terminal::part!("Apply to {}? [y/N] ", counted(threads, "thread", "threads"));
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

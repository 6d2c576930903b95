//! `explain`: why each rule matches a thread or does not, and its timeline.

use super::{
    CommandStatus,
    args::{ExplainArgs, TextFormat},
    chosen, env, explain_file,
    explain_lead::{self, LeadThread},
    explain_text, export_test, warn_of,
};
use crate::{
    app::{self, AppError, CliOptions, EngineBuilder, StoreMode, open_store},
    coldsend::Priority,
    engine::{Engine, Explanation, SystemClock, fetch_messages},
    rules::RuleSet,
    settings::Settings,
};
use std::{sync::Arc, time::Duration};

/// How long a request waits for its place in the budget, which the running service may be using.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn explain(overrides: &CliOptions, args: &ExplainArgs) -> anyhow::Result<CommandStatus> {
    if let Some(file) = &args.file {
        if args.as_test {
            super::terminal::part!("{}", explain_file::as_test(overrides, args, file)?);
            return Ok(CommandStatus::Success);
        }
        let found = explain_file::explain(overrides, args, file)?;
        return print(args.format, &found);
    }
    let settings = app::load_without_file(overrides, &env)?;
    warn_of(&settings);
    if let Some(id) = &args.decision {
        let engine = reading_engine(&settings, RuleSet::default()).await?;
        let Some(found) = engine.operator().explain_decision(id).await? else {
            anyhow::bail!(
                "no decision `{id}` in the store; the Activity page and `GET /api/v1/decisions` list decisions"
            );
        };
        return print(args.format, &[found]);
    }
    let thread = args.thread.as_deref().unwrap_or_default();
    let rules = app::load_rules(&settings)?;
    let (name, thread) = if thread.contains('@') {
        let found = newest_of(&settings, args, thread).await?;
        (found.workspace, found.id)
    } else {
        (chosen(&settings, args.workspace.as_deref())?.name().to_owned(), thread.to_owned())
    };
    let thread = thread.as_str();
    if args.as_test {
        let chosen = chosen(&settings, Some(&name))?;
        let client = app::client(chosen)?;
        let caps = (name.as_str(), chosen.settings.safety.hold_uncertain);
        let mut detail = client.thread(thread, Priority::Read).await?;
        thread.clone_into(&mut detail.row.id);
        let messages = fetch_messages(&client, thread, Priority::Read).await?;
        super::terminal::part!(
            "{}",
            export_test::to_yaml(&detail, messages.conversation(), &rules, caps, jiff::Timestamp::now())?
        );
        return Ok(CommandStatus::Success);
    }
    let engine = reading_engine(&settings, rules).await?;
    let Some(workspace) = engine.workspace(&name) else {
        return Err(AppError::Workspace(format!("unknown workspace `{name}`")).into());
    };
    let mut found = engine.operator().explain(&workspace, thread, PATIENCE).await?;
    if settings.store.file().is_some_and(|store| !store.exists()) {
        found.without_store();
    }
    print(args.format, &[found])
}

/// The newest thread of a lead; the others are named.
async fn newest_of(settings: &Settings, args: &ExplainArgs, address: &str) -> anyhow::Result<LeadThread> {
    let workspaces = match args.workspace.as_deref() {
        Some(name) => vec![chosen(settings, Some(name))?],
        None => settings.workspaces.iter().collect(),
    };
    let clients = workspaces.into_iter().map(|found| Ok((found.name().to_owned(), app::client(found)?)));
    let clients = clients.collect::<Result<Vec<_>, AppError>>()?;
    let engine = reading_engine(settings, RuleSet::default()).await?;
    let mut threads = explain_lead::find(&engine, &clients, address).await?;
    explain_lead::print_others(&threads, address);
    Ok(threads.swap_remove(0))
}

/// An engine on a read-only store.
async fn reading_engine(settings: &Settings, rules: RuleSet) -> anyhow::Result<Arc<Engine>> {
    let store = open_store(settings, StoreMode::ReadOnly).await?;
    let clock = Arc::new(SystemClock);
    Ok(EngineBuilder { settings, rules, store, clock, dry_run: true }.build()?)
}

fn print(format: TextFormat, found: &[Explanation]) -> anyhow::Result<CommandStatus> {
    match (format, found) {
        (TextFormat::Json, [one]) => super::terminal::out!("{}", super::terminal::json(one)?),
        (TextFormat::Json, all) => super::terminal::out!("{}", super::terminal::json(all)?),
        (TextFormat::Text, all) => {
            let all: Vec<String> = all.iter().map(explain_text::render).collect();
            super::terminal::part!("{}", all.join("\n"));
        }
    }
    Ok(CommandStatus::Success)
}

//! `store`: what is done with the records as a whole.

use super::{CommandStatus, args::StoreCommand, env};
use crate::{
    app::{self, CliOptions, StoreMode},
    model::counted,
    settings::StoreSettings,
    store::{Copied, SqlStore, leases::LEASE},
};
use std::path::Path;

pub(super) async fn store(overrides: &CliOptions, command: StoreCommand) -> anyhow::Result<CommandStatus> {
    match command {
        StoreCommand::Compact => compact(overrides).await,
        StoreCommand::Copy { from, to } => copy(&from, &to).await,
    }
}

async fn compact(overrides: &CliOptions) -> anyhow::Result<CommandStatus> {
    let settings = super::load(overrides)?;
    let Some(path) = settings.store.file() else {
        super::terminal::out!(
            "nothing to do: PostgreSQL makes the space of removed records free by itself (autovacuum). To do it now, run \
             VACUUM in its database"
        );
        return Ok(CommandStatus::Success);
    };
    if !path.exists() {
        anyhow::bail!("there is no store to compact: {} does not exist", path.display());
    }
    // Nobody else may have it meanwhile.
    let store = app::open_store(&settings, StoreMode::ReadWrite).await?;
    let compacted = store.compact().await;
    store.close().await;
    let (before, after) = compacted?;
    super::terminal::out!("{} had {} and has {} now", path.display(), size(before), size(after));
    Ok(CommandStatus::Success)
}

/// With one decimal from a mebibyte on.
#[allow(clippy::cast_precision_loss)] // It is rounded anyway.
fn size(bytes: u64) -> String {
    const MEBI: u64 = 1024 * 1024;
    match bytes {
        0..MEBI => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{:.1} MiB", bytes as f64 / MEBI as f64),
    }
}

async fn copy(from: &str, to: &str) -> anyhow::Result<CommandStatus> {
    let (from, to) = (settings_of(from)?, settings_of(to)?);
    if let Some(path) = from.file().filter(|path| !path.exists()) {
        anyhow::bail!("there is no store to copy: {} does not exist", path.display());
    }
    // As a service opens it: nobody else may write while it is copied, and an older version is brought up to date.
    let how = if from.file().is_some() { StoreMode::ReadWrite } else { StoreMode::ReadOnly };
    let source = app::open_store_of(&from, how).await?;
    let target = app::open_store_of(&to, StoreMode::ReadWrite).await?;
    let copied = copy_unused(&source, &target).await;
    source.close().await;
    target.close().await;
    let copied = copied?;
    super::terminal::out!(
        "copied {}, {}, {} and {} ({}), and compared each row",
        counted(copied.threads, "thread", "threads"),
        counted(copied.decisions, "decision", "decisions"),
        counted(copied.actions, "action", "actions"),
        counted(copied.opt_outs, "opt-out", "opt-outs"),
        counted(copied.rows, "row", "rows")
    );
    Ok(CommandStatus::Success)
}

/// Copies what nobody uses: a server lets any number of processes have a store, and what they write meanwhile would be missing
/// in the copy.
async fn copy_unused(source: &SqlStore, target: &SqlStore) -> anyhow::Result<Copied> {
    for (store, which) in [(source, "the store to copy"), (target, "the store to copy into")] {
        refuse_used(store, which).await?;
    }
    let copied = target.copy_from(source).await?;
    // The copy stays: it has all that was there when it began, and is no store to go on with.
    refuse_used(source, "meanwhile the store that was copied").await.map_err(|error| {
        error.context("the copy may lack what was written while it was made: make it anew, into an empty store")
    })?;
    Ok(copied)
}

async fn refuse_used(store: &SqlStore, which: &str) -> anyhow::Result<()> {
    let running = store.running_replicas().await?;
    if running.is_empty() {
        return Ok(());
    }
    let (processes, them) = (counted(running.len() as u64, "process", "processes"), running.join(", "));
    anyhow::bail!(
        "{which} is in use by {processes} of `reply-router run` ({them}): stop them first. One that was killed counts as \
         gone after {} seconds",
        LEASE.as_secs()
    )
}

/// A store as the configuration writes it, with `${NAME}` from the environment: a password has no place on a command line.
fn settings_of(text: &str) -> anyhow::Result<StoreSettings> {
    let mut address = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else { anyhow::bail!("`${{` without `}}` in {text}") };
        let value = env(name).filter(|value| !value.is_empty());
        address += before;
        address += &value.ok_or_else(|| anyhow::anyhow!("the environment variable {name} is not set"))?;
        rest = after;
    }
    address += rest;
    match address.split_once(':') {
        Some(("sqlite", path)) if !path.trim_start_matches('/').trim().is_empty() => {
            let path = path.strip_prefix("//").unwrap_or(path);
            Ok(StoreSettings::Sqlite(Path::new(path).to_owned()))
        }
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
            Ok(StoreSettings::Postgres(address.into()))
        }
        _ => anyhow::bail!("a store is written like sqlite:reply-router.db or postgres://user@host/database"),
    }
}

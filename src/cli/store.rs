//! `store`: what is done with the records as a whole.

use super::{CommandStatus, args::StoreCommand, env};
use crate::{
    app::{self, StoreMode},
    settings::StoreSettings,
};
use std::path::Path;

pub(super) async fn store(command: StoreCommand) -> anyhow::Result<CommandStatus> {
    let StoreCommand::Copy { from, to } = command;
    let (from, to) = (settings_of(&from)?, settings_of(&to)?);
    if let Some(path) = from.file().filter(|path| !path.exists()) {
        anyhow::bail!("there is no store to copy: {} does not exist", path.display());
    }
    // As a service opens it: nobody else may write while it is copied, and an older version is brought up to date.
    let how = if from.file().is_some() { StoreMode::ReadWrite } else { StoreMode::ReadOnly };
    let source = app::open_store_of(&from, how).await?;
    let target = app::open_store_of(&to, StoreMode::ReadWrite).await?;
    let copied = target.copy_from(&source).await;
    source.close().await;
    target.close().await;
    let copied = copied?;
    super::terminal::out!(
        "copied {} threads, {} decisions, {} actions and {} opt-outs ({} rows), and compared each row",
        copied.threads,
        copied.decisions,
        copied.actions,
        copied.opt_outs,
        copied.rows
    );
    Ok(CommandStatus::Success)
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

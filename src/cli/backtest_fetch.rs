//! `backtest --fetch`: reads what events lack.

use super::{args::BacktestArgs, backtest_rules::Compared, backtest_source, terminal};
use crate::{
    app::{self, AppError, StoreMode, open_store},
    backtest::{Comparison, FetchNote, Fetched, LackingEvents},
    model::{counted, format_duration},
    settings::Settings,
    store::{ReadLater, SqlStore, StoreError},
};
use anyhow::Context as _;
use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// How often it is told how far the reading is.
const BETWEEN_NOTES: Duration = Duration::from_secs(2);

/// Reads what events lack from ColdSend. What was read is kept in the store, which stays open, unless a service has it.
pub(super) async fn fetch(compared: &mut Compared, args: &BacktestArgs) -> anyhow::Result<HashMap<String, ReadLater>> {
    let Some(settings) = compared.settings.clone() else {
        anyhow::bail!("--fetch needs the configuration, which names the workspaces and their keys: add --config FILE");
    };
    if args.from.as_deref() == Some(Path::new("-")) {
        anyhow::bail!("--fetch looks at the events twice: name a file instead of standard input");
    }
    // It was open to be read only.
    if let Some(store) = compared.store.take() {
        store.close().await;
    }
    compared.store = open_to_keep(&settings).await?;
    let mut source = backtest_source::open(compared, args).await?;
    let comparison = Comparison {
        before: Arc::clone(&compared.before),
        after: Arc::clone(&compared.after),
        since: source.filter.since,
        workspaces: source.filter.workspaces,
    };
    let lacking = LackingEvents::find(source.events.as_mut(), &comparison).await?;
    if compared.store.is_none()
        && let Some(store) = source.store
    {
        store.close().await;
    }
    if lacking.events() == 0 {
        terminal::err!("No event lacks anything that the rules need.");
        return Ok(HashMap::new());
    }
    terminal::err!(
        "{} less than the rules need: reading that takes at least {}.",
        counted(lacking.events(), "event has", "events have"),
        counted(lacking.requests(), "request", "requests")
    );
    let mut clients = HashMap::new();
    for name in lacking.workspaces() {
        if let Some(workspace) = settings.workspaces.iter().find(|workspace| workspace.name() == name) {
            clients.insert(name.to_owned(), app::client(workspace)?);
        }
    }
    let mut told_at = Instant::now();
    let mut note = |note: FetchNote| match note {
        FetchNote::Read(done, total) if done == total || told_at.elapsed() >= BETWEEN_NOTES => {
            told_at = Instant::now();
            terminal::err!("read {done} of {}", counted(total as u64, "thread", "threads"));
        }
        FetchNote::Read(..) => {}
        FetchNote::Waits(wait) => {
            let wait = format_duration(Duration::from_secs(wait.as_secs().max(1)));
            terminal::err!("ColdSend's limit is used up: the reading goes on in {wait}");
        }
    };
    let fetched = lacking.fetch(&comparison, &clients, compared.store.as_deref(), &mut note).await?;
    tell(&fetched);
    Ok(fetched.found)
}

/// The store, if there is one and nobody else has it.
async fn open_to_keep(settings: &Settings) -> anyhow::Result<Option<Arc<SqlStore>>> {
    if settings.store.file().is_some_and(|path| !path.exists()) {
        return Ok(None);
    }
    match open_store(settings, StoreMode::ReadWrite).await {
        Ok(store) => Ok(Some(store)),
        Err(AppError::Store(StoreError::InUse { .. })) => Ok(None),
        Err(error) => Err(error).context("what is read is kept in the store"),
    }
}

fn tell(fetched: &Fetched) {
    for (thread, why) in fetched.unreadable.iter().take(10) {
        terminal::err!("thread {thread}: {why}");
    }
    if let Some(more @ 1..) = fetched.unreadable.len().checked_sub(10) {
        terminal::err!("{} more could not be read", counted(more as u64, "thread", "threads"));
    }
    if !fetched.is_kept {
        terminal::err!(
            "What was read serves this comparison alone: the store has not all of these events, or a service has the store. \
             Stop the service to keep what is read."
        );
    }
}

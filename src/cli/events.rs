//! `events`: what the service has evaluated, as a file for `backtest`.

use super::{CommandStatus, args::EventsCommand, chosen, load, terminal};
use crate::{
    app::{CliOptions, StoreMode, open_store},
    backtest::{EventLine, Redactor},
    model::counted,
    settings::Settings,
    store::{EventFilter, EventStore as _, SqlStore},
};
use jiff::Timestamp;
use std::{
    io::{self, Write as _},
    sync::Arc,
};

/// So many events are in memory at once.
const PAGE: u32 = 200;

pub(super) async fn events(overrides: &CliOptions, command: EventsCommand) -> anyhow::Result<CommandStatus> {
    let EventsCommand::Export { since, workspace, redact } = command;
    let settings = load(overrides)?;
    let filter = filter(&settings, since, workspace)?;
    let store = open_existing(&settings).await?;
    let redactor = if redact { Some(learned(&store, &filter).await?) } else { None };
    let mut after = None;
    let mut count = 0_u64;
    loop {
        let page = store.events_after(&filter, after, PAGE).await?;
        let mut lines = String::new();
        for event in page.events {
            let event = EventLine::from(event);
            let mut event = match &redactor {
                Some(redactor) => redactor.redact(event),
                None => event,
            };
            event.read_messages();
            lines += &terminal::escaped(&event.to_json()?);
            lines.push('\n');
            count += 1;
        }
        match io::stdout().write_all(lines.as_bytes()) {
            // Whoever reads has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written?,
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    store.close().await;
    terminal::err!("{}", counted(count, "event", "events"));
    Ok(CommandStatus::Success)
}

/// What replaces the people of these events, wherever they are named: so all events are read before the first is written.
async fn learned(store: &SqlStore, filter: &EventFilter) -> anyhow::Result<Redactor> {
    let mut redactor = Redactor::default();
    let mut after = None;
    loop {
        let page = store.events_after(filter, after, PAGE).await?;
        page.events.into_iter().for_each(|event| redactor.learn(&EventLine::from(event)));
        after = page.next;
        if after.is_none() {
            return Ok(redactor);
        }
    }
}

/// Which events are meant.
pub(super) fn filter(
    settings: &Settings,
    since: Option<std::time::Duration>,
    workspace: Option<String>,
) -> anyhow::Result<EventFilter> {
    if let Some(name) = &workspace {
        chosen(settings, Some(name))?;
    }
    Ok(EventFilter { since: since.map(ago), workspaces: workspace.map(|name| vec![name]) })
}

/// So long ago.
pub(super) fn ago(since: std::time::Duration) -> Timestamp {
    Timestamp::now().saturating_sub(since).unwrap_or(Timestamp::MIN)
}

/// The store, which is only looked at, and of which a running service may go on writing.
pub(super) async fn open_existing(settings: &Settings) -> anyhow::Result<Arc<SqlStore>> {
    if let Some(path) = settings.store.file().filter(|path| !path.exists()) {
        anyhow::bail!(
            "there are no events yet: {} does not exist. `reply-router run` writes it as mail comes in; `backtest --from` \
             takes events from a file",
            path.display()
        );
    }
    Ok(open_store(settings, StoreMode::ReadOnly).await?)
}

//! Where the events of a `backtest` come from: the store, a file that `events export` wrote, or a folder of mails.

use super::{
    args::BacktestArgs,
    backtest_rules::Compared,
    chosen, events,
    explain_file::{MAX_BYTES, from_mail, time_of},
};
use crate::{
    backtest::{BacktestError, EventLine, EventSource, Item, StoredEvents, Unreadable, VERSION},
    engine::{SampleFields, SampleThread},
    model::Mode,
    store::{EventFilter, EventKind, EventStore, SqlStore},
};
use anyhow::Context as _;
use async_trait::async_trait;
use jiff::Timestamp;
use mail_parser::MessageParser;
use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// So many events are in memory at once.
const BATCH: usize = 512;
const PAGE: u32 = 512;
/// The headers of a mail stand in so much of its file.
const MAX_HEADERS: u64 = 1024 * 1024;
/// A longer line was not written by `events export`.
const MAX_LINE: u64 = 256 * 1024 * 1024;
/// What the store is asked for if nothing is said.
const SINCE: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Where events come from, opened.
pub(super) struct OpenSource {
    pub events: Box<dyn EventSource>,
    /// Which of them count.
    pub filter: EventFilter,
    /// The store, to be closed in the end.
    pub store: Option<Arc<SqlStore>>,
}

/// The lines of a file.
struct Lines {
    lines: Box<dyn BufRead + Send>,
    name: String,
    number: u64,
}

/// The mails of a folder.
struct Mails {
    files: VecDeque<PathBuf>,
    workspace: String,
    caps: (Mode, bool),
}

pub(super) async fn open(compared: &Compared, args: &BacktestArgs) -> anyhow::Result<OpenSource> {
    let settings = compared.settings.as_ref();
    let Some(path) = &args.from else {
        let Some(settings) = settings else {
            anyhow::bail!("without a configuration there is no store: name events with --from");
        };
        let store = match &compared.store {
            Some(store) => Arc::clone(store),
            None => events::open_existing(settings).await?,
        };
        let filter = events::filter(settings, Some(args.since.unwrap_or(SINCE)), args.workspace.clone())?;
        let from = StoredEvents::new(Arc::clone(&store) as Arc<dyn EventStore>, filter.clone(), PAGE);
        return Ok(OpenSource { events: Box::new(from), filter, store: Some(store) });
    };
    let since = args.since.map(events::ago);
    let name = path.display().to_string();
    if path.is_dir() {
        let workspace = match settings {
            Some(settings) if args.workspace.is_some() || settings.workspaces.len() > 1 => {
                Some(chosen(settings, args.workspace.as_deref())?)
            }
            settings => settings.and_then(|settings| settings.workspaces.first()),
        };
        let caps = workspace.map(|workspace| (workspace.settings.mode, workspace.settings.safety.hold_uncertain));
        let workspace = workspace.map(|workspace| workspace.name().to_owned()).or(args.workspace.clone());
        let from = Mails {
            files: mails(path)?,
            workspace: workspace.unwrap_or_else(|| "file".to_owned()),
            caps: caps.unwrap_or((Mode::Live, true)),
        };
        let filter = EventFilter { since, workspaces: None };
        return Ok(OpenSource { events: Box::new(from), filter, store: compared.store.clone() });
    }
    let lines: Box<dyn BufRead + Send> = match path == Path::new("-") {
        true => Box::new(BufReader::new(std::io::stdin())),
        false => Box::new(BufReader::new(File::open(path).with_context(|| format!("cannot read {name}"))?)),
    };
    let filter = EventFilter { since, workspaces: args.workspace.clone().map(|name| vec![name]) };
    Ok(OpenSource { events: Box::new(Lines { lines, name, number: 0 }), filter, store: compared.store.clone() })
}

#[async_trait]
impl EventSource for Lines {
    async fn next(&mut self) -> Result<Vec<Item>, BacktestError> {
        let Self { lines, name, number } = self;
        tokio::task::block_in_place(|| read_lines(lines, name, number)).map_err(failed)
    }
}

#[async_trait]
impl EventSource for Mails {
    async fn next(&mut self) -> Result<Vec<Item>, BacktestError> {
        let some: Vec<PathBuf> = self.files.drain(..self.files.len().min(BATCH)).collect();
        // One that cannot be read keeps nobody from comparing the others.
        let read = |file: &PathBuf| match of_mail(file, &self.workspace, self.caps) {
            Ok(event) => Item::Event(Box::new(event)),
            Err(error) => {
                Item::Unreadable(Unreadable { file: file.display().to_string(), reason: format!("{error:#}") })
            }
        };
        Ok(tokio::task::block_in_place(|| some.iter().map(read).collect()))
    }
}

/// With all that led to it.
fn failed(error: anyhow::Error) -> BacktestError {
    BacktestError::Failed(format!("{error:#}"))
}

fn read_lines(lines: &mut Box<dyn BufRead + Send>, name: &str, number: &mut u64) -> anyhow::Result<Vec<Item>> {
    let mut found = Vec::with_capacity(BATCH);
    while found.len() < BATCH {
        let mut line = Vec::new();
        lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).with_context(|| format!("cannot read {name}"))?;
        if line.is_empty() {
            break;
        }
        *number += 1;
        let place = format!("{name}:{number}");
        anyhow::ensure!((line.len() as u64) < MAX_LINE, "{place}: the line is longer than any event");
        let text = text_of(line).with_context(|| format!("{place}: it is not UTF-8"))?;
        if !text.trim().is_empty() {
            found.push(Item::Line { place, text });
        }
    }
    Ok(found)
}

/// A line as text. The last one of a file may end within a letter: it is told as cut off like any other.
fn text_of(line: Vec<u8>) -> Option<String> {
    let is_last = !line.ends_with(b"\n");
    match String::from_utf8(line) {
        Ok(text) => Some(text),
        Err(error) if is_last && error.utf8_error().error_len().is_none() => {
            let end = error.utf8_error().valid_up_to();
            let mut line = error.into_bytes();
            line.truncate(end);
            String::from_utf8(line).ok()
        }
        Err(_) => None,
    }
}

/// The mails of a folder, by the time when they were written and by name.
fn mails(folder: &Path) -> anyhow::Result<VecDeque<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_file() && path.extension().is_some_and(|end| end.eq_ignore_ascii_case("eml")) {
            files.push(path);
        }
    }
    anyhow::ensure!(!files.is_empty(), "there is no mail (.eml) in {}", folder.display());
    files.sort_by_cached_key(|file| (written_at(file), file.clone()));
    Ok(files.into())
}

/// When a mail was written, by the beginning of its file.
fn written_at(file: &Path) -> Option<Timestamp> {
    let mut headers = Vec::new();
    File::open(file).ok()?.take(MAX_HEADERS).read_to_end(&mut headers).ok()?;
    time_of(&MessageParser::default().parse_headers(&headers)?)
}

/// A mail as the first one of its thread, evaluated when it was written.
fn of_mail(file: &Path, workspace: &str, (mode, hold_uncertain): (Mode, bool)) -> anyhow::Result<EventLine> {
    let size = std::fs::metadata(file).context("it cannot be read")?.len();
    anyhow::ensure!(size <= MAX_BYTES, "it is larger than 32 MiB");
    let bytes = std::fs::read(file).context("it cannot be read")?;
    let message = from_mail(&bytes).context("it is not a mail")?;
    let now = message.created_at.context("neither `Date` nor `Received` says when it was written")?;
    let sample = SampleThread::new(file.display().to_string(), message, SampleFields::default(), now);
    let event = EventLine {
        version: VERSION,
        id: file.display().to_string(),
        kind: EventKind::Message,
        time: now,
        workspace: workspace.to_owned(),
        revision: String::new(),
        matched: Vec::new(),
        message_id: None,
        mode,
        overrides: BTreeMap::new(),
        lead_opted_out: None,
        hold_uncertain,
        row: sample.thread.row.clone(),
        thread: Some(sample.thread),
        messages: Some(sample.messages),
        reading: None,
        history: None,
        redacted: false,
    };
    Ok(event.checked()?)
}

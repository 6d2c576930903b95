//! Reading what events lack, so that rules which need more than those of then can decide them.

use super::{
    event_line::EventLine,
    missing::find_lack,
    run::{BacktestError, Comparison, EventSource, Item, Read},
};
use crate::{
    coldsend::{ApiError, Client, Priority, Remedy},
    model::{Conversation, Mode, ThreadDetail},
    rules::{Need, ThreadMessages},
    store::{EventStore as _, ReadLater, SqlStore},
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// After so many threads in a row that could not be read, nothing more is tried.
const MAX_FAILURES: usize = 3;

/// So often in a row a request is made again that the limits did not allow.
const MAX_WAITS: usize = 100;

/// What whoever waits for the reading is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchNote {
    /// So many threads are done, of so many.
    Read(usize, usize),
    /// The limits allow no request; it goes on after this time.
    Waits(Duration),
}

/// Events that lack something, by their threads.
#[derive(Debug, Default)]
pub struct LackingEvents {
    threads: BTreeMap<(String, String), Vec<EventLine>>,
    /// What is surely needed of each thread.
    needs: HashSet<(String, String, Need)>,
}

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct Fetched {
    /// For each event, by its id.
    pub found: HashMap<String, ReadLater>,
    /// Threads that could not be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// Whether all of it is in the store, so that nobody has to read it again.
    pub is_kept: bool,
}

impl LackingEvents {
    /// Looks for them; reads nothing but the source.
    ///
    /// # Errors
    /// The source.
    pub async fn find(source: &mut dyn EventSource, comparison: &Comparison) -> Result<Self, BacktestError> {
        let mut found = Self::default();
        let mut threads = HashSet::new();
        loop {
            let items: Vec<Item> = source.next().await?;
            if items.is_empty() {
                return Ok(found);
            }
            for item in items {
                let Read::Event(mut event) = comparison.read(item)? else { continue };
                let key = (event.workspace.clone(), event.row.id.clone());
                let is_known = !threads.insert(key.clone());
                if let Some(need) = missing(comparison, &mut event, is_known) {
                    found.needs.insert((key.0.clone(), key.1.clone(), need));
                    found.threads.entry(key).or_default().push(*event);
                }
            }
        }
    }

    /// How many events.
    pub fn events(&self) -> u64 {
        self.threads.values().map(|events| events.len() as u64).sum()
    }

    /// How many requests it takes at least.
    pub fn requests(&self) -> u64 {
        self.needs.len() as u64
    }

    /// The workspaces that they are of.
    pub fn workspaces(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self.threads.keys().map(|(workspace, _)| workspace.as_str()).collect();
        names.dedup();
        names.into_iter()
    }

    /// Reads what they lack, thread by thread, within the budget of each client. What was read of a thread is in the store, if
    /// there is one, before the next is read. Where ColdSend's limits are used up, it waits for as long as ColdSend says.
    ///
    /// # Errors
    /// The store fails, the key is refused, or several threads in a row could not be read: then the API fails as a whole. What
    /// was read before is kept.
    pub async fn fetch(
        self,
        comparison: &Comparison,
        clients: &HashMap<String, Client>,
        store: Option<&SqlStore>,
        note: &mut (dyn FnMut(FetchNote) + Send),
    ) -> Result<Fetched, BacktestError> {
        let mut fetched = Fetched { is_kept: store.is_some(), ..Fetched::default() };
        let (total, mut failures) = (self.threads.len(), 0);
        for (number, ((workspace, thread), events)) in self.threads.into_iter().enumerate() {
            let Some(client) = clients.get(&workspace) else {
                fetched.unreadable.push((thread, format!("the configuration has no workspace `{workspace}`")));
                continue;
            };
            match fetch_thread(comparison, client, &thread, events, note).await {
                Ok(found) => {
                    failures = 0;
                    for (id, read) in found {
                        if let Some(store) = store {
                            fetched.is_kept &= store.add_to_event(&id, read.clone()).await?;
                        }
                        fetched.found.insert(id, read);
                    }
                }
                Err(error @ ApiError::NotFound { .. }) => fetched.unreadable.push((thread, error.to_string())),
                Err(error) => {
                    failures += 1;
                    // All others would fail, too.
                    if failures >= MAX_FAILURES || error.remedy() == Remedy::MendKey {
                        return Err(BacktestError::Failed(format!(
                            "{error}. What was read of {number} threads before is kept: run it again to go on"
                        )));
                    }
                    fetched.unreadable.push((thread, error.to_string()));
                }
            }
            note(FetchNote::Read(number + 1, total));
        }
        Ok(fetched)
    }
}

/// Reads what the events of a thread lack: the thread once, and its messages once.
async fn fetch_thread(
    comparison: &Comparison,
    client: &Client,
    thread: &str,
    events: Vec<EventLine>,
    note: &mut (dyn FnMut(FetchNote) + Send),
) -> Result<Vec<(String, ReadLater)>, ApiError> {
    let mut detail: Option<ThreadDetail> = None;
    let mut messages: Option<Conversation> = None;
    let mut found = Vec::with_capacity(events.len());
    for mut event in events {
        let mut read = ReadLater::default();
        // Of an event that lacks something nothing more is known than that.
        while let Some(need) = missing(comparison, &mut event, true) {
            match need {
                Need::Thread => {
                    if detail.is_none() {
                        let read = async || client.thread(thread, Priority::Read).await;
                        detail = Some(within_limits(read, note).await?);
                    }
                    read.detail = detail.clone().map(|detail| ThreadDetail { row: event.row.clone(), ..detail });
                    event.thread.clone_from(&read.detail);
                }
                Need::Messages => {
                    if messages.is_none() {
                        let read = async || client.conversation(thread, Priority::Read).await;
                        messages = Some(within_limits(read, note).await?);
                    }
                    read.messages = messages.as_ref().map(|messages| as_of(messages, &event));
                    event.messages = read.messages.clone().map(Conversation::into_messages);
                }
            }
        }
        // Its outcome is compared more than once.
        read.reading = read.messages.clone().map(|messages| ThreadMessages::new(messages).keep_reading());
        found.push((event.id, read));
    }
    Ok(found)
}

/// Reads, and where the limits do not allow that, again once they do.
async fn within_limits<T>(
    read: impl AsyncFn() -> Result<T, ApiError>,
    note: &mut (dyn FnMut(FetchNote) + Send),
) -> Result<T, ApiError> {
    for _ in 0..MAX_WAITS {
        let found = read().await;
        let Some(wait) = found.as_ref().err().and_then(ApiError::retry_after) else { return found };
        note(FetchNote::Waits(wait));
        tokio::time::sleep(wait).await;
    }
    read().await
}

/// The messages that were there when the event was evaluated.
fn as_of(messages: &Conversation, event: &EventLine) -> Conversation {
    let was_there = |at: Option<jiff::Timestamp>| at.is_none_or(|at| at <= event.time);
    let there = messages.messages().iter().filter(|message| was_there(message.created_at));
    Conversation::in_order(there.cloned().collect())
}

/// What one of the sets needs first and the event lacks.
fn missing(comparison: &Comparison, event: &mut EventLine, is_known: bool) -> Option<Need> {
    let reading = event.reading.clone();
    let messages = event.take_messages();
    let overrides: HashMap<String, Mode> = event.overrides.iter().map(|(rule, mode)| (rule.clone(), *mode)).collect();
    let input = event.input(messages.as_ref(), &overrides);
    let sets = [&comparison.before, &comparison.after];
    let need = sets.into_iter().find_map(|set| find_lack(set, &input, (event.kind, event.time), is_known));
    event.put_messages(messages, reading);
    need.map(|lack| lack.need)
}

/// A source whose events have what was read of them later.
pub struct Completed {
    source: Box<dyn EventSource>,
    found: Arc<HashMap<String, ReadLater>>,
}

impl Completed {
    /// The events of a source with what was read.
    pub fn new(source: Box<dyn EventSource>, found: HashMap<String, ReadLater>) -> Self {
        Self { source, found: Arc::new(found) }
    }
}

#[async_trait]
impl EventSource for Completed {
    async fn next(&mut self) -> Result<Vec<Item>, BacktestError> {
        let mut items = self.source.next().await?;
        for item in &mut items {
            if let Item::Line { place, text } = item {
                let event = EventLine::from_json(text)
                    .map_err(|error| BacktestError::Line { place: std::mem::take(place), error })?;
                *item = Item::Event(Box::new(event));
            }
            if let Item::Event(event) = item
                && let Some(read) = self.found.get(&event.id)
            {
                let (detail, messages) = (read.detail.clone(), read.messages.clone());
                event.thread = event.thread.take().or(detail);
                event.messages = event.messages.take().or(messages.map(Conversation::into_messages));
                event.reading = event.reading.take().or_else(|| read.reading.clone());
            }
        }
        Ok(items)
    }

    fn total(&self) -> Option<u64> {
        self.source.total()
    }
}

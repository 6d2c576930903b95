//! The six endpoints.

use super::client::Client;
use super::error::{ApiError, WriteError, WriteOutcome};
use super::fields::DecodeError;
use super::ledger::Priority;
use super::reply::{ReplyBody, ReplyReceipt};
use super::requests::{Call, Reading};
use super::response;
use crate::model::{Conversation, Message, ThreadDetail, ThreadRow};
use jiff::Timestamp;
use std::collections::HashSet;

/// The largest page that the API gives.
const MAX_LIMIT: u32 = 100;
/// The most pages of the inbox that are read: an API whose list never ends must not hold us.
pub const MAX_LIST_PAGES: u32 = 10_000;
/// A conversation of more pages than this is no conversation.
const MAX_MESSAGE_PAGES: u32 = 50;

/// Which rows of the inbox are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// The page, from 1.
    pub page: u32,
    /// Rows on a page, 1 to 100; anything else is brought into that range.
    pub limit: u32,
    /// Only this campaign, by id.
    pub campaign_id: Option<String>,
    /// Only read, or only unread, threads.
    pub is_read: Option<bool>,
    /// Only starred, or only unstarred, threads.
    pub is_starred: Option<bool>,
    /// Only this category, as the API writes it.
    pub category: Option<String>,
}

impl ListQuery {
    /// One page of everything, as large as it gets; pages count from 1.
    pub fn page(page: u32) -> Self {
        Self { page, ..Self::default() }
    }
}

impl Default for ListQuery {
    /// The first page, as large as it gets, of everything.
    fn default() -> Self {
        Self { page: 1, limit: MAX_LIMIT, campaign_id: None, is_read: None, is_starred: None, category: None }
    }
}

/// One page of the inbox, in the order of the API, which is not documented.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListPage {
    /// The rows that could be read, in the API's order.
    pub rows: Vec<ThreadRow>,
    /// Rows that could not be read and are not in `rows`. The page was full if both together reach `limit`.
    pub skipped: usize,
    /// Threads in all, where the API says.
    pub total_count: Option<u64>,
    /// Unread threads.
    pub unread_count: Option<u64>,
    /// Starred threads.
    pub starred_count: Option<u64>,
    /// The page's number.
    pub page: u32,
    /// How many rows a full page has.
    pub limit: u32,
    /// When the server says that it answered, in whole seconds.
    pub date: Option<Timestamp>,
}

impl ListPage {
    /// Whether no page follows: it is not full, counting rows that could not be read. Its `total_count` may lag behind.
    pub fn is_last(&self) -> bool {
        self.rows.len() + self.skipped < usize::try_from(MAX_LIMIT).unwrap_or(usize::MAX)
    }
}

/// One page of a thread's messages, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessagePage {
    /// The messages that could be read, oldest first.
    pub messages: Vec<Message>,
    /// Messages in all, where the API says.
    pub total_count: Option<u64>,
    /// The page's number.
    pub page: u32,
    /// How many messages a full page has.
    pub limit: u32,
    /// Pages in all, where the API says.
    pub total_pages: Option<u32>,
    /// Whether there is a further page, where the API says.
    pub has_next: Option<bool>,
    /// When the server says that it answered, in whole seconds.
    pub date: Option<Timestamp>,
}

impl Client {
    /// `GET /replies`: a page of the inbox.
    ///
    /// # Errors
    /// Any [`ApiError`]; a single bad row is skipped instead.
    pub async fn list(&self, query: &ListQuery, priority: Priority) -> Result<ListPage, ApiError> {
        const ENDPOINT: &str = "GET /replies";
        let (page, limit) = (query.page.max(1), query.limit.clamp(1, MAX_LIMIT));
        let mut pairs = vec![("page", page.to_string()), ("limit", limit.to_string())];
        pairs.extend(query.campaign_id.iter().map(|id| ("campaign_id", id.clone())));
        pairs.extend(query.is_read.iter().map(|flag| ("is_read", flag.to_string())));
        pairs.extend(query.is_starred.iter().map(|flag| ("is_starred", flag.to_string())));
        pairs.extend(query.category.iter().map(|name| ("category", name.clone())));
        let call = Call::get(ENDPOINT, self.transport.url(&["replies"], &pairs)?, "the list of replies".to_owned());
        let Reading { value, date } = self.read(call, priority).await?;
        let page = response::list_page(&value, (page, limit)).map_err(malformed(ENDPOINT))?;
        Ok(ListPage { date, ..page })
    }

    /// `GET /replies/threads/{id}`: what the list row does not say.
    ///
    /// # Errors
    /// Any [`ApiError`].
    pub async fn thread(&self, id: &str, priority: Priority) -> Result<ThreadDetail, ApiError> {
        const ENDPOINT: &str = "GET /replies/threads/{id}";
        let url = self.transport.thread_url(id, &[], &[])?;
        let Reading { value, .. } = self.read(Call::get(ENDPOINT, url, named(id)), priority).await?;
        response::thread(&value).map_err(malformed(ENDPOINT))
    }

    /// `GET /replies/threads/{id}/messages`: a page of the thread's messages. `page` counts from 1, `limit` is brought
    /// into 1 to 100.
    ///
    /// # Errors
    /// Any [`ApiError`]; a message that cannot be read fails the page.
    pub async fn messages(&self, id: &str, page: u32, limit: u32, priority: Priority) -> Result<MessagePage, ApiError> {
        let (page, limit) = (page.max(1), limit.clamp(1, MAX_LIMIT));
        let pairs = [("page", page.to_string()), ("limit", limit.to_string())];
        let url = self.transport.thread_url(id, &["messages"], &pairs)?;
        let Reading { value, date } = self.read(Call::get(MESSAGES, url, named(id)), priority).await?;
        let page = response::message_page(&value, (page, limit)).map_err(malformed(MESSAGES))?;
        Ok(MessagePage { date, ..page })
    }

    /// All messages of a thread: one request when there are at most 100.
    ///
    /// # Errors
    /// Any [`ApiError`]; more than 5,000 messages are [`ApiError::TooLarge`]. Never a part of the conversation.
    pub async fn conversation(&self, id: &str, priority: Priority) -> Result<Conversation, ApiError> {
        let mut messages = Vec::new();
        let mut seen = HashSet::new();
        for number in 1..=MAX_MESSAGE_PAGES {
            let page = self.messages(id, number, MAX_LIMIT, priority).await?;
            let before = messages.len();
            let given = page.messages.len();
            messages.extend(page.messages.into_iter().filter(|message| seen.insert(message.id.clone())));
            let announced = page.has_next == Some(true)
                || page.total_pages.is_some_and(|pages| pages > number)
                || page.total_count.is_some_and(|count| count > messages.len() as u64);
            // Where the API says nothing at all, a full page may have a successor.
            let silent = page.has_next.is_none() && page.total_pages.is_none() && page.total_count.is_none();
            let full = given > 0 && given as u64 >= u64::from(page.limit);
            if !(announced || silent && full) {
                return Ok(Conversation::as_of(messages, page.date));
            }
            if messages.len() == before {
                // Counts may be off by what was deleted; a page that is promised and brings nothing is another matter.
                if page.has_next != Some(true) {
                    return Ok(Conversation::as_of(messages, page.date));
                }
                let detail = format!("page {number} brings no new message and says that there are more");
                return Err(ApiError::Malformed { endpoint: MESSAGES, at: "has_next".to_owned(), detail });
            }
        }
        Err(ApiError::TooLarge { endpoint: MESSAGES, limit: format!("{} messages", MAX_MESSAGE_PAGES * MAX_LIMIT) })
    }

    /// `POST /replies/threads/{id}/reply`: answers the lead. Sent once, on a fresh connection.
    ///
    /// # Errors
    /// See [`WriteError::certainty`]; a 2xx whose body cannot be read is an error that is `CarriedOut`.
    pub async fn reply(&self, id: &str, body: &ReplyBody) -> Result<ReplyReceipt, WriteError> {
        const ENDPOINT: &str = "POST /replies/threads/{id}/reply";
        let url = self.transport.thread_url(id, &["reply"], &[]).map_err(WriteError::not_sent)?;
        let json = body.to_json().map_err(WriteError::not_sent)?;
        let call = Call::write(reqwest::Method::POST, ENDPOINT, url, Some(json), named(id));
        let accepted = self.write(call, Priority::Reply).await?;
        accepted
            .and_then(|value| response::receipt(&value).map_err(malformed(ENDPOINT)))
            .map_err(|error| WriteError { certainty: WriteOutcome::Applied, error })
    }

    /// `PATCH /replies/threads/{id}/read`: marks the thread as read. Any 2xx is a success.
    ///
    /// # Errors
    /// See [`WriteError::certainty`].
    pub async fn mark_read(&self, id: &str) -> Result<(), WriteError> {
        let _answer = self.patch(id, "read", "PATCH /replies/threads/{id}/read").await?;
        Ok(())
    }

    /// `PATCH /replies/threads/{id}/star`: toggles the star and returns the new state; `None` when it was toggled (any
    /// 2xx) but the answer does not say to what.
    ///
    /// # Errors
    /// See [`WriteError::certainty`].
    pub async fn toggle_star(&self, id: &str) -> Result<Option<bool>, WriteError> {
        let answer = self.patch(id, "star", "PATCH /replies/threads/{id}/star").await?;
        Ok(answer.ok().as_ref().and_then(response::starred))
    }

    async fn patch(
        &self,
        id: &str,
        verb: &str,
        endpoint: &'static str,
    ) -> Result<Result<serde_json::Value, ApiError>, WriteError> {
        let url = self.transport.thread_url(id, &[verb], &[]).map_err(WriteError::not_sent)?;
        self.write(Call::write(reqwest::Method::PATCH, endpoint, url, None, named(id)), Priority::Write).await
    }
}

const MESSAGES: &str = "GET /replies/threads/{id}/messages";

fn named(id: &str) -> String {
    format!("thread `{}`", super::requests::clip(id))
}

fn malformed(endpoint: &'static str) -> impl FnOnce(DecodeError) -> ApiError {
    move |DecodeError { at, detail }| ApiError::Malformed { endpoint, at, detail }
}

//! The six endpoints.

use super::client::Client;
use super::error::{ApiError, WriteError, WriteOutcome};
use super::fields::DecodeError;
use super::ledger::Priority;
use super::pages::{ListPage, ListQuery, MAX_LIMIT, MessagePage};
use super::reply::{ReplyBody, ReplyReceipt};
use super::response;
use super::transport::{Call, Reading};
use crate::model::{Conversation, ThreadDetail};
use std::collections::HashSet;

/// A conversation of more pages than this is no conversation.
const MAX_MESSAGE_PAGES: u32 = 50;

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
        if let Some(account) = &self.account {
            return account.thread(id);
        }
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
        if let Some(account) = &self.account {
            return account.conversation(id);
        }
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
        if let Some(account) = &self.account {
            account.reply(id, body);
            return Ok(ReplyReceipt::default());
        }
        let url = self.transport.thread_url(id, &["reply"], &[]).map_err(WriteError::not_sent)?;
        let json = body.to_json().map_err(WriteError::not_sent)?;
        let call = Call::write(reqwest::Method::POST, ENDPOINT, url, Some(json), named(id));
        let accepted = self.write(call, Priority::Reply).await?;
        accepted
            .and_then(|Reading { value, date }| {
                let receipt = response::receipt(&value).map_err(malformed(ENDPOINT))?;
                Ok(ReplyReceipt { date, ..receipt })
            })
            .map_err(|error| WriteError { certainty: WriteOutcome::Applied, error })
    }

    /// `PATCH /replies/threads/{id}/read`: marks the thread as read. Any 2xx is a success.
    ///
    /// # Errors
    /// See [`WriteError::certainty`].
    pub async fn mark_read(&self, id: &str) -> Result<(), WriteError> {
        if let Some(account) = &self.account {
            account.mark_read(id);
            return Ok(());
        }
        let _answer = self.patch(id, "read", "PATCH /replies/threads/{id}/read").await?;
        Ok(())
    }

    /// `PATCH /replies/threads/{id}/star`: toggles the star and returns the new state; `None` when it was toggled (any
    /// 2xx) but the answer does not say to what.
    ///
    /// # Errors
    /// See [`WriteError::certainty`].
    pub async fn toggle_star(&self, id: &str) -> Result<Option<bool>, WriteError> {
        if let Some(account) = &self.account {
            return Ok(Some(account.toggle_star(id)));
        }
        let answer = self.patch(id, "star", "PATCH /replies/threads/{id}/star").await?;
        Ok(answer.ok().and_then(|answer| response::starred(&answer.value)))
    }

    async fn patch(
        &self,
        id: &str,
        verb: &str,
        endpoint: &'static str,
    ) -> Result<Result<Reading, ApiError>, WriteError> {
        let url = self.transport.thread_url(id, &[verb], &[]).map_err(WriteError::not_sent)?;
        self.write(Call::write(reqwest::Method::PATCH, endpoint, url, None, named(id)), Priority::Write).await
    }
}

const MESSAGES: &str = "GET /replies/threads/{id}/messages";

fn named(id: &str) -> String {
    format!("thread `{}`", super::transport::clip(id))
}

fn malformed(endpoint: &'static str) -> impl FnOnce(DecodeError) -> ApiError {
    move |DecodeError { at, detail }| ApiError::Malformed { endpoint, at, detail }
}

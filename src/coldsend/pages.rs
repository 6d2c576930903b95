//! Pages of the inbox and of a thread.

use crate::model::{Message, ThreadRow};
use jiff::Timestamp;

/// The largest page that the API gives.
pub(super) const MAX_LIMIT: u32 = 100;
/// The most pages of the inbox that are read: an API whose list never ends must not hold us.
pub const MAX_LIST_PAGES: u32 = 10_000;

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

//! Events out of the store, page by page.

use super::{
    event_line::EventLine,
    run::{BacktestError, EventSource, Item},
};
use crate::store::{EventFilter, EventPlace, EventStore};
use async_trait::async_trait;
use std::sync::Arc;

/// The events that a store keeps.
pub struct StoredEvents {
    store: Arc<dyn EventStore>,
    filter: EventFilter,
    /// So many are in memory at once.
    page: u32,
    after: Option<EventPlace>,
    is_through: bool,
}

impl StoredEvents {
    /// Those that the filter leaves, so many at a time.
    pub fn new(store: Arc<dyn EventStore>, filter: EventFilter, page: u32) -> Self {
        Self { store, filter, page, after: None, is_through: false }
    }
}

#[async_trait]
impl EventSource for StoredEvents {
    async fn next(&mut self) -> Result<Vec<Item>, BacktestError> {
        // Pages whose events were all removed meanwhile are no end.
        while !self.is_through {
            let page = self.store.events_after(&self.filter, self.after, self.page).await?;
            (self.after, self.is_through) = (page.next, page.next.is_none());
            if !page.events.is_empty() {
                let events = page.events.into_iter().map(EventLine::from);
                return Ok(events.map(|event| Item::Event(Box::new(event))).collect());
            }
        }
        Ok(Vec::new())
    }
}

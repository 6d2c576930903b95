//! `explain ADDRESS`: which thread is meant.

use crate::{
    coldsend::{ApiError, Client, ListQuery, Priority},
    engine::Engine,
    model::{ThreadRow, same_address},
    store::DecisionFilter,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How many pages of the inbox are read for a lead whom the store does not know.
const MAX_PAGES: u32 = 20;
const ROWS: u32 = 100;

/// A thread of the lead.
pub(super) struct LeadThread {
    pub(super) workspace: String,
    pub(super) id: String,
    pub(super) subject: Option<String>,
    /// When something last happened in it, as far as is known.
    pub(super) at: Option<Timestamp>,
}

/// The lead's threads, newest first: those that the store knows and those on the first page of the inbox. Only a lead who
/// is on neither is looked for further down.
pub(super) async fn find(
    engine: &Engine,
    clients: &[(String, Client)],
    address: &str,
) -> anyhow::Result<Vec<LeadThread>> {
    let mut found = BTreeMap::new();
    for (workspace, _) in clients {
        let filter = DecisionFilter {
            workspace: Some(workspace.clone()),
            lead: Some(address.to_owned()),
            limit: 1_000,
            ..DecisionFilter::default()
        };
        for decision in engine.store().decisions(&filter).await? {
            keep(
                &mut found,
                LeadThread {
                    workspace: workspace.clone(),
                    id: decision.thread_id,
                    subject: decision.trace.subject,
                    at: Some(decision.at),
                },
            );
        }
    }
    for number in 1..=MAX_PAGES {
        let mut is_last = true;
        for (workspace, client) in clients {
            let rows = read_page(client, number).await?;
            is_last &= rows.len() < ROWS as usize;
            for row in rows.into_iter().filter(|row| is_of(row, address)) {
                keep(
                    &mut found,
                    LeadThread {
                        workspace: workspace.clone(),
                        id: row.id,
                        subject: row.subject,
                        at: row.last_message_at,
                    },
                );
            }
        }
        if is_last || !found.is_empty() {
            break;
        }
    }
    let mut threads: Vec<LeadThread> = found.into_values().collect();
    threads.sort_by_key(|thread| std::cmp::Reverse(thread.at));
    anyhow::ensure!(
        !threads.is_empty(),
        "no thread of {address} in the store or among the {} newest of the inbox; pass the thread's ID",
        MAX_PAGES * ROWS
    );
    Ok(threads)
}

fn keep(found: &mut BTreeMap<(String, String), LeadThread>, thread: LeadThread) {
    let key = (thread.workspace.clone(), thread.id.clone());
    if found.get(&key).is_none_or(|known| known.at < thread.at) {
        found.insert(key, thread);
    }
}

async fn read_page(client: &Client, page: u32) -> Result<Vec<ThreadRow>, ApiError> {
    let query = ListQuery { page, limit: ROWS, ..ListQuery::default() };
    Ok(client.list(&query, Priority::Read).await?.rows)
}

fn is_of(row: &ThreadRow, address: &str) -> bool {
    row.lead_email.as_deref().is_some_and(|email| same_address(email, address))
}

/// Lists the other threads of the lead.
pub(super) fn print_others(threads: &[LeadThread], address: &str) {
    if threads.len() < 2 {
        return;
    }
    super::terminal::err!("{address} has {} threads; explaining the newest:", threads.len());
    for thread in threads {
        let at = thread.at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
        let subject = thread.subject.as_deref().unwrap_or("-");
        super::terminal::err!("  {at:<20}  {}  {}  {subject}", thread.id, thread.workspace);
    }
    super::terminal::err!("To explain another one: reply-router explain ID");
}

//! What the rules would do with the inbox now, with GET requests only: the plan behind `preview` and `apply`.

use crate::{
    coldsend::{ApiError, Client, ListQuery, MAX_LIST_PAGES, Priority},
    engine::{Evaluation, EvaluationInput, Reach, ReadFailures, evaluate_thread},
    model::{Mode, ThreadRow},
    rules::RuleSet,
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// The threads to preview.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Threads whose last message is younger than this.
    pub since: Duration,
    /// At most this many.
    pub limit: usize,
    /// This thread only; `since` and `limit` are ignored then.
    pub thread: Option<String>,
}

/// A thread and its evaluation.
#[derive(Debug)]
pub struct PreviewedThread {
    /// The list row.
    pub row: ThreadRow,
    /// The decision, and what it was based on.
    pub evaluation: Evaluation,
}

/// What the rules would do.
#[derive(Debug, Default)]
pub struct Preview {
    /// The threads, in the order of the list.
    pub threads: Vec<PreviewedThread>,
    /// Whether there were more than `limit`.
    pub truncated: bool,
    /// Threads that could not be read, and why.
    pub unreadable: Vec<(String, ApiError)>,
}

/// Evaluates the threads of the inbox and writes nothing. Ignores repeats, limits and stored opt-outs, which only the
/// store knows.
///
/// # Errors
/// The API fails, or does so for several threads in a row. A thread that fails alone is in [`Preview::unreadable`].
pub async fn preview(
    client: &Client,
    rules: &RuleSet,
    workspace: &str,
    (ceiling, hold_uncertain): (Mode, bool),
    selection: &Selection,
    now: Timestamp,
) -> Result<Preview, ApiError> {
    let mut preview = Preview::default();
    let rows = rows(client, selection, now, &mut preview.truncated).await?;
    let overrides = HashMap::new();
    let failures = ReadFailures::default();
    for row in rows {
        let input = EvaluationInput {
            workspace,
            ceiling,
            row: &row,
            row_reading: None,
            given: None,
            history: None,
            overrides: &overrides,
            lead_opted_out: None,
            hold_uncertain,
            thorough: true,
        };
        match evaluate_thread(client, rules, input, None, now).await {
            Ok(evaluation) => {
                failures.record_success(&row.id, now);
                preview.threads.push(PreviewedThread { row, evaluation });
            }
            Err(error) => {
                if failures.record_failure(&row.id, &error, now) == Reach::Workspace {
                    return Err(error);
                }
                preview.unreadable.push((row.id, error));
            }
        }
    }
    Ok(preview)
}

async fn rows(
    client: &Client,
    selection: &Selection,
    now: Timestamp,
    truncated: &mut bool,
) -> Result<Vec<ThreadRow>, ApiError> {
    if let Some(id) = &selection.thread {
        let mut detail = client.thread(id, Priority::Read).await?;
        detail.row.id.clone_from(id);
        return Ok(vec![detail.row]);
    }
    let oldest = now.saturating_sub(selection.since).unwrap_or(Timestamp::MIN);
    let is_young = |row: &ThreadRow| row.last_message_at.is_none_or(|at| at >= oldest);
    let mut rows: Vec<ThreadRow> = Vec::new();
    for number in 1..=MAX_LIST_PAGES {
        let page = client.list(&ListQuery::page(number), Priority::Read).await?;
        let is_last = page.is_last();
        // In a newest-first list, all rows after an old one are older.
        let ends_here = page.rows.last().is_some_and(|row| !is_young(row))
            && page.rows.is_sorted_by(|left, right| left.last_message_at >= right.last_message_at);
        for row in page.rows.into_iter().filter(is_young) {
            if rows.iter().any(|known| known.id == row.id) {
                continue;
            }
            if rows.len() == selection.limit {
                *truncated = true;
                return Ok(rows);
            }
            rows.push(row);
        }
        if is_last || ends_here {
            break;
        }
    }
    Ok(rows)
}

//! What the rules would do with the inbox as it is now, by GET requests only: the plan behind `preview` and `apply`.

use crate::{
    coldsend::{ApiError, Client, ListQuery, Priority, Scope},
    engine::{Evaluation, EvaluationInput, evaluate_thread},
    model::{Mode, ThreadRow},
    rules::RuleSet,
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

const PAGE: u32 = 100;
/// An API that never ends its list must not hold us.
const LAST_PAGE: u32 = 10_000;

/// So many threads that fail in a row, with none that answers, are the API.
const SEVERAL: u32 = 3;

/// Which threads are looked at.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Whose last message is younger than this.
    pub since: Duration,
    /// At most so many.
    pub limit: usize,
    /// This one only; `since` and `limit` do not count then.
    pub thread: Option<String>,
}

/// A thread and what the rules said of it.
#[derive(Debug)]
pub struct PreviewedThread {
    /// The list row.
    pub row: ThreadRow,
    /// What came out.
    pub judged: Evaluation,
}

/// What a survey found.
#[derive(Debug, Default)]
pub struct Preview {
    /// The threads, in the order of the list.
    pub threads: Vec<PreviewedThread>,
    /// Whether there were more than `limit`.
    pub truncated: bool,
    /// Threads that could not be read, and why.
    pub unreadable: Vec<(String, ApiError)>,
}

/// Looks at the inbox and judges each thread. Nothing is written anywhere. Repeats, limits and remembered opt-outs are
/// not considered: only the store knows them.
pub async fn preview(
    client: &Client,
    rules: &RuleSet,
    workspace: &str,
    ceiling: Mode,
    selection: &Selection,
    now: Timestamp,
) -> Result<Preview, ApiError> {
    let mut survey = Preview::default();
    let rows = rows(client, selection, now, &mut survey.truncated).await?;
    let overrides = HashMap::new();
    let mut failed = 0;
    for row in rows {
        let subject = EvaluationInput {
            workspace,
            ceiling,
            row: &row,
            history: None,
            overrides: &overrides,
            lead_opted_out: None,
            thorough: false,
        };
        match evaluate_thread(client, rules, subject, None, now).await {
            Ok(judged) => {
                failed = 0;
                survey.threads.push(PreviewedThread { row, judged });
            }
            Err(error) => {
                failed += u32::from(error.scope() != Scope::Thread);
                let refused = error.scope() == Scope::Key && survey.threads.is_empty();
                if error.scope() == Scope::Workspace || refused || failed >= SEVERAL {
                    return Err(error);
                }
                survey.unreadable.push((row.id, error));
            }
        }
    }
    Ok(survey)
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
    for number in 1..=LAST_PAGE {
        let query = ListQuery { page: number, limit: PAGE, ..ListQuery::default() };
        let page = client.list(&query, Priority::Read).await?;
        let full = page.rows.len() + page.skipped >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let counted = page.total_count.is_some_and(|total| total <= u64::from(number) * u64::from(PAGE));
        // Where the newest stand first, all that follows an old row is older still.
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
        if !full || counted || ends_here {
            break;
        }
    }
    Ok(rows)
}

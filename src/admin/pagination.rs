//! What all lists have in common: their pages, and how a query says which one.

use super::problem::Problem;
use crate::model::ActionState;
use serde::Serialize;

const DEFAULT_LIMIT: u32 = 50;
const MAX_ITEMS: u32 = 10_000;

/// A page of a list. `next` is what `cursor` takes for the following one.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// Makes a page of one row more than was asked for.
pub(super) fn page<T>(mut items: Vec<T>, limit: u32, id: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(id);
    Page { items, next }
}

/// Makes a page of what begins at a place, where rows are told apart by nothing else.
pub(super) fn page_at<T>(items: Vec<T>, first: u32, limit: u32) -> Page<T> {
    page(items, limit, |_| (u64::from(first) + u64::from(limit)).to_string())
}

/// The cursor of such a list.
pub(super) fn offset(value: Option<String>) -> Result<u32, Problem> {
    let digits = |text: &str| text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    match non_empty(value) {
        None => Ok(0),
        Some(text) if digits(&text) => text.parse().map_err(|_| bad_cursor(&text)),
        Some(text) => Err(bad_cursor(&text)),
    }
}

/// A limit is clamped, never refused.
pub(super) fn clamp_limit(limit: Option<&str>) -> u32 {
    let Some(text) = limit else { return DEFAULT_LIMIT };
    match text.trim().parse::<i128>() {
        Ok(number) => u32::try_from(number.clamp(1, i128::from(MAX_ITEMS))).unwrap_or(MAX_ITEMS),
        Err(_) => DEFAULT_LIMIT,
    }
}

/// A filter that is there and says something.
pub(super) fn non_empty(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

/// The cursor of a list whose rows are named by UUIDs.
pub(super) fn cursor(value: Option<String>) -> Result<Option<String>, Problem> {
    let cursor = non_empty(value)
        .map(|text| uuid::Uuid::parse_str(&text).map(|id| id.to_string()).map_err(|_| bad_cursor(&text)));
    cursor.transpose()
}

fn bad_cursor(text: &str) -> Problem {
    Problem::bad_request(format!("`{text}` is not a cursor: send the `next` of the previous page"))
}

/// One state, or several with commas between.
pub(super) fn states(value: Option<String>) -> Result<Vec<ActionState>, Problem> {
    let text = value.unwrap_or_default();
    let states = text.split(',').filter(|name| !name.is_empty()).map(|name| {
        let names = ActionState::ALL.map(ActionState::as_str).join(", ");
        name.parse().map_err(|_| Problem::bad_request(format!("unknown state `{name}`; use one of {names}")))
    });
    states.collect()
}

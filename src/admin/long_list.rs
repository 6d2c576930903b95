//! Lists that may be long: what is more than a part is read and sent part by part, so that memory does not grow with the
//! list.

use super::{
    pagination::{CursorPaging, Page},
    problem::Problem,
};
use axum::{
    Json,
    body::{Body, Bytes},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;
use std::io::{Error, Write as _};

/// So many items are read at once: a decision of a hundred rules takes 100 kB to tell.
pub(super) const PART: u32 = 20;

/// A list on its way: the part that was read, and what is still to come.
struct Rest<T, R> {
    part: Option<Page<T>>,
    is_first: bool,
    left: u32,
    read: R,
}

/// Answers with a page of a list; `read` reads so many items before a cursor, with the cursor that follows.
///
/// What fails in the first part is the answer. Later, the connection is cut: whoever reads sees that the list is not whole.
pub(super) async fn respond<T, R, F>(paging: CursorPaging, read: R) -> Result<Response, Problem>
where
    T: Serialize + Send + 'static,
    R: Fn(Option<String>, u32) -> F + Send + 'static,
    F: Future<Output = Result<Page<T>, Problem>> + Send + 'static,
{
    let first = read(paging.before, paging.limit.min(PART)).await?;
    let left = paging.limit.saturating_sub(PART);
    if left == 0 || first.next.is_none() {
        return Ok(Json(first).into_response());
    }
    let rest = Rest { part: Some(first), is_first: true, left, read };
    let body = Body::from_stream(stream::try_unfold(rest, next_part));
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

async fn next_part<T, R, F>(mut rest: Rest<T, R>) -> Result<Option<(Bytes, Rest<T, R>)>, Error>
where
    T: Serialize,
    R: Fn(Option<String>, u32) -> F,
    F: Future<Output = Result<Page<T>, Problem>>,
{
    let Some(part) = rest.part.take() else { return Ok(None) };
    let mut text = Vec::new();
    for item in &part.items {
        text.extend_from_slice(if std::mem::take(&mut rest.is_first) { br#"{"items":["# } else { b"," });
        serde_json::to_writer(&mut text, item)?;
    }
    // The items are gone before the next ones are read.
    let next = part.next;
    drop(part.items);
    if rest.left > 0 && next.is_some() {
        let limit = rest.left.min(PART);
        rest.left -= limit;
        let part = (rest.read)(next, limit).await.map_err(|problem| {
            tracing::warn!(why = problem.detail(), "a list ends before its end");
            Error::other(problem.detail().to_owned())
        })?;
        rest.part = Some(part);
    } else {
        text.write_all(br#"],"next":"#)?;
        serde_json::to_writer(&mut text, &next)?;
        text.push(b'}');
    }
    Ok(Some((text.into(), rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;
    use axum::body::to_bytes;
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};

    /// A list of so many numbers, the highest first; tells what is read.
    async fn read(total: u32, limit: u32, fails_at: u32) -> (Result<Value, String>, Vec<(Option<String>, u32)>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let read = move |before: Option<String>, limit: u32| {
            seen.lock().unwrap().push((before.clone(), limit));
            async move {
                let from = before.map_or(total, |before| before.parse().unwrap());
                if from == fails_at {
                    return Err(StoreError::Database("no disk".to_owned()).into());
                }
                let to = from.saturating_sub(limit);
                let next = (to > 0).then(|| to.to_string());
                Ok(Page { items: (to..from).rev().collect::<Vec<_>>(), next })
            }
        };
        let whole = match respond(CursorPaging { before: None, limit }, read).await {
            Ok(response) => match to_bytes(response.into_body(), usize::MAX).await {
                Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap()),
                Err(_) => Err("cut".to_owned()),
            },
            Err(problem) => Err(problem.detail().to_owned()),
        };
        let asked = asked.lock().unwrap().clone();
        (whole, asked)
    }

    #[tokio::test]
    async fn a_list_is_the_same_in_one_part_and_in_many() {
        for (total, limit) in
            [(0, 50), (7, 1), (50, 50), (100, 100), (101, 100), (101, 101), (250, 101), (250, 10_000), (1_000, 300)]
        {
            let (whole, asked) = read(total, limit, u32::MAX).await;
            let last = total.saturating_sub(limit);
            let items: Vec<u32> = (last..total).rev().collect();
            let next = (last > 0).then(|| last.to_string());
            assert_eq!(whole.unwrap(), json!({ "items": items, "next": next }), "{limit} of {total}");
            assert!(asked.iter().all(|(_, limit)| *limit <= PART), "{asked:?}");
        }
    }

    #[tokio::test]
    async fn a_failure_is_told_or_cuts_the_list() {
        let (whole, _) = read(250, 200, 250).await;
        assert_eq!(whole.unwrap_err(), "the store failed: no disk");
        let (whole, asked) = read(250, 200, 250 - PART).await;
        assert_eq!(whole.unwrap_err(), "cut");
        assert_eq!(asked, [(None, PART), (Some((250 - PART).to_string()), PART)]);
    }
}

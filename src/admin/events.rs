//! What happens, as it happens: server-sent events, out of the store, so that nothing is missed between two connections.
//!
//! The engine says only that something has happened; what it was is read from the store's own list of changes, in its
//! order. A reader that comes back with `Last-Event-ID` goes on where it was, as far as the list remembers.

use super::{
    ScopedEngine,
    access::AccessSettings,
    pagination::{non_empty, workspace_name},
    problem::{Problem, QueryParams},
};
use crate::{
    engine::EngineEvent,
    model::{ActionKind, ActionState},
    store::{Change, ChangeKind},
};
use axum::{
    Extension,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};

/// More readers than this are turned away: each holds a connection for as long as it likes.
pub(super) const MAX_STREAMS: usize = 32;
/// Proxies end connections on which nothing happens, mostly after a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a reader waits before it comes back.
const COME_BACK: Duration = Duration::from_secs(3);
/// How many changes are read at once.
const BATCH: u32 = 200;

/// Cancelled when the server is about to end: a connection that never ends by itself would hold it up.
#[derive(Debug, Clone)]
pub(super) struct ShutdownToken(pub(super) CancellationToken);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventParams {
    /// The same as `Last-Event-ID`, for clients that cannot send the header.
    #[param(value_type = Option<i64>)]
    after: Option<String>,
    /// Of this workspace alone.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
}

/// Follow decisions and actions as they happen.
///
/// Server-sent events. `ready` comes first; then `decision` and `action` events in the order in which they were written,
/// with the data of `DecisionEvent` and `ActionEvent`. Every event has an id; send the last one that you got in
/// `Last-Event-ID` to go on after it. If that id is no longer known, `reset` comes instead of `ready`: read the lists
/// again. A comment comes when nothing has happened for 15 seconds. Workspaces that you may not see tell you nothing; the
/// stream ends when the configuration of users changes: come back.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "events", tag = "service",
    params(
        EventParams,
        ("last-event-id" = Option<i64>, Header, nullable = false, description = "The id of the last event that you got.")
    ),
    responses(
        (
            status = 200, description = "Events, until you or the service end the stream.",
            content_type = "text/event-stream", body = String
        ),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 503, response = Problem)
    )
)]
pub(super) async fn stream(
    engine: ScopedEngine,
    closing: Option<Extension<ShutdownToken>>,
    let_in_by: Option<Extension<Arc<AccessSettings>>>,
    headers: HeaderMap,
    QueryParams(params): QueryParams<EventParams>,
) -> Result<Response, Problem> {
    let engine = engine.narrowed_to(params.workspace.as_deref())?;
    let Ok(place) = Arc::clone(&engine.app().readers).try_acquire_owned() else {
        let problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("too many event streams (limit {MAX_STREAMS}); try again later"),
        );
        return Ok(([(header::RETRY_AFTER, "5")], problem).into_response());
    };
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?").to_owned());
    let last = non_empty(header).or(non_empty(params.after));
    let last = last.map(|text| text.parse::<i64>().map_err(|_| bad_place(&text))).transpose()?;
    // Before the first look, so that nothing falls between the two.
    let happened = engine.subscribe();
    let (first, newest) = engine.change_range().await?.unwrap_or((1, 0));
    // Behind the end is what another store knew; before the beginning something is forgotten.
    let remembered = |last: &i64| *last <= newest && *last >= first - 1;
    let (after, greeting) = match last {
        Some(last) if remembered(&last) => (last, "ready"),
        Some(_) => (newest, "reset"),
        None => (newest, "ready"),
    };
    let greeting = Event::default().event(greeting).id(after.to_string()).retry(COME_BACK).data("{}");
    let reader = Reader {
        access: engine.app().settings.access.subscribe(),
        let_in_by: let_in_by.map(|found| found.0),
        engine,
        happened,
        after,
        ready: VecDeque::from([greeting]),
        closing: closing.map(|found| found.0.0).unwrap_or_default(),
        _place: place,
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    // Without this some proxies collect events before they pass them on.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([unbuffered], Sse::new(events)).into_response())
}

fn bad_place(text: &str) -> Problem {
    Problem::bad_request(format!("`{text}` is not an event id: send the id of the last event you received"))
}

struct Reader {
    engine: ScopedEngine,
    access: watch::Receiver<Arc<AccessSettings>>,
    /// Who could get in when the reader came.
    let_in_by: Option<Arc<AccessSettings>>,
    happened: broadcast::Receiver<EngineEvent>,
    after: i64,
    ready: VecDeque<Event>,
    closing: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        let mut rested = false;
        // What others are told is no sign of life for this one.
        let until = Instant::now() + HEARTBEAT;
        loop {
            // Whoever may still get in comes back, and gets what they may see by now.
            if self.closing.is_cancelled() || !self.is_still_let_in() {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let changes = match self.engine.changes(self.after, BATCH).await {
                Ok(changes) => changes,
                Err(error) => {
                    tracing::warn!(%error, "dropping event stream; the client reconnects");
                    return None;
                }
            };
            if let Some((last, changes)) = changes {
                self.after = last;
                self.ready.extend(changes.into_iter().filter_map(event));
            } else if rested {
                return Some(Event::default().comment("still here"));
            } else {
                rested = self.rest(until).await?;
            }
        }
    }

    /// Whether nothing has changed in who may get in since the reader was let in.
    fn is_still_let_in(&self) -> bool {
        let now = self.access.borrow();
        self.let_in_by.as_ref().is_some_and(|then| Arc::ptr_eq(then, &now))
    }

    /// Waits until something has happened; `true` if nothing did until then, and `None` at the end.
    async fn rest(&mut self, until: Instant) -> Option<bool> {
        tokio::select! {
            () = self.closing.cancelled() => None,
            _ = self.access.changed() => None,
            () = tokio::time::sleep_until(until) => Some(true),
            told = self.happened.recv() => match told {
                Err(broadcast::error::RecvError::Closed) => None,
                // What it was, and what was missed, is in the store; many at once are one look.
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    while !matches!(
                        self.happened.try_recv(),
                        Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed)
                    ) {}
                    Some(false)
                }
            },
        }
    }
}

/// A decision was made.
#[derive(Serialize, ToSchema)]
pub(super) struct DecisionEvent {
    /// The decision.
    id: String,
    at: Timestamp,
    workspace: String,
    thread_id: String,
    /// The rules that matched.
    matched: Vec<String>,
}

/// An action was planned, or has another state or reason.
#[derive(Serialize, ToSchema)]
pub(super) struct ActionEvent {
    /// The action.
    id: String,
    decision_id: String,
    at: Timestamp,
    workspace: String,
    thread_id: String,
    rule: String,
    kind: ActionKind,
    state: ActionState,
    /// The reason's code.
    reason: Option<String>,
}

/// What followers are told of a change; `None` if it is for the service alone.
fn event(change: Change) -> Option<Event> {
    let Change { seq, at, workspace, thread_id, decision_id, what } = change;
    let (kind, data) = match what {
        ChangeKind::Decision { matched } => {
            ("decision", json!(DecisionEvent { id: decision_id, at, workspace, thread_id, matched }))
        }
        ChangeKind::Action { id, rule, kind, state, reason } => {
            let id = id.0;
            let event = ActionEvent { id, decision_id, at, workspace, thread_id, rule, kind, state, reason };
            ("action", json!(event))
        }
        ChangeKind::Forgotten | ChangeKind::Resumed => return None,
    };
    Some(Event::default().id(seq.to_string()).event(kind).data(data.to_string()))
}

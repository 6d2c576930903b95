//! The audit log: who changed what, kept in the store.

use super::{
    ApiResult, App,
    caller::Caller,
    pagination::{CursorPaging, Page, non_empty, page},
    problem::{Problem, QueryParams},
};
use crate::store::{AuditEntry, AuditFilter, StoreError};
use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

/// Notes what somebody has just changed. The change stands whatever becomes of the note, so that a note which cannot be
/// written is told in the log instead.
pub(super) async fn record(app: &App, caller: &Caller, what: &str, target: Option<&str>, details: Value) {
    if let Err(error) = append(app, caller, what, target, details).await {
        let (who, remote) = (caller.way.as_str(), caller.remote.map(|remote| remote.to_string()));
        tracing::error!(%error, what, target, who, remote, "cannot write the audit log entry");
    }
}

/// An operator has dealt with the thread of a decision. The store reads it: such a thread is no longer left for a person.
pub(super) const THREAD_DONE: &str = "thread.done";

/// As [`note`], where the entry itself is the change.
pub(super) async fn append(
    app: &App,
    caller: &Caller,
    what: &str,
    target: Option<&str>,
    details: Value,
) -> Result<(), StoreError> {
    let entry = AuditEntry {
        id: uuid::Uuid::now_v7().to_string(),
        at: app.engine.now(),
        who: caller.way.as_str().to_owned(),
        remote: caller.remote.map(|remote| remote.to_string()),
        what: what.to_owned(),
        target: target.map(str::to_owned),
        details: match details {
            Value::Object(details) => details,
            _ => Map::new(),
        },
        request_id: caller.request_id.clone(),
    };
    tracing::warn!(what, who = entry.who, remote = entry.remote, "operator change");
    app.engine.store().add_audit(&entry).await
}

pub(super) type AuditPage = Page<AuditEntry>;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Only changes of this kind, such as `rule.mode`.
    what: Option<String>,
    /// Only changes of this rule, workspace, action or address.
    target: Option<String>,
}

/// List what operators changed, newest first.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "audit", tag = "service",
    params(ListParams, CursorPaging),
    responses((status = 200, body = AuditPage), (status = 400, response = Problem))
)]
pub(super) async fn list(
    State(app): State<App>,
    QueryParams(params): QueryParams<ListParams>,
    paging: CursorPaging,
) -> ApiResult<AuditPage> {
    let filter = AuditFilter {
        what: non_empty(params.what),
        target: non_empty(params.target),
        before: paging.before,
        limit: paging.limit + 1,
    };
    let found = app.engine.store().audit(&filter).await.map_err(Problem::from)?;
    Ok(Json(page(found, paging.limit, |entry| entry.id.clone())))
}

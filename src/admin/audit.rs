//! The audit log: who changed what, kept in the store.

use super::{
    ApiResult, App, ScopedEngine,
    caller::{AuthMethod, Caller},
    pagination::{CursorPaging, Page, non_empty, page, workspace_name},
    problem::{Problem, QueryParams},
};
use crate::store::{AuditEntry, AuditFilter, StoreError};
use axum::Json;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};

/// So many entries are read at once, where not all of them may be shown.
const PART: u32 = 500;

/// Notes what somebody has just changed. The change stands whatever becomes of the note, so that a note which cannot be
/// written is told in the log instead.
pub(super) async fn record(engine: &ScopedEngine, what: &str, target: Option<&str>, details: Value) {
    record_by(engine.app(), engine.caller(), what, target, details).await;
}

/// The same for somebody who has just signed in, or could not.
pub(super) async fn record_by(app: &App, caller: &Caller, what: &str, target: Option<&str>, details: Value) {
    if let Err(error) = append(app, caller, what, target, details).await {
        let who = caller.to_string();
        tracing::error!(%error, what, target, who, "cannot write the audit log entry");
    }
}

/// An operator has dealt with the thread of a decision. The store reads it: such a thread is no longer left for a person.
pub(super) const THREAD_DONE: &str = "thread.done";
/// Where the details of an entry keep the user's name.
const USER: &str = "user";
/// Who changed something without the service.
const COMMAND: &str = "command";

/// As [`record_by`], where the entry itself is the change.
pub(super) async fn append(
    app: &App,
    caller: &Caller,
    what: &str,
    target: Option<&str>,
    details: Value,
) -> Result<(), StoreError> {
    app.whole_engine().store().add_audit(&entry(app, caller, what, target, details)).await
}

/// The entry, for whoever writes it with the change; the log tells of it.
pub(super) fn entry(app: &App, caller: &Caller, what: &str, target: Option<&str>, details: Value) -> AuditEntry {
    let mut details = match details {
        Value::Object(details) => details,
        _ => Map::new(),
    };
    if let Some(name) = caller.name() {
        details.insert(USER.to_owned(), name.into());
    }
    let entry = AuditEntry {
        id: uuid::Uuid::now_v7().to_string(),
        at: app.whole_engine().now(),
        who: caller.way.as_str().to_owned(),
        remote: caller.remote.map(|remote| remote.to_string()),
        what: what.to_owned(),
        target: target.map(str::to_owned),
        details,
        request_id: caller.request_id.clone(),
    };
    tracing::warn!(what, user = caller.name(), who = entry.who, remote = entry.remote, "operator change");
    entry
}

/// One entry of the audit log: what an operator changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(super) struct AuditReport {
    /// A UUID version 7.
    pub id: String,
    pub at: Timestamp,
    /// The user; null for somebody without a name, such as the holder of `admin.token`.
    pub user: Option<String>,
    /// How they got in; `nobody` for a sign-in that failed or a wrong token, `command` for a command on a store that no service had.
    #[schema(schema_with = auth_methods)]
    pub who: String,
    /// The address that the request came from.
    pub remote: Option<String>,
    /// What they did, such as `rule.mode` or `action.approve`.
    pub what: String,
    /// What they did it to: a rule, a workspace, an action, an address; for a failed sign-in, the name that was given, or the workspace of the hook.
    pub target: Option<String>,
    /// More about it. No secret and no text of a mail.
    #[schema(value_type = HashMap<String, Value>)]
    pub details: Map<String, Value>,
    /// The id of the request, as the log has it.
    pub request_id: Option<String>,
}

fn auth_methods() -> Object {
    let names = AuthMethod::ALL.map(AuthMethod::as_str).into_iter().chain([COMMAND]);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

impl From<AuditEntry> for AuditReport {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, at, who, remote, what, target, mut details, request_id } = entry;
        let user = details.remove(USER).and_then(|name| name.as_str().map(str::to_owned));
        Self { id, at, user, who, remote, what, target, details, request_id }
    }
}

pub(super) type AuditPage = Page<AuditReport>;

/// A page of the entries that they may read, newest first. Who does not see all of them gets a whole page as well: the log
/// is read on until it is full.
pub(super) async fn entries(engine: &ScopedEngine, filter: AuditFilter, limit: u32) -> Result<AuditPage, StoreError> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let mut filter = AuditFilter { limit: limit.saturating_add(1), ..filter };
    let mut items = Vec::new();
    loop {
        let found = engine.audit(&filter).await?;
        filter.before = found.last;
        items.extend(found.entries.into_iter().map(AuditReport::from));
        if found.is_end || items.len() >= wanted {
            items.truncate(wanted);
            return Ok(page(items, limit, |entry: &AuditReport| entry.id.clone()));
        }
        // Few of many are theirs.
        filter.limit = PART;
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// Only changes of this kind, such as `rule.mode`.
    what: Option<String>,
    /// Only changes of this rule, workspace, action or address.
    target: Option<String>,
    /// Only changes in this workspace.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
}

/// List what operators changed, newest first.
///
/// Lines about the whole service, and sign-ins, are for admins of all workspaces.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "audit", tag = "service",
    params(ListParams, CursorPaging),
    responses(
        (status = 200, body = AuditPage),
        (status = 400, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn list(
    engine: ScopedEngine,
    QueryParams(params): QueryParams<ListParams>,
    paging: CursorPaging,
) -> ApiResult<AuditPage> {
    let engine = engine.narrowed_to(params.workspace.as_deref())?;
    let filter =
        AuditFilter { what: non_empty(params.what), target: non_empty(params.target), before: paging.before, limit: 0 };
    Ok(Json(entries(&engine, filter, paging.limit).await?))
}

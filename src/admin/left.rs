//! Threads that are left for a person: nothing in them is open any more, and somebody still has to look.

use super::{
    ApiResult, ScopedEngine, audit,
    pagination::{CursorPaging, Page, WorkspaceFilter, page},
    problem::{Problem, QueryParams},
};
use crate::{
    model::{ActionKind, ActionState, Reason, ReasonCode},
    store::{ActionSummary, DecisionRecord, StoreError},
};
use axum::{Json, extract::Path, http::StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use utoipa::ToSchema;

/// Older ones are in the activity only: nobody clears a list that never ends.
const LISTED_FOR: Duration = Duration::from_secs(30 * 86_400);

/// A thread that an operator should look at, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LeftThread {
    pub decision_id: String,
    pub workspace: String,
    pub thread_id: String,
    pub message_id: Option<String>,
    pub lead_email: Option<String>,
    pub lead_name: Option<String>,
    /// Who wrote the message.
    pub from: Option<String>,
    pub subject: Option<String>,
    /// What the lead wrote anew, or the beginning of the message where it was not read.
    pub text: Option<String>,
    pub at: Timestamp,
    pub why: Vec<WhyLeft>,
}

/// One thing that was wanted and not done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WhyLeft {
    /// The rule that wanted it; `None` where it is about the lead.
    pub rule: Option<String>,
    pub kind: Option<ActionKind>,
    pub reason: Reason,
}

/// Since when they are listed.
pub(super) fn since(now: Timestamp) -> Timestamp {
    now.saturating_sub(LISTED_FOR).unwrap_or(Timestamp::MIN)
}

/// The newest ones.
pub(super) async fn threads(
    engine: &ScopedEngine,
    before: Option<&str>,
    limit: u32,
) -> Result<Page<LeftThread>, StoreError> {
    let found = engine.left(before, limit.saturating_add(1)).await?;
    let found = page(found, limit, |decision| decision.id.clone());
    let mut actions = engine.actions_by_decision(&found.items).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for decision in found.items {
        let opted_out = match &decision.lead_email {
            Some(email) => engine.opt_out(&decision.workspace, email).await?.is_some(),
            None => false,
        };
        let planned = actions.remove(&decision.id).unwrap_or_default();
        items.push(LeftThread::new(decision, planned, opted_out));
    }
    Ok(Page { items, next: found.next })
}

impl LeftThread {
    fn new(decision: DecisionRecord, actions: Vec<ActionSummary>, opted_out: bool) -> Self {
        let stopped = |action: &ActionSummary| {
            let code = action.reason.as_ref().map(|reason| reason.code);
            matches!(action.state, ActionState::Suppressed | ActionState::Cancelled)
                && !matches!(code, Some(ReasonCode::AlreadyAnswered | ReasonCode::SameTarget | ReasonCode::Shadow))
        };
        let mut why: Vec<WhyLeft> = actions
            .into_iter()
            .filter(stopped)
            .filter_map(|action| {
                Some(WhyLeft { rule: Some(action.rule), kind: Some(action.kind), reason: action.reason? })
            })
            .collect();
        // That the thread stays unread follows from what is told beside it.
        if why.iter().any(|found| found.kind != Some(ActionKind::MarkRead)) {
            why.retain(|found| found.kind != Some(ActionKind::MarkRead));
        }
        if opted_out && why.iter().all(|found| found.reason.code != ReasonCode::OptOut) {
            let text = "the lead opted out: remove them from the campaign in ColdSend";
            why.insert(0, WhyLeft { rule: None, kind: None, reason: Reason::new(ReasonCode::OptOut, text) });
        }
        let trace = decision.trace;
        if let Some(problem) = trace.problem {
            why.insert(0, WhyLeft { rule: None, kind: None, reason: Reason::new(ReasonCode::Unreachable, problem) });
        }
        Self {
            decision_id: decision.id,
            workspace: decision.workspace,
            thread_id: decision.thread_id,
            message_id: decision.message_id,
            lead_email: decision.lead_email,
            lead_name: trace.lead_name,
            from: trace.from,
            subject: trace.subject,
            text: trace.body.or(trace.preview),
            at: decision.at,
            why,
        }
    }
}

pub(super) type LeftPage = Page<LeftThread>;

/// List the threads of the last 30 days that are left for you, newest first.
#[utoipa::path(
    get, path = "/api/v1/left", operation_id = "leftThreads", tag = "decisions",
    params(WorkspaceFilter, CursorPaging),
    responses(
        (status = 200, body = LeftPage),
        (status = 400, response = Problem),
        (status = 404, response = Problem)
    )
)]
pub(super) async fn list(
    engine: ScopedEngine,
    QueryParams(filter): QueryParams<WorkspaceFilter>,
    paging: CursorPaging,
) -> ApiResult<LeftPage> {
    let engine = engine.narrowed_to(filter.name().as_deref())?;
    Ok(Json(threads(&engine, paging.before.as_deref(), paging.limit).await?))
}

/// Take a thread off that list.
#[utoipa::path(
    post, path = "/api/v1/left/{id}/done", operation_id = "threadDone", tag = "decisions",
    params(("id" = String, Path, description = "The decision.")),
    responses((status = 204, description = "It is off the list."), (status = 404, response = Problem))
)]
pub(super) async fn done(engine: ScopedEngine, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    done_by(&engine, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The audit log is what says that somebody has dealt with a thread, so that it also says who and when.
pub(super) async fn done_by(engine: &ScopedEngine, id: &str) -> Result<(), Problem> {
    let decision = engine.decision(id).await?;
    let details = json!({
        "workspace": decision.workspace,
        "thread_id": decision.thread_id,
        "lead_email": decision.lead_email,
    });
    audit::append(engine.app(), engine.caller(), audit::THREAD_DONE, Some(&decision.id), details).await?;
    Ok(())
}

//! One conversation: what the lead wrote, why each rule matched or did not, and what became of it.

use super::{
    super::{
        ScopedEngine,
        explain::read_live,
        openapi::HtmlPage,
        pagination::workspace_name,
        problem::{Problem, QueryParams},
    },
    Layout, Tab,
    trace::Trace,
    view::{self, ActionCard, TimeTag},
};
use crate::{
    rules::ThreadMessages,
    store::{ActionFilter, DecisionFilter},
};
use askama::Template;
use axum::{extract::Path, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;

/// Older decisions are in the activity.
const DECISIONS: u32 = 10;
const ACTIONS: u32 = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::admin) struct ListParams {
    /// Where to read it.
    #[serde(default, deserialize_with = "workspace_name")]
    workspace: Option<String>,
    /// Set by the button that reads the thread now.
    live: Option<String>,
}

#[derive(Template)]
#[template(path = "thread.html")]
struct ThreadPage {
    frame: Layout,
    id: String,
    lead: String,
    lead_email: Option<String>,
    subject: String,
    workspace: Option<String>,
    live: Option<Live>,
    live_error: Option<String>,
    decisions: Vec<Decided>,
    actions: Vec<ActionCard>,
}

/// A decision as it was recorded.
struct Decided {
    at: TimeTag,
    event: &'static str,
    matched: Vec<String>,
    trace: Trace,
}

/// The thread as it is now, and what the rules would do.
struct Live {
    messages: Vec<MessageView>,
    trace: Trace,
}

struct MessageView {
    from: String,
    outgoing: bool,
    at: Option<TimeTag>,
    text: String,
    attachments: Vec<String>,
}

/// Show what was decided about a thread, and why.
#[utoipa::path(
    get, path = "/threads/{id}", operation_id = "threadPage", tag = "pages",
    params(("id" = String, Path, description = "The thread."), ListParams),
    responses(HtmlPage, (status = 404, response = Problem))
)]
pub(in crate::admin) async fn thread(
    engine: ScopedEngine,
    Path(id): Path<String>,
    QueryParams(wanted): QueryParams<ListParams>,
) -> Result<Response, Problem> {
    let filter = DecisionFilter { thread: Some(id.clone()), limit: DECISIONS, ..DecisionFilter::default() };
    let found = engine.decisions(filter).await?;
    let (mut live, mut live_error) = (None, None);
    if wanted.live.is_some() {
        match read_live(&engine, &id, wanted.workspace.as_deref()).await {
            Ok((explanation, messages)) => {
                live = Some(Live { messages: conversation(&messages), trace: explanation.into() });
            }
            // The thread is known: what is recorded is shown all the same.
            Err(problem) if !found.is_empty() => live_error = Some(problem.detail().to_owned()),
            Err(problem) => return Err(problem),
        }
    } else if found.is_empty() {
        return Err(Problem::not_found_named("decision in thread", &id));
    }
    let filter = ActionFilter { thread: Some(id.clone()), limit: ACTIONS, ..ActionFilter::default() };
    let actions = engine.actions(filter).await?;
    let workspace = found.first().map(|decision| decision.workspace.clone());
    let lead_email = found.iter().find_map(|decision| decision.lead_email.clone());
    let mut decisions = Vec::with_capacity(found.len());
    for decision in found {
        let Some(explanation) = engine.shared().operator().explain_decision(&decision.id).await? else { continue };
        decisions.push(Decided {
            at: TimeTag(decision.at),
            event: decision.event.as_str(),
            matched: decision.matched,
            trace: explanation.into(),
        });
    }
    let mut traces = live.iter().map(|live| &live.trace).chain(decisions.iter().map(|decided| &decided.trace));
    let lead = traces.clone().find_map(|trace| trace.lead.clone());
    let subject = traces.find_map(|trace| trace.subject.clone());
    super::render(&ThreadPage {
        frame: Layout::new(&engine, Tab::None).await?,
        lead: lead.unwrap_or_else(|| "unknown lead".to_owned()),
        lead_email,
        subject: subject.unwrap_or_default(),
        workspace: wanted.workspace.or(workspace),
        id,
        live,
        live_error,
        decisions,
        actions: actions.into_iter().map(ActionCard::from).collect(),
    })
}

/// The new text of each message, oldest first.
fn conversation(messages: &ThreadMessages) -> Vec<MessageView> {
    let all = messages.conversation().messages().iter().enumerate();
    let view = |(index, message): (usize, &crate::model::Message)| MessageView {
        from: message.from.clone().unwrap_or_else(|| "unknown".to_owned()),
        outgoing: message.outgoing,
        at: message.created_at.map(TimeTag),
        text: messages.new_text(index).to_owned(),
        attachments: message.attachments.iter().filter_map(|file| file.filename.clone()).collect(),
    };
    all.map(view).collect()
}

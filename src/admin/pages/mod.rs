//! The pages: rendered on the server and escaped by the template engine. They work without script; script adds what is
//! live, the viewer's time zone and the keys.

pub(super) mod activity;
pub(super) mod assets;
pub(super) mod backtest;
mod backtest_result;
mod errors;
pub(super) mod forget;
pub(super) mod forms;
pub(super) mod queue;
pub(super) mod rules;
pub(super) mod thread;
mod trace;
pub(super) mod try_page;
mod view;
pub(super) mod workspace;

pub(super) use errors::as_page;

use super::{ScopedEngine, access::Needs, caller::AuthMethod, problem::Problem};
use crate::model::ActionState;
use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

/// States that need you, the most pressing first.
const FOR_A_PERSON: [ActionState; 3] = [ActionState::Quarantined, ActionState::Held, ActionState::Failed];
/// States that run automatically when due.
const WAITING: [ActionState; 4] =
    [ActionState::Planned, ActionState::Waiting, ActionState::Retrying, ActionState::Unknown];

/// Which entry of the navigation is the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Rules,
    Activity,
    Queue,
    Try,
    Backtest,
    Workspace,
    None,
}

/// The layout around every page.
struct Layout {
    version: &'static str,
    tab: Tab,
    /// How many actions and threads need you.
    for_you: u64,
    /// Nothing is sent: what is called done would have been.
    dry_run: bool,
    /// Everything is paused.
    paused: bool,
    /// There is something to sign out of.
    signs_in: bool,
    /// Who is signed in, if they have a name, and their role.
    user: Option<(String, &'static str)>,
    /// What they may do: buttons for anything else are not shown.
    may: Abilities,
}

/// What somebody may do on the pages.
#[derive(Debug, Clone, Copy)]
struct Abilities {
    /// Decide about actions, pause a workspace, keep opt-outs.
    approve: bool,
    /// Check keys and destinations.
    check: bool,
    /// Erase a person.
    forget: bool,
    /// What concerns the whole service.
    whole_service: bool,
}

impl Layout {
    async fn new(engine: &ScopedEngine, tab: Tab) -> Result<Self, Problem> {
        let queue = engine.queue_counts().await?;
        let pauses = engine.pauses().await?;
        let principal = engine.principal();
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            tab,
            for_you: FOR_A_PERSON.iter().filter_map(|state| queue.get(state)).sum::<u64>()
                + engine.left_count().await?,
            dry_run: engine.shared().is_dry_run(),
            paused: pauses.iter().any(|pause| pause.workspace.is_none()),
            signs_in: engine.caller().way == AuthMethod::Session,
            user: principal.name().map(|name| (name.to_owned(), principal.role().as_str())),
            may: Abilities {
                approve: engine.may(Needs::APPROVER),
                check: engine.may(Needs::ADMIN),
                forget: engine.may(Needs::ADMIN),
                whole_service: engine.may(Needs::WholeService),
            },
        })
    }

    fn is_active(&self, tab: &Tab) -> bool {
        self.tab == *tab
    }
}

/// The sign-in.
#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    wrong: bool,
}

/// The sign-in; `wrong` after a token that is not the right one.
pub(super) fn login(wrong: bool) -> Response {
    let status = if wrong { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    match render(&Login { wrong }) {
        Ok(page) => (status, page).into_response(),
        Err(problem) => problem.into_response(),
    }
}

fn render(page: &impl Template) -> Result<Response, Problem> {
    let text = page.render().map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(Html(text).into_response())
}

//! The service as whoever calls sees it: only their workspaces exist, in lists, under ids and in counts.
//!
//! This is the only way from a request to the engine and the store, so that no handler can forget whose data it shows:
//! [`App`] keeps the engine to itself, and a [`ScopedEngine`] is made only for somebody whom the guard let in.

mod counts;
mod records;

use super::{
    AdminSettings, Reload,
    access::{Needs, Principal},
    backtest::Jobs,
    caller::Caller,
    events,
    openapi::Description,
    problem::Problem,
    sessions::Sessions,
};
use crate::{
    backtest::StoredEvents,
    engine::{Engine, EngineEvent, HealthCheck, Workspace, check_destination, check_key},
    rules::Rule,
    store::{EventFilter, EventStore, Store},
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use jiff::Timestamp;
use std::{collections::HashSet, sync::Arc};
use tokio::sync::{Semaphore, broadcast};

/// What every route may use.
#[derive(Clone)]
pub(in crate::admin) struct App {
    engine: Arc<Engine>,
    pub(in crate::admin) settings: Arc<AdminSettings>,
    pub(in crate::admin) reload: Option<Arc<dyn Reload>>,
    pub(in crate::admin) sessions: Arc<Sessions>,
    /// What people try with the rules.
    pub(in crate::admin) jobs: Arc<Jobs>,
    /// Places for those who follow the events.
    pub(in crate::admin) readers: Arc<Semaphore>,
    /// The OpenAPI document.
    pub(in crate::admin) description: Arc<Description>,
}

impl App {
    pub(in crate::admin) fn new(engine: Arc<Engine>, settings: AdminSettings, reload: Option<Arc<dyn Reload>>) -> Self {
        Self {
            engine,
            settings: Arc::new(settings),
            reload,
            sessions: Arc::new(Sessions::new()),
            jobs: Arc::default(),
            readers: Arc::new(Semaphore::new(events::MAX_STREAMS)),
            description: Arc::default(),
        }
    }

    /// How many follow the events.
    pub(in crate::admin) fn open_streams(&self) -> usize {
        events::MAX_STREAMS.saturating_sub(self.readers.available_permits())
    }

    /// The whole service, for what belongs to nobody's workspaces: probes, metrics, hooks, and writing the audit log.
    pub(in crate::admin) fn whole_engine(&self) -> &Arc<Engine> {
        &self.engine
    }
}

/// The service as one caller sees it.
#[derive(Clone)]
pub(in crate::admin) struct ScopedEngine {
    app: App,
    caller: Caller,
    principal: Principal,
    /// The workspaces that they see; `None` if they see all, also those that are no longer configured.
    names: Option<Arc<Names>>,
}

/// The names of some workspaces.
struct Names {
    /// In the order of the configuration.
    ordered: Arc<[String]>,
    /// Each row of a list and each count asks.
    known: HashSet<String>,
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let ordered: Arc<[String]> = names.into_iter().collect();
        let known = ordered.iter().cloned().collect();
        Self { ordered, known }
    }
}

impl FromRequestParts<App> for ScopedEngine {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::of(&parts.extensions);
        // Behind the guard there always is one.
        let Some(principal) = caller.principal.clone() else {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "sign in first"));
        };
        let scope = principal.scope();
        let names = (!scope.is_everything()).then(|| {
            let all = app.engine.workspaces();
            let seen = all.iter().map(|found| found.name()).filter(|name| scope.includes(name));
            Arc::new(seen.map(str::to_owned).collect())
        });
        Ok(Self { app: app.clone(), caller, principal, names })
    }
}

/// Who asks, and what they may.
impl ScopedEngine {
    pub(in crate::admin) fn app(&self) -> &App {
        &self.app
    }

    pub(in crate::admin) fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(in crate::admin) fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(in crate::admin) fn may(&self, needs: Needs) -> bool {
        needs.are_met_by(&self.principal)
    }

    /// Refuses whoever may not.
    pub(in crate::admin) fn require(&self, needs: Needs) -> Result<(), Problem> {
        needs.check(&self.principal)
    }

    /// Whether they see all workspaces, also those that are no longer configured.
    pub(in crate::admin) fn sees_everything(&self) -> bool {
        self.principal.scope().is_everything()
    }

    pub(in crate::admin) fn sees(&self, workspace: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.known.contains(workspace))
    }

    /// The service as they see it, of one workspace alone; as it is where none is named.
    pub(in crate::admin) fn narrowed_to(&self, workspace: Option<&str>) -> Result<Self, Problem> {
        let Some(name) = workspace else { return Ok(self.clone()) };
        self.workspace(name)?;
        Ok(Self { names: Some(Arc::new(Names::from_iter([name.to_owned()]))), ..self.clone() })
    }

    fn names(&self) -> Option<&[String]> {
        self.names.as_deref().map(|names| names.ordered.as_ref())
    }

    /// The workspaces that a list may show, if only this one is wanted.
    fn narrowed(&self, wanted: Option<&str>) -> Option<Vec<String>> {
        match wanted {
            None => self.names().map(<[String]>::to_vec),
            Some(name) if self.sees(name) => Some(vec![name.to_owned()]),
            Some(_) => Some(Vec::new()),
        }
    }
}

/// Workspaces and rules.
impl ScopedEngine {
    /// Those that they see, in the order of the configuration.
    pub(in crate::admin) fn workspaces(&self) -> Vec<Arc<Workspace>> {
        self.app.engine.workspaces().into_iter().filter(|found| self.sees(found.name())).collect()
    }

    pub(in crate::admin) fn workspace(&self, name: &str) -> Result<Arc<Workspace>, Problem> {
        let found = self.app.engine.workspace(name).filter(|_| self.sees(name));
        found.ok_or_else(|| Problem::not_found_named("workspace", name))
    }

    /// Whether a rule acts in one of their workspaces; one that acts in others only does not exist for them.
    pub(in crate::admin) fn sees_rule(&self, rule: &Rule) -> bool {
        self.names.is_none()
            || match self.app.engine.rules().workspaces_with(&rule.name) {
                Some(having) => having.iter().any(|name| self.sees(name)),
                None => self.names().is_some_and(|names| !names.is_empty()),
            }
    }

    /// Whether each key is accepted and each destination reachable.
    pub(in crate::admin) async fn check_connections(&self) -> Vec<HealthCheck> {
        if self.sees_everything() {
            return self.app.engine.operator().check_all().await;
        }
        let workspaces = self.workspaces();
        let mut findings = Vec::new();
        for workspace in &workspaces {
            findings.push(check_key(workspace.client()).await);
        }
        for (index, workspace) in workspaces.iter().enumerate() {
            let before = workspaces.get(..index).unwrap_or_default();
            for name in workspace.destinations().names() {
                // One that several workspaces share is checked once.
                if !before.iter().any(|other| other.destinations().share(workspace.destinations(), name)) {
                    findings.push(check_destination(workspace.destinations(), name).await);
                }
            }
        }
        findings
    }
}

/// What a backtest reads.
impl ScopedEngine {
    /// The names of the workspaces that they see; `None` for all.
    pub(in crate::admin) fn seen(&self) -> Option<Arc<[String]>> {
        self.names.as_ref().map(|names| Arc::clone(&names.ordered))
    }

    /// The workspaces whose events they may compare, if only this one is wanted; `None` for all.
    pub(in crate::admin) fn names_of(&self, wanted: Option<&str>) -> Option<Vec<String>> {
        self.narrowed(wanted)
    }

    /// Whether other processes may work on the same store.
    pub(in crate::admin) fn has_shared_store(&self) -> bool {
        self.app.engine.store().is_shared()
    }

    /// Events of these workspaces as they were evaluated, so many at a time.
    pub(in crate::admin) fn stored_events(&self, wanted: Option<&str>, since: Timestamp, page: u32) -> StoredEvents {
        let store = Arc::clone(self.app.engine.store()) as Arc<dyn EventStore>;
        StoredEvents::new(store, EventFilter { since: Some(since), workspaces: self.narrowed(wanted) }, page)
    }
}

/// What is nobody's alone, or was looked up before.
impl ScopedEngine {
    /// The engine, for what shows no workspace's data, or acts on what one of the methods above found.
    pub(in crate::admin) fn shared(&self) -> &Engine {
        &self.app.engine
    }

    /// The store, for those who see everything in it.
    pub(in crate::admin) fn whole_store(&self) -> Option<&dyn Store> {
        self.sees_everything().then(|| self.app.engine.store().as_ref())
    }

    /// Tells that something has happened, in whichever workspace.
    pub(in crate::admin) fn subscribe(&self) -> broadcast::Receiver<EngineEvent> {
        self.app.engine.subscribe()
    }
}

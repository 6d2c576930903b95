//! One set of rules with an engine, a store and a clock of its own, and what becomes of each event.

use super::{
    ReplayError,
    account::PlayedAccount,
    earlier::{has_left, record_earlier, record_left},
    opt_outs::OptOuts,
    order::ThreadKey,
    scene::Scene,
    workspaces::PlayedWorkspaces,
};
use crate::{
    backtest::compare::Lack,
    engine::{Clock, Engine, EngineParts, GivenRow, IntakeError, ManualClock, Recorded, Workspace},
    model::{Action, ActionId, ActionState, Mode, Reason, WorkspaceSettings},
    rules::RuleSet,
    store::{ActionStore as _, ControlStore as _, DecisionRecord, EventKind, SqlStore, Store},
};
use jiff::Timestamp;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

/// How long time goes on after the last event. What waits longer is told as waiting.
const AFTERWARDS: Duration = Duration::from_secs(31 * 24 * 3_600);
/// What stays due although it came up comes up again after this.
const AGAIN: Duration = Duration::from_secs(60);

/// When an action comes up: replies before others, then in the order of their decisions.
type Due = (Timestamp, u8, u64);

/// One set of rules and all that it has done in this play.
pub(super) struct Side {
    engine: Arc<Engine>,
    store: Arc<SqlStore>,
    clock: Arc<ManualClock>,
    rules: Arc<RuleSet>,
    workspaces: PlayedWorkspaces,
    /// The modes that rules are lowered to now.
    overrides: HashMap<String, Mode>,
    /// Actions that may come up again.
    open: HashMap<ActionId, Open>,
    open_in: HashMap<ThreadKey, Vec<ActionId>>,
    due: BTreeSet<(Due, ActionId)>,
    /// Actions so far.
    actions: u64,
    /// What became of events so far, by their numbers, until it is taken.
    played: HashMap<u64, Played>,
    /// Actions of before the first event that were written; those that had not left with the ids that they have here.
    earlier: HashMap<ActionId, Option<ActionId>>,
    opt_outs: OptOuts,
}

/// Where an action is followed.
struct Open {
    event: u64,
    /// Its place in the decision.
    place: usize,
    order: u64,
    workspace: String,
    thread: String,
    due: Option<Due>,
}

/// What became of an event.
pub(super) struct Played {
    pub(super) record: Arc<DecisionRecord>,
    pub(super) actions: Vec<Followed>,
}

/// What became of an action.
pub(super) struct Followed {
    /// As it is now; once a person would have to approve it, as it was then.
    pub(super) action: Action,
    /// What it waited for last.
    pub(super) waited: Option<Reason>,
    is_final: bool,
}

impl Side {
    pub(super) async fn new(
        rules: &RuleSet,
        settings: Arc<HashMap<String, WorkspaceSettings>>,
    ) -> Result<Self, ReplayError> {
        let store = Arc::new(SqlStore::for_a_play().await?);
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let engine = Engine::new(EngineParts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            rules: RuleSet::default(),
            workspaces: Vec::new(),
            public_url: None,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            dry_run: false,
            #[cfg(feature = "test-hooks")]
            test_hooks: None,
        });
        let rules = Arc::new(rules.without_unknown_hours());
        engine.replace_rules(Arc::clone(&rules));
        Ok(Self {
            workspaces: PlayedWorkspaces::new(settings, Arc::clone(&clock))?,
            opt_outs: OptOuts::new(Arc::clone(&engine), Arc::clone(&store)),
            engine,
            store,
            clock,
            rules,
            overrides: HashMap::new(),
            open: HashMap::new(),
            open_in: HashMap::new(),
            due: BTreeSet::new(),
            actions: 0,
            played: HashMap::new(),
            earlier: HashMap::new(),
        })
    }

    pub(super) fn rules(&self) -> &RuleSet {
        &self.rules
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Plays events; those that are marked are passed over. What each lacked comes back.
    pub(super) async fn play_all(&mut self, scenes: &[(Scene, bool)]) -> Result<Vec<Option<Lack>>, ReplayError> {
        let mut lacks = Vec::with_capacity(scenes.len());
        for (scene, passes_over) in scenes {
            self.let_pass(scene.event.time).await?;
            lacks.push(match passes_over {
                true => {
                    self.prepare(scene).await?;
                    // Nobody has looked who wrote what the row of another category shows.
                    if scene.messages.is_some() || scene.event.kind == EventKind::Message {
                        self.opt_outs.read(scene).await?;
                    }
                    self.pass_over(scene);
                    None
                }
                false => self.play(scene).await?,
            });
        }
        Ok(lacks)
    }

    /// After the last event: until nothing waits any more.
    pub(super) async fn let_time_pass(&mut self) -> Result<(), ReplayError> {
        let end = self.clock.now().saturating_add(AFTERWARDS).unwrap_or(Timestamp::MAX);
        while self.is_any_unknown() && self.due.first().is_some_and(|((at, ..), _)| *at <= end) {
            self.next_due_one().await?;
        }
        for played in self.played.values_mut() {
            played.actions.iter_mut().for_each(|action| action.is_final = true);
        }
        Ok(())
    }

    /// Whether all is known of an event.
    pub(super) fn is_final(&self, event: u64) -> bool {
        self.played.get(&event).is_none_or(|played| played.actions.iter().all(|action| action.is_final))
    }

    /// What became of it; `None` if it was no event for this side.
    pub(super) fn take(&mut self, event: u64) -> Option<Played> {
        self.played.remove(&event)
    }

    fn is_any_unknown(&self) -> bool {
        self.played.values().any(|played| played.actions.iter().any(|action| !action.is_final))
    }

    /// What was known at the time of an event, whether it is decided or not.
    async fn prepare(&mut self, scene: &Scene) -> Result<(Arc<Workspace>, Arc<PlayedAccount>), ReplayError> {
        let known = self.workspaces.of(&self.engine, scene).await?;
        self.lower_rules(scene).await?;
        for entry in &scene.earlier {
            match self.earlier.get_mut(&entry.action) {
                Some(open) if has_left(entry) => {
                    if let Some(id) = open.take() {
                        record_left(&self.store, scene, &id, entry).await?;
                    }
                }
                Some(_) => {}
                None => {
                    let open = record_earlier(&self.store, scene, entry).await?;
                    self.earlier.insert(entry.action.clone(), open);
                }
            }
        }
        self.opt_outs.learn(scene).await?;
        Ok(known)
    }

    async fn play(&mut self, scene: &Scene) -> Result<Option<Lack>, ReplayError> {
        let event = &scene.event;
        let (workspace, account) = self.prepare(scene).await?;
        let (row, messages) = account.begin(scene);
        let given = GivenRow {
            row: &row,
            kind: event.kind,
            messages: messages.as_ref(),
            message_id: event.message_id.as_deref(),
            overrides: &self.overrides,
        };
        let decided = self.engine.intake().decide_given(&workspace, &given).await;
        let lack = account.end();
        let lack = match (decided, lack) {
            (Ok(Some(recorded)), _) => {
                self.follow(scene, recorded);
                None
            }
            (Ok(None), _) => None,
            (Err(IntakeError::Api(_)), Some(need)) => {
                // The other side may decide it, and learns the opt-out then.
                self.opt_outs.read(scene).await?;
                self.pass_over(scene);
                Some(Lack { rule: self.rule_with_open_reply(&scene.key()).unwrap_or_default(), need })
            }
            (Err(IntakeError::Api(error)), None) => return Err(ReplayError::Failed(error.to_string())),
            (Err(IntakeError::Store(error)), _) => return Err(error.into()),
        };
        self.refresh_thread(&scene.key()).await?;
        self.let_pass(event.time).await?;
        if !self.open_in.contains_key(&scene.key()) {
            account.release(&event.row.id);
        }
        Ok(lack)
    }

    /// An event that is not compared: what waits in its thread sees what came.
    fn pass_over(&self, scene: &Scene) {
        if self.open_in.contains_key(&scene.key())
            && let Some(account) = self.workspaces.account(&scene.event.workspace)
        {
            account.show_undecided(scene);
        }
    }

    /// The rule whose reply waits in the thread, so that its messages must be read.
    fn rule_with_open_reply(&self, thread: &ThreadKey) -> Option<String> {
        let open = self.open_in.get(thread)?.iter().filter_map(|id| self.open.get(id));
        let mut actions = open.filter_map(|open| self.played.get(&open.event)?.actions.get(open.place));
        actions.next().map(|followed| followed.action.rule.clone())
    }

    /// Rules are lowered as operators had lowered them then.
    async fn lower_rules(&mut self, scene: &Scene) -> Result<(), ReplayError> {
        let wanted = &scene.event.overrides;
        if wanted.len() == self.overrides.len()
            && wanted.iter().all(|(rule, mode)| self.overrides.get(rule) == Some(mode))
        {
            return Ok(());
        }
        let wanted: HashMap<String, Mode> = scene.overrides().collect();
        let now = self.clock.now();
        for rule in self.overrides.keys().filter(|rule| !wanted.contains_key(*rule)) {
            self.store.set_rule_mode(rule, None, "", now).await?;
        }
        for (rule, mode) in &wanted {
            if self.overrides.get(rule) != Some(mode) {
                self.store.set_rule_mode(rule, Some(*mode), "", now).await?;
            }
        }
        self.overrides = wanted;
        Ok(())
    }

    /// Follows the actions of a decision from here on.
    fn follow(&mut self, scene: &Scene, recorded: Recorded) {
        let Recorded { record, actions } = recorded;
        let key = scene.key();
        if record.trace.opt_out == Some(true) {
            self.opt_outs.note(scene);
        }
        let mut followed = Vec::with_capacity(actions.len());
        for (place, action) in actions.into_iter().enumerate() {
            let id = action.id.clone();
            let order = self.actions;
            self.actions += 1;
            followed.push(Followed { is_final: is_final(&action), waited: waits_for(&action).cloned(), action });
            let Some(Followed { action, .. }) = followed.last() else { continue };
            if !action.state.is_settled() {
                let due = due_of(action, order, self.clock.now());
                let (workspace, thread) = key.clone();
                self.open.insert(id.clone(), Open { event: scene.number, place, order, workspace, thread, due });
                self.open_in.entry(key.clone()).or_default().push(id.clone());
                self.due.extend(due.map(|due| (due, id)));
            }
        }
        self.played.insert(scene.number, Played { record, actions: followed });
    }

    /// Moves the clock, and does what is due at its time.
    async fn let_pass(&mut self, until: Timestamp) -> Result<(), ReplayError> {
        while self.due.first().is_some_and(|((at, ..), _)| *at <= until) {
            self.next_due_one().await?;
        }
        if self.clock.now() < until {
            self.clock.set(until);
        }
        Ok(())
    }

    async fn next_due_one(&mut self) -> Result<(), ReplayError> {
        let Some(((at, ..), id)) = self.due.pop_first() else { return Ok(()) };
        let Some(open) = self.open.get_mut(&id) else { return Ok(()) };
        open.due = None;
        let key = (open.workspace.clone(), open.thread.clone());
        if self.clock.now() < at {
            self.clock.set(at);
        }
        let workspace = self.workspace(&key.0)?;
        let carried_out = self.engine.executor().carry_out(&workspace, &id).await;
        carried_out.map_err(|error| ReplayError::Failed(error.to_string()))?;
        self.refresh(&id).await?;
        if !self.open.contains_key(&id) {
            // Others may have waited for it.
            self.refresh_thread(&key).await?;
        }
        if !self.open_in.contains_key(&key)
            && let Some(account) = self.account(&key.0)
        {
            account.release(&key.1);
        }
        Ok(())
    }

    fn workspace(&self, name: &str) -> Result<Arc<Workspace>, ReplayError> {
        self.engine.workspace(name).ok_or_else(|| ReplayError::Failed(format!("the workspace {name} is gone")))
    }

    fn account(&self, name: &str) -> Option<&Arc<PlayedAccount>> {
        self.workspaces.account(name)
    }

    async fn refresh_thread(&mut self, key: &ThreadKey) -> Result<(), ReplayError> {
        for id in self.open_in.get(key).cloned().unwrap_or_default() {
            self.refresh(&id).await?;
        }
        Ok(())
    }

    /// Takes down where an action stands.
    async fn refresh(&mut self, id: &ActionId) -> Result<(), ReplayError> {
        let Some(open) = self.open.get_mut(id) else { return Ok(()) };
        let Some(action) = self.store.action(id).await? else { return Ok(()) };
        let followed = self.played.get_mut(&open.event).and_then(|played| played.actions.get_mut(open.place));
        let now = self.clock.now();
        let mut due = due_of(&action, open.order, now);
        if let Some(followed) = followed.filter(|followed| !followed.is_final) {
            if let Some(reason) = waits_for(&action) {
                followed.waited = Some(reason.clone());
            }
            if followed.action.version == action.version
                && let Some((at, ..)) = &mut due
                && *at <= now
                && followed.action.updated_at < now
            {
                *at = now.saturating_add(AGAIN).unwrap_or(Timestamp::MAX);
            }
            followed.is_final = is_final(&action);
            followed.action = action.clone();
        }
        if open.due != due {
            if let Some(before) = open.due.take() {
                self.due.remove(&(before, id.clone()));
            }
            open.due = due;
            self.due.extend(due.map(|due| (due, id.clone())));
        }
        if action.state.is_settled()
            && let Some(Open { workspace, thread, .. }) = self.open.remove(id)
        {
            let key = (workspace, thread);
            if let Some(others) = self.open_in.get_mut(&key) {
                others.retain(|other| other != id);
                if others.is_empty() {
                    self.open_in.remove(&key);
                }
            }
        }
        Ok(())
    }
}

/// Whether nothing more is told of it: nobody approves anything in a play.
fn is_final(action: &Action) -> bool {
    action.state.is_settled() || action.state == ActionState::Held
}

/// What it waits for, beside other actions.
fn waits_for(action: &Action) -> Option<&Reason> {
    let reason = action.reason.as_ref().filter(|_| action.state == ActionState::Waiting)?;
    (!action.waits_for_others()).then_some(reason)
}

/// When it comes up. What waits for other actions is woken by them.
fn due_of(action: &Action, order: u64, now: Timestamp) -> Option<Due> {
    let at = action.due_at.filter(|_| action.comes_up())?;
    (!action.waits_for_others() || at <= now).then(|| (at, action.urgency(), order))
}

//! One set of rules with an engine, a store and a clock of its own, and what becomes of each event.

use super::{
    ReplayError,
    account::PlayedAccount,
    agreement::{Agreement, HeldReply},
    approvals::{Approvals, ReplyOutcome},
    earlier::EarlierActions,
    followed::{FollowedActions, Played},
    opt_outs::OptOuts,
    order::ThreadKey,
    scene::Scene,
    workspaces::PlayedWorkspaces,
};
use crate::{
    backtest::{compare::Lack, missing::find_lack},
    engine::{ApprovalError, Clock, Engine, EngineParts, GivenRow, IntakeError, ManualClock, Workspace},
    model::{ActionId, Mode, WorkspaceSettings},
    rules::{EventInput, Need, RuleSet},
    store::{ActionStore as _, ControlStore as _, EventKind, PlayedStore, Store},
};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How long time goes on after the last event. What waits longer is told as waiting.
const AFTERWARDS: Duration = Duration::from_secs(31 * 24 * 3_600);
/// One set of rules and all that it has done in this play.
pub(super) struct Side {
    engine: Arc<Engine>,
    store: Arc<PlayedStore>,
    clock: Arc<ManualClock>,
    rules: Arc<RuleSet>,
    workspaces: PlayedWorkspaces,
    /// The modes that rules are lowered to now.
    overrides: HashMap<String, Mode>,
    followed: FollowedActions,
    approvals: Approvals,
    /// What was done before the first event.
    earlier: EarlierActions,
    opt_outs: OptOuts,
    /// With the other side.
    agreement: Agreement,
}

/// The workspace of an event, as it was then.
struct Known {
    workspace: Arc<Workspace>,
    account: Arc<PlayedAccount>,
}

/// What a side did with an event when its time came.
pub(super) enum Turn {
    /// It has decided it, or found that there is nothing to decide.
    Played,
    /// It has left it undecided; what it lacks of it, if it does.
    PassedOver(Option<Lack>),
}

impl Turn {
    pub(super) fn lack(self) -> Option<Lack> {
        match self {
            Self::Played => None,
            Self::PassedOver(lack) => lack,
        }
    }
}

impl Side {
    pub(super) fn new(
        rules: &RuleSet,
        settings: Arc<HashMap<String, WorkspaceSettings>>,
        agreement: Agreement,
    ) -> Result<Self, ReplayError> {
        let store = Arc::new(PlayedStore::default());
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
            earlier: EarlierActions::new(Arc::clone(&store)),
            agreement,
            engine,
            store,
            clock,
            rules,
            overrides: HashMap::new(),
            followed: FollowedActions::default(),
            approvals: Approvals::default(),
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Plays events. One that either side cannot decide is played by neither: whatever one of them did would count for what
    /// it does later, and not for the other.
    pub(super) async fn play_all(&mut self, scenes: &[Scene]) -> Result<Vec<Turn>, ReplayError> {
        let mut turns = Vec::with_capacity(scenes.len());
        for scene in scenes {
            self.let_pass(scene.event.time).await?;
            let known = self.prepare(scene).await?;
            let lack = if scene.is_whole { None } else { self.find_lack(scene, &known).await? };
            if !scene.is_whole && self.agreement.does_either_lack(lack.is_some()).await {
                self.pass_over(scene, &known).await?;
                turns.push(Turn::PassedOver(lack));
            } else {
                turns.push(self.play(scene, &known).await?);
                self.expect_decision(scene).await;
            }
        }
        Ok(turns)
    }

    /// After the last event: until nothing waits any more.
    pub(super) async fn let_time_pass(&mut self) -> Result<(), ReplayError> {
        let end = self.clock.now().saturating_add(AFTERWARDS).unwrap_or(Timestamp::MAX);
        while self.followed.is_any_open_told() && self.followed.next_due().is_some_and(|at| at <= end) {
            self.next_due_one().await?;
        }
        self.followed.end();
        Ok(())
    }

    /// Whether all is known of an event.
    pub(super) fn is_final(&self, event: u64) -> bool {
        self.followed.is_final(event)
    }

    /// What became of it; `None` if it was no event for this side.
    pub(super) fn take(&mut self, event: u64) -> Option<Played> {
        self.followed.take(event)
    }

    /// What became of an event was told: what it was decided on is needed only as long as something waits.
    pub(super) fn release(&self, decision: &str) {
        self.store.release(decision);
    }

    /// What was known at the time of an event, whether it is decided or not.
    async fn prepare(&mut self, scene: &Scene) -> Result<Known, ReplayError> {
        let (workspace, account) = self.workspaces.of(&self.engine, scene).await?;
        self.lower_rules(scene).await?;
        self.earlier.learn(scene).await?;
        self.opt_outs.learn(scene).await?;
        let key = scene.key();
        if self.followed.has_open_in(&key) && scene.event.kind != EventKind::Apply {
            let (row, ..) = account.preview(scene);
            self.engine.intake().show_given(&workspace, &row).await?;
            self.refresh_thread(&key).await?;
        }
        Ok(Known { workspace, account })
    }

    /// What these rules need of an event, in the state that this side is in, and less was read of it.
    async fn find_lack(&self, scene: &Scene, known: &Known) -> Result<Option<Lack>, ReplayError> {
        let event = &scene.event;
        let (row, detail, messages) = known.account.preview(scene);
        let input = EventInput {
            workspace: &event.workspace,
            ceiling: event.mode,
            row: &row,
            row_reading: Some(&scene.row_reading),
            detail: detail.as_ref(),
            messages: messages.as_deref(),
            history: None,
            overrides: &self.overrides,
            lead_opted_out: Some(self.opt_outs.is_known(scene, &known.workspace).await?),
            hold_uncertain: event.hold_uncertain,
            thorough: false,
        };
        let lack = find_lack(&self.rules, &input, (event.kind, event.time), scene.is_known);
        let must_see = event.kind == EventKind::Message && scene.is_known && messages.is_none();
        let for_open_reply = || {
            let rule = self.rule_with_open_reply(&scene.key()).filter(|_| must_see)?;
            Some(Lack { rule, need: Need::Messages })
        };
        Ok(lack.or_else(for_open_reply))
    }

    /// Plays an event.
    async fn play(&mut self, scene: &Scene, known: &Known) -> Result<Turn, ReplayError> {
        let event = &scene.event;
        let Known { workspace, account } = known;
        let (row, messages) = account.begin(scene);
        let given = GivenRow {
            row: &row,
            row_reading: &scene.row_reading,
            kind: event.kind,
            messages: messages.as_ref(),
            message_id: event.message_id.as_deref(),
            overrides: &self.overrides,
        };
        let decided = self.engine.intake().decide_given(workspace, &given).await;
        let turn = match (decided, account.end()) {
            (Ok(Some(recorded)), _) => {
                if recorded.record.trace.opt_out == Some(true) {
                    self.opt_outs.note(scene);
                }
                self.followed.follow(scene.number, &scene.key(), recorded, self.clock.now());
                Turn::Played
            }
            (Ok(None), _) => Turn::Played,
            (Err(IntakeError::Api(_)), Some(need)) => {
                debug_assert!(false, "it was not found that {} lacks {need:?}", event.id);
                self.pass_over(scene, known).await?;
                let rule = self.rule_with_open_reply(&scene.key()).unwrap_or_default();
                Turn::PassedOver(Some(Lack { rule, need }))
            }
            (Err(IntakeError::Api(error)), None) => return Err(ReplayError::Failed(error.to_string())),
            (Err(IntakeError::Store(error)), _) => return Err(error.into()),
        };
        self.refresh_thread(&scene.key()).await?;
        self.let_pass(event.time).await?;
        if !self.followed.has_open_in(&scene.key()) {
            account.release(&event.row.id);
        }
        Ok(turn)
    }

    /// What an operator decided then on a reply that was held is decided here, too: at the same time, on the same reply.
    async fn expect_decision(&mut self, scene: &Scene) {
        let Some(outcome) = scene.reply else { return };
        let held = self.followed.held_reply(scene.number);
        let is_of_then = self.rules.revision() == scene.event.revision;
        let held_then = self.agreement.held_then(held.filter(|_| is_of_then).map(HeldReply::of)).await;
        let Some(held) = held.filter(|held| held_then.is_some_and(|then| then.stands_for(held))) else { return };
        let id = held.id.clone();
        self.approvals.expect(&id, outcome);
        if let ReplyOutcome::Sent(_) = outcome {
            self.followed.expect_approval(scene.number, &id);
        }
    }

    /// An event that is not compared: it is known that it came, and what waits in its thread sees that.
    async fn pass_over(&mut self, scene: &Scene, known: &Known) -> Result<(), ReplayError> {
        // Nobody has looked who wrote what the row of another category shows.
        if scene.messages.is_some() || scene.event.kind == EventKind::Message {
            self.opt_outs.read(scene).await?;
        }
        let (row, ..) = known.account.preview(scene);
        self.engine.intake().pass_over_given(&known.workspace, &row).await?;
        if self.followed.has_open_in(&scene.key()) {
            known.account.show_undecided(scene);
        }
        Ok(())
    }

    /// The rule whose reply waits in the thread, so that its messages must be read.
    fn rule_with_open_reply(&self, thread: &ThreadKey) -> Option<String> {
        self.followed.open_reply(thread).or_else(|| self.earlier.open_reply(thread)).map(str::to_owned)
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

    /// Moves the clock, and does what is due at its time.
    async fn let_pass(&mut self, until: Timestamp) -> Result<(), ReplayError> {
        loop {
            let (due, decided) = (self.followed.next_due(), self.approvals.next());
            if decided.is_some_and(|at| at <= until && due.is_none_or(|due| at <= due)) {
                self.decide_next().await?;
            } else if due.is_some_and(|at| at <= until) {
                self.next_due_one().await?;
            } else {
                break;
            }
        }
        if self.clock.now() < until {
            self.clock.set(until);
        }
        Ok(())
    }

    /// The next decision of an operator.
    async fn decide_next(&mut self) -> Result<(), ReplayError> {
        let Some((at, id, is_approved)) = self.approvals.take() else { return Ok(()) };
        if self.clock.now() < at {
            self.clock.set(at);
        }
        let operator = self.engine.operator();
        let decided = if is_approved { operator.approve(&id, None).await } else { operator.reject(&id).await };
        match decided {
            // What is not held any more was decided on otherwise.
            Ok(_) | Err(ApprovalError::WrongState { .. }) => {}
            Err(error) => return Err(ReplayError::Failed(error.to_string())),
        }
        self.refresh(&id).await
    }

    async fn next_due_one(&mut self) -> Result<(), ReplayError> {
        let Some((at, id, key)) = self.followed.take_due() else { return Ok(()) };
        if self.clock.now() < at {
            self.clock.set(at);
        }
        let workspace = self.workspace(&key.0)?;
        let messages = self.workspaces.account(&key.0).and_then(|account| account.messages_read(&key.1));
        let carried_out = self.engine.executor().carry_out(&workspace, (&key.1, &id), messages).await;
        carried_out.map_err(|error| ReplayError::Failed(error.to_string()))?;
        if let Some(action) = self.store.action(&id).await? {
            self.followed.update_after_turn(&action, self.clock.now());
        }
        if !self.followed.is_open(&id) {
            // Others may have waited for it.
            self.refresh_thread(&key).await?;
        }
        if !self.followed.has_open_in(&key)
            && let Some(account) = self.workspaces.account(&key.0)
        {
            account.release(&key.1);
        }
        Ok(())
    }

    fn workspace(&self, name: &str) -> Result<Arc<Workspace>, ReplayError> {
        self.engine.workspace(name).ok_or_else(|| ReplayError::Failed(format!("the workspace {name} is gone")))
    }

    async fn refresh_thread(&mut self, key: &ThreadKey) -> Result<(), ReplayError> {
        for id in self.followed.open_in(key) {
            self.refresh(&id).await?;
        }
        Ok(())
    }

    /// Takes down where an action stands.
    async fn refresh(&mut self, id: &ActionId) -> Result<(), ReplayError> {
        if self.followed.is_open(id)
            && let Some(action) = self.store.action(id).await?
        {
            self.followed.update(&action, self.clock.now());
        }
        Ok(())
    }
}

//! From a pending row to a decision: which event it is, what the rules say, one transaction.

use super::Intake;
use crate::engine::threads::read::{read_thread, thread_reader};
use crate::engine::{
    Workspace,
    evaluation::{Evaluation, EvaluationInput, evaluate_thread},
    failpoint::failpoint,
    intake::batch::{FIRST_DEFERRAL, MAX_DEFERRAL},
    intake::policy::DECISION_POLICY,
    intake::poll::is_too_old,
    intake::records::{action_records, decision_record, lead_key, stored_event},
    intake::row_changes::{Candidate, candidate, category_differs, proven_event},
    status::EngineEventKind,
    threads::takeover::{Takeover, detect_takeover},
};
use crate::{
    coldsend::{ApiError, Priority},
    model::{Action, ActionKind, ActionState, Conversation, Mode, Reason, ReasonCode, ThreadRow, Transition},
    rules::RuleSet,
    store::{
        Claim, DecisionRecord, EventKind, OptOut, PendingThread, ReadyAt, RecordedDecision, SettledThread, StoreError,
        WorkspaceState,
    },
};
use futures_util::future::try_join;
use jiff::Timestamp;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How many pending rows are fetched at once.
const BATCH: u32 = 200;
/// How many of those that could not be read are tried again at once.
const FAILED_BATCH: u32 = 20;
/// When more than one batch is pending, a pass takes no further one after this time, so that polling goes on.
const MAX_PASS: Duration = Duration::from_secs(10);

/// Why handling pending threads stopped.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The API does not respond, or rejects the key: all other threads would fail too.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What handling pending threads did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandleReport {
    /// The decisions that were made.
    pub decisions: Vec<String>,
    /// How many rows turned out to be no event.
    pub no_event: usize,
    /// How many stay pending: they wait for a category, or could not be read.
    pub left: usize,
    /// Threads that cannot be read took so long that the rest waits for the next pass.
    pub unfinished: bool,
}

impl HandleReport {
    fn add(&mut self, other: Self) {
        self.decisions.extend(other.decisions);
        self.no_event += other.no_event;
        self.left += other.left;
        self.unfinished |= other.unfinished;
    }
}

impl Intake {
    /// Turns pending threads into decisions. A thread that cannot be read stays pending and is read again later, behind
    /// all others. Handling stops only when several threads in a row fail and none can be read.
    pub async fn handle_pending(&self, workspace: &Workspace) -> Result<HandleReport, IntakeError> {
        let mut report = HandleReport::default();
        let began = Instant::now();
        let mut failed_limit = FAILED_BATCH;
        loop {
            let now = self.shared.now();
            let longest = MAX_DEFERRAL.max(workspace.settings().wait_for_category) + FIRST_DEFERRAL;
            let latest = now.saturating_add(longest).unwrap_or(Timestamp::MAX);
            let ready = ReadyAt { now, latest, limit: BATCH, failed_limit };
            let threads = self.shared.store.ready_threads(workspace.name(), ready).await?;
            let is_full = threads.iter().filter(|thread| thread.failures == 0).count() >= BATCH as usize;
            report.add(self.handle_batch(workspace, threads).await?);
            if !is_full || report.unfinished {
                return Ok(report);
            }
            if began.elapsed() >= MAX_PASS {
                report.unfinished = true;
                return Ok(report);
            }
            failed_limit = 0;
        }
    }

    /// Handles one pending row.
    pub(super) async fn handle(
        &self,
        workspace: &Workspace,
        thread: &PendingThread,
        state: &WorkspaceState,
        overrides: &HashMap<String, Mode>,
    ) -> Result<Handled, IntakeError> {
        let now = self.shared.now();
        let candidate = candidate(thread);
        if candidate == Candidate::Nothing {
            return self.settle(workspace, thread, None).await;
        }
        if let Some(until) = waits_for_category(workspace, thread, candidate, now) {
            return Ok(Handled::Waits(until));
        }
        if candidate == Candidate::MaybeMessage && self.shows_own_reply(workspace, thread).await? {
            return self.settle(workspace, thread, None).await;
        }
        // A reply that waits although its rule no longer matches must not keep another rule from answering.
        if thread.known.as_ref().is_some_and(|known| category_differs(known, &thread.row)) {
            self.cancel_unmatched_replies(workspace, &thread.row.id).await?;
        }
        let rules = self.shared.rules();
        let mut evaluation = match self.evaluate_row(workspace, &rules, &thread.row, overrides, None, now).await {
            Err(IntakeError::Api(ApiError::NotFound { .. })) => return self.settle(workspace, thread, None).await,
            other => other?,
        };
        // A row does not say who wrote last: before a rule acts on a known thread, the messages must. They also show
        // whether a teammate replied, which cancels open replies.
        let acts = !evaluation.decision.actions.is_empty();
        let matters = match candidate {
            Candidate::NewThread | Candidate::Nothing => false,
            Candidate::MaybeMessage => acts || self.has_open_replies(workspace, &thread.row.id).await?,
            Candidate::Category => acts,
        };
        if matters && evaluation.messages.is_none() {
            let messages = match workspace.cache.given(&thread.row.id).messages {
                Some(given) => given,
                None => read_thread(workspace, &*self.shared.clock, &thread.row.id, Priority::Read).await?,
            };
            evaluation = self.evaluate_row(workspace, &rules, &thread.row, overrides, Some(messages), now).await?;
        }
        let event = match &evaluation.messages {
            Some(messages) => {
                workspace.cache.put_messages(&thread.row.id, Arc::clone(messages), self.shared.now());
                self.learn_own_addresses(workspace, &thread.row, messages.conversation()).await?;
                self.find_unsent_at_event(workspace, &thread.row, &evaluation).await?;
                let takeover =
                    detect_takeover(&*self.shared.store, workspace.name(), &thread.row.id, messages.conversation())
                        .await?;
                match &takeover {
                    Takeover::Teammate => self.cancel_open_replies(workspace, &thread.row.id).await?,
                    Takeover::Unclear(why) => self.hold_open_replies(workspace, &thread.row.id, why).await?,
                    Takeover::None | Takeover::CampaignStep(_) => {}
                }
                workspace.own_rows.learn(&thread.row, messages.conversation());
                let taken_over = takeover == Takeover::Teammate;
                let event = proven_event(thread, messages.conversation());
                match event.filter(|event| *event != EventKind::Category || !taken_over) {
                    Some(event) => event,
                    None => {
                        self.learn_messages(workspace, &thread.row, messages).await?;
                        return self.settle(workspace, thread, Some(messages.conversation())).await;
                    }
                }
            }
            None if candidate == Candidate::Category => EventKind::Category,
            None => EventKind::Message,
        };
        // Replies to mail that is older than the first poll and turns up only now are held.
        let newest = evaluation.messages.as_ref().and_then(|messages| messages.newest_inbound()?.created_at);
        let is_old = candidate == Candidate::NewThread && is_too_old(newest.or(thread.row.last_message_at), state);
        let hold = is_old.then(|| Reason::new(ReasonCode::TooOld, "it is older than the first look at the inbox"));
        let record = self.record(workspace, &thread.row, &evaluation, event, hold);
        let record = match &evaluation.messages {
            Some(messages) => {
                let learn = self.learn_messages(workspace, &thread.row, messages);
                try_join(record, learn).await?.0
            }
            None => record.await?,
        };
        let (record, actions) = record;
        Ok(Handled::Decided(Recorded { record, actions }))
    }

    /// Whether the row shows a reply of ours and nothing else, so that there is nothing to read. Where a reply waits in the
    /// thread, its messages are read all the same.
    async fn shows_own_reply(&self, workspace: &Workspace, thread: &PendingThread) -> Result<bool, StoreError> {
        let is_same = thread.known.as_ref().is_some_and(|known| !category_differs(known, &thread.row));
        Ok(workspace.own_rows.is_own(&thread.row)
            && is_same
            && !self.has_open_replies(workspace, &thread.row.id).await?)
    }

    /// Evaluates the rules on a row with what the store knows of the lead.
    pub(in crate::engine) async fn evaluate_row(
        &self,
        workspace: &Workspace,
        rules: &RuleSet,
        row: &ThreadRow,
        overrides: &HashMap<String, Mode>,
        messages: Option<Arc<crate::rules::ThreadMessages>>,
        now: Timestamp,
    ) -> Result<Evaluation, IntakeError> {
        let lead = lead_key(row);
        let facts = self
            .shared
            .store
            .lead_facts(workspace.name(), &row.id, lead.as_deref(), workspace.safety().opt_outs)
            .await?;
        let given = workspace.cache.given(&row.id);
        let subject = EvaluationInput {
            workspace: workspace.name(),
            ceiling: workspace.settings().mode,
            row,
            row_reading: given.row_reading.as_deref(),
            given: given.messages.as_ref(),
            history: Some(&facts.history),
            overrides,
            lead_opted_out: Some(facts.opt_out.is_some()),
            hold_uncertain: workspace.safety().hold_uncertain,
            thorough: false,
        };
        let known = messages.is_some();
        let evaluation = evaluate_thread(&thread_reader(workspace, &row.id), rules, subject, messages, now).await?;
        if evaluation.detail.is_some() || (evaluation.messages.is_some() && !known) {
            workspace.read_failures.record_success(&row.id, self.shared.now());
        }
        self.shared.status.record_evaluation(&evaluation, now);
        Ok(evaluation)
    }

    /// Writes a decision with its actions; its replies are held for `hold`.
    pub(in crate::engine) async fn record(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        evaluation: &Evaluation,
        event: EventKind,
        hold: Option<Reason>,
    ) -> Result<(Arc<DecisionRecord>, Vec<Action>), StoreError> {
        failpoint!(self.shared, Evaluated);
        let now = self.shared.now();
        let record = decision_record(workspace.name(), row, evaluation, event, now);
        let expiry = self.shared.expiry(workspace);
        let mut actions = action_records(&record, evaluation, now, expiry);
        if let Some(reason) = hold {
            let would_leave = |action: &&mut Action| {
                action.kind == ActionKind::Reply
                    && matches!(action.state, ActionState::Planned | ActionState::Waiting | ActionState::Held)
            };
            for action in actions.iter_mut().filter(would_leave) {
                Transition::hold(reason.clone(), expiry).apply_to(action, now);
            }
        }
        let opt_out = match (&evaluation.decision.opt_out, &record.lead_email) {
            (Some(evidence), Some(email)) => Some(OptOut {
                workspace: workspace.name().to_owned(),
                email: email.clone(),
                since: now,
                evidence: evidence.clone(),
            }),
            _ => None,
        };
        let workspaces = self.shared.workspaces.now();
        let rivals = workspaces.iter().filter(|other| other.name() != workspace.name() && acts(other));
        let settled = SettledThread {
            claim: Claim { rivals: rivals.map(|other| other.name().to_owned()).collect(), expiry },
            // Whoever is erased meanwhile is not recorded, whatever led to the decision.
            was_in_line: true,
            opted_out: evaluation.context.lead_opted_out == Some(true),
            ..self.settled(row, evaluation.messages.as_ref().map(|messages| messages.conversation()), workspace)
        };
        self.shared.keep_rules(&evaluation.context).await?;
        let evaluated_on = stored_event(row, evaluation);
        let written = self
            .shared
            .store
            .record_decision(&record, Some(evaluated_on), actions, opt_out.as_ref(), &settled, DECISION_POLICY)
            .await?;
        let RecordedDecision { actions, cancelled } = written;
        failpoint!(self.shared, DecisionWritten);
        if actions.iter().filter_map(|action| action.reason.as_ref()).any(|why| why.code == ReasonCode::ForeignUse) {
            self.announce_sharing(workspace, &row.id).await?;
        }
        workspace.metrics.record_decision(event);
        let record = Arc::new(record);
        tracing::info!(
            workspace = workspace.name(),
            thread = row.id,
            decision = record.id,
            matched = record.matched.join(","),
            actions = actions.len(),
            "decided"
        );
        let lead =
            row.lead_name.clone().or_else(|| row.lead_email.clone()).unwrap_or_else(|| "unknown lead".to_owned());
        let what = || EngineEventKind::Decided { decision: Arc::clone(&record), event, lead };
        self.shared.status.publish(now, workspace.name(), what);
        self.shared.alerts.alert_rule_errors(workspace, evaluation);
        for action in &cancelled {
            self.shared.publish_action(workspace, action);
        }
        for action in &actions {
            self.shared.publish_planned(workspace, action);
        }
        Ok((record, actions))
    }

    pub(super) async fn settle(
        &self,
        workspace: &Workspace,
        thread: &PendingThread,
        conversation: Option<&Conversation>,
    ) -> Result<Handled, IntakeError> {
        let settled = self.settled(&thread.row, conversation, workspace);
        self.shared.store.settle_thread(workspace.name(), &settled).await?;
        workspace.metrics.record_no_event();
        Ok(Handled::NoEvent)
    }

    /// A pending row that is dealt with, and what was read of its messages.
    pub(in crate::engine) fn settled(
        &self,
        row: &ThreadRow,
        conversation: Option<&Conversation>,
        workspace: &Workspace,
    ) -> SettledThread {
        let inbound = conversation.map_or(&[][..], Conversation::messages).iter().filter(|message| !message.outgoing);
        let ending = conversation.map(Conversation::outgoing_of_the_last_second).unwrap_or_default();
        SettledThread {
            row: row.clone(),
            newest_inbound: conversation.and_then(|talk| talk.newest_inbound()).map(|message| message.id.clone()),
            inbound: inbound.map(|message| message.id.clone()).collect(),
            last_outgoing: ending.iter().map(|message| message.id.clone()).collect(),
            looked_at: workspace.list.server_time(self.shared.now()),
            was_in_line: true,
            opted_out: false,
            claim: Claim::default(),
        }
    }
}

/// Whether a workspace acts on what it sees, so that it can claim a thread.
fn acts(workspace: &Workspace) -> bool {
    matches!(workspace.settings().mode, Mode::Live | Mode::Draft)
}

/// A decision as it was recorded, with its actions.
#[derive(Debug)]
pub struct Recorded {
    /// The decision.
    pub record: Arc<DecisionRecord>,
    /// Its actions, in its order, as they were written.
    pub actions: Vec<Action>,
}

/// What became of a pending row.
pub(super) enum Handled {
    /// A decision.
    Decided(Recorded),
    /// It is no event.
    NoEvent,
    /// It stays pending until then.
    Waits(Timestamp),
}

/// Until when a message without a category stays pending.
fn waits_for_category(
    workspace: &Workspace,
    thread: &PendingThread,
    candidate: Candidate,
    now: Timestamp,
) -> Option<Timestamp> {
    let wait = workspace.settings().wait_for_category;
    if candidate == Candidate::Category || thread.row.category().is_some() || wait.is_zero() {
        return None;
    }
    thread.since.saturating_add(wait).ok().filter(|until| now < *until)
}

//! The explanation of one thread, in the shape that `explain --format json` and the admin route print.

use super::Operator;
use crate::engine::{
    Workspace,
    evaluation::Evaluation,
    execution::guard::Verdict,
    intake::records::{action_records, decision_record, stored_event},
    operations::{
        timeline::TimelineEntry,
        traces::{TracedDecision, decide_again},
    },
};
use crate::{
    model::{
        ActionKind, ActionTrace, Decision, MailReading, PlannedOutcome, QuotedTrace, Reason, RuleTrace, SignalTrace,
        ThreadRow,
    },
    rules::ThreadMessages,
    store::{EventKind, StoreError},
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// Why each rule matches a thread, or does not.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The thread.
    pub thread_id: String,
    /// The newest inbound message, where the messages were read.
    pub message_id: Option<String>,
    /// The lead's address.
    pub lead_email: Option<String>,
    /// The conversation's subject.
    pub subject: Option<String>,
    /// The category.
    pub category: Option<String>,
    /// The campaign.
    pub campaign: Option<String>,
    /// What rules saw as `body`.
    pub body: Option<String>,
    /// Whether the message is an auto-reply, as far as was read.
    pub auto_reply: Option<bool>,
    /// Whether the lead asks for no more mail, as far as was read.
    pub opt_out: Option<bool>,
    /// What of the newest inbound message was taken as quoted, in order.
    pub quoted: Vec<QuotedTrace>,
    /// Everything that speaks for automatic mail, certain signals first.
    pub signals: Vec<SignalTrace>,
    /// The language that the lead writes in, as its ISO 639-1 code; null where it cannot be told.
    pub language: Option<String>,
    /// The words of an opt-out.
    pub opt_out_words: Option<String>,
    /// Why no rule was evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<String>,
    /// Why rules that did not match are absent, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub incomplete: Option<String>,
    /// Each rule, in order.
    pub rules: Vec<ExplainedRule>,
    /// Its timeline; empty if no store was asked.
    pub way: Vec<TimelineEntry>,
    /// What only a store knows and was not checked: repeats, limits, opt-outs.
    pub not_considered: &'static [&'static str],
}

/// One rule of an explanation.
pub type ExplainedRule = RuleTrace<ExplainedAction>;

/// One action of an explanation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedAction {
    /// What it does.
    pub kind: ActionKind,
    /// Its destination.
    pub target: Option<String>,
    /// Whom it is for, beside the destination's own: a channel, or addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// What would happen to it.
    pub would: PlannedOutcome,
    /// The reason's code.
    pub reason: Option<&'static str>,
    /// The reason's sentence.
    pub reason_text: Option<String>,
    /// The text of a reply, or the rule's own text of a forward; `None` where none was rendered, or is not kept.
    pub text: Option<String>,
}

impl Explanation {
    /// Of a thread that was evaluated a moment ago.
    pub fn new(row: &ThreadRow, evaluation: &Evaluation) -> Self {
        let newest = evaluation.messages.as_ref().and_then(|messages| messages.newest_inbound());
        Self::from_decision(row, newest.map(|message| message.id.as_str()), &evaluation.decision)
    }

    /// Of a decision about a thread and its newest inbound message. What only a store knows is named as not considered.
    pub fn from_decision(row: &ThreadRow, message_id: Option<&str>, decision: &Decision) -> Self {
        let MailReading { quoted, signals, language, opt_out_words } = decision.reading.clone();
        Self {
            thread_id: row.id.clone(),
            message_id: message_id.map(str::to_owned),
            lead_email: row.lead_email.clone(),
            subject: row.subject.clone(),
            category: row.category().map(str::to_owned),
            campaign: row.campaign().map(str::to_owned),
            body: decision.body.clone(),
            auto_reply: decision.auto_reply,
            opt_out: Some(decision.opt_out.is_some()),
            quoted: quoted.into_vec(),
            signals,
            language,
            opt_out_words,
            problem: None,
            incomplete: None,
            rules: with_texts(decision),
            way: Vec::new(),
            not_considered: &ONLY_A_STORE_KNOWS,
        }
    }

    /// Of a decision that was recorded.
    pub fn from_record(traced: TracedDecision) -> Self {
        let TracedDecision { record, incomplete } = traced;
        let trace = record.trace;
        let MailReading { quoted, signals, language, opt_out_words } = trace.reading;
        Self {
            thread_id: record.thread_id,
            message_id: record.message_id,
            lead_email: record.lead_email,
            subject: trace.subject,
            category: trace.category,
            campaign: trace.campaign,
            body: trace.body,
            auto_reply: trace.auto_reply,
            opt_out: trace.opt_out,
            quoted: quoted.into_vec(),
            signals,
            language,
            opt_out_words,
            problem: trace.problem,
            incomplete,
            rules: trace.rules.into_iter().map(|rule| rule.map_actions(ExplainedAction::new)).collect(),
            way: Vec::new(),
            not_considered: &[],
        }
    }

    /// No store was asked: names what it would have known.
    pub fn without_store(&mut self) {
        self.way.clear();
        self.not_considered = &ONLY_A_STORE_KNOWS;
    }

    /// Replaces what the rules planned by what the guard would say now; `verdicts` are in the order of the actions.
    fn guarded(&mut self, verdicts: Vec<Option<(PlannedOutcome, Reason)>>) {
        let actions = self.rules.iter_mut().flat_map(|rule| rule.actions.iter_mut());
        for (action, verdict) in actions.zip(verdicts) {
            let Some((would, reason)) = verdict else { continue };
            action.would = would;
            action.reason = Some(reason.code.as_str());
            action.reason_text = Some(reason.text);
        }
    }
}

impl ExplainedAction {
    /// What an action of a trace shows.
    pub fn new(action: &ActionTrace) -> Self {
        Self {
            kind: action.kind,
            target: action.target.clone(),
            recipients: action.recipients.clone(),
            would: action.would,
            reason: action.reason.as_ref().map(|reason| reason.code.as_str()),
            reason_text: action.reason.as_ref().map(|reason| reason.text.clone()),
            text: None,
        }
    }
}

impl Operator {
    /// Evaluates a thread as it is now, with what the store knows, and changes nothing. Each request waits at most
    /// `max_wait` for request budget.
    ///
    /// # Errors
    /// The API or the store.
    pub async fn explain(
        &self,
        workspace: &crate::engine::Workspace,
        thread_id: &str,
        max_wait: std::time::Duration,
    ) -> Result<Explanation, crate::engine::IntakeError> {
        self.explain_with_messages(workspace, thread_id, max_wait).await.map(|(explanation, _)| explanation)
    }

    /// As [`Operator::explain`], with the messages that were read for it.
    ///
    /// # Errors
    /// The API or the store.
    pub async fn explain_with_messages(
        &self,
        workspace: &crate::engine::Workspace,
        thread_id: &str,
        max_wait: std::time::Duration,
    ) -> Result<(Explanation, Arc<ThreadMessages>), crate::engine::IntakeError> {
        let client = workspace.client().with_max_wait(Some(max_wait));
        let mut detail = client.thread(thread_id, crate::coldsend::Priority::Read).await?;
        detail.row.id = thread_id.to_owned();
        let overrides = self.shared.store.override_modes().await?;
        let messages = crate::engine::fetch_messages(&client, thread_id, crate::coldsend::Priority::Read).await?;
        let rules = self.shared.rules();
        let mut evaluation = self
            .intake
            .evaluate_row(workspace, &rules, &detail.row, &overrides, Some(Arc::clone(&messages)), self.shared.now())
            .await?;
        // The same, with every rule.
        if let Ok(decision) = decide_again(&rules, &stored_event(&detail.row, &evaluation)) {
            evaluation.decision = decision;
        }
        let mut explanation = Explanation::new(&detail.row, &evaluation);
        explanation.not_considered = &[];
        explanation.guarded(self.foreseen(workspace, &detail.row, &evaluation, &messages).await?);
        explanation.way = self.timeline(workspace, &detail.row, Some(messages.conversation())).await?;
        Ok((explanation, messages))
    }

    /// A decision as it was recorded, and what became of it. No request is made.
    ///
    /// # Errors
    /// The store. `None` if it knows no such decision.
    pub async fn explain_decision(&self, id: &str) -> Result<Option<Explanation>, StoreError> {
        let Some(decision) = self.shared.store.decision(id).await? else { return Ok(None) };
        let Some(traced) = self.trace_decisions(vec![decision]).await?.pop() else { return Ok(None) };
        let mut way = Vec::new();
        self.decision_entries(&traced.record, &mut way).await?;
        Ok(Some(Explanation { way, ..Explanation::from_record(traced) }))
    }

    /// For each action that would be carried out or wait: what stands in its way now, beyond the rules.
    async fn foreseen(
        &self,
        workspace: &Workspace,
        row: &ThreadRow,
        evaluation: &Evaluation,
        messages: &ThreadMessages,
    ) -> Result<Vec<Option<(PlannedOutcome, Reason)>>, StoreError> {
        let now = self.shared.now();
        let record = decision_record(workspace.name(), row, evaluation, EventKind::Message, now);
        let mut verdicts = Vec::new();
        for (action, planned) in action_records(&record, evaluation, now, None).iter().zip(&evaluation.decision.actions)
        {
            let verdict = match planned.would {
                PlannedOutcome::Done | PlannedOutcome::Waiting => {
                    self.executor.predict(workspace, action, messages).await?
                }
                PlannedOutcome::Held | PlannedOutcome::Suppressed | PlannedOutcome::Failed => Verdict::Send,
            };
            verdicts.push(match verdict {
                Verdict::Send => None,
                Verdict::Wait(_, reason) | Verdict::WaitForResume(reason) => Some((PlannedOutcome::Waiting, reason)),
                Verdict::Hold(reason) => Some((PlannedOutcome::Held, reason)),
                Verdict::Suppress(reason) | Verdict::Cancel(reason) => Some((PlannedOutcome::Suppressed, reason)),
                Verdict::Fail(reason) => Some((PlannedOutcome::Failed, reason)),
            });
        }
        Ok(verdicts)
    }
}

/// The rules of a decision with the texts of their actions, which stand in one list, rule by rule.
fn with_texts(decision: &Decision) -> Vec<ExplainedRule> {
    let mut rules: Vec<ExplainedRule> =
        decision.rules.iter().map(|rule| rule.clone().map_actions(ExplainedAction::new)).collect();
    let actions = rules.iter_mut().flat_map(|rule| rule.actions.iter_mut());
    for (action, planned) in actions.zip(&decision.actions) {
        action.text = planned.payload.preview_text().map(str::to_owned);
    }
    rules
}

/// What a decision without a store leaves out.
const ONLY_A_STORE_KNOWS: [&str; 3] = ["repeats", "limits", "opt-outs"];

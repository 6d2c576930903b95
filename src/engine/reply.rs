//! A reply: guarded, sent at most once, and never again by itself once it may have left.

use super::{
    Engine, Workspace,
    execute::refusal,
    guard::{Counted, Verdict, after_reading, before_reading},
    judge::fetch_messages,
    probe::Bug,
};
use crate::{
    coldsend::{Certainty, Priority, ReplyAttachment, ReplyBody, WriteError},
    model::{Action, ActionKind, ActionState, Payload, Rate, Reason, ReasonCode, Recipient, Span, address_of},
    rules::ReadMessages,
    store::{OptOut, SentFilter, StoreError},
};
use jiff::Timestamp;
use std::sync::Arc;

const HOUR: Span = Span::from_secs(3_600);
/// How long a guarded reply waits for its place in the request budget before it is guarded anew.
const LONGEST_WAIT: Span = Span::from_secs(5);

impl Engine {
    pub(super) async fn reply(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let counted = self.counted(workspace, &action).await?;
        match before_reading(&action, &counted, workspace.safety(), self.now()) {
            Verdict::Send => {}
            other => return self.carry_out(workspace, &mut action, other).await,
        }
        let body = match self.body(&action).await {
            Ok(body) => body,
            Err(reason) => return self.change(workspace, &mut action, ActionState::Failed, None, Some(reason)).await,
        };
        let messages = match workspace.fresh_read(&action.thread_id, self.now()) {
            Some(messages) => messages,
            None => match fetch_messages(workspace.client(), &action.thread_id, Priority::Reply).await {
                Ok(messages) => {
                    workspace.remember_read(&action.thread_id, Arc::clone(&messages), self.now());
                    messages
                }
                Err(error) => return self.wait_for_api(workspace, &mut action, &error).await,
            },
        };
        let own_sender = self.is_from_own_sender(&messages).await?;
        match after_reading(&action, &messages, own_sender) {
            Verdict::Send => {}
            _ if self.makes(Bug::GuardSkipped) => {}
            other => {
                self.remember_opt_out(&action, &messages).await?;
                return self.carry_out(workspace, &mut action, other).await;
            }
        }
        action.outgoing_before = outgoing_ids(&messages);
        if !self.set_in_flight(workspace, &mut action).await? {
            return Ok(());
        }
        // Whatever comes of it, the next guard must look again.
        workspace.forget_read(&action.thread_id);
        if self.dry_run {
            let done = (ActionState::Done, None, None);
            return self.record_outcome(workspace, &mut action, ("dry_run", None), done).await;
        }
        // The guard's look must still be fresh when the reply leaves.
        let client = workspace.client().with_max_wait(Some(LONGEST_WAIT));
        let result = client.reply(&action.thread_id, &body).await;
        self.reply_ended(workspace, action, result.err()).await
    }

    async fn reply_ended(
        &self,
        workspace: &Workspace,
        mut action: Action,
        error: Option<WriteError>,
    ) -> Result<(), StoreError> {
        let Some(WriteError { certainty, error }) = error else {
            return self
                .record_outcome(workspace, &mut action, ("accepted", None), (ActionState::Done, None, None))
                .await;
        };
        let status = error.status();
        match certainty {
            Certainty::CarriedOut => {
                let done = (ActionState::Done, None, None);
                self.record_outcome(workspace, &mut action, ("accepted", status), done).await
            }
            Certainty::NotCarriedOut => {
                let next = self.not_carried_out(workspace, &action, &error).await?;
                self.record_outcome(workspace, &mut action, (refusal(&error), status), next).await
            }
            Certainty::Unknown if self.makes(Bug::UnknownIsRetried) => {
                let again = (ActionState::Planned, Some(self.now()), None);
                self.record_outcome(workspace, &mut action, ("unclear", status), again).await
            }
            Certainty::Unknown => {
                let due = self.next_look(workspace, &action).unwrap_or_else(|| self.now());
                let reason = Reason::new(ReasonCode::Ambiguous, error.to_string());
                let unknown = (ActionState::Unknown, Some(due), Some(reason));
                self.record_outcome(workspace, &mut action, ("unclear", status), unknown).await
            }
        }
    }

    /// Whether the newest inbound message comes from an address that one of the workspaces sends from.
    pub(super) async fn is_from_own_sender(&self, messages: &ReadMessages) -> Result<bool, StoreError> {
        match messages.newest_inbound().and_then(|message| address_of(message.from.as_deref()?)) {
            Some(sender) => self.store.is_own_address(&sender).await,
            None => Ok(false),
        }
    }

    /// What the store knows that speaks for or against the reply.
    pub(super) async fn counted(&self, workspace: &Workspace, action: &Action) -> Result<Counted, StoreError> {
        let now = self.now();
        let since = |span: Span| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
        let mut counted = Counted::default();
        if self.makes(Bug::StoreNotAsked) {
            return Ok(counted);
        }
        let all = SentFilter { kind: ActionKind::Reply, lead_email: None, rule: None };
        counted.repeat = self.repeat_used(action).await?;
        if let Some(lead) = action.lead_email.as_deref() {
            let found = self.store.opt_out(&action.workspace, lead).await?;
            counted.opted_out = found.map(|opt_out| opt_out.evidence);
            let filter = SentFilter { lead_email: Some(lead), ..all };
            let window = since(workspace.safety().replies_per_lead.per);
            counted.to_lead = self.store.sent_since(&action.workspace, &filter, window).await?;
        }
        counted.last_hour = self.store.sent_since(&action.workspace, &all, since(HOUR)).await?;
        if let Some(Rate { per, .. }) = action.timing.limit {
            let filter = SentFilter { rule: Some(&action.rule), ..all };
            counted.by_rule = self.store.sent_since(&action.workspace, &filter, since(per)).await?;
        }
        Ok(counted)
    }

    /// Whether what has left since the decision uses up the rule's `repeat`. What only waits does not: of two that wait,
    /// one must go.
    async fn repeat_used(&self, action: &Action) -> Result<Option<&'static str>, StoreError> {
        let lead = action.lead_email.as_deref();
        let history = self.store.history(&action.workspace, &action.thread_id, lead).await?;
        let may_have_left = |state: ActionState| {
            matches!(state, ActionState::Done | ActionState::InFlight | ActionState::Unknown | ActionState::Quarantined)
        };
        let mine = history.iter().filter(|entry| {
            entry.kind == action.kind
                && entry.rule == action.rule
                && entry.action != action.id
                && may_have_left(entry.state)
        });
        let message_id = action.message_id.as_deref();
        let about = Recipient { thread_id: &action.thread_id, message_id, lead_email: lead };
        Ok(action.timing.repeat.refused_by(mine, about, self.now()))
    }

    /// The reply as it is sent; files are read now.
    async fn body(&self, action: &Action) -> Result<ReplyBody, Reason> {
        let Payload::Reply { text, html, attachments } = &action.payload else {
            return Err(Reason::new(ReasonCode::Template, "the reply was never rendered"));
        };
        let mut files = Vec::with_capacity(attachments.len());
        for file in attachments {
            let content = tokio::fs::read(&file.path).await.map_err(|error| {
                Reason::new(ReasonCode::Template, format!("the attachment {} cannot be read: {error}", file.filename))
            })?;
            files.push(ReplyAttachment {
                filename: file.filename.clone(),
                content_type: file.content_type.clone(),
                content,
            });
        }
        Ok(ReplyBody { text: text.clone(), html: html.clone(), attachments: files })
    }

    async fn remember_opt_out(&self, action: &Action, messages: &ReadMessages) -> Result<(), StoreError> {
        let (Some(evidence), Some(email)) = (messages.opt_out(), &action.lead_email) else { return Ok(()) };
        let opt_out = OptOut {
            workspace: action.workspace.clone(),
            email: email.clone(),
            since: self.now(),
            evidence: evidence.to_owned(),
        };
        self.store.add_opt_out(&opt_out).await
    }
}

fn outgoing_ids(messages: &ReadMessages) -> Vec<String> {
    let all = messages.conversation().messages().iter();
    all.filter(|message| message.outgoing).map(|message| message.id.clone()).collect()
}

//! A reply: guarded, sent at most once, and never again by itself once it may have left.

use super::Executor;
use super::verify::next_check;
use crate::engine::threads::{read::thread_reader, reevaluate::has_waited};
use crate::engine::{
    Workspace,
    evaluation::fetch_messages,
    execution::attempts::paused,
    execution::guard::{StoreFacts, Verdict, check_store, check_thread, opted_out},
    failpoint::mutated,
    read_failures::Reach,
    threads::own_replies::{body_fingerprint, matches_text},
    threads::takeover::{Takeover, detect_takeover},
};
use crate::{
    coldsend::{Priority, ReplyAttachment, ReplyBody, WriteError, WriteOutcome},
    model::{
        Action, ActionKind, ActionState, Attachment, AttemptOutcome, Payload, Rate, Reason, ReasonCode, Repeat,
        RepeatScope, Transition, address_of,
    },
    rules::{FileAccess, FileRefusal, MAX_ATTACHED_BYTES, ThreadMessages},
    store::{OptOut, SentFilter, StoreError},
    text::fingerprint,
};
use jiff::Timestamp;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
/// The most that the first reply after a rest waits before its last look, and each of those that follow it.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const SHORT_WAIT: Duration = Duration::from_millis(150);
/// Replies that follow each other within this time are one burst.
const BURST: Duration = Duration::from_secs(10);
/// How long a reply waits for its place in the request budget before it is guarded anew.
const MAX_WAIT: Duration = Duration::from_secs(5);

impl Executor {
    pub(in crate::engine) async fn reply(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        if !action.approved
            && let Some(held) = self.held_for_foreign_use(workspace).await?
        {
            return self.apply_verdict(workspace, &mut action, held).await;
        }
        let counted = self.store_facts(workspace, &action).await?;
        match check_store(&action, &counted, workspace.safety(), self.shared.now()) {
            Verdict::Send => {}
            other => return self.apply_verdict(workspace, &mut action, other).await,
        }
        let body = match self.body(&action).await {
            Ok(body) => body,
            Err(reason) => {
                return self.shared.transition(workspace, &mut action, Transition::failed(reason)).await;
            }
        };
        // Messages that were read for the decision can hold the reply back without a request; they let nothing go.
        if let Some(messages) = workspace.cache.messages(&action.thread_id, self.shared.now()) {
            match self.check_messages(workspace, &action, &messages).await?.0 {
                Verdict::Send => {}
                _ if mutated!(self.shared, SkipGuard) => {}
                other => {
                    self.remember_opt_out(&action, &messages).await?;
                    action.outgoing_before = outgoing_ids(&messages);
                    return self.apply_verdict(workspace, &mut action, other).await;
                }
            }
            action.outgoing_before = outgoing_ids(&messages);
        }
        let waited = has_waited(&action, self.shared.now());
        self.step_out_of_phase(workspace).await;
        if !self.set_in_flight(workspace, &mut action).await? {
            return Ok(());
        }
        // From here on, messages that were read before must not be used.
        workspace.cache.evict_messages(&action.thread_id);
        let client = thread_reader(workspace, &action.thread_id).with_max_wait(Some(MAX_WAIT));
        // The last check: only the request itself stands between what these messages show and the reply.
        let messages = match fetch_messages(&client, &action.thread_id, Priority::Reply).await {
            Ok(messages) => {
                workspace.read_failures.record_success(&action.thread_id, self.shared.now());
                messages
            }
            Err(error) => return self.withdraw_unread(workspace, &mut action, &error).await,
        };
        let checked = self.last_check(workspace, &action, &messages, waited).await;
        let (verdict, note) = checked.unwrap_or_else(|error| {
            let reason = Reason::new(ReasonCode::Unreachable, format!("the store could not be asked: {error}"));
            (Verdict::Wait(self.next_read(Reach::Unclear), reason), None)
        });
        action.outgoing_before = outgoing_ids(&messages);
        if verdict != Verdict::Send && !mutated!(self.shared, SkipGuard) {
            let remembered = self.remember_opt_out(&action, &messages).await;
            return self.withdraw(workspace, &mut action, verdict).await.and(remembered);
        }
        if self.shared.dry_run {
            let done = Transition::done_with(note);
            return self.record_outcome(workspace, &mut action, AttemptOutcome::DryRun, done).await;
        }
        let result = client.reply(&action.thread_id, &body).await;
        self.reply_ended(workspace, action, result.err(), note).await
    }

    /// What these messages say of the reply, and which message was taken for a campaign step although it may look like
    /// a reply.
    async fn check_messages(
        &self,
        workspace: &Workspace,
        action: &Action,
        messages: &ThreadMessages,
    ) -> Result<(Verdict, Option<Reason>), StoreError> {
        let conversation = messages.conversation();
        let is_newest = conversation.newest_inbound().map(|newest| newest.id.as_str()) == action.message_id.as_deref();
        if is_newest && let Some(foreign) = self.find_unsent(workspace, action, conversation).await? {
            return Ok((foreign, None));
        }
        let takeover = detect_takeover(&*self.shared.store, workspace.name(), &action.thread_id, conversation).await?;
        let own_sender = self.is_from_own_sender(messages).await?;
        let verdict = check_thread(action, messages, own_sender, &takeover, workspace.safety().hold_uncertain);
        if verdict == Verdict::Send && !action.approved && has_its_text_already(action, messages) {
            let text = "the same text is in the thread already";
            return Ok((Verdict::Suppress(Reason::new(ReasonCode::Repeat, text)), None));
        }
        Ok((
            verdict,
            match takeover {
                Takeover::CampaignStep(why) => Some(Reason::new(ReasonCode::CampaignStep, why)),
                _ => None,
            },
        ))
    }

    /// The last check: these messages, and the pause, the opt-out or the other service that came meanwhile.
    async fn last_check(
        &self,
        workspace: &Workspace,
        action: &Action,
        messages: &ThreadMessages,
        waited: bool,
    ) -> Result<(Verdict, Option<Reason>), StoreError> {
        let (verdict, note) = self.check_messages(workspace, action, messages).await?;
        if verdict != Verdict::Send || mutated!(self.shared, IgnorePause | SkipStoreCheck) {
            return Ok((verdict, note));
        }
        if self.shared.is_paused(workspace.name()).await? {
            return Ok((paused(), None));
        }
        if let Some(lead) = action.lead_email.as_deref()
            && let Some(found) = self.shared.store.opt_out(&action.workspace, lead).await?
        {
            return Ok((Verdict::Suppress(opted_out(&found.evidence)), None));
        }
        if !action.approved
            && let Some(held) = self.held_for_foreign_use(workspace).await?
        {
            return Ok((held, None));
        }
        if waited && let Some(cancelled) = self.shared.no_longer_matches(workspace, action, Some(messages)).await? {
            return Ok((cancelled, None));
        }
        Ok((Verdict::Send, note))
    }

    /// Waits a random moment, so that another service that acts on the same account at the same instant gets out of
    /// step and the last check sees it. The first reply after a rest waits longer than the next ones of a burst.
    async fn step_out_of_phase(&self, workspace: &Workspace) {
        if self.shared.dry_run {
            return;
        }
        let most = if workspace.reply_pace.has_just_replied(BURST) { SHORT_WAIT } else { FIRST_WAIT };
        let wait = self.shared.clock.random_wait(most);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        workspace.reply_pace.record();
    }

    async fn reply_ended(
        &self,
        workspace: &Workspace,
        mut action: Action,
        error: Option<WriteError>,
        note: Option<Reason>,
    ) -> Result<(), StoreError> {
        let done = Transition::done_with(note);
        let Some(error) = error else {
            return self.record_outcome(workspace, &mut action, AttemptOutcome::Accepted, done).await;
        };
        let next = match error.certainty {
            WriteOutcome::Applied => done,
            WriteOutcome::NotApplied => self.after_rejection(workspace, &action, &error.error).await?,
            WriteOutcome::Unknown if mutated!(self.shared, RetryUnknown) => Transition::planned(self.shared.now()),
            WriteOutcome::Unknown => {
                let due = next_check(workspace, &action, self.shared.now()).unwrap_or_else(|| self.shared.now());
                Transition::verify_at(due, Reason::new(ReasonCode::Ambiguous, error.error.to_string()))
            }
        };
        self.record_outcome(workspace, &mut action, &error, next).await
    }

    /// Whether the newest inbound message comes from an address that one of the workspaces sends from.
    pub(super) async fn is_from_own_sender(&self, messages: &ThreadMessages) -> Result<bool, StoreError> {
        match messages.newest_inbound().and_then(|message| address_of(message.from.as_deref()?)) {
            Some(sender) => self.shared.store.is_own_address(&sender).await,
            None => Ok(false),
        }
    }

    /// What the store knows about the reply.
    pub(super) async fn store_facts(&self, workspace: &Workspace, action: &Action) -> Result<StoreFacts, StoreError> {
        let now = self.shared.now();
        let since = |span: Duration| now.saturating_sub(span).unwrap_or(Timestamp::MIN);
        let mut counted = StoreFacts::default();
        if mutated!(self.shared, SkipStoreCheck) {
            return Ok(counted);
        }
        let all = SentFilter { kind: ActionKind::Reply, lead_email: None, rule: None };
        counted.repeat = self.repeat_used(action).await?;
        if let Some(lead) = action.lead_email.as_deref() {
            let found = self.shared.store.opt_out(&action.workspace, lead).await?;
            counted.opted_out = found.map(|opt_out| opt_out.evidence);
            let filter = SentFilter { lead_email: Some(lead), ..all };
            let window = since(workspace.safety().replies_per_lead.per);
            counted.to_lead = self.shared.store.sent_since(&action.workspace, &filter, window).await?;
        }
        counted.last_hour = self.shared.store.sent_since(&action.workspace, &all, since(HOUR)).await?;
        if let Some(Rate { per, .. }) = action.timing.limit {
            let filter = SentFilter { rule: Some(&action.rule), ..all };
            counted.by_rule = self.shared.store.sent_since(&action.workspace, &filter, since(per)).await?;
        }
        Ok(counted)
    }

    /// Whether what has left since the decision uses up the rule's `repeat`. Waiting replies do not count: of two that
    /// wait, one must go.
    async fn repeat_used(&self, action: &Action) -> Result<Option<&'static str>, StoreError> {
        let lead = action.lead_email.as_deref();
        let history = self.shared.store.history(&action.workspace, &action.thread_id, lead).await?;
        let may_have_left = |state: ActionState| {
            matches!(state, ActionState::Done | ActionState::InFlight | ActionState::Unknown | ActionState::Quarantined)
        };
        let words = body_fingerprint(&action.payload);
        let mine = history.iter().filter(|entry| {
            entry.kind == action.kind
                && (entry.rule == action.rule || words.is_some() && entry.body.as_deref().map(fingerprint) == words)
                && entry.action != action.id
                && may_have_left(entry.state)
        });
        let message_id = action.message_id.as_deref();
        let about = RepeatScope { thread_id: &action.thread_id, message_id, lead_email: lead };
        Ok(action.timing.repeat.violation(mine, about, self.shared.now()))
    }

    /// The reply as it is sent; files are read now.
    async fn body(&self, action: &Action) -> Result<ReplyBody, Reason> {
        let Payload::Reply { text, html, attachments } = &action.payload else {
            return Err(Reason::new(ReasonCode::Template, "the reply was never rendered"));
        };
        let attachments = if attachments.is_empty() {
            Vec::new()
        } else {
            let (files, rules) = (attachments.clone(), self.shared.rules());
            let read = tokio::task::spawn_blocking(move || read_attachments(&files, rules.files())).await;
            read.map_err(|error| Reason::new(ReasonCode::Template, error.to_string()))??
        };
        Ok(ReplyBody { text: text.clone(), html: html.clone(), attachments })
    }

    async fn remember_opt_out(&self, action: &Action, messages: &ThreadMessages) -> Result<(), StoreError> {
        let (Some(evidence), Some(email)) = (messages.opt_out(), &action.lead_email) else { return Ok(()) };
        let opt_out = OptOut {
            workspace: action.workspace.clone(),
            email: email.clone(),
            since: self.shared.now(),
            evidence: evidence.to_owned(),
        };
        self.shared.store.add_opt_out(&opt_out).await
    }
}

/// Reads the files of a reply as they are now: what they were when the rules were loaded proves nothing of that.
fn read_attachments(attachments: &[Attachment], allowed: &FileAccess) -> Result<Vec<ReplyAttachment>, Reason> {
    let mut left = MAX_ATTACHED_BYTES;
    let read = attachments.iter().map(|file| {
        let content = allowed.open(&file.path).and_then(|open| open.read(left)).map_err(|error| {
            let why = match error {
                FileRefusal::TooLarge(_) => "the attachments have more than 10 MB together".to_owned(),
                other => other.to_string(),
            };
            Reason::new(ReasonCode::Template, format!("the attachment {} is not sent: {why}", file.filename))
        })?;
        left = left.saturating_sub(content.len() as u64);
        let (filename, content_type) = (file.filename.clone(), file.content_type.clone());
        Ok(ReplyAttachment { filename, content_type, content })
    });
    read.collect()
}

fn outgoing_ids(messages: &ThreadMessages) -> Vec<String> {
    let all = messages.conversation().messages().iter();
    all.filter(|message| message.outgoing).map(|message| message.id.clone()).collect()
}

/// Whether an outgoing message before the newest inbound one has the reply's text, where the rule says it once.
fn has_its_text_already(action: &Action, messages: &ThreadMessages) -> bool {
    let once = matches!(action.timing.repeat, Repeat::OncePerThread | Repeat::OncePerLead);
    let all = messages.conversation().messages();
    let newest = all.iter().rposition(|message| !message.outgoing).unwrap_or(0);
    once && all.iter().take(newest).any(|message| message.outgoing && matches_text(action, message))
}

//! A reply: guarded, sent at most once, and never again by itself once it may have left.

use super::Executor;
use super::caps::{self, Counting, OnItsWay};
use super::verify::next_check;
use crate::engine::threads::{is_in_line, read::thread_reader, reevaluate::has_waited};
use crate::engine::{
    Workspace,
    evaluation::fetch_messages,
    execution::attempts::paused,
    execution::guard::{Verdict, check_store, check_thread, held_for_foreign_use, opted_out},
    failpoint::mutated,
    own_rows::ExpectedRow,
    read_failures::Reach,
    threads::own_replies::matches_text,
    threads::takeover::{Takeover, detect_takeover},
};
use crate::{
    coldsend::{ApiError, Client, Priority, ReplyReceipt, WriteError, WriteOutcome},
    model::{Action, AttemptOutcome, Payload, Reason, ReasonCode, Repeat, Transition},
    rules::ThreadMessages,
    store::{AtIntent, OptOut, StoreError},
};
use std::{sync::Arc, time::Duration};

/// While nobody else uses the account, messages that were read so long ago serve as the last look. A place in the request
/// budget may take [`MAX_WAIT`] more.
const LAST_LOOK: Duration = Duration::from_secs(3);
/// The most that the first reply after a rest waits before its last look, and each of those that follow it, while
/// somebody else may use the account.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const SHORT_WAIT: Duration = Duration::from_millis(150);
/// Replies that follow each other within this time are one burst.
const BURST: Duration = Duration::from_secs(10);
/// How long a reply waits for its place in the request budget before it is guarded anew.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// What the last look has shown: nothing that holds the reply back.
struct LastLook {
    messages: Arc<ThreadMessages>,
    /// What the intent's transaction has seen.
    seen: AtIntent,
    /// What may look like a reply and was taken for a campaign step.
    note: Option<Reason>,
}

/// Messages that let the reply go, and the note of [`LastLook`].
type Look = (Arc<ThreadMessages>, Option<Reason>);

impl Executor {
    /// Guards a reply, writes its intent, sends it once, and writes the outcome.
    ///
    /// The last look is a read between intent and request, after a random wait, while another service may use the account:
    /// both see what the other one sent. While the API's counts show that nobody else does, the read that the decision was
    /// made on serves, if it ended a moment ago.
    pub(in crate::engine) async fn reply(&self, workspace: &Workspace, mut action: Action) -> Result<(), StoreError> {
        let wait = workspace.client().would_wait(Priority::Reply);
        if wait > MAX_WAIT {
            let error = ApiError::BudgetExhausted { workspace: workspace.name().to_owned(), retry_after: wait };
            let next = self.after_rejection(workspace, &action, &error).await?;
            return self.shared.transition(workspace, &mut action, next).await;
        }
        let is_alone = self.is_alone(workspace);
        if (!is_alone || has_files(&action))
            && let Some(verdict) = self.check_facts(workspace, &action, None).await?
            && !workspace.caps(action.kind).may_change(&verdict)
        {
            return self.apply_verdict(workspace, &mut action, verdict).await;
        }
        let body = match self.body(&action).await {
            Ok(body) => body,
            Err(reason) => {
                return self.shared.transition(workspace, &mut action, Transition::failed(reason)).await;
            }
        };
        let waited = has_waited(&action, self.shared.now());
        if !is_alone {
            self.step_out_of_phase(workspace).await;
        }
        let Some((_on_its_way, look)) = self.begin_reply(workspace, &mut action).await? else { return Ok(()) };
        let client = thread_reader(workspace, &action.thread_id).with_max_wait(Some(MAX_WAIT));
        let checked = match look {
            Some(LastLook { messages, seen, note }) => {
                // The intent's transaction has asked for pauses and opt-outs just now.
                let verdict = self.check_what_came(workspace, &action, &messages, seen, waited).await;
                (messages, verdict.map(|verdict| (verdict, note)))
            }
            // The last check: only the request itself stands between what these messages show and the reply.
            None => match self.last_read(workspace, &client, &action.thread_id).await {
                Ok(messages) => {
                    workspace.read_failures.record_success(&action.thread_id, self.shared.now());
                    let verdict = self.last_check(workspace, &action, &messages, waited).await;
                    (messages, verdict)
                }
                Err(error) => return self.withdraw_unread(workspace, &mut action, &error).await,
            },
        };
        let (messages, verdict) = checked;
        let (verdict, note) = verdict.unwrap_or_else(|error| {
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
        self.expect_row(workspace, &action, &messages, result.as_ref().ok());
        self.reply_ended(workspace, action, result.err(), note).await
    }

    /// The thread's messages as they are now.
    async fn last_read(
        &self,
        workspace: &Workspace,
        client: &Client,
        thread: &str,
    ) -> Result<Arc<ThreadMessages>, ApiError> {
        match workspace.cache.given(thread).messages {
            Some(given) => Ok(given),
            None => fetch_messages(client, thread, Priority::Reply).await,
        }
    }

    /// Whether the API's counts show that nobody else uses the workspace's key, and no other service was ever seen.
    fn is_alone(&self, workspace: &Workspace) -> bool {
        workspace.client().is_alone() && !workspace.has_seen_foreign_use()
    }

    /// Counts what has left and writes the intent, as one step of the workspace; `None` if the reply may not leave: then
    /// it was changed. With the last look, if messages that were read a moment ago serve as that.
    async fn begin_reply<'a>(
        &self,
        workspace: &'a Workspace,
        action: &mut Action,
    ) -> Result<Option<(OnItsWay<'a>, Option<LastLook>)>, StoreError> {
        let caps = workspace.caps(action.kind);
        let mut is_last_try = false;
        loop {
            let one_ended = caps.one_ended();
            let mut counting = caps.count().await;
            let Some(verdict) = self.check_facts(workspace, action, Some(&mut counting)).await? else {
                let Ok(look) = self.look_at_cached(workspace, action).await? else { return Ok(None) };
                let Some(seen) = self.begin(workspace, action).await? else { return Ok(None) };
                counting.take_place();
                // From here on, messages that were read before must not be used.
                workspace.cache.evict_messages(&action.thread_id);
                let look = look.map(|(messages, note)| LastLook { messages, seen, note });
                return Ok(Some((caps.begin(), look)));
            };
            drop(counting);
            let may_change = caps.may_change(&verdict);
            if !may_change || is_last_try {
                let verdict = if may_change { self.soon(verdict) } else { verdict };
                self.apply_verdict(workspace, action, verdict).await?;
                return Ok(None);
            }
            is_last_try = tokio::time::timeout(caps::MAX_WAIT, one_ended).await.is_err();
        }
    }

    /// What the store says against the reply, without a request.
    async fn check_facts(
        &self,
        workspace: &Workspace,
        action: &Action,
        counting: Option<&mut Counting<'_>>,
    ) -> Result<Option<Verdict>, StoreError> {
        let (now, cap) = (self.shared.now(), workspace.safety().replies_per_hour);
        let has_room = counting.as_ref().is_some_and(|counting| counting.has_room(cap, now));
        let counted = self.store_facts(workspace, action, has_room).await?;
        if counted.foreign_use.is_some() {
            workspace.record_foreign_use();
        }
        if let Some(counting) = counting
            && !has_room
        {
            counting.record_count(cap, counted.last_hour.len(), now);
        }
        let verdict = check_store(action, &counted, workspace.safety(), self.shared.now());
        Ok((verdict != Verdict::Send).then_some(verdict))
    }

    /// Messages that were read for the decision can hold the reply back without a request: then the action was changed, and
    /// the result is `Err`. They let it go only while nobody else uses the account and they are a moment old.
    async fn look_at_cached(
        &self,
        workspace: &Workspace,
        action: &mut Action,
    ) -> Result<Result<Option<Look>, ()>, StoreError> {
        let now = self.shared.now();
        let Some(messages) = workspace.cache.messages(&action.thread_id, now) else { return Ok(Ok(None)) };
        let (verdict, note) = self.check_messages(workspace, action, &messages).await?;
        action.outgoing_before = outgoing_ids(&messages);
        if verdict != Verdict::Send && !mutated!(self.shared, SkipGuard) {
            self.remember_opt_out(action, &messages).await?;
            self.apply_verdict(workspace, action, verdict).await?;
            return Ok(Err(()));
        }
        let serves = workspace.cache.has_messages_within(&action.thread_id, now, LAST_LOOK) && self.is_alone(workspace);
        Ok(Ok(serves.then_some((messages, note))))
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
            && let Some(found) = self.shared.store.opt_out(&action.workspace, lead, workspace.safety().opt_outs).await?
        {
            return Ok((Verdict::Suppress(opted_out(&found.evidence)), None));
        }
        Ok((self.check_store_again(workspace, action, messages, waited).await?, note))
    }

    /// The other service, or the change of the rules, that came meanwhile.
    async fn check_store_again(
        &self,
        workspace: &Workspace,
        action: &Action,
        messages: &ThreadMessages,
        waited: bool,
    ) -> Result<Verdict, StoreError> {
        if action.approved {
            return Ok(Verdict::Send);
        }
        if let Some(held) = self.held_for_foreign_use(workspace).await? {
            return Ok(held);
        }
        let is_in_line = is_in_line(&*self.shared.store, workspace.name(), &action.thread_id).await?;
        let seen = AtIntent { foreign_use: None, is_in_line };
        self.check_what_came(workspace, action, messages, seen, waited).await
    }

    /// The same with what the intent's transaction has seen.
    async fn check_what_came(
        &self,
        workspace: &Workspace,
        action: &Action,
        messages: &ThreadMessages,
        seen: AtIntent,
        waited: bool,
    ) -> Result<Verdict, StoreError> {
        if action.approved {
            return Ok(Verdict::Send);
        }
        if let Some(found) = &seen.foreign_use {
            workspace.record_foreign_use();
            return Ok(held_for_foreign_use(found));
        }
        if (waited || seen.is_in_line)
            && let Some(cancelled) = self.shared.no_longer_matches(workspace, action, Some(messages)).await?
        {
            return Ok(cancelled);
        }
        Ok(Verdict::Send)
    }

    /// Remembers what the list will show when the reply is all that has happened in the thread.
    fn expect_row(
        &self,
        workspace: &Workspace,
        action: &Action,
        messages: &ThreadMessages,
        receipt: Option<&ReplyReceipt>,
    ) {
        let expected = receipt.and_then(|receipt| {
            let Payload::Reply { text: Some(text), .. } = &action.payload else { return None };
            ExpectedRow::after_reply(messages.conversation(), text, receipt.date?)
        });
        workspace.own_rows.expect(&action.thread_id, expected);
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

    async fn remember_opt_out(&self, action: &Action, messages: &ThreadMessages) -> Result<(), StoreError> {
        let (Some(evidence), Some(email)) = (messages.opt_out(), &action.lead_email) else { return Ok(()) };
        let opt_out = OptOut {
            workspace: action.workspace.clone(),
            email: email.clone(),
            since: self.shared.now(),
            evidence: evidence.to_owned(),
        };
        self.shared.store.add_opt_out(&opt_out).await?;
        // If the lead was erased while the thread was read, only the hash of what was just learned may stay.
        if self.shared.store.action(&action.id).await?.is_none() {
            let only = [action.workspace.clone()];
            self.shared.store.erase(email, Some(&only), self.shared.now()).await?;
        }
        Ok(())
    }
}

fn has_files(action: &Action) -> bool {
    matches!(&action.payload, Payload::Reply { attachments, .. } if !attachments.is_empty())
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

//! What the actions of a matching rule come to, as far as a decision can tell.

use super::{
    RuleSet,
    definition::{ActionDef, Content, Rule},
    event::Facts,
    pattern::{truncate, truncate_input},
    reading::ThreadMessages,
    template::{Context, TemplateRef},
};
use crate::destinations::destination_info;
use crate::model::{
    ActionKind, ActionState, HistoryEntry, Mode, Notice, NoticeMessage, Payload, PlannedAction, PlannedOutcome, Reason,
    ReasonCode, Repeat, RepeatScope, address_of, non_blank,
};
use crate::text;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// How many of the newest messages a forward tells.
const TOLD_MESSAGES: usize = 50;
/// How much of each of them, in bytes.
const TOLD_BYTES: usize = 16 * 1024;

/// What earlier rules of the same decision have taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Claimed {
    reply: Option<String>,
    targets: HashSet<(ActionKind, Option<String>, Option<String>)>,
}

/// A rule that matched, with what it found.
pub(super) struct Matched<'a> {
    pub(super) rule: &'a Rule,
    pub(super) mode: Mode,
    pub(super) captures: &'a BTreeMap<String, String>,
    pub(super) vars: &'a Map<String, Value>,
}

type Verdict = (PlannedOutcome, Option<Reason>);

fn verdict(would: PlannedOutcome, code: ReasonCode, text: impl Into<String>) -> Verdict {
    (would, Some(Reason::new(code, text)))
}

/// Plans every action of a matching rule, in order.
pub(super) fn plan(set: &RuleSet, matched: &Matched<'_>, facts: &Facts<'_>, taken: &mut Claimed) -> Vec<PlannedAction> {
    let rule = matched.rule;
    let context = Context::new(facts, rule, matched.captures, matched.vars);
    let mut planned = Vec::with_capacity(rule.actions.len());
    for (position, action) in rule.actions.iter().enumerate() {
        let payload = match &action.content {
            Content::None => Ok(Payload::None),
            content => render(set, action.kind, content, matched, facts, &context),
        };
        let (would, reason) = judge(set, matched, action, facts, taken, payload.as_ref());
        planned.push(PlannedAction {
            rule: rule.name.clone(),
            mode: matched.mode,
            position: u32::try_from(position).unwrap_or(u32::MAX),
            kind: action.kind,
            target: action.target.clone(),
            would,
            reason,
            payload: payload.unwrap_or_default(),
            timing: action.timing.clone(),
            any_sender: rule.any_sender(),
            any_auto_reply: rule.any_auto_reply(),
        });
    }
    planned
}

/// What an action sends, on an event.
pub(super) fn payload(
    set: &RuleSet,
    matched: &Matched<'_>,
    action: &ActionDef,
    facts: &Facts<'_>,
) -> Result<Payload, String> {
    let context = Context::new(facts, matched.rule, matched.captures, matched.vars);
    render(set, action.kind, &action.content, matched, facts, &context)
}

fn judge(
    set: &RuleSet,
    matched: &Matched<'_>,
    action: &ActionDef,
    facts: &Facts<'_>,
    taken: &mut Claimed,
    payload: Result<&Payload, &String>,
) -> Verdict {
    let template_error = payload.err();
    if matched.mode == Mode::Shadow {
        return shadowed(set, matched, action, facts, taken, payload);
    }
    let refused = if action.kind == ActionKind::Reply {
        reply_refused(matched.rule, action, facts, taken, payload.ok())
    } else {
        other_refused(matched.rule, action, facts, taken, payload.ok())
    };
    if let Some(refused) = refused {
        return refused;
    }
    let failed = template_error.map(|error| verdict(PlannedOutcome::Failed, ReasonCode::Template, error.clone()));
    if action.kind == ActionKind::Reply {
        // A reply whose template fails keeps the message: a person must see that it should have been answered.
        taken.reply = Some(matched.rule.name.clone());
        if let Some(failed) = failed {
            return failed;
        }
        if facts.sender_is_not_lead() && !matched.rule.any_sender() {
            return verdict(PlannedOutcome::Held, ReasonCode::SenderIsNotLead, "the sender is not the lead");
        }
        if let Some(why) = facts.uncertain_for(matched.rule) {
            return verdict(PlannedOutcome::Held, ReasonCode::Uncertain, why);
        }
        if matched.mode == Mode::Draft {
            return verdict(PlannedOutcome::Held, ReasonCode::Draft, "waits for approval");
        }
    } else if let Some(failed) = failed {
        return failed;
    } else {
        taken.targets.insert(target_key(matched.rule, action, payload.ok()));
    }
    timing(set, action, facts)
}

/// Recorded only, with what would be done without the shadow. It takes nothing from others.
fn shadowed(
    set: &RuleSet,
    matched: &Matched<'_>,
    action: &ActionDef,
    facts: &Facts<'_>,
    taken: &Claimed,
    payload: Result<&Payload, &String>,
) -> Verdict {
    let mode = if matched.rule.mode == Mode::Shadow { Mode::Live } else { matched.rule.mode };
    let acting = Matched { mode, ..*matched };
    let (would, reason) = judge(set, &acting, action, facts, &mut taken.clone(), payload);
    let why = reason.map(|reason| format!(": {}", reason.text)).unwrap_or_default();
    verdict(PlannedOutcome::Suppressed, ReasonCode::Shadow, format!("{} (shadow){why}", would.describe(action.kind)))
}

/// Whether each rule does it for a message, such as calling a webhook; everything else is done once.
fn is_for_each_rule(kind: ActionKind) -> bool {
    match kind {
        ActionKind::Forward(destination) => destination_info(destination).for_each_rule,
        ActionKind::Reply | ActionKind::Star | ActionKind::Unstar | ActionKind::MarkRead => false,
    }
}

/// What two actions that do the same have in common.
fn target_key(
    rule: &Rule,
    action: &ActionDef,
    payload: Option<&Payload>,
) -> (ActionKind, Option<String>, Option<String>) {
    let rule = is_for_each_rule(action.kind).then(|| rule.name.clone());
    let named = payload.map(Payload::recipients).unwrap_or_default().iter().map(|name| format!(" {name}"));
    let target = action.target.as_ref().map(|target| std::iter::once(target.clone()).chain(named).collect());
    (action.kind, target, rule)
}

fn reply_refused(
    rule: &Rule,
    action: &ActionDef,
    facts: &Facts<'_>,
    taken: &Claimed,
    payload: Option<&Payload>,
) -> Option<Verdict> {
    let suppressed = |code, text: String| Some(verdict(PlannedOutcome::Suppressed, code, text));
    if facts.input.lead_opted_out == Some(true) {
        return suppressed(ReasonCode::OptOut, "the lead opted out earlier".to_owned());
    }
    if facts.opt_out().is_some() {
        return suppressed(ReasonCode::OptOut, "the thread contains an opt-out".to_owned());
    }
    if facts.auto_reply().is_some() && !rule.any_auto_reply() {
        return suppressed(ReasonCode::AutoReply, "the message is an auto-reply".to_owned());
    }
    if let Some(by) = &taken.reply {
        return suppressed(ReasonCode::AlreadyAnswered, format!("`{by}` replies to this message"));
    }
    let earlier = facts.counted().find(|entry| entry.kind == ActionKind::Reply && facts.same_message(entry));
    if let Some(earlier) = earlier.filter(|entry| entry.rule != rule.name) {
        return suppressed(ReasonCode::AlreadyAnswered, format!("`{}` has a reply for this message", earlier.rule));
    }
    // Whatever its `repeat` says, a rule answers one message once.
    if earlier.is_some() {
        return suppressed(ReasonCode::Repeat, "this rule has a reply for this message".to_owned());
    }
    let refused = repeat_refused(rule, action, facts, payload);
    let once = matches!(action.timing.repeat, Repeat::OncePerThread | Repeat::OncePerLead);
    if refused.is_none() && once && payload.is_some_and(|payload| has_text(facts, payload)) {
        return suppressed(ReasonCode::Repeat, "the same text is in the thread already".to_owned());
    }
    refused
}

/// Whether an outgoing message before the newest inbound one has the text of a reply, whoever sent it.
fn has_text(facts: &Facts<'_>, payload: &Payload) -> bool {
    let Some(sent) = payload.preview_text() else { return false };
    let all = facts.input.messages.map(|messages| messages.conversation().messages()).unwrap_or_default();
    let newest = all.iter().rposition(|message| !message.outgoing).unwrap_or(0);
    let mut before = all.iter().take(newest).filter(|message| message.outgoing);
    before.any(|message| text::says_the_same(sent, message.text.as_deref(), message.html.as_deref()))
}

fn other_refused(
    rule: &Rule,
    action: &ActionDef,
    facts: &Facts<'_>,
    taken: &Claimed,
    payload: Option<&Payload>,
) -> Option<Verdict> {
    let same_target = |text: String| Some(verdict(PlannedOutcome::Suppressed, ReasonCode::SameTarget, text));
    if taken.targets.contains(&target_key(rule, action, payload)) {
        return same_target("an earlier action does the same".to_owned());
    }
    // Whom an earlier one named is not known here; the store refuses one that went to the same.
    let names_somebody = payload.is_some_and(|payload| !payload.recipients().is_empty());
    if !is_for_each_rule(action.kind) && !names_somebody {
        let mut counted = facts.counted();
        let same = |entry: &&HistoryEntry| {
            entry.kind == action.kind && entry.target == action.target && entry.rule != rule.name
        };
        if let Some(earlier) = counted.find(|entry| same(entry) && facts.same_message(entry)) {
            return same_target(format!("`{}` has done the same for this message", earlier.rule));
        }
    }
    repeat_refused(rule, action, facts, None)
}

/// Whether the action's own `repeat` refuses it, by what is known of earlier actions. A reply with the same text counts
/// whatever the rule that sent it was called.
/// The fingerprint of what an earlier reply said.
pub fn words_of(entry: &HistoryEntry) -> Option<String> {
    entry.words.clone().or_else(|| entry.body.as_deref().map(text::fingerprint))
}

fn repeat_refused(rule: &Rule, action: &ActionDef, facts: &Facts<'_>, payload: Option<&Payload>) -> Option<Verdict> {
    let words = payload.and_then(Payload::preview_text).map(text::fingerprint);
    let says_the_same = |entry: &HistoryEntry| words.is_some() && words_of(entry) == words;
    let own = |entry: &&HistoryEntry| {
        entry.kind == action.kind
            && entry.target == action.target
            && (entry.rule == rule.name || action.kind == ActionKind::Reply && says_the_same(entry))
    };
    let message = facts.input.messages.and_then(ThreadMessages::newest_inbound).map(|message| message.id.as_str());
    let lead = facts.lead_address();
    let about = RepeatScope { thread_id: &facts.input.row.id, message_id: message, lead_email: lead.as_deref() };
    // A reply to an earlier message of the thread that has not left is cancelled, because a newer message came: it
    // must not keep this one from being answered.
    let gives_way = |entry: &&HistoryEntry| {
        action.kind == ActionKind::Reply
            && entry.thread_id == facts.input.row.id
            && message.is_some()
            && entry.message_id.as_deref() != message
            && ActionState::OPEN.contains(&entry.state)
    };
    let earlier = facts.counted().filter(own).filter(|entry| !gives_way(entry));
    let refused = action.timing.repeat.violation(earlier, about, facts.now);
    refused.map(|why| verdict(PlannedOutcome::Suppressed, ReasonCode::Repeat, format!("this rule has it {why}")))
}

fn timing(set: &RuleSet, action: &ActionDef, facts: &Facts<'_>) -> Verdict {
    if !action.timing.after.is_zero() {
        let span = crate::model::format_duration(action.timing.after);
        return verdict(PlannedOutcome::Waiting, ReasonCode::After, format!("waits {span}, then checks again"));
    }
    if let Some(name) = &action.timing.hours
        && !set.is_open(name, facts.now)
    {
        return verdict(PlannedOutcome::Waiting, ReasonCode::Hours, format!("outside the hours `{name}`"));
    }
    (PlannedOutcome::Done, None)
}

impl Facts<'_> {
    /// Why a rule's reply must wait for a person: the message may be automatic, and the rule does not ask for such mail.
    fn uncertain_for(&self, rule: &Rule) -> Option<String> {
        let messages = self.input.messages.filter(|_| self.input.hold_uncertain && !rule.any_auto_reply())?;
        messages.uncertain()
    }

    /// Earlier actions that were carried out or still may be.
    fn counted(&self) -> impl Iterator<Item = &HistoryEntry> {
        self.input.history.unwrap_or_default().iter().filter(|entry| entry.state.counts_toward_limits())
    }

    /// Whether an earlier action was for the message at hand. Where a message is not known, it is not the same.
    fn same_message(&self, entry: &HistoryEntry) -> bool {
        let id = self.input.messages.and_then(ThreadMessages::newest_inbound).map(|message| message.id.as_str());
        entry.thread_id == self.input.row.id && id.is_some() && entry.message_id.as_deref() == id
    }
}

fn render(
    set: &RuleSet,
    kind: ActionKind,
    content: &Content,
    matched: &Matched<'_>,
    facts: &Facts<'_>,
    context: &Context<'_, '_>,
) -> Result<Payload, String> {
    let print = |template: &Option<TemplateRef>| -> Result<Option<String>, String> {
        let Some(template) = template else { return Ok(None) };
        let text = set.templates().render(template, context)?;
        if text.trim().is_empty() {
            return Err("the template gives an empty text".to_owned());
        }
        Ok(Some(text.trim_end().to_owned()))
    };
    match content {
        Content::None => Ok(Payload::None),
        Content::Reply { text, html, attachments } => {
            Ok(Payload::Reply { text: print(text)?, html: print(html)?, attachments: attachments.clone() })
        }
        Content::Notice { text, subject, recipients } => {
            let (text, subject) = (print(text)?, print(subject)?);
            let recipients = recipients.iter().map(|template| recipient(set, kind, template, context));
            let recipients = recipients.collect::<Result<Vec<_>, _>>()?;
            Ok(Payload::Notice(Box::new(Notice { recipients, ..notice(matched, facts, text, subject) })))
        }
    }
}

/// Whom a template names. Where that is nobody, the action fails: it goes to nobody else instead.
fn recipient(
    set: &RuleSet,
    kind: ActionKind,
    template: &TemplateRef,
    context: &Context<'_, '_>,
) -> Result<String, String> {
    let ActionKind::Forward(kind) = kind else { return Err("only forwards name somebody".to_owned()) };
    let info = destination_info(kind).recipient.as_ref().ok_or("this destination takes no other recipient")?;
    let told = |why: &str| format!("`{}`: {why}", info.key);
    let text = set.templates().render(template, context).map_err(|why| told(&why))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(told("the template gives an empty text"));
    }
    (info.check)(text).map_err(|why| told(&format!("`{}` {why}", truncate(text, 100))))?;
    Ok(text.to_owned())
}

fn notice(matched: &Matched<'_>, facts: &Facts<'_>, text: Option<String>, subject: Option<String>) -> Notice {
    let row = facts.input.row;
    let owned = |text: Option<&str>| non_blank(text).map(str::to_owned);
    let message = facts.input.messages.and_then(ThreadMessages::newest_inbound);
    let from = message.and_then(|message| message.from.as_deref()).filter(|_| facts.sender_is_not_lead());
    Notice {
        workspace: facts.input.workspace.to_owned(),
        thread_id: row.id.clone(),
        message_id: message.map(|message| message.id.clone()),
        message_at: message.and_then(|message| message.created_at),
        lead_email: facts.lead_address(),
        lead_name: facts.lead_name().full.clone(),
        from: from.map(|from| address_of(from).unwrap_or_else(|| from.to_owned())),
        campaign: owned(row.campaign()),
        category: owned(row.category()),
        subject: owned(row.subject.as_deref()),
        new_text: facts
            .input
            .messages
            .and_then(ThreadMessages::body)
            .map(truncate_input)
            .unwrap_or_default()
            .to_owned(),
        rule: matched.rule.name.clone(),
        rule_description: matched.rule.description.clone(),
        text,
        // A subject is a mail header: one line, whatever the lead is called.
        recipients: Vec::new(),
        email_subject: subject.map(|subject| subject.split_whitespace().collect::<Vec<_>>().join(" ")),
        captures: matched.captures.clone(),
        vars: matched.vars.clone(),
        conversation: facts.input.messages.map(notice_messages).unwrap_or_default(),
    }
}

fn notice_messages(messages: &ThreadMessages) -> Vec<NoticeMessage> {
    let all = messages.conversation().messages();
    let newest = all.iter().enumerate().skip(all.len().saturating_sub(TOLD_MESSAGES));
    newest
        .map(|(index, message)| NoticeMessage {
            from: message.from.clone(),
            at: message.created_at,
            outgoing: message.outgoing,
            text: truncate(messages.new_text(index), TOLD_BYTES).to_owned(),
        })
        .collect()
}

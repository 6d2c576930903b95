//! Writes a live thread as a test case that passes with the current rules.

use crate::{
    app::AppError,
    destinations::destination_info,
    model::{Conversation, Decision, Message, PlannedOutcome, ThreadDetail, cut_line},
    rules::{ActualForward, RuleSet},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How much of a quoted part a comment shows.
const MAX_COMMENT: usize = 80;

#[derive(Serialize)]
struct File {
    tests: [Case; 1],
}

#[derive(Serialize)]
struct Case {
    name: String,
    /// Where there are several, so that the test happens in the right one.
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
    now: Timestamp,
    thread: Thread,
    messages: Vec<Said>,
    expect: Expect,
}

#[derive(Serialize)]
struct Thread {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inbox: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ai_category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ai_confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manual_category: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_count: Option<u64>,
}

#[derive(Serialize)]
struct Said {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outgoing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

#[derive(Default, Serialize)]
struct Expect {
    rules: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actions: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forwards: Vec<Forward>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

#[derive(Serialize)]
struct Forward {
    to: String,
    /// Whom it is for beside the destination's own, by the key of the action.
    #[serde(flatten)]
    recipients: BTreeMap<&'static str, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl From<ActualForward> for Forward {
    fn from(forward: ActualForward) -> Self {
        let key = destination_info(forward.kind).recipient.as_ref().map(|info| info.key);
        let recipients = match (key, forward.recipients.as_slice()) {
            (None, _) | (_, []) => None,
            (Some(key), [one]) => Some((key, Value::from(one.as_str()))),
            (Some(key), several) => Some((key, Value::from(several.to_vec()))),
        };
        Self {
            to: forward.target,
            recipients: recipients.into_iter().collect(),
            subject: forward.subject,
            text: forward.text,
        }
    }
}

/// The thread up to its newest inbound message, which is the event, with what the rules do with it as expectation.
pub(super) fn to_yaml(
    thread: &ThreadDetail,
    conversation: &Conversation,
    rules: &RuleSet,
    (workspace, hold_uncertain): (&str, bool),
    now: Timestamp,
) -> anyhow::Result<String> {
    let last = conversation.messages().iter().rposition(|message| !message.outgoing);
    let messages = conversation.messages().iter().take(last.map_or(0, |last| last + 1));
    let messages: Vec<Said> = messages.map(said).collect();
    anyhow::ensure!(!messages.is_empty(), "the lead has not written in this thread yet");
    let row = &thread.row;
    let thread = Thread {
        category: row.category().map(str::to_owned),
        campaign: row.campaign().map(str::to_owned),
        campaign_id: thread.campaign_id.clone(),
        lead_email: row.lead_email.clone(),
        lead_name: row.lead_name.clone(),
        inbox: thread.inbox_email.clone(),
        subject: row.subject.clone(),
        ai_category: thread.ai_category.clone(),
        ai_confidence: thread.ai_confidence,
        manual_category: thread.manual_category.clone(),
        tags: thread.tags.clone(),
        reply_count: row.reply_count,
    };
    let name = format!("thread {}", row.id);
    let several = rules.views().count() > 1;
    let own = several.then(|| workspace.to_owned());
    let mut comments = String::new();
    let mut file = File { tests: [Case { name, workspace: own, now, thread, messages, expect: Expect::default() }] };
    let mut cases = RuleSet::parse_tests("the test", &serde_yaml::to_string(&file)?).map_err(AppError::Invalid)?;
    if let [case] = cases.as_mut_slice()
        && let Ok(decision) = {
            case.workspace = Some(workspace.to_owned());
            case.decide(rules, hold_uncertain)
        }
    {
        comments = describe_reading(&decision);
        let stands = |would| !matches!(would, PlannedOutcome::Suppressed | PlannedOutcome::Failed);
        let failed = decision.actions.iter().any(|action| action.would == PlannedOutcome::Failed);
        let done = decision.actions.iter().filter(|action| stands(action.would)).map(|action| action.kind.as_str());
        let forwards = decision.actions.iter().filter(|action| stands(action.would));
        let forwards = forwards
            .filter_map(|action| ActualForward::new(action.kind, action.target.as_deref(), &action.payload))
            .map(Forward::from);
        file.tests[0].expect = Expect {
            rules: decision.matched().map(str::to_owned).collect(),
            actions: (!failed).then(|| done.collect()),
            forwards: if failed { Vec::new() } else { forwards.collect() },
            body: decision.body.clone(),
        };
    }
    let text = serde_yaml::to_string(&file)?;
    Ok(format!("{comments}# `expect` has what the rules do now: change it to what they should do.\n{text}"))
}

/// How the newest message was read, as comments: what a report of a wrong reading needs.
fn describe_reading(decision: &Decision) -> String {
    let mut lines = vec!["How the newest message was read:".to_owned()];
    let reading = &decision.reading;
    lines.extend(reading.quoted.iter().map(|quoted| format!("  quoted ({}): {}", quoted.why, beginning(&quoted.text))));
    lines.extend(reading.signals.iter().map(|signal| {
        let about = signal.text.trim_end_matches('.');
        format!("  {} {}: {about}: “{}”", signal.certainty, signal.kind, beginning(&signal.words))
    }));
    lines.push(format!("  auto-reply: {}", if decision.auto_reply == Some(true) { "yes" } else { "no" }));
    let opt_out =
        decision.opt_out.as_deref().map_or_else(|| "no".to_owned(), |words| format!("“{}”", beginning(words)));
    lines.push(format!("  opt-out: {opt_out}"));
    lines.push(format!("  language: {}", reading.language.as_deref().unwrap_or("not known")));
    lines.iter().map(|line| format!("# {line}\n")).collect()
}

/// The beginning of a text on one line, safe within a comment.
fn beginning(text: &str) -> String {
    let line = crate::text::printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    cut_line(&line, MAX_COMMENT)
}

fn said(message: &Message) -> Said {
    let files = message.attachments.iter().filter_map(|file| file.filename.clone());
    Said {
        outgoing: message.outgoing,
        from: message.from.clone().filter(|_| !message.outgoing),
        subject: message.subject.clone(),
        // A message without any part still is one.
        body: message.text.clone().or_else(|| message.html.is_none().then(String::new)),
        html: message.html.clone().filter(|_| message.text.as_deref().is_none_or(|text| text.trim().is_empty())),
        attachments: files.collect(),
        at: message.created_at,
    }
}

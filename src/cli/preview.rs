//! `preview`: what the rules would do, as a table or as JSON.

use super::{
    CommandStatus,
    args::{self, TableFormat},
};
use crate::{
    app::{self, CliOptions, PreviewedThread},
    model::{ActionKind, Mode, PlannedAction, PlannedOutcome, ReasonCode, counted, cut_line, describe_planned},
    settings::WorkspaceConfig,
};
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;
use std::collections::BTreeMap;

/// The JSON of `preview --format json`.
#[derive(Debug, Serialize)]
pub(super) struct PreviewReport<'a> {
    pub threads: Vec<ThreadReport<'a>>,
    /// How many API requests it took.
    pub requests: u64,
    /// Whether `--limit` cut off threads.
    pub truncated: bool,
    /// What a preview cannot know, in words.
    pub not_considered: &'static [&'static str],
    /// Threads that could not be read.
    pub unreadable: Vec<Unreadable<'a>>,
}

/// What only the store knows.
pub(super) const NOT_CONSIDERED: &[&str] = &[
    "repeats: earlier replies of a rule in the thread or to the lead",
    "limits: what a rule, a lead or the hour has used",
    "opt-outs from other threads or entered by hand",
];

#[derive(Debug, Serialize)]
pub(super) struct Unreadable<'a> {
    pub thread_id: &'a str,
    pub error: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ThreadReport<'a> {
    workspace: &'a str,
    thread_id: &'a str,
    message_id: Option<&'a str>,
    lead_email: Option<&'a str>,
    lead_name: Option<&'a str>,
    subject: Option<&'a str>,
    category: Option<&'a str>,
    campaign: Option<&'a str>,
    body: Option<&'a str>,
    rules: Vec<RuleReport<'a>>,
    actions: Vec<ActionReport<'a>>,
}

#[derive(Debug, Serialize)]
struct RuleReport<'a> {
    name: &'a str,
    matched: bool,
    mode: Mode,
    error: Option<&'a str>,
    captures: &'a BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct ActionReport<'a> {
    rule: &'a str,
    kind: &'a str,
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    recipients: &'a [String],
    would: PlannedOutcome,
    reason: Option<&'a str>,
    reason_text: Option<&'a str>,
    text: Option<&'a str>,
}

impl<'a> ThreadReport<'a> {
    pub(super) fn new(workspace: &'a str, thread: &'a PreviewedThread) -> Self {
        let (row, evaluation) = (&thread.row, &thread.evaluation);
        let newest = evaluation.messages.as_ref().and_then(|messages| messages.newest_inbound());
        Self {
            workspace,
            thread_id: &row.id,
            message_id: newest.map(|message| message.id.as_str()),
            lead_email: row.lead_email.as_deref(),
            lead_name: row.lead_name.as_deref(),
            subject: row.subject.as_deref(),
            category: row.category(),
            campaign: row.campaign(),
            body: evaluation.decision.body.as_deref(),
            rules: evaluation.decision.rules.iter().map(RuleReport::new).collect(),
            actions: evaluation.decision.actions.iter().map(ActionReport::new).collect(),
        }
    }
}

impl<'a> RuleReport<'a> {
    fn new(rule: &'a crate::model::RuleTrace) -> Self {
        Self {
            name: &rule.name,
            matched: rule.matched,
            mode: rule.mode,
            error: rule.error.as_deref(),
            captures: &rule.captures,
        }
    }
}

impl<'a> ActionReport<'a> {
    fn new(action: &'a PlannedAction) -> Self {
        Self {
            rule: &action.rule,
            kind: action.kind.as_str(),
            target: action.target.as_deref(),
            recipients: action.payload.recipients(),
            would: action.would,
            reason: action.reason.as_ref().map(|reason| reason.code.as_str()),
            reason_text: action.reason.as_ref().map(|reason| reason.text.as_str()).filter(|text| !text.is_empty()),
            text: action.payload.preview_text(),
        }
    }
}

/// The table: one row per thread, the replies below.
pub(super) fn table(threads: &[(String, &PreviewedThread)]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(120);
    }
    let header = ["workspace", "lead", "category", "campaign", "new text", "rule", "actions"];
    // One workspace alone need not be named.
    let skipped = usize::from(!are_several(threads));
    table.set_header(header.into_iter().skip(skipped));
    for (workspace, thread) in threads {
        let (row, decision) = (&thread.row, &thread.evaluation.decision);
        let matched: Vec<_> = decision.matched().collect();
        let said = decision.body.as_deref().or(row.preview.as_deref()).unwrap_or_default();
        let cells = [
            workspace.clone(),
            row.lead_email.clone().unwrap_or_else(|| row.id.clone()),
            row.category().unwrap_or("-").to_owned(),
            row.campaign().unwrap_or("-").to_owned(),
            cut_line(said, 90),
            if matched.is_empty() { "no rule".to_owned() } else { matched.join("\n") },
            decision.actions.iter().map(outcome).collect::<Vec<_>>().join("\n"),
        ];
        table.add_row(cells.into_iter().skip(skipped));
    }
    table.to_string()
}

/// Whether the threads are of several workspaces.
fn are_several(threads: &[(String, &PreviewedThread)]) -> bool {
    threads.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one != other))
}

fn outcome(action: &PlannedAction) -> String {
    let target = action.describe_target().map(|target| format!(" {target}")).unwrap_or_default();
    let code = action.reason.as_ref().filter(|_| !is_shadow(action)).map(|reason| format!(" ({})", reason.code));
    format!("{}{target} {}{}", action.kind, described(action).0, code.unwrap_or_default())
}

/// The outcome and why.
fn described(action: &PlannedAction) -> (String, Option<String>) {
    let reason = action.reason.as_ref().map(|reason| (reason.code.as_str(), reason.text.as_str()));
    describe_planned(action.kind, action.would, reason)
}

/// Only recorded, because the rule is in shadow.
fn is_shadow(action: &PlannedAction) -> bool {
    action.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::Shadow)
}

/// `preview`: GET requests only, no store touched.
pub(super) async fn preview(overrides: &CliOptions, selection: args::Selection) -> anyhow::Result<CommandStatus> {
    let settings = app::load_without_file(overrides, &super::env)?;
    super::warn_of(&settings);
    let rules = app::load_rules(&settings)?;
    let workspaces: Vec<&WorkspaceConfig> = match &selection.workspace {
        Some(name) => vec![super::chosen(&settings, Some(name))?],
        None if selection.thread.is_some() => vec![super::chosen(&settings, None)?],
        None => settings.workspaces.iter().collect(),
    };
    let wanted = app::Selection {
        since: selection.since,
        limit: usize::try_from(selection.limit).unwrap_or(usize::MAX),
        thread: selection.thread.clone(),
    };
    let mut requests = 0;
    let mut surveys = Vec::new();
    for workspace in workspaces {
        let client = app::client(workspace)?;
        let now = jiff::Timestamp::now();
        let caps = (workspace.settings.mode, workspace.settings.safety.hold_uncertain);
        let survey = app::preview(&client, &rules, workspace.name(), caps, &wanted, now).await?;
        requests += client.requests_sent();
        surveys.push((workspace.name().to_owned(), survey));
    }
    let truncated = surveys.iter().any(|(_, survey)| survey.truncated);
    let threads: Vec<(String, &PreviewedThread)> = surveys
        .iter()
        .flat_map(|(name, survey)| survey.threads.iter().map(move |found| (name.clone(), found)))
        .collect();
    let unreadable: Vec<_> = surveys.iter().flat_map(|(_, survey)| &survey.unreadable).collect();
    match selection.format {
        TableFormat::Json => {
            let report = PreviewReport {
                threads: threads.iter().map(|(name, found)| ThreadReport::new(name, found)).collect(),
                requests,
                truncated,
                not_considered: NOT_CONSIDERED,
                unreadable: unreadable
                    .iter()
                    .map(|(id, error)| Unreadable { thread_id: id, error: error.to_string() })
                    .collect(),
            };
            super::terminal::out!("{}", super::terminal::json(&report)?);
        }
        TableFormat::Table => {
            print_table(&threads, requests, truncated);
            for (id, error) in unreadable {
                super::terminal::err!("cannot read thread {id}: {error}");
            }
        }
    }
    Ok(CommandStatus::Success)
}

fn print_table(threads: &[(String, &PreviewedThread)], requests: u64, truncated: bool) {
    if threads.is_empty() {
        super::terminal::out!("no threads in this period; try a longer --since");
    } else {
        super::terminal::out!("{}", table(threads));
    }
    let replies: Vec<_> = threads
        .iter()
        .flat_map(|(name, found)| found.evaluation.decision.actions.iter().map(move |action| (name, found, action)))
        .filter(|(_, _, action)| {
            action.kind == ActionKind::Reply && (action.would != PlannedOutcome::Suppressed || is_shadow(action))
        })
        .collect();
    let are_several = are_several(threads);
    for (workspace, found, action) in &replies {
        let lead = found.row.lead_email.as_deref().unwrap_or(&found.row.id);
        let (outcome, why) = described(action);
        let workspace = if are_several { format!("workspace {workspace}, ") } else { String::new() };
        super::terminal::out!("\nreply to {lead} ({workspace}rule {}): {outcome}", action.rule);
        if let Some(why) = why {
            super::terminal::out!("  because {why}");
        }
        for line in action.payload.preview_text().unwrap_or_default().trim_end().lines() {
            super::terminal::out!("  | {line}");
        }
    }
    // A failing rule matches nothing; without this line it looks like a rule without matches.
    let mut failed: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for rule in threads.iter().flat_map(|(_, found)| &found.evaluation.decision.rules) {
        if let Some(error) = &rule.error {
            *failed.entry((&rule.name, error)).or_default() += 1;
        }
    }
    for ((rule, error), count) in failed {
        super::terminal::out!("\nrule {rule} fails on {}: {error}", counted(count, "thread", "threads"));
    }
    let matched = threads.iter().filter(|(_, found)| found.evaluation.decision.matched().next().is_some()).count();
    super::terminal::out!(
        "\n{}, {matched} matched, {}; {}, all GET; nothing changed",
        counted(threads.len(), "thread", "threads"),
        counted(replies.len(), "reply", "replies"),
        counted(requests, "API request", "API requests")
    );
    if truncated {
        super::terminal::out!("there are more threads: raise --limit to see them");
    }
    super::terminal::out!("not checked (needs stored history): {}", NOT_CONSIDERED.join("; "));
}

//! `pause`, `resume`, `approve`, `reject`: commands to the running service.

use super::{CommandStatus, args::ServiceArgs, service::Service};
use crate::{app::CliOptions, model::cut_line};
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long `approve` waits for the outcome.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Stops sending, for a workspace or for all.
pub(super) async fn pause(
    overrides: &CliOptions,
    service: ServiceArgs,
    workspace: Option<String>,
) -> anyhow::Result<CommandStatus> {
    let service = Service::find(overrides, service.url)?;
    let status = switch(&service, "pause", workspace.as_deref()).await?;
    let what = workspace.as_deref().unwrap_or("everything");
    let again = workspace.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    super::terminal::out!("paused {what}: sending stops until you run `reply-router resume{again}`");
    print_states(&status);
    Ok(CommandStatus::Success)
}

/// Ends the pause of a workspace, or every pause.
pub(super) async fn resume(
    overrides: &CliOptions,
    service: ServiceArgs,
    workspace: Option<String>,
) -> anyhow::Result<CommandStatus> {
    let service = Service::find(overrides, service.url)?;
    let status = switch(&service, "resume", workspace.as_deref()).await?;
    super::terminal::out!("resumed {}", workspace.as_deref().unwrap_or("everything"));
    print_states(&status);
    let still = workspace.is_some() && status["paused"] == true;
    if still {
        super::terminal::out!("everything is still paused: run `reply-router resume` to end that pause, too");
    }
    Ok(CommandStatus::Success)
}

async fn switch(service: &Service, what: &str, workspace: Option<&str>) -> anyhow::Result<Value> {
    if let Some(name) = workspace {
        let status = service.get("/api/v1/status").await?;
        let names: Vec<&str> =
            status["workspaces"].as_array().into_iter().flatten().filter_map(|found| found["name"].as_str()).collect();
        anyhow::ensure!(names.contains(&name), "unknown workspace `{name}`; use one of {}", names.join(", "));
    }
    service.post(&format!("/api/v1/{what}"), &json!({ "workspace": workspace })).await
}

fn print_states(status: &Value) {
    for workspace in status["workspaces"].as_array().into_iter().flatten() {
        let text = |key: &str| workspace[key].as_str().unwrap_or("-").to_owned();
        super::terminal::out!("  {} is {}", text("name"), text("state"));
    }
}

/// Approves a held action, or lists what is held.
pub(super) async fn approve(
    overrides: &CliOptions,
    service: ServiceArgs,
    id: Option<String>,
    text: Option<String>,
) -> anyhow::Result<CommandStatus> {
    let service = Service::find(overrides, service.url)?;
    let Some(id) = id else { return list_held(&service).await };
    let body = text.map_or_else(|| json!({}), |text| json!({ "text": text }));
    let mut action = service.post(&format!("/api/v1/actions/{}/approve", encoded(&id)), &body).await?;
    let began = Instant::now();
    while matches!(action["state"].as_str(), Some("planned" | "in_flight")) && began.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK_EVERY).await;
        action = service.get(&format!("/api/v1/actions/{}", encoded(&id))).await?;
    }
    super::terminal::out!("{}", outcome(&action));
    let is_bad = matches!(action["state"].as_str(), Some("failed" | "quarantined"));
    Ok(if is_bad { CommandStatus::Problem } else { CommandStatus::Success })
}

/// Rejects a held action, or lists what is held.
pub(super) async fn reject(
    overrides: &CliOptions,
    service: ServiceArgs,
    id: Option<String>,
) -> anyhow::Result<CommandStatus> {
    let service = Service::find(overrides, service.url)?;
    let Some(id) = id else { return list_held(&service).await };
    let action = service.post(&format!("/api/v1/actions/{}/reject", encoded(&id)), &json!({})).await?;
    super::terminal::out!("rejected the {}: nothing was sent", about(&action));
    Ok(CommandStatus::Success)
}

fn encoded(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

fn about(action: &Value) -> String {
    let text = |key: &str| action[key].as_str().unwrap_or("-").to_owned();
    format!("{} for {} (rule {})", text("kind"), text("lead_email"), text("rule"))
}

fn outcome(action: &Value) -> String {
    let about = about(action);
    let why = action["reason"]["text"].as_str().filter(|text| !text.is_empty());
    let why = why.map(|text| format!(": {text}")).unwrap_or_default();
    match action["state"].as_str().unwrap_or_default() {
        "done" => format!("approved the {about}: sent"),
        "planned" | "in_flight" => format!("approved the {about}: sending; see `reply-router status`"),
        "waiting" | "retrying" => format!("approved the {about}: waiting{why}"),
        "unknown" => format!("approved the {about}: delivery unconfirmed, checking the thread{why}"),
        "suppressed" | "cancelled" => format!("the {about} was not sent{why}"),
        other => format!("the {about} is {other}{why}"),
    }
}

/// What waits for an operator, newest first.
async fn list_held(service: &Service) -> anyhow::Result<CommandStatus> {
    let held = service.get("/api/v1/actions?state=held&limit=10000").await?;
    let held = held["items"].as_array().cloned().unwrap_or_default();
    if held.is_empty() {
        super::terminal::out!("nothing to approve");
        return Ok(CommandStatus::Success);
    }
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(160);
    }
    table.set_header(["id", "lead", "rule", "what", "why", "text"]);
    for action in &held {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        table.add_row([
            text(&action["id"]),
            text(&action["lead_email"]),
            text(&action["rule"]),
            text(&action["kind"]),
            text(&action["reason"]["text"]),
            cut_line(action["text"].as_str().unwrap_or("-"), 80),
        ]);
    }
    super::terminal::out!(
        "{table}\nto send: reply-router approve ID [--text TEXT]    to cancel: reply-router reject ID"
    );
    Ok(CommandStatus::Success)
}

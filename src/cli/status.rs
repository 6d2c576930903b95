//! `status`: the rules of the running service, in a table.

use super::{CommandStatus, args::TableFormat, service::Service, shutdown_signal};
use crate::{app::CliOptions, model::counted};
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::Value;
use std::{
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    time::Duration,
};

/// The interval of `--watch`.
const EVERY: Duration = Duration::from_secs(2);
/// The responses of the service.
struct Seen {
    status: Value,
    rules: Value,
}

async fn ask(service: &Service) -> anyhow::Result<Seen> {
    let status = service.get("/api/v1/status").await?;
    Ok(Seen { status, rules: service.get("/api/v1/rules?limit=10000").await? })
}

/// Clears the screen and moves the cursor to the top left.
const CLEAR: &str = "\x1b[2J\x1b[H";

pub(super) async fn status(
    overrides: &CliOptions,
    url: Option<String>,
    format: TableFormat,
    watch: bool,
) -> anyhow::Result<CommandStatus> {
    let service = Service::find(overrides, url)?;
    if !watch {
        super::terminal::part!("{}", shown(&ask(&service).await?, format)?);
        return Ok(CommandStatus::Success);
    }
    let shutdown = shutdown_signal()?;
    let redraw = std::io::stdout().is_terminal() && format == TableFormat::Table;
    loop {
        // A service that does not respond for a moment, such as during a restart, does not end the watch.
        let text = match shutdown.run_until_cancelled(ask(&service)).await {
            None => return Ok(CommandStatus::Success),
            Some(Ok(seen)) => shown(&seen, format)?,
            Some(Err(error)) if redraw => format!("{error:#}\n"),
            Some(Err(error)) => {
                super::terminal::err!("{error:#}");
                String::new()
            }
        };
        if redraw {
            anstream::print!("{CLEAR}");
        }
        super::terminal::part!("{text}");
        std::io::stdout().flush()?;
        if shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return Ok(CommandStatus::Success);
        }
    }
}

fn shown(seen: &Seen, format: TableFormat) -> anyhow::Result<String> {
    let Seen { status, rules } = seen;
    if format == TableFormat::Json {
        let all = serde_json::json!({ "status": status, "rules": rules["items"] });
        return Ok(format!("{}\n", serde_json::to_string_pretty(&all)?));
    }
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut out = String::new();
    if status["paused"] == true {
        let by = status["pause"]["by"].as_str().unwrap_or("the service itself");
        let since = time(&status["pause"]["since"]);
        writeln!(out, "PAUSED by {by} since {since}: sending stops until you run `reply-router resume`\n")?;
    }
    if let Some(error) = status["rules"]["error"].as_str() {
        writeln!(
            out,
            "RELOAD REJECTED: keeping the rules loaded {}.\n  {error}\n  \
             Run `reply-router check` to see all errors.\n",
            time(&status["rules"]["loaded_at"])
        )?;
    }
    if let Some(why) = status["restart_needed"].as_str() {
        writeln!(out, "RESTART NEEDED: {why}\n")?;
    }
    for workspace in status["workspaces"].as_array().into_iter().flatten() {
        let error = workspace["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
        writeln!(
            out,
            "{} {}{error}, last poll {}, {} left this hour",
            text(&workspace["name"]),
            text(&workspace["state"]),
            time(&workspace["last_poll"]),
            counted(workspace["budget"]["hour_left"].as_u64().unwrap_or_default(), "request", "requests")
        )?;
    }
    let queue = status["queue"].as_object().into_iter().flatten();
    let queue = queue.filter(|(_, count)| **count != 0);
    let queue: Vec<_> = queue.map(|(state, count)| format!("{count} {}", state.replace('_', " "))).collect();
    if !queue.is_empty() {
        writeln!(out, "queue: {}", queue.join(", "))?;
    }
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(120);
    }
    table.set_header(["rule", "mode", "1 h", "24 h", "7 d", "total", "actions", "last match", "last error"]);
    for rule in rules["items"].as_array().into_iter().flatten() {
        let actions = rule["actions"]["total"].as_object().into_iter().flatten();
        let actions: Vec<_> = actions.map(|(state, count)| format!("{count} {state}")).collect();
        let lowered = rule["lowered_by"].as_str().map(|by| format!(" ({by})")).unwrap_or_default();
        let matches = |window: &str| rule["matches"][window].to_string();
        table.add_row([
            text(&rule["name"]),
            format!("{}{lowered}", text(&rule["effective_mode"])),
            matches("1h"),
            matches("24h"),
            matches("7d"),
            matches("total"),
            actions.join(", "),
            time(&rule["last_match"]),
            text(&rule["last_error"]["text"]),
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(out)
}

/// To the second: `2026-07-15 12:00:00Z`.
fn time(value: &Value) -> String {
    let at = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

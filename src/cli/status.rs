//! `status`: the rules of the running service, in a table.

use super::{Outcome, args::TableFormat, env, shutdown_signal};
use crate::{
    app::{self, Overrides},
    settings::ADMIN_TOKEN_VARIABLE,
};
use anyhow::Context;
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::{
    fmt::Write as _,
    io::{IsTerminal, Write as _},
    time::Duration,
};

/// How often `--watch` looks again.
const EVERY: Duration = Duration::from_secs(2);
/// Clears the screen and goes to its first corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

pub(super) async fn status(
    overrides: &Overrides,
    url: Option<String>,
    format: TableFormat,
    watch: bool,
) -> anyhow::Result<Outcome> {
    let service = Service::find(overrides, url)?;
    if !watch {
        anstream::print!("{}", shown(&service.ask().await?, format)?);
        return Ok(Outcome::Fine);
    }
    let shutdown = shutdown_signal()?;
    let redraw = std::io::stdout().is_terminal() && format == TableFormat::Table;
    loop {
        // A service that does not answer for a moment, as while it starts anew, ends no watch.
        let text = match shutdown.run_until_cancelled(service.ask()).await {
            None => return Ok(Outcome::Fine),
            Some(Ok(seen)) => shown(&seen, format)?,
            Some(Err(error)) if redraw => format!("{error:#}\n"),
            Some(Err(error)) => {
                anstream::eprintln!("{error:#}");
                String::new()
            }
        };
        anstream::print!("{}{text}", if redraw { CLEAR } else { "" });
        std::io::stdout().flush()?;
        if shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return Ok(Outcome::Fine);
        }
    }
}

/// Where the service is reached.
struct Service {
    base: String,
    token: Option<SecretString>,
    client: reqwest::Client,
}

/// What it said.
struct Seen {
    status: Value,
    rules: Value,
}

impl Service {
    fn find(overrides: &Overrides, url: Option<String>) -> anyhow::Result<Self> {
        let (base, token) = match (url, app::load(overrides, &env)) {
            (Some(url), Ok(settings)) => (url, settings.admin.token),
            (Some(url), Err(_)) => (url, env(ADMIN_TOKEN_VARIABLE).map(SecretString::from)),
            (None, settings) => {
                let admin = settings?.admin;
                (format!("http://{}", admin.listen), admin.token)
            }
        };
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token, client })
    }

    async fn ask(&self) -> anyhow::Result<Seen> {
        let status = self.get("/api/v1/status").await?;
        Ok(Seen { status, rules: self.get("/api/v1/rules?limit=10000").await? })
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let base = &self.base;
        let mut request = self.client.get(format!("{base}{path}"));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let response = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("the service does not answer at {base}: is `reply-router run` running?"))?;
        let status = response.status();
        if !status.is_success() {
            anyhow::bail!("the service answers {status}: check `admin.token`");
        }
        Ok(response.json().await?)
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
        writeln!(out, "PAUSED by {by} since {}: nothing is sent until `resume`\n", text(&status["pause"]["since"]))?;
    }
    for workspace in status["workspaces"].as_array().into_iter().flatten() {
        let error = workspace["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default();
        writeln!(
            out,
            "{} {}{error}, last poll {}, {} requests left this hour",
            text(&workspace["name"]),
            text(&workspace["state"]),
            text(&workspace["last_poll"]),
            workspace["budget"]["hour_left"]
        )?;
    }
    let queue = status["queue"].as_object().into_iter().flatten();
    let queue: Vec<_> =
        queue.filter(|(_, count)| **count != 0).map(|(state, count)| format!("{count} {state}")).collect();
    if !queue.is_empty() {
        writeln!(out, "in the queue: {}", queue.join(", "))?;
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
            text(&rule["last_match"]),
            text(&rule["last_error"]["text"]),
        ]);
    }
    writeln!(out, "{table}")?;
    Ok(out)
}

//! `doctor`: checks whether everything that the service needs is reachable.

use super::{CommandStatus, args::TextFormat, load};
use crate::{
    app::StoreMode,
    app::{self, CliOptions, rules_context},
    coldsend::{ApiError, Budget},
    destinations::Destinations,
    engine::{HealthCheck, check_destination, check_key},
    model::counted,
    rules::RuleSet,
    settings::{Settings, StoreSettings, WorkspaceConfig},
    store::{AccountStore as _, SqlStore},
};
use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// Prints each check, or collects them for one JSON document, and records whether one failed.
struct Findings {
    format: TextFormat,
    bad: bool,
    checks: Vec<Check>,
}

/// One finding of `doctor --format json`.
#[derive(Serialize)]
struct Check {
    what: String,
    ok: bool,
    text: String,
}

impl Findings {
    fn add(&mut self, finding: HealthCheck) {
        self.note(&finding.what, finding.result);
    }

    fn note(&mut self, what: &str, result: Result<String, String>) {
        if self.format == TextFormat::Json {
            let ok = result.is_ok();
            self.bad |= !ok;
            let text = result.unwrap_or_else(|wrong| wrong);
            return self.checks.push(Check { what: what.to_owned(), ok, text });
        }
        match result {
            Ok(text) => super::terminal::out!("{GOOD}ok  {GOOD:#} {what}: {text}"),
            Err(text) => {
                self.bad = true;
                super::terminal::out!("{BAD}FAIL{BAD:#} {what}: {text}");
            }
        }
    }
}

pub(super) async fn doctor(
    overrides: &CliOptions,
    send: Option<&str>,
    format: TextFormat,
) -> anyhow::Result<CommandStatus> {
    let settings = load(overrides)?;
    let mut findings = Findings { format, bad: false, checks: Vec::new() };
    for workspace in &settings.workspaces {
        check_workspace(&mut findings, workspace).await?;
    }
    let rules = RuleSet::load_workspaces(&rules_context(&settings));
    findings.note(
        "rules",
        rules
            .map(|rules| {
                format!("{} in {}", counted(rules.rules().len(), "rule", "rules"), app::shown(&settings.rule_paths()))
            })
            .map_err(|found| {
                format!("{}; run `reply-router check` for details", counted(found.error_count(), "error", "errors"))
            }),
    );
    check_store(&mut findings, &settings).await;
    check_destinations(&mut findings, &settings, send).await?;
    if format == TextFormat::Json {
        let report = json!({ "ok": !findings.bad, "checks": findings.checks });
        super::terminal::out!("{}", super::terminal::json(&report)?);
    }
    Ok(if findings.bad { CommandStatus::Problem } else { CommandStatus::Success })
}

async fn check_workspace(findings: &mut Findings, workspace: &WorkspaceConfig) -> anyhow::Result<()> {
    let client = app::client(workspace)?.with_max_wait(Some(std::time::Duration::from_secs(5)));
    let key = check_key(&client).await;
    let (name, accepted) = (key.what.clone(), key.result.is_ok());
    findings.add(key);
    if !accepted {
        return Ok(());
    }
    findings.note(&format!("{name} limits"), Ok(limits(client.budget(), client.requests_sent())));
    // Writing to a thread that does not exist shows the scopes and changes nothing: they are checked before the 404.
    let nowhere = "00000000-0000-4000-8000-000000000000";
    let empty = crate::coldsend::ReplyBody::text("Reply Router checks the scope of this key.");
    for (scope, error) in [
        ("replies:update", client.mark_read(nowhere).await.err().map(|error| error.error)),
        ("replies:create", client.reply(nowhere, &empty).await.err().map(|error| error.error)),
    ] {
        let result = match error {
            Some(ApiError::Forbidden { .. }) => Err(format!("the key lacks {scope}: add it in ColdSend")),
            Some(ApiError::NotFound { .. } | ApiError::Refused { .. }) | None => Ok("granted".to_owned()),
            Some(other) => Err(other.to_string()),
        };
        findings.note(&format!("{name} scope {scope}"), result);
    }
    Ok(())
}

/// What is left of a key's budget after so many requests, and what others have used of it.
fn limits(budget: Budget, sent: u64) -> String {
    let left = format!(
        "{} left this minute, {} this hour",
        counted(budget.minute_left, "request", "requests"),
        budget.hour_left
    );
    let sent = u32::try_from(sent).unwrap_or(u32::MAX);
    let others = |limit: u32, left: u32| limit.saturating_sub(left).saturating_sub(sent);
    match others(budget.per_minute, budget.minute_left).max(others(budget.per_hour, budget.hour_left)) {
        0 => left,
        others => format!(
            "{left}; {} not of this command: of the service, of an earlier command, or of another program that has the \
             key. To tell, stop the service and run `doctor` again after a minute",
            counted(others, "request was", "requests were")
        ),
    }
}

/// Whether the store can be reached and written, and what it knows of the accounts.
async fn check_store(findings: &mut Findings, settings: &Settings) {
    let health = match &settings.store {
        StoreSettings::Sqlite(path) => SqlStore::check_health(path).await.map(|()| path.display().to_string()),
        StoreSettings::Postgres(address) => SqlStore::check_server(address.expose_secret()).await,
    };
    let is_there = health.is_ok();
    findings.note("store", health.map_err(|error| error.to_string()));
    // Without a store there is no evidence.
    let Ok(store) = app::open_store(settings, StoreMode::ReadOnly).await else { return };
    for found in store.foreign_uses().await.unwrap_or_default().into_iter().filter(|_| is_there) {
        findings.note(&format!("workspace {} account", found.workspace), Err(found.evidence));
    }
    store.close().await;
}

async fn check_destinations(findings: &mut Findings, settings: &Settings, send: Option<&str>) -> anyhow::Result<()> {
    let shared = Destinations::new(settings.destinations.clone(), settings.smtp.clone(), settings.network)?;
    // Each set with a suffix, so that two destinations of one name can be told apart.
    let mut all = vec![(shared.clone(), String::new())];
    for workspace in settings.workspaces.iter().filter(|workspace| !workspace.destinations.is_empty()) {
        let own = shared.only(workspace.destinations.clone())?;
        all.push((own, format!(" of {}", workspace.name())));
    }
    let mut none = true;
    for (destinations, of) in &all {
        for name in destinations.names() {
            none = false;
            let found = check_destination(destinations, name).await;
            findings.note(&format!("{}{of}", found.what), found.result);
        }
    }
    if none {
        findings.note("destinations", Ok("none configured".to_owned()));
    }
    let Some(name) = send else { return Ok(()) };
    let mut places: Vec<_> = all.iter().filter(|(found, _)| found.names().any(|known| known == name)).collect();
    if places.is_empty() {
        // It says which name is unknown.
        places.extend(all.first());
    }
    for (destinations, of) in places {
        let sent = destinations.send_test(name, Timestamp::now()).await;
        let result = sent.map(|_| "test message delivered".to_owned()).map_err(|error| error.to_string());
        findings.note(&format!("test message to {name}{of}"), result);
    }
    Ok(())
}

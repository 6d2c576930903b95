//! `forget`: erases a person from the store, through the service where one runs.

use super::{
    CommandStatus, chosen, load,
    service::{Records, Service},
    terminal,
};
use crate::{
    app::{CliOptions, StoreMode},
    model::{address_of, counted},
    store::{Erased, ErasureStore as _, SqlStore},
};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) async fn forget(
    overrides: &CliOptions,
    url: Option<String>,
    address: &str,
    workspace: Option<&str>,
) -> anyhow::Result<CommandStatus> {
    let Some(found) = address_of(address).filter(|found| !found.starts_with("*@")) else {
        anyhow::bail!("`{address}` is no e-mail address: write it like jane@acme.example");
    };
    // A service elsewhere may have another configuration, or this machine none.
    let settings = if url.is_none() { Some(load(overrides)?) } else { None };
    if let (Some(settings), Some(name)) = (&settings, workspace) {
        chosen(settings, Some(name))?;
    }
    let report = match Records::reach(overrides, settings.as_ref(), url, StoreMode::ReadWrite).await? {
        Records::Service(service) => through(&service, &found, workspace).await?,
        Records::Store(store) => {
            let erased = erase(&store, &found, workspace).await;
            store.close().await;
            erased?
        }
    };
    print(&report);
    Ok(CommandStatus::Success)
}

async fn through(service: &Service, address: &str, workspace: Option<&str>) -> anyhow::Result<Value> {
    service.post("/api/v1/forget", &json!({ "email": address, "workspace": workspace })).await
}

/// Other processes may run on the store: what is on its way there ends, as with the service.
async fn erase(store: &SqlStore, address: &str, workspace: Option<&str>) -> anyhow::Result<Value> {
    let only = workspace.map(|name| vec![name.to_owned()]);
    let erased = store.erase(address, only.as_deref(), Timestamp::now()).await?;
    let report = report(&erased);
    super::audit::note(store, "person.forget", erased.stands_for.as_deref(), report.clone()).await?;
    Ok(report)
}

/// As the service reports it.
fn report(erased: &Erased) -> Value {
    json!({
        "workspaces": erased.workspaces,
        "threads": erased.threads,
        "decisions": erased.decisions,
        "undecided": erased.undecided,
        "cancelled": erased.cancelled,
        "unconfirmed": erased.unconfirmed,
        "opt_outs": erased.opt_outs,
        "audit": erased.audit,
    })
}

/// Without the address: what was asked to be forgotten belongs into no log.
fn print(report: &Value) {
    let count = |name: &str| report[name].as_u64().unwrap_or_default();
    let names: Vec<&str> = report["workspaces"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() && count("audit") == 0 {
        terminal::out!("nothing is known of this address");
        return;
    }
    if !names.is_empty() {
        let threads = counted(count("threads"), "thread", "threads");
        let decisions = counted(count("decisions"), "decision", "decisions");
        terminal::out!("erased in {}: {threads}, {decisions}", names.join(", "));
    }
    for (name, one, many) in [
        ("cancelled", "action that had not left will never leave", "actions that had not left will never leave"),
        (
            "unconfirmed",
            "action was on its way or not confirmed, and is never repeated",
            "actions were on their way or not confirmed, and are never repeated",
        ),
        (
            "undecided",
            "thread had a message that was not decided on: read it in ColdSend",
            "threads had a message that was not decided on: read it in ColdSend",
        ),
        ("opt_outs", "opt-out holds on, by a keyed hash", "opt-outs hold on, by a keyed hash"),
        (
            "audit",
            "line of the audit log no longer names the address",
            "lines of the audit log no longer name the address",
        ),
    ] {
        if count(name) > 0 {
            terminal::out!("{}", counted(count(name), one, many));
        }
    }
}

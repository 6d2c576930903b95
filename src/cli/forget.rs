//! `forget`: erases a person from the store, through the service where one runs.

use super::{
    CommandStatus, chosen, load,
    service::{Records, Service},
    terminal,
};
use crate::{
    app::{CliOptions, StoreMode},
    model::{counted, known_by},
    store::{ErasureStore as _, SqlStore},
};
use serde_json::{Value, json};

pub(super) async fn forget(
    overrides: &CliOptions,
    url: Option<String>,
    address: &str,
    workspace: Option<&str>,
) -> anyhow::Result<CommandStatus> {
    let not_an_address = || anyhow::anyhow!("`{address}` is no e-mail address: write it like jane@acme.example");
    let found = known_by(address).filter(|found| !found.starts_with("*@")).ok_or_else(not_an_address)?;
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
            let erased = erased?;
            // A lead may have something else in the place of an address.
            if !found.contains('@') && is_nothing(&erased) {
                return Err(not_an_address());
            }
            erased
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
    let asked = super::audit::entry("person.forget");
    // As the service reports it.
    Ok(store.erase_for(asked, address, only.as_deref()).await?.report().into())
}

/// Whether nothing was known of them.
fn is_nothing(report: &Value) -> bool {
    report["workspaces"].as_array().is_none_or(Vec::is_empty) && report["audit"].as_u64().unwrap_or_default() == 0
}

/// Without the address: what was asked to be forgotten belongs into no log.
fn print(report: &Value) {
    let count = |name: &str| report[name].as_u64().unwrap_or_default();
    let names: Vec<&str> = report["workspaces"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if is_nothing(report) {
        terminal::out!(
            "nothing is known of this address: leads are erased, and what somebody else wrote in a lead's thread goes \
             with that lead"
        );
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

//! `forget`: erases a person from the store.

use super::{CommandStatus, chosen, load};
use crate::{
    app::{Claim, CliOptions, StoreMode, open_store},
    model::address_of,
    store::{Erased, ErasureStore as _, Store},
};
use jiff::Timestamp;
use std::sync::Arc;

pub(super) async fn forget(
    overrides: &CliOptions,
    address: &str,
    workspace: Option<&str>,
) -> anyhow::Result<CommandStatus> {
    let settings = load(overrides)?;
    let Some(found) = address_of(address) else {
        anyhow::bail!("`{address}` is no e-mail address: write it like jane@acme.example");
    };
    let only =
        workspace.map(|name| chosen(&settings, Some(name)).map(|found| vec![found.name().to_owned()])).transpose()?;
    let all = settings.workspaces.iter().map(|workspace| workspace.name().to_owned()).collect();
    let store = open_store(&settings, StoreMode::ReadWrite).await?;
    // Nothing may be on its way while what is known of it goes.
    let claim = Claim::take(Arc::clone(&store) as Arc<dyn Store>, all).await?;
    let erased = store.erase(&found, only.as_deref(), Timestamp::now()).await;
    claim.release().await?;
    store.close().await;
    print(&erased?);
    Ok(CommandStatus::Success)
}

/// Without the address: what was asked to be forgotten belongs into no log.
fn print(erased: &Erased) {
    if erased.is_nothing() {
        super::terminal::out!("nothing is known of this address");
        return;
    }
    super::terminal::out!(
        "erased in {}: {} threads, {} decisions",
        erased.workspaces.join(", "),
        erased.threads,
        erased.decisions
    );
    for (count, what) in [
        (erased.cancelled, "actions that had not left will never leave"),
        (erased.opt_outs, "opt-outs hold on, by a keyed hash"),
        (erased.audit, "lines of the audit log no longer name the address"),
    ] {
        if count > 0 {
            super::terminal::out!("{count} {what}");
        }
    }
}

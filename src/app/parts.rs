//! From a changed configuration to the parts of its workspaces: what has not changed is what runs already.

use super::{AppError, setup::shared_client};
use crate::{
    coldsend::Client,
    destinations::Destinations,
    engine::{Engine, WorkspaceParts},
    settings::{Settings, WorkspaceConfig},
};
use secrecy::ExposeSecret;

/// The parts of the workspaces of `after`. `clients` are those of every key that this process has used: a key goes on with
/// the budget that it has, under whatever name, so that no reload lets more requests leave than its limit.
///
/// # Errors
/// A setting that cannot work.
pub(super) fn reloaded_parts(
    engine: &Engine,
    before: &Settings,
    clients: &[Client],
    after: &Settings,
) -> Result<Vec<WorkspaceParts>, AppError> {
    let running = engine.workspaces();
    let is_shared_same =
        before.destinations == after.destinations && before.smtp == after.smtp && before.network == after.network;
    let shared = match running.first().filter(|_| is_shared_same) {
        Some(found) => found.destinations().with_own(Default::default())?,
        None => Destinations::new(after.destinations.clone(), after.smtp.clone(), after.network)?,
    };
    let mut parts = Vec::with_capacity(after.workspaces.len());
    for workspace in &after.workspaces {
        let earlier = before.workspaces.iter().find(|found| found.name() == workspace.name());
        let found = running.named(workspace.name()).zip(earlier);
        let destinations = match found {
            Some((found, earlier)) if is_shared_same && earlier.destinations == workspace.destinations => {
                found.destinations().clone()
            }
            _ => shared.and(workspace.destinations.clone())?,
        };
        let client = match found {
            Some((found, earlier)) if has_same_access(earlier, workspace) => found.client().clone(),
            _ => succeeding(clients, shared_client(workspace, engine.store())?, after),
        };
        parts.push(WorkspaceParts { settings: workspace.settings.clone(), client, destinations });
    }
    Ok(parts)
}

fn has_same_access(one: &WorkspaceConfig, other: &WorkspaceConfig) -> bool {
    one.api_key.expose_secret() == other.api_key.expose_secret()
        && one.base_url == other.base_url
        && one.rate_limit == other.rate_limit
}

/// A new client, with the budget that its key has. Two workspaces that run with one key each have their own, as at a start.
fn succeeding(known: &[Client], new: Client, after: &Settings) -> Client {
    let is_gone = |name: &str| !after.workspaces.iter().any(|found| found.name() == name);
    // The newest first: a name may have had several.
    let mut same_key = known.iter().rev().filter(|client| client.has_same_key(&new));
    let earlier = same_key.clone().find(|client| client.workspace() == new.workspace());
    match earlier.or_else(|| same_key.find(|client| is_gone(client.workspace()))) {
        Some(earlier) => new.succeed(earlier),
        None => new,
    }
}

//! Health checks: whether each key is accepted and each destination reachable. Nothing is written or sent.

use super::Operator;
use crate::{
    coldsend::{Client, ListQuery, Priority},
    destinations::Destinations,
    model::counted,
};
use std::time::Duration;

/// Somebody waits for the result: rather an error than a long wait behind the service's own requests.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// One check and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// A few words, such as `workspace acme`.
    pub what: String,
    /// How it is, or what is wrong; carries no secret.
    pub result: Result<String, String>,
}

/// Whether a workspace's key is accepted: one request.
pub async fn check_key(client: &Client) -> HealthCheck {
    let client = client.with_max_wait(Some(MAX_WAIT));
    let query = ListQuery { page: 1, limit: 1, ..ListQuery::default() };
    let result = match client.list(&query, Priority::Read).await {
        Ok(page) => {
            let threads =
                page.total_count.map_or_else(String::new, |count| format!(", {}", counted(count, "thread", "threads")));
            Ok(format!("the key is accepted at {}{threads}", client.base_url()))
        }
        Err(error) => Err(error.to_string()),
    };
    HealthCheck { what: format!("workspace {}", client.workspace()), result }
}

/// Whether a destination can be reached.
pub async fn check_destination(destinations: &Destinations, name: &str) -> HealthCheck {
    let reached = destinations.check(name).await;
    let result = reached.map(|reached| reached.text).map_err(|error| error.to_string());
    HealthCheck { what: format!("destination {name}"), result }
}

impl Operator {
    /// Every workspace's key and every destination, through the service's own connections and budget.
    pub async fn check_all(&self) -> Vec<HealthCheck> {
        let mut findings = Vec::new();
        let workspaces = self.shared.workspaces.now();
        for workspace in workspaces.iter() {
            findings.push(check_key(workspace.client()).await);
        }
        for (index, workspace) in workspaces.iter().enumerate() {
            let before = workspaces.get(..index).unwrap_or_default();
            for name in workspace.destinations().names() {
                // One that several workspaces share is checked once.
                if !before.iter().any(|other| other.destinations().share(workspace.destinations(), name)) {
                    findings.push(check_destination(workspace.destinations(), name).await);
                }
            }
        }
        findings
    }
}

//! Names of workspaces, rules and campaigns, kept once and meant by number.

use super::connection::{Connection, params};
use crate::store::StoreError;
use std::collections::HashMap;

/// The numbers that the writing thread has looked up.
#[derive(Debug, Default)]
pub(super) struct Names {
    workspaces: HashMap<String, i64>,
    names: HashMap<String, i64>,
    /// Under which lease the number of a workspace was looked up, where processes share the store.
    leases: HashMap<String, i64>,
}

/// More names than this are not remembered.
const REMEMBERED: usize = 50_000;

impl Names {
    /// The workspace's number; it gets one if it has none.
    pub(super) fn workspace(&mut self, connection: &Connection, name: &str) -> Result<i64, StoreError> {
        find_or_add(
            connection,
            &mut self.workspaces,
            name,
            "SELECT id FROM workspaces WHERE name = ?",
            "INSERT INTO workspaces (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
        )
    }

    /// The number of a rule's or a campaign's name.
    pub(super) fn name(&mut self, connection: &Connection, name: &str) -> Result<i64, StoreError> {
        find_or_add(
            connection,
            &mut self.names,
            name,
            "SELECT id FROM names WHERE name = ?",
            "INSERT INTO names (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
        )
    }

    /// The workspace is held by the lease of this token. If that is a new one, another process may have renamed the workspace
    /// since its number was looked up.
    pub(super) fn hold(&mut self, workspace: &str, token: i64) {
        if self.leases.get(workspace) != Some(&token) {
            self.workspaces.remove(workspace);
            self.leases.insert(workspace.to_owned(), token);
        }
    }

    /// After something was taken back, or renamed.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

fn find_or_add(
    connection: &Connection,
    known: &mut HashMap<String, i64>,
    name: &str,
    find: &str,
    add: &str,
) -> Result<i64, StoreError> {
    if let Some(id) = known.get(name) {
        return Ok(*id);
    }
    let found = connection.prepare_cached(find)?.query_optional(params![name], |row| row.get(0))?;
    let id = match found {
        Some(id) => id,
        None => connection.prepare_cached(add)?.query_row(params![name], |row| row.get(0))?,
    };
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(name.to_owned(), id);
    Ok(id)
}

/// The number of the workspace whose name is the first value of a statement.
pub(super) const NAMED: &str = "(SELECT id FROM workspaces WHERE name = ?1)";

/// The workspace's number, if it has one.
pub(super) fn find_workspace(connection: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    let mut query = connection.prepare_cached("SELECT id FROM workspaces WHERE name = ?")?;
    query.query_optional(params![name], |row| row.get(0))
}

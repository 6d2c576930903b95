//! Whose a thread is: two workspaces may list the same account, and one workspace may get another name.

use super::{SqliteStore, Tx, from_json, timestamp};
use crate::{
    model::{Action, ActionState, Reason, ReasonCode, ThreadRow, address_of},
    store::{DecisionRecord, SettledThread, StoreError, ThreadOwner},
};
use jiff::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

const OWNER: &str = "SELECT workspace, thread_id, coalesce(pending_row, row) AS row, first_seen_at FROM threads";

impl SqliteStore {
    pub(super) async fn read_thread_count(&self, workspace: &str, limit: u32) -> Result<u32, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM (SELECT 1 FROM threads WHERE workspace = ? LIMIT ?)")
            .bind(workspace)
            .bind(limit)
            .fetch_one(&self.readers)
            .await?;
        Ok(u32::try_from(count).unwrap_or(limit))
    }

    pub(super) async fn read_thread_owners(&self, ids: &[String]) -> Result<Vec<ThreadOwner>, StoreError> {
        let mut owners = Vec::new();
        for chunk in ids.chunks(500) {
            let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(OWNER);
            query.push(" WHERE thread_id IN (");
            let mut list = query.separated(", ");
            for id in chunk {
                list.push_bind(id);
            }
            query.push(")");
            for row in query.build().fetch_all(&self.readers).await? {
                owners.push(thread_owner(&row)?);
            }
        }
        Ok(owners)
    }

    pub(super) async fn read_workspaces_with_threads(&self) -> Result<Vec<String>, StoreError> {
        // Each name is one step in the primary key, however many threads it has.
        let names = sqlx::query_scalar(
            "WITH RECURSIVE names (name) AS (
               SELECT min(workspace) FROM threads
               UNION ALL
               SELECT (SELECT min(workspace) FROM threads WHERE workspace > name) FROM names WHERE name IS NOT NULL
             ) SELECT name FROM names WHERE name IS NOT NULL",
        );
        Ok(names.fetch_all(&self.readers).await?)
    }

    pub(super) async fn write_workspace_name(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        // Counts are added up. They are the only rows that two names share by nature.
        sqlx::query(
            "INSERT INTO action_hours (hour, rule, workspace, kind, state, reason, count)
             SELECT hour, rule, ?2, kind, state, reason, count FROM action_hours WHERE workspace = ?1
             ON CONFLICT (hour, rule, workspace, kind, state, reason) DO UPDATE SET count = count + excluded.count",
        )
        .bind(from)
        .bind(to)
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM action_hours WHERE workspace = ?").bind(from).execute(&mut *tx).await?;
        // Every table that names a workspace, those of later versions included. What both names have stays with the new one;
        // the old one's decisions and actions of it remain on record under the old name.
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND c.name = 'workspace' AND m.name <> 'action_hours'",
        )
        .fetch_all(&mut *tx)
        .await?;
        for table in tables {
            let update = format!("UPDATE OR IGNORE \"{table}\" SET workspace = ? WHERE workspace = ?");
            sqlx::query(sqlx::AssertSqlSafe(update)).bind(to).bind(from).execute(&mut *tx).await?;
            if !["decisions", "actions"].contains(&table.as_str()) {
                let delete = format!("DELETE FROM \"{table}\" WHERE workspace = ?");
                sqlx::query(sqlx::AssertSqlSafe(delete)).bind(from).execute(&mut *tx).await?;
            }
        }
        // The name that has a baseline keeps its state.
        sqlx::query(
            "DELETE FROM workspaces WHERE name = ?2 AND json_extract(state, '$.baseline_at') IS NULL
             AND EXISTS (SELECT 1 FROM workspaces WHERE name = ?1)",
        )
        .bind(from)
        .bind(to)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE OR IGNORE workspaces SET name = ?2 WHERE name = ?1")
            .bind(from)
            .bind(to)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM workspaces WHERE name = ?").bind(from).execute(&mut *tx).await?;
        self.commit(tx).await
    }
}

/// The other workspace that owns the decision's thread: it has acted on the same message, or saw the thread first. Asked in
/// the transaction that writes the decision, so of two workspaces that decide at the same moment only one acts.
pub(super) async fn owner(
    tx: &mut Tx<'_>,
    decision: &DecisionRecord,
    settled: &SettledThread,
) -> Result<Option<String>, StoreError> {
    if settled.claim.rivals.is_empty() {
        return Ok(None);
    }
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(OWNER);
    query.push(" WHERE thread_id = ").push_bind(&decision.thread_id);
    let rows = query.build().fetch_all(&mut **tx).await?;
    let owners = rows.iter().map(thread_owner).collect::<Result<Vec<_>, _>>()?;
    let ours = owners.iter().find(|owner| owner.workspace == decision.workspace);
    let since = (ours.map_or(decision.at, |ours| ours.first_seen_at), decision.workspace.as_str());
    // Ids of different accounts may be the same by accident; then the leads differ.
    let rivals = owners
        .iter()
        .filter(|owner| settled.claim.rivals.contains(&owner.workspace) && owner.lead_email == decision.lead_email);
    let mut first: Option<&ThreadOwner> = None;
    for rival in rivals {
        let acted: bool = sqlx::query_scalar(
            "SELECT count(*) > 0 FROM actions WHERE thread_id = ?1 AND workspace = ?2
             AND state NOT IN ('failed', 'suppressed', 'cancelled') AND reason_code IS NOT 'foreign_use'
             AND (message_id = ?3 OR message_id IS NULL OR ?3 IS NULL)",
        )
        .bind(&decision.thread_id)
        .bind(&rival.workspace)
        .bind(&decision.message_id)
        .fetch_one(&mut **tx)
        .await?;
        if acted {
            return Ok(Some(rival.workspace.clone()));
        }
        let is_earlier = |other: (Timestamp, &str)| (rival.first_seen_at, rival.workspace.as_str()) < other;
        if is_earlier(first.map_or(since, |first| (first.first_seen_at, first.workspace.as_str()))) {
            first = Some(rival);
        }
    }
    Ok(first.map(|rival| rival.workspace.clone()))
}

/// Holds every action that would leave.
pub(super) fn hold_for(owner: &str, planned: &mut [Action], expiry: Option<Timestamp>) {
    for action in planned {
        if ![ActionState::Planned, ActionState::Waiting, ActionState::Held].contains(&action.state) {
            continue;
        }
        let text = format!(
            "workspace `{owner}` has the same thread: both keys belong to one account. Approve it only if `{owner}` does \
             not act"
        );
        action.state = ActionState::Held;
        action.due_at = expiry;
        action.reason = Some(Reason::new(ReasonCode::ForeignUse, text));
    }
}

fn thread_owner(row: &SqliteRow) -> Result<ThreadOwner, StoreError> {
    let newest: Option<String> = row.try_get("row")?;
    let newest: Option<ThreadRow> = newest.map(|text| from_json(&text)).transpose()?;
    Ok(ThreadOwner {
        workspace: row.try_get("workspace")?,
        thread_id: row.try_get("thread_id")?,
        lead_email: newest.and_then(|row| row.lead_email.as_deref().and_then(address_of)),
        first_seen_at: timestamp(row.try_get("first_seen_at")?)?,
    })
}

//! Whose a thread is: two workspaces may list the same account, and one workspace may get another name.

use super::{
    action_writes::wake,
    codec::{from_json, timestamp},
    connection::{Connection, params},
    names::find_workspace,
    session::Session,
};
use crate::{
    model::{ReasonCode, ThreadRow, address_of},
    store::{Claim, DecisionRecord, Renaming, StoreError, ThreadOwner},
};
use jiff::Timestamp;

pub(super) const OWNERS: &str =
    "SELECT w.name, t.thread_id, coalesce(t.pending_row, t.row), t.first_seen_at FROM threads t
     CROSS JOIN workspaces w ON w.id = t.workspace
     WHERE t.thread_id IN (SELECT value FROM json_each(?)) AND (t.row IS NOT NULL OR t.pending_row IS NOT NULL)";

/// Every workspace that has one of these threads, a JSON list.
pub(super) fn owners(connection: &Connection, ids: &str) -> Result<Vec<ThreadOwner>, StoreError> {
    let mut query = connection.prepare_cached(OWNERS)?;
    let mut rows = query.query(params![ids])?;
    let mut owners = Vec::new();
    while let Some(row) = rows.next()? {
        let newest: ThreadRow = from_json(row.text(2)?)?;
        owners.push(ThreadOwner {
            workspace: row.get(0)?,
            thread_id: row.get(1)?,
            lead_email: newest.lead_email.as_deref().and_then(address_of),
            first_seen_at: timestamp(row.get(3)?)?,
        });
    }
    Ok(owners)
}

/// The other workspace that owns the decision's thread: it has acted on the same message, or saw the thread first. Asked in
/// the transaction that writes the decision, so of two workspaces that decide at the same moment only one acts.
pub(super) fn owner(
    session: &Session<'_>,
    decision: &DecisionRecord,
    claim: &Claim,
) -> Result<Option<String>, StoreError> {
    if claim.rivals.is_empty() {
        return Ok(None);
    }
    let owners = owners(session.connection, &super::codec::to_json(&[&decision.thread_id])?)?;
    let ours = owners.iter().find(|owner| owner.workspace == decision.workspace);
    let since = (ours.map_or(decision.at, |ours| ours.first_seen_at), decision.workspace.as_str());
    // Ids of different accounts may be the same by accident; then the leads differ.
    let rivals = owners
        .iter()
        .filter(|owner| claim.rivals.contains(&owner.workspace) && owner.lead_email == decision.lead_email);
    let mut first: Option<&ThreadOwner> = None;
    for rival in rivals {
        let mut query = session.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM threads t CROSS JOIN actions a ON a.thread = t.id
               CROSS JOIN decisions d ON d.id = a.id >> 16
             WHERE t.thread_id = ?1 AND t.workspace = (SELECT id FROM workspaces WHERE name = ?2)
             AND a.claim IS NOT NULL AND a.reason_code IS DISTINCT FROM ?4
             AND (d.message_id = ?3 OR d.message_id IS NULL OR ?3 IS NULL))
             OR EXISTS (SELECT 1 FROM threads t CROSS JOIN kept_actions k ON k.thread = t.id
             WHERE t.thread_id = ?1 AND t.workspace = (SELECT id FROM workspaces WHERE name = ?2)
             AND (k.message_id = ?3 OR k.message_id IS NULL OR ?3 IS NULL))",
        )?;
        let values = params![decision.thread_id, rival.workspace, decision.message_id, ReasonCode::ForeignUse.as_str()];
        if query.query_row(values, |row| row.get(0))? {
            return Ok(Some(rival.workspace.clone()));
        }
        let is_earlier = |other: (Timestamp, &str)| (rival.first_seen_at, rival.workspace.as_str()) < other;
        if is_earlier(first.map_or(since, |first| (first.first_seen_at, first.workspace.as_str()))) {
            first = Some(rival);
        }
    }
    Ok(first.map(|rival| rival.workspace.clone()))
}

/// Tables that name a workspace by its name, and what else tells their rows apart. What both names have stays with the new
/// one.
const NAMED: [(&str, &[&str]); 4] =
    [("opt_outs", &["email"]), ("pauses", &[]), ("foreign_use", &[]), ("campaign_steps", &["thread_id", "message_id"])];

/// What moves from one workspace (`?1`) to another (`?2`): threads that the other does not have with all that belongs to
/// them; of those that both have, the decisions and actions, so that nobody is answered twice. An action whose place is
/// taken there remains on record under the old name.
const MOVES: [&str; 12] = [
    "UPDATE kept_actions SET workspace = ?2 WHERE thread IN (SELECT f.id FROM threads f WHERE f.workspace = ?1
       AND NOT EXISTS (SELECT 1 FROM threads o WHERE o.thread_id = f.thread_id AND o.workspace = ?2))",
    "UPDATE actions SET workspace = ?2 WHERE thread IN (SELECT f.id FROM threads f WHERE f.workspace = ?1
       AND NOT EXISTS (SELECT 1 FROM threads o WHERE o.thread_id = f.thread_id AND o.workspace = ?2))",
    "UPDATE decisions SET workspace = ?2 WHERE thread IN (SELECT f.id FROM threads f WHERE f.workspace = ?1
       AND NOT EXISTS (SELECT 1 FROM threads o WHERE o.thread_id = f.thread_id AND o.workspace = ?2))",
    "UPDATE threads SET workspace = ?2 WHERE workspace = ?1
       AND NOT EXISTS (SELECT 1 FROM threads o WHERE o.thread_id = threads.thread_id AND o.workspace = ?2)",
    "UPDATE actions SET workspace = ?2, thread = (SELECT o.id FROM threads f CROSS JOIN threads o
       ON o.thread_id = f.thread_id AND o.workspace = ?2 WHERE f.id = actions.thread)
     WHERE thread IN (SELECT id FROM threads WHERE workspace = ?1)
       AND NOT EXISTS (SELECT 1 FROM threads f CROSS JOIN threads o ON o.thread_id = f.thread_id AND o.workspace = ?2
         CROSS JOIN actions taken ON taken.thread = o.id WHERE f.id = actions.thread AND taken.claim = actions.claim)",
    "UPDATE decisions SET workspace = ?2, thread = (SELECT o.id FROM threads f CROSS JOIN threads o
       ON o.thread_id = f.thread_id AND o.workspace = ?2 WHERE f.id = decisions.thread)
     WHERE thread IN (SELECT id FROM threads WHERE workspace = ?1) AND NOT EXISTS (SELECT 1 FROM actions a
       WHERE a.id >= decisions.id << 16 AND a.id < (decisions.id + 1) << 16 AND a.thread = decisions.thread)",
    "UPDATE kept_actions SET workspace = ?2, thread = (SELECT o.id FROM threads f CROSS JOIN threads o
       ON o.thread_id = f.thread_id AND o.workspace = ?2 WHERE f.id = kept_actions.thread)
     WHERE thread IN (SELECT id FROM threads WHERE workspace = ?1)
       AND NOT EXISTS (SELECT 1 FROM threads f CROSS JOIN threads o ON o.thread_id = f.thread_id AND o.workspace = ?2
         CROSS JOIN kept_actions taken ON taken.thread = o.id
         WHERE f.id = kept_actions.thread AND taken.claim = kept_actions.claim)",
    "UPDATE threads SET row = NULL, pending_row = NULL, pending_since = NULL WHERE workspace = ?1 AND ?2 IS NOT NULL",
    "INSERT INTO action_hours (hour, rule, workspace, kind, state, reason, count)
       SELECT hour, rule, ?2, kind, state, reason, count FROM action_hours WHERE workspace = ?1
     ON CONFLICT (hour, rule, workspace, kind, state, reason)
     DO UPDATE SET count = action_hours.count + excluded.count",
    "DELETE FROM action_hours WHERE workspace = ?1 AND ?2 IS NOT NULL",
    "INSERT INTO match_hours (hour, rule, workspace, count, last_at)
       SELECT hour, rule, ?2, count, last_at FROM match_hours WHERE workspace = ?1
     ON CONFLICT (hour, rule, workspace) DO UPDATE SET count = match_hours.count + excluded.count,
       last_at = CASE WHEN match_hours.last_at > excluded.last_at THEN match_hours.last_at ELSE excluded.last_at END",
    "DELETE FROM match_hours WHERE workspace = ?1 AND ?2 IS NOT NULL",
];

/// The name that has a baseline keeps its state.
fn move_state(connection: &Connection) -> &'static str {
    connection.pick(
        "UPDATE workspaces SET state = coalesce((SELECT state FROM workspaces WHERE id = ?1), state)
         WHERE id = ?2 AND json_extract(state, '$.baseline_at') IS NULL",
        "UPDATE workspaces SET state = coalesce((SELECT state FROM workspaces WHERE id = ?1), state)
         WHERE id = ?2 AND state::json ->> 'baseline_at' IS NULL",
    )
}

/// Gives all that the store has under one name to another, unless a process still has the earlier one. Whoever asked which
/// name it was, with a pause whose reason begins so, has the answer.
pub(super) fn rename(
    session: &mut Session<'_>,
    from: &str,
    to: &str,
    (asked, now): (&str, Timestamp),
) -> Result<Renaming, StoreError> {
    session.fence(to)?;
    if let Some(replica) = session.end_lease(from)? {
        return Ok(Renaming::InUse { replica });
    }
    let connection = session.connection;
    let resume = "DELETE FROM pauses WHERE workspace = ?1 AND reason LIKE ?2";
    let is_resumed = connection.execute(resume, params![to, format!("{asked}%")])? > 0;
    for (table, keys) in NAMED {
        let same: String = keys.iter().map(|key| format!(" AND o.{key} = {table}.{key}")).collect();
        let keep = format!(
            "UPDATE {table} SET workspace = ?2 WHERE workspace = ?1
             AND NOT EXISTS (SELECT 1 FROM {table} o WHERE o.workspace = ?2{same})"
        );
        connection.execute(&keep, params![from, to])?;
        connection.execute(&format!("DELETE FROM {table} WHERE workspace = ?1"), params![from])?;
    }
    match (find_workspace(connection, from)?, find_workspace(connection, to)?) {
        (None, _) => {}
        (Some(from), None) => {
            connection.execute("UPDATE workspaces SET name = ?2 WHERE id = ?1", params![from, to])?;
        }
        (Some(from), Some(to)) => {
            for change in MOVES.into_iter().chain([move_state(connection)]) {
                connection.execute(change, params![from, to])?;
            }
            connection.execute("UPDATE workspaces SET state = NULL WHERE id = ?", params![from])?;
        }
    }
    session.names.forget();
    if is_resumed {
        wake(session, Some(to), now)?;
    }
    Ok(Renaming::Done)
}

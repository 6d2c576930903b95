//! Reading action records.

use super::{
    SqliteStore,
    action_rows::{COLUMNS, TABLES, read_action, reason},
    action_writes::{self, ActionUpdate},
    codec::{OwnedUid, Uid, micros, optional_timestamp, parse, timestamp, to_json},
    filters::ActionQuery,
    names::find_workspace,
    threads::find_thread,
};
use crate::{
    model::{Action, ActionId, ActionKind, ActionState, HistoryEntry, Payload},
    store::{ActionFilter, ActionStore, ActionSummary, IntentResult, Lane, SentFilter, StoreError},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, ToSql, params, params_from_iter};
use std::{collections::HashMap, sync::LazyLock};

/// Limits of a thread or a lead with more open actions than this count only the newest ones.
const HISTORY_LIMIT: u32 = 1_000;

fn select(rest: &str) -> String {
    format!("SELECT {COLUMNS} FROM actions a {TABLES} {rest}")
}

pub(super) static ONE: LazyLock<String> = LazyLock::new(|| select("WHERE a.uid = ?"));

/// The other actions of one inbound message.
pub(super) static SIBLINGS: LazyLock<String> = LazyLock::new(|| {
    select("WHERE a.thread = ?1 AND coalesce(d.message_id, d.uid) IS ?2 AND a.uid <> ?3 ORDER BY a.id")
});

/// What is due in a lane, in the order in which it is carried out.
pub(super) static DUE: LazyLock<String> = LazyLock::new(|| {
    select(
        "WHERE a.id IN (SELECT id FROM actions INDEXED BY actions_due
           WHERE workspace = ?1 AND lane = ?2 AND urgency = ?3 AND due_at IS NOT NULL AND due_at <= ?4
           AND (target IS NULL OR target NOT IN (SELECT value FROM json_each(?5)))
           ORDER BY due_at, id LIMIT ?6) ORDER BY a.due_at, a.id",
    )
});

/// When the next action is due: one look at the beginning of each part of the index.
pub(super) const NEXT_DUE: &str = "SELECT min(due) FROM (
       SELECT (SELECT min(due_at) FROM actions INDEXED BY actions_due WHERE workspace = ?1 AND lane = l.value
         AND urgency = u.value AND due_at IS NOT NULL) AS due
       FROM json_each('[0,1]') l CROSS JOIN json_each('[0,1,2]') u)";

/// The living and past actions in a thread or for a lead that count against `repeat`.
pub(super) const HISTORY: &str =
    "SELECT a.uid, (SELECT name FROM names WHERE id = a.rule), a.kind, a.target, t.thread_id,
       d.message_id, d.lead_email, a.state, d.at,
       CASE a.kind WHEN 'reply' THEN (SELECT body FROM action_payloads p WHERE p.id = a.id) END
     FROM (SELECT id FROM decisions WHERE thread = ?2 UNION SELECT id FROM decisions INDEXED BY decisions_lead
       WHERE lead_email = ?3 AND workspace = ?1) o
     CROSS JOIN decisions d ON d.id = o.id CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16
     CROSS JOIN threads t ON t.id = a.thread
     WHERE a.claim IS NOT NULL ORDER BY a.id DESC LIMIT ?4";

pub(super) const SENT_TO_LEAD: &str = "SELECT a.sent_at FROM decisions d INDEXED BY decisions_lead
     CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16
     WHERE d.lead_email = ?4 AND d.workspace = ?1 AND a.kind = ?2 AND a.sent_at > ?3 AND a.claim IS NOT NULL
     AND (?5 IS NULL OR a.rule = (SELECT id FROM names WHERE name = ?5)) ORDER BY a.sent_at";
pub(super) const SENT_BY_RULE: &str = "SELECT sent_at FROM actions INDEXED BY actions_sent_by_rule
     WHERE workspace = ?1 AND rule = (SELECT id FROM names WHERE name = ?5) AND kind = ?2 AND sent_at > ?3
     AND claim IS NOT NULL AND ?4 IS NULL ORDER BY sent_at";
pub(super) const SENT: &str = "SELECT sent_at FROM actions INDEXED BY actions_sent
     WHERE workspace = ?1 AND kind = ?2 AND sent_at > ?3 AND claim IS NOT NULL AND ?4 IS NULL AND ?5 IS NULL ORDER BY sent_at";

#[async_trait]
impl ActionStore for SqliteStore {
    async fn action(&self, id: &ActionId) -> Result<Option<Action>, StoreError> {
        let id = id.0.clone();
        self.read(move |connection| find(connection, &ONE, &[&Uid(&id)]).map(|mut found| found.pop())).await
    }

    async fn actions(&self, filter: &ActionFilter) -> Result<Vec<Action>, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| {
            let Some(query) = ActionQuery::new(connection, &filter)? else { return Ok(Vec::new()) };
            let mut statement = connection.prepare_cached(&query.sql)?;
            let mut rows = statement.query(params_from_iter(query.values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(read_action(row)?);
            }
            Ok(found)
        })
        .await
    }

    async fn actions_by_decision(
        &self,
        decisions: &[String],
    ) -> Result<HashMap<String, Vec<ActionSummary>>, StoreError> {
        let decisions = decisions.to_vec();
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT a.uid, (SELECT name FROM names WHERE id = a.rule), a.kind, a.target, a.state, a.reason_code,
                   a.reason_text, a.due_at FROM decisions d
                 CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16 WHERE d.uid = ? ORDER BY a.id",
            )?;
            let mut found: HashMap<String, Vec<ActionSummary>> = HashMap::with_capacity(decisions.len());
            for decision in decisions {
                let mut rows = query.query([Uid(&decision)])?;
                while let Some(row) = rows.next()? {
                    let summary = ActionSummary {
                        id: ActionId(row.get::<_, OwnedUid>(0)?.0),
                        decision_id: decision.clone(),
                        rule: row.get(1)?,
                        kind: parse(row.get_ref(2)?.as_str()?)?,
                        target: row.get(3)?,
                        state: parse(row.get_ref(4)?.as_str()?)?,
                        reason: reason(row.get_ref(5)?.as_str_or_null()?, row.get_ref(6)?.as_str_or_null()?)?,
                        due_at: optional_timestamp(row.get(7)?)?,
                    };
                    found.entry(decision.clone()).or_default().push(summary);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn siblings(&self, of: &Action) -> Result<Vec<Action>, StoreError> {
        let (workspace, thread, of) = (of.workspace.clone(), of.thread_id.clone(), of.clone());
        self.read(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(Vec::new()) };
            let Some(thread) = find_thread(connection, workspace, &thread)? else { return Ok(Vec::new()) };
            match &of.message_id {
                Some(message) => find(connection, &SIBLINGS, &[&thread, message, &Uid(&of.id.0)]),
                None => find(connection, &SIBLINGS, &[&thread, &Uid(&of.decision_id), &Uid(&of.id.0)]),
            }
        })
        .await
    }

    async fn due_actions(
        &self,
        workspace: &str,
        lane: Lane,
        now: Timestamp,
        except: &[String],
        limit: u32,
    ) -> Result<Vec<Action>, StoreError> {
        let (workspace, except) = (workspace.to_owned(), to_json(except)?);
        self.read(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(Vec::new()) };
            let mut due: Vec<Action> = Vec::new();
            for urgency in 0..=2_u8 {
                let left = limit.saturating_sub(u32::try_from(due.len()).unwrap_or(limit));
                if left == 0 {
                    break;
                }
                let values: [&dyn ToSql; 6] = [&workspace, &(lane as u8), &urgency, &micros(now), &except, &left];
                due.extend(find(connection, &DUE, &values)?);
            }
            Ok(due)
        })
        .await
    }

    async fn next_due(&self, workspace: &str) -> Result<Option<Timestamp>, StoreError> {
        let workspace = workspace.to_owned();
        self.read(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(None) };
            optional_timestamp(connection.prepare_cached(NEXT_DUE)?.query_row([workspace], |row| row.get(0))?)
        })
        .await
    }

    async fn update_action(&self, action: &mut Action) -> Result<(), StoreError> {
        let update = ActionUpdate::new(action, true)?;
        self.write(move |session| update.write(session)).await?;
        action.version += 1;
        Ok(())
    }

    async fn write_intent(&self, action: &mut Action) -> Result<IntentResult, StoreError> {
        let update = ActionUpdate::new(action, false)?;
        let result = self.write(move |session| update.write_intent(session)).await?;
        if result == IntentResult::Written {
            action.version += 1;
        }
        Ok(result)
    }

    async fn wake(&self, workspace: Option<&str>, reason: &str, now: Timestamp) -> Result<u64, StoreError> {
        let (workspace, reason) = (workspace.map(str::to_owned), reason.to_owned());
        self.write(move |session| action_writes::wake(session, workspace.as_deref(), &reason, now)).await
    }

    async fn history(
        &self,
        workspace: &str,
        thread_id: &str,
        lead_email: Option<&str>,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let (workspace, thread_id) = (workspace.to_owned(), thread_id.to_owned());
        let lead = lead_email.map(str::to_lowercase);
        self.read(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(Vec::new()) };
            let thread = find_thread(connection, workspace, &thread_id)?;
            let mut query = connection.prepare_cached(HISTORY)?;
            let mut rows = query.query(params![workspace, thread, lead, HISTORY_LIMIT])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                let body = row.get_ref(9)?.as_blob_or_null()?.map(super::action_rows::payload).transpose()?;
                entries.push(HistoryEntry {
                    action: ActionId(row.get::<_, OwnedUid>(0)?.0),
                    rule: row.get(1)?,
                    kind: parse::<ActionKind>(row.get_ref(2)?.as_str()?)?,
                    target: row.get(3)?,
                    thread_id: row.get(4)?,
                    message_id: row.get(5)?,
                    lead_email: row.get(6)?,
                    state: parse::<ActionState>(row.get_ref(7)?.as_str()?)?,
                    created_at: timestamp(row.get(8)?)?,
                    body: match body {
                        Some(Payload::Reply { text, html, .. }) => text.or(html),
                        _ => None,
                    },
                });
            }
            Ok(entries)
        })
        .await
    }

    async fn sent_since(
        &self,
        workspace: &str,
        filter: &SentFilter<'_>,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let query = match (filter.lead_email, filter.rule) {
            (Some(_), _) => SENT_TO_LEAD,
            (None, Some(_)) => SENT_BY_RULE,
            (None, None) => SENT,
        };
        let (workspace, kind) = (workspace.to_owned(), filter.kind);
        let (lead, rule) = (filter.lead_email.map(str::to_lowercase), filter.rule.map(str::to_owned));
        self.read(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(Vec::new()) };
            let mut query = connection.prepare_cached(query)?;
            let values = params![workspace, kind.as_str(), micros(since), lead, rule];
            let mut rows = query.query(values)?;
            let mut times = Vec::new();
            while let Some(row) = rows.next()? {
                times.push(timestamp(row.get(0)?)?);
            }
            Ok(times)
        })
        .await
    }
}

/// The actions that a query finds.
pub(super) fn find(connection: &Connection, query: &str, values: &[&dyn ToSql]) -> Result<Vec<Action>, StoreError> {
    let mut query = connection.prepare_cached(query)?;
    let mut rows = query.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_action(row)?);
    }
    Ok(found)
}

/// One action, if it is there.
pub(super) fn find_one(connection: &Connection, id: &str) -> Result<Option<Action>, StoreError> {
    let mut query = connection.prepare_cached(&ONE)?;
    query.query_row([Uid(id)], |row| Ok(read_action(row))).optional()?.transpose()
}

//! Reading action records.

use super::{
    SqlStore,
    action_rows::{COLUMNS, IdValues, KEY_OF_ID, TABLES, action_id, payload, read_action, reason},
    action_writes::ActionUpdate,
    codec::{OwnedUid, Uid, micros, optional_timestamp, parse, to_json},
    connection::{Connection, params},
    facts::{self, Lead},
    filters::ActionQuery,
    names::{NAMED, find_workspace},
    threads::find_thread,
    values::{AT_ONCE, ToParam, Value, as_params, one_of},
};
use crate::{
    model::{Action, ActionId, Mode, OptOutScope},
    store::{
        ActionFilter, ActionStore, ActionSummary, ActionUnderControl, DueAction, IntentResult, Lane, LeadFacts,
        ReplyFacts, ReplyQuestion, SentFilter, SentWindow, StoreError,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

fn select(rest: &str) -> String {
    format!("SELECT {COLUMNS} FROM actions a {TABLES} {rest}")
}

pub(super) static ONE: LazyLock<String> = LazyLock::new(|| select(&format!("WHERE a.id = {KEY_OF_ID}")));

/// The actions of one inbound message.
pub(super) static OF_MESSAGE: LazyLock<String> = LazyLock::new(|| {
    select("WHERE a.thread = ?1 AND (d.message_id = ?2 OR d.message_id IS NULL AND d.uid = ?3) ORDER BY a.id")
});

/// What is due in a lane, in the order in which it is carried out: the most urgent first, each part by its index.
pub(super) static DUE: LazyLock<String> = LazyLock::new(|| {
    let part = |urgency: u8| {
        format!(
            "SELECT * FROM (SELECT a.uid, a.thread, a.kind, a.target, a.urgency, a.due_at, a.id
               FROM actions a INDEXED BY actions_due
               WHERE a.workspace = {NAMED} AND a.lane = ?2 AND a.urgency = {urgency} AND a.due_at IS NOT NULL AND a.due_at <= ?3
               AND (a.target IS NULL OR a.target NOT IN (SELECT value FROM json_each(?4)))
               ORDER BY a.due_at, a.id LIMIT ?5) part{urgency}"
        )
    };
    let parts = [0, 1, 2].map(part).join(" UNION ALL ");
    format!(
        "SELECT due.uid, (SELECT thread_id FROM threads WHERE id = due.thread), due.kind, due.target,
           (SELECT uid FROM decisions WHERE id = due.id >> 16), due.id FROM ({parts}) due
         ORDER BY due.urgency, due.due_at, due.id LIMIT ?5"
    )
});

/// What stands in an action's way: a pause, and the mode that its rule was lowered to.
const CONTROLS: &str = "SELECT EXISTS (SELECT 1 FROM pauses WHERE workspace IN ('', ?1)),
     (SELECT mode FROM rule_modes WHERE rule = ?2)";

/// When the next action is due.
pub(super) static NEXT_DUE: LazyLock<String> = LazyLock::new(|| next_due(NAMED));

/// When the next action of a workspace is due: one look at the beginning of each part of the index. `workspace` is an
/// expression for its number.
pub(super) fn next_due(workspace: &str) -> String {
    format!(
        "SELECT min(due) FROM (
           SELECT (SELECT min(due_at) FROM actions INDEXED BY actions_due WHERE workspace = {workspace} AND lane = l.value
             AND urgency = u.value AND due_at IS NOT NULL) AS due
           FROM (SELECT 0 AS value UNION ALL SELECT 1) l
           CROSS JOIN (SELECT 0 AS value UNION ALL SELECT 1 UNION ALL SELECT 2) u) parts"
    )
}

#[async_trait]
impl ActionStore for SqlStore {
    async fn action(&self, id: &ActionId) -> Result<Option<Action>, StoreError> {
        let id = id.0.clone();
        self.look_up(move |connection| find_one(connection, &id)).await
    }

    async fn actions(&self, filter: &ActionFilter) -> Result<Vec<Action>, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| {
            let Some(query) = ActionQuery::new(connection, &filter)? else { return Ok(Vec::new()) };
            let mut statement = connection.prepare_cached(&query.sql)?;
            let mut rows = statement.query(&as_params(&query.values))?;
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
            let mut found: HashMap<String, BTreeMap<i64, ActionSummary>> = HashMap::with_capacity(decisions.len());
            for some in decisions.chunks(AT_ONCE) {
                let (places, values) = one_of(some.iter().map(|id| Value::Uid(id.clone())));
                let query = format!(
                    "SELECT a.uid, (SELECT name FROM names WHERE id = a.rule), a.kind, a.target, a.state, a.reason_code,
                       a.reason_text, a.due_at, d.uid, a.id, CASE WHEN a.target IS NOT NULL
                         THEN (SELECT body FROM action_payloads p WHERE p.id = a.id) END FROM decisions d
                     CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16 WHERE d.uid IN {places}"
                );
                let mut query = connection.prepare_cached(&query)?;
                let mut rows = query.query(&as_params(&values))?;
                while let Some(row) = rows.next()? {
                    let (decision, key) = (row.get::<OwnedUid>(8)?.0, row.get(9)?);
                    let summary = ActionSummary {
                        id: action_id(row.get(0)?, &decision, key)?,
                        decision_id: decision.clone(),
                        rule: row.get(1)?,
                        kind: parse(row.text(2)?)?,
                        target: row.get(3)?,
                        state: parse(row.text(4)?)?,
                        reason: reason(row.optional_text(5)?, row.optional_text(6)?)?,
                        due_at: optional_timestamp(row.get(7)?)?,
                        recipients: match row.optional_bytes(10)? {
                            Some(body) => payload(body)?.recipients().to_vec(),
                            None => Vec::new(),
                        },
                    };
                    found.entry(decision).or_default().insert(key, summary);
                }
            }
            Ok(found.into_iter().map(|(decision, actions)| (decision, actions.into_values().collect())).collect())
        })
        .await
    }

    async fn siblings(&self, of: &Action) -> Result<Vec<Action>, StoreError> {
        let (workspace, thread, of) = (of.workspace.clone(), of.thread_id.clone(), of.clone());
        self.look_up(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(Vec::new()) };
            let Some(thread) = find_thread(connection, workspace, &thread)? else { return Ok(Vec::new()) };
            let mut found = find(connection, &OF_MESSAGE, params![thread, of.message_id, Uid(&of.decision_id)])?;
            found.retain(|action| action.id != of.id);
            Ok(found)
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
    ) -> Result<Vec<DueAction>, StoreError> {
        let (workspace, except) = (workspace.to_owned(), to_json(except)?);
        self.look_up(move |connection| {
            let values = params![workspace, lane as u8, micros(now), except, limit];
            connection.prepare_cached(&DUE)?.query_all(values, |row| {
                Ok(DueAction {
                    id: action_id(row.get(0)?, &row.get::<OwnedUid>(4)?.0, row.get(5)?)?,
                    thread_id: row.get(1)?,
                    kind: parse(row.text(2)?)?,
                    target: row.get(3)?,
                })
            })
        })
        .await
    }

    async fn action_under_control(&self, id: &ActionId) -> Result<Option<ActionUnderControl>, StoreError> {
        let id = id.0.clone();
        self.snapshot(move |connection| {
            let Some(action) = find_one(connection, &id)? else { return Ok(None) };
            let mut query = connection.prepare_cached(CONTROLS)?;
            let (is_paused, lowered): (bool, Option<String>) =
                query.query_row(params![action.workspace, action.rule], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let lowered = lowered.as_deref().map(parse::<Mode>).transpose()?;
            Ok(Some(ActionUnderControl { action, is_paused, lowered }))
        })
        .await
    }

    async fn next_due(&self, workspace: &str) -> Result<Option<Timestamp>, StoreError> {
        let workspace = workspace.to_owned();
        self.look_up(move |connection| {
            optional_timestamp(connection.prepare_cached(&NEXT_DUE)?.query_row(params![workspace], |row| row.get(0))?)
        })
        .await
    }

    async fn update_action(&self, action: &mut Action) -> Result<(), StoreError> {
        let update = ActionUpdate::new(action);
        self.write(move |session| update.write(session)).await?.into_result(action)?;
        action.version += 1;
        Ok(())
    }

    async fn recover_action(&self, action: &mut Action) -> Result<(), StoreError> {
        let (update, workspace) = (ActionUpdate::new(action), action.workspace.clone());
        let written = self.write(move |session| {
            session.fence(&workspace)?;
            update.write(session)
        });
        written.await?.into_result(action)?;
        action.version += 1;
        Ok(())
    }

    async fn update_edited_action(&self, action: &mut Action) -> Result<(), StoreError> {
        let update = ActionUpdate::edited(action)?;
        self.write(move |session| update.write(session)).await?.into_result(action)?;
        action.version += 1;
        Ok(())
    }

    async fn write_intent(&self, action: &mut Action, opt_outs: OptOutScope) -> Result<IntentResult, StoreError> {
        let (update, key) = (ActionUpdate::new(action), self.address_key.clone());
        let result = self.write(move |session| update.write_intent(session, &key, opt_outs)).await?;
        if let IntentResult::Written(_) = result {
            action.version += 1;
        }
        Ok(result)
    }

    async fn lead_facts(
        &self,
        workspace: &str,
        thread_id: &str,
        lead_email: Option<&str>,
        opt_outs: OptOutScope,
    ) -> Result<LeadFacts, StoreError> {
        let (workspace, thread_id) = (workspace.to_owned(), thread_id.to_owned());
        let lead = lead_email.map(str::to_lowercase);
        let key = self.address_key.clone();
        self.snapshot(move |connection| {
            let hash = key.hash_of(connection, lead.as_deref())?;
            let lead = lead.as_deref().map(|email| Lead { email, hash: hash.as_deref() });
            facts::of_lead(connection, &key, (&workspace, opt_outs), &thread_id, lead)
        })
        .await
    }

    async fn kept_replies(&self, workspace: &str, thread_id: &str) -> Result<Vec<Action>, StoreError> {
        self.read_kept_replies(workspace, thread_id).await
    }

    async fn reply_facts(&self, question: &ReplyQuestion) -> Result<ReplyFacts, StoreError> {
        let question = question.clone();
        let key = self.address_key.clone();
        self.snapshot(move |connection| facts::of_reply(connection, &key, &question)).await
    }

    async fn sent_since(
        &self,
        workspace: &str,
        filter: &SentFilter<'_>,
        window: SentWindow,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let (workspace, kind) = (workspace.to_owned(), filter.kind);
        let (lead, rule) = (filter.lead_email.map(str::to_lowercase), filter.rule.map(str::to_owned));
        let key = self.address_key.clone();
        self.look_up(move |connection| {
            let Some(workspace) = find_workspace(connection, &workspace)? else { return Ok(Vec::new()) };
            let hash = key.hash_of(connection, lead.as_deref())?;
            let filter = SentFilter { kind, lead_email: lead.as_deref(), rule: rule.as_deref() };
            facts::sent(connection, workspace, &filter, hash.as_deref(), window)
        })
        .await
    }
}

/// The actions that a query finds.
pub(super) fn find(connection: &Connection, query: &str, values: &[&dyn ToParam]) -> Result<Vec<Action>, StoreError> {
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
    let id = IdValues::new(id);
    query.query_optional(params![id.id, id.decision(), id.place], read_action)
}

//! Action records.

use super::{SqliteStore, Tx, from_json, micros, parse, queries, sidecar, timestamp, to_json};
use crate::{
    model::{Action, ActionId, ActionKind, ActionState, HistoryEntry, Reason, ReasonCode},
    store::{ActionFilter, ActionSummary, DecisionRecord, IntentResult, Lane, SentFilter, StoreError},
};
use jiff::Timestamp;
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use std::collections::HashMap;

/// Limits of a thread or a lead with more open actions than this count only the newest ones.
const HISTORY: i64 = 1_000;

impl SqliteStore {
    pub(super) async fn read_action(&self, id: &ActionId) -> Result<Option<Action>, StoreError> {
        let row = sqlx::query("SELECT * FROM actions WHERE id = ?").bind(&id.0).fetch_optional(&self.readers).await?;
        row.as_ref().map(action).transpose()
    }

    pub(super) async fn read_actions(&self, filter: &ActionFilter) -> Result<Vec<Action>, StoreError> {
        list_query(filter).build().fetch_all(&self.readers).await?.iter().map(action).collect()
    }

    pub(super) async fn read_actions_of(
        &self,
        decisions: &[String],
    ) -> Result<HashMap<String, Vec<ActionSummary>>, StoreError> {
        let mut found: HashMap<String, Vec<ActionSummary>> = HashMap::with_capacity(decisions.len());
        for chunk in decisions.chunks(500) {
            let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
                "SELECT id, decision_id, rule, kind, target, state, reason_code, reason_text, due_at FROM actions
                 WHERE decision_id IN (",
            );
            let mut list = query.separated(", ");
            for id in chunk {
                list.push_bind(id);
            }
            query.push(") ORDER BY id");
            for row in query.build().fetch_all(&self.readers).await? {
                let brief = ActionSummary {
                    id: ActionId(row.try_get("id")?),
                    decision_id: row.try_get("decision_id")?,
                    rule: row.try_get("rule")?,
                    kind: parse(row.try_get("kind")?)?,
                    target: row.try_get("target")?,
                    state: parse(row.try_get("state")?)?,
                    reason: reason(&row)?,
                    due_at: row.try_get::<Option<i64>, _>("due_at")?.map(timestamp).transpose()?,
                };
                found.entry(brief.decision_id.clone()).or_default().push(brief);
            }
        }
        Ok(found)
    }

    pub(super) async fn read_siblings(&self, of: &Action) -> Result<Vec<Action>, StoreError> {
        let rows = sqlx::query(queries::SIBLINGS)
            .bind(&of.workspace)
            .bind(&of.thread_id)
            .bind(of.message_key())
            .bind(&of.id.0)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(action).collect()
    }

    pub(super) async fn read_due_actions(
        &self,
        workspace: &str,
        lane: Lane,
        now: Timestamp,
        except: &[String],
        limit: u32,
    ) -> Result<Vec<Action>, StoreError> {
        let rows = sqlx::query(queries::DUE)
            .bind(workspace)
            .bind(micros(now))
            .bind(lane == Lane::Destinations)
            .bind(limit)
            .bind(to_json(&except)?)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(action).collect()
    }

    pub(super) async fn read_next_due(&self, workspace: &str) -> Result<Option<Timestamp>, StoreError> {
        let due: Option<i64> = sqlx::query_scalar(queries::NEXT_DUE).bind(workspace).fetch_one(&self.readers).await?;
        due.map(timestamp).transpose()
    }

    pub(super) async fn write_action(&self, action: &mut Action) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        update(&mut tx, action).await?;
        self.commit(tx).await?;
        action.version += 1;
        Ok(())
    }

    pub(super) async fn write_intent_of(&self, action: &mut Action) -> Result<IntentResult, StoreError> {
        let mut tx = self.begin().await?;
        let paused: bool = sqlx::query_scalar("SELECT count(*) > 0 FROM pauses WHERE workspace IN ('', ?)")
            .bind(&action.workspace)
            .fetch_one(&mut *tx)
            .await?;
        if paused {
            return Ok(IntentResult::Paused);
        }
        if action.kind == ActionKind::Reply
            && let Some(lead) = &action.lead_email
        {
            let evidence: Option<String> =
                sqlx::query_scalar("SELECT evidence FROM opt_outs WHERE workspace = ? AND email = ?")
                    .bind(&action.workspace)
                    .bind(lead.to_lowercase())
                    .fetch_optional(&mut *tx)
                    .await?;
            if let Some(evidence) = evidence {
                return Ok(IntentResult::OptedOut(evidence));
            }
        }
        update(&mut tx, action).await?;
        let intents = sidecar::count(&mut tx).await?;
        self.commit(tx).await?;
        action.version += 1;
        self.mark.write(&intents);
        Ok(IntentResult::Written)
    }

    pub(super) async fn wake_actions(
        &self,
        workspace: Option<&str>,
        reason: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let woken = sqlx::query(
            "UPDATE actions SET due_at = ?1 WHERE state IN ('waiting', 'retrying') AND reason_code = ?2
             AND (?3 IS NULL OR workspace = ?3)",
        )
        .bind(micros(now))
        .bind(reason)
        .bind(workspace)
        .execute(&self.writer)
        .await?;
        Ok(woken.rows_affected())
    }

    pub(super) async fn read_history(
        &self,
        workspace: &str,
        thread_id: &str,
        lead_email: Option<&str>,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let rows = sqlx::query(queries::HISTORY)
            .bind(workspace)
            .bind(thread_id)
            .bind(lead_email.map(str::to_lowercase))
            .bind(HISTORY)
            .fetch_all(&self.readers)
            .await?;
        let entry = |row: &SqliteRow| -> Result<HistoryEntry, StoreError> {
            Ok(HistoryEntry {
                action: ActionId(row.try_get("id")?),
                rule: row.try_get("rule")?,
                kind: parse(row.try_get("kind")?)?,
                target: row.try_get("target")?,
                thread_id: row.try_get("thread_id")?,
                message_id: row.try_get("message_id")?,
                lead_email: row.try_get("lead_email")?,
                state: parse(row.try_get("state")?)?,
                created_at: timestamp(row.try_get("created_at")?)?,
                body: row.try_get("body")?,
            })
        };
        rows.iter().map(entry).collect()
    }

    pub(super) async fn read_sent_since(
        &self,
        workspace: &str,
        filter: &SentFilter<'_>,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let times: Vec<i64> = sqlx::query_scalar(queries::sent_since(filter))
            .bind(workspace)
            .bind(filter.kind.as_str())
            .bind(micros(since))
            .bind(filter.lead_email.map(str::to_lowercase))
            .bind(filter.rule)
            .fetch_all(&self.readers)
            .await?;
        times.into_iter().map(timestamp).collect()
    }
}

/// The actions that a filter asks for, newest first.
pub(super) fn list_query(filter: &ActionFilter) -> QueryBuilder<Sqlite> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT * FROM actions WHERE 1 = 1");
    if !filter.states.is_empty() {
        query.push(" AND state IN (");
        let mut list = query.separated(", ");
        for state in &filter.states {
            list.push_bind(state.as_str());
        }
        query.push(")");
    }
    let kind = filter.kind.map(|kind| kind.as_str().to_owned());
    let lead = filter.lead.as_ref().map(|lead| lead.to_lowercase());
    let equals = [
        (" AND workspace = ", &filter.workspace),
        (" AND rule = ", &filter.rule),
        (" AND thread_id = ", &filter.thread),
        (" AND lead_email = ", &lead),
        (" AND campaign = ", &filter.campaign),
        (" AND kind = ", &kind),
        (" AND decision_id = ", &filter.decision),
        (" AND id < ", &filter.before),
    ];
    for (condition, value) in equals {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit);
    query
}

/// Writes an action if its stored version is still `action.version`; wakes the `mark_read` that waits for it.
async fn update(tx: &mut Tx<'_>, action: &Action) -> Result<(), StoreError> {
    let changed = sqlx::query(
        "UPDATE actions SET state = ?, reason_code = ?, reason_text = ?, payload = ?, approved = ?,
         outgoing_before = ?, attempts = ?, due_at = ?, sent_at = ?, updated_at = ?, message_at = ?,
         version = version + 1 WHERE id = ? AND version = ?",
    )
    .bind(action.state.as_str())
    .bind(action.reason.as_ref().map(|reason| reason.code.as_str()))
    .bind(action.reason.as_ref().map(|reason| &reason.text))
    .bind(to_json(&action.payload)?)
    .bind(action.approved)
    .bind(to_json(&action.outgoing_before)?)
    .bind(to_json(&action.attempts)?)
    .bind(action.due_at.map(micros))
    .bind(action.sent_at.map(micros))
    .bind(micros(action.updated_at))
    .bind(action.message_at.map(micros))
    .bind(&action.id.0)
    .bind(action.version)
    .execute(&mut **tx)
    .await?;
    if changed.rows_affected() == 0 {
        return Err(StoreError::Changed(action.id.clone()));
    }
    if action.state.is_settled() {
        sqlx::query(queries::WAKE_MARK_READ)
            .bind(micros(action.updated_at))
            .bind(&action.workspace)
            .bind(&action.thread_id)
            .bind(action.message_key())
            .bind(ReasonCode::OtherActions.as_str())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Writes a new record; `false` if a living one of the same message, kind and target forbids it.
pub(super) async fn insert(tx: &mut Tx<'_>, action: &Action) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO actions (id, workspace, decision_id, thread_id, message_id, message_key, lead_email, rule,
         position, kind, target, state, reason_code, reason_text, payload, timing, any_sender, any_auto_reply, approved,
         message_at, outgoing_before, attempts, due_at, sent_at, created_at, updated_at, version, campaign)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
         (SELECT campaign FROM decisions WHERE id = ?)) ON CONFLICT DO NOTHING",
    )
    .bind(&action.id.0)
    .bind(&action.workspace)
    .bind(&action.decision_id)
    .bind(&action.thread_id)
    .bind(&action.message_id)
    .bind(action.message_key())
    .bind(&action.lead_email)
    .bind(&action.rule)
    .bind(action.position)
    .bind(action.kind.as_str())
    .bind(&action.target)
    .bind(action.state.as_str())
    .bind(action.reason.as_ref().map(|reason| reason.code.as_str()))
    .bind(action.reason.as_ref().map(|reason| &reason.text))
    .bind(to_json(&action.payload)?)
    .bind(to_json(&action.timing)?)
    .bind(action.any_sender)
    .bind(action.any_auto_reply)
    .bind(action.approved)
    .bind(action.message_at.map(micros))
    .bind(to_json(&action.outgoing_before)?)
    .bind(to_json(&action.attempts)?)
    .bind(action.due_at.map(micros))
    .bind(action.sent_at.map(micros))
    .bind(micros(action.created_at))
    .bind(micros(action.updated_at))
    .bind(action.version)
    .bind(&action.decision_id)
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// A newer message has come: cancels what still waits because of an older one.
pub(super) async fn cancel_older(tx: &mut Tx<'_>, decision: &DecisionRecord) -> Result<Vec<Action>, StoreError> {
    let Some(message_id) = &decision.message_id else { return Ok(Vec::new()) };
    let rows = sqlx::query(queries::CANCEL_OLDER)
        .bind(ReasonCode::NewerMessage.as_str())
        .bind("a newer message came")
        .bind(micros(decision.at))
        .bind(&decision.workspace)
        .bind(&decision.thread_id)
        .bind(message_id)
        .fetch_all(&mut **tx)
        .await?;
    rows.iter().map(action).collect()
}

fn reason(row: &SqliteRow) -> Result<Option<Reason>, StoreError> {
    let code: Option<String> = row.try_get("reason_code")?;
    let text: Option<String> = row.try_get("reason_text")?;
    code.map(|code| Ok(Reason { code: parse(&code)?, text: text.unwrap_or_default() })).transpose()
}

fn action(row: &SqliteRow) -> Result<Action, StoreError> {
    let time = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        row.try_get::<Option<i64>, _>(column)?.map(timestamp).transpose()
    };
    Ok(Action {
        id: ActionId(row.try_get("id")?),
        workspace: row.try_get("workspace")?,
        decision_id: row.try_get("decision_id")?,
        thread_id: row.try_get("thread_id")?,
        message_id: row.try_get("message_id")?,
        lead_email: row.try_get("lead_email")?,
        rule: row.try_get("rule")?,
        position: row.try_get("position")?,
        kind: parse(row.try_get("kind")?)?,
        target: row.try_get("target")?,
        state: parse::<ActionState>(row.try_get("state")?)?,
        reason: reason(row)?,
        payload: from_json(row.try_get("payload")?)?,
        timing: from_json(row.try_get("timing")?)?,
        any_sender: row.try_get("any_sender")?,
        any_auto_reply: row.try_get("any_auto_reply")?,
        approved: row.try_get("approved")?,
        message_at: time("message_at")?,
        outgoing_before: from_json(row.try_get("outgoing_before")?)?,
        attempts: from_json(row.try_get("attempts")?)?,
        due_at: time("due_at")?,
        sent_at: time("sent_at")?,
        created_at: timestamp(row.try_get("created_at")?)?,
        updated_at: timestamp(row.try_get("updated_at")?)?,
        version: row.try_get("version")?,
    })
}

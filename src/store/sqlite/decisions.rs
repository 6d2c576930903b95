//! Decisions, and the one transaction that writes them with their actions.

use super::{SqliteStore, actions, controls, from_json, identity, micros, parse, threads, timestamp, to_json};
use crate::{
    model::{Action, ActionKind, ActionState, Reason, ReasonCode},
    store::{DecisionFilter, DecisionRecord, OptOut, RecordedDecision, SettledThread, StoreError},
};
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

impl SqliteStore {
    pub(super) async fn write_decision(
        &self,
        decision: &DecisionRecord,
        mut planned: Vec<Action>,
        opt_out: Option<&OptOut>,
        settled: &SettledThread,
    ) -> Result<RecordedDecision, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO decisions (id, workspace, thread_id, message_id, lead_email, at, event, matched, trace, campaign)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&decision.id)
        .bind(&decision.workspace)
        .bind(&decision.thread_id)
        .bind(&decision.message_id)
        .bind(&decision.lead_email)
        .bind(micros(decision.at))
        .bind(decision.event.as_str())
        .bind(to_json(&decision.matched)?)
        .bind(to_json(&decision.trace)?)
        .bind(&decision.trace.campaign)
        .execute(&mut *tx)
        .await?;
        for rule in &decision.matched {
            sqlx::query("INSERT INTO decision_rules (rule, at, decision_id) VALUES (?, ?, ?)")
                .bind(rule)
                .bind(micros(decision.at))
                .bind(&decision.id)
                .execute(&mut *tx)
                .await?;
        }
        let cancelled = actions::cancel_older(&mut tx, decision).await?;
        if let Some(owner) = identity::owner(&mut tx, decision, settled).await? {
            identity::hold_for(&owner, &mut planned, settled.claim.expiry);
        }
        for action in &mut planned {
            if actions::insert(&mut tx, action).await? {
                continue;
            }
            // A living action of the same message, kind and target is there already: from an earlier event of the
            // message, or from a rule that has since been renamed.
            action.state = ActionState::Suppressed;
            action.due_at = None;
            action.reason = Some(match action.kind {
                ActionKind::Reply => Reason::new(ReasonCode::AlreadyAnswered, "the message has a reply already"),
                _ => Reason::new(ReasonCode::SameTarget, "an earlier event of this message did the same"),
            });
            actions::insert(&mut tx, action).await?;
        }
        if let Some(opt_out) = opt_out {
            controls::insert_opt_out(&mut tx, opt_out).await?;
        }
        threads::settle(&mut tx, &decision.workspace, settled, decision.at).await?;
        self.commit(tx).await?;
        Ok(RecordedDecision { actions: planned, cancelled })
    }

    pub(super) async fn read_decision(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        let row = sqlx::query("SELECT * FROM decisions WHERE id = ?").bind(id).fetch_optional(&self.readers).await?;
        row.as_ref().map(record).transpose()
    }

    pub(super) async fn read_decisions(&self, filter: &DecisionFilter) -> Result<Vec<DecisionRecord>, StoreError> {
        // A rule's own index says which decisions, newest first; otherwise one of the decisions' does.
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(match &filter.rule {
            Some(_) => {
                "SELECT d.* FROM decision_rules r CROSS JOIN decisions d ON d.id = r.decision_id WHERE r.rule = "
            }
            None => "SELECT d.* FROM decisions d WHERE 1 = 1",
        });
        let id = match &filter.rule {
            Some(rule) => {
                query.push_bind(rule);
                "r.decision_id"
            }
            None => "d.id",
        };
        let lead = filter.lead.as_ref().map(|lead| lead.to_lowercase());
        let equals = [
            (" AND d.workspace = ", &filter.workspace),
            (" AND d.thread_id = ", &filter.thread),
            (" AND d.lead_email = ", &lead),
            (" AND d.campaign = ", &filter.campaign),
        ];
        let mut narrowed = filter.rule.is_some() || filter.matched.is_some();
        for (condition, value) in equals {
            if let Some(value) = value {
                query.push(condition).push_bind(value);
                narrowed = true;
            }
        }
        match filter.matched {
            Some(true) => drop(query.push(" AND d.matched <> '[]'")),
            Some(false) => drop(query.push(" AND d.matched = '[]'")),
            None => {}
        }
        if let Some(before) = &filter.before {
            query.push(format!(" AND {id} < ")).push_bind(before);
        }
        if narrowed && !filter.states.is_empty() {
            // By the rule's index where there is one: then the decision itself is read only if this holds.
            query.push(format!(" AND EXISTS (SELECT 1 FROM actions a WHERE a.decision_id = {id} AND a.state IN ("));
            let mut list = query.separated(", ");
            for state in &filter.states {
                list.push_bind(state.as_str());
            }
            query.push("))");
        } else if !filter.states.is_empty() {
            newest_with_states(&mut query, filter);
        }
        query.push(format!(" ORDER BY {id} DESC LIMIT ")).push_bind(filter.limit);
        query.build().fetch_all(&self.readers).await?.iter().map(record).collect()
    }
}

/// The newest decisions with an action in one of the states: as many of each state as are wanted at all, so that it does
/// not matter whether nearly all decisions have one or nearly none.
fn newest_with_states(query: &mut QueryBuilder<Sqlite>, filter: &DecisionFilter) {
    query.push(" AND d.id IN (");
    for (number, state) in filter.states.iter().enumerate() {
        query.push(if number == 0 { "" } else { " UNION " });
        query.push("SELECT * FROM (SELECT DISTINCT decision_id FROM actions WHERE state = ").push_bind(state.as_str());
        if let Some(before) = &filter.before {
            query.push(" AND decision_id < ").push_bind(before.clone());
        }
        query.push(" ORDER BY decision_id DESC LIMIT ").push_bind(filter.limit).push(")");
    }
    query.push(")");
}

pub(super) fn record(row: &SqliteRow) -> Result<DecisionRecord, StoreError> {
    Ok(DecisionRecord {
        id: row.try_get("id")?,
        workspace: row.try_get("workspace")?,
        thread_id: row.try_get("thread_id")?,
        message_id: row.try_get("message_id")?,
        lead_email: row.try_get("lead_email")?,
        at: timestamp(row.try_get("at")?)?,
        event: parse(row.try_get("event")?)?,
        matched: from_json(row.try_get("matched")?)?,
        trace: from_json(row.try_get("trace")?)?,
    })
}

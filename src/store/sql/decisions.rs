//! Decisions, and the one transaction that writes them with their actions.

use super::{
    SqlStore,
    action_rows::{Belongs, NewAction, key},
    action_writes::ActionUpdate,
    actions::find,
    addresses::AddressKey,
    codec::{OwnedUid, Uid, from_json, micros, pack_bytes, parse, timestamp, to_json, unpack, unreadable},
    connection::{Row, params},
    controls::insert_opt_out,
    decision_filters::DecisionQuery,
    events::NewEvent,
    identity,
    session::Session,
    settling::Settling,
    values::as_params,
};
use crate::{
    model::{Action, ActionState},
    store::{
        Change, ChangeKind, Claim, DecisionFilter, DecisionPolicy, DecisionRecord, DecisionStore, OptOut,
        RecordedDecision, SettledThread, StoreError, StoredEvent,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::LazyLock;

/// The columns of [`read_decision`], of a decision `d`.
pub(super) const DECISION_COLUMNS: &str = "d.uid, (SELECT name FROM workspaces WHERE id = d.workspace),
     (SELECT thread_id FROM threads WHERE id = d.thread), d.message_id, d.lead_email, d.at, d.event, d.matched, d.trace";

/// The actions of a thread that have not settled.
pub(super) static UNSETTLED: LazyLock<String> = LazyLock::new(|| {
    let unsettled = ActionState::ALL.into_iter().filter(|state| !state.is_settled());
    let states: Vec<String> = unsettled.map(|state| format!("'{}'", state.as_str())).collect();
    format!(
        "SELECT {} FROM actions a INDEXED BY actions_thread {} WHERE a.thread = ?1 AND a.state IN ({})
         AND d.message_id IS NOT NULL AND d.message_id <> ?2 ORDER BY a.id",
        super::action_rows::COLUMNS,
        super::action_rows::TABLES,
        states.join(", ")
    )
});

/// A decision as it is written.
struct NewDecision {
    record: DecisionRecord,
    trace: Vec<u8>,
    event: Option<NewEvent>,
    actions: Vec<NewAction>,
    opt_out: Option<OptOut>,
    settling: Settling,
    claim: Claim,
    opted_out: bool,
    key: AddressKey,
}

#[async_trait]
impl DecisionStore for SqlStore {
    async fn record_decision(
        &self,
        decision: &DecisionRecord,
        event: Option<StoredEvent>,
        actions: Vec<Action>,
        opt_out: Option<&OptOut>,
        settled: &SettledThread,
        policy: DecisionPolicy,
    ) -> Result<RecordedDecision, StoreError> {
        let trace = serde_json::to_vec(&decision.trace).map_err(unreadable)?;
        let event = match event {
            Some(event) => Some(self.new_event(&event, (&decision.workspace, &decision.thread_id), &trace).await?),
            None => None,
        };
        let new = NewDecision {
            trace: pack_bytes(&trace)?,
            event,
            actions: actions.into_iter().map(NewAction::new).collect::<Result<_, _>>()?,
            opt_out: opt_out.cloned(),
            settling: Settling::new(settled)?,
            claim: settled.claim.clone(),
            opted_out: settled.opted_out,
            key: self.address_key.clone(),
            record: decision.clone(),
        };
        self.write(move |session| new.write(session, policy)).await
    }

    async fn decision(&self, id: &str) -> Result<Option<DecisionRecord>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| {
            let query = format!("SELECT {DECISION_COLUMNS} FROM decisions d WHERE d.uid = ?");
            let mut query = connection.prepare_cached(&query)?;
            query.query_optional(params![Uid(&id)], read_decision)
        })
        .await
    }

    async fn decisions(&self, filter: &DecisionFilter) -> Result<Vec<DecisionRecord>, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| {
            let Some(query) = DecisionQuery::new(connection, &filter)? else { return Ok(Vec::new()) };
            let mut statement = connection.prepare_cached(&query.sql)?;
            let mut rows = statement.query(&as_params(&query.values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(read_decision(row)?);
            }
            Ok(found)
        })
        .await
    }

    async fn left_for_people(
        &self,
        since: Timestamp,
        workspaces: Option<&[String]>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DecisionRecord>, StoreError> {
        let (workspaces, before) = (workspaces.map(<[String]>::to_vec), before.map(str::to_owned));
        self.read(move |connection| {
            super::left::read(connection, since, workspaces.as_deref(), before.as_deref(), limit)
        })
        .await
    }

    async fn left_count(&self, since: Timestamp, workspaces: Option<&[String]>) -> Result<u64, StoreError> {
        let workspaces = workspaces.map(<[String]>::to_vec);
        self.read(move |connection| super::left::count(connection, since, workspaces.as_deref())).await
    }
}

impl NewDecision {
    fn write(mut self, session: &mut Session<'_>, policy: DecisionPolicy) -> Result<RecordedDecision, StoreError> {
        let record = &self.record;
        session.fence(&record.workspace)?;
        let workspace = session.workspace(&record.workspace)?;
        let settled = self.settling.write(session, &self.key, &record.workspace, record.at)?;
        let thread = match self.settling.thread_id() == record.thread_id {
            true => settled.thread,
            false => session.thread(&record.workspace, &record.thread_id, record.at)?,
        };
        let opted_out = self.opted_out || self.opt_out.is_some();
        let decision = session.insert_decision(record, &self.trace, workspace, thread, opted_out)?;
        if let Some(event) = &self.event {
            session.insert_event(decision, event)?;
        }
        let cancelled = self.change_older(session, thread, policy)?;
        if let Some(owner) = identity::owner(session, record, &self.claim)? {
            for new in &mut self.actions {
                if let Some(next) = (policy.on_owned)(&new.action, &owner, self.claim.expiry) {
                    let now = new.action.updated_at;
                    next.apply_to(&mut new.action, now);
                }
            }
        }
        for (place, new) in self.actions.iter_mut().enumerate() {
            let belongs = Belongs { key: key(decision, place)?, workspace, thread, at: micros(self.record.at) };
            if session.insert_action(new, belongs)? {
                continue;
            }
            // A living action has its place: from an earlier event of the message, or from a rule that has since been
            // renamed.
            let now = new.action.updated_at;
            (policy.on_place_taken)(&new.action).apply_to(&mut new.action, now);
            if !session.insert_action(new, belongs)? {
                return Err(StoreError::Duplicate);
            }
        }
        if let Some(opt_out) = &self.opt_out {
            insert_opt_out(session, &self.key, opt_out)?;
        }
        Ok(RecordedDecision { actions: self.actions.into_iter().map(|new| new.action).collect(), cancelled })
    }

    /// A newer message has come: what becomes of actions that still wait because of an older one.
    fn change_older(
        &self,
        session: &mut Session<'_>,
        thread: i64,
        policy: DecisionPolicy,
    ) -> Result<Vec<Action>, StoreError> {
        let Some(message_id) = &self.record.message_id else { return Ok(Vec::new()) };
        let mut changed = Vec::new();
        for mut action in find(session.connection, &UNSETTLED, &[&thread, message_id])? {
            let Some(next) = (policy.on_newer_message)(&action) else { continue };
            next.apply_to(&mut action, self.record.at);
            ActionUpdate::new(&action).write(session)?;
            action.version += 1;
            changed.push(action);
        }
        Ok(changed)
    }
}

impl Session<'_> {
    /// Writes the decision itself, marked if the lead has opted out; its number comes back.
    pub(super) fn insert_decision(
        &mut self,
        record: &DecisionRecord,
        trace: &[u8],
        workspace: i64,
        thread: i64,
        opted_out: bool,
    ) -> Result<i64, StoreError> {
        let session = self;
        let campaign = record.trace.campaign.as_deref().map(|name| session.name(name)).transpose()?;
        let mut insert = session.connection.prepare_cached(
            "INSERT INTO decisions (uid, workspace, thread, message_id, lead_email, campaign, at, event, matched, problem,
             message_at, trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )?;
        let values = params![
            Uid(&record.id),
            workspace,
            thread,
            record.message_id,
            record.lead_email,
            campaign,
            micros(record.at),
            record.event.as_str(),
            to_json(&record.matched)?,
            record.trace.problem.is_some() || opted_out,
            record.trace.message_at.map(micros),
            trace,
        ];
        let decision = insert.query_row(values, |row| row.get(0))?;
        for rule in &record.matched {
            let rule = session.name(rule)?;
            let mut insert = session
                .connection
                .prepare_cached("INSERT INTO decision_rules (rule, decision) VALUES (?, ?) ON CONFLICT DO NOTHING")?;
            insert.execute(params![rule, decision])?;
            session.tally.add_match(micros(record.at), rule, workspace);
        }
        session.changes.push(Change {
            seq: 0,
            at: record.at,
            workspace: record.workspace.clone(),
            thread_id: record.thread_id.clone(),
            decision_id: record.id.clone(),
            what: ChangeKind::Decision { matched: record.matched.clone() },
        });
        Ok(decision)
    }
}

/// The decision of a row with [`DECISION_COLUMNS`].
pub(super) fn read_decision(row: Row<'_>) -> Result<DecisionRecord, StoreError> {
    Ok(DecisionRecord {
        id: row.get::<OwnedUid>(0)?.0,
        workspace: row.get(1)?,
        thread_id: row.get(2)?,
        message_id: row.get(3)?,
        lead_email: row.get(4)?,
        at: timestamp(row.get(5)?)?,
        event: parse(row.text(6)?)?,
        matched: from_json(row.text(7)?)?,
        trace: unpack(row.bytes(8)?)?,
    })
}

//! Lists by filters: which index leads to the newest, whatever is asked for.
//!
//! The newest rows that match are found by walking one index from its end; what else is asked for is checked on the way.
//! Of two that could lead, the one with fewer rows does, as the counts say.

use super::{
    action_rows::{COLUMNS, TABLES},
    codec::to_json,
    connection::{Connection, params},
    cursors::{before_action, decision_key},
    values::Value,
};
use crate::{
    model::{ActionState, known_by},
    store::{ActionFilter, StoreError},
};

/// A query with its values.
pub(super) struct ActionQuery {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// Conditions and their values, in order.
#[derive(Clone, Default)]
pub(super) struct Conditions {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Conditions {
    pub(super) fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }

    /// That a column has one of these numbers; `false` if there are none, so that nothing can match. A server that is asked
    /// for them in the same statement may look at all rows first.
    pub(super) fn add_numbers(&mut self, column: &str, numbers: &[i64]) -> bool {
        match numbers {
            [] => return false,
            [one] => self.add(&format!("{column} = ?"), [Value::from(*one)]),
            some => {
                let places = vec!["?"; some.len()].join(", ");
                self.add(&format!("{column} IN ({places})"), some.iter().map(|number| Value::from(*number)));
            }
        }
        true
    }
}

/// What walks to the newest rows.
enum Lead {
    /// The decisions in an order of one of their indexes, and their actions.
    Decisions(&'static str, Value),
    /// The actions of one thread.
    Thread,
    /// The newest of each of these states, of a rule or of all.
    States(Vec<ActionState>, Option<i64>),
    /// Those of the kind.
    Kind,
    /// All of them.
    All,
}

impl ActionQuery {
    /// `None` if nothing can match.
    pub(super) fn new(connection: &Connection, filter: &ActionFilter) -> Result<Option<Self>, StoreError> {
        let mut conditions = Conditions::default();
        let mut lead = Lead::All;
        if let Some(name) = &filter.workspace {
            let Some(id) = number(connection, WORKSPACE, name)? else { return Ok(None) };
            conditions.add("a.workspace = ?", [id.into()]);
            lead = Lead::Decisions("decisions_workspace WHERE d.workspace = ?", id.into());
        }
        if let Some(names) = &filter.workspaces {
            let Some((list, ids)) = any_of(connection, "a.workspace", names)? else { return Ok(None) };
            if let ([id], None) = (ids.as_slice(), &filter.workspace) {
                lead = Lead::Decisions("decisions_workspace WHERE d.workspace = ?", (*id).into());
            }
            conditions.add(&list, []);
        }
        if let Some(before) = &filter.before {
            let Some(key) = before_action(connection, before)? else { return Ok(None) };
            conditions.add("a.id < ?", [key.into()]);
        }
        if let Some(kind) = filter.kind {
            conditions.add("a.kind = ?", [kind.as_str().to_owned().into()]);
        }
        let rule = match &filter.rule {
            Some(name) => match number(connection, NAME, name)? {
                Some(id) => Some(id),
                None => return Ok(None),
            },
            None => None,
        };
        if let Some(id) = rule {
            conditions.add("a.rule = ?", [id.into()]);
        }
        let states = if filter.states.is_empty() { ActionState::ALL.to_vec() } else { filter.states.clone() };
        let by_state = rule.is_some() || !filter.states.is_empty();
        match filter.kind {
            Some(kind) if !by_state || fewer_of_kind(connection, kind.as_str(), &states, rule)? => lead = Lead::Kind,
            _ if by_state => lead = Lead::States(states.clone(), rule),
            _ => {}
        }
        if let Some(name) = &filter.campaign {
            // The same campaign in other letters has a number of its own.
            let ids = numbers(connection, CAMPAIGNS, name)?;
            if !conditions.add_numbers("d.campaign", &ids) {
                return Ok(None);
            }
            lead = match ids.as_slice() {
                [id] => Lead::Decisions("decisions_campaign WHERE d.campaign = ?", (*id).into()),
                _ => Lead::All,
            };
        }
        if let Some(email) = &filter.lead {
            lead = Lead::Decisions("decisions_lead WHERE d.lead_email = ?", known_by(email).unwrap_or_default().into());
        }
        if let Some(thread) = &filter.thread {
            if !conditions.add_numbers("a.thread", &numbers(connection, THREADS, thread)?) {
                return Ok(None);
            }
            lead = Lead::Thread;
            if let Some(email) = &filter.lead {
                conditions.add("d.lead_email = ?", [known_by(email).unwrap_or_default().into()]);
            }
        }
        if let Some(decision) = &filter.decision {
            let Some(id) = decision_key(connection, decision)? else { return Ok(None) };
            lead = Lead::Decisions("sqlite_autoindex_decisions_1 WHERE d.uid = ?", Value::Uid(decision.clone()));
            conditions.add("a.id >= ? << 16 AND a.id < (? + 1) << 16", [id.into(), id.into()]);
            if let Some(email) = &filter.lead {
                conditions.add("d.lead_email = ?", [known_by(email).unwrap_or_default().into()]);
            }
        }
        if !matches!(lead, Lead::States(..)) && !filter.states.is_empty() {
            conditions.add(&in_list("a.state", filter.states.len()), filter.states.iter().map(state_value));
        }
        Ok(Some(lead.into_query(conditions, filter.limit)))
    }
}

impl Lead {
    fn into_query(self, conditions: Conditions, limit: u32) -> ActionQuery {
        let Conditions { sql, mut values } = conditions;
        let limit = Value::from(i64::from(limit));
        let sql = match self {
            Self::Decisions(index, value) => {
                values.insert(0, value);
                values.push(limit);
                format!(
                    "SELECT {COLUMNS} FROM decisions d INDEXED BY {} CROSS JOIN actions a ON a.id >= d.id << 16
                       AND a.id < (d.id + 1) << 16 CROSS JOIN threads t ON t.id = a.thread
                     CROSS JOIN workspaces w ON w.id = a.workspace WHERE {}{sql} ORDER BY d.id DESC, a.id DESC LIMIT ?",
                    index.split(" WHERE ").next().unwrap_or_default(),
                    index.split(" WHERE ").nth(1).unwrap_or_default(),
                )
            }
            Self::Thread => {
                values.push(limit);
                format!(
                    "SELECT {COLUMNS} FROM actions a INDEXED BY actions_thread {TABLES} WHERE TRUE{sql} ORDER BY a.id DESC LIMIT ?"
                )
            }
            Self::States(states, rule) => {
                let index = if rule.is_some() { "actions_rule_state" } else { "actions_state" };
                let mut all = Vec::new();
                let mut parts = Vec::new();
                for state in states {
                    parts.push(format!(
                        "SELECT * FROM (SELECT a.id FROM actions a INDEXED BY {index}
                           CROSS JOIN decisions d ON d.id = a.id >> 16 WHERE a.state = ?{sql} ORDER BY a.id DESC LIMIT ?) newest"
                    ));
                    all.push(state_value(&state));
                    all.extend(values.iter().cloned());
                    all.push(limit.clone());
                }
                all.push(limit);
                values = all;
                format!(
                    "SELECT {COLUMNS} FROM ({}) o CROSS JOIN actions a ON a.id = o.id {TABLES}
                     ORDER BY a.id DESC LIMIT ?",
                    parts.join(" UNION ALL ")
                )
            }
            Self::Kind | Self::All => {
                values.push(limit);
                let index = if matches!(self, Self::Kind) { "INDEXED BY actions_kind" } else { "NOT INDEXED" };
                format!("SELECT {COLUMNS} FROM actions a {index} {TABLES} WHERE TRUE{sql} ORDER BY a.id DESC LIMIT ?")
            }
        };
        ActionQuery { sql, values }
    }
}

/// Somebody may see a thousand workspaces: they are looked up at once.
const WORKSPACES: &str = "SELECT id FROM workspaces WHERE name IN (SELECT value FROM json_each(?)) ORDER BY id";
pub(super) const WORKSPACE: &str = "SELECT id FROM workspaces WHERE name = ?";
pub(super) const NAME: &str = "SELECT id FROM names WHERE name = ?";
pub(super) const CAMPAIGNS: &str = "SELECT id FROM names WHERE name = ? COLLATE NOCASE";
/// Those of all workspaces: two accounts may use the same id.
pub(super) const THREADS: &str = "SELECT id FROM threads WHERE thread_id = ?";

pub(super) fn number(connection: &Connection, query: &str, name: &str) -> Result<Option<i64>, StoreError> {
    connection.prepare_cached(query)?.query_optional(params![name], |row| row.get(0))
}

pub(super) fn numbers(connection: &Connection, query: &str, name: &str) -> Result<Vec<i64>, StoreError> {
    connection.prepare_cached(query)?.query_all(params![name], |row| row.get(0))
}

/// A condition for a column with the number of one of these workspaces, and the numbers; `None` if none of them is known.
/// The numbers are written out: they are the store's own.
pub(super) fn any_of(
    connection: &Connection,
    column: &str,
    names: &[String],
) -> Result<Option<(String, Vec<i64>)>, StoreError> {
    let ids: Vec<i64> = connection.prepare_cached(WORKSPACES)?.query_all(params![to_json(names)?], |row| row.get(0))?;
    let list = ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    Ok((!ids.is_empty()).then(|| (format!("{column} IN ({list})"), ids)))
}

/// Whether there are fewer actions of the kind than in these states.
fn fewer_of_kind(
    connection: &Connection,
    kind: &str,
    states: &[ActionState],
    rule: Option<i64>,
) -> Result<bool, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT CAST(coalesce(sum(count) FILTER (WHERE kind = ?1), 0) AS BIGINT),
           CAST(coalesce(sum(count) FILTER (WHERE (?3 IS NULL OR rule = ?3)
             AND state IN (SELECT value FROM json_each(?2))), 0) AS BIGINT)
         FROM action_hours WHERE hour = -1",
    )?;
    let states = super::codec::to_json(&states.iter().map(|state| state.as_str()).collect::<Vec<_>>())?;
    let (of_kind, in_states): (i64, i64) =
        query.query_row(params![kind, states, rule], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(of_kind < in_states)
}

pub(super) fn state_value(state: &ActionState) -> Value {
    state.as_str().to_owned().into()
}

pub(super) fn in_list(column: &str, length: usize) -> String {
    format!("{column} IN ({})", vec!["?"; length].join(", "))
}

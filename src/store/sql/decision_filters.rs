//! Lists of decisions by filters, as those of actions in `filters`.

use super::{
    codec::to_json,
    connection::{Connection, params},
    cursors::before_decision,
    decisions::DECISION_COLUMNS,
    filters::{CAMPAIGNS, Conditions, NAME, THREADS, WORKSPACE, any_of, in_list, number, numbers, state_value},
    values::{Value, one_of},
};
use crate::{
    model::{ActionState, known_by},
    store::{DecisionFilter, StoreError},
};
use std::collections::BTreeSet;

/// Up to so many actions in the wanted states lead to their decisions, whatever else is asked for.
const FEW: i64 = 10_000;

/// States that few actions are in: all of these are a small step, where going through what a rule or a workspace has decided
/// until enough of it are found may be a long way.
struct RareStates(Vec<ActionState>);

impl RareStates {
    /// Those that are wanted, if few actions are in them.
    fn among(connection: &Connection, filter: &DecisionFilter) -> Result<Option<Self>, StoreError> {
        // The decisions of a lead or a thread are few by themselves.
        if filter.states.is_empty() || filter.lead.is_some() || filter.thread.is_some() {
            return Ok(None);
        }
        let states = to_json(&filter.states.iter().map(|state| state.as_str()).collect::<Vec<_>>())?;
        let mut query = connection.prepare_cached(COUNT_IN_STATES)?;
        let count: i64 = query.query_row(params![states], |row| row.get(0))?;
        Ok((count <= FEW).then(|| Self(filter.states.clone())))
    }

    /// Has the list begin with them; where the decisions come from then. SQLite goes through a list of numbers from the last
    /// one on, and a server through a table of them.
    fn begin_with(&self, connection: &Connection, conditions: &mut Conditions) -> String {
        // The states' names are the program's own.
        let states: Vec<String> = self.0.iter().map(|state| format!("'{}'", state.as_str())).collect();
        let of = format!("FROM actions INDEXED BY actions_state WHERE state IN ({})", states.join(", "));
        if connection.pick(true, false) {
            conditions.add(&format!("d.id IN (SELECT id >> 16 {of})"), []);
            return "decisions d NOT INDEXED".to_owned();
        }
        format!("(SELECT DISTINCT id >> 16 AS id {of}) rare JOIN decisions d ON d.id = rare.id")
    }
}

/// How many actions are there in some states, as the counts say: without those that were removed.
const COUNT_IN_STATES: &str =
    "SELECT CAST(coalesce(sum(CASE hour WHEN -1 THEN count ELSE -count END), 0) AS BIGINT) FROM action_hours
     WHERE hour < 0 AND state IN (SELECT value FROM json_each(?1))";

/// Decisions, newest first.
pub(super) struct DecisionQuery {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl DecisionQuery {
    /// `None` if nothing can match.
    pub(super) fn new(connection: &Connection, filter: &DecisionFilter) -> Result<Option<Self>, StoreError> {
        let rare = RareStates::among(connection, filter)?;
        let mut conditions = Conditions::default();
        let Some(Source { mut from, order, narrowed }) =
            Source::narrow(connection, filter, rare.is_some(), &mut conditions)?
        else {
            return Ok(None);
        };
        let before = match &filter.before {
            Some(before) => match before_decision(connection, before)? {
                Some(key) => Some(key),
                None => return Ok(None),
            },
            None => None,
        };
        if let Some(key) = before {
            conditions.add(&format!("{order} < ?"), [key.into()]);
        }
        if let (Some(rare), true) = (&rare, narrowed) {
            from = rare.begin_with(connection, &mut conditions);
        } else if !filter.states.is_empty() && narrowed {
            let list = in_list("a.state", filter.states.len());
            conditions.add(
                &format!(
                    "EXISTS (SELECT 1 FROM actions a WHERE a.id >= d.id << 16 AND a.id < (d.id + 1) << 16 AND {list})"
                ),
                filter.states.iter().map(state_value),
            );
        } else if !filter.states.is_empty() {
            // As many of each state as are wanted at all, so that it does not matter whether nearly all decisions have one
            // or nearly none.
            let before = before.map_or(i64::MAX, |key| key << 16);
            let mut newest = BTreeSet::new();
            for state in &filter.states {
                newest.extend(newest_in_state(connection, *state, before, filter.limit)?);
            }
            if newest.is_empty() {
                return Ok(None);
            }
            let wanted = newest.into_iter().rev().take(filter.limit as usize);
            let (places, values) = one_of(wanted.map(Value::from));
            conditions.add(&format!("d.id IN {places}"), values);
            from = "decisions d".to_owned();
        }
        let Conditions { sql, mut values } = conditions;
        values.push(Value::from(i64::from(filter.limit)));
        let sql = format!("SELECT {DECISION_COLUMNS} FROM {from} WHERE TRUE{sql} ORDER BY {order} DESC LIMIT ?");
        Ok(Some(Self { sql, values }))
    }
}

/// Where a list of decisions comes from, before it is asked for states.
struct Source {
    from: String,
    /// The column that they are in order of.
    order: &'static str,
    /// Whether anything but their states tells which are wanted.
    narrowed: bool,
}

impl Source {
    fn of(from: &str) -> Self {
        Self { from: from.to_owned(), order: "d.id", narrowed: true }
    }

    /// The narrowest index that the filter has a value for, with the conditions that say the rest of it; `None` if nothing
    /// can match.
    fn narrow(
        connection: &Connection,
        filter: &DecisionFilter,
        rare: bool,
        conditions: &mut Conditions,
    ) -> Result<Option<Self>, StoreError> {
        let mut source = Self { narrowed: false, ..Self::of("decisions d NOT INDEXED") };
        if let Some(matched) = filter.matched {
            let (condition, index) = match matched {
                true => ("d.matched <> '[]'", "decisions d INDEXED BY decisions_matched"),
                false => ("d.matched = '[]'", "decisions d INDEXED BY decisions_unmatched"),
            };
            conditions.add(condition, []);
            source = Self::of(index);
        }
        if let Some(name) = &filter.workspace {
            let Some(id) = number(connection, WORKSPACE, name)? else { return Ok(None) };
            conditions.add("d.workspace = ?", [id.into()]);
            source = Self::of("decisions d INDEXED BY decisions_workspace");
        }
        if let Some(names) = &filter.workspaces {
            let Some((list, ids)) = any_of(connection, "d.workspace", names)? else { return Ok(None) };
            if ids.len() == 1 && filter.workspace.is_none() {
                source = Self::of("decisions d INDEXED BY decisions_workspace");
            }
            // The newest of each state are those of every workspace.
            source.narrowed = true;
            conditions.add(&list, []);
        }
        if let Some(name) = &filter.campaign {
            if !conditions.add_numbers("d.campaign", &numbers(connection, CAMPAIGNS, name)?) {
                return Ok(None);
            }
            source = Self::of("decisions d INDEXED BY decisions_campaign");
        }
        if let Some(name) = &filter.rule {
            let Some(id) = number(connection, NAME, name)? else { return Ok(None) };
            if rare {
                conditions
                    .add("EXISTS (SELECT 1 FROM decision_rules r WHERE r.rule = ? AND r.decision = d.id)", [id.into()]);
                source.narrowed = true;
            } else {
                conditions.add("r.rule = ?", [id.into()]);
                let of_rule = Self::of("decision_rules r CROSS JOIN decisions d ON d.id = r.decision");
                source = Self { order: "r.decision", ..of_rule };
            }
        }
        if let Some(email) = &filter.lead {
            conditions.add("d.lead_email = ?", [known_by(email).unwrap_or_default().into()]);
            if filter.rule.is_none() {
                source = Self::of("decisions d INDEXED BY decisions_lead");
            }
        }
        if let Some(thread) = &filter.thread {
            if !conditions.add_numbers("d.thread", &numbers(connection, THREADS, thread)?) {
                return Ok(None);
            }
            if filter.rule.is_none() {
                source = Self::of("decisions d INDEXED BY decisions_thread");
            }
        }
        Ok(Some(source))
    }
}

/// The newest decisions with an action in a state, below a number of an action, and so many at most: one step into the index
/// for each, however many actions it has.
///
/// Whatever comes before the place in the index is looked at, and only then whether it is of the state: a server that is asked
/// for the newest of a state may rather look at all actions from the newest on.
const NEWEST_IN_STATE: &str = "WITH RECURSIVE newest (decision, place) AS (
       SELECT * FROM (SELECT CASE WHEN state = ?1 THEN id >> 16 END, 1 FROM actions INDEXED BY actions_state
         WHERE (state, id) < (?1, ?2) ORDER BY state DESC, id DESC LIMIT 1) first
       UNION ALL
       SELECT (SELECT CASE WHEN a.state = ?1 THEN a.id >> 16 END FROM actions a INDEXED BY actions_state
           WHERE (a.state, a.id) < (?1, n.decision << 16) ORDER BY a.state DESC, a.id DESC LIMIT 1), n.place + 1
       FROM newest n WHERE n.decision IS NOT NULL AND n.place < ?3
     ) SELECT decision FROM newest WHERE decision IS NOT NULL";

fn newest_in_state(
    connection: &Connection,
    state: ActionState,
    before: i64,
    limit: u32,
) -> Result<Vec<i64>, StoreError> {
    let state = state.as_str();
    connection.prepare_cached(NEWEST_IN_STATE)?.query_all(params![state, before, i64::from(limit)], |row| row.get(0))
}

//! How often rules matched and what became of it: counted beside what it counts, and written once for each commit.

use super::{
    SqlStore,
    actions::next_due,
    codec::{micros, optional_timestamp, parse, timestamp, to_json},
    connection::{Connection, params},
    filters::any_of,
    values::{ToParam, Value},
};
use crate::{
    model::{ActionKind, ActionState, ReasonCode},
    store::{ActionCount, ActionTotal, CountStore, DayCount, MatchTotal, StoreError, StoreMetrics, WorkspaceQueue},
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// What waits in each workspace: pending threads are counted, and of actions the beginning of each part of the index is
/// looked at.
pub(super) static QUEUES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT w.name, coalesce(p.pending, 0), p.since, ({}) FROM workspaces w
         LEFT JOIN (SELECT workspace, count(*) AS pending, min(pending_since) AS since FROM threads INDEXED BY threads_ready
           WHERE pending_since IS NOT NULL GROUP BY workspace) p ON p.workspace = w.id",
        next_due("w.id")
    )
});
/// The replies that have left some workspaces.
pub(super) const COUNT_SENT: &str = "SELECT count(*) FROM workspaces w
     CROSS JOIN actions a INDEXED BY actions_sent ON a.workspace = w.id AND a.kind = 'reply' AND a.sent_at > ?2
     WHERE w.name IN (SELECT value FROM json_each(?1)) AND a.claim IS NOT NULL";

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// All time, of what is still there and of what was removed.
const EVER: i64 = -1;
/// What was removed, of all time.
const REMOVED: i64 = -2;

/// What one action counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CountedAs {
    /// When the decision was made, in microseconds.
    pub(super) at: i64,
    pub(super) rule: i64,
    pub(super) workspace: i64,
    pub(super) kind: ActionKind,
    pub(super) state: ActionState,
    pub(super) reason: Option<ReasonCode>,
}

#[derive(Debug, Clone, Copy)]
enum Counted {
    Match { at: i64, rule: i64, workspace: i64 },
    Action { of: CountedAs, by: i64 },
    Removed { of: CountedAs, by: i64 },
}

/// What is to be counted with the next commit.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<Counted>);

impl Tally {
    pub(super) fn add_match(&mut self, at: i64, rule: i64, workspace: i64) {
        self.0.push(Counted::Match { at, rule, workspace });
    }

    pub(super) fn add_action(&mut self, of: CountedAs) {
        self.0.push(Counted::Action { of, by: 1 });
    }

    /// The action counts as something else now.
    pub(super) fn change_action(&mut self, from: CountedAs, to: CountedAs) {
        if from != to {
            self.0.extend([Counted::Action { of: from, by: -1 }, Counted::Action { of: to, by: 1 }]);
        }
    }

    /// The action is not there any more. It counts on, but for the queue.
    pub(super) fn add_removed(&mut self, of: CountedAs) {
        self.0.push(Counted::Removed { of, by: 1 });
    }

    /// One that is not there any more counts as something else now.
    pub(super) fn change_removed(&mut self, from: CountedAs, to: CountedAs) {
        self.change_action(from, to);
        if from != to {
            self.0.extend([Counted::Removed { of: from, by: -1 }, Counted::Removed { of: to, by: 1 }]);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn mark(&self) -> usize {
        self.0.len()
    }

    pub(super) fn take_back(&mut self, mark: usize) {
        self.0.truncate(mark);
    }

    /// Adds all of it up, each count once.
    pub(super) fn write(self, connection: &Connection) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut matches: BTreeMap<(i64, i64, i64), (i64, i64)> = BTreeMap::new();
        let mut actions: BTreeMap<(i64, CountedAs), i64> = BTreeMap::new();
        for counted in self.0 {
            match counted {
                Counted::Match { at, rule, workspace } => {
                    for hour in [EVER, at.div_euclid(HOUR)] {
                        let (count, last) = matches.entry((hour, rule, workspace)).or_insert((0, at));
                        (*count, *last) = (*count + 1, at.max(*last));
                    }
                }
                Counted::Action { of, by } => {
                    let hour = of.at.div_euclid(HOUR);
                    for hour in [EVER, hour] {
                        *actions.entry((hour, CountedAs { at: 0, ..of })).or_default() += by;
                    }
                }
                Counted::Removed { of, by } => {
                    *actions.entry((REMOVED, CountedAs { at: 0, ..of })).or_default() += by;
                }
            }
        }
        let matches: Vec<[Value; 5]> = matches
            .into_iter()
            .map(|((hour, rule, workspace), (count, last))| [hour, rule, workspace, count, last].map(Value::from))
            .collect();
        add_up(
            connection,
            "match_hours (hour, rule, workspace, count, last_at)",
            "(hour, rule, workspace) DO UPDATE SET count = match_hours.count + excluded.count,
             last_at = CASE WHEN match_hours.last_at > excluded.last_at THEN match_hours.last_at ELSE excluded.last_at END",
            &matches,
        )?;
        let text = |text: &str| Value::from(text.to_owned());
        let actions: Vec<[Value; 7]> = actions
            .into_iter()
            .filter(|(_, by)| *by != 0)
            .map(|((hour, of), by)| {
                let (kind, state) = (text(of.kind.as_str()), text(of.state.as_str()));
                let reason = text(of.reason.map_or("", ReasonCode::as_str));
                [hour.into(), of.rule.into(), of.workspace.into(), kind, state, reason, by.into()]
            })
            .collect();
        add_up(
            connection,
            "action_hours (hour, rule, workspace, kind, state, reason, count)",
            "(hour, rule, workspace, kind, state, reason) DO UPDATE SET count = action_hours.count + excluded.count",
            &actions,
        )
    }
}

/// So many rows are written by one statement.
const ROWS_AT_ONCE: usize = 16;

/// Adds rows to those that are there, several in a statement: to a server each is a way there and back.
fn add_up<const WIDTH: usize>(
    connection: &Connection,
    into: &str,
    on_conflict: &str,
    rows: &[[Value; WIDTH]],
) -> Result<(), StoreError> {
    let row = format!("({})", ["?"; WIDTH].join(", "));
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let places = vec![row.as_str(); rows.len()].join(", ");
        let sql = format!("INSERT INTO {into} VALUES {places} ON CONFLICT {on_conflict}");
        let values: Vec<&dyn ToParam> = rows.iter().flatten().map(|value| value as &dyn ToParam).collect();
        connection.execute(&sql, &values)?;
    }
    Ok(())
}

/// A window: the rows from its start to the end of that hour are counted one by one, whole hours were counted before.
/// Without a start it is everything, which stands under hour -1.
struct Window {
    from: i64,
    until: i64,
    after_hour: i64,
    up_to_hour: i64,
}

impl Window {
    fn since(since: Option<Timestamp>) -> Self {
        let Some(from) = since.map(micros) else { return Self { from: 0, until: 0, after_hour: -2, up_to_hour: EVER } };
        let from = from.max(0);
        Self { from, until: (from / HOUR + 1) * HOUR, after_hour: from / HOUR, up_to_hour: i64::MAX }
    }
}

/// `AND` a column is one of the numbers of these workspaces; nothing where all are meant, `None` where there are none.
fn among(connection: &Connection, column: &str, names: Option<&[String]>) -> Result<Option<String>, StoreError> {
    let Some(names) = names else { return Ok(Some(String::new())) };
    Ok(any_of(connection, column, names)?.map(|(condition, _)| format!("AND {condition}")))
}

#[async_trait]
impl CountStore for SqlStore {
    async fn queue_counts(&self, workspace: Option<&str>) -> Result<HashMap<ActionState, u64>, StoreError> {
        let workspace = workspace.map(str::to_owned);
        self.read(move |connection| {
            let mut query = connection.prepare_cached(
                "SELECT state, CAST(sum(CASE hour WHEN -1 THEN count ELSE -count END) AS BIGINT) FROM action_hours
                 WHERE hour < 0 AND (?1 IS NULL OR workspace = (SELECT id FROM workspaces WHERE name = ?1)) GROUP BY state",
            )?;
            let counts: Vec<(ActionState, i64)> =
                query.query_all(params![workspace], |row| Ok((parse(row.text(0)?)?, row.get(1)?)))?;
            let there = counts.into_iter().filter(|(_, count)| *count > 0);
            Ok(there.map(|(state, count)| (state, count.unsigned_abs())).collect())
        })
        .await
    }

    async fn match_counts(
        &self,
        workspaces: Option<&[String]>,
        since: Option<Timestamp>,
    ) -> Result<HashMap<String, u64>, StoreError> {
        let window = Window::since(since);
        let workspaces = workspaces.map(<[String]>::to_vec);
        self.read(move |connection| {
            let names = workspaces.as_deref();
            let (Some(counted), Some(decided)) =
                (among(connection, "workspace", names)?, among(connection, "d.workspace", names)?)
            else {
                return Ok(HashMap::new());
            };
            let sql = format!(
                "SELECT (SELECT name FROM names WHERE id = rule), CAST(sum(count) AS BIGINT) FROM (
                   SELECT rule, count FROM match_hours WHERE hour > ?3 AND hour <= ?4 {counted}
                   UNION ALL SELECT n.id, 1 FROM decisions d INDEXED BY decisions_at CROSS JOIN json_each(d.matched) m
                     CROSS JOIN names n ON n.name = m.value WHERE d.at >= ?1 AND d.at < ?2 {decided}
                 ) counted GROUP BY rule"
            );
            let mut query = connection.prepare_cached(&sql)?;
            let values = params![window.from, window.until, window.after_hour, window.up_to_hour];
            query.query_all(values, |row| Ok((row.get(0)?, row.get::<i64>(1)?.unsigned_abs())))
        })
        .await
    }

    async fn match_totals(&self, workspaces: Option<&[String]>) -> Result<Vec<MatchTotal>, StoreError> {
        let workspaces = workspaces.map(<[String]>::to_vec);
        self.read(move |connection| {
            let Some(counted) = among(connection, "workspace", workspaces.as_deref())? else { return Ok(Vec::new()) };
            let sql = format!(
                "SELECT (SELECT name FROM workspaces WHERE id = workspace) AS space,
                   (SELECT name FROM names WHERE id = rule) AS name, count, last_at
                 FROM match_hours WHERE hour = -1 {counted} ORDER BY space, name"
            );
            let mut query = connection.prepare_cached(&sql)?;
            query.query_all(params![], |row| {
                let count = row.get::<i64>(2)?.unsigned_abs();
                Ok(MatchTotal { workspace: row.get(0)?, rule: row.get(1)?, count, last_at: timestamp(row.get(3)?)? })
            })
        })
        .await
    }

    async fn action_counts(
        &self,
        workspaces: Option<&[String]>,
        since: Option<Timestamp>,
    ) -> Result<Vec<ActionCount>, StoreError> {
        let window = Window::since(since);
        let workspaces = workspaces.map(<[String]>::to_vec);
        self.read(move |connection| {
            let names = workspaces.as_deref();
            let (Some(counted), Some(acted)) =
                (among(connection, "workspace", names)?, among(connection, "a.workspace", names)?)
            else {
                return Ok(Vec::new());
            };
            let sql = format!(
                "SELECT (SELECT name FROM names WHERE id = rule), state, reason, CAST(sum(count) AS BIGINT) FROM (
                   SELECT rule, state, reason, count FROM action_hours WHERE hour > ?3 AND hour <= ?4 {counted}
                   UNION ALL
                   SELECT a.rule, a.state, coalesce(a.reason_code, ''), 1 FROM decisions d INDEXED BY decisions_at
                     CROSS JOIN actions a ON a.id >= d.id << 16 AND a.id < (d.id + 1) << 16
                     WHERE d.at >= ?1 AND d.at < ?2 {acted}
                 ) counted GROUP BY rule, state, reason HAVING sum(count) <> 0"
            );
            let mut query = connection.prepare_cached(&sql)?;
            let values = params![window.from, window.until, window.after_hour, window.up_to_hour];
            let mut rows = query.query(values)?;
            let mut counts = Vec::new();
            while let Some(row) = rows.next()? {
                let reason = Some(row.get(2)?).filter(|reason: &String| !reason.is_empty());
                let state = parse(row.text(1)?)?;
                counts.push(ActionCount { rule: row.get(0)?, state, reason, count: row.get::<i64>(3)?.unsigned_abs() });
            }
            Ok(counts)
        })
        .await
    }

    async fn day_counts(&self, workspaces: Option<&[String]>, since: Timestamp) -> Result<Vec<DayCount>, StoreError> {
        let hour = (micros(since) / HOUR).max(0);
        let workspaces = workspaces.map(<[String]>::to_vec);
        self.read(move |connection| {
            let Some(counted) = among(connection, "workspace", workspaces.as_deref())? else { return Ok(Vec::new()) };
            let sql = format!(
                "SELECT (SELECT name FROM names WHERE id = rule) AS name, day,
                   CAST(sum(matched) AS BIGINT), CAST(sum(acted) AS BIGINT) FROM (
                   SELECT rule, hour / 24 AS day, count AS matched, 0 AS acted FROM match_hours WHERE hour >= ?1 {counted}
                   UNION ALL SELECT rule, hour / 24, 0, count FROM action_hours WHERE hour >= ?1 AND state = ?2 {counted}
                 ) counted GROUP BY rule, day ORDER BY name, day"
            );
            let mut query = connection.prepare_cached(&sql)?;
            let mut rows = query.query(params![hour, ActionState::Done.as_str()])?;
            let mut days = Vec::new();
            while let Some(row) = rows.next()? {
                let day = timestamp(row.get::<i64>(1)?.saturating_mul(DAY))?;
                let (matched, acted): (i64, i64) = (row.get(2)?, row.get(3)?);
                days.push(DayCount {
                    rule: row.get(0)?,
                    day,
                    matched: matched.unsigned_abs(),
                    acted: acted.unsigned_abs(),
                });
            }
            Ok(days)
        })
        .await
    }

    async fn action_totals(&self) -> Result<Vec<ActionTotal>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT (SELECT name FROM workspaces WHERE id = workspace) AS space,
                   (SELECT name FROM names WHERE id = rule) AS name, kind, state, reason, count
                 FROM action_hours WHERE hour = -1 AND count <> 0 ORDER BY space, name, kind, state, reason",
            )?;
            let mut rows = query.query(params![])?;
            let mut totals = Vec::new();
            while let Some(row) = rows.next()? {
                totals.push(ActionTotal {
                    workspace: row.get(0)?,
                    rule: row.get(1)?,
                    kind: parse(row.text(2)?)?,
                    state: parse(row.text(3)?)?,
                    reason: Some(row.get(4)?).filter(|reason: &String| !reason.is_empty()),
                    count: row.get::<i64>(5)?.unsigned_abs(),
                });
            }
            Ok(totals)
        })
        .await
    }

    async fn workspace_queues(&self) -> Result<HashMap<String, WorkspaceQueue>, StoreError> {
        self.read(|connection| {
            connection.prepare_cached(&QUEUES)?.query_all(params![], |row| {
                let queue = WorkspaceQueue {
                    pending: row.get::<i64>(1)?.unsigned_abs(),
                    pending_since: optional_timestamp(row.get(2)?)?,
                    next_due: optional_timestamp(row.get(3)?)?,
                };
                Ok((row.get(0)?, queue))
            })
        })
        .await
    }

    async fn count_sent_replies(&self, workspaces: &[String], since: Timestamp) -> Result<u64, StoreError> {
        let names = to_json(workspaces)?;
        self.read(move |connection| {
            let values = params![names, micros(since)];
            let count: i64 = connection.prepare_cached(COUNT_SENT)?.query_row(values, |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
        .await
    }

    async fn metrics(&self) -> Result<StoreMetrics, StoreError> {
        let bytes: i64 = self
            .read(|connection| {
                let size = connection.pick(
                    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
                    "SELECT pg_database_size(current_database())",
                );
                connection.query_row(size, params![], |row| row.get(0))
            })
            .await?;
        Ok(StoreMetrics { bytes: bytes.unsigned_abs(), commits: self.commits(), statements: self.statements() })
    }
}

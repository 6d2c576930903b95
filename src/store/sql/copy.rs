//! All that a store has, from one database into another.
//!
//! Rows go over as they are, in batches, whatever the two databases are; then both are read again side by side.

use super::{
    SqlStore,
    connection::{Connection, Row, params},
    values::{Kind, Param, ToParam},
};
use crate::store::{StoreError, sql::codec::OwnedUid};

/// So many rows are held at once.
const BATCH: u32 = 500;

/// What a column holds.
#[derive(Clone, Copy)]
enum Holds {
    Int,
    Bool,
    Text,
    Bytes,
    Uid,
}

/// A value on its way.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Int(Option<i64>),
    Bool(Option<bool>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Uid(Option<String>),
}

impl ToParam for Cell {
    fn to_param(&self) -> Param<'_> {
        match self {
            Self::Int(value) => value.map_or(Param::Null(Kind::Int), Param::Int),
            Self::Bool(value) => value.map_or(Param::Null(Kind::Bool), Param::Bool),
            Self::Text(value) => value.as_deref().map_or(Param::Null(Kind::Text), Param::Text),
            Self::Bytes(value) => value.as_deref().map_or(Param::Null(Kind::Bytes), Param::Bytes),
            Self::Uid(id) => id.as_deref().map_or(Param::Null(Kind::Bytes), Param::Uid),
        }
    }
}

/// A table: its columns, the first of which are its key.
struct Table {
    name: &'static str,
    key: usize,
    columns: &'static [(&'static str, Holds)],
    /// Whether the database gives its rows numbers.
    is_numbered: bool,
}

const fn table(name: &'static str, key: usize, columns: &'static [(&'static str, Holds)]) -> Table {
    Table { name, key, columns, is_numbered: false }
}

const fn numbered(name: &'static str, columns: &'static [(&'static str, Holds)]) -> Table {
    Table { name, key: 1, columns, is_numbered: true }
}

use Holds::{Bool, Bytes, Int, Text, Uid};

/// A new store has a key of its own; the copy takes that of the source, or no hash would be found again.
const ADDRESS_KEY: &str = "address_key";

/// Every table of the store. A test compares this with both schemas.
const TABLES: [Table; 22] = [
    numbered("workspaces", &[("id", Int), ("name", Text), ("state", Text)]),
    numbered("names", &[("id", Int), ("name", Text)]),
    numbered(
        "threads",
        &[
            ("id", Int),
            ("workspace", Int),
            ("thread_id", Text),
            ("row", Text),
            ("newest_inbound", Text),
            ("inbound_seen", Text),
            ("looked_at", Int),
            ("pending_row", Text),
            ("pending_since", Int),
            ("pending_due", Int),
            ("pending_failures", Int),
            ("last_outgoing", Text),
            ("first_seen_at", Int),
            ("lead", Int),
        ],
    ),
    numbered(
        "decisions",
        &[
            ("id", Int),
            ("uid", Uid),
            ("workspace", Int),
            ("thread", Int),
            ("message_id", Text),
            ("lead_email", Text),
            ("campaign", Int),
            ("at", Int),
            ("event", Text),
            ("matched", Text),
            ("problem", Bool),
            ("message_at", Int),
            ("trace", Bytes),
        ],
    ),
    numbered("rule_revisions", &[("id", Int), ("revision", Text), ("body", Bytes)]),
    table(
        "decision_events",
        1,
        &[("decision", Int), ("revision", Int), ("base", Int), ("depth", Int), ("body", Bytes)],
    ),
    table("decision_rules", 2, &[("rule", Int), ("decision", Int)]),
    table(
        "actions",
        1,
        &[
            ("id", Int),
            ("uid", Uid),
            ("workspace", Int),
            ("thread", Int),
            ("claim", Int),
            ("rule", Int),
            ("position", Int),
            ("kind", Text),
            ("target", Text),
            ("state", Text),
            ("reason_code", Text),
            ("reason_text", Text),
            ("lane", Int),
            ("urgency", Int),
            ("due_at", Int),
            ("sent_at", Int),
            ("updated_at", Int),
            ("message_at", Int),
            ("approved", Bool),
            ("outgoing_before", Text),
            ("attempts", Text),
            ("version", Int),
        ],
    ),
    table("action_payloads", 1, &[("id", Int), ("body", Bytes)]),
    numbered(
        "kept_actions",
        &[
            ("id", Int),
            ("workspace", Int),
            ("thread", Int),
            ("claim", Int),
            ("rule", Int),
            ("kind", Text),
            ("target", Text),
            ("state", Text),
            ("message_id", Text),
            ("lead", Bytes),
            ("words", Text),
            ("at", Int),
            ("sent_at", Int),
            ("outgoing_before", Text),
            ("attempts", Text),
        ],
    ),
    table(ADDRESS_KEY, 1, &[("id", Int), ("secret", Bytes)]),
    table("opt_outs", 2, &[("workspace", Text), ("email", Text), ("since", Int), ("evidence", Text)]),
    table("rule_modes", 1, &[("rule", Text), ("mode", Text), ("since", Int), ("by", Text)]),
    table("pauses", 1, &[("workspace", Text), ("since", Int), ("reason", Text), ("by", Text)]),
    table("own_addresses", 1, &[("email", Text)]),
    table("foreign_use", 1, &[("workspace", Text), ("since", Int), ("evidence", Text)]),
    table(
        "campaign_steps",
        3,
        &[
            ("workspace", Text),
            ("thread_id", Text),
            ("message_id", Text),
            ("sender", Text),
            ("words", Text),
            ("seen_at", Int),
        ],
    ),
    table("match_hours", 3, &[("hour", Int), ("rule", Int), ("workspace", Int), ("count", Int), ("last_at", Int)]),
    table(
        "action_hours",
        6,
        &[
            ("hour", Int),
            ("rule", Int),
            ("workspace", Int),
            ("kind", Text),
            ("state", Text),
            ("reason", Text),
            ("count", Int),
        ],
    ),
    table("changes", 1, &[("last", Int), ("first", Int), ("body", Bytes)]),
    table(
        "audit",
        1,
        &[
            ("id", Text),
            ("at", Int),
            ("who", Text),
            ("remote", Text),
            ("what", Text),
            ("target", Text),
            ("details", Text),
            ("request_id", Text),
        ],
    ),
    table("erasures", 1, &[("id", Text), ("address", Text), ("workspaces", Text), ("at", Int), ("holder", Text)]),
];

impl Table {
    fn names(&self, count: usize) -> String {
        self.columns.iter().take(count).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The rows after one, in the order of the key.
    fn page(&self, connection: &Connection, after: Option<&[Cell]>) -> Result<Vec<Vec<Cell>>, StoreError> {
        let (all, key) = (self.names(self.columns.len()), self.names(self.key));
        let places = vec!["?"; self.key].join(", ");
        let condition = if after.is_some() { format!("WHERE ({key}) > ({places})") } else { String::new() };
        let sql = format!("SELECT {all} FROM {} {condition} ORDER BY {key} LIMIT {BATCH}", self.name);
        let values: Vec<&dyn ToParam> =
            after.into_iter().flatten().take(self.key).map(|cell| cell as &dyn ToParam).collect();
        connection.prepare_cached(&sql)?.query_all(&values, |row| self.read(row))
    }

    fn read(&self, row: Row<'_>) -> Result<Vec<Cell>, StoreError> {
        let cell = |(place, (_, holds)): (usize, &(&str, Holds))| {
            Ok(match holds {
                Int => Cell::Int(row.get(place)?),
                Bool => Cell::Bool(row.get(place)?),
                Text => Cell::Text(row.get(place)?),
                Bytes => Cell::Bytes(row.get(place)?),
                Uid => Cell::Uid(row.get::<Option<OwnedUid>>(place)?.map(|id| id.0)),
            })
        };
        self.columns.iter().enumerate().map(cell).collect()
    }

    fn insert(&self, connection: &Connection, row: &[Cell]) -> Result<(), StoreError> {
        let places = vec!["?"; self.columns.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", self.name, self.names(self.columns.len()));
        let values: Vec<&dyn ToParam> = row.iter().map(|cell| cell as &dyn ToParam).collect();
        connection.execute(&sql, &values).map(drop)
    }

    /// The next row gets a number that none has.
    fn go_on_numbering(&self, connection: &Connection) -> Result<(), StoreError> {
        if !self.is_numbered || connection.pick(true, false) {
            return Ok(());
        }
        let name = self.name;
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{name}', 'id'), coalesce(max(id), 0) + 1, FALSE) FROM {name}"
        );
        connection.query_row(&sql, params![], |_| Ok(()))
    }
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// How many rows, of all tables.
    pub rows: u64,
    /// How many of them are threads.
    pub threads: u64,
    /// How many are decisions.
    pub decisions: u64,
    /// How many are actions.
    pub actions: u64,
    /// How many are opt-outs.
    pub opt_outs: u64,
}

impl Copied {
    fn count(&mut self, table: &str, rows: u64) {
        self.rows += rows;
        match table {
            "threads" => self.threads += rows,
            "decisions" => self.decisions += rows,
            "actions" => self.actions += rows,
            "opt_outs" => self.opt_outs += rows,
            _ => {}
        }
    }
}

impl SqlStore {
    /// Copies all that another store has into this one, which has nothing yet, and compares the two row by row.
    ///
    /// # Errors
    /// This one has something; either cannot be read or written; a row differs. Nothing is left in this one then.
    pub async fn copy_from(&self, source: &Self) -> Result<Copied, StoreError> {
        let copied = self.fill_from(source).await;
        match copied {
            Ok(copied) => Ok(copied),
            Err(error @ StoreError::NotEmpty) => Err(error),
            Err(error) => {
                self.write(|session| {
                    TABLES
                        .iter()
                        .try_for_each(|table| session.connection.execute_batch(&format!("DELETE FROM {}", table.name)))
                })
                .await?;
                Err(error)
            }
        }
    }

    async fn fill_from(&self, source: &Self) -> Result<Copied, StoreError> {
        let first = self.read(|connection| {
            let has_rows = |table: &Table| Ok(!table.page(connection, None)?.is_empty());
            TABLES
                .iter()
                .filter(|table| table.name != ADDRESS_KEY)
                .map(has_rows)
                .collect::<Result<Vec<_>, StoreError>>()
        });
        if first.await?.contains(&true) {
            return Err(StoreError::NotEmpty);
        }
        self.write(|session| session.connection.execute_batch("DELETE FROM address_key")).await?;
        let mut copied = Copied::default();
        for table in &TABLES {
            let mut after: Option<Vec<Cell>> = None;
            loop {
                let from = after.clone();
                let rows = source.read(move |connection| table.page(connection, from.as_deref())).await?;
                let Some(last) = rows.last().cloned() else { break };
                copied.count(table.name, rows.len() as u64);
                self.write(move |session| rows.iter().try_for_each(|row| table.insert(session.connection, row)))
                    .await?;
                after = Some(last);
            }
            self.write(|session| table.go_on_numbering(session.connection)).await?;
            self.compare(source, table).await?;
        }
        Ok(copied)
    }

    async fn compare(&self, source: &Self, table: &'static Table) -> Result<(), StoreError> {
        let mut after: Option<Vec<Cell>> = None;
        loop {
            let (from, at) = (after.clone(), after.clone());
            let theirs = source.read(move |connection| table.page(connection, from.as_deref())).await?;
            let ours = self.read(move |connection| table.page(connection, at.as_deref())).await?;
            if ours != theirs {
                return Err(StoreError::Unreadable(format!("a row of `{}` is not the same in the copy", table.name)));
            }
            match ours.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The columns of each table of a schema, as they are written there.
    fn columns(schema: &str) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        let mut table = None;
        for line in schema.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = rest.split_whitespace().next().map(str::to_owned);
            } else if line.starts_with(')') {
                table = None;
            } else if let (Some(table), Some(word)) = (&table, line.split_whitespace().next())
                && !["PRIMARY", "--"].contains(&word)
            {
                found.insert((table.clone(), word.to_owned()));
            }
        }
        found
    }

    #[test]
    fn every_column_is_copied() {
        let copied = TABLES
            .iter()
            .flat_map(|table| table.columns.iter().map(|(column, _)| (table.name.to_owned(), (*column).to_owned())));
        let copied: BTreeSet<_> = copied.collect();
        // The mark is a file's own, the version a schema's, and what processes agree on is theirs.
        const OWN: [&str; 9] = [
            "marks",
            "schema_version",
            "commits",
            "replicas",
            "leases",
            "wanted_polls",
            "request_grants",
            "workspace_reports",
            "alerts",
        ];
        let own = |(table, _): &(String, String)| !OWN.contains(&table.as_str());
        let sqlite: BTreeSet<_> = columns(super::super::sqlite::SCHEMA).into_iter().filter(own).collect();
        let postgres: BTreeSet<_> = columns(super::super::postgres::SCHEMA).into_iter().filter(own).collect();
        assert_eq!(copied, sqlite);
        assert_eq!(copied, postgres);
    }
}

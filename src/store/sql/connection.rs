//! A connection to either database. The store speaks to it in SQL that both understand; `postgres::dialect` has what it
//! takes to make it so.

use super::{
    postgres::PgConnection,
    values::{Column, Param, ToParam},
};
use crate::store::StoreError;
use rusqlite::params_from_iter;
use std::{borrow::Cow, cell::Cell, panic::AssertUnwindSafe};

thread_local! {
    /// How many statements this thread has run, on whichever connections.
    static STATEMENTS: Cell<u64> = const { Cell::new(0) };
}

fn count_statement() {
    STATEMENTS.with(|count| count.set(count.get() + 1));
}

/// How many statements this thread has run so far.
pub(super) fn statements_of_thread() -> u64 {
    STATEMENTS.with(Cell::get)
}

/// Runs a job; with its result comes how many statements it has run.
pub(super) fn counting<T>(job: impl FnOnce() -> T) -> (T, u64) {
    let before = statements_of_thread();
    let result = job();
    (result, statements_of_thread() - before)
}

/// Runs a job that others wait behind: should it panic, it has failed, and the thread and the connection go on.
pub(super) fn catch_panic<T>(job: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    // What a job writes is taken back when it fails, and so is what was learned in it.
    std::panic::catch_unwind(AssertUnwindSafe(job))
        .unwrap_or_else(|_| Err(StoreError::Database("a query ended unexpectedly; the log says where".to_owned())))
}

/// The values of a statement, in order.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::store::sql::values::ToParam),*] as &[&dyn $crate::store::sql::values::ToParam]
    };
}
pub(super) use params;

/// One connection, used by one thread at a time.
#[derive(Debug)]
pub(super) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(PgConnection),
}

/// A statement that was prepared before, if its connection has run it before.
pub(super) enum Statement<'c> {
    Sqlite(rusqlite::CachedStatement<'c>),
    Postgres { connection: &'c PgConnection, sql: Cow<'c, str> },
}

/// Rows as they come.
pub(super) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    Postgres { rows: Vec<tokio_postgres::Row>, next: usize },
}

/// One row.
#[derive(Clone, Copy)]
pub(super) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Connection {
    /// What differs between the two databases.
    pub(super) fn pick<T>(&self, sqlite: T, postgres: T) -> T {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// The file's connection, for what is done with files alone.
    pub(super) fn sqlite(&self) -> Result<&rusqlite::Connection, StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(connection),
            Self::Postgres(_) => Err(StoreError::Database("a file is needed here".to_owned())),
        }
    }

    pub(super) fn prepare_cached<'c>(&'c self, sql: &'c str) -> Result<Statement<'c>, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => Statement::Sqlite(connection.prepare_cached(sql)?),
            Self::Postgres(connection) => Statement::Postgres { connection, sql: Cow::Borrowed(sql) },
        })
    }

    /// How many rows the statement changed.
    pub(super) fn execute(&self, sql: &str, values: &[&dyn ToParam]) -> Result<usize, StoreError> {
        self.prepare_cached(sql)?.execute(values)
    }

    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        values: &[&dyn ToParam],
        read: impl FnOnce(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.prepare_cached(sql)?.query_row(values, read)
    }

    /// Statements without values.
    pub(super) fn execute_batch(&self, sql: &str) -> Result<(), StoreError> {
        count_statement();
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(connection) => connection.execute_batch(sql),
        }
    }

    /// Begins a transaction that writes.
    pub(super) fn begin(&self) -> Result<(), StoreError> {
        count_statement();
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch("BEGIN IMMEDIATE")?),
            Self::Postgres(connection) => connection.begin(),
        }
    }

    /// Makes it durable. After an error, nothing of it is.
    pub(super) fn commit(&self) -> Result<(), StoreError> {
        count_statement();
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch("COMMIT")?),
            Self::Postgres(connection) => connection.commit(),
        }
    }

    /// Takes back what was not committed, if anything was begun.
    pub(super) fn roll_back(&self) {
        match self {
            Self::Sqlite(connection) if connection.is_autocommit() => {}
            Self::Sqlite(connection) => {
                let _ = connection.execute_batch("ROLLBACK");
            }
            Self::Postgres(connection) => connection.roll_back(),
        }
    }

    /// Runs a transaction of its own, whose end is known.
    pub(super) fn transaction<T>(&self, job: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.begin()?;
        let done = job(self).and_then(|value| self.commit().map(|()| value));
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    /// Runs queries that all see the same moment.
    pub(super) fn snapshot<T>(&self, query: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        count_statement();
        match self {
            Self::Sqlite(connection) => {
                connection.prepare_cached("BEGIN")?.execute([])?;
            }
            Self::Postgres(connection) => connection.begin_to_read()?,
        }
        let result = query(self);
        count_statement();
        let ended = match self {
            Self::Sqlite(connection) => {
                let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
                ended.map(drop).map_err(StoreError::from)
            }
            Self::Postgres(connection) => connection.end_reading(),
        };
        // The next one who has the connection begins anew.
        self.roll_back();
        ended?;
        result
    }
}

impl Statement<'_> {
    /// How many rows it changed.
    pub(super) fn execute(&mut self, values: &[&dyn ToParam]) -> Result<usize, StoreError> {
        count_statement();
        match self {
            Self::Sqlite(statement) => Ok(statement.execute(params_from_iter(bound(values)))?),
            Self::Postgres { connection, sql } => connection.execute(sql, &bound(values).collect::<Vec<_>>()),
        }
    }

    pub(super) fn query(&mut self, values: &[&dyn ToParam]) -> Result<Rows<'_>, StoreError> {
        count_statement();
        Ok(match self {
            Self::Sqlite(statement) => Rows::Sqlite(statement.query(params_from_iter(bound(values)))?),
            Self::Postgres { connection, sql } => {
                Rows::Postgres { rows: connection.query(sql, &bound(values).collect::<Vec<_>>())?, next: 0 }
            }
        })
    }

    /// The first row, if there is one.
    pub(super) fn query_optional<T>(
        &mut self,
        values: &[&dyn ToParam],
        read: impl FnOnce(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut rows = self.query(values)?;
        rows.next()?.map(read).transpose()
    }

    /// The first row, which is there.
    pub(super) fn query_row<T>(
        &mut self,
        values: &[&dyn ToParam],
        read: impl FnOnce(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let none = || StoreError::Database("a query that has an answer had none".to_owned());
        self.query_optional(values, read)?.ok_or_else(none)
    }

    /// All rows.
    pub(super) fn query_all<T, C: FromIterator<T>>(
        &mut self,
        values: &[&dyn ToParam],
        mut read: impl FnMut(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<C, StoreError> {
        let mut rows = self.query(values)?;
        std::iter::from_fn(|| rows.next().transpose().map(|row| row.and_then(&mut read))).collect()
    }
}

fn bound<'v>(values: &'v [&dyn ToParam]) -> impl Iterator<Item = Param<'v>> {
    values.iter().map(|value| value.to_param())
}

impl Rows<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, StoreError> {
        Ok(match self {
            Self::Sqlite(rows) => rows.next()?.map(Row::Sqlite),
            Self::Postgres { rows, next } => {
                *next += 1;
                rows.get(*next - 1).map(Row::Postgres)
            }
        })
    }
}

impl<'r> Row<'r> {
    /// The value of a column.
    pub(super) fn get<T: Column<'r>>(self, column: usize) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(row) => T::of_sqlite(row.get_ref(column)?),
            Self::Postgres(row) => T::of_postgres(row, column),
        }
    }

    /// A text where it stands.
    pub(super) fn text(self, column: usize) -> Result<&'r str, StoreError> {
        self.get(column)
    }

    pub(super) fn optional_text(self, column: usize) -> Result<Option<&'r str>, StoreError> {
        self.get(column)
    }

    /// Bytes where they stand.
    pub(super) fn bytes(self, column: usize) -> Result<&'r [u8], StoreError> {
        self.get(column)
    }

    pub(super) fn optional_bytes(self, column: usize) -> Result<Option<&'r [u8]>, StoreError> {
        self.get(column)
    }
}

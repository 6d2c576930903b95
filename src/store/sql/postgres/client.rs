//! A connection to PostgreSQL, used by one thread that may wait, as the SQLite one is.
//!
//! A commit whose answer never came is looked up. Each transaction writes its number into a row of its connection's own:
//! if the number is there, so is all that was written with it. The number that PostgreSQL gives a transaction would not do:
//! a server that crashed, or one that took its place, may give the same number to another transaction. So an error means
//! here as everywhere in the store that nothing was written.

use super::{database::Database, dialect::translate, tls::advise};
use crate::store::{StoreError, sql::values::Param};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    error::Error as _,
    fmt,
    future::Future,
    sync::Arc,
    time::Duration,
};
use tokio_postgres::{
    Client, Row, SimpleQueryMessage, Statement,
    error::SqlState,
    types::{ToSql, Type},
};

/// A statement that takes longer has lost its server.
const ANSWER: Duration = Duration::from_secs(30);
/// How often it is asked how a transaction ended.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// More statements than this are not remembered.
const REMEMBERED: usize = 512;

/// Begins a transaction. Nobody's lock is waited for longer than SQLite's. What a transaction has locked, the others wait for:
/// one whose process was stopped, or cannot be reached, ends before its leases do.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '3s'";

/// One connection; it is made when it is needed, and anew when it was lost.
pub(in crate::store::sql) struct PgConnection {
    database: Arc<Database>,
    client: RefCell<Option<Arc<Client>>>,
    /// Statements as PostgreSQL takes them.
    texts: RefCell<HashMap<String, Arc<str>>>,
    prepared: RefCell<HashMap<Arc<str>, Statement>>,
    /// Whose row the numbers of transactions are written into: another one for each connection, so that none waits for what
    /// the server still has of one that was lost.
    writer: RefCell<String>,
    /// The number of the last transaction.
    last: Cell<i64>,
    transaction: Cell<Option<Transaction>>,
    /// Whether statements were begun that see one moment.
    is_reading: Cell<bool>,
}

impl fmt::Debug for PgConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgConnection").field("database", &self.database).finish_non_exhaustive()
    }
}

/// A transaction that was begun.
#[derive(Debug, Clone, Copy)]
enum Transaction {
    /// It has written its number.
    Numbered(i64),
    /// It has none: there is no table for it yet.
    First,
}

/// What failed.
enum Failure {
    /// The server said so.
    Said(StoreError),
    /// The connection is gone, or gave no answer.
    Lost(StoreError),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Said(error) | Failure::Lost(error) => error,
        }
    }
}

impl PgConnection {
    pub(super) fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            client: RefCell::default(),
            texts: RefCell::default(),
            prepared: RefCell::default(),
            writer: RefCell::default(),
            last: Cell::new(0),
            transaction: Cell::new(None),
            is_reading: Cell::new(false),
        }
    }

    /// Who tells others that something was written.
    pub(in crate::store::sql) fn teller(&self) -> &str {
        self.database.teller()
    }

    /// How many rows it changed.
    pub(in crate::store::sql) fn execute(&self, sql: &str, values: &[Param<'_>]) -> Result<usize, StoreError> {
        let client = self.client()?;
        let text = self.text(sql);
        let changed = if self.database.is_pooled() {
            self.wait(client.execute_typed(&text, &typed(values)))
        } else {
            let statement = self.prepared(&client, &text, values)?;
            self.wait(client.execute(&statement, &untyped(values)))
        };
        Ok(usize::try_from(changed?).unwrap_or(usize::MAX))
    }

    pub(in crate::store::sql) fn query(&self, sql: &str, values: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let client = self.client()?;
        let text = self.text(sql);
        let rows = if self.database.is_pooled() {
            self.wait(client.query_typed(&text, &typed(values)))
        } else {
            let statement = self.prepared(&client, &text, values)?;
            self.wait(client.query(&statement, &untyped(values)))
        };
        Ok(rows?)
    }

    /// Statements without values, as PostgreSQL takes them.
    pub(in crate::store::sql) fn execute_batch(&self, sql: &str) -> Result<(), StoreError> {
        let client = self.client()?;
        self.wait(client.batch_execute(sql))?;
        Ok(())
    }

    /// Begins statements that all see one moment.
    pub(in crate::store::sql) fn begin_to_read(&self) -> Result<(), StoreError> {
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{}", self.database.begin_with());
        self.execute_batch(&begin)?;
        // What did not begin must not be ended: the next statement makes a new connection.
        self.is_reading.set(true);
        Ok(())
    }

    /// Ends them.
    pub(in crate::store::sql) fn end_reading(&self) -> Result<(), StoreError> {
        self.execute_batch("COMMIT")?;
        self.is_reading.set(false);
        Ok(())
    }

    pub(in crate::store::sql) fn begin(&self) -> Result<(), StoreError> {
        let client = self.client()?;
        let number = self.last.get() + 1;
        self.last.set(number);
        // Only hexadecimal digits: it was made here.
        let writer = self.writer.borrow().clone();
        self.wait(client.batch_execute(&format!(
            "{BEGIN}{}; INSERT INTO commits (writer, number, at) VALUES ('{writer}', {number}, now()) \
             ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at",
            self.database.begin_with()
        )))?;
        self.transaction.set(Some(Transaction::Numbered(number)));
        Ok(())
    }

    /// Begins the transaction that makes the tables.
    pub(super) fn begin_first(&self) -> Result<(), StoreError> {
        let client = self.client()?;
        self.wait(client.batch_execute(BEGIN))?;
        self.transaction.set(Some(Transaction::First));
        Ok(())
    }

    /// Makes the transaction durable. If its answer is lost, it is asked for until it is known.
    pub(in crate::store::sql) fn commit(&self) -> Result<(), StoreError> {
        let (Some(transaction), Some(client)) = (self.transaction.take(), self.connected()) else {
            return Err(StoreError::Database("the connection to the server was lost".to_owned()));
        };
        match (self.wait(client.batch_execute("COMMIT")), transaction) {
            (Ok(()), _) => Ok(()),
            (Err(Failure::Lost(error)), Transaction::Numbered(number)) => self.look_up_end(number, error),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// How a transaction ended whose commit had no answer.
    fn look_up_end(&self, number: i64, lost: StoreError) -> Result<(), StoreError> {
        tracing::warn!(error = %lost, "a commit had no answer: asking how it ended");
        let writer = self.writer.borrow().clone();
        loop {
            match self.read_last_number(&writer) {
                Ok(last) if last == number => return Ok(()),
                Ok(_) => return Err(lost),
                // The server has not noticed yet that the connection is gone, or cannot be reached.
                Err(_) if self.database.is_closing() => return Err(lost),
                Err(_) => std::thread::sleep(ASK_AGAIN),
            }
        }
    }

    /// The number in a writer's row, when no transaction has the row any more: until then it is an error. A writer without a
    /// row gets one, with 0: so one that is being written is waited for too.
    fn read_last_number(&self, writer: &str) -> Result<i64, StoreError> {
        let client = self.client()?;
        let answer = self.wait(client.simple_query(&format!(
            "SET LOCAL lock_timeout = '1s'; INSERT INTO commits (writer, number, at) VALUES ('{writer}', 0, now()) \
             ON CONFLICT (writer) DO UPDATE SET at = excluded.at RETURNING number"
        )))?;
        let number = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).and_then(|text| text.parse().ok()),
            _ => None,
        });
        number.ok_or_else(|| StoreError::Database("the server gave no number of a commit".to_owned()))
    }

    pub(in crate::store::sql) fn roll_back(&self) {
        let begun = self.transaction.take().is_some() || self.is_reading.replace(false);
        if !begun {
            return;
        }
        let Some(client) = self.connected() else { return };
        if self.wait(client.batch_execute("ROLLBACK")).is_err() {
            self.forget();
        }
    }

    fn connected(&self) -> Option<Arc<Client>> {
        self.client.borrow().as_ref().filter(|client| !client.is_closed()).map(Arc::clone)
    }

    /// The connection; a new one if there is none, unless a transaction was lost with it.
    fn client(&self) -> Result<Arc<Client>, StoreError> {
        if let Some(client) = self.connected() {
            return Ok(client);
        }
        if self.transaction.get().is_some() || self.is_reading.get() {
            return Err(StoreError::Database("the connection to the server was lost".to_owned()));
        }
        self.forget();
        // A server that is away for a while fails like a disk that is full: whoever must write tries again.
        let connected = self.database.block_on(self.database.connect()).map_err(|error| match error {
            StoreError::Server { path, detail } => StoreError::Database(format!("{path} cannot be reached: {detail}")),
            other => other,
        });
        let client = Arc::new(connected?);
        *self.writer.borrow_mut() = uuid::Uuid::new_v4().simple().to_string();
        *self.client.borrow_mut() = Some(Arc::clone(&client));
        Ok(client)
    }

    fn forget(&self) {
        self.client.borrow_mut().take();
        self.prepared.borrow_mut().clear();
    }

    fn text(&self, sql: &str) -> Arc<str> {
        let mut texts = self.texts.borrow_mut();
        if let Some(text) = texts.get(sql) {
            return Arc::clone(text);
        }
        if texts.len() >= REMEMBERED {
            texts.clear();
        }
        let text: Arc<str> = translate(sql).into();
        texts.insert(sql.to_owned(), Arc::clone(&text));
        text
    }

    fn prepared(&self, client: &Client, text: &Arc<str>, values: &[Param<'_>]) -> Result<Statement, StoreError> {
        if let Some(statement) = self.prepared.borrow().get(text) {
            return Ok(statement.clone());
        }
        let types: Vec<Type> = values.iter().map(Param::postgres_type).collect();
        let statement = self.wait(client.prepare_typed(text, &types))?;
        let mut prepared = self.prepared.borrow_mut();
        if prepared.len() >= REMEMBERED {
            prepared.clear();
        }
        prepared.insert(Arc::clone(text), statement.clone());
        Ok(statement)
    }

    fn wait<T>(&self, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Failure> {
        let answered = self.database.block_on(async { tokio::time::timeout(ANSWER, answer).await });
        match answered {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) if error.as_db_error().is_some() && !is_end(&error) => Err(Failure::Said(explain(&error))),
            Ok(Err(error)) => {
                self.forget();
                Err(Failure::Lost(explain(&error)))
            }
            Err(_) => {
                self.forget();
                Err(Failure::Lost(StoreError::Database(format!("PostgreSQL gave no answer in {} s", ANSWER.as_secs()))))
            }
        }
    }
}

/// The server ends the connection with it: a restart, or an administrator.
fn is_end(error: &tokio_postgres::Error) -> bool {
    let ends = [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN, &SqlState::CANNOT_CONNECT_NOW];
    error.code().is_some_and(|code| ends.contains(&code))
}

fn typed<'v>(values: &'v [Param<'v>]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    values.iter().map(|value| (value as &(dyn ToSql + Sync), value.postgres_type())).collect()
}

fn untyped<'v>(values: &'v [Param<'v>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// The server's words, and what to do where a pooler stands in between.
pub(super) fn explain(error: &tokio_postgres::Error) -> StoreError {
    match error.code() {
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => return StoreError::Duplicate,
        Some(code) if [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT].contains(code) => {
            return StoreError::Database(
                "a connection pooler gives each transaction another connection: add `?pgbouncer=true` to the address of the store"
                    .to_owned(),
            );
        }
        _ => {}
    }
    let mut text = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => error.to_string(),
    };
    let mut cause = if error.as_db_error().is_some() { None } else { error.source() };
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    if let Some(advice) = advise(error) {
        text = format!("{text}: {advice}");
    }
    StoreError::Database(format!("PostgreSQL: {text}"))
}

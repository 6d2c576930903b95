//! Opening a store on a server: the schema, and the refusals.

use super::{News, PgConnection, database::Database};
use crate::store::{
    StoreError,
    sql::{
        SqlStore,
        addresses::ensure_key,
        connection::{Connection, params},
        fences::Fences,
        readers::Readers,
        sqlite::sidecar::Sidecar,
        writer::Writer,
    },
};
use std::sync::Arc;

/// So many queries run side by side.
const READERS: usize = 4;
/// The version of the schema.
const VERSION: i64 = 8;
pub(in crate::store::sql) const SCHEMA: &str = include_str!("schema.sql");
/// What makes version 2 out of version 1, and so on. To change the schema: change `schema.sql`, add a step here, and never
/// change a step that was published.
const STEPS: [&str; 7] = [
    include_str!("steps/0002_matches.sql"),
    include_str!("steps/0003_lead.sql"),
    include_str!("steps/0004_replicas.sql"),
    include_str!("steps/0005_opted_out.sql"),
    include_str!("steps/0006_left.sql"),
    include_str!("steps/0007_erasures.sql"),
    include_str!("steps/0008_told_ids.sql"),
];
// A schema without its step would leave every older store behind.
const _: () = assert!(VERSION == 1 + STEPS.len() as i64);
/// Two processes that start at once make the tables one after the other.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7217330192)";

impl SqlStore {
    /// Opens the store in a database, and makes its tables if there are none. Any number of processes may have it.
    ///
    /// # Errors
    /// The server cannot be reached or refuses; or a newer version of the program made the tables.
    pub async fn connect(address: &str) -> Result<Self, StoreError> {
        let database = Arc::new(Database::new(address)?);
        let opened = tokio::task::spawn_blocking(move || open(&database)).await;
        opened.map_err(|error| StoreError::Database(error.to_string()))?
    }
}

impl SqlStore {
    /// The same, to look at it only.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or there is no store in the database.
    pub async fn connect_read_only(address: &str) -> Result<Self, StoreError> {
        let database = Arc::new(Database::new(address)?);
        let opened = tokio::task::spawn_blocking(move || {
            let connections = connections(&database, READERS);
            let why = match connections.first().map(|first| check(first, &database)).transpose()?.flatten() {
                Some(VERSION) => None,
                None => Some("it has no tables of reply-router: start `reply-router run` on it once"),
                Some(_) => Some("its tables are of an earlier version: start `reply-router run` on it once"),
            };
            if let Some(why) = why {
                return Err(StoreError::Server { path: database.shown().to_owned(), detail: why.to_owned() });
            }
            Ok(Self {
                news: Some(News::listen(&database)),
                database: Some(database),
                ..Self::alone(None, Some(Readers::new(connections)))
            })
        });
        opened.await.map_err(|error| StoreError::Database(error.to_string()))?
    }
}

impl SqlStore {
    /// Whether the server answers and lets tables be made; its version and address.
    ///
    /// # Errors
    /// It cannot be reached, or refuses.
    pub async fn check_server(address: &str) -> Result<String, StoreError> {
        let database = Arc::new(Database::new(address)?);
        let checked = tokio::task::spawn_blocking(move || {
            let connection = Connection::Postgres(PgConnection::new(Arc::clone(&database)));
            check(&connection, &database)?;
            let what = "SELECT current_setting('server_version'), has_schema_privilege(current_schema(), 'CREATE')";
            let (version, may): (String, bool) =
                connection.query_row(what, params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if may {
                return Ok(format!("PostgreSQL {version} at {}", database.shown()));
            }
            let detail = "this user may not create tables in it".to_owned();
            Err(StoreError::Server { path: database.shown().to_owned(), detail })
        });
        checked.await.map_err(|error| StoreError::Database(error.to_string()))?
    }
}

fn connections(database: &Arc<Database>, count: usize) -> Vec<Connection> {
    (0..count).map(|_| Connection::Postgres(PgConnection::new(Arc::clone(database)))).collect()
}

fn open(database: &Arc<Database>) -> Result<SqlStore, StoreError> {
    let writing = PgConnection::new(Arc::clone(database));
    writing.begin_first()?;
    let writing = Connection::Postgres(writing);
    if let Err(error) = prepare(&writing, database).and_then(|()| writing.commit()) {
        writing.roll_back();
        return Err(error);
    }
    let fences = Fences::default();
    let writer = Writer::start(writing, Sidecar::default(), &fences)?;
    Ok(SqlStore {
        agreeing: Some(Readers::new(connections(database, 1))),
        news: Some(News::listen(database)),
        database: Some(Arc::clone(database)),
        fences,
        ..SqlStore::alone(Some(writer), Some(Readers::new(connections(database, READERS))))
    })
}

/// Nobody looks up a commit that long after it.
const FORGET_WRITERS: &str = "DELETE FROM commits WHERE at < now() - interval '7 days'";

/// Makes the tables, or brings them up to date; all in one transaction.
fn prepare(connection: &Connection, database: &Database) -> Result<(), StoreError> {
    connection.query_row(LOCK, params![], |_| Ok(()))?;
    match check(connection, database)? {
        None => {
            connection.execute_batch(SCHEMA)?;
            connection.execute("INSERT INTO schema_version (version) VALUES (?)", params![VERSION])?;
            ensure_key(connection)?;
        }
        Some(found) => {
            for (version, step) in (2..).zip(STEPS).filter(|(version, _)| *version > found) {
                tracing::info!(database = database.shown(), version, "the store is brought up to date");
                connection.execute_batch(step)?;
                connection.execute("INSERT INTO schema_version (version) VALUES (?)", params![version])?;
            }
        }
    }
    connection.execute_batch(FORGET_WRITERS)
}

/// The version of the tables, if they are there; a newer one is refused.
fn check(connection: &Connection, database: &Database) -> Result<Option<i64>, StoreError> {
    let is_there = "SELECT to_regclass('schema_version') IS NOT NULL";
    if !connection.query_row(is_there, params![], |row| row.get::<bool>(0))? {
        return Ok(None);
    }
    let version: i64 = connection.query_row("SELECT max(version) FROM schema_version", params![], |row| row.get(0))?;
    if version > VERSION {
        let detail = format!("schema {version}");
        return Err(StoreError::NewerSchema { path: database.shown().to_owned(), detail });
    }
    Ok(Some(version))
}

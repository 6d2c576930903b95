//! Opening a store: the lock, the pragmas, the schema, and the refusals.

use super::{
    legacy,
    private::{io_error, make_private},
    sidecar::{self, Sidecar},
    steps,
};
use crate::store::{
    StoreError,
    sql::{SqlStore, addresses::ensure_key, connection, fences::Fences, readers::Readers, writer::Writer},
};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

/// So many queries run side by side.
const READERS: usize = 4;
/// How long somebody else's lock is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// More statements than this are prepared anew.
const STATEMENTS: usize = 256;

/// The version of the schema. `steps` bring older ones here, `legacy` those of the old form.
pub(super) const VERSION: i64 = 16;
pub(in crate::store::sql) const SCHEMA: &str = include_str!("schema.sql");

impl SqlStore {
    /// Opens the store for the service and creates it if the file does not exist. One process at a time may have it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        blocking(move || open(&path)).await
    }

    /// Opens an existing store to look at it only; the service may be running on it.
    pub async fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        blocking(move || {
            let connection = connect_read_only(&path)?;
            check(&path, &connection)?;
            refuse_newer(&path, &connection)?;
            let mut connections = vec![connection::Connection::Sqlite(connection)];
            while connections.len() < READERS {
                connections.push(connection::Connection::Sqlite(connect_read_only(&path)?));
            }
            Ok(Self::alone(None, Some(Readers::new(connections))))
        })
        .await
    }

    /// Opens an existing store to look at it, without copying it; one that an older version has written is copied into
    /// memory, where it is brought up to date.
    pub async fn open_snapshot(path: &Path) -> Result<Self, StoreError> {
        let owned = path.to_owned();
        let version = blocking(move || {
            let connection = connect_read_only(&owned)?;
            check(&owned, &connection)?;
            refuse_newer(&owned, &connection)
        });
        if version.await? == VERSION {
            Self::open_read_only(path).await
        } else {
            Self::in_memory_copy(Some(path)).await
        }
    }

    /// A store in memory that begins with a copy of what is in the file, if there is one; the file is only read.
    pub async fn in_memory_copy(copy_of: Option<&Path>) -> Result<Self, StoreError> {
        let copy_of = copy_of.filter(|path| path.exists()).map(Path::to_owned);
        blocking(move || {
            let connection = Connection::open_in_memory()?;
            prepare(&connection)?;
            let connection = connection::Connection::Sqlite(connection);
            if let Some(path) = copy_of {
                let source = connect_read_only(&path)?;
                check(&path, &source)?;
                match refuse_newer(&path, &source)? {
                    legacy::EMPTY => create(&path, connection.sqlite()?)?,
                    version if version < steps::FIRST => {
                        create(&path, connection.sqlite()?)?;
                        legacy::copy(&source, version, &connection)?;
                    }
                    version => {
                        copy_all(&path, connection.sqlite()?)?;
                        steps::upgrade(&path, connection.sqlite()?, version)?;
                    }
                }
            } else {
                create(Path::new(":memory:"), connection.sqlite()?)?;
            }
            sidecar::ensure_row(&connection)?;
            ensure_key(&connection)?;
            Ok(Self::alone(Some(Writer::start(connection, Sidecar::default(), &Fences::default())?), None))
        })
        .await
    }

    /// Whether the store answers and can be written.
    pub async fn check_health(path: &Path) -> Result<(), StoreError> {
        let path = path.to_owned();
        blocking(move || {
            if !path.exists() {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let trial = folder.join(format!(".reply-router-probe-{}", std::process::id()));
                File::create(&trial).map_err(|error| io_error(&path, &error))?;
                return std::fs::remove_file(&trial).map_err(|error| io_error(&path, &error));
            }
            OpenOptions::new().write(true).open(&path).map_err(|error| io_error(&path, &error))?;
            check(&path, &connect_read_only(&path)?)
        })
        .await
    }
}

/// Runs what waits for the disk where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Database(error.to_string()))?
}

fn open(path: &Path) -> Result<SqlStore, StoreError> {
    let mark = Sidecar::lock(path)?;
    let mut version = legacy::EMPTY;
    if path.exists() {
        // SQLite would open a file that may not be written, and only read it.
        OpenOptions::new().write(true).open(path).map_err(|error| io_error(path, &error))?;
        // Whoever may write and is the last to close moves the log into the file, even into a damaged one.
        let looking = connect_read_only(path)?;
        check(path, &looking)?;
        version = refuse_newer(path, &looking)?;
    }
    make_private(path)?;
    if version != legacy::EMPTY && version < steps::FIRST {
        legacy::upgrade(path, version)?;
        version = VERSION;
    }
    let writing = connect(path)?;
    match version {
        legacy::EMPTY => create(path, &writing)?,
        version => steps::upgrade(path, &writing, version)?,
    }
    let writing = connection::Connection::Sqlite(writing);
    ensure_key(&writing)?;
    sidecar::detect_restore(&writing, &mark)?;
    let mut readers = Vec::with_capacity(READERS);
    while readers.len() < READERS {
        readers.push(connection::Connection::Sqlite(connect_to_read(path)?));
    }
    Ok(SqlStore::alone(Some(Writer::start(writing, mark, &Fences::default())?), Some(Readers::new(readers))))
}

/// Makes an empty file a store.
pub(super) fn create(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let made =
        connection.execute_batch(&format!("BEGIN IMMEDIATE;\n{SCHEMA}\nPRAGMA user_version = {VERSION};\nCOMMIT;"));
    made.map_err(|error| open_error(path, &error))
}

/// What every connection needs.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    // A prepared statement keeps its plan whatever it is run with: without this, a value that a partial index could be
    // compared with has the statement prepared anew at each run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(BUSY)
}

/// A connection that writes: write-ahead log, every commit synced.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connect = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        prepare(&connection)?;
        // Of a new file: what is removed goes back to the system, a few pages at a time. An older one keeps its pages until
        // it is compacted.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        // What is erased leaves no trace in the file.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(connection)
    };
    connect().map_err(|error| open_error(path, &error))
}

fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        prepare(&connection)?;
        Ok(connection)
    };
    connect().map_err(|error| open_error(path, &error))
}

/// A connection that leaves nothing behind.
pub(super) fn connect_read_only(path: &Path) -> Result<Connection, StoreError> {
    if !is_at_rest(path) {
        return connect_to_read(path);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(uri(path), flags)?;
        prepare(&connection)?;
        Ok(connection)
    };
    connect().map_err(|error| open_error(path, &error))
}

/// The file as SQLite names it, to be read only.
pub(super) fn uri(path: &Path) -> String {
    let name = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{name}?mode=ro&immutable={}", u8::from(is_at_rest(path)))
}

/// Whether no process has the store open and all of it is in one file. Reading it in the ordinary way would then leave
/// a log and an index beside it.
fn is_at_rest(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    !PathBuf::from(log).exists()
}

/// Copies a store of a version from [`steps::FIRST`] on into an empty one, as it is.
fn copy_all(path: &Path, into: &Connection) -> Result<(), StoreError> {
    into.execute("ATTACH DATABASE ? AS source", [uri(path)])?;
    let made_with = |kind: &str| -> rusqlite::Result<Vec<(String, String)>> {
        let mut query = into.prepare(
            "SELECT name, sql FROM source.sqlite_master WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
        )?;
        query.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    for (table, sql) in made_with("table")? {
        into.execute_batch(&sql)?;
        into.execute_batch(&format!("INSERT INTO main.\"{table}\" SELECT * FROM source.\"{table}\""))?;
    }
    for (_, sql) in made_with("index")? {
        into.execute_batch(&sql)?;
    }
    into.execute_batch("DETACH DATABASE source")?;
    Ok(())
}

fn check(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| open_error(path, &error))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Corrupt { path: path.display().to_string(), detail: verdict })
}

/// The version of the store's schema, if this program knows it.
fn refuse_newer(path: &Path, connection: &Connection) -> Result<i64, StoreError> {
    let version = legacy::version(connection).map_err(|error| open_error(path, &error))?;
    if version > VERSION {
        let detail = format!("schema {version}");
        return Err(StoreError::NewerSchema { path: path.display().to_string(), detail });
    }
    Ok(version)
}

/// SQLite's result codes for a file that is damaged (11) and for one that is no database (26).
pub(super) fn open_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.display().to_string();
    let detail = error.to_string();
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            StoreError::Corrupt { path, detail }
        }
        _ => StoreError::Open { path, detail },
    }
}

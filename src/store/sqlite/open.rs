//! Opening a store: the lock, the pragmas, the migrations, and the refusals.

use super::{
    COMMITS, SqliteStore,
    private::{io_error, make_private},
    sidecar::Sidecar,
};
use crate::{model::Histogram, store::StoreError};
use sqlx::{
    ConnectOptions, Connection, Executor, SqlSafeStr, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    time::Duration,
};

const READERS: u32 = 4;
/// What a dry run copies out of the configured store.
const TABLES: [&str; 13] = [
    "threads",
    "decisions",
    "decision_rules",
    "actions",
    "opt_outs",
    "own_addresses",
    "workspaces",
    "rule_modes",
    "pauses",
    "audit",
    "foreign_use",
    "campaign_steps",
    "last_outgoing",
];

impl SqliteStore {
    /// Opens the store for the service and creates it if the file does not exist. One process at a time may have it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let mark = Sidecar::lock(path)?;
        if path.exists() {
            // SQLite would open a file that may not be written, and only read it.
            OpenOptions::new().write(true).open(path).map_err(|error| io_error(path, &error))?;
            // Whoever may write and is the last to close moves the log into the file, even into a damaged one.
            let looking = SqliteConnectOptions::new().filename(path).read_only(true).immutable(is_at_rest(path));
            let looking = connect(path, looking.busy_timeout(BUSY), 1).await?;
            check(path, &looking).await?;
            looking.close().await;
        }
        make_private(path)?;
        let options = base_options(path).create_if_missing(true);
        let writer = connect(path, options.clone(), 1).await?;
        migrate(path, &writer).await?;
        let readers = connect(path, options.read_only(true).create_if_missing(false), READERS).await?;
        let store = Self { writer, readers, mark, commits: Histogram::new(&COMMITS) };
        store.detect_restore().await?;
        Ok(store)
    }

    /// Opens an existing store to look at it only; the service may be running on it.
    pub async fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY);
        let readers = connect(path, options.immutable(is_at_rest(path)), READERS).await?;
        check(path, &readers).await?;
        refuse_newer(path, &readers).await?;
        Ok(Self { writer: readers.clone(), readers, mark: Sidecar::default(), commits: Histogram::new(&COMMITS) })
    }

    /// Opens an existing store to look at it, without copying it; one that an older version has written is copied into
    /// memory, where it is brought up to date.
    pub async fn open_snapshot(path: &Path) -> Result<Self, StoreError> {
        let store = Self::open_read_only(path).await?;
        if newest_schema(path, &store.readers).await? == newest_known() {
            return Ok(store);
        }
        store.readers.close().await;
        Self::in_memory_copy(Some(path)).await
    }

    /// A store in memory that begins with a copy of what is in the file, if there is one; the file is only read.
    pub async fn in_memory_copy(copy_of: Option<&Path>) -> Result<Self, StoreError> {
        let memory = PathBuf::from(":memory:");
        // One connection that is never dropped: each new one would be another, empty database.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(SqliteConnectOptions::new().in_memory(true))
            .await
            .map_err(|error| open_error(&memory, &error))?;
        migrate(&memory, &pool).await?;
        if let Some(path) = copy_of.filter(|path| path.exists()) {
            let source = Self::open_read_only(path).await?;
            source.readers.close().await;
            let mut connection = pool.acquire().await?;
            let name = path.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let uri = format!("file:{name}?mode=ro&immutable={}", u8::from(is_at_rest(path)));
            sqlx::query("ATTACH DATABASE ? AS source").bind(uri).execute(&mut *connection).await?;
            // A store that no newer version has opened yet lacks what that version adds.
            let there: Vec<String> =
                sqlx::query_scalar("SELECT name FROM source.sqlite_master").fetch_all(&mut *connection).await?;
            for table in TABLES.into_iter().filter(|table| there.iter().any(|name| name == table)) {
                // It may lack columns, too; counters are computed again.
                let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?, 'source')")
                    .bind(table)
                    .fetch_all(&mut *connection)
                    .await?;
                let columns = columns.join(", ");
                let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM source.{table}");
                connection.execute(sqlx::AssertSqlSafe(copy)).await?;
            }
            connection.execute("DETACH DATABASE source").await?;
        }
        Ok(Self { writer: pool.clone(), readers: pool, mark: Sidecar::default(), commits: Histogram::new(&COMMITS) })
    }

    /// Ends all connections; what was committed is on disk.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Whether the store answers and can be written.
    pub async fn check_health(path: &Path) -> Result<(), StoreError> {
        if !path.exists() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let trial = folder.join(format!(".reply-router-probe-{}", std::process::id()));
            File::create(&trial).map_err(|error| io_error(path, &error))?;
            return std::fs::remove_file(&trial).map_err(|error| io_error(path, &error));
        }
        OpenOptions::new().write(true).open(path).map_err(|error| io_error(path, &error))?;
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(is_at_rest(path))
            .busy_timeout(BUSY)
            .connect()
            .await
            .map_err(|error| open_error(path, &error))?;
        quick_check(path, &mut connection).await?;
        connection.close().await.map_err(|error| open_error(path, &error))
    }
}

/// Whether no process has the store open and all of it is in one file. Reading it in the ordinary way would then leave
/// a log and an index beside it.
fn is_at_rest(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    !Path::new(&log).exists()
}

const BUSY: Duration = Duration::from_secs(5);

fn base_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
}

async fn connect(path: &Path, options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StoreError> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options)
        .await
        .map_err(|error| open_error(path, &error))
}

async fn check(path: &Path, pool: &SqlitePool) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await.map_err(|error| open_error(path, &error))?;
    quick_check(path, &mut connection).await
}

async fn quick_check(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await
        .map_err(|error| open_error(path, &error))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::Corrupt { path: path.display().to_string(), detail: verdict })
    }
}

fn migrations() -> Migrator {
    let all = [
        (1, "init", include_str!("0001_init.sql")),
        (2, "marks", include_str!("0002_marks.sql")),
        (3, "admin", include_str!("0003_admin.sql")),
        (4, "ready", include_str!("0004_ready.sql")),
        (5, "identity", include_str!("0005_identity.sql")),
        (6, "guard", include_str!("0006_guard.sql")),
        (7, "lanes", include_str!("0007_lanes.sql")),
    ];
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(all.into_iter().map(migration).collect())
}

async fn migrate(path: &Path, pool: &SqlitePool) -> Result<(), StoreError> {
    migrations().run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) | MigrateError::VersionTooNew(..) => {
            StoreError::NewerSchema { path: path.display().to_string(), detail: error.to_string() }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => open_error(path, &error),
        other => StoreError::Open { path: path.display().to_string(), detail: other.to_string() },
    })
}

/// The newest change of the schema that a store has seen.
async fn newest_schema(path: &Path, pool: &SqlitePool) -> Result<Option<i64>, StoreError> {
    let newest = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(pool).await;
    newest.map_err(|error| open_error(path, &error))
}

/// The newest one that this program knows.
fn newest_known() -> Option<i64> {
    migrations().iter().map(|migration| migration.version).max()
}

async fn refuse_newer(path: &Path, pool: &SqlitePool) -> Result<(), StoreError> {
    let newest = newest_schema(path, pool).await?;
    if newest > newest_known() {
        let detail = format!("schema {}", newest.unwrap_or_default());
        return Err(StoreError::NewerSchema { path: path.display().to_string(), detail });
    }
    Ok(())
}

/// SQLite's result codes for a file that is damaged (11) and for one that is no database (26).
fn open_error(path: &Path, error: &sqlx::Error) -> StoreError {
    let path = path.display().to_string();
    let detail = error.to_string();
    let code = error.as_database_error().and_then(|inner| inner.code().map(|code| code.into_owned()));
    match code.as_deref() {
        Some("11" | "26") => StoreError::Corrupt { path, detail },
        _ => StoreError::Open { path, detail },
    }
}

//! Stores of earlier versions: they are read into a new file, compared with it record by record, and replaced by it.
//!
//! The old file stays as it is until the new one is whole and on disk: whoever is interrupted begins anew. Both are read and
//! written record by record, so memory does not grow with the store.

mod convert;
mod read;
mod verify;

use super::{
    open::{connect, create, open_error},
    private::{io_error, make_private},
};
use crate::store::{StoreError, sql::connection::Connection as NewConnection};
use rusqlite::{Connection, OptionalExtension};
use std::{
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
};

/// The version of a file in which there is nothing yet.
pub(super) const EMPTY: i64 = 0;
/// The last version of the old form.
const LAST: i64 = 7;

/// How each version of the old form came out of the one before.
const STEPS: [&str; 7] = [
    include_str!("0001_init.sql"),
    include_str!("0002_marks.sql"),
    include_str!("0003_admin.sql"),
    include_str!("0004_ready.sql"),
    include_str!("0005_identity.sql"),
    include_str!("0006_guard.sql"),
    include_str!("0007_lanes.sql"),
];

/// The version of a store: [`EMPTY`], one up to 7 for the old form, or what the schema says.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != EMPTY {
        return Ok(version);
    }
    let has_old_form: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')",
        [],
        |row| row.get(0),
    )?;
    if !has_old_form {
        return Ok(EMPTY);
    }
    let newest = connection.query_row("SELECT max(version) FROM _sqlx_migrations", [], |row| row.get(0)).optional()?;
    Ok(newest.flatten().unwrap_or(EMPTY))
}

/// Brings the store in a file to the form of this version.
pub(super) fn upgrade(path: &Path, version: i64) -> Result<(), StoreError> {
    tracing::info!(path = %path.display(), version, "the store is brought up to date; this may take a while");
    let old = connect(path)?;
    for (number, step) in (1..).zip(STEPS).filter(|(number, _)| *number > version) {
        let step = format!(
            "BEGIN IMMEDIATE;\n{step}\nINSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES ({number}, '', 1, x'', 0);\nCOMMIT;"
        );
        old.execute_batch(&step).map_err(|error| open_error(path, &error))?;
    }
    let new_path = with_ending(path, ".upgrading");
    for ending in ["", "-wal", "-shm", "-journal"] {
        remove(&with_ending(&new_path, ending))?;
    }
    make_private(&new_path)?;
    let new = Connection::open(&new_path).map_err(|error| open_error(&new_path, &error))?;
    // Nobody depends on the new file before it is whole.
    new.pragma_update(None, "synchronous", "OFF")?;
    new.pragma_update(None, "journal_mode", "MEMORY")?;
    create(&new_path, &new)?;
    let new = NewConnection::Sqlite(new);
    convert::convert(&old, &new)?;
    verify::verify(&old, &new)?;
    if let NewConnection::Sqlite(new) = new {
        new.close().map_err(|(_, error)| open_error(&new_path, &error))?;
    }
    let new_file = File::open(&new_path).map_err(|error| io_error(&new_path, &error))?;
    new_file.sync_all().map_err(|error| io_error(&new_path, &error))?;
    // The old file's log must be gone before another file has its name.
    old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    old.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    old.close().map_err(|(_, error)| open_error(path, &error))?;
    std::fs::rename(&new_path, path).map_err(|error| io_error(path, &error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().map_err(|error| io_error(path, &error))?;
    }
    tracing::info!(path = %path.display(), "the store is up to date");
    Ok(())
}

/// Reads a store of the old form into an empty one of the new; the old one is not touched.
pub(super) fn copy(source: &Connection, version: i64, into: &NewConnection) -> Result<(), StoreError> {
    if version == LAST {
        return convert::convert(source, into);
    }
    // An older one lacks tables and columns. It is brought to the last version in memory first.
    let newest = Connection::open_in_memory()?;
    for step in STEPS {
        newest.execute_batch(step)?;
    }
    read::copy_what_is_there(source, &newest)?;
    convert::convert(&newest, into)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_error(path, &error)),
        _ => Ok(()),
    }
}

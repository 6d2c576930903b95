//! The file beside the store: its lock, and how many intents the store had written when it was last in use.
//!
//! A store that is restored from a backup has forgotten what left since: it would forward again, and its caps would count
//! too little. The count beside the file was not restored with it, and says so. It is written after the intent is on disk
//! and not synced, so that it can only lag behind the store that it belongs to.

use crate::model::counted;
use crate::store::{
    StoreError,
    sql::{
        codec::micros,
        connection::{Connection, params},
    },
};
use jiff::Timestamp;
use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// The beginning of the pause that a restored store starts with.
const RESTORED: &str = "the store was restored from a backup";

/// The count of a store. The thread that writes it beside the store is the one that commits: two that wrote at once would
/// leave neither's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::sql) struct IntentCount {
    store: String,
    count: i64,
}

impl IntentCount {
    /// Of one length whatever the count: it is overwritten in place, so that no moment leaves the file empty.
    fn line(&self) -> String {
        format!("{} {:020}\n", self.store, self.count)
    }

    fn parse(text: &str) -> Option<Self> {
        let (store, count) = text.trim().split_once(' ')?;
        Some(Self { store: store.to_owned(), count: count.parse().ok()? })
    }
}

/// The file; `None` for a store that is only read or in memory.
#[derive(Debug, Default)]
pub(in crate::store::sql) struct Sidecar {
    file: Option<File>,
}

impl Sidecar {
    /// Takes the lock. The file stands beside the store's: SQLite's own locks come and go with every transaction.
    pub(in crate::store::sql) fn lock(path: &Path) -> Result<Self, StoreError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let file = super::private::open_private(&PathBuf::from(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.display().to_string() }),
            Err(TryLockError::Error(error)) => Err(super::private::io_error(path, &error)),
        }
    }

    fn read(&self) -> Option<IntentCount> {
        let mut text = String::new();
        self.file.as_ref()?.read_to_string(&mut text).ok()?;
        IntentCount::parse(&text)
    }

    /// Writes the count beside the store. A failure costs no more than a needless question after the next start.
    pub(in crate::store::sql) fn write(&self, intents: &IntentCount) {
        let Some(mut file) = self.file.as_ref() else { return };
        let written = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(intents.line().as_bytes()));
        if let Err(error) = written {
            tracing::warn!(%error, "the mark beside the store could not be written");
        }
    }
}

impl Drop for Sidecar {
    /// A child process that another thread is just starting has the file as well until it runs its program: the lock must not
    /// last as long.
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = file.unlock();
        }
    }
}

/// Counts intents, in the transaction that writes them.
pub(in crate::store::sql) fn count(connection: &Connection, intents: u32) -> Result<IntentCount, StoreError> {
    let mut update =
        connection.prepare_cached("UPDATE marks SET intents = intents + ? WHERE id = 1 RETURNING store, intents")?;
    update.query_row(params![intents], |row| Ok(IntentCount { store: row.get(0)?, count: row.get(1)? }))
}

/// The store's own name and its count, from the first use on.
pub(in crate::store::sql) fn ensure_row(connection: &Connection) -> Result<IntentCount, StoreError> {
    connection.execute(
        "INSERT INTO marks (id, store, intents) VALUES (1, ?, 0) ON CONFLICT DO NOTHING",
        params![uuid::Uuid::now_v7().to_string()],
    )?;
    connection.query_row("SELECT store, intents FROM marks", params![], |row| {
        Ok(IntentCount { store: row.get(0)?, count: row.get(1)? })
    })
}

/// Compares the store with the mark beside it. One that knows of fewer intents, or has no mark although it has written
/// some, begins with a pause of everything, until a person who has looked resumes it.
pub(in crate::store::sql) fn detect_restore(connection: &Connection, mark: &Sidecar) -> Result<(), StoreError> {
    let own = ensure_row(connection)?;
    let beside = mark.read();
    let why = match &beside {
        Some(beside) if beside.store == own.store && beside.count > own.count => Some(format!(
            "{} left since then that it does not know of",
            counted(beside.count - own.count, "action", "actions")
        )),
        // Nothing left it yet: no mark can be missing.
        _ if own.count == 0 => None,
        Some(beside) if beside.store != own.store => Some("the mark beside it belongs to another store".to_owned()),
        Some(_) => None,
        None => Some("there is no mark beside it, as there is beside a store that stayed in its place".to_owned()),
    };
    let Some(why) = why else {
        mark.write(&own);
        return Ok(());
    };
    // From here on its count goes before the old one's.
    let lost = beside.filter(|beside| beside.store == own.store).map_or(0, |beside| beside.count);
    let own = IntentCount { count: own.count.max(lost), ..own };
    let reason = format!("{RESTORED} ({why}): it polls and decides, and sends nothing until you resume it");
    connection.begin()?;
    let paused = connection.execute("UPDATE marks SET intents = ?", params![own.count]).and_then(|_| {
        connection.execute(
            "INSERT INTO pauses (workspace, since, reason, by) VALUES ('', ?, ?, '') ON CONFLICT DO NOTHING",
            params![micros(Timestamp::now()), reason],
        )
    });
    if let Err(error) = paused.and_then(|_| connection.commit()) {
        connection.roll_back();
        return Err(error);
    }
    mark.write(&own);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_ends_with_the_store_even_if_a_child_process_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let mark = Sidecar::lock(&path).unwrap();
        let inherited = mark.file.as_ref().unwrap().try_clone().unwrap();
        assert!(matches!(Sidecar::lock(&path), Err(StoreError::InUse { .. })));
        drop(mark);
        assert!(Sidecar::lock(&path).is_ok());
        drop(inherited);
    }
}

//! From version 8 on, each version of the schema comes out of the one before by a step, in a transaction of its own: whoever
//! is interrupted goes on with the next one.
//!
//! To change the schema: change `schema.sql`, add a step here, and never change a step that was published.

use super::open::{VERSION, open_error};
use crate::store::StoreError;
use rusqlite::Connection;
use std::path::Path;

/// The first version that steps begin at. Earlier ones are of another form: `legacy` reads them.
pub(super) const FIRST: i64 = 8;

/// Changes a store of the version before.
type Step = fn(&Connection) -> rusqlite::Result<()>;

/// What makes version 9, and so on.
const STEPS: [Step; 8] = [
    |store| store.execute_batch(include_str!("0009_events.sql")),
    |store| store.execute_batch(include_str!("0010_kept.sql")),
    |store| store.execute_batch(include_str!("0011_matches.sql")),
    |store| store.execute_batch(include_str!("0012_lead.sql")),
    |store| store.execute_batch(include_str!("0013_opted_out.sql")),
    |store| store.execute_batch(include_str!("0014_left.sql")),
    |store| store.execute_batch(include_str!("0015_erasures.sql")),
    |store| store.execute_batch(include_str!("0016_told_ids.sql")),
];

// A schema without its step would leave every older store behind.
const _: () = assert!(VERSION == FIRST + STEPS.len() as i64);

/// Brings a store of a version from [`FIRST`] on to this one.
pub(super) fn upgrade(path: &Path, store: &Connection, from: i64) -> Result<(), StoreError> {
    for (version, step) in (FIRST + 1..).zip(STEPS).filter(|(version, _)| *version > from) {
        tracing::info!(path = %path.display(), version, "the store is brought up to date");
        run(store, version, step).map_err(|error| open_error(path, &error))?;
    }
    Ok(())
}

fn run(store: &Connection, version: i64, step: Step) -> rusqlite::Result<()> {
    store.execute_batch("BEGIN IMMEDIATE")?;
    let done = step(store)
        .and_then(|()| store.pragma_update(None, "user_version", version))
        .and_then(|()| store.execute_batch("COMMIT"));
    if done.is_err() && !store.is_autocommit() {
        let _ = store.execute_batch("ROLLBACK");
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sql::sqlite::open::SCHEMA;

    /// The statements that a store was made with, without comments and blanks.
    fn statements(store: &Connection) -> Vec<String> {
        let mut query = store.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").unwrap();
        let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|sql| {
            let sql = sql.unwrap();
            let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
            let words = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
            // A column that was added stands behind its comma.
            words.replace(" ,", ",").replace(" )", ")")
        })
        .collect()
    }

    fn version_8() -> Connection {
        let store = Connection::open_in_memory().unwrap();
        store.execute_batch(include_str!("version_8.sql")).unwrap();
        store.pragma_update(None, "user_version", FIRST).unwrap();
        store
    }

    #[test]
    fn the_steps_lead_to_the_schema_of_a_new_store() {
        let old = version_8();
        upgrade(Path::new("s.db"), &old, FIRST).unwrap();
        let version: i64 = old.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, VERSION);
        let new = Connection::open_in_memory().unwrap();
        new.execute_batch(SCHEMA).unwrap();
        assert_eq!(statements(&old), statements(&new));
    }

    #[test]
    fn a_step_that_fails_leaves_the_store_as_it_was() {
        let store = version_8();
        let before = statements(&store);
        let half: Step = |store| store.execute_batch("CREATE TABLE more (a); CREATE TABLE threads (a);");
        run(&store, 9, half).unwrap_err();
        assert_eq!(statements(&store), before);
        let version: i64 = store.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, FIRST);
    }
}

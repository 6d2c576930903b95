//! In which order the processes that share a store stand: whoever came first tells what all of them see.
//!
//! A process keeps its place longer than its lease: a machine that is slow for some seconds, or a process that was stopped,
//! must not put two of them first. Whoever comes notes who was there, under a lock, so no two stand in one place; those
//! behind it move up when it leaves, or when it has been gone for so long that it takes a new place if it returns.

use super::{
    connection::{Connection, Row, params},
    fences::{Fences, process_of},
    leases::{SERVER_TIME, micros_of},
};
use crate::store::{
    StoreError,
    leases::{LEASE, LONGEST_AWAY},
};

/// Taken by each that comes.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7217330193)";

/// The processes that share the store, as one of them sees it.
pub(super) struct Standing {
    /// How many live.
    pub(super) replicas: i64,
    /// How many of those know the same workspaces as this one.
    pub(super) alike: i64,
    /// How many stand before this one.
    pub(super) before: usize,
}

/// Tells that this process lives. One that is too late begins anew, under another name, because others may have taken what
/// it held; its place it keeps.
pub(super) fn tell_alive(connection: &Connection, fences: &Fences) -> Result<(), StoreError> {
    let lasts = micros_of(LEASE);
    let lives =
        format!("UPDATE replicas SET expires_at = {SERVER_TIME} + ?2 WHERE holder = ?1 AND expires_at > {SERVER_TIME}");
    if connection.execute(&lives, params![fences.holder(), lasts])? > 0 {
        return Ok(());
    }
    fences.begin_anew();
    let (holder, process) = (fences.holder(), fences.process());
    let gone = micros_of(LONGEST_AWAY);
    let returns = format!(
        "UPDATE replicas SET holder = ?2, expires_at = {SERVER_TIME} + ?3, workspaces = '[]'
         WHERE (holder = ?1 OR starts_with(holder, ?1 || '.')) AND expires_at > {SERVER_TIME} - ?4"
    );
    if connection.execute(&returns, params![process, holder, lasts, gone])? > 0 {
        return Ok(());
    }
    fences.come_anew();
    let holder = fences.holder();
    connection.query_row(LOCK, params![], |_| Ok(()))?;
    connection.execute(&format!("DELETE FROM replicas WHERE expires_at <= {SERVER_TIME} - ?1"), params![gone])?;
    let there: Vec<String> =
        connection.prepare_cached("SELECT holder FROM replicas")?.query_all(params![], |row| row.get(0))?;
    let come = format!("INSERT INTO replicas (holder, expires_at) VALUES (?1, {SERVER_TIME} + ?2)");
    connection.execute(&come, params![holder, lasts])?;
    fences.stand_behind(there.iter().map(|holder| process_of(holder).to_owned()).collect());
    Ok(())
}

/// Who lives, and who stands before this process.
pub(super) fn read(connection: &Connection, fences: &Fences) -> Result<Standing, StoreError> {
    let all = format!(
        "SELECT holder, expires_at > {SERVER_TIME}, workspaces = (SELECT workspaces FROM replicas WHERE holder = ?1)
         FROM replicas WHERE expires_at > {SERVER_TIME} - ?2"
    );
    let row = |row: Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let all: Vec<(String, bool, bool)> =
        connection.prepare_cached(&all)?.query_all(params![fences.holder(), micros_of(LONGEST_AWAY)], row)?;
    let mut standing = Standing { replicas: 0, alike: 0, before: 0 };
    for (holder, lives, is_alike) in all {
        standing.replicas += i64::from(lives);
        standing.alike += i64::from(lives && is_alike);
        standing.before += usize::from(fences.stands_behind(process_of(&holder)));
    }
    Ok(standing)
}

/// This process ends: others have at once what it held, and its place.
pub(super) fn leave(connection: &Connection, fences: &Fences) -> Result<(), StoreError> {
    let holder = fences.holder();
    fences.hold_nothing();
    connection.execute("UPDATE leases SET holder = NULL WHERE holder = ?1", params![holder])?;
    connection.execute("DELETE FROM replicas WHERE holder = ?1", params![holder]).map(drop)
}

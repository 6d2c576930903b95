//! The store in one SQLite file: write-ahead log, every commit synced.
//!
//! `synchronous=FULL` because an intent that a power cut takes back could send a reply twice; a synced commit costs about
//! a tenth of a millisecond on an ordinary disk, and all jobs that wait at that moment share it.

mod compact;
mod legacy;
mod open;
#[cfg(test)]
mod plans;
mod private;
pub(super) mod sidecar;
mod steps;

#[cfg(test)]
pub(super) use open::SCHEMA;

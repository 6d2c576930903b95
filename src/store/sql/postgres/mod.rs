//! The store in PostgreSQL, for any number of processes.

mod client;
mod database;
mod dialect;
mod open;

pub(super) use client::PgConnection;
pub(super) use database::Database;

#[cfg(test)]
pub(super) use open::SCHEMA;

//! The store in PostgreSQL, for any number of processes.

mod client;
mod database;
mod dialect;
mod news;
mod open;
mod tls;

pub(super) use client::PgConnection;
pub(super) use database::Database;
pub(super) use news::{CHANNEL, News};

#[cfg(test)]
pub(super) use open::SCHEMA;

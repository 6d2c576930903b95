//! The one integration-test binary: the real client against a fake server on port 0, a real SQLite file, a real SMTP server.

// A test that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod alerts;
mod browser;
mod cli;
mod cli_fixture;
mod coldsend;
mod concurrency;
mod connection_cut;
mod crash;
mod destinations;
mod diagnostics;
mod differing;
mod documents;
mod engine;
mod erasure;
mod failures;
mod fixture;
mod guard;
mod intake;
mod judged_again;
mod kept_reading;
mod layering;
mod leases;
mod lists;
mod model;
mod mutations;
mod outcomes;
mod postgres;
mod proxy;
mod read_failures;
mod reload;
mod replay;
mod replicas;
mod request_count;
mod restore;
mod retention;
mod roles;
mod rule_files;
mod rules;
mod scheduling;
mod schema;
mod scoping;
mod service_process;
mod settings;
mod shared_account;
mod simulator;
mod storage_faults;
mod store;
mod stores;
mod supervisor;
mod test_runner;
mod text;
mod traces;

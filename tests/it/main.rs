//! The one integration-test binary: the real client against a fake server on port 0, a real SQLite file, a real SMTP server.

// A test that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod alerts;
mod browser;
mod connection_cut;
mod cli;
mod coldsend;
mod destinations;
mod diagnostics;
mod documents;
mod proxy;
mod engine;
mod failures;
mod storage_faults;
mod guard;
mod intake;
mod judged_again;
mod crash;
mod layering;
mod model;
mod outcomes;
mod cli_fixture;
mod mutations;
mod read_failures;
mod test_runner;
mod restore;
mod rule_files;
mod rules;
mod service_process;
mod schema;
mod scoping;
mod settings;
mod shared_account;
mod simulator;
mod fixture;
mod store;
mod text;
mod scheduling;

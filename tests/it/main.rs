//! The one integration-test binary: the real client against a fake server on port 0, a real SQLite file, a real SMTP server.

// A test that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod alerts;
mod browser;
mod byte_cut;
mod cli;
mod coldsend;
mod destinations;
mod diagnostics;
mod documents;
mod door;
mod engine;
mod failures;
mod ground;
mod guarding;
mod intake;
mod judged_again;
mod killed;
mod layering;
mod model;
mod outcomes;
mod place;
mod planted;
mod reads;
mod rehearsal;
mod restored;
mod rule_files;
mod rules;
mod running;
mod schema;
mod scoping;
mod settings;
mod shared_account;
mod simulator;
mod stage;
mod store;
mod text;
mod waiting;

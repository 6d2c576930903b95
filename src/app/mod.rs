//! Puts the parts together: the only place that names concrete ones.

mod claim;
mod config_lint;
mod demo;
#[cfg(feature = "test-hooks")]
mod failpoint_env;
mod parts;
mod preview;
mod reload;
mod restart;
mod rule_files;
mod serve;
mod setup;
mod test_runner;
mod watch;

pub use claim::Claim;
pub use config_lint::{RequestCosts, WorkspaceBudget, lint_config, request_costs};
pub use demo::{Demo, DemoOptions};
pub use preview::{Preview, PreviewedThread, Selection, preview};
pub use reload::RulesSource;
pub use serve::{Service, StoreMode, open_store, open_store_of};
pub use setup::{
    AppError, CliOptions, EngineBuilder, client, load, load_rules, load_tested_rules, load_without_file, rules_context,
    shown,
};
pub use test_runner::{Caps, TestRunner, failing_tests};

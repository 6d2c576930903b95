//! Puts the parts together: the only place that names concrete ones.

mod build;
mod demo;
mod findings;
mod rehearsal;
mod reload;
mod restart;
mod serve;
#[cfg(debug_assertions)]
mod stop_at;
mod survey;
mod watch;

pub use build::{
    AppError, Assembly, Overrides, client, load, load_rules, load_tested_rules, load_without_file, rules_context, shown,
};
pub use demo::{Demo, DemoOptions, rules_path as demo_rules};
pub use findings::{Costs, WorkspaceBudget, costs, findings};
pub use rehearsal::{Caps, Tests, failing_tests};
pub use reload::RulesFolder;
pub use serve::{OpenStore, Service, open_store};
pub use survey::{Selection, Survey, Surveyed, survey};

//! The rule language: loading with diagnostics, conditions, scripts, templates, and one pure [`evaluate`].

mod again;
mod case;
mod codes;
mod condition;
mod definition;
pub mod diagnostic;
mod evaluate;
mod event;
mod files;
pub mod hours;
mod lint;
mod load;
mod logic;
mod needles;
mod pattern;
mod plan;
mod request_plan;
mod script;
mod script_check;
mod script_functions;
mod script_words;
mod set;
mod shapes;
mod template;
mod template_names;
mod values;
mod workspaces;
pub mod yaml;

pub use again::{Again, still_matches};
pub use case::{
    Case, CaseFailure, CaseResult, Expect, ExpectedState, Observed, Outcome, Standing, Step, StepEvent, StepPlace,
};
pub use condition::Need;
pub use definition::{
    ActionDef, At, Capture, Check, Condition, Content, Cost, FlagField, GlobField, NumberField, Rule, Test, TextField,
};
pub use evaluate::{effective_mode, evaluate, evaluate_watched};
pub use event::{EventInput, ReadMessages};
pub use files::{AllowedFile, FileAccess, FileRefusal, MAX_ATTACHED_BYTES};
pub use pattern::{Bounds, Glob, GlobText, MATCHED_BYTES, Pattern, PatternError};
pub use request_plan::{Asks, RequestPlan, RuleCost};
pub use script::{Script, ScriptEngine, ScriptError};
pub use script_functions::{FUNCTIONS as SCRIPT_FUNCTIONS, ScriptFunction};
pub use set::{Context, RuleSet};
pub use shapes::json_schema;
pub use template::{TemplateError, TemplateRef, Templates};
pub use values::template_names;
pub use workspaces::WorkspaceContext;

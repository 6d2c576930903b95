//! The rule language: loading with diagnostics, conditions, scripts, templates, and one pure [`evaluate`].

mod again;
mod condition;
mod context;
mod definition;
mod evaluate;
mod event;
mod field;
mod files;
mod folding;
pub mod hours;
mod lint;
mod load;
mod logic;
mod normal_pattern;
mod pattern;
mod plan;
mod prefilter;
mod reading;
mod request_cost;
mod required_text;
mod rule_bits;
mod rule_index;
mod said;
mod schema;
mod script;
mod script_check;
mod script_clock;
mod script_error;
mod script_functions;
mod script_values;
mod script_words;
mod search_text;
mod set;
mod sources;
mod template;
mod template_names;
mod test_case;
mod values;
mod workspaces;

pub use again::{Again, still_matches, trace_again};
pub use condition::Need;
pub use context::{LoadContext, WorkspaceContext};
pub use definition::{ActionDef, Capture, Condition, Content, Matcher, Predicate, Rule};
pub use evaluate::{effective_mode, evaluate, evaluate_timed};
pub use event::{EventInput, ThreadMessages};
pub use field::{Cost, FlagField, GlobField, NumberField, TextField};
pub use files::{AllowedFile, FileAccess, FileRefusal, MAX_ATTACHED_BYTES};
pub use pattern::{Bounds, Fold, Glob, GlobText, MATCHED_BYTES, Pattern, PatternError};
pub use plan::words_of;
pub use request_cost::{Frequency, RequestCost, RuleCost};
pub use said::{Said, SaidPhrase};
pub use schema::json_schema;
pub use script::{Script, ScriptEngine};
pub use script_error::ScriptError;
pub use script_functions::{FUNCTIONS as SCRIPT_FUNCTIONS, ScriptFunction};
pub use set::RuleSet;
pub use sources::{RuleSources, SourcesError};
pub use template::{TemplateError, TemplateRef, Templates};
pub use test_case::{
    ActionOutcomes, ActionStatus, Actual, Expectation, ExpectedState, HeldReply, Mismatch, StepEvent, StepLocation,
    TestCase, TestResult, TestStep,
};
pub use values::template_names;

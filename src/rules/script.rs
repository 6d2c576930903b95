//! Scripts of rules: rhai in a sandbox that bounds operations, depth, sizes and time, without input or output.

use super::{definition::Cost, event::Facts, script_functions, script_names, values};
use crate::model::ScriptTrace;
use rhai::{AST, Dynamic, Engine, Map as RhaiMap, OptimizationLevel, Scope, packages::Package};
use serde_json::{Map, Value};
use std::{
    cell::Cell,
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

const MAX_OPERATIONS: u64 = 100_000;
/// Generous against the 4 ms that a busy loop of [`MAX_OPERATIONS`] takes: it stops many costly native calls.
const MAX_TIME: Duration = Duration::from_millis(500);
const MAX_STRING: usize = 256 * 1024;
const MAX_ITEMS: usize = 1_000;
const MAX_VARS_BYTES: usize = 64 * 1024;

/// The names that a script sees.
pub(super) const NAMES: [&str; 5] = ["thread", "lead", "message", "captures", "now"];

thread_local! {
    /// When the script that this thread runs began. rhai tells its progress callback nothing of the run, and a script
    /// never leaves its thread.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The engine that all scripts of a rule set share.
#[derive(Clone)]
pub struct ScriptEngine(Arc<Engine>);

impl fmt::Debug for ScriptEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptEngine")
    }
}

impl Default for ScriptEngine {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a script is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScriptError {
    /// What is wrong.
    pub message: String,
    /// The line in the script, from 1.
    pub line: Option<usize>,
    /// The column in that line, from 1.
    pub column: Option<usize>,
    /// What may have been meant.
    pub hint: Option<String>,
}

/// A compiled script.
#[derive(Debug, Clone)]
pub struct Script {
    engine: ScriptEngine,
    ast: AST,
    source: String,
    /// What must have been read before it can be run.
    pub(super) needs_thread: bool,
    pub(super) needs_messages: bool,
    /// It speaks of automatic mail itself.
    pub(super) mentions_auto_reply: bool,
}

impl ScriptEngine {
    /// An engine of chosen packages: nothing in it reads, writes, waits or loads.
    pub fn new() -> Self {
        use rhai::packages::{
            ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
            BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage,
        };
        // `new_raw` and not `new`: the language core brings `sleep`, which no limit of the engine interrupts.
        let mut engine = Engine::new_raw();
        ArithmeticPackage::new().register_into_engine(&mut engine);
        LogicPackage::new().register_into_engine(&mut engine);
        BasicStringPackage::new().register_into_engine(&mut engine);
        MoreStringPackage::new().register_into_engine(&mut engine);
        BasicIteratorPackage::new().register_into_engine(&mut engine);
        BasicArrayPackage::new().register_into_engine(&mut engine);
        BasicMapPackage::new().register_into_engine(&mut engine);
        BasicMathPackage::new().register_into_engine(&mut engine);
        BasicFnPackage::new().register_into_engine(&mut engine);
        script_functions::register(&mut engine);
        for symbol in ["eval", "import", "export", "print", "debug", "sleep"] {
            engine.disable_symbol(symbol);
        }
        // `thread` is a word that rhai reserves and does not use: as a syntax of its own it is a name like the others.
        let thread = engine.register_custom_syntax(["thread"], false, |context, _| {
            context.scope().get_value::<Dynamic>("thread").ok_or_else(|| {
                let message = "`thread` is not seen inside a function; say `let t = thread;` before it and use `t`";
                rhai::EvalAltResult::ErrorRuntime(message.into(), rhai::Position::NONE).into()
            })
        });
        debug_assert!(thread.is_ok(), "`thread` can be a syntax");
        engine.set_max_operations(MAX_OPERATIONS);
        engine.set_max_call_levels(16);
        engine.set_max_expr_depths(64, 32);
        engine.set_max_string_size(MAX_STRING);
        engine.set_max_array_size(MAX_ITEMS);
        engine.set_max_map_size(MAX_ITEMS);
        engine.set_max_variables(128);
        engine.set_max_functions(32);
        engine.set_max_modules(0);
        engine.set_strict_variables(true);
        engine.set_fail_on_invalid_map_property(true);
        // Values stand in for what comes later while compiling: nothing may be folded into the script.
        engine.set_optimization_level(OptimizationLevel::None);
        engine.on_progress(|operations| {
            let late = operations % 32 == 0 && BEGAN.get().is_some_and(|began| began.elapsed() > MAX_TIME);
            late.then(|| Dynamic::from("it took too long"))
        });
        Self(Arc::new(engine))
    }

    /// Compiles a script, and finds names and fields that do not exist.
    ///
    /// # Errors
    /// A syntax error, an unknown variable or field, each with its position in the script.
    pub fn compile(&self, source: &str) -> Result<Script, ScriptError> {
        let mut scope = Scope::new();
        for name in NAMES {
            scope.push(name, Dynamic::UNIT);
        }
        let ast = self.0.compile_with_scope(&scope, source).map_err(|error| {
            let position = error.position();
            let message = error.err_type().to_string();
            let hint = match error.err_type() {
                rhai::ParseErrorType::VariableUndefined(name) => Some(match nearest(name, &NAMES) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("a script sees {}", NAMES.join(", ")),
                }),
                _ => None,
            };
            ScriptError { message, line: position.line(), column: position.position(), hint }
        })?;
        let names = script_names::mentioned(source);
        if let Some(wrong) = names.iter().find(|name| name.is_unknown()) {
            return Err(wrong.error());
        }
        let cost = |wanted: Cost| names.iter().any(|name| values::cost_of(&name.root, name.field.as_deref()) == wanted);
        Ok(Script {
            needs_thread: cost(Cost::Thread),
            needs_messages: cost(Cost::Messages),
            mentions_auto_reply: names
                .iter()
                .any(|name| name.root == "message" && name.field.as_deref() == Some("auto_reply")),
            engine: self.clone(),
            ast,
            source: source.to_owned(),
        })
    }
}

impl Script {
    /// The script as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it looks at one of these fields, or at all of them at once.
    pub(super) fn reads(&self, root: &str, fields: &[&str]) -> bool {
        let names = script_names::mentioned(&self.source);
        let is_it = |field: &Option<String>| field.as_deref().is_none_or(|field| fields.contains(&field));
        names.iter().any(|name| name.root == root && is_it(&name.field))
    }

    /// Whether the script may give this variable to the templates: it names it, or hands on whole maps that it did not
    /// write.
    pub(super) fn may_give(&self, field: &str) -> bool {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let mut words = self.source.split(|c| !is_name(c));
        words.any(|word| word == field) || self.source.contains("captures")
    }

    /// Runs it. What goes wrong is said in the trace; nothing panics and nothing is kept between runs.
    pub(super) fn run(&self, facts: &Facts<'_>, captures: &BTreeMap<String, String>) -> ScriptTrace {
        let mut scope = Scope::new();
        scope.push_constant("thread", all_fields("thread", values::thread(facts)));
        scope.push_constant("lead", all_fields("lead", values::lead(facts)));
        let message = if self.needs_messages { values::message(facts) } else { Map::new() };
        scope.push_constant("message", all_fields("message", message));
        let captured: RhaiMap = captures.iter().map(|(k, v)| (k.as_str().into(), Dynamic::from(v.clone()))).collect();
        scope.push_constant("captures", captured);
        scope.push_constant("now", facts.now.to_string());
        BEGAN.set(Some(Instant::now()));
        let result = self.engine.0.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
        BEGAN.set(None);
        match result.map_err(|error| explain(&error)).and_then(outcome) {
            Ok((matched, vars)) => ScriptTrace { result: Some(matched), vars, error: None },
            Err(error) => ScriptTrace { result: None, vars: Map::new(), error: Some(error) },
        }
    }
}

/// Every field of a name: what is absent is `()`, so that only a name that does not exist is an error.
fn all_fields(root: &str, present: Map<String, Value>) -> RhaiMap {
    let mut map: RhaiMap = RhaiMap::new();
    for (field, _) in values::fields_of(root).unwrap_or_default() {
        map.insert((*field).into(), Dynamic::UNIT);
    }
    for (field, value) in present {
        map.insert(field.as_str().into(), rhai::serde::to_dynamic(value).unwrap_or(Dynamic::UNIT));
    }
    map
}

fn explain(error: &rhai::EvalAltResult) -> String {
    use rhai::EvalAltResult as E;
    let position = error.position();
    let what = match error.unwrap_inner() {
        E::ErrorTooManyOperations(_) => format!("the script was stopped after {MAX_OPERATIONS} operations"),
        E::ErrorTerminated(..) => format!("the script was stopped after {} ms", MAX_TIME.as_millis()),
        E::ErrorDataTooLarge(what, _) => format!("the script was stopped: {what} grew too large"),
        E::ErrorStackOverflow(_) => "the script was stopped: its calls nest too deeply".to_owned(),
        other => {
            let mut other = other.to_string();
            // The position is told once, in our own words.
            if let Some(at) = other.rfind(" (line ") {
                other.truncate(at);
            }
            other
        }
    };
    match position.line() {
        Some(line) => format!("line {line} of the script: {what}"),
        None => what,
    }
}

fn outcome(value: Dynamic) -> Result<(bool, Map<String, Value>), String> {
    if let Ok(matched) = value.as_bool() {
        return Ok((matched, Map::new()));
    }
    let wrong = || "the script must end in true or false, or return #{ matched: …, vars: #{ … } }".to_owned();
    let mut map = value.try_cast::<RhaiMap>().ok_or_else(wrong)?;
    let matched = map.remove("matched").and_then(|matched| matched.as_bool().ok()).ok_or_else(wrong)?;
    let vars = match map.remove("vars") {
        None => Map::new(),
        Some(vars) if vars.is_unit() => Map::new(),
        Some(vars) => {
            let vars = rhai::serde::from_dynamic::<Value>(&vars).map_err(|error| format!("`vars`: {error}"))?;
            let Value::Object(vars) = vars else { return Err("`vars` must be a map: #{ name: value }".to_owned()) };
            vars
        }
    };
    if let Some(other) = map.keys().next() {
        return Err(format!("the script returned `{other}`; only `matched` and `vars` are known"));
    }
    let size = serde_json::to_vec(&vars).map_or(usize::MAX, |bytes| bytes.len());
    if size > MAX_VARS_BYTES {
        return Err(format!("`vars` are larger than {} KiB", MAX_VARS_BYTES / 1024));
    }
    // Absent stays undefined in templates, never the word "none".
    let vars = vars.into_iter().filter(|(_, value)| !value.is_null()).collect();
    Ok((matched, vars))
}

/// The candidate that was probably meant.
pub(super) fn nearest<'a>(text: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let scored = candidates.iter().map(|candidate| (strsim::damerau_levenshtein(text, candidate), *candidate));
    let best = scored.min_by_key(|(distance, _)| *distance)?;
    (best.0 <= 1 + text.chars().count() / 4).then_some(best.1)
}

//! Scripts of rules: rhai in a sandbox that bounds operations, depth, sizes and time, without input or output.

use super::{
    condition::Need,
    event::Facts,
    field::Cost,
    script_check::{self, FunctionTable, NameRef},
    script_clock,
    script_error::{NAMES, ScriptError, nearest},
    script_functions,
    script_lookups::{self, InUse, ScriptLookup},
    script_values::NeededValues,
    script_words,
    values::{self, is_leads_own},
};
use crate::model::ScriptTrace;
use crate::yaml::Node;
use rhai::{
    AST, Dynamic, Engine, Map as RhaiMap, OptimizationLevel, Scope, Token,
    packages::{
        ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
        BasicStringPackage, LogicPackage, MoreStringPackage, Package,
    },
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const MAX_OPERATIONS: u64 = 100_000;
/// Generous against the 4 ms that a busy loop of [`MAX_OPERATIONS`] takes: it stops many costly native calls.
const MAX_TIME: Duration = Duration::from_millis(500);
const MAX_STRING: usize = 256 * 1024;
const MAX_ITEMS: usize = 1_000;
const MAX_VARS_BYTES: usize = 64 * 1024;

rhai::def_package! {
    /// What scripts have of the language: nothing in it reads, writes, waits or loads.
    Language(_module): ArithmeticPackage, LogicPackage, BasicStringPackage, MoreStringPackage, BasicIteratorPackage,
        BasicArrayPackage, BasicMapPackage, BasicMathPackage, BasicFnPackage {}
}

/// The engine that all scripts of a rule set share.
#[derive(Clone)]
pub struct ScriptEngine(Arc<Shared>);

struct Shared {
    engine: Engine,
    /// What scripts can call.
    known: FunctionTable,
    /// What scripts name, each combination once: one that many scripts share is near at hand when they are run in a row.
    needs: Mutex<HashSet<Arc<NeededValues>>>,
}

impl Shared {
    fn share_needs(&self, needs: NeededValues) -> Arc<NeededValues> {
        let mut all = self.needs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&needs) {
            return Arc::clone(known);
        }
        let needs = Arc::new(needs);
        all.insert(Arc::clone(&needs));
        needs
    }
}

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

/// A compiled script.
#[derive(Debug, Clone)]
pub struct Script {
    engine: ScriptEngine,
    ast: AST,
    source: String,
    /// Where it stands, so that what goes wrong in it is told by its place in the file.
    place: Option<Node>,
    /// The names that it mentions.
    mentions: Vec<NameRef>,
    /// What they stand for: no others are made for it.
    needed: Arc<NeededValues>,
    /// The lists that it looks into.
    pub(super) lookups: Vec<ScriptLookup>,
    reads_captures: bool,
    /// What must have been read before it can be run.
    pub(super) needs_thread: bool,
    pub(super) needs_messages: bool,
    /// It speaks of automatic mail itself.
    pub(super) mentions_auto_reply: bool,
}

impl ScriptEngine {
    /// An engine of chosen packages: nothing in it reads, writes, waits or loads.
    pub fn new() -> Self {
        // `new_raw` and not `new`: the language core brings `sleep`, which no limit of the engine interrupts.
        let mut engine = Engine::new_raw();
        Language::new().register_into_engine(&mut engine);
        script_functions::register(&mut engine);
        for symbol in ["eval", "import", "export", "print", "debug", "sleep"] {
            engine.disable_symbol(symbol);
        }
        read_thread_as_a_name(&mut engine);
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
            script_clock::is_late(operations, MAX_TIME).then(|| Dynamic::from("it took too long"))
        });
        let known = FunctionTable::of(&engine, true);
        Self(Arc::new(Shared { engine, known, needs: Mutex::default() }))
    }

    /// Compiles a script, and finds what could only fail when it is run.
    ///
    /// # Errors
    /// A syntax error, an unknown variable, field or function, a wrong number of values, or a constant that is no
    /// regular expression or time zone where one is needed; each with its position in the script.
    pub fn compile(&self, source: &str) -> Result<Script, Vec<ScriptError>> {
        let ast = self.parse(source).map_err(|error| vec![error])?;
        let mentions = script_check::analyze(&ast, &self.0.known)?;
        let cost =
            |wanted: Cost| mentions.iter().any(|name| values::cost_of(&name.root, name.field.as_deref()) == wanted);
        Ok(Script {
            needs_thread: cost(Cost::Thread),
            needs_messages: cost(Cost::Messages),
            mentions_auto_reply: mentions
                .iter()
                .any(|name| name.root == "message" && name.field.as_deref() == Some("auto_reply")),
            needed: self.0.share_needs(NeededValues::of(&mentions)),
            lookups: script_lookups::lookups(&ast),
            reads_captures: mentions.iter().any(|name| name.root == "captures"),
            mentions,
            engine: self.clone(),
            ast,
            source: source.to_owned(),
            place: None,
        })
    }

    fn parse(&self, source: &str) -> Result<AST, ScriptError> {
        let mut scope = Scope::new();
        for name in NAMES {
            scope.push(name, Dynamic::UNIT);
        }
        self.0.engine.compile_with_scope(&scope, source).map_err(|error| {
            let position = error.position();
            let message = told(error.err_type());
            let hint = match error.err_type() {
                rhai::ParseErrorType::VariableUndefined(name) => Some(match nearest(name, &NAMES) {
                    Some(near) if near == name => format!("a function takes `{name}` as a value; a closure sees it"),
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("a script sees {}", NAMES.join(", ")),
                }),
                rhai::ParseErrorType::VariableExpected | rhai::ParseErrorType::PropertyExpected => {
                    let rest = source.get(offset(source, position.line(), position.position())..).unwrap_or_default();
                    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    (!word.is_empty()).then(|| format!("`{word}` is a word of the language; take another name"))
                }
                rhai::ParseErrorType::Reserved(_) => Some("take another name".to_owned()),
                _ => None,
            };
            let hint = script_words::hint(source, position.line()).or(hint);
            ScriptError { message, line: position.line(), column: position.position(), hint }
        })
    }

    #[cfg(test)]
    pub(super) fn analyze(&self, source: &str) -> Result<Vec<NameRef>, Vec<ScriptError>> {
        script_check::analyze(&self.parse(source).map_err(|error| vec![error])?, &self.0.known)
    }

    #[cfg(test)]
    pub(super) fn own_functions(&self) -> Vec<String> {
        FunctionTable::of(&self.0.engine, false).names().into_iter().map(str::to_owned).collect()
    }
}

/// `thread` is a word that rhai reserves and does not use. As a syntax of its own, its map would be copied wherever it stands.
#[expect(deprecated, reason = "rhai marks what may change so; it has no other way to free a reserved word")]
fn read_thread_as_a_name(engine: &mut Engine) {
    engine.on_parse_token(|token, _, _| match token {
        Token::Reserved(word) if word.as_str() == "thread" => Token::Identifier(word),
        other => other,
    });
}

impl Script {
    /// The script as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it looks at one of these fields, or at all of them at once.
    pub(super) fn reads(&self, root: &str, fields: &[&str]) -> bool {
        let is_it = |field: &Option<String>| field.as_deref().is_none_or(|field| fields.contains(&field));
        self.mentions.iter().any(|name| name.root == root && is_it(&name.field))
    }

    /// Whether it sees what a lead writes, so that the lead may have a say in what it gives.
    pub(super) fn reads_what_leads_write(&self) -> bool {
        self.mentions.iter().any(|name| name.root == "captures" || is_leads_own(&name.root, name.field.as_deref()))
    }

    /// What must be read before it can be run.
    pub(super) fn unread(&self, facts: &Facts<'_>) -> Option<Need> {
        let needs = [
            (self.needs_thread && facts.input.detail.is_none(), Need::Thread),
            (self.needs_messages && facts.input.messages.is_none(), Need::Messages),
        ];
        needs.into_iter().find(|(is_missing, _)| *is_missing).map(|(_, need)| need)
    }

    /// Whether it looks at what the rule captured.
    pub(super) fn reads_captures(&self) -> bool {
        self.reads_captures
    }

    /// The workspace's texts that it names.
    pub(super) fn workspace_vars(&self) -> impl Iterator<Item = &str> {
        let of_vars =
            self.mentions.iter().filter(|name| name.root == "workspace" && name.field.as_deref() == Some("vars"));
        of_vars.filter_map(|name| name.inner.as_deref())
    }

    /// Whether the script may give this variable to the templates: it names it, or hands on whole maps that it did not
    /// write.
    pub(super) fn may_set(&self, field: &str) -> bool {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let mut words = self.source.split(|c| !is_name(c));
        words.any(|word| word == field) || self.source.contains("captures")
    }

    /// The same script, knowing where it stands.
    pub(super) fn at(self, node: &Node) -> Self {
        Self { place: Some(node.clone()), ..self }
    }

    /// Runs it. What goes wrong is said in the trace; nothing panics and nothing is kept between runs.
    pub(super) fn run(&self, facts: &Facts<'_>, captures: &BTreeMap<String, String>) -> ScriptTrace {
        let mut scope = Scope::new();
        for (name, value) in self.needed.values(facts, captures) {
            scope.push_constant_dynamic(name, value);
        }
        let _lists = InUse::of(facts.lists);
        script_clock::start();
        let result = self.engine.0.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast);
        script_clock::stop();
        match result
            .map_err(|error| self.explain(&error))
            .and_then(|value| outcome(value).map_err(|e| self.told(&e, 0)))
        {
            Ok((matched, vars)) => ScriptTrace { result: Some(matched), vars, error: None },
            Err(error) => ScriptTrace { result: None, vars: Map::new(), error: Some(error) },
        }
    }
}

impl Script {
    fn explain(&self, error: &rhai::EvalAltResult) -> String {
        use rhai::EvalAltResult as E;
        let inner = error.unwrap_inner();
        let position = if inner.position().is_none() { error.position() } else { inner.position() };
        let what = match inner {
            E::ErrorTooManyOperations(_) => format!("the script was stopped after {MAX_OPERATIONS} operations"),
            E::ErrorTerminated(..) => format!("the script was stopped after {} ms", MAX_TIME.as_millis()),
            E::ErrorDataTooLarge(what, _) => format!("the script was stopped: {what} grew too large"),
            E::ErrorStackOverflow(_) => "the script was stopped: its calls nest too deeply".to_owned(),
            E::ErrorFunctionNotFound(called, _) => not_found(called),
            E::ErrorDataRace(..) => {
                "a closure uses the very value that is worked on; copy what the closure needs into a variable first"
                    .to_owned()
            }
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
            Some(line) => self.told(&what, offset(&self.source, Some(line), position.position())),
            None => self.told(&what, 0),
        }
    }

    /// What went wrong, after the place in the file where it did.
    fn told(&self, what: &str, at: usize) -> String {
        match &self.place {
            Some(node) => {
                let (line, column) = node.locate(at);
                format!("{}:{line}:{column}: {what}", node.source().name())
            }
            None => what.to_owned(),
        }
    }
}

/// A function that exists (scripts are checked for that when they are loaded) got values that it does not take.
fn not_found(called: &str) -> String {
    let name = called.split([' ', '(']).next().unwrap_or_default();
    if called.contains("()") {
        return format!("`{name}` was given a value that is absent here; ask for `!= ()` first");
    }
    format!("nothing takes these values: {called}")
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

/// A mistake of the parser in our words.
fn told(error: &rhai::ParseErrorType) -> String {
    use rhai::{LexError, ParseErrorType as E};
    match error {
        E::VariableUndefined(name) => format!("`{name}` does not exist"),
        E::BadInput(LexError::ImproperSymbol(word, _)) | E::Reserved(word) => {
            format!("`{word}` cannot be used in a script")
        }
        other => other.to_string(),
    }
}

/// The byte of a line and column (both from 1, columns in characters) of a text.
pub(super) fn offset(text: &str, line: Option<usize>, column: Option<usize>) -> usize {
    let line = line.unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let column = column.unwrap_or(1).saturating_sub(1);
    start + rest.char_indices().nth(column).map_or(rest.trim_end().len(), |(at, _)| at)
}

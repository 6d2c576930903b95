//! Templates of replies and forwards. They see values; what a lead wrote is never read as a template.

use super::{event::Facts, field::Cost, script_error::nearest, template_lists, template_names, values};
use minijinja::{Environment, UndefinedBehavior, Value as Shown};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt, io};

/// Steps that one template may take.
const FUEL: u64 = 100_000;
/// What a template may write, in bytes.
const MAX_OUTPUT: usize = 512 * 1024;

/// How many unknown names one template is told of.
const MAX_UNKNOWN_NAMES: usize = 50;

/// How many unknown filters, tests and functions one template is told of.
const MAX_UNKNOWN: usize = 20;

/// The filters that a typing error is compared with.
const FILTERS: [&str; 31] = [
    "abs",
    "attr",
    "capitalize",
    "date",
    "default",
    "dictsort",
    "escape",
    "first",
    "float",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lookup",
    "lower",
    "max",
    "min",
    "replace",
    "reverse",
    "round",
    "safe",
    "sort",
    "split",
    "title",
    "trim",
    "upper",
];

/// What stands for any value when a template is tried out.
const SAMPLE: &str = "2026-01-05T09:00:00Z";

/// The names that a template sees.
const NAMES: [&str; 9] = ["lead", "thread", "campaign", "message", "captures", "vars", "rule", "workspace", "now"];

/// A template of a rule set; made by [`Templates::add`], so it exists and its syntax is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRef {
    name: String,
    pub(super) needs_thread: bool,
}

/// Why a template is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// Where in the template, as byte offsets.
    pub span: Option<(usize, usize)>,
    /// The line in the template, from 1, where the place is not known more closely.
    pub line: Option<usize>,
    /// What may have been meant.
    pub hint: Option<String>,
}

/// All templates of a rule set.
#[derive(Clone)]
pub struct Templates {
    environment: Environment<'static>,
    /// The same without any template: what one is tried out in, however many there are.
    empty: Environment<'static>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Templates")
    }
}

impl Default for Templates {
    fn default() -> Self {
        let mut environment = Environment::new();
        // It prints all that a template knows.
        environment.remove_global("debug");
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(64);
        // A value that is null must not reach a lead as the word "none".
        environment.set_formatter(|out, state, value| {
            if value.is_none() {
                return Err(minijinja::Error::new(minijinja::ErrorKind::UndefinedError, "the value is null"));
            }
            template_lists::check_printed(value)?;
            minijinja::escape_formatter(out, state, value)
        });
        environment.add_filter("date", date);
        template_lists::register(&mut environment);
        Self { empty: environment.clone(), environment }
    }
}

/// `{{ now | date("%A", "America/New_York") }}`: a time in words of one's own, in UTC where no zone is named.
fn date(at: String, format: String, zone: Option<String>) -> Result<String, minijinja::Error> {
    let wrong = |message: String| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message);
    let at: jiff::Timestamp = at.parse().map_err(|_| wrong(format!("`{at}` is no time")))?;
    let zone = zone.unwrap_or_else(|| "UTC".to_owned());
    let zone = jiff::tz::TimeZone::get(&zone).map_err(|_| wrong(format!("`{zone}` is no time zone")))?;
    let text = jiff::fmt::strtime::format(&format, &at.to_zoned_datetime(zone));
    text.map_err(|_| wrong(format!("`{format}` is no date format such as %Y-%m-%d")))
}

impl Templates {
    /// Takes a template under a name of its own. `html` escapes what it prints.
    ///
    /// # Errors
    /// The syntax is wrong, or it uses names, filters or tests that do not exist: all of them.
    pub fn add(&mut self, name: &str, html: bool, source: &str) -> Result<TemplateRef, Vec<TemplateError>> {
        let name = format!("{name}.{}", if html { "html" } else { "txt" });
        self.environment
            .add_template_owned(name.clone(), source.to_owned())
            .map_err(|error| vec![from_engine(&error, source)])?;
        let template = self.environment.get_template(&name).map_err(|error| vec![from_engine(&error, source)])?;
        let names = template.undeclared_variables(true);
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        let mut wrong: Vec<_> =
            names.iter().flat_map(|name| self.check_name(name, source)).take(MAX_UNKNOWN_NAMES).collect();
        wrong.extend(self.try_out(&name, &names, source));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let needs_thread = names.iter().any(|name| {
            let mut parts = name.split('.');
            values::cost_of(parts.next().unwrap_or_default(), parts.next()) == Cost::Thread
        });
        Ok(TemplateRef { name, needs_thread })
    }

    /// Every `captures.NAME` and `vars.NAME` that a template uses; the second part is missing where it uses all.
    pub(super) fn references(&self, template: &TemplateRef) -> Vec<(String, Option<String>)> {
        let Ok(found) = self.environment.get_template(&template.name) else { return Vec::new() };
        let mut names: Vec<_> = found
            .undeclared_variables(true)
            .into_iter()
            .map(|name| match name.split_once('.') {
                Some((root, rest)) => (root.to_owned(), rest.split('.').next().map(str::to_owned)),
                None => (name, None),
            })
            .collect();
        names.sort_unstable();
        names
    }

    /// Every `workspace.vars.NAME` that a template uses.
    pub(super) fn workspace_vars(&self, template: &TemplateRef) -> Vec<String> {
        let Ok(found) = self.environment.get_template(&template.name) else { return Vec::new() };
        let names = found.undeclared_variables(true);
        let of_vars = names.iter().filter_map(|name| name.strip_prefix("workspace.vars."));
        let mut vars: Vec<String> = of_vars.filter_map(|rest| rest.split('.').next()).map(str::to_owned).collect();
        vars.sort_unstable();
        vars.dedup();
        vars
    }

    /// What is wrong with a name that a template uses: once for each place where it stands.
    fn check_name(&self, name: &str, source: &str) -> Vec<TemplateError> {
        let mut parts = name.split('.');
        let root = parts.next().unwrap_or_default();
        let field = parts.next();
        let (wrong, hint) = match (NAMES.contains(&root), field, values::fields_of(root)) {
            (false, ..) if self.environment.globals().any(|(global, _)| global == root) => return Vec::new(),
            (false, ..) => (
                root.to_owned(),
                match nearest(root, &NAMES) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("a template sees {}", NAMES.join(", ")),
                },
            ),
            (true, Some(field), Some(known)) if !known.iter().any(|(name, _)| *name == field) => {
                let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                let hint = match nearest(field, &known) {
                    Some(near) => format!("did you mean `{root}.{near}`?"),
                    None => format!("`{root}` has {}", known.join(", ")),
                };
                (format!("{root}.{field}"), hint)
            }
            _ => return Vec::new(),
        };
        let error = |span| TemplateError {
            message: format!("`{wrong}` does not exist"),
            span,
            line: None,
            hint: Some(hint.clone()),
        };
        let mut places = occurrences(source, &wrong);
        if !wrong.contains('.') {
            // What hangs on a name that does not exist is not wrong by itself.
            places.iter_mut().for_each(|(start, end)| *end = *start + wrong.len());
        }
        if places.is_empty() { vec![error(None)] } else { places.into_iter().map(|place| error(Some(place))).collect() }
    }

    /// Filters, tests and functions are looked up only while rendering: it is rendered once with a value for every name
    /// and once without any, so that both sides of an `if` are seen. Other errors are not the template's fault.
    fn try_out(&self, template: &str, names: &[&str], source: &str) -> Vec<TemplateError> {
        use minijinja::ErrorKind::{UnknownFilter, UnknownFunction, UnknownTest};
        let mut wrong: Vec<TemplateError> = Vec::new();
        // What is missing is put in, so that the next one shows as well.
        let mut environment = self.empty.clone();
        if environment.add_template_owned(template.to_owned(), source.to_owned()).is_err() {
            return wrong;
        }
        for filled in [true, false] {
            template_lists::register_samples(&mut environment, filled.then_some(SAMPLE));
            let mut context = Map::new();
            for name in NAMES {
                let fields = values::fields_of(name).unwrap_or_default().iter().map(|(field, _)| *field);
                let used =
                    names.iter().filter_map(|used| used.strip_prefix(name)?.strip_prefix('.')?.split('.').next());
                let all = fields.chain(used).filter(|_| filled).map(|field| (field.to_owned(), SAMPLE.into()));
                context.insert(name.to_owned(), Value::Object(all.collect()));
            }
            if let Some(Value::Object(workspace)) = context.get_mut("workspace").filter(|_| filled) {
                let vars = names.iter().filter_map(|used| used.strip_prefix("workspace.vars."));
                let vars = vars.map(|name| (name.split('.').next().unwrap_or_default().to_owned(), SAMPLE.into()));
                workspace.insert("vars".to_owned(), Value::Object(vars.collect()));
            }
            context.insert("now".to_owned(), SAMPLE.into());
            for _ in 0..MAX_UNKNOWN {
                let mut out = Bounded(Vec::new());
                let Ok(found) = environment.get_template(template) else { break };
                let context = Shown::from(minijinja::value::Serde(&context));
                let Err(error) = found.render_captured_to(context, &mut out) else { break };
                let kind = error.kind();
                if !matches!(kind, UnknownFilter | UnknownTest | UnknownFunction) {
                    break;
                }
                let mut told = from_engine(&error, source);
                let Some(name) = unknown_word(&told.message).map(str::to_owned) else {
                    wrong.push(told);
                    break;
                };
                let what = match kind {
                    UnknownFilter => "filter",
                    UnknownTest => "test",
                    _ => "function",
                };
                told.message = format!("there is no {what} `{name}`");
                told.hint = (what == "filter")
                    .then(|| nearest(&name, &FILTERS).map(|near| format!("did you mean `{near}`?")))
                    .flatten()
                    .or_else(|| Some(format!("the reference of the rules lists every {what} that templates know")));
                if !wrong.contains(&told) {
                    wrong.push(told);
                }
                match kind {
                    UnknownFilter => environment.add_filter(name, |value: Shown| value),
                    UnknownTest => environment.add_test(name, |_: Shown| true),
                    _ => environment.add_function(name, || Shown::UNDEFINED),
                }
            }
        }
        wrong
    }

    /// Renders.
    ///
    /// # Errors
    /// A value that is printed is absent, or the template does what its bounds do not allow. The text names the value.
    pub(super) fn render(&self, template: &TemplateRef, context: &Shown) -> Result<String, String> {
        let found = self.environment.get_template(&template.name).map_err(|error| error.to_string())?;
        let mut out = Bounded(Vec::new());
        match found.render_captured_to(context.clone(), &mut out) {
            Ok(_) => Ok(String::from_utf8_lossy(&out.0).into_owned()),
            Err(error) => Err(told(&error, found.source())),
        }
    }
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::Error::other("the text grew too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name in `filter NAME is unknown`.
fn unknown_word(message: &str) -> Option<&str> {
    let rest = ["filter ", "test ", "function "].iter().find_map(|what| message.strip_prefix(what))?;
    rest.strip_suffix(" is unknown").map(|name| name.trim_matches('`')).filter(|name| !name.is_empty())
}

/// Where a name of one or two parts stands in a template, with all that is written of it.
pub(super) fn occurrences(source: &str, name: &str) -> Vec<(usize, usize)> {
    let is_it = |path: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let found = template_names::name_refs(source).into_iter().filter(|place| is_it(&place.path));
    found.map(|place| (place.range.start, place.range.end)).collect()
}

fn from_engine(error: &minijinja::Error, source: &str) -> TemplateError {
    let span = error.range().map(|range| (range.start.min(source.len()), range.end.min(source.len())));
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let hint = what_to_close(&detail).map(str::to_owned);
    TemplateError { message: detail, span, line: error.line(), hint }
}

/// What people forget in a template, by what the engine misses then.
fn what_to_close(message: &str) -> Option<&'static str> {
    if message.contains("expected end of variable block") {
        Some("close `{{` with `}}`; text outside of the braces is sent as it stands")
    } else if message.contains("unexpected end of input") {
        Some("each `{% if %}` needs its `{% endif %}`, each `{% for %}` its `{% endfor %}`")
    } else if message.contains("expected end of block") {
        Some("close `{%` with `%}`")
    } else if message.contains("unknown statement") {
        Some("known are if, elif, else, endif, for, endfor, set, with, endwith, filter, endfilter, macro, endmacro")
    } else {
        None
    }
}

/// A sentence for a person: the place in the template and what is missing, never the values.
fn told(error: &minijinja::Error, source: &str) -> String {
    let line = error.line().map(|line| format!("line {line} of the template: ")).unwrap_or_default();
    let part = error.range().and_then(|range| source.get(range)).map(str::trim).filter(|part| part.len() < 100);
    let what = match (error.kind(), part) {
        (minijinja::ErrorKind::UndefinedError, Some(part)) => format!("`{part}` has no value"),
        (minijinja::ErrorKind::UndefinedError, None) => "a printed value is absent".to_owned(),
        (minijinja::ErrorKind::OutOfFuel, _) => "it takes too many steps".to_owned(),
        (kind, _) => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    };
    format!("{line}{what}")
}

/// Everything that the templates of one rule see.
pub(super) fn context(
    facts: &Facts<'_>,
    rule: (&str, Option<&str>),
    captures: &BTreeMap<String, String>,
    vars: &Map<String, Value>,
) -> Shown {
    let mut all = Map::new();
    all.insert("lead".to_owned(), values::all_values(facts, "lead").into());
    all.insert("thread".to_owned(), values::all_values(facts, "thread").into());
    all.insert("campaign".to_owned(), values::all_values(facts, "campaign").into());
    all.insert("message".to_owned(), values::all_values(facts, "message").into());
    let captures: Map<String, Value> = captures.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect();
    all.insert("captures".to_owned(), captures.into());
    all.insert("vars".to_owned(), without_blanks(vars).into());
    let mut own = Map::new();
    own.insert("name".to_owned(), rule.0.into());
    if let Some(description) = rule.1 {
        own.insert("description".to_owned(), description.into());
    }
    all.insert("rule".to_owned(), own.into());
    all.insert("workspace".to_owned(), values::all_values(facts, "workspace").into());
    all.insert("now".to_owned(), facts.now.to_string().into());
    template_lists::with_lists(Shown::from(minijinja::value::Serde(&all)), facts.lists)
}

fn without_blanks(vars: &Map<String, Value>) -> Map<String, Value> {
    let blank = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    vars.iter().filter(|(_, value)| !blank(value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

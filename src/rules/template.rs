//! Templates of replies and forwards. They see values; what a lead wrote is never read as a template.

use super::{
    definition::Rule,
    event::Facts,
    field::Cost,
    template_check::{self, NO_DATE_FORMAT},
    template_lists, template_names, values,
};
use minijinja::{Environment, UndefinedBehavior, Value as Shown};
use serde_json::{Map, Value};
use std::{cell::OnceCell, collections::BTreeMap, fmt, io};

/// Steps that one template may take.
const FUEL: u64 = 100_000;
/// What a template may write, in bytes.
const MAX_OUTPUT: usize = 512 * 1024;

/// The names that a template sees.
pub(super) const NAMES: [&str; 9] =
    ["lead", "thread", "campaign", "message", "captures", "vars", "rule", "workspace", "now"];

/// A template of a rule set; made by [`Templates::add`], so it exists and its syntax is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRef {
    name: String,
    /// Those of [`NAMES`] that stand anywhere in its text; it cannot see others.
    names: Vec<&'static str>,
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
    text.map_err(|_| wrong(format!("`{format}` {NO_DATE_FORMAT}")))
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
        let wrong = template_check::check(&self.empty, &names, source);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let needs_thread = names.iter().any(|name| {
            let mut parts = name.split('.');
            values::cost_of(parts.next().unwrap_or_default(), parts.next()) == Cost::Thread
        });
        let names = NAMES.into_iter().filter(|name| source.contains(name)).collect();
        Ok(TemplateRef { name, names, needs_thread })
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

    /// Renders.
    ///
    /// # Errors
    /// A value that is printed is absent, or the template does what its bounds do not allow. The text names the value.
    pub(super) fn render(&self, template: &TemplateRef, context: &Context<'_, '_>) -> Result<String, String> {
        let found = self.environment.get_template(&template.name).map_err(|error| error.to_string())?;
        let mut out = Bounded(Vec::new());
        match found.render_captured_to(context.of(template), &mut out) {
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

/// Where a name of one or two parts stands in a template, with all that is written of it.
pub(super) fn occurrences(source: &str, name: &str) -> Vec<(usize, usize)> {
    let is_it = |path: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let found = template_names::name_refs(source).into_iter().filter(|place| is_it(&place.path));
    found.map(|place| (place.range.start, place.range.end)).collect()
}

pub(super) fn from_engine(error: &minijinja::Error, source: &str) -> TemplateError {
    let span = error.range().map(|range| (range.start.min(source.len()), range.end.min(source.len())));
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let hint = what_to_close(&detail).map(str::to_owned);
    TemplateError { message: detail, span, line: error.line(), hint }
}

/// Statements that only templates have which are put together of several.
const OF_SEVERAL: [&str; 8] = ["include", "import", "from", "extends", "block", "endblock", "super", "self"];

/// What people forget in a template, by what the engine misses then.
fn what_to_close(message: &str) -> Option<&'static str> {
    if message.contains("expected end of variable block") {
        Some("close `{{` with `}}`; text outside of the braces is sent as it stands")
    } else if message.contains("unexpected end of input") {
        Some("each `{% if %}` needs its `{% endif %}`, each `{% for %}` its `{% endfor %}`")
    } else if message.contains("expected end of block") {
        Some("close `{%` with `%}`")
    } else if OF_SEVERAL.iter().any(|name| message.strip_prefix("unknown statement ") == Some(name)) {
        Some("a template stands alone: write the text here; a whole text in a file is named by `template: FILE`")
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

/// Everything that the templates of one rule see, each name computed when the first of them asks for it.
pub(super) struct Context<'a, 'f> {
    facts: &'a Facts<'f>,
    rule: &'a Rule,
    captures: &'a BTreeMap<String, String>,
    vars: &'a Map<String, Value>,
    values: [OnceCell<Shown>; NAMES.len()],
}

impl<'a, 'f> Context<'a, 'f> {
    pub(super) fn new(
        facts: &'a Facts<'f>,
        rule: &'a Rule,
        captures: &'a BTreeMap<String, String>,
        vars: &'a Map<String, Value>,
    ) -> Self {
        Self { facts, rule, captures, vars, values: Default::default() }
    }

    /// What one template sees.
    fn of(&self, template: &TemplateRef) -> Shown {
        let known = NAMES.into_iter().zip(&self.values).filter(|(name, _)| template.names.contains(name));
        let named = known.map(|(name, value)| (name, value.get_or_init(|| self.value(name)).clone()));
        template_lists::with_lists(named.collect::<BTreeMap<_, _>>().into(), self.facts.lists)
    }

    fn value(&self, name: &str) -> Shown {
        let value: Value = match name {
            "captures" => self.captures.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect(),
            "vars" => without_blanks(self.vars).into(),
            "rule" => {
                let own = [("name", Some(&self.rule.name)), ("description", self.rule.description.as_ref())];
                own.into_iter()
                    .filter_map(|(field, text)| Some((field.to_owned(), Value::from(text?.as_str()))))
                    .collect()
            }
            "now" => self.facts.now.to_string().into(),
            root => values::all_values(self.facts, root).into(),
        };
        Shown::from(minijinja::value::Serde(&value))
    }
}

fn without_blanks(vars: &Map<String, Value>) -> Map<String, Value> {
    let blank = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    vars.iter().filter(|(_, value)| !blank(value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

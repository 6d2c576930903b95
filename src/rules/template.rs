//! Templates of replies and forwards. They see values; what a lead wrote is never read as a template.

use super::{definition::Cost, event::Facts, script::nearest, values};
use minijinja::{Environment, UndefinedBehavior, Value as Shown};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt, io};

/// Steps that one template may take.
const FUEL: u64 = 100_000;
/// What a template may write, in bytes.
const MAX_OUTPUT: usize = 512 * 1024;

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
pub struct Templates {
    environment: Environment<'static>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Templates")
    }
}

impl Default for Templates {
    fn default() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(64);
        // A value that is null must not reach a lead as the word "none".
        environment.set_formatter(|out, state, value| {
            if value.is_none() {
                return Err(minijinja::Error::new(minijinja::ErrorKind::UndefinedError, "the value is null"));
            }
            minijinja::escape_formatter(out, state, value)
        });
        environment.add_filter("date", date);
        Self { environment }
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
    /// The syntax is wrong, or it uses a name, filter or test that does not exist.
    pub fn add(&mut self, name: &str, html: bool, source: &str) -> Result<TemplateRef, TemplateError> {
        let name = format!("{name}.{}", if html { "html" } else { "txt" });
        self.environment
            .add_template_owned(name.clone(), source.to_owned())
            .map_err(|error| from_engine(&error, source))?;
        let template = self.environment.get_template(&name).map_err(|error| from_engine(&error, source))?;
        let names = template.undeclared_variables(true);
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        for name in &names {
            self.check_name(name, source)?;
        }
        try_out(&template, &names, source)?;
        let needs_thread = names.iter().any(|name| {
            let mut parts = name.split('.');
            values::cost_of(parts.next().unwrap_or_default(), parts.next()) == Cost::Thread
        });
        Ok(TemplateRef { name, needs_thread })
    }

    /// Every `captures.NAME` and `vars.NAME` that a template uses; the second part is missing where it uses all.
    pub(super) fn uses(&self, template: &TemplateRef) -> Vec<(String, Option<String>)> {
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

    fn check_name(&self, name: &str, source: &str) -> Result<(), TemplateError> {
        let mut parts = name.split('.');
        let root = parts.next().unwrap_or_default();
        let place = |text: &str| source.find(text).map(|at| (at, at + text.len()));
        if !NAMES.contains(&root) {
            if self.environment.globals().any(|(global, _)| global == root) {
                return Ok(());
            }
            let hint = match nearest(root, &NAMES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("a template sees {}", NAMES.join(", ")),
            };
            let message = format!("`{root}` does not exist");
            return Err(TemplateError { message, span: place(root), line: None, hint: Some(hint) });
        }
        let (Some(field), Some(known)) = (parts.next(), values::fields_of(root)) else { return Ok(()) };
        if known.iter().any(|(name, _)| *name == field) {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let hint = match nearest(field, &known) {
            Some(near) => format!("did you mean `{root}.{near}`?"),
            None => format!("`{root}` has {}", known.join(", ")),
        };
        let whole = format!("{root}.{field}");
        Err(TemplateError {
            message: format!("`{whole}` does not exist"),
            span: place(&whole),
            line: None,
            hint: Some(hint),
        })
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

/// Filters, tests and functions are looked up only while rendering: it is rendered once with a value for every name
/// and once without any, so that both sides of an `if` are seen. Other errors are not the template's fault.
fn try_out(template: &minijinja::Template<'_, '_>, names: &[&str], source: &str) -> Result<(), TemplateError> {
    use minijinja::ErrorKind::{UnknownFilter, UnknownFunction, UnknownTest};
    for filled in [true, false] {
        let mut context = Map::new();
        for name in NAMES {
            let fields = values::fields_of(name).unwrap_or_default().iter().map(|(field, _)| *field);
            let used = names.iter().filter_map(|used| used.strip_prefix(name)?.strip_prefix('.')?.split('.').next());
            let all = fields.chain(used).filter(|_| filled).map(|field| (field.to_owned(), SAMPLE.into()));
            context.insert(name.to_owned(), Value::Object(all.collect()));
        }
        context.insert("now".to_owned(), SAMPLE.into());
        let mut out = Bounded(Vec::new());
        if let Err(error) = template.render_captured_to(Shown::from(minijinja::value::Serde(&context)), &mut out)
            && matches!(error.kind(), UnknownFilter | UnknownTest | UnknownFunction)
        {
            return Err(from_engine(&error, source));
        }
    }
    Ok(())
}

fn from_engine(error: &minijinja::Error, source: &str) -> TemplateError {
    let span = error.range().map(|range| (range.start.min(source.len()), range.end.min(source.len())));
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    TemplateError { message: detail, span, line: error.line(), hint: None }
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
    all.insert("lead".to_owned(), values::lead(facts).into());
    all.insert("thread".to_owned(), values::thread(facts).into());
    all.insert("campaign".to_owned(), values::campaign(facts).into());
    all.insert("message".to_owned(), values::message(facts).into());
    let captures: Map<String, Value> = captures.iter().map(|(k, v)| (k.clone(), v.clone().into())).collect();
    all.insert("captures".to_owned(), captures.into());
    all.insert("vars".to_owned(), without_blanks(vars).into());
    let mut own = Map::new();
    own.insert("name".to_owned(), rule.0.into());
    if let Some(description) = rule.1 {
        own.insert("description".to_owned(), description.into());
    }
    all.insert("rule".to_owned(), own.into());
    all.insert("workspace".to_owned(), serde_json::json!({ "name": facts.input.workspace }));
    all.insert("now".to_owned(), facts.now.to_string().into());
    Shown::from(minijinja::value::Serde(&all))
}

fn without_blanks(vars: &Map<String, Value>) -> Map<String, Value> {
    let blank = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    vars.iter().filter(|(_, value)| !blank(value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

//! What a template names and does not exist: found before anything is sent, also in a branch that is never taken.
//!
//! The engine looks filters, tests and methods up only while it renders. So each that is written is tried by itself, and so is
//! each expression, with a value for every name: too many or too few arguments are wrong whatever the values are.

use super::{
    script_error::nearest,
    template::{NAMES, TemplateError, from_engine, occurrences},
    template_lists,
    template_words::{self, Named, WordKind},
    values,
};
use minijinja::{Environment, ErrorKind, Value as Shown};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How many unknown names one template is told of.
const MAX_UNKNOWN_NAMES: usize = 50;
/// How many other mistakes.
const MAX_OTHERS: usize = 50;
/// What stands for any value when a template is tried out.
const SAMPLE: &str = "2026-01-05T09:00:00Z";
/// The methods that values have: all else is done by filters.
const METHODS: [&str; 2] = ["loop.cycle", "loop.changed"];
/// What a date says that cannot be written so.
pub(super) const NO_DATE_FORMAT: &str = "is no date format such as %Y-%m-%d";

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
/// The tests that a typing error is compared with.
const TESTS: [&str; 12] = [
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "true",
    "false",
    "startingwith",
    "endingwith",
    "containing",
    "even",
    "odd",
];

/// All that a template uses and does not exist. `names` are the names that it does not declare itself.
pub(super) fn check(environment: &Environment<'static>, names: &[&str], source: &str) -> Vec<TemplateError> {
    let mut wrong: Vec<TemplateError> =
        names.iter().flat_map(|name| check_name(environment, name, source)).take(MAX_UNKNOWN_NAMES).collect();
    let mut others = check_subscripts(source);
    others.extend(check_words(environment, source));
    others.extend(check_calls(environment, names, source));
    others.truncate(MAX_OTHERS);
    others.sort_by_key(|found| found.span);
    for found in others {
        // An unknown filter's arguments, and a name that is told of already.
        let is_told = |known: &TemplateError| known.span.is_some() && known.span == found.span;
        if !wrong.iter().any(is_told) {
            wrong.push(found);
        }
    }
    wrong
}

fn error(message: String, (start, end): (usize, usize), hint: String) -> TemplateError {
    TemplateError { message, span: Some((start, end)), line: None, hint: Some(hint) }
}

/// Why a field of a name does not exist, and what may have been meant; `None` if it does.
fn unknown_field(root: &str, field: &str) -> Option<(String, String)> {
    let known: Vec<&str> = values::fields_of(root)?.iter().map(|(name, _)| *name).collect();
    if !NAMES.contains(&root) || known.contains(&field) {
        return None;
    }
    let hint = match nearest(field, &known) {
        Some(near) => format!("did you mean `{root}.{near}`?"),
        None => format!("`{root}` has {}", known.join(", ")),
    };
    Some((format!("`{root}.{field}` does not exist"), hint))
}

/// What is wrong with a name that a template uses: once for each place where it stands.
fn check_name(environment: &Environment<'static>, name: &str, source: &str) -> Vec<TemplateError> {
    let mut parts = name.split('.');
    let root = parts.next().unwrap_or_default();
    let (wrong, message, hint) = match (NAMES.contains(&root), parts.next()) {
        (false, _) if environment.globals().any(|(global, _)| global == root) => return Vec::new(),
        (false, _) => {
            let hint = match nearest(root, &NAMES) {
                _ if exists(environment, WordKind::Filter, root) => {
                    format!("`{root}` is a filter: write it behind a value, as in `lead.domain | {root}`")
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("a template sees {}", NAMES.join(", ")),
            };
            (root.to_owned(), format!("`{root}` does not exist"), hint)
        }
        (true, Some(field)) => match unknown_field(root, field) {
            Some((message, hint)) => (format!("{root}.{field}"), message, hint),
            None => return Vec::new(),
        },
        (true, None) => return Vec::new(),
    };
    let mut places = occurrences(source, &wrong);
    // A filter or a test may have the name that a value has not.
    let words: Vec<usize> = template_words::words(source).into_iter().map(|word| word.range.start).collect();
    places.retain(|(start, _)| !words.contains(start));
    if !wrong.contains('.') {
        // What hangs on a name that does not exist is not wrong by itself.
        places.iter_mut().for_each(|(start, end)| *end = *start + wrong.len());
    }
    if places.is_empty() {
        return vec![TemplateError { message, span: None, line: None, hint: Some(hint) }];
    }
    places.into_iter().map(|place| error(message.clone(), place, hint.clone())).collect()
}

/// `lead["emial"]`.
fn check_subscripts(source: &str) -> Vec<TemplateError> {
    let found = template_words::subscripts(source).into_iter().filter_map(|named| {
        let (root, field) = named.path.split_once('.')?;
        let (message, hint) = unknown_field(root, field)?;
        Some(error(message, (named.range.start, named.range.end), hint))
    });
    found.collect()
}

/// Filters, tests and methods.
fn check_words(environment: &Environment<'static>, source: &str) -> Vec<TemplateError> {
    let mut known: BTreeMap<(WordKind, String), bool> = BTreeMap::new();
    let mut wrong = Vec::new();
    for Named { kind, name, range } in template_words::words(source) {
        let exists = *known.entry((kind, name.clone())).or_insert_with(|| exists(environment, kind, &name));
        if exists {
            continue;
        }
        let near = |known: &[&str]| nearest(&name, known).map(|near| format!("did you mean `{near}`?"));
        let reference = |what: &str| format!("the reference of the rules lists every {what} that templates know");
        let (message, hint) = match kind {
            WordKind::Filter => {
                (format!("there is no filter `{name}`"), near(&FILTERS).unwrap_or_else(|| reference("filter")))
            }
            WordKind::Test => (format!("there is no test `{name}`"), near(&TESTS).unwrap_or_else(|| reference("test"))),
            WordKind::Method => {
                let method = name.rsplit('.').next().unwrap_or_default();
                (
                    format!("values have no methods such as `{method}`"),
                    "write a filter: `{{ lead.name | upper }}`".to_owned(),
                )
            }
        };
        wrong.push(error(message, (range.start, range.end), hint));
    }
    wrong
}

fn exists(environment: &Environment<'static>, kind: WordKind, name: &str) -> bool {
    let (tried, unknown) = match kind {
        WordKind::Filter => (format!("''|{name}"), ErrorKind::UnknownFilter),
        WordKind::Test => (format!("'' is {name}"), ErrorKind::UnknownTest),
        WordKind::Method => return METHODS.contains(&name),
    };
    match environment.compile_expression_owned(tried).and_then(|expression| expression.eval(())) {
        Ok(_) => true,
        Err(error) => error.kind() != unknown,
    }
}

/// Too many or too few arguments, and dates that cannot be written as is said.
fn check_calls(environment: &Environment<'static>, names: &[&str], source: &str) -> Vec<TemplateError> {
    let mut environment = environment.clone();
    template_lists::register_samples(&mut environment, Some(SAMPLE));
    let context = Shown::from(minijinja::value::Serde(sample(names)));
    let mut wrong = Vec::new();
    for range in template_words::expressions(source) {
        let text = source.get(range.clone()).unwrap_or_default();
        let ended = environment
            .compile_expression_owned(text.to_owned())
            .and_then(|expression| expression.eval(context.clone()));
        let Err(found) = ended else { continue };
        let told = from_engine(&found, text);
        let hint = match found.kind() {
            ErrorKind::TooManyArguments | ErrorKind::MissingArgument => "docs/rules.md says what each filter takes",
            ErrorKind::InvalidOperation if told.message.ends_with(NO_DATE_FORMAT) => {
                "`%A` is a weekday, `%-d` a day, `%B` a month"
            }
            _ => continue,
        };
        let (start, end) = told.span.filter(|(start, end)| start < end).unwrap_or((0, text.len()));
        wrong.push(error(told.message, (range.start + start, range.start + end), hint.to_owned()));
    }
    wrong
}

/// A value for every name that a template may use.
fn sample(names: &[&str]) -> Map<String, Value> {
    let mut context = Map::new();
    for name in NAMES {
        let fields = values::fields_of(name).unwrap_or_default().iter().map(|(field, _)| *field);
        let used = names.iter().filter_map(|used| used.strip_prefix(name)?.strip_prefix('.')?.split('.').next());
        let all = fields.chain(used).map(|field| (field.to_owned(), SAMPLE.into()));
        context.insert(name.to_owned(), Value::Object(all.collect()));
    }
    if let Some(Value::Object(workspace)) = context.get_mut("workspace") {
        let vars = names.iter().filter_map(|used| used.strip_prefix("workspace.vars."));
        let vars = vars.map(|name| (name.split('.').next().unwrap_or_default().to_owned(), SAMPLE.into()));
        workspace.insert("vars".to_owned(), Value::Object(vars.collect()));
    }
    context.insert("now".to_owned(), SAMPLE.into());
    context
}

#[cfg(test)]
mod tests {
    use crate::rules::template::Templates;

    fn wrong(source: &str) -> Vec<(String, String)> {
        let errors = Templates::default().add("t", false, source).err().unwrap_or_default();
        let at = |span: Option<(usize, usize)>| span.and_then(|(start, end)| source.get(start..end)).unwrap_or("-");
        errors.iter().map(|error| (error.message.clone(), at(error.span).to_owned())).collect()
    }

    #[test]
    fn whatever_a_template_names_must_exist_also_where_it_is_never_rendered() {
        for (source, message, place) in [
            ("{{ lead.email | uper }}", "there is no filter `uper`", "uper"),
            ("{% if lead.email == 'x' %}{{ lead.email | uper }}{% endif %}", "there is no filter `uper`", "uper"),
            ("{% for x in [] %}{{ x | nothing }}{% endfor %}", "there is no filter `nothing`", "nothing"),
            ("{% macro m(a) %}{{ a | nothing }}{% endmacro %}", "there is no filter `nothing`", "nothing"),
            ("{% filter nothing %}a{% endfilter %}", "there is no filter `nothing`", "nothing"),
            ("{% set x | nothing %}a{% endset %}", "there is no filter `nothing`", "nothing"),
            ("{{ 1 if true or lead.name is blank }}", "there is no test `blank`", "blank"),
            ("{% if lead.email is not definde %}a{% endif %}", "there is no test `definde`", "definde"),
            ("{% if false %}{{ calendar() }}{% endif %}", "`calendar` does not exist", "calendar"),
            ("{% if false %}{{ lead.name.upper() }}{% endif %}", "values have no methods such as `upper`", "upper"),
            ("{{ (lead.name | lower).strip() }}", "values have no methods such as `strip`", "strip"),
            ("{{ lead['emial'] }}", "`lead.emial` does not exist", "lead['emial']"),
            ("{{ thread[\"subjet\"] }}", "`thread.subjet` does not exist", "thread[\"subjet\"]"),
            ("{{ super() }}", "`super` does not exist", "super"),
            ("{{ self.title() }}", "values have no methods such as `title`", "title"),
            ("{{ loop.index }}", "`loop` does not exist", "loop"),
            ("{% if false %}{{ now | date('%!') }}{% endif %}", "`%!` is no date format such as %Y-%m-%d", ""),
            ("{% if false %}{{ lead.email | upper(1, 2) }}{% endif %}", "too many arguments", ""),
            ("{% if lead.email | replace('a') %}a{% endif %}", "missing argument", ""),
        ] {
            let found = wrong(source);
            let is_it = |(told, at): &(String, String)| {
                told.contains(message) && (place.is_empty() && at != "-" || at == place)
            };
            assert!(found.iter().any(is_it), "{source}: {found:?}");
        }
    }

    #[test]
    fn a_template_stands_alone() {
        for (source, place) in [
            ("Hi\n{% include \"/etc/passwd\" %}", "include"),
            ("{% include \"signature.txt\" ignore missing %}", "include"),
            ("{% import \"macros.txt\" as m %}{{ m.x() }}", "import"),
            ("{% from \"macros.txt\" import x %}", "from"),
            ("{% extends \"base.html\" %}", "extends"),
            ("{% block body %}a{% endblock %}", "block"),
        ] {
            let errors = Templates::default().add("t", false, source).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:?}");
            let (start, end) = errors[0].span.unwrap();
            assert!(source.get(start..end).unwrap().contains(place), "{errors:?}");
            assert!(
                errors[0].message.contains(place) && errors[0].hint.as_deref().unwrap().contains("stands alone"),
                "{errors:?}"
            );
        }
    }

    #[test]
    fn what_exists_is_no_mistake() {
        for source in [
            "{% for day in ['Mon', 'Tue'] %}{{ loop.index }} {{ loop.cycle('a', 'b') }} {{ day | lower | title }}{% endfor %}",
            "{% macro hi(name) %}Hi {{ name | default('there') }}{% endmacro %}{{ hi(lead.first_name) }}",
            "{% set x = lead.name | default('a') %}{{ x if x is string and x is not none else 'b' }}",
            "{% raw %}{{ nothing | nowhere }}{% endraw %}{{ lead.email }}",
            "{{ lead.email ~ ' | nothing is blank.upper()' }}",
            "{% with a = lead.email %}{{ a | upper }}{% endwith %}{% filter upper %}x{% endfilter %}",
            "{{ lead['email'] }} {{ captures['day'] }} {{ now | date('%A', 'Europe/Berlin') }}",
            "{{ range(3) | join(', ') }} {{ (captures.count | int) + 1 }} {{ 'abc' | replace('a', 'b') }}",
            "{{ captures.list | split(',') | first | default('x', true) }}",
        ] {
            assert_eq!(wrong(source), Vec::new(), "{source}");
        }
    }
}

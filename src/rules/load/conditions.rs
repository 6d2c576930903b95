//! `when`: from YAML to a tree of conditions, the cheap ones first.

use super::{
    definitions::{Definitions, OTHER_KEYS, known_keys},
    suspicious::{self, NamedCategory},
};
use crate::diagnostics::{Diagnostic, Diagnostics, Located, code};
use crate::yaml::{Kind, Node, Schema, Value, did_you_mean};
use crate::{
    model::format_duration,
    rules::{
        definition::{Condition, Matcher, Predicate, References},
        field::{Cost, FlagField, GlobField, NumberField, TextField},
        logic::{Budget, Dnf},
        pattern::{Bounds, Fold, Glob, GlobText, SpanBounds},
        schema::{AGE_BOUNDS, BOUNDS, TEXT_PATTERN, WHEN},
        workspaces::listed,
    },
};

/// What may be compared to find contradictions in one rule: a fraction of a second.
const BUDGET: u64 = 12_000_000;

/// What a key of `when` is.
#[derive(Clone, Copy)]
pub(super) enum Sort {
    Glob(GlobField),
    Text(TextField),
    Number(NumberField),
    Age,
    Flag(FlagField),
}

fn sort_of(name: &str) -> Option<Sort> {
    let glob = GlobField::ALL.iter().find(|field| field.as_str() == name).map(|field| Sort::Glob(*field));
    let text = || TextField::ALL.iter().find(|field| field.as_str() == name).map(|field| Sort::Text(*field));
    let number = || NumberField::ALL.iter().find(|field| field.as_str() == name).map(|field| Sort::Number(*field));
    let flag = || FlagField::ALL.iter().find(|field| field.as_str() == name).map(|field| Sort::Flag(*field));
    glob.or_else(text).or_else(number).or_else(flag).or_else(|| (name == "age").then_some(Sort::Age))
}

/// What conditions tell of their rule.
pub(super) struct Told<'r> {
    pub(super) mentions: &'r mut References,
    pub(super) categories: &'r mut Vec<NamedCategory>,
    /// How deep those use others.
    pub(super) depth: &'r mut usize,
}

/// What names in conditions may stand for.
pub(super) struct Scope<'r> {
    /// The workspaces that have the rule; none where that is not known.
    pub(super) workspaces: &'r [&'r str],
    pub(super) definitions: &'r mut Definitions,
    /// The number of the file.
    pub(super) file: usize,
}

pub(super) struct Reader<'r> {
    pub(super) scope: Scope<'r>,
    pub(super) tests: &'r mut Vec<Predicate>,
    pub(super) mentions: &'r mut References,
    pub(super) categories: &'r mut Vec<NamedCategory>,
    pub(super) depth: &'r mut usize,
    pub(super) out: &'r mut Diagnostics,
    /// A part has been told to hold always, or never.
    judged: bool,
    /// What may be compared to find that out, for the whole rule.
    budget: Budget,
}

/// Reads `when`; without one, the script alone decides.
pub(super) fn read(
    node: Option<(&Node, &Node)>,
    scope: Scope<'_>,
    tests: &mut Vec<Predicate>,
    told: &mut Told<'_>,
    out: &mut Diagnostics,
) -> Condition {
    let Some((key, node)) = node else { return ALWAYS };
    if node.text() == "always" {
        return ALWAYS;
    }
    if !is_mapping(node) {
        let error =
            Diagnostic::error(code::NO_CONDITION, node, format!("`when` needs conditions, not {}", node.describe()));
        out.push(error.hint("write `when: { category: interested }`, or `when: always` for every message"));
        return ALWAYS;
    }
    read_mapping((key, node), scope, tests, told, out, &[])
}

/// Reads a definition: a mapping of conditions among its other keys. A script alone may decide.
pub(super) fn read_definition(
    (key, node): (&Node, &Node),
    scope: Scope<'_>,
    tests: &mut Vec<Predicate>,
    told: &mut Told<'_>,
    out: &mut Diagnostics,
) -> Condition {
    let has = |wanted: &dyn Fn(&str) -> bool| match &node.value {
        Value::Mapping(entries) => entries.iter().any(|(key, _)| wanted(key.text())),
        _ => false,
    };
    if has(&|key| key == "script") && !has(&|key| !OTHER_KEYS.contains(&key)) {
        return ALWAYS;
    }
    read_mapping((key, node), scope, tests, told, out, &OTHER_KEYS)
}

fn read_mapping(
    (key, node): (&Node, &Node),
    scope: Scope<'_>,
    tests: &mut Vec<Predicate>,
    told: &mut Told<'_>,
    out: &mut Diagnostics,
    other_keys: &[&str],
) -> Condition {
    let mut reader = Reader {
        scope,
        tests,
        mentions: &mut *told.mentions,
        categories: &mut *told.categories,
        depth: &mut *told.depth,
        out,
        judged: false,
        budget: Budget::new(BUDGET),
    };
    let mut condition = reader.mapping_without(node, "when", false, other_keys);
    reader.judge(&condition, key);
    reader.mentions.too_large |= reader.budget.is_spent();
    sort(&mut condition, tests);
    condition
}

/// Puts cheap conditions first, at every level.
fn sort(condition: &mut Condition, tests: &[Predicate]) {
    match condition {
        Condition::All(children) | Condition::Any(children) => {
            children.iter_mut().for_each(|child| sort(child, tests));
            children.sort_by_key(|child| cost(child, tests));
        }
        Condition::Not(inner) => sort(inner, tests),
        // A definition's own are sorted already.
        Condition::Always | Condition::Test(_) | Condition::Is(_) => {}
    }
}

fn cost(condition: &Condition, tests: &[Predicate]) -> Cost {
    match condition {
        Condition::All(children) | Condition::Any(children) => {
            children.iter().map(|child| cost(child, tests)).max().unwrap_or(Cost::Row)
        }
        Condition::Not(inner) => cost(inner, tests),
        Condition::Always => Cost::Row,
        Condition::Test(index) => tests.get(*index).map_or(Cost::Row, |test| test.check.cost()),
        Condition::Is(used) => tests.get(used.header).map_or(Cost::Row, |test| test.check.cost()),
    }
}

impl Reader<'_> {
    /// All keys of a mapping must hold.
    fn mapping(&mut self, node: &Node, path: &str, negated: bool) -> Condition {
        self.mapping_without(node, path, negated, &[])
    }

    fn mapping_without(&mut self, node: &Node, path: &str, negated: bool, other_keys: &[&str]) -> Condition {
        let Some(entries) = node.entries(self.out) else { return ALWAYS };
        let mut all = Vec::new();
        let conditions = || entries.iter().filter(|(key, _)| !other_keys.contains(&key.text()));
        for (key, value) in conditions() {
            let name = key.text();
            let path = format!("{path}.{name}");
            match name {
                "any" => {
                    let items = self.items(value, &path, negated);
                    self.not_in_any(value, &items);
                    let any = Condition::Any(items);
                    self.judge(&any, key);
                    all.push(any);
                }
                "all" => {
                    let every = Condition::All(self.items(value, &path, negated));
                    self.judge(&every, key);
                    all.push(every);
                }
                "not" if is_mapping(value) => all.push(Condition::Not(Box::new(self.mapping(value, &path, !negated)))),
                "not" => all.push(Condition::Not(Box::new(Condition::Any(self.items(value, &path, !negated))))),
                "is" => all.extend(self.uses(value, &path, negated)),
                _ => match sort_of(name) {
                    Some(sort) => all.extend(self.field(sort, value, path, negated)),
                    None => self.unknown(key, !other_keys.is_empty()),
                },
            }
        }
        match (conditions().next().is_none(), all.len()) {
            (true, _) => {
                let (what, hint) = match other_keys {
                    [] => (format!("`{path}` holds no condition"), "`when: always` matches everything"),
                    _ => ("the definition holds no condition".to_owned(), "write what must hold, as under `when`"),
                };
                self.out.push(Diagnostic::error(code::NO_CONDITION, node, what).hint(hint));
                ALWAYS
            }
            (_, 1) => all.pop().unwrap_or(ALWAYS),
            _ => Condition::All(all),
        }
    }

    /// Says when a condition holds for every message, or for none. Of conditions in one another the innermost is told.
    fn judge(&mut self, condition: &Condition, at: &Node) {
        if self.judged || self.out.has_errors() {
            return;
        }
        let none = |ways: Option<Dnf<'_>>| ways.is_some_and(|ways| ways.is_unsatisfiable());
        let (code, what, hint) = if none(Dnf::from_condition(condition, self.tests, &self.budget)) {
            let hint = "its parts contradict each other; `any` is for alternatives";
            (code::NEVER, "no message can meet all of these conditions", hint)
        } else if none(Dnf::from_negation(condition, self.tests, &self.budget)) {
            (code::ALWAYS_HOLDS, "every message meets these conditions", "`when: always` says so openly")
        } else {
            return;
        };
        self.judged = true;
        self.out.push(Diagnostic::error(code, at, what).lint(true).hint(hint));
    }

    fn not_in_any(&mut self, node: &Node, items: &[Condition]) {
        if items.len() < 2 {
            return;
        }
        let places = node.list_or_one().iter().zip(items).filter(|(_, item)| matches!(item, Condition::Not(_)));
        for (place, _) in places {
            let found =
                Diagnostic::error(code::NOT_IN_ANY, place, "`not` among alternatives lets nearly everything through");
            let hint = "put `not` beside `any`, so that it must hold whatever else does";
            self.out.push(found.lint(false).hint(hint));
        }
    }

    fn unknown(&mut self, key: &Node, is_definition: bool) {
        let error = Diagnostic::error(code::UNKNOWN_CONDITION, key, format!("unknown condition `{}`", key.text()));
        let known: Vec<&str> = if is_definition { known_keys().collect() } else { WHEN.names().collect() };
        let name = key.text();
        self.out.push(match did_you_mean(name, known.iter().copied()) {
            _ if TEXT_PATTERN.names().any(|form| form == name) => {
                error.hint(format!("`{name}` is looked for in a text: write `body: {{ {name}: … }}`"))
            }
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("known are {}", known.join(", "))),
        });
    }

    fn items(&mut self, node: &Node, path: &str, negated: bool) -> Vec<Condition> {
        let Some(items) = node.list(self.out) else { return Vec::new() };
        if items.is_empty() {
            self.out.push(Diagnostic::error(code::NO_CONDITION, node, format!("`{path}` is empty")));
        }
        let mapped =
            items.iter().enumerate().map(|(index, item)| self.mapping(item, &format!("{path}[{index}]"), negated));
        mapped.collect()
    }

    /// A field and its values, without lists.
    pub(super) fn values(&mut self, sort: Sort, value: &Node, path: String, negated: bool) -> Option<Condition> {
        let (check, wanted) = match sort {
            Sort::Glob(field) => {
                let globs = self.globs(field, value)?;
                for item in value.list_or_one() {
                    suspicious::glob(field, item, self.out);
                    if matches!(field, GlobField::Category | GlobField::AiCategory | GlobField::ManualCategory)
                        && !item.is_null()
                    {
                        let (text, at) = (item.text().to_owned(), item.location());
                        self.categories.push(NamedCategory { text, at, negated, is_used: false });
                    }
                }
                self.mentions.from |= field == GlobField::From && !negated;
                let wanted = globs.iter().map(Glob::as_str).collect::<Vec<_>>().join(", ");
                (Matcher::Glob(field, globs), wanted)
            }
            Sort::Text(field) => return self.text(field, value, path),
            Sort::Number(field) => {
                let bounds = self.each(value, Self::number)?;
                let wanted = bounds.iter().map(|bounds| bounds.describe(|n| n.to_string())).collect::<Vec<_>>();
                (Matcher::Number(field, bounds), wanted.join(" or "))
            }
            Sort::Age => {
                let bounds = self.each(value, Self::age)?;
                let wanted = bounds.iter().map(|bounds| bounds.describe(format_duration)).collect::<Vec<_>>();
                (Matcher::Age(bounds), wanted.join(" or "))
            }
            Sort::Flag(FlagField::AutoReply) if value.text() == "any" => {
                self.mentions.auto_reply = true;
                self.mentions.wants_auto_reply |= !negated;
                (Matcher::AnyAutoReply, "any".to_owned())
            }
            Sort::Flag(field) => {
                let wanted = self.flag(field, value)?;
                if field == FlagField::AutoReply {
                    self.mentions.auto_reply = true;
                    self.mentions.wants_auto_reply |= wanted != negated;
                }
                (Matcher::Flag(field, wanted), wanted.to_string())
            }
        };
        Some(self.add(Predicate { path, wanted, check }))
    }

    pub(super) fn add(&mut self, test: Predicate) -> Condition {
        self.tests.push(test);
        Condition::Test(self.tests.len() - 1)
    }

    fn flag(&mut self, field: FlagField, value: &Node) -> Option<bool> {
        if field == FlagField::AutoReply && !matches!(value.scalar().map(|scalar| scalar.kind), Some(Kind::Bool(_))) {
            value.one_of(&[("true", ()), ("false", ()), ("any", ())], self.out)?;
        }
        value.bool(self.out)
    }

    /// A list means any of its values; no value at all is a mistake.
    pub(super) fn each<T>(&mut self, value: &Node, read: impl Fn(&mut Self, &Node) -> Option<T>) -> Option<Vec<T>> {
        let items = value.list_or_one();
        if items.is_empty() {
            self.out.push(Diagnostic::error(
                code::NO_CONDITION,
                value,
                "the list is empty, so nothing would ever match",
            ));
            return None;
        }
        // All are read, so that all mistakes are found.
        let read: Vec<Option<T>> = items.iter().map(|item| read(self, item)).collect();
        read.into_iter().collect()
    }

    fn globs(&mut self, field: GlobField, value: &Node) -> Option<Vec<Glob>> {
        self.each(value, |reader, item| {
            if item.is_null() {
                return Some(Glob::Absent);
            }
            if field == GlobField::Workspace {
                reader.workspace(item);
            }
            let text = item.non_empty_string(reader.out)?;
            // The API's word for no campaign at all.
            if field == GlobField::Campaign && text.trim().eq_ignore_ascii_case("external") {
                return Some(Glob::Absent);
            }
            Some(Glob::Like(GlobText::new(&text, field.fold())))
        })
    }

    /// A name that no workspace with the rule has.
    fn workspace(&mut self, item: &Node) {
        let glob = GlobText::new(item.text(), Fold::Case);
        let workspaces = self.scope.workspaces;
        if workspaces.is_empty() || workspaces.iter().any(|name| glob.matches(name)) {
            return;
        }
        let message = format!("no workspace that has this rule is called `{}`", item.text());
        let hint = match did_you_mean(item.text(), workspaces.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is a rule of {}", listed(workspaces)),
        };
        self.out.push(Diagnostic::warning(code::NO_SUCH_WORKSPACE, item, message).hint(hint));
    }

    fn number(&mut self, item: &Node) -> Option<Bounds<f64>> {
        if !is_mapping(item) {
            return item.number(self.out).map(Bounds::exactly);
        }
        self.bounds(item, &BOUNDS, |node, out| node.number(out))
    }

    fn age(&mut self, item: &Node) -> Option<SpanBounds> {
        if !is_mapping(item) {
            let error =
                Diagnostic::error(code::WRONG_TYPE, item, "`age` needs a bound: a message is never exactly so old");
            let text = if item.text().is_empty() { "2h" } else { item.text() };
            self.out.push(error.hint(format!("write `age: {{ gt: {text} }}` for older, `{{ lt: {text} }}` for newer")));
            return None;
        }
        self.bounds(item, &AGE_BOUNDS, |node, out| node.duration(out))
    }

    fn bounds<T: PartialOrd + Copy + Default>(
        &mut self,
        item: &Node,
        shape: &'static Schema,
        read: impl Fn(&Node, &mut Diagnostics) -> Option<T>,
    ) -> Option<Bounds<T>> {
        let fields = item.fields(shape, self.out)?;
        let mut bounds = Bounds { eq: None, gt: None, gte: None, lt: None, lte: None };
        let mut wrong = false;
        for (key, value) in fields.iter() {
            let read = read(value, self.out);
            wrong |= read.is_none();
            match key.text() {
                "gt" => bounds.gt = read,
                "gte" => bounds.gte = read,
                "lt" => bounds.lt = read,
                "lte" => bounds.lte = read,
                _ => wrong = true,
            }
        }
        if fields.iter().next().is_none() || (!wrong && bounds.is_empty()) {
            self.out.push(Diagnostic::error(code::EMPTY_BOUNDS, item, "no value can meet these bounds"));
            return None;
        }
        (!wrong).then_some(bounds)
    }
}

/// Whether a node is a mapping.
pub(super) fn is_mapping(node: &Node) -> bool {
    matches!(node.value, Value::Mapping(_))
}

/// A condition that holds for everything.
const ALWAYS: Condition = Condition::Always;

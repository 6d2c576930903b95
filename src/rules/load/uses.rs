//! `is`: definitions where conditions use them.

use super::conditions::Reader;
use crate::diagnostics::{Diagnostic, Located, Location, code};
use crate::rules::{
    definition::{Condition, Matcher, Predicate, References},
    definitions::{moved, tests_at},
    field::{FlagField, GlobField},
};
use crate::yaml::{Node, Value};
use std::sync::Arc;

/// How many conditions a rule has at most with those of its definitions.
const MAX_TESTS: usize = 5_000;

impl Reader<'_> {
    /// `is`: a name, or a list of which one must hold.
    pub(super) fn uses(&mut self, value: &Node, path: &str, negated: bool) -> Option<Condition> {
        let is_list = matches!(value.value, Value::List(_));
        let numbers = self.each(value, |reader, item| {
            item.non_empty_string(reader.out)?;
            reader.scope.definitions.resolve(item, reader.scope.file, reader.out)
        })?;
        let mut any = Vec::new();
        for (index, number) in numbers.into_iter().enumerate() {
            let path = if is_list { format!("{path}.any[{index}]") } else { path.to_owned() };
            any.push(self.use_definition(number, &path, negated, &value.location())?);
        }
        if any.len() > 1 { Some(Condition::Any(any)) } else { any.pop() }
    }

    /// Takes a definition's conditions in; `None` for one that has mistakes of its own.
    fn use_definition(&mut self, number: usize, path: &str, negated: bool, at: &Location) -> Option<Condition> {
        let read = self.scope.definitions.get(number)?;
        let definition = Arc::clone(&read.definition);
        *self.depth = (*self.depth).max(read.depth + 1);
        self.categories.extend(read.categories.iter().map(|one| one.used(negated)));
        if self.tests.len() + definition.rule.tests.len() > MAX_TESTS {
            let message = format!("with those of its definitions, these are more than {MAX_TESTS} conditions");
            let error = Diagnostic::error(code::TOO_MANY_CONDITIONS, at, message);
            self.out.push(error.hint("use fewer definitions, or such as use fewer others"));
            return None;
        }
        let first = self.tests.len();
        self.tests.extend(tests_at(&definition, path));
        let condition = moved(&definition.rule.when, first);
        let tests = self.tests.get(first..).unwrap_or_default();
        self.mentions.auto_reply |= definition.rule.mentions.auto_reply;
        mention(&condition, first, tests, negated, self.mentions);
        Some(condition)
    }
}

/// Takes down what conditions say of their rule, which depends on a `not` around them; `tests` begin at the place `first`.
fn mention(condition: &Condition, first: usize, tests: &[Predicate], negated: bool, mentions: &mut References) {
    match condition {
        Condition::Always => {}
        Condition::All(children) | Condition::Any(children) => {
            children.iter().for_each(|child| mention(child, first, tests, negated, mentions));
        }
        Condition::Not(inner) => mention(inner, first, tests, !negated, mentions),
        Condition::Is(used) => mention(&used.condition, first, tests, negated, mentions),
        Condition::Test(index) => match index.checked_sub(first).and_then(|place| tests.get(place)).map(|t| &t.check) {
            Some(Matcher::Flag(FlagField::AutoReply, wanted)) => mentions.wants_auto_reply |= *wanted != negated,
            Some(Matcher::AnyAutoReply) => mentions.wants_auto_reply |= !negated,
            Some(Matcher::Glob(GlobField::From, _)) => mentions.from |= !negated,
            _ => {}
        },
    }
}

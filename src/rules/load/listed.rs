//! `{ in: NAME }` below a field of `when`.

use super::{
    Loader,
    conditions::{Reader, Sort, is_mapping},
};
use crate::diagnostics::{Diagnostic, Located, code};
use crate::rules::{
    definition::{Condition, Matcher, Predicate},
    field::GlobField,
    listed::{ListName, Listed, ListedField},
    schema::IN_LIST,
};
use crate::yaml::{Node, Value};

impl Reader<'_> {
    /// A field and its values. Lists and values beside each other become two conditions, of which one must hold.
    pub(super) fn field(&mut self, sort: Sort, value: &Node, path: String, negated: bool) -> Option<Condition> {
        let Sort::Glob(field) = sort else { return self.values(sort, value, path, negated) };
        let (mappings, rest): (Vec<&Node>, Vec<&Node>) = value.list_or_one().iter().partition(|item| is_mapping(item));
        if mappings.is_empty() {
            return self.values(sort, value, path, negated);
        }
        let mut lists = Vec::new();
        for item in mappings {
            let fields = item.fields(&IN_LIST, self.out)?;
            let names = fields.required("in", self.out)?;
            lists.extend(self.each(names, Self::list_name)?);
        }
        self.mentions.from |= field == GlobField::From && !negated;
        let listed = self.listed(ListedField::Short(field), lists, path.clone());
        if rest.is_empty() {
            return Some(listed);
        }
        let rest = Node::new(Value::List(rest.into_iter().cloned().collect()), value.span, value.source());
        Some(Condition::Any(vec![self.values(sort, &rest, path, negated)?, listed]))
    }

    /// A condition that a value is in one of some lists.
    pub(super) fn listed(&mut self, field: ListedField, lists: Vec<ListName>, path: String) -> Condition {
        let names: Vec<&str> = lists.iter().map(|list| list.name.as_str()).collect();
        let wanted = format!("in {}", names.join(" or "));
        self.add(Predicate { path, wanted, check: Matcher::Listed(Listed { field, lists }) })
    }

    pub(super) fn list_name(&mut self, item: &Node) -> Option<ListName> {
        let name = item.non_empty_string(self.out)?;
        Some(ListName { name, at: item.location() })
    }
}

impl Loader<'_> {
    /// Checks the lists that conditions look into.
    pub(super) fn check_listed(&mut self, tests: &[Predicate]) {
        let listed = tests.iter().filter_map(|test| match &test.check {
            Matcher::Listed(listed) => Some(listed),
            _ => None,
        });
        for list in listed.flat_map(|listed| &listed.lists) {
            if let Some(told) = self.use_list(&list.name) {
                self.report_list(Diagnostic::error(code::UNKNOWN_LIST, &list.at, ""), told);
            }
        }
    }
}

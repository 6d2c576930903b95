//! Whom a forward is for: a channel or addresses that a template prints, and what is known of them when rules are loaded.

use super::{
    Loader,
    actions::Place,
    texts::{MAX_LISTED, TextSource},
};
use crate::{
    destinations::{RecipientInfo, destination_info},
    diagnostics::{Diagnostic, Location, code},
    model::DestinationKind,
    rules::{
        template::TemplateRef,
        template_lookups::{MAY_CHOOSE, PlainColumn, empty_defaults, lead_names, looked_up_by_lead, plain_column},
        workspaces::listed,
    },
    yaml::{Fields, Node, Value},
};

/// How many rows of a list are told that cannot be used.
const MAX_ROWS: usize = 10;

impl Loader<'_> {
    /// The recipients of a forward; `target` is its destination.
    pub(super) fn recipients(
        &mut self,
        destination: DestinationKind,
        fields: &Fields<'_>,
        target: Option<&str>,
        place: &Place<'_>,
    ) -> Vec<TemplateRef> {
        let Some(info) = destination_info(destination).recipient.as_ref() else { return Vec::new() };
        let Some(node) = fields.non_null(info.key) else { return Vec::new() };
        if !info.takes_several && matches!(node.value, Value::List(_)) {
            let error = Diagnostic::error(code::WRONG_TYPE, node, format!("`{}` is one value, not a list", info.key));
            self.out.push(error.hint("write an action of its own for each"));
            return Vec::new();
        }
        self.check_takes_recipient(info, target, node);
        let items = node.list_or_one().iter().enumerate();
        let templates = items.filter_map(|(number, item)| self.recipient(info, item, place, number));
        templates.collect()
    }

    fn recipient(
        &mut self,
        info: &RecipientInfo,
        node: &Node,
        place: &Place<'_>,
        number: usize,
    ) -> Option<TemplateRef> {
        let source = node.non_empty_string(&mut self.out)?;
        let name = place.template(&format!("{}-{number}", info.key));
        let template = self.add_template(&name, false, &source, TextSource::Node(node.clone()))?;
        let source = source.as_str();
        if !source.contains(['{', '}']) {
            if let Err(why) = (info.check)(source.trim()) {
                let error = Diagnostic::error(code::BAD_RECIPIENT, node, format!("`{}` {why}", source.trim()));
                self.out.push(error.hint(format!("for example `{}: {}`", info.key, info.example)));
            }
            return Some(template);
        }
        for name in lead_names(source).into_iter().take(MAX_LISTED) {
            let message = format!("`{}` would let the lead say whom this goes to", name.path);
            let hint = format!(
                "take it from a list: `{}: \"{{{{ (lead.domain | lookup('NAME')).COLUMN }}}}\"`, or from `workspace.vars`",
                info.key
            );
            self.out.push(Diagnostic::error(code::BAD_RECIPIENT, &node.at(name.range), message).hint(hint));
        }
        if self.kept.is_none() {
            for name in looked_up_by_lead(source, place.vars_are_ours).into_iter().take(MAX_LISTED) {
                let message = format!("`{}` would let the lead choose whom this goes to", name.path);
                let error = Diagnostic::error(code::BAD_RECIPIENT, &node.at(name.range), message);
                self.out.push(error.hint(format!("look up what a lead does not write: {MAY_CHOOSE}")));
            }
            for range in empty_defaults(source).into_iter().take(MAX_LISTED) {
                let message = format!("an empty `{}` fails the action: then nothing is sent", info.key);
                let found = Diagnostic::error(code::EMPTY_RECIPIENT, &node.at(range), message).lint(false);
                self.out.push(found.hint(format!("name somebody: `default('{}')`", info.example)));
            }
        }
        if let Some(plain) = plain_column(source) {
            self.check_rows(info, &plain, node);
        }
        Some(template)
    }

    /// Every row of a list must say whom a forward is for, where it is the list alone that says it.
    fn check_rows(&mut self, info: &RecipientInfo, plain: &PlainColumn, node: &Node) {
        let mut checked = Vec::new();
        for scope in self.concerned.clone() {
            let Some(list) = self.list_of(scope, &plain.list).filter(|list| list.has_column(&plain.column)) else {
                continue;
            };
            if checked.iter().any(|known| std::sync::Arc::ptr_eq(known, list)) {
                continue;
            }
            checked.push(std::sync::Arc::clone(list));
        }
        for list in checked {
            let wrong = list.rows().filter_map(|row| {
                let why = match row.get(&plain.column) {
                    None => format!("the row `{}` has no `{}`", row.key(), plain.column),
                    Some(cell) => {
                        let value = format!("{}{cell}{}", plain.before, plain.after);
                        let why = (info.check)(value.trim()).err()?;
                        format!("the row `{}` has `{cell}` as `{}`, which {why}", row.key(), plain.column)
                    }
                };
                Some((row.line(), why))
            });
            let wrong: Vec<(usize, String)> = wrong.take(MAX_ROWS).collect();
            let source = if wrong.is_empty() { None } else { list.read_source() };
            for (line, why) in wrong {
                let found = match &source {
                    Some(source) => {
                        let range = source.offset(line, 1)..source.offset(line, usize::MAX);
                        Diagnostic::error(code::BAD_RECIPIENT, &Location::new(source, range), why)
                    }
                    None => {
                        let mut found = Diagnostic::file(code::BAD_RECIPIENT, list.file(), why);
                        (found.line, found.end_line) = (line, line);
                        found
                    }
                };
                let (at, example) = (node.source().name(), info.example);
                let hint = format!(
                    "{at}:{} takes `{}` from there; without one in the row, it needs a default: `| default('{example}')`",
                    node.span.line, info.key
                );
                self.out.push(found.hint(hint));
            }
        }
    }

    /// A destination may have a place of its own that nothing else can stand in for.
    fn check_takes_recipient(&mut self, info: &RecipientInfo, target: Option<&str>, node: &Node) {
        let Some(target) = target.filter(|_| self.kept.is_none()) else { return };
        let fixed = self.concerned.iter().filter(|scope| scope.fixed_destinations.contains(target));
        let fixed: Vec<&str> = fixed.map(|scope| scope.name.as_str()).collect();
        if fixed.is_empty() {
            return;
        }
        let of = if self.scopes.len() > 1 { format!(" of {}", listed(&fixed)) } else { String::new() };
        let message = format!("`{target}`{of} takes no `{}`: {}", info.key, info.fixed);
        self.out.push(Diagnostic::error(code::BAD_RECIPIENT, node, message).hint(info.fixed_hint));
    }
}

//! `${NAME}`: values from the environment, put into the tree before anything is read from it.

use crate::diagnostics::Span;
use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::yaml::{Kind, Node, Value};
use std::collections::BTreeMap;

/// Looks a variable up.
pub type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Puts variables into a tree, and remembers where, so that no diagnostic ever repeats what they hold.
pub(super) struct Interpolation<'e> {
    env: Env<'e>,
    places: BTreeMap<(usize, usize), String>,
    values: Vec<String>,
}

impl<'e> Interpolation<'e> {
    pub(super) fn new(env: Env<'e>) -> Self {
        Self { env, places: BTreeMap::new(), values: Vec::new() }
    }

    /// Replaces `${NAME}` in every scalar value; `$${` stands for `${` itself.
    pub(super) fn apply(&mut self, node: &mut Node, out: &mut Diagnostics) {
        if node.text().contains("${") {
            let mut names = Vec::new();
            let replaced = self.replace(node, &mut names, out);
            if let Some(name) = names.first() {
                self.places.insert((node.span.line, node.span.column), name.clone());
            }
            if let Value::Scalar(scalar) = &mut node.value {
                // `per_minute: ${LIMIT}` is a number, also in the quotes that it needs between brackets. Nothing from the
                // environment makes a value absent.
                if is_one_variable(&scalar.text) {
                    scalar.kind = match Kind::of_plain(&replaced) {
                        Kind::Null => Kind::Text,
                        kind => kind,
                    };
                }
                scalar.text = replaced;
            }
        }
        match &mut node.value {
            Value::List(items) => items.iter_mut().for_each(|item| self.apply(item, out)),
            Value::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| self.apply(value, out)),
            Value::Scalar(_) => {}
        }
    }

    fn replace(&mut self, node: &Node, names: &mut Vec<String>, out: &mut Diagnostics) -> String {
        let text = node.text();
        let mut done = String::new();
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find("${")).map(|found| at + found) {
            let before = text.get(at..found).unwrap_or_default();
            if let Some(kept) = before.strip_suffix('$') {
                done.push_str(kept);
                done.push_str("${");
                at = found + 2;
                continue;
            }
            done.push_str(before);
            let inner = text.get(found + 2..).unwrap_or_default();
            let Some(length) = inner.find('}') else {
                let message = "`${` is not closed by `}`";
                let hint = "write `${NAME}`, or `$${` for the characters themselves";
                out.push(Diagnostic::error(code::BAD_VARIABLE, &node.at(found..found + 2), message).hint(hint));
                names.push(String::new());
                return done;
            };
            let name = inner.get(..length).unwrap_or_default();
            let end = found + 2 + length + 1;
            names.push(name.to_owned());
            match (is_name(name), (self.env)(name).filter(|value| !value.is_empty())) {
                (true, Some(value)) => {
                    done.push_str(&value);
                    self.values.push(value);
                }
                (true, None) => {
                    let message = format!("the environment variable `{name}` is not set, or is empty");
                    let hint = format!("set it where the service is started: `export {name}=…`");
                    out.push(Diagnostic::error(code::UNSET_VARIABLE, &node.at(found..end), message).hint(hint));
                }
                (false, _) => {
                    let message = format!("`${{{name}}}` is not the name of a variable");
                    let hint = "write `${NAME}` with letters, digits and `_`, or `$${` for the characters themselves";
                    out.push(Diagnostic::error(code::BAD_VARIABLE, &node.at(found..end), message).hint(hint));
                }
            }
            at = end;
        }
        done.push_str(text.get(at..).unwrap_or_default());
        done
    }

    /// Takes what came from the environment out of what was found in the tree afterwards. Where a variable could not be
    /// read at all, its value's mistakes are consequences and are left out.
    pub(super) fn scrub(&self, found: Diagnostics, earlier: &Diagnostics) -> Diagnostics {
        let mut clean = Diagnostics::new();
        for mut diagnostic in found {
            let broken = |other: &Diagnostic| {
                other.line == diagnostic.line && (diagnostic.column..=diagnostic.end_column).contains(&other.column)
            };
            // These tell the length that is needed, or where the same key stands, and nothing of the value.
            let speaks_of_value = ![code::WEAK_TOKEN, code::KEY_TWICE].contains(&diagnostic.code);
            if let Some(name) = self.places.get(&(diagnostic.line, diagnostic.column)).filter(|_| speaks_of_value) {
                if earlier.iter().any(broken) {
                    continue;
                }
                diagnostic.message =
                    format!("the value of `${{{name}}}` does not fit here: {}", title(diagnostic.code));
                if diagnostic.code != code::PRIVATE_ADDRESS {
                    diagnostic.hint =
                        Some(format!("look at the environment variable `{name}`; its value is not shown"));
                }
            }
            for value in &self.values {
                if diagnostic.message.contains(value.as_str()) && value.len() > 2 {
                    diagnostic.message = diagnostic.message.replace(value.as_str(), "…");
                }
                diagnostic.hint = diagnostic.hint.map(|hint| match value.len() > 2 {
                    true => hint.replace(value.as_str(), "…"),
                    false => hint,
                });
            }
            clean.push(diagnostic);
        }
        clean
    }

    /// Whether a place holds something from the environment.
    pub(super) fn is_from_env(&self, span: Span) -> bool {
        self.places.contains_key(&(span.line, span.column))
    }
}

/// Whether a text is a single `${NAME}` and nothing else.
fn is_one_variable(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(is_name)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn title(code: &str) -> &'static str {
    let found = crate::diagnostics::CODES.iter().find(|info| info.id == code);
    found.map_or("", |info| info.title)
}

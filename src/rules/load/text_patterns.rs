//! What is looked for in a text: expressions, texts as they are, phrases.

use super::{
    conditions::{Reader, is_mapping},
    texts::parse_regex,
};
use crate::diagnostics::{Diagnostic, Diagnostics, Located, code};
use crate::rules::{
    definition::{Condition, Matcher, Predicate},
    field::TextField,
    listed::{ListName, ListedField},
    pattern::Pattern,
    said::{Said, SaidPhrase},
    schema::{SAYS, TEXT_PATTERN},
};
use crate::text::RulePhrase;
use crate::yaml::{Node, Schema};

/// What a condition looks for, any of it.
#[derive(Default)]
struct Found {
    patterns: Vec<Pattern>,
    said: Vec<SaidPhrase>,
    lists: Vec<ListName>,
}

impl Reader<'_> {
    /// A condition on a text; expressions and phrases beside each other become two of which one must hold.
    pub(super) fn text(&mut self, field: TextField, value: &Node, path: String) -> Option<Condition> {
        let mut found = Found::default();
        self.patterns(value, &mut found)?;
        let mut any = Vec::new();
        if !found.patterns.is_empty() {
            let wanted = found.patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(" or ");
            any.push(self.add(Predicate { path: path.clone(), wanted, check: Matcher::Text(field, found.patterns) }));
        }
        if !found.said.is_empty() {
            let wanted = found.said.iter().map(|said| said.phrase.as_str()).collect::<Vec<_>>().join(" or ");
            let check = Matcher::Says(field, Said::new(found.said));
            any.push(self.add(Predicate { path: path.clone(), wanted: format!("says {wanted}"), check }));
        }
        if !found.lists.is_empty() {
            any.push(self.listed(ListedField::Text(field), found.lists, path));
        }
        if any.len() > 1 { Some(Condition::Any(any)) } else { any.pop() }
    }

    fn patterns(&mut self, value: &Node, found: &mut Found) -> Option<()> {
        for one in self.each(value, Self::pattern)? {
            found.patterns.extend(one.patterns);
            found.said.extend(one.said);
            found.lists.extend(one.lists);
        }
        Some(())
    }

    fn pattern(&mut self, item: &Node) -> Option<Found> {
        let mut found = Found::default();
        if !is_mapping(item) {
            found.patterns.push(parse_regex(item, self.out)?);
            return Some(found);
        }
        let schema: &'static Schema = &TEXT_PATTERN;
        let fields = item.fields(schema, self.out)?;
        for (key, value) in fields.iter() {
            match key.text() {
                "contains" => found.patterns.extend(self.each(value, |reader, item| {
                    let text = item.non_empty_string(reader.out)?;
                    match Pattern::literal(&text) {
                        Ok(pattern) => Some(pattern),
                        Err(error) => {
                            reader.out.push(Diagnostic::error(code::BAD_REGEX, item, error.message));
                            None
                        }
                    }
                })?),
                "regex" => found.patterns.extend(self.each(value, |reader, item| parse_regex(item, reader.out))?),
                "says" => found.said.extend(self.each(value, |reader, item| read_phrase(item, true, reader.out))?),
                "in" => found.lists.extend(self.each(value, Self::list_name)?),
                "any" => self.patterns(value, &mut found)?,
                _ => return None,
            }
        }
        if fields.iter().count() > 1 {
            let names: Vec<String> = schema.names().map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            let message = format!("one of {names} is needed here, not several");
            let error = Diagnostic::error(code::WRONG_TYPE, item, message);
            self.out.push(error.hint("use a list for any of several texts, or `all` for all of them"));
            return None;
        }
        if found.patterns.is_empty() && found.said.is_empty() && found.lists.is_empty() {
            self.out.push(Diagnostic::error(code::NO_CONDITION, item, "there is nothing to look for"));
            return None;
        }
        Some(found)
    }
}

/// Phrases that a capture looks for.
pub(super) fn captured_phrases(node: &Node, out: &mut Diagnostics) -> Option<Said> {
    let fields = node.fields(&SAYS, out)?;
    let says = fields.required("says", out)?;
    let items = says.list_or_one();
    if items.is_empty() {
        out.push(Diagnostic::error(code::NO_CONDITION, says, "the list is empty, so nothing would ever be found"));
        return None;
    }
    // All are read, so that all mistakes are found.
    let read: Vec<_> = items.iter().map(|item| read_phrase(item, false, out)).collect();
    read.into_iter().collect::<Option<Vec<_>>>().map(Said::new)
}

/// A phrase, its mistake pointed at inside the text. `is_condition`: only whether it is found counts, not what it finds.
fn read_phrase(item: &Node, is_condition: bool, out: &mut Diagnostics) -> Option<SaidPhrase> {
    let text = item.non_empty_string(out)?;
    match RulePhrase::parse(&text) {
        Ok(phrase) => {
            if let Some(word) = phrase.optional_end().filter(|_| is_condition) {
                // The phrase is trimmed, the node's text is not.
                let before = text.len() - text.trim_start().len();
                let at = item.at(before + word.start..before + word.end);
                let message = "the last word is optional here, so it changes nothing";
                let warning = Diagnostic::error(code::OPTIONAL_END, &at, message).lint(false);
                out.push(warning.hint("leave the `?` out: `?` makes a word optional, and is no question mark"));
            }
            let at = item.location();
            let place = format!("{}:{}:{}", at.source.name(), at.span.line, at.span.column);
            Some(SaidPhrase { phrase, place })
        }
        Err(error) => {
            let end = error.range.end.max(error.range.start + 1);
            let found = Diagnostic::error(code::BAD_PHRASE, &item.at(error.range.start..end), error.message);
            out.push(found.hint(error.hint));
            None
        }
    }
}

//! The small grammar that phrases are written in, in the files of the languages and in rules (`says`).
//!
//! | written | found |
//! |---|---|
//! | `remove me` | these words, in this order |
//! | `me\|us` | one of them |
//! | `(my name\|us)` | one of these groups |
//! | `please?`, `(from your list)?` | with it or without |
//! | `unsubscrib*`, `*liste` | a word that begins or ends so |
//! | `…`, `…2` | at most four words between (five in rules), or at most two |
//! | `#`, `@` | a number, a mail address |
//! | `,` | a comma may stand here |
//! | `^`, `.` | the sentence or the line begins here, ends here |
//! | `<write>` | a word of the list `write` in the file; not in rules |
//!
//! Rules are more lenient: `...` is `…`, and `…` passes commas; `don't` finds `dont`, `SOC 2` finds `SOC2`; commas, colons and the like are such as a
//! text may have, a sign that ends a sentence ends it (`no.`), and a sign at a word is looked for (`$100`). What could never be
//! found, or would find something else than it says, is refused.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::{
    normal::normalize,
    words::{Word, WordKind},
};
use super::whole_numbers::words_with_whole_numbers;

mod numbers;
mod word;

/// A phrase, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) node: Node,
    /// Whether it counts only where a sentence or a line begins.
    pub(super) begins: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Word(Pattern),
    /// Any word.
    Any,
    /// What follows may have a comma before it.
    Comma,
    /// A sentence or a line ends here. Nothing follows.
    End,
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Optional(Box<Node>),
}

/// What a single word must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Pattern {
    Exactly(String),
    BeginsWith(String),
    EndsWith(String),
    Number,
    Address,
}

/// How many words `…` stands for at most, where no number says it: in the files of the languages, and in rules.
const GAP: usize = 4;
const RULE_GAP: usize = 5;
const MAX_GAP: usize = 9;
const MAX_DEPTH: usize = 8;

/// The named lists of a file.
pub(super) type Lists = BTreeMap<String, Vec<String>>;

/// What is wrong with a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    /// In words for the person who wrote it.
    pub(super) message: String,
    /// What to write instead.
    pub(super) hint: &'static str,
    /// Where it is, in bytes of the phrase's normal form.
    pub(super) range: Range<usize>,
}

/// Reads a phrase of a rule, in its normal form.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn parse_rule_phrase(normal: &str) -> Result<Phrase, Mistake> {
    // Three bytes either way.
    read(&normal.replace("...", "…"), None)
}

/// Reads a phrase in its normal form; one of a language's file has the lists of that file.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn read(text: &str, lists: Option<&Lists>) -> Result<Phrase, Mistake> {
    let is_rule = lists.is_none();
    let mut rest = text.trim_start();
    let begins = match rest.strip_prefix('^') {
        Some(after) if is_rule || after.starts_with(' ') => {
            rest = after.trim_start();
            true
        }
        _ => false,
    };
    // So far only the beginning was taken off.
    let start = text.len() - rest.len();
    rest = rest.trim_end();
    let ends = rest.strip_suffix(" .").map(|before| rest = before.trim_end()).is_some();
    let end = start + rest.len();
    let numbers = if is_rule { spread_numbers(text) } else { Vec::new() };
    let mut parser = Parser { whole: text, rest, end, lists, numbers, depth: 0, sentence_end: None };
    let whole = parser.at()..end;
    let without_number = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    for (is_it, range) in [
        (rest.starts_with('…'), whole.start..whole.start + '…'.len_utf8()),
        (without_number.ends_with('…'), whole.start + without_number.len().saturating_sub('…'.len_utf8())..end),
    ] {
        if is_it {
            let message = if is_rule { "`…` stands between two words".to_owned() } else { between(rest) };
            let hint = "leave it out: a phrase is found anywhere in the text";
            return Err(Mistake { message, hint, range });
        }
    }
    let mut node = parser.sequence(false)?;
    if !parser.rest.is_empty() {
        return Err(parser.mistake(1, "a `)` without its `(`", "alternatives stand in brackets: `(yes|sure)`"));
    }
    if is_empty(&node) {
        let (written, hint) = match (text.trim(), rest.trim()) {
            ("", _) => ("the phrase is empty".to_owned(), "write the words to look for"),
            (alone, "") => {
                (format!("`{alone}` has no word behind it"), "name the word that the sentence or the line begins with")
            }
            (_, rest) => (
                format!("`{rest}` would be found everywhere: it needs a word that must be there"),
                "a part with `?` may be absent; name at least one word without it",
            ),
        };
        let range = if whole.is_empty() { 0..text.len() } else { whole };
        return Err(Mistake { message: written, hint, range });
    }
    if ends {
        node = Node::Sequence(vec![node, Node::End]);
    }
    Ok(Phrase { node, begins })
}

/// Where the numbers of a rule's phrase are that may have commas or spaces within: `1,500`, `10 000`.
fn spread_numbers(text: &str) -> Vec<Range<usize>> {
    // The number of `…2` is none of the phrase's.
    let mut is_of_gap = false;
    let mask = |c: char| {
        is_of_gap = c == '…' || is_of_gap && c.is_ascii_digit();
        if is_of_gap && c != '…' { 'x' } else { c }
    };
    let masked: String = text.chars().map(mask).collect();
    let words = words_with_whole_numbers(&masked);
    let numbers = words.iter().filter(|word| matches!(word.kind, WordKind::Number | WordKind::CodeNumber));
    let ranges = numbers.map(Word::range);
    ranges.filter(|range| masked.get(range.clone()).is_some_and(|number| number.contains([',', ' ']))).collect()
}

fn between(text: &str) -> String {
    format!("`{}`: words between stand between two others", text.trim())
}

// Whether nothing at all would be a case of it, or only gaps.
fn is_empty(node: &Node) -> bool {
    match node {
        Node::Word(_) => false,
        Node::Any | Node::Comma | Node::End | Node::Optional(_) => true,
        Node::Sequence(nodes) => nodes.iter().all(is_empty),
        Node::Choice(nodes) => nodes.iter().any(is_empty),
    }
}

struct Parser<'t> {
    whole: &'t str,
    rest: &'t str,
    /// Where `rest` ends in the whole text.
    end: usize,
    /// The lists of the file; none in a rule.
    lists: Option<&'t Lists>,
    /// Where numbers are that signs or spaces are part of, in the whole text of a rule.
    numbers: Vec<Range<usize>>,
    depth: usize,
    /// Where a sentence ended: in a rule nothing can follow.
    sentence_end: Option<Range<usize>>,
}

impl Parser<'_> {
    fn at(&self) -> usize {
        self.end - self.rest.len()
    }

    fn is_rule(&self) -> bool {
        self.lists.is_none()
    }

    /// A mistake in the next so many bytes.
    fn mistake(&self, length: usize, message: impl Into<String>, hint: &'static str) -> Mistake {
        let start = self.at();
        let end = self.whole.ceil_char_boundary((start + length).min(self.end));
        Mistake { message: message.into(), hint, range: start..end }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn sequence(&mut self, in_group: bool) -> Result<Node, Mistake> {
        let mut nodes = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next() {
                None | Some(')') => break,
                Some('|') if in_group => break,
                Some(_) => nodes.push(self.choice(in_group)?),
            }
        }
        if self.is_rule() {
            nodes = numbers::together_and_apart(nodes);
        }
        Ok(match <[Node; 1]>::try_from(nodes) {
            Ok([node]) => node,
            Err(nodes) => Node::Sequence(nodes),
        })
    }

    // `me|us`; within a group the bar separates whole sequences.
    fn choice(&mut self, in_group: bool) -> Result<Node, Mistake> {
        let mut nodes = vec![self.element()?];
        while !in_group && let Some(rest) = self.rest.strip_prefix('|') {
            self.rest = rest;
            nodes.push(self.element()?);
        }
        Ok(if nodes.len() > 1 { Node::Choice(nodes) } else { nodes.pop().unwrap_or(Node::Comma) })
    }

    fn element(&mut self) -> Result<Node, Mistake> {
        if let Some(range) = self.sentence_end.take() {
            let sign = self.whole.get(range.clone()).unwrap_or_default();
            let message = format!("a sentence ends at `{sign}`, and a phrase stands within one sentence");
            return Err(Mistake { message, hint: "write two phrases, or leave the sign out", range });
        }
        let first = self.rest.chars().next();
        let node = match first {
            Some('(') => self.group()?,
            Some('…') => self.gap()?,
            Some(',') => {
                self.skip(1);
                Node::Comma
            }
            Some('<') if !self.is_rule() => self.list()?,
            _ => self.word()?,
        };
        let optional = self.rest.strip_prefix('?');
        if self.is_rule() && !matches!(first, Some('…' | ',')) {
            self.check_glued(optional.unwrap_or(self.rest), first == Some('('), optional.is_some())?;
        }
        if let Some(rest) = optional {
            self.rest = rest;
            return Ok(Node::Optional(Box::new(node)));
        }
        Ok(node)
    }

    /// Refuses what is written for a part of a word: a phrase is made of whole words.
    fn check_glued(&self, next: &str, is_group: bool, is_optional: bool) -> Result<(), Mistake> {
        let goes_on = next.starts_with('(') || (is_group || is_optional) && next.starts_with(char::is_alphanumeric);
        if !goes_on {
            return Ok(());
        }
        Err(match (is_group, is_optional) {
            (false, true) => {
                let hint = "write both words: `(color|colour)`; between two words put a space";
                self.mistake(1, "`?` makes the whole word before it optional, not a letter of it", hint)
            }
            _ => {
                let hint = "write the words out: `(cost|costs)`, or `cost*` for all that begin so; between two words put a space";
                self.mistake(1, "a bracket holds whole words, and no part of one", hint)
            }
        })
    }

    fn group(&mut self) -> Result<Node, Mistake> {
        let open = self.mistake(1, "a `(` without its `)`", "close the alternatives: `(yes|sure)`");
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let hint = "write several phrases instead";
            return Err(self.mistake(1, "more than eight brackets within each other", hint));
        }
        let (mut nodes, mut sentence_end) = (Vec::new(), None);
        loop {
            self.skip(1);
            self.sentence_end = None;
            nodes.push(self.sequence(true)?);
            sentence_end = sentence_end.or(self.sentence_end.take());
            let closes = match self.rest.chars().next() {
                Some('|') => false,
                Some(')') => true,
                _ => return Err(open),
            };
            if self.is_rule() && matches!(nodes.last(), Some(Node::Sequence(empty)) if empty.is_empty()) {
                let hint = "name each of them: `(yes|sure)`; what may be absent has a `?`: `(yes|sure)?`";
                return Err(self.mistake(1, "there is nothing before this sign", hint));
            }
            if closes {
                break;
            }
        }
        self.sentence_end = sentence_end;
        self.skip(1);
        self.depth -= 1;
        Ok(if nodes.len() > 1 { Node::Choice(nodes) } else { nodes.pop().unwrap_or(Node::Comma) })
    }

    fn gap(&mut self) -> Result<Node, Mistake> {
        let digits = self.rest.chars().skip(1).take_while(char::is_ascii_digit).count();
        let length = '…'.len_utf8() + digits;
        let most = match self.rest.get('…'.len_utf8()..length).filter(|digits| !digits.is_empty()) {
            Some(digits) => digits.parse().unwrap_or(usize::MAX),
            None if self.is_rule() => RULE_GAP,
            None => GAP,
        };
        if !(1..=MAX_GAP).contains(&most) {
            return Err(self.mistake(length, "`…` takes a number from 1 to 9", "write for example `…3`"));
        }
        self.skip(length);
        // At most three words: none, or one and at most two.
        let any = || if self.is_rule() { vec![Node::Any, Node::Comma] } else { vec![Node::Any] };
        let mut node = Node::Optional(Box::new(sequence_of(any())));
        for _ in 1..most {
            let mut nodes = any();
            nodes.push(node);
            node = Node::Optional(Box::new(Node::Sequence(nodes)));
        }
        Ok(if self.is_rule() { Node::Sequence(vec![Node::Comma, node]) } else { node })
    }

    fn list(&mut self) -> Result<Node, Mistake> {
        let hint = "write the alternatives in brackets: `(yes|sure)`";
        let Some(lists) = self.lists else { return self.word() };
        let Some((name, rest)) = self.rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) else {
            return Err(self.mistake(1, "a `<` without its `>`", hint));
        };
        let length = name.len() + 2;
        let Some(entries) = lists.get(name) else {
            return Err(self.mistake(length, format!("there is no list `{name}` in `words`"), hint));
        };
        let mut nodes = Vec::new();
        for entry in entries {
            let normal = normalize(entry.trim());
            let rest = normal.as_str();
            let (end, depth) = (rest.len(), self.depth + 1);
            let numbers = Vec::new();
            let mut parser = Parser { whole: rest, rest, end, lists: self.lists, numbers, depth, sentence_end: None };
            if parser.depth > MAX_DEPTH {
                return Err(self.mistake(length, format!("the list `{name}` contains itself"), hint));
            }
            nodes.push(parser.sequence(false)?);
        }
        if nodes.is_empty() {
            return Err(self.mistake(length, format!("the list `{name}` is empty"), hint));
        }
        self.rest = rest;
        Ok(Node::Choice(nodes))
    }
}

fn sequence_of(mut nodes: Vec<Node>) -> Node {
    if nodes.len() == 1 { nodes.pop().unwrap_or(Node::Comma) } else { Node::Sequence(nodes) }
}

/// A word as phrases compare it: lower case, the final sigma like any other, no dot over a Turkish i, no hyphen.
pub(in crate::text) fn spell(word: &str) -> String {
    let lower = word.chars().flat_map(char::to_lowercase);
    lower.filter(|c| !matches!(c, '\u{307}' | '-')).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

#[cfg(test)]
mod tests;

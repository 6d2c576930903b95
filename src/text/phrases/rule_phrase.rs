//! Phrases of rules: read with their mistakes, and looked for together.

use super::{
    automaton::{Automaton, Found},
    builder::Builder,
    grammar::{self, Node, Pattern},
    signs,
    whole_numbers::words_with_whole_numbers,
};
use crate::text::{normal::normalize, words::Word};
use std::{ops::Range, sync::Arc};

/// No phrase is longer, in bytes.
const MAX_LEN: usize = 2_000;
/// What one phrase may be made of: places for words, and steps from one to the next.
const MAX_STEPS: usize = 6_000;

/// A phrase of a rule, as `says` takes it; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePhrase(Arc<Read>);

#[derive(Debug, PartialEq, Eq)]
struct Read {
    written: String,
    phrase: grammar::Phrase,
}

/// What is wrong with a phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PhraseError {
    /// In one line.
    pub message: String,
    /// What to write instead.
    pub hint: &'static str,
    /// Where, in bytes of the phrase as written.
    pub range: Range<usize>,
}

impl RulePhrase {
    /// Reads a phrase.
    ///
    /// # Errors
    /// It is none, could never be found or always would be, or is too large.
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        let too_large = || PhraseError {
            message: "the phrase has too many words and alternatives".to_owned(),
            hint: "write several phrases in a list instead",
            range: 0..text.len(),
        };
        if text.len() > MAX_LEN {
            return Err(PhraseError {
                message: format!("the phrase is longer than {MAX_LEN} bytes"),
                hint: "a phrase is some words that stand together; write several of them in a list",
                range: 0..text.len(),
            });
        }
        let normal = normalize(text);
        let read = grammar::parse_rule_phrase(normal.as_str()).map_err(|mistake| PhraseError {
            message: mistake.message,
            hint: mistake.hint,
            range: normal.original_range(mistake.range),
        })?;
        let mut builder = Builder::default();
        builder.add(&read, false);
        if builder.steps() > MAX_STEPS {
            return Err(too_large());
        }
        Ok(Self(Arc::new(Read { written: text.trim().to_owned(), phrase: read })))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0.written
    }

    /// The last word, if it is written as one that may be absent: it changes nothing there, and a question mark is often
    /// meant for the reader.
    pub fn optional_end(&self) -> Option<Range<usize>> {
        let written = self.as_str();
        let bare = written.strip_suffix('?')?;
        let start = bare.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’' | '-')))?;
        let word = start + bare.get(start..)?.chars().next().map_or(0, char::len_utf8);
        (word < bare.len()).then_some(word..written.len())
    }

    /// Whether it surely is found wherever another one is.
    pub fn is_found_with(&self, narrow: &Self) -> bool {
        let (wide, narrow) = (&self.0.phrase, &narrow.0.phrase);
        if wide == narrow {
            return true;
        }
        if wide.begins {
            return false;
        }
        let (part, whole) = (items(&wide.node), items(&narrow.node));
        whole.windows(part.len()).any(|window| part.iter().zip(window).all(|(wide, narrow)| covers(wide, narrow)))
    }
}

fn items(node: &Node) -> &[Node] {
    match node {
        Node::Sequence(nodes) => nodes,
        one => std::slice::from_ref(one),
    }
}

/// Whether all that is found by `narrow` is by `wide`, word for word.
fn covers(wide: &Node, narrow: &Node) -> bool {
    if wide == narrow {
        return true;
    }
    match (wide, narrow) {
        (wide, Node::Choice(all)) => all.iter().all(|narrow| covers(wide, narrow)),
        (Node::Choice(any), narrow) => any.iter().any(|wide| covers(wide, narrow)),
        (Node::Word(Pattern::BeginsWith(start)), Node::Word(Pattern::Exactly(word) | Pattern::BeginsWith(word))) => {
            word.is_ascii() && word.starts_with(start.as_str())
        }
        (Node::Sequence(left), Node::Sequence(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| covers(left, right))
        }
        _ => false,
    }
}

/// Some phrases, ready to be looked for in one pass.
#[derive(Debug)]
pub struct PhraseFinder {
    automaton: Automaton,
    /// By phrase: whether its first word may have a sign before it, and its last word signs behind it.
    signs: Vec<(bool, bool)>,
}

/// Where a phrase was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhraseMatch {
    /// Its place among the phrases.
    pub phrase: u32,
    /// From its first word to its last, in bytes of the text.
    pub range: Range<usize>,
}

impl PhraseFinder {
    /// Of these phrases.
    pub fn new<'p>(phrases: impl IntoIterator<Item = &'p RulePhrase>) -> Self {
        let mut builder = Builder::default();
        let mut signs = Vec::new();
        for phrase in phrases {
            builder.add(&phrase.0.phrase, false);
            signs.push(ends_in_signs(&phrase.0.phrase.node));
        }
        Self { automaton: Automaton::new(builder.finish()), signs }
    }

    /// How many phrases there are.
    pub fn len(&self) -> usize {
        self.signs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.signs.is_empty()
    }

    /// Each phrase that is in a text in its normal form, once: where it begins first and ends last; by where they begin. It
    /// takes as long as the text is, however often the phrases are in it.
    pub fn find(&self, normal: &str) -> Vec<PhraseMatch> {
        let words = words_with_whole_numbers(normal);
        let place = |word: u32| words.get(word as usize).map(Word::range).unwrap_or_default();
        let range = |found: &Found| {
            let (before, behind) = self.signs.get(found.phrase as usize).copied().unwrap_or_default();
            let (first, last) = (place(found.first), place(found.last));
            let start = if before { signs::start_with_sign(normal, first.start) } else { first.start };
            start..if behind { signs::end_with_signs(normal, last.end) } else { last.end }
        };
        let found = self.automaton.find_first(normal, &words);
        found.iter().map(|found| PhraseMatch { phrase: found.phrase, range: range(found) }).collect()
    }
}

/// Whether a part of a phrase may begin with a sign, and end with one.
fn ends_in_signs(node: &Node) -> (bool, bool) {
    match node {
        Node::Word(Pattern::Exactly(word) | Pattern::BeginsWith(word) | Pattern::EndsWith(word)) => {
            let is_sign = |c: Option<char>| c.is_some_and(signs::is_sign);
            (is_sign(word.chars().next()), is_sign(word.chars().next_back()))
        }
        Node::Word(Pattern::Number | Pattern::Address) | Node::Any | Node::Comma | Node::End => (false, false),
        Node::Optional(inner) => ends_in_signs(inner),
        Node::Choice(nodes) => {
            let each = nodes.iter().map(ends_in_signs);
            each.fold((false, false), |any, one| (any.0 || one.0, any.1 || one.1))
        }
        Node::Sequence(nodes) => {
            // What may be absent leaves its place to the next.
            let is_there = |node: &&Node| !matches!(node, Node::Comma | Node::End | Node::Optional(_));
            let mut first = nodes.iter().take(1 + nodes.iter().take_while(|node| !is_there(node)).count());
            let mut last = nodes.iter().rev().take(1 + nodes.iter().rev().take_while(|node| !is_there(node)).count());
            (first.any(|node| ends_in_signs(node).0), last.any(|node| ends_in_signs(node).1))
        }
    }
}

#[cfg(test)]
mod tests;

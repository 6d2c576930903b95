//! Phrases of rules: read with their mistakes, and looked for together.

use super::{
    automaton::{Automaton, Found},
    builder::Builder,
    grammar::{self, Node, Pattern},
    signs,
};
use crate::text::{
    normal::normalize,
    words::{Word, words},
};
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
            return Err(too_large());
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
        let words = words(normal);
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
mod tests {
    use super::*;

    fn found(phrase: &str, text: &str) -> Vec<String> {
        let phrase = RulePhrase::parse(phrase).unwrap();
        let (mut all, mut rest) = (Vec::new(), text);
        loop {
            let normal = normalize(rest);
            let Some(found) = PhraseFinder::new([&phrase]).find(normal.as_str()).into_iter().next() else { return all };
            let range = normal.original_range(found.range);
            all.push(rest[range.clone()].to_owned());
            rest = &rest[range.end..];
        }
    }

    #[test]
    fn phrases_of_rules_are_found() {
        for (phrase, text, expected) in [
            (
                "(yes|sure|happy|let's) … (call|demo|meeting|chat)",
                "Sure, let’s have a call.",
                vec!["Sure, let’s have a call"],
            ),
            ("(yes|sure) ... (call|demo)", "YES please,\nlet us do a\ndemo", vec!["YES please,\nlet us do a\ndemo"]),
            ("(yes|sure)...call", "sure call", vec!["sure call"]),
            ("yes … call", "yes a b c d e call", vec!["yes a b c d e call"]),
            ("yes … call", "yes a b c d e f call", vec![]),
            ("yes … call", "Yes. A call", vec![]),
            ("yes … call", "yes\n\na call", vec![]),
            ("yes …2 call", "yes a b c call, yes a, b, call", vec!["yes a, b, call"]),
            ("how much … (cost*|charge)", "How much does it all cost?", vec!["How much does it all cost"]),
            ("how much … (cost*|charge)", "how much would be the costs", vec!["how much would be the costs"]),
            ("don't need", "we dont need, don’t need, don t need", vec!["dont need", "don’t need", "don t need"]),
            ("we'll … talk", "Well talk to them", vec![]),
            ("follow-up", "a followup, a follow up, a follow-up", vec!["followup", "follow up", "follow-up"]),
            ("how much?", "how few", vec!["how"]),
            ("no, thanks", "No thanks. No, thanks", vec!["No thanks", "No, thanks"]),
            ("no thanks", "No, thanks", vec![]),
            ("price: list", "the price: list", vec!["price: list"]),
            ("and/or", "and/or and or", vec!["and/or", "and or"]),
            ("cuánto cuesta", "Cuanto cuesta? cuánto cuesta", vec!["Cuanto cuesta", "cuánto cuesta"]),
            ("sounds good.", "Sounds good to me. That sounds good!", vec!["sounds good"]),
            ("no!", "no problem", vec![]),
            ("(no.|no thanks) ", "no problem, no thanks", vec!["no thanks"]),
            ("yes please?.", "yes, please. Yes please do. Yes!", vec!["Yes"]),
            ("call at # p.m.", "A call at 5 p.m. is fine", vec!["call at 5 p.m"]),
            ("no. #", "see no. 5", vec!["no. 5"]),
            ("^stop .", "stop! please stop it", vec!["stop"]),
            ("^ stop", "Hi Sam,\nstop", vec!["stop"]),
            ("^ stop", "Hi Sam, stop", vec![]),
            ("^ stop", "My answer:\n- stop", vec!["stop"]),
            ("^ stop", "This is what we have to say to you about it, in a word:\nstop", vec!["stop"]),
            ("^ stop", "This line is so long that a program may have broken it,\nstop", vec![]),
            ("yes .", "Yes,\nSam", vec!["Yes"]),
            ("(lista|listado) de precios", "¿Me envía la lista\nde precios?", vec!["lista\nde precios"]),
            ("见面", "我们见面吧", vec!["见面"]),
            ("under $500", "under 500, under €500, under $500", vec!["under $500"]),
            ("under 500", "under $500", vec!["under $500"]),
            ("$500", "500 or $ 500", vec!["$ 500"]),
            ("$1,000", "for $1,000 now", vec!["$1,000"]),
            ("$1.50", "1.50, $1.50", vec!["$1.50"]),
            ("$#", "5 seats for $1200", vec!["$1200"]),
            ("€100", "100 €, €100", vec!["€100"]),
            ("100€", "€100, 100 €", vec!["100 €"]),
            ("50%", "50 seats, 50% off", vec!["50%"]),
            ("50%", "50 seats, 50 % off", vec!["50 %"]),
            ("#% off", "50 off, 15% off", vec!["15% off"]),
            ("c++", "C or C++?", vec!["C++"]),
            ("c#", "C++ and C#", vec!["C#"]),
            ("c", "C++", vec!["C"]),
            ("#1", "1 of 2, the #1", vec!["#1"]),
            ("+49", "49, +49 30", vec!["+49"]),
            ("# seats", "50+ seats", vec!["50+ seats"]),
            ("50+ seats", "50 seats, 50+ seats", vec!["50+ seats"]),
            ("costs #", "it costs $500", vec!["costs $500"]),
            ("Q & A", "a Q&A", vec!["Q&A"]),
            ("Q&A", "a Q & A", vec!["Q & A"]),
            ("say \"yes\"", "say yes", vec!["say yes"]),
            ("\"yes", "yes", vec!["yes"]),
            ("price : list", "price: list", vec!["price: list"]),
            ("(we|they)'re in", "we’re in", vec!["we’re in"]),
            ("SOC 2", "SOC2, soc 2, SOC-2, SOC2s, SOC 22", vec!["SOC2", "soc 2", "SOC-2"]),
            ("soc2", "SOC2, soc 2, SOC-2, SOC, 2", vec!["SOC2", "soc 2", "SOC-2"]),
            ("SOC-2 report", "the SOC2 report", vec!["SOC2 report"]),
            (
                "ISO 27001 certif*",
                "ISO27001 certified, ISO 27001 certificate",
                vec!["ISO27001 certified", "ISO 27001 certificate"],
            ),
            ("ISO 27001", "ISO 27,001", vec![]),
            ("call at 3 pm", "a call at 3pm, call at 3 pm", vec!["call at 3pm", "call at 3 pm"]),
            ("(3pm|noon)", "3 pm or noon", vec!["3 pm", "noon"]),
            ("24 x 7", "24x7, 24 x 7, 24x 7", vec!["24x7", "24 x 7", "24x 7"]),
            ("24/7", "24/7, 24 / 7, 24 7, 247", vec!["24/7", "24 / 7", "24 7"]),
            ("Q3", "Q3 or Q 3", vec!["Q3"]),
            ("Q 3", "Q3 or Q 3", vec!["Q3", "Q 3"]),
            ("A1", "do we need a 1 hour call", vec![]),
            ("1st", "1 St. James Street, the 1st", vec!["1st"]),
            ("top 10?", "the top10", vec![]),
            ("soc2*", "soc 2", vec![]),
            ("1 a 2 b 3", "1 a 2 b 3, 1a2b3", vec!["1 a 2 b 3"]),
            ("(lista|listado)…precios", "lista de precios", vec!["lista de precios"]),
        ] {
            assert_eq!(found(phrase, text), expected, "{phrase} in {text}");
        }
    }

    #[test]
    fn a_mistake_is_told_where_it_is() {
        for (phrase, part, message) in [
            ("(yes|sure … call", "(", "without its `)`"),
            ("yes) call", ")", "without its `(`"),
            ("… call", "…", "between two words"),
            ("let’s … call...", "...", "between two words"),
            ("yes …12 call", "…12", "1 to 9"),
            ("(yes|) call", ")", "nothing before"),
            ("(|yes) call", "|", "nothing before"),
            (r"yes \bcall", "\\", "no meaning"),
            ("ca[nl]l", "[", "no meaning"),
            ("yes <call>", "<", "no meaning"),
            ("more than >50", ">", "no meaning"),
            ("~50", "~", "no meaning"),
            ("stop ^ it", "^", "no meaning"),
            ("call$", "$", "at an amount"),
            ("$call", "$", "at an amount"),
            ("off %", "%", "stands alone"),
            ("50%%%%", "%", "at no number"),
            ("mail @acme", "@", "any mail address"),
            ("yes * call", "*", "no word"),
            ("a.*b", "a.*b", "no word"),
            ("(call|demo)*", "*", "no word"),
            ("(call|demo)+", "+", "stands alone"),
            ("cost ?", "?", "no word before"),
            ("yes | no", "|", "no word beside"),
            ("colou?r", "?", "not a letter"),
            ("(un)?subscribe", "?", "no part of one"),
            ("cost(s|ing)?", "(", "no part of one"),
            ("re(call)", "(", "no part of one"),
            ("a . b", ".", "a sentence ends at `.`"),
            ("no. thanks", ".", "a sentence ends at `.`"),
            ("(no.|nope) thanks", ".", "a sentence ends at `.`"),
            ("Yes! Let’s talk", "!", "a sentence ends at `!`"),
            ("yes.Then", "yes.Then", ""),
            (".", ".", "everywhere"),
            ("-", "-", "everywhere"),
            ("please?", "please?", "everywhere"),
            ("mail jane@acme.example", "jane@acme.example", "an address"),
            ("👍", "👍", "no word"),
            ("", "", "everywhere"),
        ] {
            match RulePhrase::parse(phrase) {
                Ok(_) => assert!(message.is_empty(), "{phrase}"),
                Err(error) => {
                    assert!(error.message.contains(message) && !message.is_empty(), "{phrase}: {error}");
                    assert_eq!(&phrase[error.range.clone()], part, "{phrase}: {error:?}");
                }
            }
        }
        assert!(RulePhrase::parse(&"a? ".repeat(400)).is_err());
        assert!(RulePhrase::parse(&format!("{} b", "a? ".repeat(200))).is_err());
        assert_eq!(RulePhrase::parse("what does it cost?").unwrap().optional_end(), Some(13..18));
        assert_eq!(RulePhrase::parse("price (list)?").unwrap().optional_end(), None);
    }

    #[test]
    fn one_phrase_is_found_wherever_another_is() {
        for (wide, narrow, expected) in [
            ("call", "a call", true),
            ("call*", "a calls us", true),
            ("(call|demo)", "book … demo", true),
            ("call", "(call|demo)", false),
            ("(demo|call|chat)", "(call|demo)", true),
            ("a call", "call", false),
            ("^ call", "call", false),
            ("call", "^ call", true),
            ("call", "call?  me", false),
            ("SOC 2", "our SOC 2 report", true),
            ("SOC", "SOC 2", false),
        ] {
            let [wide, narrow] = [wide, narrow].map(|text| RulePhrase::parse(text).unwrap());
            assert_eq!(wide.is_found_with(&narrow), expected, "{wide:?} {narrow:?}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// No text makes it panic; a mistake is within the phrase; and what is all words finds itself.
        #[test]
        fn any_text_is_a_phrase_or_a_mistake(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "a", "b", "é", "’", "don’t", " ", " ", "(", ")", "|", "?", "…", "...", "*", "^", ".", ",", "#", "@", "<", "a@b.c",
                "见", "\u{200b}", "-", "1", "/", "!", "$", "%", "+", "&", "\"", ":", "~", "=",
            ]), 0..14),
        ) {
            let text = parts.concat();
            match RulePhrase::parse(&text) {
                Err(error) => proptest::prop_assert!(text.get(error.range.clone()).is_some(), "{error:?}"),
                Ok(phrase) => {
                    let plain = !text.contains(['(', '|', '?', '…', '*', '^', '#', '@', '.', '!']);
                    let normal = normalize(&text);
                    let found = PhraseFinder::new([&phrase]).find(normal.as_str());
                    proptest::prop_assert!(!plain || !found.is_empty(), "{phrase:?}");
                }
            }
        }
    }
}

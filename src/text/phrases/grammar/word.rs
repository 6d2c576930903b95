//! The words of a phrase, and the signs between and at them.

use super::Mistake;
use super::{Node, Parser, Pattern, sequence_of};
use crate::text::phrases::signs::{MAX_BEHIND, is_before, is_behind, is_sign};
use crate::text::phrases::whole_numbers::{number_parts, spell_word, words_with_whole_numbers};
use crate::text::words::{Gap, Word, WordKind, words};
use std::ops::Range;

/// A piece of a phrase without spaces, read together with what is around it.
struct Piece<'t> {
    /// As written.
    written: &'t str,
    /// Without the `*` at its ends.
    bare: &'t str,
    /// What its words are read in.
    around: String,
    words: Vec<Word>,
    /// Whether what stands behind the last word ends a sentence.
    last_gap: Gap,
    begins_with: bool,
    ends_with: bool,
}

impl<'t> Piece<'t> {
    fn of(written: &'t str, next: &str, is_rule: bool) -> Self {
        let (bare, ends_with) = written.strip_prefix('*').map_or((written, false), |bare| (bare, true));
        let (bare, begins_with) = bare.strip_suffix('*').map_or((bare, false), |bare| (bare, true));
        // What follows tells whether a full stop ends a sentence; `#` is a number.
        let next: String = next.chars().take(1).filter(|c| c.is_alphanumeric() || *c == '#').collect();
        // Behind a number with spaces stands none that would be part of it.
        let next = if bare.contains(' ') { String::new() } else { next.replace('#', "1") };
        let around = format!("x {bare} {}", if next.is_empty() { "x" } else { &next });
        let mut found = if is_rule { words_with_whole_numbers(&around) } else { words(&around) };
        let last_gap = found.pop().map_or(Gap::Space, |word| word.gap);
        let inner = found.split_off(found.len().min(1));
        Self { written, bare, around, words: inner, last_gap, begins_with, ends_with }
    }

    fn text(&self, range: Range<usize>) -> &str {
        self.around.get(range).unwrap_or_default()
    }

    /// The signs before each word and behind it; or the first sign that belongs to none.
    fn signs(&self) -> Result<Vec<(String, String)>, char> {
        const START: usize = 2;
        let mut all: Vec<(String, String)> = vec![Default::default(); self.words.len()];
        let end = START + self.bare.len();
        for at in 0..=self.words.len() {
            let before = at.checked_sub(1).and_then(|at| self.words.get(at));
            let after = self.words.get(at);
            let from = before.map_or(START, |word| word.end as usize);
            let mut between = self.text(from..after.map_or(end, |word| word.start as usize));
            if let Some((word, sign)) = after.zip(between.chars().next_back())
                && is_before(sign, word.kind == WordKind::Number)
                && let (Some(signs), Some(rest)) = (all.get_mut(at), between.strip_suffix(sign))
            {
                signs.0.push(sign);
                between = rest;
            }
            if let Some(word) = before {
                let is_own = |c: char| !is_behind(c, word.kind == WordKind::Number);
                let (own, rest) =
                    between.split_at_checked(between.find(is_own).unwrap_or(between.len())).unwrap_or_default();
                if let Some(sign) = own.chars().nth(MAX_BEHIND) {
                    return Err(sign);
                }
                if let Some(signs) = at.checked_sub(1).and_then(|at| all.get_mut(at)) {
                    signs.1.push_str(own);
                }
                between = rest;
            }
            if let Some(sign) = between.chars().find(|c| is_sign(*c)) {
                return Err(sign);
            }
        }
        Ok(all)
    }
}

impl Parser<'_> {
    pub(super) fn word(&mut self) -> Result<Node, Mistake> {
        let is_rule = self.is_rule();
        let end = self.word_end();
        let (written, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        if matches!(written, "#" | "@") {
            self.rest = rest;
            return Ok(Node::Word(if written == "#" { Pattern::Number } else { Pattern::Address }));
        }
        if is_rule {
            self.check_signs(written)?;
            if let Some(node) = self.sign_alone(written) {
                self.rest = rest;
                return Ok(node);
            }
        }
        let piece = Piece::of(written, rest.trim_start(), is_rule);
        let spelt: Vec<String> = piece.words.iter().map(|word| spell_word(&piece.around, word)).collect();
        let (bare, begins_with, ends_with) = (piece.bare, piece.begins_with, piece.ends_with);
        let last = spelt.len().saturating_sub(1);
        if spelt.is_empty() || bare.contains('*') || ends_with && (begins_with || last > 0) {
            return Err(self.no_word(&piece));
        }
        if is_rule && piece.words.iter().any(|word| matches!(word.kind, WordKind::Address | WordKind::Link)) {
            let is_link = piece.words.iter().all(|word| word.kind != WordKind::Address);
            let (what, hint) = if is_link {
                ("a link", "use `contains` for it, in a list of its own beside the phrases")
            } else {
                ("an address", "use `contains` for it; in a phrase `@` is any mail address")
            };
            return Err(self.mistake(end, format!("`{written}` is {what}, and not made of words"), hint));
        }
        let signs = if is_rule { self.signs_of(&piece)? } else { vec![Default::default(); spelt.len()] };
        let mut nodes = Vec::new();
        for (index, ((part, word), (before, behind))) in spelt.iter().zip(&piece.words).zip(&signs).enumerate() {
            if is_rule && word.gap == Gap::Comma {
                nodes.push(Node::Comma);
            }
            if is_rule && index > 0 && word.gap > Gap::Comma {
                let hint = "write two phrases, or leave the sign out";
                return Err(self.mistake(end, "a sentence ends here, and a phrase stands within one sentence", hint));
            }
            let part = format!("{before}{part}{behind}");
            nodes.push(match (ends_with, begins_with && index == last) {
                (true, _) => Node::Word(Pattern::EndsWith(part)),
                (_, true) => Node::Word(Pattern::BeginsWith(part)),
                _ if is_rule && before.is_empty() && behind.is_empty() && word.kind == WordKind::Number => {
                    number(part, piece.text(word.range()))
                }
                _ => match contraction(&part).filter(|_| is_rule && spelt.len() == 1) {
                    Some(words) => Node::Choice(vec![Node::Word(Pattern::Exactly(part)), words]),
                    None => Node::Word(Pattern::Exactly(part)),
                },
            });
        }
        let mut node = sequence_of(nodes);
        if is_rule {
            if let Some(joined) = joined(bare, &spelt) {
                let joined = if begins_with { Pattern::BeginsWith(joined) } else { Pattern::Exactly(joined) };
                node = Node::Choice(vec![node, Node::Word(joined)]);
            }
            match piece.last_gap {
                Gap::Comma => node = Node::Sequence(vec![node, Node::Comma]),
                gap if gap > Gap::Comma => {
                    let end = self.at() + end;
                    self.sentence_end = Some(end.saturating_sub(1)..end);
                    node = Node::Sequence(vec![node, Node::End]);
                }
                _ => {}
            }
        }
        self.rest = rest;
        Ok(node)
    }

    /// Where the piece ends that begins here: at a space or a sign between words that is within no number.
    fn word_end(&self) -> usize {
        let is_rule = self.is_rule();
        let ends_word =
            |c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')' | '?' | ',' | '…') || c == '<' && !is_rule;
        let end_from = |from: usize| {
            let rest = self.rest.get(from..).unwrap_or_default();
            from + rest.find(ends_word).unwrap_or(rest.len())
        };
        let (at, mut end) = (self.at(), end_from(0));
        for number in &self.numbers {
            if (at..at + end).contains(&number.start) && number.end > at + end {
                end = end_from(number.end - at);
            }
        }
        end
    }

    fn no_word(&self, piece: &Piece<'_>) -> Mistake {
        const HINT: &str = "alternatives stand in brackets, with a word on both sides of each `|`: `(yes|sure)`";
        if piece.written.is_empty()
            && self.rest.is_empty()
            && let Some(last) = self.whole.get(..self.end).and_then(|whole| whole.chars().next_back())
        {
            let range = self.end - last.len_utf8()..self.end;
            return Mistake { message: format!("`{last}` has no word behind it"), hint: HINT, range };
        }
        let (written, length) = (piece.written, piece.written.len().max(1));
        let next = self.rest.chars().next();
        let (message, hint) = match () {
            () if piece.bare.contains('*') || written.contains('*') => (
                format!("`{written}` is no word"),
                "`*` stands at one end of a word: `cost*`, `*liste`; for words between write `…`",
            ),
            () if next == Some('?') => (
                "`?` has no word before it".to_owned(),
                "`?` stands directly behind the word that may be absent: `please?`",
            ),
            () if written.is_empty() => {
                (format!("`{}` has no word beside it", next.map(String::from).unwrap_or_default()), HINT)
            }
            () if written.chars().all(is_sign) => {
                (format!("`{written}` stands alone"), "write it directly at its word: `50%`, `$100`, `c++`")
            }
            () => (format!("`{written}` is no word"), "a phrase is made of words; for signs use `contains`"),
        };
        self.mistake(length, message, hint)
    }

    /// Refuses what is written for an expression engine.
    fn check_signs(&self, written: &str) -> Result<(), Mistake> {
        let refused = |c: &char| matches!(c, '\\' | '[' | ']' | '{' | '}' | '^' | '<' | '>' | '=' | '~');
        let Some((place, sign)) = written.char_indices().find(|(_, c)| refused(c)) else { return Ok(()) };
        let hint = match sign {
            '^' => "it stands at the beginning of the phrase, for the beginning of a sentence or a line",
            '<' | '>' | '=' | '~' => "write it in words, such as `(more than|over) #`; for signs use `contains`",
            _ => "a phrase is made of words; for a regular expression write `regex`",
        };
        let (start, message) = (self.at() + place, format!("`{sign}` has no meaning in a phrase"));
        Err(Mistake { message, hint, range: start..start + 1 })
    }

    /// What signs without a word mean, if they mean something.
    fn sign_alone(&mut self, written: &str) -> Option<Node> {
        let is_all = |fits: &dyn Fn(char) -> bool| !written.is_empty() && written.chars().all(fits);
        if is_all(&|c| matches!(c, '-' | '&' | '"' | '\'')) {
            return Some(Node::Sequence(Vec::new()));
        }
        if is_all(&|c| matches!(c, '/' | ':')) {
            return Some(Node::Comma);
        }
        if is_all(&|c| matches!(c, '.' | '!' | ';')) {
            let start = self.at();
            self.sentence_end = Some(start..start + written.len());
            return Some(Node::End);
        }
        // `$#`: any number with the sign.
        let (before, behind) = written.split_once('#')?;
        let is_one = before.chars().count() <= 1
            && before.chars().all(|c| is_before(c, true) && c != '#')
            && behind.chars().count() <= 1
            && behind.chars().all(|c| is_behind(c, true) && c != '#');
        is_one.then(|| Node::Word(Pattern::Exactly(written.to_owned())))
    }

    fn signs_of(&self, piece: &Piece<'_>) -> Result<Vec<(String, String)>, Mistake> {
        let sign = match piece.signs() {
            Ok(signs) => return Ok(signs),
            Err(sign) => sign,
        };
        let start = self.at() + piece.written.find(sign).unwrap_or_default();
        let (message, hint) = match sign {
            '@' => {
                ("`@` is any mail address, and stands alone".to_owned(), "for a certain address or name use `contains`")
            }
            '$' => (
                "`$` stands at an amount, as in `$100`".to_owned(),
                "for the end of a sentence write ` .` behind the phrase; for a regular expression write `regex`",
            ),
            _ => (
                format!("`{sign}` stands at no number here"),
                "write it directly at its number: `50%`, or `#%` for any",
            ),
        };
        Err(Mistake { message, hint, range: start..start + sign.len_utf8() })
    }
}

/// A number, also with something else between its parts: `24/7` and `24 / 7`.
fn number(spelt: String, written: &str) -> Node {
    let whole = Node::Word(Pattern::Exactly(spelt));
    let Some(parts) = number_parts(written) else { return whole };
    let mut apart = Vec::new();
    for (part, sign) in parts {
        apart.extend(matches!(sign, '/' | ':').then_some(Node::Comma));
        apart.push(Node::Word(Pattern::Exactly(part)));
    }
    Node::Choice(vec![whole, Node::Sequence(apart)])
}

/// What people write without its apostrophe, and is no other word then.
const CONTRACTIONS: [&str; 38] = [
    "aren't",
    "can't",
    "couldn't",
    "didn't",
    "doesn't",
    "don't",
    "hadn't",
    "hasn't",
    "haven't",
    "he's",
    "here's",
    "i'm",
    "i've",
    "isn't",
    "it'll",
    "let's",
    "mustn't",
    "needn't",
    "she's",
    "shouldn't",
    "that'll",
    "that's",
    "there's",
    "they'd",
    "they'll",
    "they're",
    "they've",
    "wasn't",
    "we've",
    "weren't",
    "what's",
    "where's",
    "won't",
    "wouldn't",
    "you'd",
    "you'll",
    "you're",
    "you've",
];

/// A word such as `dont` with its apostrophe, as the two words that it is in a mail.
fn contraction(word: &str) -> Option<Node> {
    let mut all = CONTRACTIONS.iter().filter_map(|whole| whole.split_once('\''));
    let (first, second) = all.find(|(first, second)| word.strip_prefix(first).is_some_and(|rest| rest == *second))?;
    Some(Node::Sequence([first, second].map(|part| Node::Word(Pattern::Exactly(part.to_owned()))).into()))
}

/// What is another word without its apostrophe.
const OTHER_WORDS: [&str; 9] = ["hell", "id", "ill", "shed", "shell", "wed", "well", "were", "whore"];

/// A word with an apostrophe or a hyphen within, as people write it who leave that out: `dont`, `followup`.
fn joined(written: &str, parts: &[String]) -> Option<String> {
    let joined = parts.concat();
    let is_one = parts.len() > 1 && written.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-'));
    (is_one && !OTHER_WORDS.contains(&joined.as_str())).then_some(joined)
}

//! Regular expressions rewritten so that they find in the normal form of a text what they say.
//!
//! The text has one apostrophe, one dash, composed accents and ordinary spaces ([`normalize`]); the expression gets the
//! same, character by character where the parser found them: escapes and classes keep their meaning. A space stands for
//! any white space, because mail programs break lines where they like.

use crate::text::normalize;
use regex_syntax::ast::{
    self, Ast, ClassSetItem, LiteralKind, RepetitionKind, Span, Visitor,
    parse::{Parser, ParserBuilder},
};
use std::ops::Range;

/// All white space that a normal form has. Written so that it means the same where white space is ignored (`(?x)`).
const WHITE_SPACE: &str = r"[\x20\n]";
/// A longer range of characters is no list of look-alikes.
const MAX_RANGE: u32 = 128;

/// The expression for the normal form of texts.
///
/// # Errors
/// The text is no regular expression.
pub(super) fn normalize_pattern(text: &str) -> Result<String, ast::Error> {
    let parsed = parser().parse(text)?;
    if !text.bytes().any(|byte| byte >= 0x80 || matches!(byte, b' ' | b'\\' | b'`' | b'\t' | b'\r')) {
        return Ok(text.to_owned());
    }
    let visible = compose(text);
    let (text, parsed) = match parser().parse(&visible) {
        Ok(parsed) => (visible.as_str(), parsed),
        Err(_) => (text, parsed),
    };
    let edits = ast::visit(&parsed, Rewriter::default()).unwrap_or_default();
    let mut out = String::with_capacity(text.len() + 16);
    let mut done = 0;
    for (range, with) in edits {
        out.push_str(text.get(done..range.start).unwrap_or_default());
        out.push_str(&with);
        done = range.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Ok(out)
}

fn parser() -> Parser {
    ParserBuilder::new().build()
}

/// Accents composed, and without the characters that show nothing: nobody sees them in the file either. Nothing that has a
/// meaning in an expression comes or goes with them.
fn compose(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let shows = |c: &char| c.is_ascii() || !normalize(c.encode_utf8(&mut [0; 4])).as_str().is_empty();
    // In this order: what stands apart only for a character that shows nothing is composed, too.
    text.chars().filter(shows).nfc().collect()
}

/// Collects what is replaced, in the order of the text.
#[derive(Default)]
struct Rewriter {
    edits: Vec<(Range<usize>, String)>,
    /// The space that a repetition was written for already.
    repeated: Option<usize>,
    /// Where the last space ended.
    space_end: Option<usize>,
    /// Where the last carriage return ended.
    return_end: Option<usize>,
}

impl Visitor for Rewriter {
    type Output = Vec<(Range<usize>, String)>;
    type Err = std::convert::Infallible;

    fn finish(mut self) -> Result<Self::Output, Self::Err> {
        self.edits.sort_by_key(|(range, _)| range.start);
        Ok(self.edits)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        let Ast::Repetition(repetition) = ast else { return Ok(()) };
        let Ast::Literal(literal) = repetition.ast.as_ref() else { return Ok(()) };
        if !is_space(literal) {
            return Ok(());
        }
        // ` ?` is white space or none: two spaces are as good as one.
        self.repeated = Some(literal.span.start.offset);
        self.edits.push((range(&literal.span), WHITE_SPACE.to_owned()));
        if repetition.op.kind == RepetitionKind::ZeroOrOne {
            let lazy = if repetition.greedy { "*" } else { "*?" };
            self.edits.push((range(&repetition.op.span), lazy.to_owned()));
        }
        Ok(())
    }

    fn visit_post(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        let Ast::Literal(literal) = ast else { return Ok(()) };
        let span = range(&literal.span);
        if self.repeated == Some(span.start) {
            return Ok(());
        }
        if literal.c == '\n' && self.return_end == Some(span.start) {
            // A normal form ends its lines with the second of the two alone.
            if let Some((_, with)) = self.edits.last_mut() {
                with.clear();
            }
            return Ok(());
        }
        if literal.c == '\r' {
            self.return_end = Some(span.end);
        }
        if is_space(literal) {
            let goes_on = self.space_end == Some(span.start);
            self.space_end = Some(span.end);
            let with = if goes_on { String::new() } else { format!("{WHITE_SPACE}+") };
            self.edits.push((span, with));
        } else if let Some(other) = spelt_otherwise(literal.c) {
            let mut with: String = other.chars().map(written).collect();
            if other.chars().nth(1).is_some() {
                with = format!("(?:{with})");
            }
            self.edits.push((span, with));
        }
        Ok(())
    }

    fn visit_class_set_item_post(&mut self, item: &ClassSetItem) -> Result<(), Self::Err> {
        let (end, added) = match item {
            // Several characters are no member of a class.
            ClassSetItem::Literal(literal) => (literal.span.end.offset, one_other(literal.c).map(String::from)),
            ClassSetItem::Range(both) => (both.span.end.offset, spellings_of(both.start.c, both.end.c)),
            _ => return Ok(()),
        };
        if let Some(added) = added {
            self.edits.push((end..end, added.chars().map(written).collect()));
        }
        Ok(())
    }
}

fn range(span: &Span) -> Range<usize> {
    span.start.offset..span.end.offset
}

/// A space as people write it; `\x20` is the character and nothing else.
fn is_space(literal: &ast::Literal) -> bool {
    let is_code = matches!(literal.kind, LiteralKind::Octal | LiteralKind::HexFixed(_) | LiteralKind::HexBrace(_));
    (literal.c == ' ' && !is_code) || (literal.c != ' ' && spelt_otherwise(literal.c).is_some_and(|other| other == " "))
}

/// What the character is in a normal form, if it is something else there.
fn spelt_otherwise(c: char) -> Option<String> {
    let mut buffer = [0; 4];
    let normal = normalize(c.encode_utf8(&mut buffer));
    (!normal.as_str().is_empty() && !normal.as_str().chars().eq([c])).then(|| normal.as_str().to_owned())
}

/// What the characters of a range of look-alikes are in a normal form, such as `‐-―`; none for other ranges, such as all
/// beyond ASCII, which mean what they say.
fn spellings_of(first: char, last: char) -> Option<String> {
    if first.is_ascii() || u32::from(last).saturating_sub(u32::from(first)) > MAX_RANGE {
        return None;
    }
    let is_of_them = first >= '\u{2000}' || (spelt_otherwise(first).is_some() && spelt_otherwise(last).is_some());
    let mut added: Vec<char> = (first..=last).filter(|_| is_of_them).filter_map(one_other).collect();
    added.sort_unstable();
    added.dedup();
    (!added.is_empty()).then(|| added.into_iter().collect())
}

fn one_other(c: char) -> Option<char> {
    let other = spelt_otherwise(c)?;
    let mut chars = other.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// A character as an expression writes it, whatever it would mean there, inside of classes too.
fn written(c: char) -> String {
    match c {
        '\n' => r"\n".to_owned(),
        ' ' => r"\x20".to_owned(),
        '<' | '>' => c.to_string(),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => format!("\\{c}"),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::normalize_pattern;
    use crate::{rules::Pattern, text::normalize};

    #[test]
    fn an_expression_is_written_for_the_normal_form() {
        for (pattern, expected) in [
            (r"\b(call|demo)\b", r"\b(call|demo)\b"),
            ("not interested", r"not[\x20\n]+interested"),
            (r"a  b\ c", r"a[\x20\n]+b[\x20\n]+c"),
            ("e-? ?mail *x +", r"e-?[\x20\n]*mail[\x20\n]*x[\x20\n]+"),
            (" {2,}", r"[\x20\n]{2,}"),
            (r" ??a\x20b", r"[\x20\n]*?a\x20b"),
            ("[ -]", "[ -]"),
            ("(?x) a b # don’t", "(?x) a b # don’t"),
            (r"(?x)a\ b", r"(?x)a[\x20\n]+b"),
            ("don’t", r"don\'t"),
            (r"don\x{2019}t", r"don\'t"),
            ("[’]t [^“”]", r#"[’\']t[\x20\n]+[^“\"”\"]"#),
            ("[‐-―]", r"[‐-―\-]"),
            ("[Ａ-Ｃ]", "[Ａ-ＣABC]"),
            (r"[\x{80}-\x{10ffff}]", r"[\x{80}-\x{10ffff}]"),
            ("pre\u{301}sentation", "présentation"),
            ("Ｄemo（ａ）", r"Demo\(a\)"),
            ("un\u{ad}sub\u{200b}scribe", "unsubscribe"),
            ("a\tb", r"a[\x20\n]+b"),
            (r"a\tb", r"a[\x20\n]+b"),
            (r"\r?\n", r"\n?\n"),
            ("[\u{200b}]", "[\u{200b}]"),
            ("\u{a0}", r"[\x20\n]+"),
            ("", ""),
        ] {
            assert_eq!(normalize_pattern(pattern).unwrap(), expected, "{pattern}");
        }
        assert!(normalize_pattern("(a").is_err());
    }

    #[test]
    fn what_looks_alike_is_found() {
        for (pattern, text) in [
            (r"\bnot interested\b", "we are simply not\ninterested"),
            (r"\bnot interested\b", "not \u{a0} interested"),
            (r"\b(don't|can't)\b", "I don’t"),
            ("don’t", "I don't"),
            ("(présentation|Vorführung)", "Une pre\u{301}sentation"),
            ("pre\u{301}sentation", "présentation"),
            (r"\bfollow-up\b", "A follow\u{2011}up"),
            ("follow–up", "a follow-up"),
            ("book a call", "book\ta call"),
            (r"\bdemo\b", "ＤＥＭＯ お願い"),
            ("l[’']offre", "l’offre"),
            ("[^’]offre", "loffre"),
            ("“demo”", "a \"demo\""),
            (r"e ?mail", "e \nmail"),
            ("foo\\r\\nbar", "foo\r\nbar"),
            ("❤\u{fe0f}?!", "!"),
            ("<\u{200b}\u{338}", "<\u{200b}\u{338}"),
            ("e\u{200b}\u{301}", "é"),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert!(pattern.is_match(normalize(text).as_str()), "{pattern:?} in {text:?}");
        }
        assert!(!Pattern::new("l[^’]offre").unwrap().is_match(normalize("l’offre").as_str()));
        assert!(!Pattern::new("a[ ]b").unwrap().is_match("a\nb"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        /// A text is found by itself, however it is spelt.
        #[test]
        fn a_text_finds_itself(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "a", "e\u{301}", "’", "“", "\u{2011}", " ", "\u{a0}", "(", "[", "]", "-", "^", "&&", "~~", "--", "Ａ", "（",
                "？", "\u{200b}", "\u{ad}", "é", "#", "<", "\u{338}", "\\", ".", "|", "한", "\u{1161}", "か\u{3099}", "`", "\t",
            ]), 1..12),
        ) {
            let text = parts.concat();
            let literal = Pattern::literal(&text).unwrap();
            let normal = normalize(&text);
            proptest::prop_assert!(literal.is_match(normal.as_str()), "{literal:?} in {normal:?}");
        }

        /// What is an expression stays one.
        #[test]
        fn any_expression_stays_one(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "a", "e\u{301}", "’", "“", "\u{2011}", " ", "\u{a0}", "(", "(?x)", "[", "[^", "]", ")", "-", "?", "*", "+?",
                "{2}", "|", "Ａ", "（", "\u{200b}", "\\ ", "\\t", "\\b", "\\W", "&&", "--", "<", "\u{338}", "#", "\n", ".",
            ]), 1..14),
        ) {
            let text = parts.concat();
            if regex::Regex::new(&text).is_ok() {
                let normal = normalize_pattern(&text).unwrap();
                proptest::prop_assert!(regex::Regex::new(&normal).is_ok(), "{text:?} became {normal:?}");
            }
        }
    }
}

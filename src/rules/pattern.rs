//! What values are compared with: globs, regular expressions, bounds. Each is checked when it is built.
mod compiled;

use super::{normal_pattern::normalize_pattern, prefilter::Needles};
use crate::{model::fold_domain, text::normalize};
use compiled::Compiled;
use regex::{Captures, Match};
use std::sync::Arc;
use std::time::Duration;

/// How much of a text is matched, in bytes.
pub const MATCHED_BYTES: usize = 64 * 1024;

/// One value of a glob field: `*` stands for any text, `?` for one character, upper and lower case are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glob {
    /// `null`: the value is absent.
    Absent,
    /// The value is there and looks like this.
    Like(GlobText),
}

/// The text of a glob, folded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobText {
    written: String,
    folded: Vec<char>,
    fold: Fold,
}

/// Which differences do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fold {
    /// Upper and lower case.
    Case,
    /// Upper and lower case; space, `-` and `_` are the same: for categories.
    CaseAndSeparators,
    /// What [`fold_domain`] takes away: for domains and addresses.
    Domain,
}

impl Fold {
    /// A text without these differences.
    pub(super) fn apply(self, text: &str) -> Vec<char> {
        let separator = |c: char| if matches!(c, ' ' | '-' | '_') { '_' } else { c };
        if self == Self::Domain {
            return fold_domain(text).chars().collect();
        }
        let lower = text.trim().chars().flat_map(char::to_lowercase);
        match self {
            Self::Case | Self::Domain => lower.collect(),
            Self::CaseAndSeparators => lower.map(separator).collect(),
        }
    }
}

impl GlobText {
    /// Takes any text.
    pub fn new(text: &str, fold: Fold) -> Self {
        Self { written: text.to_owned(), folded: fold.apply(text), fold }
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The one value that it fits, folded; `None` where it has a `*` or `?`, or folds otherwise.
    pub(super) fn exact(&self, fold: Fold) -> Option<&[char]> {
        (self.fold == fold && !self.folded.iter().any(|c| matches!(c, '*' | '?'))).then_some(&self.folded)
    }

    /// Whether the whole value looks like this. Linear in the value for each `*`.
    pub fn matches(&self, value: &str) -> bool {
        self.matches_folded(&self.fold.apply(value))
    }

    /// The same of a value that is folded as this text is.
    pub(super) fn matches_folded(&self, value: &[char]) -> bool {
        let pattern = &self.folded;
        let (mut p, mut v) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while let Some(c) = value.get(v) {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, v));
                    p += 1;
                }
                Some(wanted) if wanted == c || *wanted == '?' => {
                    p += 1;
                    v += 1;
                }
                _ => match star {
                    Some((at, taken)) => {
                        star = Some((at, taken + 1));
                        p = at + 1;
                        v = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern.iter().skip(p).all(|c| *c == '*')
    }
}

impl Glob {
    /// Whether one of the values fits; no value at all is absent.
    pub fn matches<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> bool {
        let mut values = values.into_iter().filter(|value| !value.trim().is_empty());
        match self {
            Self::Absent => values.next().is_none(),
            Self::Like(text) => values.any(|value| text.matches(value)),
        }
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Absent => "null",
            Self::Like(text) => text.as_str(),
        }
    }
}

/// A regular expression of a rule: linear time, bounded memory, case-insensitive unless it says `(?-i)`.
///
/// It is searched for in the normal form of a text (`text::normalize`), and finds there what it says in any spelling; a
/// space in it is any white space.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    compiled: Arc<Compiled>,
    /// The text that it is, in its normal form, if it is nothing but a text.
    literal: Option<String>,
    /// What every text has that it is found in; `None` where nothing is known of that.
    pub(super) needles: Option<Arc<[Needles]>>,
}

/// Why a regular expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// What is wrong, in one line.
    pub message: String,
    /// Where in the expression, as byte offsets.
    pub span: Option<(usize, usize)>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Pattern {
    /// Reads it; it is compiled when it is first searched for.
    ///
    /// # Errors
    /// The text is no regular expression of the engine's syntax, or compiles to more than 256 KiB.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        // What is wrong is explained on the text as written.
        let normal = normalize_pattern(text).unwrap_or_else(|_| text.to_owned());
        let compiled = Compiled::shared(normal).map_err(|error| explain(text, &error))?;
        let literal = (regex_syntax::escape(text) == text).then(|| spell(text));
        Ok(Self { written: text.to_owned(), compiled, literal, needles: None })
    }

    /// A text that is searched for literally, upper and lower case being the same.
    ///
    /// # Errors
    /// The text is so long that it compiles to more than 256 KiB.
    pub fn literal(text: &str) -> Result<Self, PatternError> {
        let mut pattern = Self::new(&regex::escape(text))?;
        text.clone_into(&mut pattern.written);
        pattern.literal = Some(spell(text));
        Ok(pattern)
    }

    /// The text that it searches for, in its normal form with single spaces, if it is nothing but a text.
    pub fn literal_text(&self) -> Option<&str> {
        self.literal.as_deref()
    }

    /// Whether it surely is found in every text: it may be empty and looks at nothing around it.
    pub fn matches_everything(&self) -> bool {
        self.compiled.is_found_everywhere()
    }

    /// Whether it is found in an empty text.
    pub fn matches_nothing(&self) -> bool {
        self.compiled.is_found_in_nothing()
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The expression for normal forms of texts.
    pub(super) fn normal(&self) -> &str {
        self.compiled.text()
    }

    /// Whether it is found in a text in its normal form.
    pub fn is_match(&self, normal: &str) -> bool {
        self.compiled.regex().is_some_and(|regex| regex.is_match(normal))
    }

    /// Where it is first in a text in its normal form.
    pub fn find<'t>(&self, normal: &'t str) -> Option<Match<'t>> {
        self.compiled.regex()?.find(normal)
    }

    /// Where it is first in a text in its normal form, and its groups.
    pub fn captures<'t>(&self, normal: &'t str) -> Option<Captures<'t>> {
        self.compiled.regex()?.captures(normal)
    }

    /// The names of its groups.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.compiled.names()
    }

    /// All its groups, the whole first, each with its name if it has one.
    pub fn groups(&self) -> impl Iterator<Item = Option<&str>> {
        self.compiled.regex().into_iter().flat_map(|regex| regex.capture_names())
    }
}

/// A text in its normal form, runs of spaces being one.
fn spell(text: &str) -> String {
    let normal = normalize(text);
    let mut spelt = String::with_capacity(normal.as_str().len());
    for c in normal.as_str().chars() {
        if c != ' ' || !spelt.ends_with(' ') {
            spelt.push(c);
        }
    }
    spelt
}

fn explain(text: &str, error: &regex::Error) -> PatternError {
    if let regex::Error::CompiledTooBig(_) = error {
        return PatternError {
            message: "this regular expression is too big when compiled (256 KiB)".to_owned(),
            span: None,
            hint: Some("use smaller repetitions; `{1,1000}` inside `{1,1000}` is a million".to_owned()),
        };
    }
    let (kind, span) = match regex_syntax::ParserBuilder::new().case_insensitive(true).build().parse(text) {
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), Some(*error.span())),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), Some(*error.span())),
        _ => (error.to_string().replace('\n', " "), None),
    };
    let span = span.map(|span| (span.start.offset, span.end.offset));
    let told = TOLD.iter().find(|(part, ..)| kind.contains(part));
    match told {
        Some((_, message, hint)) => {
            PatternError { message: (*message).to_owned(), span, hint: Some((*hint).to_owned()) }
        }
        None => PatternError { message: kind, span, hint: None },
    }
}

/// What people write wrong most often: how the engine calls it, what it is called here, and what to do.
const TOLD: [(&str, &str, &str); 9] = [
    (
        "look-around",
        "look-ahead and look-behind do not exist in this engine, which is always fast",
        "use a second condition, for example under `not`",
    ),
    (
        "backreferences",
        "back-references do not exist in this engine, which is always fast",
        "write out what may stand there",
    ),
    ("unclosed group", "the bracket `(` is never closed", "close it with `)`; for the character itself write `\\(`"),
    ("unopened group", "the bracket `)` was never opened", "for the character itself write `\\)`"),
    (
        "unclosed character class",
        "the class `[` is never closed",
        "close it with `]`; for the character itself write `\\[`",
    ),
    (
        "repetition operator missing expression",
        "there is nothing here that could be repeated",
        "`*`, `+` and `?` repeat what stands before them; any text is `.*`, and is not needed at the ends",
    ),
    (
        "unrecognized escape",
        "this escape does not exist",
        "for a backslash itself write `\\\\`; letters and digits need none",
    ),
    (
        "repetition quantifier expects a valid decimal",
        "`{` begins a number of repetitions here",
        "write `{2}` or `{2,5}`; for the character itself write `\\{`",
    ),
    (
        "unclosed counted repetition",
        "`{` begins a number of repetitions here, and is never closed",
        "write `{2}` or `{2,5}`; for the character itself write `\\{`",
    ),
];

/// What a number must be; every given bound must hold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds<T> {
    /// Equal to.
    pub eq: Option<T>,
    /// Greater than.
    pub gt: Option<T>,
    /// Greater than or equal to.
    pub gte: Option<T>,
    /// Less than.
    pub lt: Option<T>,
    /// Less than or equal to.
    pub lte: Option<T>,
}

impl<T: PartialOrd + Copy> Bounds<T> {
    /// Exactly this value.
    pub fn exactly(value: T) -> Self {
        Self { eq: Some(value), gt: None, gte: None, lt: None, lte: None }
    }

    /// Whether the value keeps to every bound.
    pub fn contain(&self, value: T) -> bool {
        self.eq.is_none_or(|bound| value == bound)
            && self.gt.is_none_or(|bound| value > bound)
            && self.gte.is_none_or(|bound| value >= bound)
            && self.lt.is_none_or(|bound| value < bound)
            && self.lte.is_none_or(|bound| value <= bound)
    }

    /// Whether no value at all keeps to them.
    pub fn is_empty(&self) -> bool {
        let low = [self.gt.map(|v| (v, true)), self.gte.map(|v| (v, false))];
        let high = [self.lt.map(|v| (v, true)), self.lte.map(|v| (v, false))];
        low.into_iter().flatten().any(|(low, open_low)| {
            high.into_iter().flatten().any(|(high, open_high)| low > high || (low == high && (open_low || open_high)))
        })
    }

    /// As a rule writes it: `6`, or `gt 2, lte 5`.
    pub fn describe(&self, show: impl Fn(T) -> String) -> String {
        if let Some(value) = self.eq {
            return show(value);
        }
        let parts = [("gt", self.gt), ("gte", self.gte), ("lt", self.lt), ("lte", self.lte)];
        let parts = parts.into_iter().filter_map(|(name, bound)| Some(format!("{name} {}", show(bound?))));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// Bounds of a length of time.
pub(super) type SpanBounds = Bounds<Duration>;

/// The beginning of a text, at most [`MATCHED_BYTES`], cut between characters.
pub(crate) fn truncate_input(text: &str) -> &str {
    truncate(text, MATCHED_BYTES)
}

/// The beginning of a text, at most so many bytes, cut between characters.
pub(crate) fn truncate(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// How much of a value a trace shows.
const EXCERPT_BYTES: usize = 2048;
/// How much of it where nothing was found: many conditions look at the same text, which is kept whole elsewhere.
const UNMATCHED_BYTES: usize = 512;

/// The part of a text that a trace shows, at most 2 KiB around the match, or its beginning, and the match relative to it.
pub(crate) fn excerpt(text: &str, found: Option<(usize, usize)>) -> (String, Option<(usize, usize)>) {
    let Some((start, end)) = found else { return (truncate(text, UNMATCHED_BYTES).to_owned(), None) };
    if text.len() <= EXCERPT_BYTES {
        return (text.to_owned(), Some((start, end)));
    }
    let lead = EXCERPT_BYTES.saturating_sub(end - start) / 2;
    let from = start.saturating_sub(lead).min(text.len().saturating_sub(EXCERPT_BYTES));
    let from = (from..=start).find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    let shown = truncate(text.get(from..).unwrap_or_default(), EXCERPT_BYTES);
    (shown.to_owned(), Some((start - from, (end - from).min(shown.len()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let check = |glob: &str, value: &str, expected: bool| {
            assert_eq!(GlobText::new(glob, Fold::Case).matches(value), expected, "{glob} {value}");
        };
        check("Q1 *", "q1 Product Launch", true);
        check("Q1 *", "q1", false);
        check("*@acme.example", "Jane@ACME.example", true);
        check("*@acme.example", "jane@acme.example.org", false);
        check("?b*d", "abcd", true);
        check("?b*d", "bcd", false);
        check("*a*a*a*b", &"a".repeat(2000), false);
        check("*", "", true);
        assert!(GlobText::new("meeting request", Fold::CaseAndSeparators).matches("Meeting-Request"));
        assert!(GlobText::new("meeting_request", Fold::CaseAndSeparators).matches("MEETING REQUEST"));
        assert!(Glob::Absent.matches([" "]) && !Glob::Absent.matches(["x"]));
    }

    #[test]
    fn patterns_are_bounded_and_explained() {
        assert!(Pattern::new("a{1000}{1000}").is_err_and(|e| e.message.contains("256 KiB")));
        let error = Pattern::new("(call").expect_err("unclosed");
        assert_eq!(error.span, Some((0, 1)));
        assert!(Pattern::new("(?=x)y").is_err_and(|e| e.message.contains("look-ahead")));
        assert!(Pattern::literal("a.b").is_ok_and(|p| p.is_match("A.B") && !p.is_match("axb")));
        assert!(!Pattern::new("(?-i)abc").expect("fine").is_match("ABC"));
    }

    #[test]
    fn excerpts_keep_the_match() {
        let text = format!("{}MATCH{}", "é".repeat(5000), "x".repeat(5000));
        let start = 10_000;
        let (shown, span) = excerpt(&text, Some((start, start + 5)));
        let (from, to) = span.expect("a span");
        assert_eq!(&shown[from..to], "MATCH");
        assert!(shown.len() <= EXCERPT_BYTES);
    }

    #[test]
    fn bounds() {
        let between = Bounds { gt: Some(2.0), lte: Some(5.0), ..Bounds::default() };
        assert!(between.contain(5.0) && !between.contain(2.0));
        assert!(Bounds { gt: Some(5), lt: Some(5), ..Bounds::default() }.is_empty());
        assert_eq!(between.describe(|v| v.to_string()), "gt 2, lte 5");
    }
}

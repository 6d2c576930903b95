//! Which texts an expression cannot do without: every match contains one of each of a few sets.
//!
//! Each part of a sequence gives a set, `\bcalendar\b.*\bnumber 17\b` two of one text each; those are kept whose texts are
//! rare. Texts are folded ([`fold`]): case does not count, and a run of white space is one space. So most of what people
//! write, such as `\b(call|demo) on (mon|tues)day\b`, is a few whole texts.

use super::{
    folding::{fold, is_word},
    pattern::Pattern,
};
use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind, Look, Repetition},
};

/// A set of more texts than this is not looked for.
const MAX_TEXTS: usize = 64;
/// A longer text is not looked for as a whole.
const MAX_LEN: usize = 48;
/// A class of more characters than this stands for any character.
const MAX_CLASS: usize = 8;
/// A part that is repeated a fixed number of times is written out up to this often.
const MAX_REPEATED: u32 = 8;
/// So many sets are kept of an expression: more hardly rule out more.
const MAX_SETS: usize = 3;
/// Texts that count less than this are found nearly everywhere.
const MIN_WEIGHT: f64 = 2.5;

/// A text that is looked for, folded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RequiredText {
    pub(super) text: String,
    /// No letter, digit or `_` stands before it.
    pub(super) starts_word: bool,
    /// No letter, digit or `_` stands after it.
    pub(super) ends_word: bool,
}

/// Texts one of which each match contains.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RequiredTexts {
    /// Sorted, each once.
    pub(super) texts: Vec<RequiredText>,
    /// The higher, the rarer they are.
    pub(super) weight: f64,
}

/// Of each of these sets one text is in every text that the expression is found in; at most three, the rarest first. None
/// where it requires none, too many, or only frequent ones.
pub(super) fn required_texts(pattern: &Pattern) -> Vec<RequiredTexts> {
    let parser = ParserBuilder::new().case_insensitive(true).build().parse(pattern.normal());
    let mut found = parser.map(|parsed| analyze(&parsed).sets()).unwrap_or_default();
    found.retain(|set| set.weight >= MIN_WEIGHT);
    found
}

/// A part of a match.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    text: String,
    starts_word: bool,
    ends_word: bool,
}

impl Part {
    fn boundary() -> Self {
        Self { text: String::new(), starts_word: true, ends_word: true }
    }

    fn then(&self, next: &Self) -> Self {
        let mut text = self.text.clone();
        let is_run = text.ends_with(' ') && next.text.starts_with(' ');
        text.push_str(next.text.get(usize::from(is_run)..).unwrap_or_default());
        Self {
            text,
            starts_word: if self.text.is_empty() { self.starts_word || next.starts_word } else { self.starts_word },
            ends_word: if next.text.is_empty() { self.ends_word || next.ends_word } else { next.ends_word },
        }
    }

    /// How rare it is, roughly: long texts and whole words are.
    fn weight(&self) -> f64 {
        let of_char = |c: char| match c {
            ' ' => 0.3,
            // Words come in many mails, a certain number in few.
            '0'..='9' => 2.0,
            'a'..='z' => 1.0,
            _ if c.is_ascii() => 0.8,
            _ => 1.5,
        };
        let bounds = [self.starts_at_word(), self.ends_at_word()].into_iter().filter(|there| *there).count();
        self.text.chars().map(of_char).sum::<f64>() + bounds as f64
    }

    // Only next to a character of a word does a boundary say what stands on the other side. Beyond ASCII that is not asked.
    fn starts_at_word(&self) -> bool {
        self.starts_word && self.text.bytes().next().is_some_and(is_word)
    }

    fn ends_at_word(&self) -> bool {
        self.ends_word && self.text.bytes().last().is_some_and(is_word)
    }

    fn required(self) -> RequiredText {
        RequiredText { starts_word: self.starts_at_word(), ends_word: self.ends_at_word(), text: self.text }
    }
}

/// What is known of an expression, or of a part of it.
#[derive(Default)]
struct Analysis {
    /// All that it matches, if that is little.
    exact: Option<Vec<Part>>,
    /// The rarest sets that were found within, where that is not the whole.
    within: Vec<RequiredTexts>,
}

impl Analysis {
    fn exact(parts: Vec<Part>) -> Self {
        Self { exact: Some(parts), within: Vec::new() }
    }

    fn sets(self) -> Vec<RequiredTexts> {
        let mut sets = self.within;
        keep(self.exact.as_deref().and_then(choice), &mut sets);
        sets
    }
}

/// A set of all these, unless one of them is empty.
fn choice(parts: &[Part]) -> Option<RequiredTexts> {
    let least = parts.iter().map(Part::weight).min_by(f64::total_cmp)?;
    if parts.iter().any(|part| part.text.is_empty()) {
        return None;
    }
    let mut texts: Vec<RequiredText> = parts.iter().cloned().map(Part::required).collect();
    texts.sort_unstable();
    texts.dedup();
    let weight = least - (texts.len() as f64).log2() / 4.0;
    Some(RequiredTexts { texts, weight })
}

/// Adds a set to others that are required too, the rarest first, as long as it is one of the rarest.
fn keep(set: Option<RequiredTexts>, sets: &mut Vec<RequiredTexts>) {
    let Some(set) = set.filter(|set| sets.iter().all(|known| known.texts != set.texts)) else { return };
    let place = sets.iter().position(|known| known.weight < set.weight).unwrap_or(sets.len());
    sets.insert(place, set);
    sets.truncate(MAX_SETS);
}

/// All texts of one with all of the other behind it; `None` where that is too much.
fn product(left: &[Part], right: &[Part]) -> Option<Vec<Part>> {
    if left.len().saturating_mul(right.len()) > MAX_TEXTS {
        return None;
    }
    let mut all: Vec<Part> = left.iter().flat_map(|left| right.iter().map(|right| left.then(right))).collect();
    all.sort_unstable();
    all.dedup();
    all.iter().all(|part| part.text.len() <= MAX_LEN).then_some(all)
}

fn analyze(hir: &Hir) -> Analysis {
    match hir.kind() {
        HirKind::Empty => Analysis::exact(vec![Part::default()]),
        HirKind::Look(look) => Analysis::exact(vec![of_look(*look)]),
        HirKind::Class(class) => Analysis { exact: of_class(class), within: Vec::new() },
        HirKind::Literal(_) | HirKind::Concat(_) | HirKind::Repetition(_) => sequence(hir),
        HirKind::Capture(group) => analyze(&group.sub),
        HirKind::Alternation(branches) => alternation(branches),
    }
}

fn of_look(look: Look) -> Part {
    match look {
        Look::WordUnicode | Look::WordStartUnicode | Look::WordEndUnicode => Part::boundary(),
        Look::WordStartHalfUnicode => Part { ends_word: false, ..Part::boundary() },
        Look::WordEndHalfUnicode => Part { starts_word: false, ..Part::boundary() },
        // A boundary in ASCII may stand beside a letter that folds to one of ASCII.
        _ => Part::default(),
    }
}

fn of_class(class: &Class) -> Option<Vec<Part>> {
    let mut found: Vec<char> = Vec::new();
    let mut add = |c: char| {
        let c = fold(c);
        if !found.contains(&c) {
            found.push(c);
        }
        found.len() <= MAX_CLASS
    };
    let fits = match class {
        Class::Unicode(class) => class.iter().all(|range| (range.start()..=range.end()).all(&mut add)),
        Class::Bytes(class) => {
            class.iter().all(|range| (range.start()..=range.end()).all(|byte| byte.is_ascii() && add(char::from(byte))))
        }
    };
    fits.then(|| found.into_iter().map(of_char).collect())
}

/// One of several: a set of each of them together is a set of all. Each match is one of a branch, and has a text of each of
/// the branch's sets.
fn alternation(branches: &[Hir]) -> Analysis {
    let mut exact = Some(Vec::new());
    let mut of_branches = Vec::with_capacity(branches.len());
    for branch in branches {
        let found = analyze(branch);
        match (&mut exact, &found.exact) {
            (Some(all), Some(parts)) if all.len() + parts.len() <= MAX_TEXTS => all.extend(parts.iter().cloned()),
            _ => exact = None,
        }
        of_branches.push(found.sets());
    }
    let mut within = Vec::new();
    if exact.is_none() {
        let most = of_branches.iter().map(Vec::len).max().unwrap_or_default();
        (0..most).for_each(|nth| keep(union(&of_branches, nth), &mut within));
    }
    Analysis { exact, within }
}

/// The `nth` set of each branch, or its rarest if it has fewer; `None` where a branch has none, or where it is too much.
fn union(of_branches: &[Vec<RequiredTexts>], nth: usize) -> Option<RequiredTexts> {
    let mut all: Vec<Part> = Vec::new();
    for sets in of_branches {
        all.extend(sets.get(nth).or_else(|| sets.first())?.texts.iter().cloned().map(part));
        if all.len() > MAX_TEXTS {
            return None;
        }
    }
    choice(&all)
}

fn part(required: RequiredText) -> Part {
    let RequiredText { text, starts_word, ends_word } = required;
    Part { text, starts_word, ends_word }
}

/// A step of a sequence.
enum Step<'h> {
    Is(&'h Hir),
    OneOf(Vec<Part>),
    /// Anything may stand here.
    Gap,
}

/// The steps of a sequence, groups within it opened.
fn steps<'h>(hir: &'h Hir, out: &mut Vec<Step<'h>>) {
    match hir.kind() {
        HirKind::Concat(children) => children.iter().for_each(|child| steps(child, out)),
        HirKind::Capture(group) => steps(&group.sub, out),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => text.chars().for_each(|c| add(vec![of_char(fold(c))], out)),
            Err(_) => out.push(Step::Gap),
        },
        HirKind::Class(class) => match of_class(class) {
            Some(parts) => add(parts, out),
            None => out.push(Step::Gap),
        },
        HirKind::Repetition(repetition) => repeated(repetition, out),
        _ => out.push(Step::Is(hir)),
    }
}

fn of_char(c: char) -> Part {
    Part { text: c.to_string(), ..Part::default() }
}

/// Adds a step. Letter by letter, a word is one step.
fn add(parts: Vec<Part>, out: &mut Vec<Step<'_>>) {
    if let (Some(Step::OneOf(before)), [next]) = (out.last_mut(), parts.as_slice())
        && let [before] = before.as_mut_slice()
        && before.text.len() + next.text.len() <= MAX_LEN
    {
        *before = before.then(next);
        return;
    }
    out.push(Step::OneOf(parts));
}

fn repeated<'h>(repetition: &'h Repetition, out: &mut Vec<Step<'h>>) {
    let (least, most) = (repetition.min, repetition.max);
    let exact = analyze(&repetition.sub).exact;
    let is_space = exact.as_deref().is_some_and(|parts| matches!(parts, [only] if only.text == " "));
    match (least, most) {
        (0, Some(0)) => {}
        // However much white space there is, it is one space.
        (0, _) if is_space => add(vec![Part::default(), of_char(' ')], out),
        (_, _) if is_space => add(vec![of_char(' ')], out),
        (0, Some(1)) => match exact {
            Some(mut parts) => {
                parts.push(Part::default());
                add(parts, out);
            }
            None => out.push(Step::Gap),
        },
        (0, _) => out.push(Step::Gap),
        (least, most) => {
            let written = least.min(MAX_REPEATED);
            (0..written).for_each(|_| steps(&repetition.sub, out));
            if most != Some(written) {
                out.push(Step::Gap);
                steps(&repetition.sub, out);
            }
        }
    }
}

/// One after the other: each run of steps that stand next to each other is a set.
fn sequence(hir: &Hir) -> Analysis {
    let mut all = Vec::new();
    steps(hir, &mut all);
    let mut window = vec![Part::default()];
    let mut sets = Vec::new();
    let mut is_whole = true;
    for step in all {
        let found = match step {
            Step::Is(hir) => analyze(hir),
            Step::OneOf(parts) => Analysis::exact(parts),
            Step::Gap => Analysis::default(),
        };
        if let Some(longer) = found.exact.as_deref().and_then(|next| product(&window, next)) {
            window = longer;
            continue;
        }
        is_whole = false;
        keep(choice(&window), &mut sets);
        found.within.into_iter().for_each(|set| keep(Some(set), &mut sets));
        let fits = |parts: &Vec<Part>| parts.iter().all(|part| part.text.len() <= MAX_LEN);
        window = found.exact.filter(fits).unwrap_or_else(|| vec![Part::default()]);
    }
    if is_whole {
        return Analysis::exact(window);
    }
    keep(choice(&window), &mut sets);
    Analysis { exact: None, within: sets }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: &[&str]) {
        let sets = shown(pattern);
        assert!(sets.len() <= 1, "{pattern}: {sets:?}");
        assert_eq!(sets.concat(), expected, "{pattern}");
    }

    #[track_caller]
    fn check_sets(pattern: &str, expected: &[&[&str]]) {
        assert_eq!(shown(pattern), expected, "{pattern}");
    }

    fn shown(pattern: &str) -> Vec<Vec<String>> {
        let shown = |text: &RequiredText| {
            let bound = |there: bool| if there { "|" } else { "" };
            format!("{}{}{}", bound(text.starts_word), text.text, bound(text.ends_word))
        };
        let sets = required_texts(&Pattern::new(pattern).unwrap());
        sets.iter().map(|set| set.texts.iter().map(shown).collect()).collect()
    }

    #[test]
    fn each_part_gives_a_set() {
        check_sets(
            r"\b(calendar|demo)\b.{0,30}\bnumber ?17\b",
            &[&["|number 17|", "|number17|"], &["|calendar|", "|demo|"]],
        );
        check_sets(r"a1b2.*\d+ seats.*\bx99\b.*calendar", &[&["calendar"], &["|x99|"], &["a1b2"]]);
        check_sets(r"call.*call", &[&["call"]]);
        check_sets(r"(call.*monday|demo) okay", &[&[" okay"], &["demo", "monday"], &["call", "demo"]]);
        check_sets(r"(?:(foo[a-z]+bar)+x{3})?\w+17", &[&["17"]]);
        check_sets(r"(?:foo[a-z]+bar){2}", &[&["barfoo"], &["foo"], &["bar"]]);
        check_sets(r"^monday.*friday$", &[&["monday"], &["friday"]]);
        check_sets(r"(call.*monday|\w+)", &[]);
    }

    #[test]
    fn what_expressions_require() {
        check(r"\b(call|demo)\b", &["|call|", "|demo|"]);
        check("Pricing", &["pricing"]);
        check(r"\bmeet(ing)?s?\b", &["|meet|", "|meeting|", "|meetings|", "|meets|"]);
        check(r"\w+ calendar", &[" calendar"]);
        check("not interested", &["not interested"]);
        check(
            r"\b(api|sdk) (number|no\.?) ?17\b",
            &[
                "|api no 17|",
                "|api no. 17|",
                "|api no.17|",
                "|api no17|",
                "|api number 17|",
                "|api number17|",
                "|sdk no 17|",
                "|sdk no. 17|",
                "|sdk no.17|",
                "|sdk no17|",
                "|sdk number 17|",
                "|sdk number17|",
            ],
        );
        check(r"\bno\b", &["|no|"]);
        check("été", &["été"]);
        check("ÜBERSICHT|Ἀθῆναι", &["übersicht", "ἀθῆναι"]);
        check_sets(r"(monday|tuesday).*works", &[&["monday", "tuesday"], &["works"]]);
        check(r"[0-9]+ seats", &[" seats"]);
        check_sets(r"(?:seat )+for", &[&["seat for"], &["seat "]]);
        check(r"a{3}b", &["aaab"]);
        check(r"\bkelvin\b", &["|kelvin|"]);
        check(r"\$\d", &[]);
    }

    #[test]
    fn what_requires_nothing() {
        for pattern in
            [r".*", "no", "(call)?", "[a-z]+", r"\d", "", "^$", "a|b|calendar", r"(call|\w+)", "[a-c&&[^B]]x"]
        {
            check(pattern, &[]);
        }
    }
}

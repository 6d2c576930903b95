//! The structure of a subject: tags of gateways, prefixes of replies and forwards, and what is left.
//!
//! A reply says "Re:" in some language, then the subject it answers. A program that answers by itself puts words of its
//! own there instead, so an unknown prefix before *our* subject is told from structure, in any language.

use super::lines::truncate;
use super::phrases::Phrasebook;
use super::subject_words::{CALENDAR_PREFIXES, HUMAN_WORDS, OTHER_PREFIXES, OUTSIDE_TAGS, WARNING_TAGS};

/// A tag or prefix beyond this many bytes is none.
const MAX_MARK: usize = 60;
/// How many tags and prefixes are taken off one subject.
const MAX_MARKS: usize = 32;
/// The most words of an unknown prefix, and the most characters where words have no spaces between them.
const MAX_PREFIX_WORDS: usize = 5;
const MAX_PREFIX_CHARS: usize = 12;
/// A prefix with fewer letters, or characters that need no spaces, may be "Re" in a language that is not known here.
const MIN_PREFIX_LETTERS: usize = 4;
const MIN_PREFIX_CHARS: usize = 3;
/// How much of our subject must be left where it was cut short.
const MIN_CUT: usize = 8;
/// The most words of a tag.
const MAX_TAG_WORDS: usize = 4;
/// Longer subjects are compared by their beginning.
const MAX_SUBJECT: usize = 2048;

/// What stands before our own subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnknownPrefix {
    /// Nobody but a program puts such words there.
    OfMachine,
    /// A program or a person.
    OfAnyone,
}

/// The subject without the tags that gateways put before it: "[EXTERNAL] Automatic reply" is "Automatic reply". A subject
/// that is nothing but tags stays.
pub(super) fn without_tags(subject: &str) -> &str {
    let mut rest = trim_symbols(subject).trim_end();
    for _ in 0..MAX_MARKS {
        match strip_tag(rest).map(trim_separators) {
            Some(shorter) if !shorter.is_empty() => rest = shorter,
            _ => break,
        }
    }
    rest
}

/// The subject without tags and without the prefixes of replies and forwards.
pub(super) fn bare(subject: &str) -> &str {
    let mut rest = trim_symbols(subject).trim_end();
    for _ in 0..MAX_MARKS {
        match strip_tag(rest).map(trim_separators).or_else(|| strip_prefix(rest).map(trim_symbols)) {
            Some(shorter) if !shorter.is_empty() => rest = shorter,
            _ => break,
        }
    }
    strip_last_tag(rest)
}

/// Whether the subject begins with the answer of a calendar: "Accepted: …".
pub(super) fn is_calendar_answer(subject: &str) -> bool {
    let prefix = split_prefix(without_tags(subject)).map(|(prefix, _)| prefix.trim().to_lowercase());
    prefix.is_some_and(|prefix| is_in(CALENDAR_PREFIXES, &prefix))
}

/// Whether the subject begins with "Auto:", as RFC 5230 suggests for answers of a mailbox.
pub(super) fn is_marked_auto(subject: &str) -> bool {
    split_prefix(without_tags(subject)).is_some_and(|(prefix, _)| prefix.trim().eq_ignore_ascii_case("auto"))
}

/// Whether the subject is one of ours as it was sent: then its words say nothing of who answers.
pub(super) fn is_one_of(subject: &str, ours: &[&str]) -> bool {
    let subject = fold(strip_last_tag(without_tags(subject)));
    ours.iter().any(|ours| fold(ours.trim()) == subject || fold(bare(ours)) == subject)
}

/// An unknown prefix directly before one of our own subjects, and whose it may be. `None` also where the subject begins
/// like a reply or a forward.
pub(super) fn unknown_prefix(subject: &str, ours: &[&str]) -> Option<UnknownPrefix> {
    if is_one_of(subject, ours) {
        return None;
    }
    let subject = fold(strip_last_tag(without_tags(subject)));
    if strip_prefix(&subject).is_some() {
        return None;
    }
    let before = ours.iter().find_map(|ours| before_ours(&subject, &fold(bare(ours))))?;
    let Some((prefix, marks)) = split_prefix(before) else {
        // "Zorg - A quick question"
        let prefix = before.strip_suffix(['-', '|'])?.trim();
        return is_short(prefix).then_some(UnknownPrefix::OfAnyone);
    };
    let prefix = prefix.trim();
    // A gateway whose tag is not known here stands before "Re:".
    let is_reply = !marks.trim().is_empty();
    if !is_short(prefix) || !is_only_marks(marks) {
        return None;
    }
    let letters = prefix.chars().filter(|c| c.is_alphabetic()).count();
    let least = if prefix.chars().any(is_written_without_spaces) { MIN_PREFIX_CHARS } else { MIN_PREFIX_LETTERS };
    let is_machine = !is_reply && letters >= least && !reads_human(prefix);
    Some(if is_machine { UnknownPrefix::OfMachine } else { UnknownPrefix::OfAnyone })
}

/// What stands before our subject, with the mark between them; also where the subject was cut short at its end.
fn before_ours<'s>(subject: &'s str, ours: &str) -> Option<&'s str> {
    if ours.chars().count() < 2 {
        return None;
    }
    let ends_in_mark = |before: &&str| before.ends_with([':', '-', '|']);
    if let Some(before) = subject.strip_suffix(ours).map(str::trim_end) {
        return Some(before).filter(ends_in_mark);
    }
    let cut = subject.strip_suffix("...").or_else(|| subject.strip_suffix('…'))?.trim_end();
    let (at, _) = cut.match_indices(':').find(|(at, _)| {
        let kept = cut.get(at + 1..).unwrap_or_default().trim_start();
        kept.chars().count() >= MIN_CUT && ours.starts_with(kept)
    })?;
    cut.get(..=at)
}

/// Whether nothing is left without tags and prefixes.
fn is_only_marks(subject: &str) -> bool {
    let mut rest = subject.trim();
    for _ in 0..MAX_MARKS {
        let Some(shorter) = strip_tag(rest).or_else(|| strip_prefix(rest)) else { break };
        rest = shorter.trim();
    }
    rest.is_empty()
}

/// Whether words or characters are so few that a program may have put them before a subject.
fn is_short(prefix: &str) -> bool {
    let has_letters = prefix.chars().any(char::is_alphabetic);
    if prefix.chars().any(is_written_without_spaces) {
        return has_letters && prefix.chars().count() <= MAX_PREFIX_CHARS;
    }
    has_letters && prefix.len() <= MAX_MARK && prefix.split_whitespace().count() <= MAX_PREFIX_WORDS
}

/// Whether a person may have typed a prefix: it has a day, a number, or a word that people begin subjects with.
fn reads_human(prefix: &str) -> bool {
    if prefix.contains(['?', '!', '@']) || prefix.chars().any(char::is_numeric) || is_in(CALENDAR_PREFIXES, prefix) {
        return true;
    }
    let mut words = prefix.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    let book = Phrasebook::get();
    let is_human = |word: &str| is_in(HUMAN_WORDS, word) || book.weekday(word, None).is_some() || book.is_month(word);
    words.any(is_human)
        || prefix.chars().any(is_written_without_spaces)
            && HUMAN_WORDS.split('|').any(|word| !word.is_ascii() && word.chars().count() > 1 && prefix.contains(word))
}

fn is_written_without_spaces(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// One spelling of what looks alike: case, white space, colons, dashes.
fn fold(subject: &str) -> String {
    let mut folded = String::with_capacity(subject.len());
    for word in truncate(subject, MAX_SUBJECT).split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase).map(|c| match c {
            '：' | '︰' | '﹕' => ':',
            '–' | '—' | '‐' | '‑' => '-',
            '’' | '‘' => '\'',
            other => other,
        }));
    }
    folded
}

/// What stands before the first colon, and what after it, where the part before is short.
fn split_prefix(subject: &str) -> Option<(&str, &str)> {
    let colon = subject.char_indices().take_while(|(at, _)| *at <= MAX_MARK).find(|(_, c)| is_colon(*c));
    let (at, colon) = colon?;
    Some((subject.get(..at)?, subject.get(at + colon.len_utf8()..)?))
}

/// Whether a list of words holds a word.
fn is_in(list: &str, word: &str) -> bool {
    list.split('|').any(|known| known == word)
}

fn is_colon(c: char) -> bool {
    matches!(c, ':' | '：' | '︰' | '﹕')
}

/// The rest after a known prefix: "Re:", "RE[2]:", "Odp. :", "回复：".
fn strip_prefix(subject: &str) -> Option<&str> {
    let (prefix, rest) = split_prefix(subject)?;
    let prefix = strip_counter(prefix.trim()).trim_end_matches(['.', ' ']).to_lowercase();
    let is_other = || OTHER_PREFIXES.iter().any(|(_, prefixes)| is_in(prefixes, &prefix));
    (Phrasebook::get().is_prefix(&prefix) || is_other()).then_some(rest)
}

/// A prefix without its counter: "re[2]", "re(3)", "re^4", "re*2", "re2".
fn strip_counter(prefix: &str) -> &str {
    let number = prefix.trim_end_matches([']', ')']);
    let rest = number.trim_end_matches(|c: char| c.is_ascii_digit());
    if rest.len() == number.len() || rest.is_empty() {
        return prefix;
    }
    rest.trim_end_matches(['[', '(', '^', '*']).trim_end()
}

/// Without the signs that a gateway puts before its tag: "⚠ [EXTERNAL]".
fn trim_symbols(subject: &str) -> &str {
    let is_symbol = |c: char| !c.is_ascii() && !c.is_alphanumeric() && closing(c).is_none();
    subject.trim_start_matches(|c: char| c.is_whitespace() || is_symbol(c))
}

/// Without what a gateway puts after its tag: "[EXTERNAL]: ", "EXTERNAL - ".
fn trim_separators(subject: &str) -> &str {
    trim_symbols(subject.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '：' | '-' | '–' | '|')))
}

/// The rest after a tag: "[EXTERNAL]", "[#4711]", "{Spam?}", "*****SPAM*****", "EXTERNAL:".
fn strip_tag(subject: &str) -> Option<&str> {
    let first = subject.chars().next()?;
    if let Some(end) = closing(first) {
        let (tag, rest) = subject.get(first.len_utf8()..)?.split_once(end)?;
        // A list or a ticket system has its name in square brackets; other brackets hold anything.
        let is_square = matches!(first, '[' | '【' | '［');
        return (tag.len() <= MAX_MARK && (is_square || is_tag(tag, true))).then_some(rest);
    }
    if matches!(first, '*' | '#' | '=' | '~' | '_' | '-') {
        let (tag, rest) = subject.trim_start_matches(first).split_once(first)?;
        return (tag.len() <= MAX_MARK && is_tag(tag, true)).then(|| rest.trim_start_matches(first));
    }
    // "EXTERNAL - " is a tag, "External - " may be a person's.
    let dash = subject.split_once(" - ").filter(|(tag, _)| !tag.chars().any(char::is_lowercase));
    let (tag, rest) = split_prefix(subject).filter(|(tag, _)| is_tag(tag, false)).or(dash)?;
    (tag.len() <= MAX_MARK && is_tag(tag, false)).then_some(rest)
}

/// The subject without a tag at its end.
fn strip_last_tag(subject: &str) -> &str {
    let subject = subject.trim_end();
    let Some(open) = subject.chars().next_back().and_then(opening) else { return subject };
    let Some((rest, tag)) = subject.rsplit_once(open) else { return subject };
    let rest = rest.trim_end();
    if tag.len() <= MAX_MARK && is_tag(tag, true) && !rest.is_empty() { rest } else { subject }
}

fn closing(open: char) -> Option<char> {
    Some(match open {
        '[' => ']',
        '［' => '］',
        '【' => '】',
        '(' => ')',
        '{' => '}',
        '<' => '>',
        _ => return None,
    })
}

fn opening(close: char) -> Option<char> {
    ['[', '［', '【', '(', '{', '<'].into_iter().find(|open| closing(*open) == Some(close))
}

/// Whether a tag says that the mail comes from outside, or what a filter thinks of it.
fn is_tag(tag: &str, in_brackets: bool) -> bool {
    let tag = tag.to_lowercase();
    let mut words = tag.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_word = |word: &str| is_in(OUTSIDE_TAGS, word) || in_brackets && is_in(WARNING_TAGS, word);
    if !in_brackets {
        return words.next().is_some_and(is_word) && words.count() + 2 <= MAX_TAG_WORDS;
    }
    words.clone().count() <= MAX_TAG_WORDS && words.any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_prefixes_are_taken_off() {
        for subject in [
            "A quick question",
            "  Re: A quick question",
            "RE:RE: Re: A quick question",
            "Re[2]: A quick question",
            "RE(3): A quick question",
            "Re^4 : A quick question",
            "RE: AW: A quick question",
            "回复：A quick question",
            "答复: 转发：A quick question",
            "Odp.: A quick question",
            "Ynt: İlt: A quick question",
            "Vá: Továbbítás: A quick question",
            "ΣΧΕΤ: ΑΠ: A quick question",
            "Doorst: Antw: A quick question",
            "R: I: A quick question",
            "Trả lời: A quick question",
            "[EXTERNAL] Re: A quick question",
            "Re: [EXT] A quick question",
            "{Spam?} Re: A quick question",
            "*****SPAM***** Re: A quick question",
            "(External) Re: A quick question",
            "EXTERNAL: Re: A quick question",
            "EXTERNAL E-MAIL: A quick question",
            "EXTERNAL - Re: A quick question",
            "[EXT]: Re: A quick question",
            "⚠️ [EXTERNAL] A quick question",
            "**EXTERNAL** A quick question",
            "--EXTERN-- AW: A quick question",
            "<External> A quick question",
            "[#4711] [Acme sales] RE: A quick question",
            "【外部】回复：A quick question",
            "Re: A quick question [EXTERNAL]",
        ] {
            assert_eq!(bare(subject), "A quick question", "{subject}");
        }
        for subject in
            ["Spam filters that work", "(Re)considering", "Recall: Tuesday", "External audit", "Red: a colour?"]
        {
            assert_eq!(bare(subject), subject);
        }
        assert_eq!(bare("[EXTERNAL]"), "[EXTERNAL]");
        assert_eq!(without_tags("[EXT] {Spam?} Re: Hello"), "Re: Hello");
    }

    #[test]
    fn unknown_words_before_our_subject_are_a_machines() {
        let ours = ["A quick question", "Re: Another idea"];
        for subject in [
            "自动回复: A quick question",
            "自动回复：A quick question",
            "Zorg: A quick question",
            "Zorg blipte flum: A quick question",
            "[EXTERNAL] Zorg: A quick question",
            "Zorg : A Quick  Question",
            "Zorg: Another idea",
            "Zorg: A quick quest...",
            "Odsotnost iz pisarne: A quick question",
        ] {
            assert_eq!(unknown_prefix(subject, &ours), Some(UnknownPrefix::OfMachine), "{subject}");
        }
        for subject in [
            "Tuesday works: A quick question",
            "Meeting: A quick question",
            "Wed 7: A quick question",
            "Bsv: A quick question",
            "Zorg: Re: A quick question",
            "Zorg - A quick question",
            "Tentatively accepted: A quick question",
            "Merci beaucoup: A quick question",
        ] {
            assert_eq!(unknown_prefix(subject, &ours), Some(UnknownPrefix::OfAnyone), "{subject}");
        }
        for subject in [
            "A quick question",
            "Re: A quick question",
            "Re: Zorg: A quick question",
            "TR : A quick question",
            "EXTERNAL: A quick question",
            "Zorg: something else",
            "We talked about this some weeks ago already: A quick question",
            "I have A quick question",
            ": A quick question",
            "",
        ] {
            assert_eq!(unknown_prefix(subject, &ours), None, "{subject}");
        }
        assert_eq!(unknown_prefix("Zorg: A", &["A"]), None, "a subject of one letter proves nothing");
        assert_eq!(unknown_prefix("Acme: prices", &["prices", "Acme: prices"]), None, "it is ours");
    }

    #[test]
    fn calendars_and_marked_answers() {
        assert!(is_calendar_answer("Accepted: A quick question"));
        assert!(is_calendar_answer("[EXT] Zugesagt: Termin"));
        assert!(!is_calendar_answer("Re: Accepted: A quick question"));
        assert!(!is_calendar_answer("Accepted"));
        assert!(is_marked_auto("Auto: A quick question"));
        assert!(is_marked_auto("AUTO: Jane Doe is out of the office (returning 12/01/2026)"));
        assert!(!is_marked_auto("Autos: A quick question"));
    }

    #[test]
    fn hostile_subjects_end() {
        for part in ["[", "[]", "Re:", "*", "(", ": ", "re[", "【", "a:", "\u{301}"] {
            let subject = part.repeat(20_000);
            let _ = (bare(&subject).len(), without_tags(&subject).len());
            let _ = (unknown_prefix(&subject, &["A quick question", &subject]), is_calendar_answer(&subject));
        }
    }
}

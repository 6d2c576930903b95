//! Attribution lines: "On Monday Sam wrote:", in the languages and orders of many mail clients.

use std::ops::Range;

use super::lines::{Line, Quote};
use super::page::Page;
use super::phrases::{Hit, Topic};
use super::words::{Gap, WordKind};

/// An attribution that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attribution {
    /// How many lines it takes.
    pub(super) lines: usize,
    /// Whether it says enough to be believed without a quote below it.
    pub(super) sure: bool,
}

// Mail clients break an attribution over at most this many lines.
const MAX_LINES: usize = 7;
// In an attribution without an address the date stands within this many bytes.
const EARLY: usize = 45;
// Longer than this it is prose.
const MAX_LEN: usize = 400;
// Behind the verb come a name and a date: at most this many words, "schrieb Sam Lee am Montag, den 5. Januar 2026, um 9:00:".
const MAX_BEHIND: usize = 14;

/// The attribution that begins at line `at`, if one does.
pub(super) fn find_at(page: &Page<'_>, at: usize) -> Option<Attribution> {
    let lines = page.lines;
    let first = lines.get(at)?;
    if first.is_blank() || first.text.len() > MAX_LEN {
        return None;
    }
    // Yahoo's phones put the quote on the same line.
    if find_inline(page, at) == Some(page.words(at).start) && !ends_in_colon(page, at) {
        return Some(Attribution { lines: 1, sure: true });
    }
    let part = Part { page, lines: at..at + 1 };
    let starts = part.starts();
    // "On Jan 5, 2026," goes on below; "on your second point" may be the end of a sentence.
    let is_dated_start = page.begins(Topic::AttributionStart, at).is_some() && part.is_dated();
    let mut length = 0;
    for (index, line) in lines.iter().enumerate().skip(at).take(MAX_LINES) {
        length += line.text.len();
        let goes_on = is_dated_start && index > at && index + 1 < lines.len();
        if length > MAX_LEN || index > at && !starts {
            break;
        }
        if line.is_blank() || line.quote == Quote::Yes {
            // Some programs break "< mailto: … > wrote:" so that its parts stand alone, one of them behind a ">".
            let is_part = line.is_blank() || is_verb_alone(page, index);
            if !(goes_on && is_part) {
                break;
            }
            if line.is_blank() {
                continue;
            }
        }
        let Some(sure) = (Part { page, lines: at..index + 1 }).judge() else { continue };
        // What is complete without the lines above it does not begin in them: those are the sender's words.
        let is_later = |skip| (Part { page, lines: skip..index + 1 }).judge() == Some(true);
        if !is_dated_start && (at + 1..=index).any(is_later) {
            return None;
        }
        // Without proof in itself, it needs the quote right below.
        if sure || quote_follows(lines, index + 1) {
            return Some(Attribution { lines: index + 1 - at, sure });
        }
        if index > at && !starts {
            break;
        }
    }
    None
}

fn ends_in_colon(page: &Page<'_>, line: usize) -> bool {
    page.text(line).trim_end_matches(['*', '_', ' ']).ends_with(':')
}

// "> wrote:", all that is left of a line.
fn is_verb_alone(page: &Page<'_>, line: usize) -> bool {
    let words = page.words(line);
    page.begins(Topic::Wrote, line).is_some_and(|hit| hit.end == words.end)
}

/// Whether the next line with words on it is quoted.
pub(super) fn quote_follows(lines: &[Line], from: usize) -> bool {
    lines.iter().skip(from).find(|line| !line.is_blank()).is_some_and(|line| line.quote != Quote::No)
}

/// Where in a line quoted text begins behind other words, as a place in the document's text: at an attribution, at copied
/// headers, or at dashes that announce the original mail.
pub(super) fn find_within(page: &Page<'_>, line: usize) -> Option<usize> {
    let words = page.words(line);
    let document = &page.document;
    let start_of = |word: usize| document.words.get(word).map(|word| word.start as usize);
    let is_behind = |word: &usize| *word > words.start;
    let attribution = find_inline(page, line).filter(is_behind).and_then(start_of);
    let headers = folded_headers(page, &words).filter(is_behind).and_then(start_of);
    let dashes = document.hits.within(Topic::OriginalMessage, words.clone()).find_map(|hit| {
        let before = document.between(hit.first).trim_end();
        let dashes = before.len() - before.trim_end_matches('-').len();
        (is_behind(&hit.first) && dashes >= 2)
            .then(|| start_of(hit.first).map(|at| at - dashes - trailing(document.between(hit.first))))
    });
    attribution.into_iter().chain(headers).chain(dashes.flatten()).min()
}

fn trailing(text: &str) -> usize {
    text.len() - text.trim_end().len()
}

/// Where an attribution begins in one line by itself, in bytes.
pub(super) fn find_in_line(text: &str) -> Option<usize> {
    let lines = [Line { text: text.to_owned(), ..Line::default() }];
    let page = Page::of(&lines);
    let word = find_inline(&page, 0)?;
    page.original(page.document.words.get(word)?.start as usize, 0)
}

/// The first word of the first attribution in a line.
fn find_inline(page: &Page<'_>, line: usize) -> Option<usize> {
    let words = page.words(line);
    let verbs = page.document.hits.within(Topic::Wrote, words.clone()).take(MAX_VERBS);
    let with_verb = verbs.filter_map(|verb| begins_before(page, &words, verb)).min();
    // "пн, 5 янв. 2026 г. в 09:00, Sam Lee <sam@us.example>:"
    let is_end = |at: &usize| {
        page.document.words.get(*at).is_some_and(|word| word.kind == WordKind::Address)
            && page.document.between(at + 1).starts_with(['>', ')'])
            && page.document.between(at + 1).trim_start_matches(['>', ')', ' ']).starts_with(':')
    };
    let without =
        words.clone().filter(is_end).take(MAX_VERBS).find_map(|at| begin_of_date(page, &words, at, at + 1, true));
    with_verb.into_iter().chain(without).min()
}

/// No more verbs of a line are looked at.
const MAX_VERBS: usize = 50;
/// An attribution begins at most this many words before its verb.
const MAX_BEFORE: usize = 24;

/// The first word of the attribution with this verb, if it is one.
fn begins_before(page: &Page<'_>, words: &Range<usize>, verb: &Hit) -> Option<usize> {
    let document = &page.document;
    if document.hits.overlaps(Topic::NotAttribution, verb.words()) {
        return None;
    }
    // "wrote:" at the end, or "schrieb Sam Lee <sam@us.example>:".
    let colon = |at: usize| document.between(at).trim_start_matches(['>', ')', ']', ' ', '*']).starts_with(':');
    let most = words.end.min(verb.end + MAX_BEHIND);
    let end = (verb.end..=most).find(|at| colon(*at) || *at == document.words.len() && document.text.ends_with(':'))?;
    begin_of_date(page, words, verb.first, end, false)
}

/// The first word of the attribution that has its date before the word `until` and ends before the word `end`. `strictly`:
/// it needs a day, and begins with it.
fn begin_of_date(page: &Page<'_>, words: &Range<usize>, until: usize, end: usize, strictly: bool) -> Option<usize> {
    let document = &page.document;
    let from = words.start.max(until.saturating_sub(MAX_BEFORE));
    let is_start = |at: &usize| {
        let fresh = *at == words.start || document.words.get(*at).is_some_and(|word| word.gap >= Gap::Space);
        fresh && (is_named_start(page, *at) || is_date_start(page, *at) && has_day(page, *at..*at + 5))
    };
    let starts: Vec<usize> = (from..until).filter(is_start).collect();
    // The last start with which the day stands before the verb: "On Monday we talk. On 5 Jan Sam wrote:".
    let near = |at: usize| if strictly { end.min(at + 6) } else { end };
    let dated = starts.iter().rev().find(|at| has_day(page, **at..near(**at)));
    // Without a day, the first one of the sentence: "On Monday at 9:00 Sam wrote:".
    let timed = || {
        let in_sentence = |at: &&usize| (*at + 1..until).all(|word| !is_sentence_end(page, word));
        starts.iter().find(in_sentence).filter(|at| has_date(page, **at..end))
    };
    let mut begin = *dated.or_else(|| if strictly { None } else { timed() })?;
    // "Am Mo., 5. Jan. 2026": the date's own words are starts, too.
    for at in starts.iter().rev().filter(|at| **at < begin).collect::<Vec<_>>() {
        let near = if is_named_start(page, *at) { 3 } else { 2 };
        // "Am Mo., 5. Jan.", but not "Tuesday at ten. On 5 Jan".
        let ends: &[char] = if is_named_start(page, begin) { &['!', '?', ';', '.'] } else { &['!', '?', ';'] };
        if begin - at <= near && (*at + 1..=begin).all(|word| !document.between(word).contains(ends)) {
            begin = *at;
        }
    }
    Some(begin)
}

// Whether the words before and from `at` on are two sentences; "Mo., 5. Jan." are none.
fn is_sentence_end(page: &Page<'_>, at: usize) -> bool {
    let between = page.document.between(at);
    let before = at.checked_sub(1).and_then(|before| page.document.words.get(before));
    let short = before.is_some_and(|word| word.end - word.start <= 4);
    between.contains(['!', '?', ';']) || between.starts_with('.') && !short
}

/// Whether a day stands in some words: `5 Jan`, `2026-01-05`, `5/1/26`.
fn has_day(page: &Page<'_>, words: Range<usize>) -> bool {
    words.clone().any(|at| {
        let Some(first) = number(page, at).filter(|first| first.len() <= 4) else { return false };
        // "10:00 Uhr"
        if page.document.between(at).ends_with(':') || page.document.between(at + 1).starts_with(':') {
            return false;
        }
        let month = |at: usize| at >= words.start && at < words.end && is_month(page, at);
        // "5 Jan", "Jan 5", "5 de enero".
        let between = page.document.text_of(at + 1..at + 2).chars().count() <= 3;
        let named = month(at + 1) || at > 0 && month(at - 1) || between && month(at + 2);
        let next = at + 1 < words.end && number(page, at + 1).is_some_and(|next| next.len() <= 2);
        // "5. 10:00" is a number and a time.
        let is_time = page.document.between(at + 2).starts_with(':');
        let numbers = next && !is_time && matches!(page.document.between(at + 1), "/" | "-" | "." | ". ");
        first.len() <= 2 && named || numbers
    })
}

fn is_named_start(page: &Page<'_>, at: usize) -> bool {
    page.document.hits.within(Topic::AttributionStart, at..page.document.words.len()).take(1).any(|hit| hit.first == at)
}

// "From: Sam Lee Sent: Monday … To: …" within a line.
fn folded_headers(page: &Page<'_>, words: &Range<usize>) -> Option<usize> {
    let document = &page.document;
    let label = |hit: &&Hit| document.between(hit.end).trim_start().starts_with(':');
    let from = document.hits.within(Topic::HeaderFrom, words.clone()).filter(label).take(MAX_VERBS);
    let sent = |from: &Hit| {
        let near = from.end..words.end.min(from.end + MAX_BEFORE);
        [Topic::HeaderSent, Topic::HeaderDate].into_iter().any(|topic| {
            let mut hits = document.hits.within(topic, near.clone()).filter(label);
            hits.any(|hit| hit.first > from.end)
        })
    };
    from.filter(|from| sent(from)).map(|from| from.first).next()
}

/// Some lines that may be one attribution.
struct Part<'p> {
    page: &'p Page<'p>,
    lines: Range<usize>,
}

impl Part<'_> {
    fn words(&self) -> Range<usize> {
        self.page.words_of(self.lines.clone())
    }

    fn text(&self) -> &str {
        self.page.text_of(self.lines.clone()).trim_matches(['*', '_', ' ', '\n']).trim_start_matches(['>', ' '])
    }

    /// `None`: no attribution. Otherwise whether it is sure.
    fn judge(&self) -> Option<bool> {
        let (words, text) = (self.words(), self.text());
        if words.is_empty() {
            return None;
        }
        let dated = has_date(self.page, words.clone());
        let addressed = has_address(self.page, words.clone());
        if is_ruled(text) && (self.verb_at_end() || dated && addressed) {
            return Some(true);
        }
        let verb_at_end = self.verb_at_end();
        if !(text.ends_with(':') || verb_at_end) {
            // "2026/1/5 Sam Lee <sam@us.example>"
            let named = self.page.begins(Topic::AttributionStart, self.lines.start).is_some();
            if !named && is_date_start(self.page, words.start) && has_address_at_end(self.page, &words, text) {
                return Some(words.len() <= 14);
            }
            // GMX leaves the colon out.
            return (dated && self.starts() && self.verb_inside()).then_some(false);
        }
        let starts = self.starts();
        let verb = verb_at_end || self.verb_inside();
        // "On your second point, my view of 12 January 2026 is what I wrote:" is prose: the date comes late, and it was "I".
        if starts && (dated || addressed) && verb && !self.by_oneself() {
            return Some(addressed || has_date(self.page, self.early()));
        }
        // "2026-01-05 9:00 GMT+01:00 Sam <sam@us.example>:", "5 января 2026, 12:00 от Sam <sam@us.example>:"
        if dated && is_date_start(self.page, words.start) && has_address_at_end(self.page, &words, text) {
            return Some(true);
        }
        // "Sam wrote:" may be the lead's own sentence.
        (verb || addressed || dated).then_some(false)
    }

    /// Whether it begins as attributions do: a word such as "on", a name with an address, a date.
    fn starts(&self) -> bool {
        let words = self.words();
        self.page.begins(Topic::AttributionStart, self.lines.start).is_some()
            || is_date_start(self.page, words.start)
            || self.is_address_early(&words)
    }

    // "Sam Lee <sam@us.example> schrieb am …"
    fn is_address_early(&self, words: &Range<usize>) -> bool {
        let document = &self.page.document;
        let first = (words.start..words.end.min(words.start + 10))
            .find(|at| document.words.get(*at).is_some_and(|word| word.kind == WordKind::Address));
        first.is_some_and(|at| {
            let before = document.text_of(words.start..at);
            document.between(at).trim_end().ends_with(['<', '(']) && !before.contains([':', '<', '>'])
        })
    }

    fn is_dated(&self) -> bool {
        has_date(self.page, self.early())
    }

    fn early(&self) -> Range<usize> {
        let words = self.words();
        let document = &self.page.document;
        let start = document.words.get(words.start).map_or(0, |word| word.start as usize);
        let end = (words.start..words.end)
            .find(|at| document.words.get(*at).is_some_and(|word| word.start as usize > start + EARLY))
            .unwrap_or(words.end);
        words.start..end
    }

    fn verbs(&self) -> impl Iterator<Item = &Hit> {
        self.page.document.hits.within(Topic::Wrote, self.words())
    }

    fn verb_at_end(&self) -> bool {
        let end = self.words().end;
        self.verbs().any(|hit| hit.end == end)
    }

    // "Am Montag schrieb Sam Lee <sam@us.example>:", "Sam <sam@us.example> a écrit le lun. 5 janv. à 09:00 :"
    fn verb_inside(&self) -> bool {
        let end = self.words().end;
        let is_prose = |hit: &Hit| self.page.document.hits.overlaps(Topic::NotAttribution, hit.words());
        self.verbs().any(|hit| end - hit.end <= MAX_BEHIND && !is_prose(hit))
    }

    // "I wrote": mail clients say who wrote by name, or "you".
    fn by_oneself(&self) -> bool {
        self.page.document.hits.has(Topic::NotAttribution, self.words())
    }
}

// "---- On Mon, 05 Jan 2026 09:00:00 +0000 Sam <sam@us.example> wrote ----"
fn is_ruled(text: &str) -> bool {
    text.starts_with("--") && text.ends_with("--")
}

fn number<'p>(page: &'p Page<'_>, at: usize) -> Option<&'p str> {
    let word = page.document.words.get(at).filter(|word| word.kind == WordKind::Number)?;
    page.document.text.get(word.range())
}

/// Whether a date or a time of day stands in some words: `9:00`, `2026`, `5/1/26`.
pub(super) fn has_date(page: &Page<'_>, words: Range<usize>) -> bool {
    words.clone().any(|at| {
        let Some(first) = number(page, at) else { return false };
        let digits = first.bytes().filter(u8::is_ascii_digit).count();
        let is_year = first.len() == 4 && (first.starts_with("19") || first.starts_with("20")) && digits == 4;
        let is_hour = first.len() <= 5 && first.contains('h') && digits >= 3;
        let separator = |at: usize| page.document.between(at);
        let next = |at: usize| at < words.end && number(page, at).is_some_and(|next| next.len() <= 4);
        let is_time = next(at + 1) && matches!(separator(at + 1), ":" | ".") && digits <= 2;
        let is_date = (digits <= 2 || is_year)
            && next(at + 1)
            && next(at + 2)
            && [separator(at + 1), separator(at + 2)].iter().all(|between| matches!(*between, "." | "/" | "-" | ". "));
        is_year || is_hour || is_time || is_date
    })
}

fn has_address(page: &Page<'_>, words: Range<usize>) -> bool {
    page.document.words.get(words).unwrap_or_default().iter().any(|word| word.kind == WordKind::Address)
}

// "… <sam@us.example>:", "… (sam@us.example)"
fn has_address_at_end(page: &Page<'_>, words: &Range<usize>, text: &str) -> bool {
    let last = words.end.saturating_sub(1);
    page.document.words.get(last).is_some_and(|word| word.kind == WordKind::Address)
        && text.trim_end_matches([':', ' ']).ends_with(['>', ')', ']'])
}

// "2026-01-05", "Mo., 5. Jan.", "Den 5. januar", "mån 5 jan": a number at once, or a word and then one.
fn is_date_start(page: &Page<'_>, at: usize) -> bool {
    let is_number = |at: usize| number(page, at).is_some();
    if !(at..at + 4).any(is_number) {
        return false;
    }
    let separates = |at: usize| page.document.between(at).contains(['.', '/', '-', ' ', ':']);
    if is_number(at) {
        // "2026年1月5日", "2026년 1월 5일"
        let counter = number(page, at).unwrap_or_default().trim_start_matches(|c: char| c.is_ascii_digit());
        if counter == "년" || page.document.text_of(at + 1..at + 2) == "年" {
            return true;
        }
        // "40 seats" is no date; "5. Januar", "5 января", "2026-01-05" are.
        return is_number(at + 1) && separates(at + 1) || is_month(page, at + 1);
    }
    let is_short = page.document.words.get(at).is_some_and(|word| {
        word.kind == WordKind::Letters
            && page.document.text.get(word.range()).is_some_and(|word| word.chars().count() <= 12)
    });
    let dated = |at: usize| {
        is_number(at) && (is_month(page, at + 1) || is_number(at + 1)) || is_month(page, at) && is_number(at + 1)
    };
    is_short
        && page.document.words.get(at + 1).is_some_and(|word| word.gap <= Gap::Comma || word.gap == Gap::Sentence)
        && (dated(at + 1) || is_month(page, at) && is_number(at + 1) || is_named_start(page, at) && dated(at + 2))
}

fn is_month(page: &Page<'_>, at: usize) -> bool {
    let word = page.document.words.get(at).filter(|word| word.kind == WordKind::Letters);
    let name = word.and_then(|word| page.document.text.get(word.range()));
    name.is_some_and(|name| super::phrases::Phrasebook::get().is_month(name))
}

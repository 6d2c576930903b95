//! Which repetitions are quoted passages, and which are words that the lead says again.
//!
//! A long repetition on lines of its own is a quote wherever it stands. A short one is a quote only where quotes stand:
//! below an attribution, behind `>`, next to another passage of the same message. The lead's own earlier words are repeated
//! in every signature, so for them the place always decides.

use std::collections::HashMap;
use std::ops::Range;

use super::attribution;
use super::coverage::{Coverage, Run};
use super::index::WINDOW;
use super::naming::{Names, Sign};
use super::words::WORD_WEIGHT;
use crate::text::attribution::find_at;
use crate::text::headers::Headers;
use crate::text::lines::Quote;
use crate::text::page::Page;

/// From this weight on a repetition on lines of its own is a quote; nobody types so many words again by chance.
const UNMISTAKABLE: u32 = 8 * WORD_WEIGHT;
/// From this on a repetition that shares its first or last line with other words is one too.
const LONG: u32 = 12 * WORD_WEIGHT;
/// And from this on one within a line.
const VERY_LONG: u32 = 20 * WORD_WEIGHT;
/// A piece of a message whose other pieces are quoted.
const PIECE: u32 = 4 * WORD_WEIGHT;
/// Pieces of one message in its order, together.
const PIECES: u32 = 10 * WORD_WEIGHT;
/// How many pieces of text above a passage are read for its attribution.
const MAX_PIECES: usize = 16;

/// The quoted passages among a mail's words, in their order.
pub(super) fn find_passages(coverage: &Coverage<'_>, names: &[Names], before: usize) -> Vec<Run> {
    let runs = coverage.runs();
    let mut judge = Judge { coverage, names, accepted: vec![false; runs.len()], runs };
    for number in 0..judge.runs.len() {
        let accepts = judge.accepts(number);
        if let Some(accepted) = judge.accepted.get_mut(number) {
            *accepted = accepts;
        }
    }
    let accepted = judge.accepted_runs();
    let mut short = find_short(coverage, names, before, &accepted);
    // Below an introduction that the patterns know, a greeting may begin a message that is not in the thread.
    let last: HashMap<usize, usize> = accepted.iter().map(|run| (run.message, run.words.start)).collect();
    short.retain(|run| {
        let whole = coverage.index.source(run.from).is_some_and(|source| source.words.len() == run.words.len());
        let goes_on = last.get(&run.message).is_some_and(|start| *start >= run.words.end);
        whole || goes_on || !is_introduced(coverage, run)
    });
    judge.insert(short);
    judge.accept_pieces();
    judge.accept_groups();
    let mut passages = judge.accepted_runs();
    let continued = find_continued(coverage, &passages);
    passages.extend(continued);
    passages.sort_by_key(|run| run.words.start);
    passages
}

struct Judge<'c> {
    coverage: &'c Coverage<'c>,
    names: &'c [Names],
    runs: Vec<Run>,
    accepted: Vec<bool>,
}

impl Judge<'_> {
    fn accepts(&self, number: usize) -> bool {
        let Some(run) = self.runs.get(number) else { return false };
        let before = number.checked_sub(1).and_then(|before| self.runs.get(before));
        let touches = before.is_some_and(|before| before.words.end == run.words.start);
        let follows = touches && number.checked_sub(1).is_some_and(|before| self.is_accepted(before));
        let starts = self.starts_line(run) || follows;
        let ends = self.ends_line(run);
        let quote = self.quote(run);
        if quote == Quote::Yes || (quote == Quote::Maybe && run.weight >= PIECE) {
            return true;
        }
        let same_look = before.is_some_and(|before| self.quote(before) == quote);
        let continues = ends && self.coverage.index.begins_line(run.from);
        if follows && same_look && (continues || run.weight >= PIECE) {
            return true;
        }
        if run.ours {
            let from_the_start = self.coverage.index.source(run.from).is_some_and(|it| it.words.start == run.from);
            let enough = match (starts, ends) {
                (true, true) => UNMISTAKABLE,
                (true, false) | (false, true) if from_the_start => UNMISTAKABLE,
                (true, false) | (false, true) => LONG,
                (false, false) => VERY_LONG,
            };
            if run.weight >= enough {
                return true;
            }
        } else if starts && ends && run.weight >= UNMISTAKABLE && self.is_tail(run) {
            return true;
        }
        let whole = starts && ends;
        (whole || run.weight >= PIECE || (ends && run.weight >= 2 * WORD_WEIGHT))
            && self.names.get(run.message).is_some_and(|names| {
                let above = (0..number).rev().find(|number| self.is_accepted(*number)).and_then(|it| self.runs.get(it));
                is_attributed(self.coverage, run.words.start, above.map_or(0, |run| run.words.end), names)
            })
    }

    fn accepted_runs(&self) -> Vec<Run> {
        self.runs.iter().zip(&self.accepted).filter(|(_, accepted)| **accepted).map(|(run, _)| run.clone()).collect()
    }

    // Takes in passages that were found otherwise, instead of the runs that are in their places.
    fn insert(&mut self, passages: Vec<Run>) {
        let mut passages = passages.into_iter().peekable();
        let runs = std::mem::take(&mut self.runs);
        let accepted = std::mem::take(&mut self.accepted);
        let mut end = 0;
        for (run, accepted) in runs.into_iter().zip(accepted) {
            while let Some(passage) = passages.next_if(|passage| passage.words.start < run.words.end) {
                end = passage.words.end;
                self.runs.push(passage);
                self.accepted.push(true);
            }
            if run.words.start >= end {
                self.runs.push(run);
                self.accepted.push(accepted);
            }
        }
        self.accepted.resize(self.runs.len() + passages.len(), true);
        self.runs.extend(passages);
    }

    fn is_accepted(&self, number: usize) -> bool {
        self.accepted.get(number).copied().unwrap_or(false)
    }

    fn starts_line(&self, run: &Run) -> bool {
        self.coverage.line_words(run.words.start).start == run.words.start
    }

    fn ends_line(&self, run: &Run) -> bool {
        self.coverage.line_words(run.words.end.saturating_sub(1)).end == run.words.end
    }

    fn quote(&self, run: &Run) -> Quote {
        quote_at(self.coverage, run.words.start)
    }

    // A message of the lead's from its first words on, below new words and with nothing new below: a signature begins later.
    fn is_tail(&self, run: &Run) -> bool {
        let index = self.coverage.index;
        let first = index.source(run.from).is_some_and(|source| run.from <= source.words.start + 2);
        let new_above = (0..run.words.start).any(|word| self.coverage.position(word).is_none());
        first && new_above
    }

    // Pieces of a message next to the quoted ones, in the message's order: the lead answered between them.
    fn accept_pieces(&mut self) {
        for forward in [true, false] {
            let mut nearest: Option<(usize, usize)> = None;
            let order: Vec<usize> =
                if forward { (0..self.runs.len()).collect() } else { (0..self.runs.len()).rev().collect() };
            for number in order {
                let Some(run) = self.runs.get(number) else { continue };
                let near = nearest.filter(|(message, _)| *message == run.message).map(|(_, position)| position);
                let (in_order, goes_on) = match near {
                    Some(position) if forward => (run.from >= position, run.from == position),
                    Some(position) => (run.to <= position, run.to == position),
                    None => (false, false),
                };
                // What goes on where the other stopped may share its line with an answer.
                let (starts, ends) = (self.starts_line(run), self.ends_line(run));
                let alone = starts && ends || goes_on && (starts || ends);
                let piece = run.ours && run.weight >= PIECE && self.quote(run) == Quote::No && alone;
                if self.is_accepted(number) || (piece && in_order) {
                    if self.quote(run) == Quote::No {
                        nearest = Some((run.message, if forward { run.to } else { run.from }));
                    }
                    if let Some(accepted) = self.accepted.get_mut(number) {
                        *accepted = true;
                    }
                }
            }
        }
    }

    // Short pieces of one message on lines of their own, in its order, with answers between them.
    fn accept_groups(&mut self) {
        let mut start = 0;
        while start < self.runs.len() {
            let mut group = Vec::new();
            let mut weight = 0;
            let mut last: Option<(usize, usize)> = None;
            let mut end = start;
            while let Some(run) = self.runs.get(end) {
                let piece = run.ours && run.weight >= PIECE && self.starts_line(run) && self.ends_line(run);
                if !piece || last.is_some_and(|(message, to)| message != run.message || run.from < to) {
                    break;
                }
                last = Some((run.message, run.to));
                weight += run.weight;
                group.push(end);
                end += 1;
            }
            if group.len() >= 2 && weight >= PIECES {
                for number in group {
                    if let Some(accepted) = self.accepted.get_mut(number) {
                        *accepted = true;
                    }
                }
            }
            start = end.max(start + 1);
        }
    }
}

fn quote_at(coverage: &Coverage<'_>, word: usize) -> Quote {
    coverage.words.get(word).and_then(|word| coverage.texts.get(word.line)).map(|line| line.quote).unwrap_or_default()
}

// Whether what stands between the passage above, which ends before the word `above`, and this one names the message.
fn is_attributed(coverage: &Coverage<'_>, word: usize, above: usize, names: &Names) -> bool {
    let Some(word) = coverage.words.get(word) else { return false };
    let passage = above.checked_sub(1).and_then(|last| coverage.words.get(last)).map(|word| word.line);
    let line_at = |line: usize| {
        let text = coverage.texts.get(line).filter(|_| passage.is_none_or(|passage| passage < line));
        text.map(|line| (line.text.as_str(), line.quote))
    };
    let (pieces, inline) = pieces_above(line_at, word.line, word.start);
    attribution::find(&pieces, inline, names).is_some()
}

/// The pieces of text above a passage that begins at this byte of this line, the nearest first, and whether the nearest stands
/// on the same line.
pub(super) fn pieces_above<'l>(
    line_at: impl Fn(usize) -> Option<(&'l str, Quote)>,
    line: usize,
    byte: usize,
) -> (Vec<&'l str>, bool) {
    let mut pieces = Vec::new();
    let head = line_at(line).and_then(|(text, _)| text.get(..byte)).unwrap_or_default();
    let inline = !attribution::is_decoration(head);
    if inline {
        pieces.push(head);
    }
    for above in (line.saturating_sub(MAX_PIECES)..line).rev() {
        match line_at(above) {
            Some((text, quote)) if quote != Quote::Yes => pieces.push(text),
            _ => break,
        }
    }
    (pieces, inline)
}

// What is too short to be found by itself: a message of a few words, or the few that are left of one, below its attribution.
fn find_short(coverage: &Coverage<'_>, names: &[Names], before: usize, passages: &[Run]) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    let mut passages = passages.iter().peekable();
    let mut end = 0;
    for (start, word) in coverage.words.iter().enumerate() {
        while let Some(run) = passages.next_if(|run| run.words.start <= start) {
            end = end.max(run.words.end);
        }
        let bare = coverage.texts.get(word.line).is_some_and(|line| line.quote != Quote::Yes);
        if start >= end
            && bare
            && let Some(run) = find_edge(coverage, names, before, start, end)
        {
            end = run.words.end;
            found.push(run);
        }
    }
    found
}

// The few words that come next in a passage, on a line of their own below an answer.
fn find_continued(coverage: &Coverage<'_>, passages: &[Run]) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    let mut passages = passages.iter().peekable();
    let mut last: Option<Run> = None;
    for range in coverage.lines.iter().filter(|range| !range.is_empty()) {
        while let Some(run) = passages.next_if(|run| run.words.start < range.end) {
            last = Some(run.clone());
        }
        let Some(run) = last.as_ref().filter(|run| run.words.end <= range.start && range.len() < WINDOW) else {
            continue;
        };
        let next = range.clone().enumerate().all(|(offset, word)| is_word_at(coverage, word, run.to + offset));
        let bare = quote_at(coverage, run.words.end.saturating_sub(1)) == Quote::No;
        // What stands right below a passage and was not found with it stands there by chance.
        if bare && next && coverage.index.begins_line(run.to) && run.words.end < range.start {
            let run = short_run(coverage, range.clone(), run.to);
            last = Some(run.clone());
            found.push(run);
        }
    }
    found
}

fn is_word_at(coverage: &Coverage<'_>, word: usize, position: usize) -> bool {
    coverage.words.get(word).is_some_and(|word| coverage.index.hash(position) == Some(word.hash))
}

fn short_run(coverage: &Coverage<'_>, words: Range<usize>, from: usize) -> Run {
    let source = coverage.index.source(from);
    Run {
        from,
        to: from + words.len(),
        message: source.map_or(0, |source| source.message),
        ours: source.is_some_and(|source| source.outgoing),
        weight: coverage.words.get(words.clone()).unwrap_or_default().iter().map(|word| word.weight).sum(),
        words,
    }
}

fn find_edge(coverage: &Coverage<'_>, names: &[Names], before: usize, start: usize, above: usize) -> Option<Run> {
    (1..WINDOW).rev().find_map(|count| {
        let words = coverage.words.get(start..start + count)?;
        let ends_line = coverage.line_words(start + count - 1).end == start + count;
        let position = ends_line.then(|| coverage.index.find_edge(words, before)).flatten()?;
        let run = short_run(coverage, start..start + count, position);
        let names = names.get(run.message)?;
        (begins_passage(coverage, names, start) && is_attributed(coverage, start, above, names)).then_some(run)
    })
}

// Whether the patterns know what stands above a passage.
fn is_introduced(coverage: &Coverage<'_>, run: &Run) -> bool {
    let Some(line) = coverage.words.get(run.words.start).map(|word| word.line) else { return false };
    let lines = coverage.texts.get(line.saturating_sub(MAX_PIECES)..line).unwrap_or_default();
    let page = Page::of(lines);
    let headers = Headers::of(&page);
    (0..lines.len())
        .any(|at| headers.block(&page, at, false).is_some() || find_at(&page, at).is_some_and(|found| found.sure))
}

// Whether a passage may begin at a word: with the line, or right behind a colon or the subject. The subject among copied
// headers may be how the message begins, too.
fn begins_passage(coverage: &Coverage<'_>, names: &Names, start: usize) -> bool {
    let Some(word) = coverage.words.get(start) else { return false };
    let Some(line) = coverage.texts.get(word.line) else { return false };
    if coverage.line_words(start).start == start {
        return true;
    }
    let length = names.subject_length();
    let subject_above = start.checked_sub(length).and_then(|from| coverage.words.get(from..start));
    if subject_above.is_some_and(|words| names.is_subject(words)) {
        return true;
    }
    let before = line.text.get(..word.start).unwrap_or_default().trim_end_matches([' ', '"', '*']);
    // A bare label is a header's: its value may be how the message begins.
    let named = || names.find_signs(before).iter().any(|(_, sign)| !matches!(sign, Sign::Colon | Sign::Label));
    before.ends_with([':', '：'])
        && named()
        && !names.find_signs(&line.text).iter().any(|(_, sign)| *sign == Sign::Subject)
}

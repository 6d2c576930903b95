//! Which words of a mail repeat an earlier message, and which of its words they are.

use std::ops::Range;

use super::index::{Index, MAX_WORDS, WINDOW};
use super::words::{Folding, Word, Words, folded};
use crate::text::lines::{Line, Quote};

/// A `>` line at least this long may have been wrapped, its end standing in the next line without a `>`.
const MIN_WRAPPED_LEN: usize = 40;
/// Within a repetition, words that a server or a tracker changed are bridged up to these numbers: on one line without more
/// proof, else where at least half of the words are the same.
const MAX_CHANGED: usize = 8;
const MAX_GAP: usize = 40;
/// The lead's words that we repeated ourselves are ours, up to this many.
const MAX_REPEATED_BACK: usize = 12;

/// A mail's words with what each of them repeats.
pub(super) struct Coverage<'i> {
    pub(super) index: &'i Index,
    pub(super) texts: &'i [Line],
    pub(super) words: Vec<Word>,
    /// The words of each line.
    pub(super) lines: Vec<Range<usize>>,
    // The position in the index of what a word repeats.
    at: Vec<Option<usize>>,
}

/// Words in a row that repeat earlier words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) words: Range<usize>,
    /// The positions in the index of the first word, and of the one after the last.
    pub(super) from: usize,
    pub(super) to: usize,
    /// The message that most of the words repeat.
    pub(super) message: usize,
    /// Whether we wrote the words first.
    pub(super) ours: bool,
    /// In half words.
    pub(super) weight: u32,
}

impl<'i> Coverage<'i> {
    /// Compares a mail's lines with the messages before `before`.
    pub(super) fn new(index: &'i Index, lines: &'i [Line], before: usize, folding: Folding) -> Self {
        let Words { words, .. } = Words::from_lines(lines.iter().map(|line| line.text.as_str()), folding, MAX_WORDS);
        let mut ranges = vec![0..0; lines.len()];
        for (number, word) in words.iter().enumerate() {
            if let Some(range) = ranges.get_mut(word.line) {
                if range.start == range.end {
                    range.start = number;
                }
                range.end = number + 1;
            }
        }
        let at = vec![None; words.len()];
        let mut coverage = Self { index, texts: lines, words, lines: ranges, at };
        coverage.look_up(before);
        if coverage.at.iter().any(Option::is_some) {
            coverage.extend();
            coverage.bridge();
        }
        coverage
    }

    /// The position in the index of what the word repeats.
    pub(super) fn position(&self, word: usize) -> Option<usize> {
        self.at.get(word).copied().flatten()
    }

    /// The first word of the word's line, and the one after its last.
    pub(super) fn line_words(&self, word: usize) -> Range<usize> {
        self.words.get(word).and_then(|word| self.lines.get(word.line)).cloned().unwrap_or_default()
    }

    fn line(&self, word: usize) -> Option<usize> {
        self.words.get(word).map(|word| word.line)
    }

    fn message(&self, position: usize) -> usize {
        self.index.source(position).map_or(usize::MAX, |source| source.message)
    }

    // Of all repetitions that a word is in, the earliest message counts: who wrote it first is who wrote it.
    fn look_up(&mut self, before: usize) {
        for start in 0..self.words.len().saturating_sub(WINDOW - 1) {
            let Some(window) = self.words.get(start..start + WINDOW) else { break };
            let Some(position) = self.index.find(window, before) else { continue };
            let message = self.message(position);
            for offset in 0..WINDOW {
                let earlier = self.position(start + offset).is_some_and(|known| self.message(known) <= message);
                if !earlier && let Some(at) = self.at.get_mut(start + offset) {
                    *at = Some(position + offset);
                }
            }
        }
    }

    fn set(&mut self, word: usize, position: usize) {
        if let Some(at) = self.at.get_mut(word).filter(|at| at.is_none()) {
            *at = Some(position);
        }
    }

    // The words at both ends of what was found that are too few to be found themselves: behind a changed word, or cut in two.
    fn extend(&mut self) {
        for word in 0..self.words.len() {
            if self.position(word).is_none() && word > 0 && self.position(word - 1).is_some() {
                self.extend_down(word);
            }
        }
        for word in (0..self.words.len()).rev() {
            if self.position(word).is_none() && self.position(word + 1).is_some() {
                self.extend_up(word);
            }
        }
    }

    fn is_same(&self, word: usize, position: usize) -> bool {
        self.words.get(word).is_some_and(|word| self.index.hash(position) == Some(word.hash))
    }

    fn extend_down(&mut self, word: usize) {
        let Some(next) = word.checked_sub(1).and_then(|before| self.position(before)).map(|at| at + 1) else { return };
        let Some(end) = self.index.source(next - 1).map(|source| source.words.end) else { return };
        for (changed, skipped) in [(1, 1), (0, 1), (0, 2), (2, 2), (1, 2), (2, 1)] {
            let same = (0..WINDOW)
                .take_while(|offset| {
                    next + skipped + offset < end && self.is_same(word + changed + offset, next + skipped + offset)
                })
                .count();
            let on_one_line = changed == 0 || self.line(word - 1) == self.line(word + changed);
            if same >= 2 && on_one_line {
                (0..changed).for_each(|offset| self.set(word + offset, next));
                (0..same).for_each(|offset| self.set(word + changed + offset, next + skipped + offset));
                return;
            }
        }
        let noted = self.is_cut_noted(word);
        let last_on_line = self.line(word) != self.line(word + 1) && (noted || !self.is_blank_between(word - 1, word));
        let part = self.part(word);
        let cut = next < end && self.index.word(next).starts_with(&part) && !self.is_same(word, next)
            || "https".starts_with(&part) && self.index.has_link(next..next + 1);
        // A short beginning is a word of its own, unless it stands right behind ours.
        let close = self.line(word) == self.line(word - 1) || part.len() >= 3 || noted;
        if last_on_line && !part.is_empty() && cut && close {
            self.set(word, next.min(end - 1));
        }
    }

    fn extend_up(&mut self, word: usize) {
        let Some(before) = self.position(word + 1).and_then(|at| at.checked_sub(1)) else { return };
        let Some(source) = self.index.source(before) else { return };
        let start = source.words.start;
        if self.index.source(before + 1).is_none_or(|source| source.words.start != start) {
            return;
        }
        for (changed, skipped) in [(1, 1), (0, 1), (0, 2), (2, 2), (1, 2), (2, 1)] {
            let same = (0..WINDOW)
                .take_while(|offset| match (word.checked_sub(changed + offset), before.checked_sub(skipped + offset)) {
                    (Some(word), Some(position)) => position >= start && self.is_same(word, position),
                    _ => false,
                })
                .count();
            let on_one_line =
                changed == 0 || word.checked_sub(changed).is_some_and(|above| self.line(above) == self.line(word + 1));
            if same >= 2 && on_one_line {
                (0..changed).for_each(|offset| self.set(word - offset, before));
                (0..same).for_each(|offset| self.set(word - changed - offset, before - skipped - offset));
                return;
            }
        }
        let first_on_line = word == 0 || self.line(word) != self.line(word - 1);
        let part = self.part(word);
        if first_on_line
            && self.line(word) == self.line(word + 1)
            && !part.is_empty()
            && self.index.word(before).ends_with(&part)
        {
            self.set(word, before);
        }
    }

    // What stands on the line behind a word.
    fn text_after(&self, word: usize) -> &str {
        let Some(word) = self.words.get(word) else { return "" };
        self.texts.get(word.line).and_then(|line| line.text.get(word.end..)).unwrap_or_default()
    }

    // Whether dots behind a word or below it say that something was left out.
    fn is_cut_noted(&self, word: usize) -> bool {
        let below = || self.line(word).and_then(|line| self.texts.get(line + 1)).map_or("", |line| &line.text);
        let after = self.text_after(word).trim();
        let text = if after.is_empty() { below().trim_start_matches(['>', ' ']) } else { after };
        text.starts_with('…') || text.starts_with("...") || text.starts_with("[…") || text.starts_with("[...")
    }

    fn part(&self, word: usize) -> String {
        let Some(word) = self.words.get(word) else { return String::new() };
        let text = self.texts.get(word.line).and_then(|line| line.text.get(word.start..word.end));
        folded(text.unwrap_or_default())
    }

    fn bridge(&mut self) {
        let mut start = 0;
        while let Some(gap) = self.next_gap(start) {
            start = gap.end;
            let (Some(before), Some(after)) =
                (gap.start.checked_sub(1).and_then(|word| self.position(word)), self.position(gap.end))
            else {
                continue;
            };
            let from = before + 1;
            let one_source = self.index.source(before).is_some_and(|source| source.words.contains(&after));
            if !one_source || after <= from {
                continue;
            }
            let (words, missing) = (gap.len(), after - from);
            if words <= MAX_CHANGED && missing <= MAX_CHANGED * 2 && self.line(gap.start - 1) == self.line(gap.end) {
                gap.for_each(|word| self.set(word, from));
            } else if words <= MAX_GAP && missing <= MAX_GAP * 2 {
                self.bridge_by_comparing(gap, from..after);
            }
        }
    }

    fn next_gap(&self, from: usize) -> Option<Range<usize>> {
        let covered = (from..self.at.len()).find(|word| self.position(*word).is_some())?;
        let start = (covered..self.at.len()).find(|word| self.position(*word).is_none())?;
        let end = (start..self.at.len()).find(|word| self.position(*word).is_some())?;
        Some(start..end)
    }

    // Covers a gap if half of its words are in the source's gap in the same order; not its lines without any such word.
    fn bridge_by_comparing(&mut self, gap: Range<usize>, positions: Range<usize>) {
        let width = positions.len() + 1;
        let mut table = vec![0_usize; (gap.len() + 1) * width];
        let cell = |table: &[usize], row: usize, column: usize| table.get(row * width + column).copied().unwrap_or(0);
        for row in (0..gap.len()).rev() {
            for column in (0..positions.len()).rev() {
                let value = if self.is_same(gap.start + row, positions.start + column) {
                    cell(&table, row + 1, column + 1) + 1
                } else {
                    cell(&table, row + 1, column).max(cell(&table, row, column + 1))
                };
                if let Some(cell) = table.get_mut(row * width + column) {
                    *cell = value;
                }
            }
        }
        let same = cell(&table, 0, 0);
        if same * 2 < gap.len() {
            return;
        }
        let mut same_words = Vec::new();
        let (mut row, mut column) = (0, 0);
        while row < gap.len() && column < positions.len() {
            if self.is_same(gap.start + row, positions.start + column) {
                same_words.push((gap.start + row, positions.start + column));
                (row, column) = (row + 1, column + 1);
            } else if cell(&table, row + 1, column) >= cell(&table, row, column + 1) {
                row += 1;
            } else {
                column += 1;
            }
        }
        for (word, position) in &same_words {
            self.set(*word, *position);
        }
        let position = positions.start;
        for word in gap {
            // A line without a word of ours is an answer.
            if self.line_words(word).any(|other| self.position(other).is_some()) {
                self.set(word, position);
            }
        }
    }

    /// The runs of repeated words, in their order.
    pub(super) fn runs(&self) -> Vec<Run> {
        let ours = self.authors();
        let mut runs: Vec<Run> = Vec::new();
        // The message with the most words so far, by the majority's vote.
        let mut votes = 0_usize;
        for (number, word) in self.words.iter().enumerate() {
            let (Some(position), Some(Some(ours))) = (self.position(number), ours.get(number).copied()) else {
                continue;
            };
            let message = self.message(position);
            let goes_on = runs.last().is_some_and(|run| run.words.end == number && run.ours == ours)
                && (number > 0 && self.is_one_passage(number - 1, number));
            match runs.last_mut().filter(|_| goes_on) {
                Some(run) => {
                    run.words.end = number + 1;
                    run.to = position + 1;
                    run.weight += word.weight;
                    if run.message == message {
                        votes += 1;
                    } else if votes <= 1 {
                        (run.message, votes) = (message, 1);
                    } else {
                        votes -= 1;
                    }
                }
                None => {
                    let words = number..number + 1;
                    runs.push(Run { words, from: position, to: position + 1, message, ours, weight: word.weight });
                    votes = 1;
                }
            }
        }
        runs.into_iter().map(|run| self.without_name_above(run)).map(|run| self.without_name_below(run)).collect()
    }

    // The lead's name below an answer, and then a passage that followed that name in ours: "Jane" / "I saw that …".
    fn without_name_above(&self, mut run: Run) -> Run {
        let line = self.line_words(run.words.start);
        let first = run.words.start..line.end;
        let by_chance = first.len() < WINDOW - 1
            && first.end < run.words.end
            && (line.start < first.start || !self.index.begins_line(run.from))
            && self.is_blank_between(first.end - 1, first.end);
        if by_chance && let Some(from) = self.position(first.end) {
            run.weight -= self.words.get(first.clone()).unwrap_or_default().iter().map(|word| word.weight).sum::<u32>();
            run.words.start = first.end;
            run.from = from;
        }
        run
    }

    // The lead's greeting below a passage that was cut, where the name of the greeting came next: "Pick a time here:" / "Sam,".
    fn without_name_below(&self, mut run: Run) -> Run {
        let last = self.line_words(run.words.end.saturating_sub(1));
        let more = self.index.source(run.from).is_some_and(|source| source.words.contains(&run.to));
        // A greeting ends with a comma or a dash, a signature with its name.
        let greets =
            self.text_after(run.words.end.saturating_sub(1)).trim_start().starts_with([',', '-', '–', '—', '!', ':']);
        let by_chance = greets
            && last.end == run.words.end
            && last.len() < WINDOW - 1
            && run.words.start < last.start
            && more
            && last.end < self.words.len()
            && self.position(last.end).is_none()
            && self.is_blank_between(last.start - 1, last.start)
            && self
                .line(last.end)
                .is_some_and(|line| self.texts.get(line).is_some_and(|line| line.quote != Quote::Yes));
        if by_chance && let Some(to) = self.position(last.start - 1) {
            run.weight -= self.words.get(last.clone()).unwrap_or_default().iter().map(|word| word.weight).sum::<u32>();
            run.words.end = last.start;
            run.to = to + 1;
        }
        run
    }

    // Whether two neighbours look alike: both behind `>`, or both not.
    fn is_one_passage(&self, word: usize, next: usize) -> bool {
        let (Some(above), Some(below)) = (self.line(word), self.line(next)) else { return false };
        let (Some(first), Some(second)) = (self.texts.get(above), self.texts.get(below)) else { return false };
        // Where a paragraph ends in the mail and not in the message, two things stand one below the other by chance.
        if self.is_blank_between(word, next) && !self.position(next).is_some_and(|at| self.index.begins_line(at)) {
            return false;
        }
        let wrapped = first.quote == Quote::Yes
            && second.quote == Quote::No
            && below == above + 1
            && first.text.len() >= MIN_WRAPPED_LEN;
        above == below || first.quote == second.quote || wrapped
    }

    // Whether a line without words stands between two neighbours.
    fn is_blank_between(&self, word: usize, next: usize) -> bool {
        let (Some(above), Some(below)) = (self.line(word), self.line(next)) else { return false };
        below > above + 1
    }

    // Whether we wrote the word first, for each repeated word.
    fn authors(&self) -> Vec<Option<bool>> {
        let outgoing = |position: usize| self.index.source(position).is_some_and(|source| source.outgoing);
        let mut authors: Vec<Option<bool>> = self.at.iter().map(|at| at.map(outgoing)).collect();
        let mut start = 0;
        while start < authors.len() {
            let author = authors.get(start).copied().flatten();
            let end = (start..authors.len()).find(|at| authors.get(*at).copied().flatten() != author);
            let end = end.unwrap_or(authors.len());
            let is_ours = |at: Option<usize>| at.and_then(|at| authors.get(at)).copied().flatten() == Some(true);
            if author == Some(false)
                && end - start <= MAX_REPEATED_BACK
                && is_ours(start.checked_sub(1))
                && is_ours(Some(end))
            {
                authors.iter_mut().take(end).skip(start).for_each(|author| *author = Some(true));
            }
            start = end;
        }
        authors
    }
}

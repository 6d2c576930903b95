//! Marks the quoted passages in a mail's lines, and the lines that introduce them.

use std::ops::Range;

use super::attribution::{self, is_decoration};
use super::coverage::{Coverage, Run};
use super::naming::Names;
use super::passages::pieces_above;
use crate::text::attribution::find_at;
use crate::text::headers::Headers;
use crate::text::lines::{Line, LineRole, Quote};
use crate::text::page::Page;

/// A known attribution or header block has at most this many lines.
const MAX_INTRODUCTION: usize = 8;

/// Why a line is quoted text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::text) enum Why {
    /// It repeats the message with this index.
    Repeats(usize),
    /// It introduces a passage by naming the message with this index.
    Names(usize),
}

/// A mail's lines with the quoted ones marked; a line that is quoted in part is several.
#[derive(Debug, Default)]
pub(in crate::text) struct Marked {
    pub(in crate::text) lines: Vec<Line>,
    /// For each line why it is quoted, where an earlier message says so.
    pub(in crate::text) why: Vec<Option<Why>>,
    // For each line that repeats, the position in the index of what would come next.
    next: Vec<Option<usize>>,
    // Whether a line was cut from the end of the one before it.
    cut: Vec<bool>,
    // The beginnings of lines that an attribution shares with the lead's words.
    heads: Vec<(usize, String)>,
}

/// Marks these passages; `newest` are the indices of the messages that a quote names which repeats none.
pub(super) fn mark(coverage: &Coverage<'_>, passages: &[Run], names: &[Names], newest: &[usize]) -> Marked {
    let mut marked = Marked::default();
    let mut passages = passages.iter().peekable();
    for (number, line) in coverage.texts.iter().enumerate() {
        let words = coverage.lines.get(number).cloned().unwrap_or_default();
        let mut parts: Vec<(Range<usize>, &Run)> = Vec::new();
        while let Some(run) = passages.peek().filter(|run| !words.is_empty() && run.words.start < words.end) {
            parts.extend(part(coverage, line, words.clone(), run).map(|bytes| (bytes, *run)));
            if run.words.end > words.end {
                break;
            }
            passages.next();
        }
        marked.push_line(line, &parts);
    }
    marked.mark_leftovers(coverage);
    marked.mark_attributions(names, newest);
    marked.insert_heads();
    marked
}

// The bytes of a line that a run takes.
fn part(coverage: &Coverage<'_>, line: &Line, words: Range<usize>, run: &Run) -> Option<Range<usize>> {
    let (first, last) = (run.words.start.max(words.start), run.words.end.min(words.end));
    let start = if first == words.start {
        // The initials before a quoted line are no words of the lead's either.
        0
    } else {
        let start = coverage.words.get(first)?.start;
        let before = line.text.get(..start)?;
        before.trim_end_matches(['"', '\'', '(', '[', '<', '*', '_', '“', '„', '«', '‘', '¿', '¡', '「']).len()
    };
    let end = if last == words.end {
        line.text.len()
    } else {
        let end = coverage.words.get(last.checked_sub(1)?)?.end;
        let rest = line.text.get(end..)?;
        let punctuation = |c: char| !c.is_alphanumeric() && !c.is_whitespace() && !is_opening(c) && !is_pictogram(c);
        let mut length = rest.len() - rest.trim_start_matches(punctuation).len();
        let after = rest.get(length..)?;
        let chunk = after.split_whitespace().next().unwrap_or_default();
        if chunk.trim_start_matches(['<', '(', '[']).starts_with("http") {
            length += after.find(chunk).unwrap_or(0) + chunk.len();
        }
        end + length
    };
    (first < last && start < end).then_some(start..end)
}

fn is_opening(c: char) -> bool {
    matches!(c, '(' | '[' | '<' | '“' | '„' | '«' | '‘' | '¿' | '¡' | '「' | '-' | '–' | '—')
}

fn is_pictogram(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x2bff | 0x1f000..=0x1faff)
}

impl Marked {
    fn push(&mut self, line: Line, why: Option<Why>, next: Option<usize>, cut: bool) {
        self.lines.push(line);
        self.why.push(why);
        self.next.push(next);
        self.cut.push(cut);
    }

    fn push_line(&mut self, line: &Line, parts: &[(Range<usize>, &Run)]) {
        if parts.is_empty() {
            return self.push(line.clone(), None, None, false);
        }
        let first = self.lines.len();
        let mut at = 0;
        for (bytes, run) in parts {
            let start = bytes.start.max(at);
            self.push_rest(line, at..start, first);
            let text = line.text.get(start..bytes.end).unwrap_or_default().to_owned();
            let part = Line { text, quote: Quote::Yes, mark: self.role(line, first) };
            self.push(part, Some(Why::Repeats(run.message)), Some(run.to), self.lines.len() > first);
            at = bytes.end.max(at);
        }
        self.push_rest(line, at..line.text.len(), first);
    }

    // What stands on a line beside quoted words; without words or pictures it belongs to them.
    fn push_rest(&mut self, line: &Line, bytes: Range<usize>, first: usize) {
        let text = line.text.get(bytes).unwrap_or_default().trim();
        if text.chars().any(|c| c.is_alphanumeric() || is_pictogram(c)) {
            let part = Line { text: text.to_owned(), quote: line.quote, mark: self.role(line, first) };
            self.push(part, None, None, self.lines.len() > first);
        }
    }

    // The marks that say where something begins belong to the first part of a line alone.
    fn role(&self, line: &Line, first: usize) -> LineRole {
        match line.mark {
            LineRole::History | LineRole::HeaderBox if self.lines.len() > first => LineRole::None,
            mark => mark,
        }
    }

    fn repeats(&self, line: usize) -> bool {
        matches!(self.why.get(line), Some(Some(Why::Repeats(_))))
    }

    // Lines without words next to a passage: what is drawn, dots for what was left out, links where the message has links.
    fn mark_leftovers(&mut self, coverage: &Coverage<'_>) {
        let mut above: Option<(usize, Option<usize>)> = None;
        for line in 0..self.lines.len() {
            if self.repeats(line) {
                above = match self.why.get(line) {
                    Some(Some(Why::Repeats(message))) => Some((*message, self.next.get(line).copied().flatten())),
                    _ => above,
                };
                continue;
            }
            let Some(text) = self.lines.get(line).map(|line| line.text.as_str()) else { continue };
            let Some((message, next)) = above else { continue };
            if text.trim().is_empty() {
                continue;
            }
            let linked = || next.is_some_and(|next| coverage.index.has_link(next.saturating_sub(1)..next + 3));
            if is_decoration(text) || is_picture(text) || (is_link(text) && linked()) {
                self.set(line, Why::Repeats(message));
            } else {
                above = None;
            }
        }
    }

    fn set(&mut self, line: usize, why: Why) {
        if let (Some(line), Some(place)) = (self.lines.get_mut(line), self.why.get_mut(line)) {
            line.quote = Quote::Yes;
            *place = Some(why);
        }
    }

    fn mark_attributions(&mut self, names: &[Names], newest: &[usize]) {
        let mut in_quote = false;
        for line in 0..self.lines.len() {
            let Some(current) = self.lines.get(line) else { break };
            if current.is_blank() {
                continue;
            }
            let starts = current.quote == Quote::Yes && !in_quote;
            in_quote = current.quote == Quote::Yes;
            if !starts {
                continue;
            }
            let candidates: &[usize] = match self.why.get(line).copied().flatten() {
                Some(Why::Repeats(message)) => &[message],
                _ => newest,
            };
            for message in candidates {
                if self.mark_attribution(line, *message, names) {
                    break;
                }
            }
        }
    }

    fn mark_attribution(&mut self, line: usize, message: usize, names: &[Names]) -> bool {
        let Some(names) = names.get(message) else { return false };
        let start = {
            let at = |line: usize| self.lines.get(line).map(|line| (line.text.as_str(), line.quote));
            let (pieces, _) = pieces_above(at, line, 0);
            let inline = self.cut.get(line).copied().unwrap_or(false);
            attribution::find(&pieces, inline, names)
        };
        let Some(start) = start else { return false };
        let Some(first) = line.checked_sub(start.piece + 1) else { return false };
        let gap = (first..line).rev().take_while(|at| self.lines.get(*at).is_some_and(Line::is_blank)).count();
        // What looks like the end of a sentence may be an abbreviation that only the patterns know: "Le lun. 5 janv."
        let known = start.byte > 0 && {
            let page = Page::of(self.lines.get(first..=line).unwrap_or_default());
            find_at(&page, 0).is_some_and(|found| found.sure && first + found.lines >= line - gap)
        };
        if known || start.byte == 0 && self.is_introduced_above(first, line) {
            return true;
        }
        for marked in first..line {
            self.set(marked, Why::Names(message));
        }
        if start.byte > 0 {
            self.split_off(first, start.byte);
        }
        true
    }

    // Whether the patterns know an introduction that begins in the lines right above `first` and goes on to it: then it is
    // left to them, whole.
    fn is_introduced_above(&self, first: usize, end: usize) -> bool {
        let is_text = |at: &usize| self.lines.get(*at).is_some_and(|line| !line.is_blank() && line.quote != Quote::Yes);
        let top = (0..first).rev().take(MAX_INTRODUCTION).take_while(is_text).last();
        let Some(top) = top else { return false };
        let lines = self.lines.get(top..end).unwrap_or_default();
        // What follows `end` is a quote; the patterns ask for one.
        let quote = Line { text: ">".to_owned(), quote: Quote::Yes, ..Line::default() };
        let lines: Vec<Line> = lines.iter().cloned().chain([quote]).collect();
        let page = Page::of(&lines);
        let headers = Headers::of(&page);
        (0..first - top).any(|at| {
            headers.block(&page, at, false).is_some_and(|count| at + count > first - top)
                || first - top - at < 6 && find_at(&page, at).is_some_and(|found| at + found.lines > first - top)
        })
    }

    // The lead's words at the beginning of a line stay.
    fn split_off(&mut self, first: usize, byte: usize) {
        let Some(line) = self.lines.get_mut(first) else { return };
        let head = line.text.get(..byte).unwrap_or_default().trim_end().to_owned();
        if head.is_empty() {
            return;
        }
        line.text = line.text.get(byte..).unwrap_or_default().to_owned();
        self.heads.push((first, head));
    }

    fn insert_heads(&mut self) {
        if self.heads.is_empty() {
            return;
        }
        let marked = std::mem::take(self);
        let mut heads = marked.heads.into_iter().peekable();
        for (number, (line, why)) in marked.lines.into_iter().zip(marked.why).enumerate() {
            while let Some((_, head)) = heads.next_if(|(first, _)| *first == number) {
                self.push(Line { text: head, ..Line::default() }, None, None, false);
            }
            self.push(line, why, None, false);
        }
    }
}

// Whether a line is the place of a picture in plain text.
fn is_picture(text: &str) -> bool {
    let text = text.trim_matches([' ', '>', '*']);
    (text.starts_with("[cid:") || text.starts_with("[image:")) && text.ends_with(']')
}

// Whether a line is links and nothing else.
fn is_link(text: &str) -> bool {
    text.split_whitespace().all(|chunk| {
        let chunk = chunk.trim_start_matches(['<', '(', '[', '>']);
        chunk.starts_with("http") || chunk.starts_with("www.") || chunk.starts_with("mailto:") || chunk.is_empty()
    })
}

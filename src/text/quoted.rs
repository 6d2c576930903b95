//! Separates the new text from quoted text.

use super::attribution;
use super::footer;
use super::headers::{Headers, is_forward_marker};
use super::lines::{Line, LineRole, Quote, join, truncate};
use super::signature;

/// In text without line breaks, looks for quoted text this far: rules match no further.
const FAR: usize = 64 * 1024;

/// What is new in a mail; see [`super::new_text`].
pub(super) fn strip_quoted(lines: &[Line]) -> String {
    if let [line] = lines {
        return flat(line);
    }
    let kept = keep(lines, true);
    let text = finish(kept);
    if text.is_empty() {
        // Some people write inside the part that their client marks as the signature.
        return finish(keep(lines, false));
    }
    text
}

// One line is a short reply or a preview, in which quoted text follows on the same line.
fn flat(line: &Line) -> String {
    if line.quote == Quote::Yes || line.mark == LineRole::Attribution {
        return String::new();
    }
    let end = attribution::find_inline(truncate(&line.text, FAR)).unwrap_or(line.text.len());
    let new = line.text.get(..end).unwrap_or(&line.text).trim();
    if signature::is_device_line(new) { String::new() } else { new.to_owned() }
}

fn keep(lines: &[Line], drops_marked_signature: bool) -> Vec<&str> {
    let mut scan = Scan { lines, headers: Headers::of(lines), drops_marked_signature, above: Above::default() };
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        match scan.step(at, line) {
            Step::Keep(text) => {
                kept.push(text);
                at += 1;
            }
            Step::Skip(count) => at += count,
            Step::End => break,
        }
    }
    kept
}

/// What becomes of a line.
enum Step<'l> {
    /// It is new text.
    Keep(&'l str),
    /// These many lines are not.
    Skip(usize),
    /// Nothing new follows.
    End,
}

/// What the lines above say about the next one.
#[derive(Default)]
struct Above {
    /// An attribution line or a header block ended just here: what may be a quote is one.
    introduced: bool,
    /// A forward marker stands above: fewer headers make a block.
    forwarded: bool,
    /// A signature began. All below belongs to it until a quote, because some people reply below that.
    signature: bool,
}

struct Scan<'l> {
    lines: &'l [Line],
    headers: Headers,
    drops_marked_signature: bool,
    above: Above,
}

impl<'l> Scan<'l> {
    fn step(&mut self, at: usize, line: &'l Line) -> Step<'l> {
        let quoted = line.quote == Quote::Yes || line.quote == Quote::Maybe && self.above.introduced;
        if quoted {
            self.above.signature = false;
            return Step::Skip(1);
        }
        if line.mark == LineRole::History {
            return self.step_into_history(at);
        }
        if line.is_blank() {
            return if self.above.signature { Step::Skip(1) } else { Step::Keep("") };
        }
        if is_forward_marker(&line.text) {
            return self.step_over_forward_marker(at);
        }
        if let Some(count) = self.headers.block(self.lines, at, self.above.forwarded) {
            return self.step_over_introduction(at, count).unwrap_or(Step::End);
        }
        if line.mark == LineRole::Attribution {
            self.above.introduced = true;
            return Step::Skip(1);
        }
        if let Some(found) = attribution::find_at(self.lines, at) {
            match self.step_over_introduction(at, found.lines) {
                Some(step) => return step,
                None if found.sure => return Step::End,
                None => {}
            }
        }
        self.step_over_text(at, line)
    }

    /// Even in marked history some people reply between the quotes, as in `> question` / `answer`.
    fn step_into_history(&self, at: usize) -> Step<'l> {
        let block = next_words(self.lines, at)
            .and_then(|next| self.headers.block(self.lines, next, true).map(|count| next + count));
        match block {
            Some(end) if attribution::quote_follows(self.lines, end) => Step::Skip(end - at),
            _ => Step::End,
        }
    }

    fn step_over_forward_marker(&mut self, at: usize) -> Step<'l> {
        self.above.forwarded = true;
        let goes_on = next_words(self.lines, at + 1).is_some_and(|next| {
            self.lines.get(next).is_some_and(|line| line.quote != Quote::No)
                || self.headers.block(self.lines, next, true).is_some()
                || attribution::find_at(self.lines, next).is_some()
        });
        if !goes_on {
            return Step::End;
        }
        self.above.introduced = true;
        Step::Skip(1)
    }

    /// Skips what introduces a quote; `None` if no quote follows.
    fn step_over_introduction(&mut self, at: usize, count: usize) -> Option<Step<'l>> {
        if !attribution::quote_follows(self.lines, at + count) {
            return None;
        }
        self.above.introduced = true;
        self.above.signature = false;
        Some(Step::Skip(count))
    }

    fn step_over_text(&mut self, at: usize, line: &'l Line) -> Step<'l> {
        self.above.introduced = false;
        self.above.forwarded = false;
        self.above.signature |= signature::starts_at(self.lines, at);
        let marked = self.drops_marked_signature && line.mark == LineRole::Signature;
        let is_new = !self.above.signature && !marked && !signature::is_device_line(&line.text);
        if is_new { Step::Keep(&line.text) } else { Step::Skip(1) }
    }
}

fn next_words(lines: &[Line], from: usize) -> Option<usize> {
    (from..lines.len()).find(|at| lines.get(*at).is_some_and(|line| !line.is_blank()))
}

// Removes what stands between the new text and the quoted text: dividers, a dashed name, contact details, notices.
fn finish(mut kept: Vec<&str>) -> String {
    loop {
        match kept.last() {
            Some(last) if last.trim().is_empty() || signature::is_divider(last) => {
                kept.pop();
            }
            _ => break,
        }
    }
    if let [before @ .., gap, last] = kept.as_slice()
        && gap.trim().is_empty()
        && signature::is_dashed_name(last)
        && !before.iter().any(|line| signature::dash(line) == signature::dash(last))
    {
        let length = before.len();
        kept.truncate(length);
    }
    kept.truncate(footer::body_end(&kept));
    join(kept)
}

//! Separates the new text from quoted text.

use super::attribution;
use super::evidence::Why;
use super::footer;
use super::headers::{Headers, is_forward_marker};
use super::lines::{Line, LineRole, Quote, join, truncate};
use super::signature;

/// In text without line breaks, looks for quoted text this far: rules match no further.
const FAR: usize = 64 * 1024;

/// What a mail says anew, and what it quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewText {
    /// The new text; empty when nothing is new.
    pub text: String,
    /// The quoted passages, in their order.
    pub quoted: Vec<QuotedPassage>,
}

/// Some lines of a mail that are quoted text or introduce it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedPassage {
    /// How the passage begins; at most about 500 bytes.
    pub text: String,
    /// What says that it is quoted.
    pub reason: QuoteReason,
}

/// What says that a passage is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuoteReason {
    /// It repeats the message of the thread with this index.
    Repeats(usize),
    /// It names the sender, date or subject of the message with this index, and introduces a quote of it.
    Names(usize),
    /// Its lines begin with `>`.
    QuoteMarks,
    /// The HTML marks it as a quote.
    Markup,
    /// It is, or follows, a line like "On … wrote:".
    Attribution,
    /// It is, or follows, copied headers: from, sent, to, subject.
    Headers,
    /// It is, or follows, a line that announces a forwarded or original message.
    ForwardMarker,
}

/// How much of a passage is kept to show.
const MAX_SHOWN: usize = 500;

/// What is new in a mail; see [`super::new_text`].
pub(super) fn strip_quoted(lines: &[Line]) -> String {
    read(lines, &[]).text
}

/// What is new in a mail and what is quoted. `why` says of each line what the thread's earlier messages say of it, as far as
/// they say anything.
pub(super) fn read(lines: &[Line], why: &[Option<Why>]) -> NewText {
    if let [line] = lines {
        return flat(line, why.first().copied().flatten());
    }
    let (kept, quoted) = keep(lines, why, true);
    let text = finish(kept);
    if text.is_empty() {
        // Some people write inside the part that their client marks as the signature.
        let (kept, quoted) = keep(lines, why, false);
        return NewText { text: finish(kept), quoted };
    }
    NewText { text, quoted }
}

// One line is a short reply or a preview, in which quoted text follows on the same line.
fn flat(line: &Line, why: Option<Why>) -> NewText {
    let mut quoted = Passages::default();
    if line.quote == Quote::Yes || line.mark == LineRole::Attribution {
        quoted.add(&line.text, quote_reason(line, why));
        return NewText { text: String::new(), quoted: quoted.passages };
    }
    let end = attribution::find_inline(truncate(&line.text, FAR)).unwrap_or(line.text.len());
    let new = line.text.get(..end).unwrap_or(&line.text).trim();
    if end < line.text.len() {
        quoted.add(line.text.get(end..).unwrap_or_default(), QuoteReason::Attribution);
    }
    let text = if signature::is_device_line(new) { String::new() } else { new.to_owned() };
    NewText { text, quoted: quoted.passages }
}

fn quote_reason(line: &Line, why: Option<Why>) -> QuoteReason {
    match why {
        Some(Why::Repeats(message)) => QuoteReason::Repeats(message),
        Some(Why::Names(message)) => QuoteReason::Names(message),
        None if line.text.trim_start().starts_with('>') => QuoteReason::QuoteMarks,
        None if line.mark == LineRole::Attribution => QuoteReason::Attribution,
        None => QuoteReason::Markup,
    }
}

/// The quoted passages so far; lines in a row with one reason are one.
#[derive(Default)]
struct Passages {
    passages: Vec<QuotedPassage>,
    // Whether new text stands below the last one.
    ended: bool,
}

impl Passages {
    fn add(&mut self, line: &str, reason: QuoteReason) {
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        match self.passages.last_mut().filter(|last| last.reason == reason && !self.ended) {
            Some(last) if last.text.len() < MAX_SHOWN => {
                last.text.push('\n');
                last.text.push_str(truncate(line, MAX_SHOWN));
            }
            Some(_) => {}
            None => self.passages.push(QuotedPassage { text: truncate(line, MAX_SHOWN).to_owned(), reason }),
        }
        self.ended = false;
    }
}

fn keep<'l>(
    lines: &'l [Line],
    why: &'l [Option<Why>],
    drops_marked_signature: bool,
) -> (Vec<&'l str>, Vec<QuotedPassage>) {
    let last_repeat = why.iter().rposition(|why| matches!(why, Some(Why::Repeats(_))));
    let headers = Headers::of(lines);
    let mut scan = Scan { lines, headers, why, last_repeat, drops_marked_signature, above: Above::default() };
    let mut kept = Vec::new();
    let mut quoted = Passages::default();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        match scan.step(at, line) {
            Step::Keep(text) => {
                quoted.ended |= !text.trim().is_empty();
                kept.push(text);
                at += 1;
            }
            Step::Skip(count, reason) => {
                for (number, line) in lines.iter().enumerate().skip(at).take(count) {
                    let why = why.get(number).copied().flatten();
                    match reason {
                        Some(_) if why.is_some() => quoted.add(&line.text, quote_reason(line, why)),
                        Some(reason) => quoted.add(&line.text, reason),
                        None => {}
                    }
                }
                at += count;
            }
            Step::End(reason) => {
                lines.iter().skip(at).for_each(|line| quoted.add(&line.text, reason));
                break;
            }
        }
    }
    (kept, quoted.passages)
}

/// What becomes of a line.
enum Step<'l> {
    /// It is new text.
    Keep(&'l str),
    /// These many lines are not; without a reason they are blank, or a signature.
    Skip(usize, Option<QuoteReason>),
    /// Nothing new follows.
    End(QuoteReason),
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
    /// The markup said that all below is quoted, and earlier messages show where the lead answered in it: so far as the last
    /// passage they repeat.
    history: bool,
}

struct Scan<'l> {
    lines: &'l [Line],
    headers: Headers,
    why: &'l [Option<Why>],
    // The last line that repeats an earlier message.
    last_repeat: Option<usize>,
    drops_marked_signature: bool,
    above: Above,
}

impl<'l> Scan<'l> {
    fn step(&mut self, at: usize, line: &'l Line) -> Step<'l> {
        if self.above.history && self.last_repeat.is_none_or(|last| last < at) {
            return Step::End(QuoteReason::Markup);
        }
        let quoted = line.quote == Quote::Yes || line.quote == Quote::Maybe && self.above.introduced;
        if quoted {
            self.above.signature = false;
            let why = self.why.get(at).copied().flatten();
            return Step::Skip(1, Some(quote_reason(line, why)));
        }
        if line.mark == LineRole::History {
            return self.step_into_history(at);
        }
        if line.is_blank() {
            return if self.above.signature { Step::Skip(1, None) } else { Step::Keep("") };
        }
        if is_forward_marker(&line.text) {
            return self.step_over_forward_marker(at);
        }
        if let Some(count) = self.headers.block(self.lines, at, self.above.forwarded) {
            let step = self.step_over_introduction(at, count, QuoteReason::Headers);
            return step.unwrap_or(Step::End(QuoteReason::Headers));
        }
        if line.mark == LineRole::Attribution {
            self.above.introduced = true;
            return Step::Skip(1, Some(QuoteReason::Attribution));
        }
        if let Some(found) = attribution::find_at(self.lines, at) {
            match self.step_over_introduction(at, found.lines, QuoteReason::Attribution) {
                Some(step) => return step,
                None if found.sure => return Step::End(QuoteReason::Attribution),
                None => {}
            }
        }
        self.step_over_text(at, line)
    }

    /// Even in marked history some people reply between the quotes, as in `> question` / `answer`.
    fn step_into_history(&mut self, at: usize) -> Step<'l> {
        let repeats = self.last_repeat.is_some_and(|last| last >= at);
        let next = next_words(self.lines, at);
        if repeats && next.is_some_and(|next| self.why.get(next).is_some_and(Option::is_some)) {
            self.above.history = true;
            return Step::Skip(1, Some(QuoteReason::Markup));
        }
        let block = next.and_then(|next| self.headers.block(self.lines, next, true).map(|count| next + count));
        match block {
            Some(end) if attribution::quote_follows(self.lines, end) => {
                self.above.history = repeats;
                Step::Skip(end - at, Some(QuoteReason::Headers))
            }
            _ => Step::End(QuoteReason::Markup),
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
            return Step::End(QuoteReason::ForwardMarker);
        }
        self.above.introduced = true;
        Step::Skip(1, Some(QuoteReason::ForwardMarker))
    }

    /// Skips what introduces a quote; `None` if no quote follows.
    fn step_over_introduction(&mut self, at: usize, count: usize, reason: QuoteReason) -> Option<Step<'l>> {
        if !attribution::quote_follows(self.lines, at + count) {
            return None;
        }
        self.above.introduced = true;
        self.above.signature = false;
        Some(Step::Skip(count, Some(reason)))
    }

    fn step_over_text(&mut self, at: usize, line: &'l Line) -> Step<'l> {
        self.above.introduced = false;
        self.above.forwarded = false;
        self.above.signature |= signature::starts_at(self.lines, at);
        let marked = self.drops_marked_signature && line.mark == LineRole::Signature;
        let is_new = !self.above.signature && !marked && !signature::is_device_line(&line.text);
        if is_new { Step::Keep(&line.text) } else { Step::Skip(1, None) }
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

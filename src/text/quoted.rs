//! Separates the new text from quoted text.

use super::attribution;
use super::banner;
use super::document::Document;
use super::evidence::Why;
use super::footer;
use super::headers::{Headers, is_forward_marker};
use super::inline;
use super::lines::{Line, LineRole, Quote, join, truncate};
use super::page::Page;
use super::signature;

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

/// A mail's lines, read: what is new, what is quoted, and both as documents.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) new: NewText,
    /// The mail whole.
    pub(super) whole: Document,
    /// The new text; `None` where it is the whole.
    pub(super) fresh: Option<Document>,
}

/// What is new in a mail and what is quoted. `why` says of each line what the thread's earlier messages say of it, as far as
/// they say anything.
pub(super) fn sort(lines: &[Line], why: &[Option<Why>]) -> Sorted {
    let page = Page::of(lines);
    match inline::cut(&page, why) {
        Some((lines, why)) => sort_page(Page::of(&lines), &why),
        None => sort_page(page, why),
    }
}

fn sort_page(page: Page<'_>, why: &[Option<Why>]) -> Sorted {
    let (mut kept, mut quoted) = keep(&page, why, true);
    finish(&page, &mut kept);
    if kept.iter().all(|line| page.is_blank(*line)) {
        // Some people write inside the part that their client marks as the signature.
        (kept, quoted) = keep(&page, why, false);
        finish(&page, &mut kept);
    }
    let text = join(kept.iter().filter_map(|line| page.lines.get(*line)).map(|line| line.text.as_str()));
    let fresh = (kept.len() < page.lines.len()).then(|| page.document_of(&kept));
    Sorted { new: NewText { text, quoted }, whole: page.document, fresh }
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

fn keep(page: &Page<'_>, why: &[Option<Why>], drops_marked_signature: bool) -> (Vec<usize>, Vec<QuotedPassage>) {
    let lines = page.lines;
    let last_repeat = why.iter().rposition(|why| matches!(why, Some(Why::Repeats(_))));
    let headers = Headers::of(page);
    let above = Above::default();
    let mut scan = Scan { page, headers, why, last_repeat, drops_marked_signature, above };
    let mut kept = Vec::new();
    let mut quoted = Passages::default();
    let mut at = banner::end(page);
    while let Some(line) = lines.get(at) {
        match scan.step(at, line) {
            Step::Keep => {
                quoted.ended |= !line.is_blank();
                scan.above.text |= !line.is_blank();
                kept.push(at);
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
enum Step {
    /// It is new text.
    Keep,
    /// These many lines are not; without a reason they are blank, or a signature.
    Skip(usize, Option<QuoteReason>),
    /// Nothing new follows.
    End(QuoteReason),
}

/// What the lines above say about the next one.
#[derive(Default)]
struct Above {
    /// New text stands above.
    text: bool,
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
    page: &'l Page<'l>,
    headers: Headers,
    why: &'l [Option<Why>],
    // The last line that repeats an earlier message.
    last_repeat: Option<usize>,
    drops_marked_signature: bool,
    above: Above,
}

impl Scan<'_> {
    fn step(&mut self, at: usize, line: &Line) -> Step {
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
            return if self.above.signature { Step::Skip(1, None) } else { Step::Keep };
        }
        if is_forward_marker(self.page, at) {
            return self.step_over_forward_marker(at);
        }
        if let Some(count) = self.headers.block(self.page, at, self.above.forwarded) {
            let step = self.step_over_introduction(at, count, QuoteReason::Headers);
            return step.unwrap_or(Step::End(QuoteReason::Headers));
        }
        if line.mark == LineRole::Attribution {
            self.above.introduced = true;
            return Step::Skip(1, Some(QuoteReason::Attribution));
        }
        if let Some(found) = attribution::find_at(self.page, at) {
            match self.step_over_introduction(at, found.lines, QuoteReason::Attribution) {
                Some(step) => return step,
                None if found.sure => return self.step_over_bare_quote(at),
                None => {}
            }
        }
        self.step_over_text(at)
    }

    /// Nothing marks the quote below a sure attribution. Where no new text stands above, it may stand below a marked one.
    fn step_over_bare_quote(&mut self, at: usize) -> Step {
        let marked = || (at..self.page.lines.len()).find(|at| self.is_quoted(*at));
        match (!self.above.text).then(marked).flatten() {
            Some(next) => Step::Skip(next - at, Some(QuoteReason::Attribution)),
            None => Step::End(QuoteReason::Attribution),
        }
    }

    fn is_quoted(&self, at: usize) -> bool {
        self.page.lines.get(at).is_some_and(|line| line.quote == Quote::Yes)
    }

    /// Even in marked history some people reply between the quotes, as in `> question` / `answer`.
    fn step_into_history(&mut self, at: usize) -> Step {
        let repeats = self.last_repeat.is_some_and(|last| last >= at);
        let next = self.next_words(at);
        if repeats && next.is_some_and(|next| self.why.get(next).is_some_and(Option::is_some)) {
            self.above.history = true;
            return Step::Skip(1, Some(QuoteReason::Markup));
        }
        let block = next.and_then(|next| self.headers.block(self.page, next, true).map(|count| next + count));
        match block {
            Some(end) if attribution::quote_follows(self.page.lines, end) => {
                self.above.history = repeats;
                Step::Skip(end - at, Some(QuoteReason::Headers))
            }
            _ => Step::End(QuoteReason::Markup),
        }
    }

    fn step_over_forward_marker(&mut self, at: usize) -> Step {
        self.above.forwarded = true;
        let goes_on = self.next_words(at + 1).is_some_and(|next| {
            self.page.lines.get(next).is_some_and(|line| line.quote != Quote::No)
                || self.headers.block(self.page, next, true).is_some()
                || attribution::find_at(self.page, next).is_some()
        });
        if !goes_on {
            return Step::End(QuoteReason::ForwardMarker);
        }
        self.above.introduced = true;
        Step::Skip(1, Some(QuoteReason::ForwardMarker))
    }

    /// Skips what introduces a quote; `None` if no quote follows.
    fn step_over_introduction(&mut self, at: usize, count: usize, reason: QuoteReason) -> Option<Step> {
        if !attribution::quote_follows(self.page.lines, at + count) {
            return None;
        }
        self.above.introduced = true;
        self.above.signature = false;
        Some(Step::Skip(count, Some(reason)))
    }

    fn step_over_text(&mut self, at: usize) -> Step {
        self.above.introduced = false;
        self.above.forwarded = false;
        self.above.signature |= signature::starts_at(self.page, at);
        let in_signature = self.page.lines.get(at).is_some_and(|line| line.mark == LineRole::Signature);
        let marked = self.drops_marked_signature && in_signature;
        let is_new = !self.above.signature && !marked && !signature::is_device_line(self.page, at);
        if is_new { Step::Keep } else { Step::Skip(1, None) }
    }

    fn next_words(&self, from: usize) -> Option<usize> {
        (from..self.page.lines.len()).find(|at| !self.page.is_blank(*at))
    }
}

// Removes what stands between the new text and the quoted text: dividers, a dashed name, contact details, notices.
fn finish(page: &Page<'_>, kept: &mut Vec<usize>) {
    let text = |line: &usize| page.lines.get(*line).map_or("", |line| line.text.as_str());
    while kept.last().is_some_and(|last| text(last).trim().is_empty() || signature::is_divider(text(last))) {
        kept.pop();
    }
    if let [before @ .., gap, last] = kept.as_slice()
        && text(gap).trim().is_empty()
        && signature::is_dashed_name(text(last))
        && !before.iter().any(|line| signature::dash(text(line)) == signature::dash(text(last)))
    {
        let length = before.len();
        kept.truncate(length);
    }
    kept.truncate(footer::body_end(page, kept));
}

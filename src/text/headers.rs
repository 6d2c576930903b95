//! The headers of the mail that is answered, as Outlook and others copy them above it: From, Sent, To, Subject.

use super::attribution::has_date;
use super::lines::{Line, LineRole};
use super::page::Page;
use super::phrases::Topic;
use super::words::WordKind;

/// The topics that are labels of headers.
const LABELS: [Topic; 6] =
    [Topic::HeaderFrom, Topic::HeaderSent, Topic::HeaderDate, Topic::HeaderTo, Topic::HeaderCopy, Topic::HeaderSubject];

// No copied header block is longer than this many lines.
const MAX_LEN: usize = 40;
// A header's value (many recipients) goes on for at most this many lines.
const MAX_VALUE_LEN: usize = 6;
// A block whose labels stand on lines of their own has them within this many lines.
const MAX_BARE_LEN: usize = 16;

#[derive(Debug, Clone)]
struct Label {
    /// What the label may be: "de" is From in one language and To in none, "a" is To in two.
    topics: Vec<Topic>,
    /// Whether an address follows where one belongs.
    addressed: bool,
    /// Whether the label is all that its line says, without a colon.
    bare: bool,
}

/// Which lines of a mail are headers, found once.
pub(super) struct Headers {
    labels: Vec<Option<Label>>,
}

impl Headers {
    /// Reads the lines of a mail.
    pub(super) fn of(page: &Page<'_>) -> Self {
        Self { labels: (0..page.lines.len()).map(|line| label(page, line)).collect() }
    }

    /// How many lines the header block that begins at `at` has; `None` when none begins there.
    ///
    /// `introduced`: a line such as "-----Original Message-----" stands above it, so less proof is asked for.
    pub(super) fn block(&self, page: &Page<'_>, at: usize, introduced: bool) -> Option<usize> {
        let first = page.lines.get(at)?;
        let boxed = first.mark == LineRole::HeaderBox;
        if is_folded(page, at) {
            return Some(1);
        }
        let Some(label) = self.label(at).filter(|label| !label.bare) else {
            return if boxed { foreign(page.lines, at) } else { self.bare_block(page, at) };
        };
        let mut found = Found::default();
        found.add(label);
        let (mut end, mut since) = (at + 1, 0);
        for (index, line) in page.lines.iter().enumerate().skip(at + 1).take(MAX_LEN) {
            match self.label(index).filter(|label| !label.bare) {
                Some(label) => {
                    found.add(label);
                    (end, since) = (index + 1, 0);
                }
                // After a blank line only another header right away still belongs to the block.
                None if line.is_blank() && since == 0 => since = MAX_VALUE_LEN,
                None if since >= MAX_VALUE_LEN => break,
                None => since += 1,
            }
        }
        found.is_enough(introduced || boxed).then_some(end - at)
    }

    fn label(&self, line: usize) -> Option<&Label> {
        self.labels.get(line)?.as_ref()
    }

    /// Lotus Notes: the sender and the date on lines of their own, then "To", "cc" and "Subject", each above its value.
    fn bare_block(&self, page: &Page<'_>, at: usize) -> Option<usize> {
        let introduces = |line: usize| {
            page.document
                .words
                .get(page.words(line))
                .unwrap_or_default()
                .iter()
                .any(|word| word.kind == WordKind::Address)
        };
        let first_is_label = self.label(at).is_some_and(|label| label.bare);
        if !first_is_label && !introduces(at) {
            return None;
        }
        let mut found = Found::default();
        let mut end = at;
        let mut dated = false;
        for index in at..page.lines.len().min(at + MAX_BARE_LEN) {
            dated |= has_date(page, page.words(index));
            if let Some(label) = self.label(index).filter(|label| label.bare) {
                found.add(label);
                // Its value stands below.
                end = index + 2;
            } else if index >= end && end > at && !page.lines.get(index).is_some_and(Line::is_blank) {
                break;
            }
        }
        let enough = found.has(Topic::HeaderSubject) && found.has(Topic::HeaderTo) && (dated || found.kinds.len() >= 3);
        enough.then(|| end.min(page.lines.len()) - at)
    }
}

#[derive(Default)]
struct Found {
    kinds: Vec<Topic>,
    addressed: bool,
}

impl Found {
    fn add(&mut self, label: &Label) {
        // A word that is a label of two headers is the one that is still missing.
        let missing = label.topics.iter().find(|topic| !self.kinds.contains(topic));
        self.kinds.extend(missing);
        self.addressed |= label.addressed;
    }

    fn has(&self, topic: Topic) -> bool {
        self.kinds.contains(&topic)
    }

    fn is_enough(&self, introduced: bool) -> bool {
        let sent = self.has(Topic::HeaderSent);
        let proof = self.has(Topic::HeaderSubject) || sent || self.addressed;
        if introduced {
            return self.kinds.len() >= 2 && (self.has(Topic::HeaderFrom) || sent);
        }
        // A person may write "From: Berlin, To: Paris, Date: May": hence the subject, the word "Sent", or an address. And a
        // form may have "From: Jane, To: Purchasing, Subject: Approval": hence a date or an address.
        let copied = sent || self.has(Topic::HeaderDate) || self.addressed;
        let sender = self.has(Topic::HeaderFrom) || sent && self.has(Topic::HeaderSubject);
        self.kinds.len() >= 3 && proof && copied && sender
    }
}

fn label(page: &Page<'_>, line: usize) -> Option<Label> {
    let words = page.words(line);
    let topics: Vec<(Topic, usize)> =
        LABELS.into_iter().filter_map(|topic| Some((topic, page.begins(topic, line)?.end))).collect();
    let end = topics.iter().map(|(_, end)| *end).max()?;
    let topics: Vec<Topic> = topics.into_iter().filter(|(_, length)| *length == end).map(|(topic, _)| topic).collect();
    let behind = page.behind(end, line).trim_start_matches([' ', '*', '_', '|']);
    if end == words.end && behind.is_empty() {
        return Some(Label { topics, addressed: false, bare: true });
    }
    let value = behind.strip_prefix(':')?;
    // "http://" is no header.
    if value.starts_with("//") {
        return None;
    }
    let takes_address = topics.iter().any(|topic| matches!(topic, Topic::HeaderFrom | Topic::HeaderTo));
    Some(Label { topics, addressed: takes_address && value.contains('@'), bare: false })
}

// Three headers on one line, as previews and some gateways fold them.
fn is_folded(page: &Page<'_>, line: usize) -> bool {
    if page.text(line).matches(':').nth(2).is_none() {
        return false;
    }
    let words = page.words(line);
    let document = &page.document;
    let place = |topics: &[Topic], from: usize| {
        topics
            .iter()
            .flat_map(|topic| document.hits.within(*topic, from..words.end))
            .filter(|hit| document.between(hit.end).trim_start_matches([' ', '*', '_']).starts_with(':'))
            .map(|hit| (hit.first, hit.end))
            .min()
    };
    let Some((from, end)) = place(&[Topic::HeaderFrom], words.start) else { return false };
    let Some((_, end)) = place(&[Topic::HeaderSent, Topic::HeaderDate], end + 1) else { return false };
    from == words.start && place(&[Topic::HeaderTo, Topic::HeaderSubject], end + 1).is_some()
}

// The box above which Outlook draws a line, in a language that is not known here: lines of "Word: value" alone.
fn foreign(lines: &[Line], at: usize) -> Option<usize> {
    let is_label = |line: &&Line| {
        let Some((name, value)) = line.text.split_once([':', '：']) else { return false };
        let name = name.trim();
        let is_name = |c: char| c.is_alphabetic() || c == ' ';
        !name.is_empty() && name.chars().count() <= 24 && name.chars().all(is_name) && !value.trim().is_empty()
    };
    let count = lines.iter().skip(at).take(6).take_while(is_label).count();
    let addressed = lines.iter().skip(at).take(count).any(|line| line.text.contains('@'));
    (count >= 3 && addressed).then_some(count)
}

/// Whether the line introduces a forwarded or original mail: "-----Original Message-----", "Begin forwarded message:", in
/// many languages.
pub(super) fn is_forward_marker(page: &Page<'_>, line: usize) -> bool {
    let text = page.text(line);
    if text.len() > 200 {
        return false;
    }
    let Some(hit) = page.begins(Topic::OriginalMessage, line) else { return false };
    let words = page.words(line);
    let decorated =
        text.trim_start_matches(['*', '_', ' ', '>']).starts_with(['-', '=', '_']) || text.trim_end().ends_with(':');
    let is_all = hit.end == words.end;
    let dated = has_date(page, hit.end..words.end);
    decorated && (is_all || dated || text.trim_start().starts_with("--"))
        || is_all && hit.end - hit.first >= 3
        || dated && is_colon(page, hit.end)
}

fn is_colon(page: &Page<'_>, at: usize) -> bool {
    page.document.between(at).trim_start().starts_with(':')
}

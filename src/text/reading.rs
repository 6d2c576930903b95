//! A mail, read once for all questions.

use super::document::Document;
use super::evidence::Evidence;
use super::layout;
use super::lines::{self, Line};
use super::quoted::{self, NewText, QuotedPassage, Sorted};
use super::signal::{Automatic, Mail};
use super::{html, opt_out, same_reply, signal};

/// What a mail says, ready for all questions about it.
#[derive(Debug, Default)]
pub struct Reading {
    new: NewText,
    whole: Document,
    /// The new text, where it is not the whole.
    fresh: Option<Document>,
}

impl Reading {
    /// Reads a message by itself. `text` and `html` are its two parts; the plain text is preferred and the HTML used where it
    /// is absent, blank, or where only the HTML shows what is quoted.
    pub fn of(text: Option<&str>, html: Option<&str>) -> Self {
        Self::with(text, html, &|lines| quoted::sort(lines, &[]), &|_| 0)
    }

    /// The same for a message of a thread: a passage that repeats one of the first `before` messages is quoted text, whatever
    /// the language and form of what introduces it.
    pub fn in_thread(text: Option<&str>, html: Option<&str>, evidence: &Evidence, before: usize) -> Self {
        let sort = |lines: &[Line]| {
            if before == 0 {
                return quoted::sort(lines, &[]);
            }
            let marked = evidence.mark(lines, before);
            quoted::sort(&marked.lines, &marked.why)
        };
        Self::with(text, html, &sort, &|text| evidence.count_ours(text, before))
    }

    fn with(
        text: Option<&str>,
        html: Option<&str>,
        sort: &dyn Fn(&[Line]) -> Sorted,
        count_ours: &dyn Fn(&str) -> usize,
    ) -> Self {
        let Some(plain) = text.filter(|text| !text.trim().is_empty()) else {
            return html.map(|html| sort(&layout::html_lines(html)).into()).unwrap_or_default();
        };
        if html::looks_like_html(plain) {
            return sort(&layout::html_lines(plain)).into();
        }
        let found = sort(&lines::from_text(plain));
        let Some(html) = html else { return found.into() };
        // A client whose words for "wrote" are not known here, and that marks quotes in HTML only: the HTML's shorter answer
        // is believed where the plain text begins with exactly it. And the reading that leaves fewer of our words is better.
        let other = sort(&layout::html_lines(html));
        let (long, short) = (same_reply::normalize(&found.new.text), same_reply::normalize(&other.new.text));
        let shorter = !short.is_empty() && long.len() > short.len() && long.starts_with(&short);
        let purer = || {
            let ours = count_ours(&found.new.text);
            ours > 0 && !short.is_empty() && count_ours(&other.new.text) < ours
        };
        if shorter || purer() { other.into() } else { found.into() }
    }

    /// What the sender wrote anew: without quoted text, reply headers, forwarded blocks, warnings of gateways, signature and
    /// device lines. Replies between quotes are kept. Empty when nothing is new.
    pub fn new_text(&self) -> &str {
        &self.new.text
    }

    /// The quoted passages, in their order.
    pub fn quoted(&self) -> &[QuotedPassage] {
        &self.new.quoted
    }

    /// The words with which the sender asks for no more mail, if they do. What is quoted, such as the footer of our own mail,
    /// opts nobody out.
    pub fn opt_out(&self, subject: Option<&str>) -> Option<String> {
        opt_out::find(subject, self.fresh())
    }

    /// The signals of automatic mail, and what they come to. The mail's `body` is this one.
    pub fn automatic(&self, mail: &Mail<'_>) -> Automatic {
        signal::gather(mail, &self.whole, self.fresh(), &self.new.text)
    }

    /// The language of the new text as its ISO 639-1 code; `None` where its words do not tell.
    pub fn language(&self) -> Option<&'static str> {
        self.fresh().language()
    }

    fn fresh(&self) -> &Document {
        self.fresh.as_ref().unwrap_or(&self.whole)
    }
}

impl From<Sorted> for Reading {
    fn from(Sorted { new, whole, fresh }: Sorted) -> Self {
        Self { new, whole, fresh }
    }
}

//! Reading mail: new text and quoted text, HTML, auto-replies, opt-outs.
//!
//! Everything here is a pure function of the mail's words, works on any UTF-8 without panicking, and takes time in
//! proportion to the text's length: plain text is read up to 256 KiB, HTML up to 2 MiB.
//!
//! Plain text and HTML both become `lines::Line`s first, so that there is one place (`quoted`) where history is told
//! from new words. HTML brings more: which element a line stood in says whether it is quoted, whatever its language.

mod attributes;
mod attribution;
mod auto_reply;
mod bounce;
mod calendar;
mod containers;
mod evidence;
mod fingerprint;
mod follow_up;
mod footer;
mod headers;
mod html;
mod language;
mod layout;
mod likeness;
mod lines;
mod normal;
mod opt_out;
mod opt_out_phrases;
mod out_of_office;
mod pattern;
mod person_name;
mod quoted;
mod return_date;
mod same_reply;
mod signal;
mod signature;
mod subject;
mod subject_words;
mod terminal;

pub use auto_reply::{AutoReply, AutoReplyKind, auto_reply};
pub use evidence::{Earlier, Evidence};
pub use fingerprint::{fingerprint, has_fingerprint};
pub use follow_up::is_follow_up;
pub use language::language;
pub use likeness::{likeness, word_pairs};
pub use normal::{Normal, normalize};
pub use opt_out::opt_out;
pub use person_name::{PersonName, person_name};
pub use quoted::{NewText, QuoteReason, QuotedPassage};
pub use same_reply::{is_same_reply, says_the_same};
pub use signal::{Automatic, Certainty, Mail, Signal, SignalKind, automatic};
pub use terminal::{printable, turns_direction};

use lines::Line;

/// The new text: the body without quoted text, reply headers, forwarded blocks, signature and device lines.
///
/// `text` and `html` are the two parts of one message; the plain text is preferred and the HTML used where it is absent,
/// blank, or where only the HTML shows what is quoted. Replies between quotes are kept. Empty when nothing is new.
pub fn new_text(text: Option<&str>, html: Option<&str>) -> String {
    let plain = text.filter(|text| !text.trim().is_empty());
    let Some(plain) = plain else {
        return html.map(new_text_of_html).unwrap_or_default();
    };
    if html::looks_like_html(plain) {
        return new_text_of_html(plain);
    }
    let found = quoted::strip_quoted(&lines::from_text(plain));
    // A client whose words for "wrote" are not known here, and that marks quotes in HTML only: the HTML's shorter answer is
    // believed where the plain text begins with exactly it.
    if let Some(html) = html {
        let shorter = new_text_of_html(html);
        let (long, short) = (same_reply::normalize(&found), same_reply::normalize(&shorter));
        if !short.is_empty() && long.len() > short.len() && long.starts_with(&short) {
            return shorter;
        }
    }
    found
}

/// The new text of a message that follows these in a thread, and what it quotes; as [`new_text`], and besides a passage that
/// repeats an earlier message is quoted text, whatever the language and form of what introduces it.
///
/// Where many messages of one thread are read, [`Evidence`] reads each of them once.
pub fn new_text_in_thread(text: Option<&str>, html: Option<&str>, earlier: &[Earlier<'_>]) -> NewText {
    let mut messages = earlier.to_vec();
    messages.push(Earlier { text, html, ..Earlier::default() });
    Evidence::new(&messages).new_text(text, html, earlier.len())
}

impl Evidence {
    /// The new text of a message, and what it quotes of the first `before` messages; see [`new_text_in_thread`].
    pub fn new_text(&self, text: Option<&str>, html: Option<&str>, before: usize) -> NewText {
        let read = |lines: &[Line]| {
            let marked = self.mark(lines, before);
            quoted::read(&marked.lines, &marked.why)
        };
        let plain = text.filter(|text| !text.trim().is_empty());
        let Some(plain) = plain else {
            return html.map(|html| read(&layout::html_lines(html))).unwrap_or_default();
        };
        if html::looks_like_html(plain) {
            return read(&layout::html_lines(plain));
        }
        let found = read(&lines::from_text(plain));
        let Some(html) = html else { return found };
        // As in `new_text`; and the reading that leaves fewer of our words is the better one.
        let other = read(&layout::html_lines(html));
        let (long, short) = (same_reply::normalize(&found.text), same_reply::normalize(&other.text));
        let shorter = !short.is_empty() && long.len() > short.len() && long.starts_with(&short);
        let purer = || {
            let ours = self.count_ours(&found.text, before);
            ours > 0 && !short.is_empty() && self.count_ours(&other.text, before) < ours
        };
        if shorter || purer() { other } else { found }
    }
}

/// The message whole, as text: its plain-text part, or else its HTML as [`html_to_text`] reads it.
pub fn full_text(text: Option<&str>, html: Option<&str>) -> String {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(plain) if html::looks_like_html(plain) => html_to_text(plain),
        Some(plain) => lines::join(lines::from_text(plain).iter().map(|line| line.text.as_str())),
        None => html.map(html_to_text).unwrap_or_default(),
    }
}

/// The visible text of an HTML mail, one line per block, quoted lines begun with `> `.
///
/// Reads the first 2 MiB and answers with at most 256 KiB. Nesting costs nothing: elements deeper than 512 lose their
/// meaning, never their text.
pub fn html_to_text(html: &str) -> String {
    lines::join(layout::html_lines(html).iter().filter_map(Line::visible_text))
}

fn new_text_of_html(html: &str) -> String {
    quoted::strip_quoted(&layout::html_lines(html))
}

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
mod banner;
mod bounce;
mod containers;
mod dates;
mod document;
mod evidence;
mod fingerprint;
mod follow_up;
mod footer;
mod headers;
mod html;
mod inline;
mod layout;
mod likeness;
mod lines;
mod normal;
mod opt_out;
mod page;
mod pattern;
mod person_name;
mod phrases;
mod quoted;
mod reading;
mod return_date;
mod same_reply;
mod signal;
mod signature;
mod subject;
mod subject_words;
mod terminal;
mod words;

pub use auto_reply::{AutoReply, AutoReplyKind};
pub use evidence::{Earlier, Evidence};
pub use fingerprint::{fingerprint, has_fingerprint};
pub use follow_up::is_follow_up;
pub use likeness::{likeness, word_pairs};
pub use normal::{Normal, normalize};
pub use opt_out::opt_out;
pub(crate) use person_name::without_accents;
pub use person_name::{PersonName, person_name};
pub use phrases::{PhraseError, PhraseFinder, PhraseMatch, RulePhrase};
pub use quoted::{NewText, QuoteReason, QuotedPassage};
pub use reading::Reading;
pub use same_reply::{is_same_reply, says_the_same};
pub use signal::{Automatic, Certainty, Mail, Signal, SignalKind, auto_reply, automatic};
pub use terminal::{printable, turns_direction};

use lines::Line;

/// The new text of a message by itself; see [`Reading`].
pub fn new_text(text: Option<&str>, html: Option<&str>) -> String {
    Reading::of(text, html).new_text().to_owned()
}

/// The language of a text as its ISO 639-1 code; `None` where its words do not tell.
pub fn language(text: &str) -> Option<&'static str> {
    document::Document::of(text).language()
}

/// The code of a language that texts are told to be in, if it is one.
pub fn known_language(code: &str) -> Option<&'static str> {
    phrases::known_language(code)
}

/// The new text of a message that follows these in a thread, and what it quotes; see [`Reading::in_thread`].
///
/// Where many messages of one thread are read, [`Evidence`] reads each of them once.
pub fn new_text_in_thread(text: Option<&str>, html: Option<&str>, earlier: &[Earlier<'_>]) -> NewText {
    let mut messages = earlier.to_vec();
    messages.push(Earlier { text, html, ..Earlier::default() });
    let reading = Reading::in_thread(text, html, &Evidence::new(&messages), earlier.len());
    NewText { text: reading.new_text().to_owned(), quoted: reading.quoted().to_vec() }
}

/// The message whole, as text: its plain-text part, or else its HTML as [`html_to_text`] reads it.
pub fn full_text(text: Option<&str>, html: Option<&str>) -> String {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(plain) if html::looks_like_html(plain) => html_to_text(plain),
        Some(plain) => lines::join(lines::from_text(plain).iter().map(|line| line.text.as_str())),
        None => html.map(html_to_text).unwrap_or_default(),
    }
}

/// The first words of [`full_text`], at most so many. Of plain text no more is read than that.
pub fn first_words(text: Option<&str>, html: Option<&str>, most: usize) -> Vec<String> {
    match text.filter(|_| is_plain_text(text)) {
        Some(plain) => {
            let mut words = Vec::new();
            for line in lines::split(plain) {
                words.extend(lines::plain(line).split_whitespace().take(most - words.len()).map(str::to_owned));
                if words.len() >= most {
                    break;
                }
            }
            words
        }
        None => full_text(text, html).split_whitespace().take(most).map(str::to_owned).collect(),
    }
}

/// Whether a message has a plain-text part that is no HTML and not blank.
pub fn is_plain_text(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.trim().is_empty() && !html::looks_like_html(text))
}

/// The visible text of an HTML mail, one line per block, quoted lines begun with `> `.
///
/// Reads the first 2 MiB and answers with at most 256 KiB. Nesting costs nothing: elements deeper than 512 lose their
/// meaning, never their text.
pub fn html_to_text(html: &str) -> String {
    lines::join(layout::html_lines(html).iter().filter_map(Line::visible_text))
}

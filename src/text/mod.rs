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
pub use fingerprint::{fingerprint, has_fingerprint};
pub use follow_up::is_follow_up;
pub use language::language;
pub use likeness::{likeness, word_pairs};
pub use normal::{Normal, normalize};
pub use opt_out::opt_out;
pub use person_name::{PersonName, person_name};
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

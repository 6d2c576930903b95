//! A mail as lines, each with what its markup or its `>` says of it.

/// Plain text beyond this many bytes is ignored.
const MAX_TEXT: usize = 256 * 1024;

/// How sure it is that a line is a quote of older mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Quote {
    /// Not quoted as far as markup says.
    #[default]
    No,
    /// In a `blockquote` that also serves to indent: a quote only if a line such as "Sam wrote:" introduces it.
    Maybe,
    /// Starts with `>`, or inside an element that mail clients put around quoted text.
    Yes,
}

/// What else the markup says of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LineRole {
    /// Nothing.
    #[default]
    None,
    /// Everything from here on is quoted text.
    History,
    /// The line introduces a quote, whatever its language.
    Attribution,
    /// The line is in a part that the client calls a signature.
    Signature,
    /// The line begins a box with a line above it, where Outlook puts the headers of the mail that is answered.
    HeaderBox,
}

/// One line of a mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) quote: Quote,
    pub(super) mark: LineRole,
}

impl Line {
    /// Whether there is nothing to read on the line.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The line as a part of the whole text; `None` for a line that only carries a mark.
    pub(super) fn visible_text(&self) -> Option<String> {
        match (self.mark, self.quote) {
            (LineRole::History, _) if self.is_blank() => None,
            (_, Quote::Yes) if !self.is_blank() && !self.text.trim_start().starts_with('>') => {
                Some(format!("> {}", self.text))
            }
            _ => Some(self.text.clone()),
        }
    }
}

/// The longest beginning of `text` of at most `most` bytes that ends between two characters.
pub(super) fn truncate(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// The lines of a plain-text part.
pub(super) fn from_text(text: &str) -> Vec<Line> {
    let text = truncate(text, MAX_TEXT).replace("\r\n", "\n");
    text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
        .map(|line| {
            let text = plain(line);
            let quote = if text.trim_start().starts_with('>') { Quote::Yes } else { Quote::No };
            Line { text, quote, mark: LineRole::None }
        })
        .collect()
}

/// The line with ordinary spaces for unusual ones and without invisible characters.
pub(super) fn plain(line: &str) -> String {
    line.chars()
        .filter(|c| {
            !matches!(c, '\0' | '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{34f}')
        })
        .map(|c| match c {
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
            other => other,
        })
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Puts lines together, without blank ones at either end and with at most one blank line in a row.
pub(super) fn join<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> String {
    let mut out = String::new();
    let mut gap = false;
    for line in lines {
        let line = line.as_ref().trim_end();
        if line.trim().is_empty() {
            gap = true;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if gap { "\n\n" } else { "\n" });
        }
        gap = false;
        out.push_str(line);
    }
    out
}

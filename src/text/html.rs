//! Cutting HTML into tags and text, in one pass over the bytes.
//!
//! Mail brings HTML of every quality, and some of it is hostile. This reader never builds a tree and never looks at a byte
//! more than a fixed number of times, so neither nesting nor unclosed quotes can make it slow; what it cannot read as a tag
//! it keeps as text.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::truncate;
use super::pattern::pattern;

/// HTML beyond this many bytes is ignored. Generous, because pictures stand inline in it.
const MAX_HTML: usize = 2 * 1024 * 1024;

/// A part of an HTML text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text between tags, entities not yet decoded.
    Text(&'a str),
    /// A start tag: its name in lower case, and the rest of it.
    Open(String, &'a str),
    /// An end tag: its name in lower case.
    Close(String),
}

/// Whether a text that claims to be plain is HTML.
pub(super) fn looks_like_html(text: &str) -> bool {
    static TAG: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"</(p|div|span|body|html|td|a|b|font|blockquote)\s*>|<br\s*/?>"));
    let start = truncate(text.trim_start(), 4096);
    start.starts_with('<') && !start.starts_with("<http") && TAG.is_match(start)
}

/// Cuts `html` into its parts; the contents of scripts, styles, titles and comments are left out.
pub(super) fn tokenize(html: &str) -> Vec<Token<'_>> {
    Scanner {
        html: truncate(html, MAX_HTML),
        at: 0,
        quotes_end: [true, true],
        comments_end: true,
        unclosed: Vec::new(),
    }
    .run()
}

struct Scanner<'a> {
    html: &'a str,
    at: usize,
    // Whether a `"`, a `'` and a `-->` can still follow. Once one was looked for in vain, it is not looked for again.
    quotes_end: [bool; 2],
    comments_end: bool,
    // The elements with raw contents whose end tag does not follow any more.
    unclosed: Vec<String>,
}

impl<'a> Scanner<'a> {
    fn run(mut self) -> Vec<Token<'a>> {
        let mut out = Vec::new();
        let last_end = self.html.rfind('>').unwrap_or(0);
        while self.at < self.html.len() {
            let rest = self.rest();
            let Some(open) = rest.find('<').filter(|open| self.at + open < last_end) else {
                out.push(Token::Text(rest));
                break;
            };
            if open > 0 {
                out.push(Token::Text(rest.get(..open).unwrap_or_default()));
                self.at += open;
            }
            let before = self.at;
            match self.tag() {
                Some(piece) => out.extend(piece),
                None => {
                    self.at = before + 1;
                    out.push(Token::Text("<"));
                }
            }
        }
        out
    }

    fn rest(&self) -> &'a str {
        self.html.get(self.at..).unwrap_or_default()
    }

    // At `<`. `None`: this is no tag. `Some(None)`: something to skip.
    fn tag(&mut self) -> Option<Option<Token<'a>>> {
        let rest = self.rest();
        if rest.starts_with("<!--") {
            if self.comments_end {
                // `<!-->` is a whole comment, so the end may overlap the beginning.
                if let Some(end) = rest.get(2..).and_then(|rest| rest.find("-->")) {
                    self.at += 2 + end + 3;
                    return Some(None);
                }
                self.comments_end = false;
            }
            self.at += 4;
            return Some(None);
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            self.at += rest.find('>')? + 1;
            return Some(None);
        }
        let closing = rest.starts_with("</");
        let name_at = if closing { 2 } else { 1 };
        let after = rest.get(name_at..)?;
        let length =
            after.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_'))).unwrap_or(after.len());
        let name = after.get(..length)?;
        // `<sam@acme.example>` and `<https://…>` stand unescaped in careless HTML: text, not tags.
        let next = after.get(length..)?;
        if !name.starts_with(|c: char| c.is_ascii_alphabetic())
            || length > 40
            || name.ends_with(':')
            || next.starts_with(['@', '.'])
        {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let end = self.tag_end(next)?;
        let attributes = next.get(..end)?;
        self.at += name_at + length + end + 1;
        if closing {
            return Some(Some(Token::Close(name)));
        }
        if matches!(name.as_str(), "script" | "style" | "title" | "xml" | "noscript" | "template")
            && !attributes.ends_with('/')
        {
            self.skip_raw(&name);
            return Some(None);
        }
        Some(Some(Token::Open(name, attributes)))
    }

    // Where the tag's `>` is, quotes around attribute values minded as long as they close.
    fn tag_end(&mut self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut value_next = false;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'>' => return Some(at),
                b'"' | b'\'' if value_next => {
                    let which = usize::from(byte == b'\'');
                    let close = match self.quotes_end.get(which) {
                        Some(true) => bytes.iter().skip(at + 1).position(|&b| b == byte),
                        _ => None,
                    };
                    match close {
                        Some(length) => at += length + 1,
                        None => {
                            if let Some(end) = self.quotes_end.get_mut(which) {
                                *end = false;
                            }
                        }
                    }
                    value_next = false;
                }
                b'=' => value_next = true,
                b if b.is_ascii_whitespace() => {}
                _ => value_next = false,
            }
            at += 1;
        }
        // Quotes lead past the end of the text: from here on they mean nothing, or each tag would be read to the end again.
        self.quotes_end = [false, false];
        text.find('>')
    }

    fn skip_raw(&mut self, name: &str) {
        if self.unclosed.iter().any(|unclosed| unclosed == name) {
            return;
        }
        let rest = self.rest();
        let close = rest.match_indices("</").map(|(at, _)| at).find(|at| {
            let found = rest.as_bytes().get(at + 2..at + 2 + name.len());
            found.is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
        });
        match close {
            Some(close) => self.at += close,
            // Browsers show nothing after an unclosed style or script; the lead's words would be lost, so it is ignored here.
            None => self.unclosed.push(name.to_owned()),
        }
    }
}

/// An attribute's value, in lower case; `None` when the tag does not have it.
pub(super) fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let bytes = attributes.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        while bytes.get(at).is_some_and(|b| b.is_ascii_whitespace() || *b == b'/') {
            at += 1;
        }
        let name_at = at;
        while bytes.get(at).is_some_and(|b| !b.is_ascii_whitespace() && !matches!(b, b'=' | b'/')) {
            at += 1;
        }
        let name = attributes.get(name_at..at)?;
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let mut value = "";
        if bytes.get(at) == Some(&b'=') {
            at += 1;
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            let quote = bytes.get(at).copied().filter(|b| matches!(b, b'"' | b'\''));
            let value_at = at + usize::from(quote.is_some());
            at = value_at;
            while bytes.get(at).is_some_and(|b| quote.map_or(!b.is_ascii_whitespace(), |quote| *b != quote)) {
                at += 1;
            }
            value = attributes.get(value_at..at)?;
            at += usize::from(quote.is_some());
        } else if name.is_empty() {
            at += 1;
        }
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.to_lowercase());
        }
    }
    None
}

//! HTML as lines: what a reader sees, and what the elements say about quotes and signatures.

use std::collections::HashMap;

use super::entities;
use super::html::{Token, attribute, tokenize};
use super::lines::{Line, LineRole, Quote, plain};

/// Elements nested deeper than this are not tracked; their text is kept.
const DEEPEST: usize = 512;
/// No more text than this many bytes is produced.
const MAX_TEXT: usize = 256 * 1024;

/// The lines that a reader of this HTML sees.
pub(super) fn html_lines(html: &str) -> Vec<Line> {
    let mut page = Page::default();
    for piece in tokenize(html) {
        if page.written > MAX_TEXT {
            break;
        }
        match piece {
            Token::Text(text) => page.text(text),
            Token::Open(name, attributes) => page.open(name, attributes),
            Token::Close(name) => page.close(&name),
        }
    }
    page.end_line();
    page.lines
}

// What an element means for the text in it.
#[derive(Debug, Clone, Copy, Default)]
struct Sense {
    quote: Quote,
    mark: LineRole,
    hidden: bool,
    verbatim: bool,
    // `Some(n)` in an ordered list whose last item was number n.
    items: Option<u32>,
}

#[derive(Default)]
struct Page {
    lines: Vec<Line>,
    line: String,
    // What holds at the line's first character.
    line_sense: Sense,
    space: bool,
    // Whether the line is a list item's sign alone, waiting for its words.
    sign_only: bool,
    // The open elements, each with all that holds inside it; and how often each name is among them.
    stack: Vec<(String, Sense)>,
    open_names: HashMap<String, usize>,
    written: usize,
}

impl Page {
    fn sense(&self) -> Sense {
        self.stack.last().map(|(_, sense)| *sense).unwrap_or_default()
    }

    fn text(&mut self, raw: &str) {
        let sense = self.sense();
        if sense.hidden {
            return;
        }
        let mut decoded = String::with_capacity(raw.len());
        entities::decode(raw, &mut decoded);
        for c in decoded.chars() {
            if sense.verbatim && c == '\n' {
                self.end_line();
            } else if c.is_ascii_whitespace() && !(sense.verbatim && c == ' ') {
                self.space = true;
            } else {
                if self.line.is_empty() {
                    self.line_sense = sense;
                } else if self.space {
                    self.line.push(' ');
                }
                self.space = false;
                self.sign_only = false;
                self.line.push(c);
            }
        }
    }

    fn end_line(&mut self) {
        if self.sign_only {
            return;
        }
        self.space = false;
        if self.line.is_empty() {
            return;
        }
        let text = plain(&std::mem::take(&mut self.line));
        self.written += text.len() + 1;
        let quoted_by_sign = text.trim_start().starts_with('>');
        let quote = if quoted_by_sign { Quote::Yes } else { self.line_sense.quote };
        self.lines.push(Line { text, quote, mark: self.line_sense.mark });
        // Only the first line of the box is its beginning.
        if self.line_sense.mark == LineRole::HeaderBox {
            for (_, sense) in self.stack.iter_mut().filter(|(_, sense)| sense.mark == LineRole::HeaderBox) {
                sense.mark = LineRole::None;
            }
        }
    }

    fn blank(&mut self) {
        self.end_line();
        if self.lines.last().is_some_and(|line| !line.is_blank()) {
            self.written += 1;
            let Sense { quote, .. } = self.sense();
            self.lines.push(Line { text: String::new(), quote, mark: LineRole::None });
        }
    }

    fn open(&mut self, name: String, attributes: &str) {
        let outer = self.sense();
        match name.as_str() {
            "br" => {
                if self.line.is_empty() {
                    self.blank()
                } else {
                    self.end_line()
                }
                return;
            }
            "hr" => {
                self.end_line();
                if attribute(attributes, "id").is_some_and(|id| matches!(bare(&id), "stopspelling" | "zwchr")) {
                    self.mark_history();
                } else if !outer.hidden {
                    self.line_sense = outer;
                    self.line.push_str("----------");
                    self.end_line();
                }
                return;
            }
            "img" => {
                // Emoji come as pictures with the character as their text; other pictures have descriptions, which are not the sender's words.
                let short = |alt: &String| alt.chars().count() <= 8 && !alt.is_ascii();
                if let Some(alt) = attribute(attributes, "alt").filter(short)
                    && !alt.chars().any(char::is_alphanumeric)
                {
                    self.text(&alt);
                }
                return;
            }
            "area" | "base" | "basefont" | "col" | "embed" | "frame" | "input" | "link" | "meta" | "param"
            | "source" | "track" | "wbr" => return,
            // Authors leave these open; the next one closes them.
            "p" | "li" | "td" | "th" | "tr" | "option" if self.stack.last().is_some_and(|(top, _)| *top == name) => {
                self.close(&name)
            }
            _ => {}
        }
        let outer = if outer.items.is_some() { Sense { items: None, ..self.sense() } } else { self.sense() };
        match name.as_str() {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "table" | "pre" | "ul" | "ol" | "dl" => {
                self.blank()
            }
            "td" | "th" => self.space = !self.line.is_empty(),
            name if is_block(name) => self.end_line(),
            _ => {}
        }
        if name == "li" && !outer.hidden {
            self.sign_only = false;
            let number =
                self.stack.iter_mut().rev().take(4).find(|(name, _)| matches!(name.as_str(), "ol" | "ul")).and_then(
                    |(_, sense)| {
                        sense.items = sense.items.map(|items| items.saturating_add(1));
                        sense.items
                    },
                );
            self.line_sense = outer;
            self.line = number.map_or_else(|| "-".to_owned(), |number| format!("{number}."));
            self.space = true;
            self.sign_only = true;
        }
        let (sense, history) = sense_of(&name, attributes, outer);
        if history {
            self.mark_history();
        }
        if self.stack.len() < DEEPEST {
            *self.open_names.entry(name.clone()).or_default() += 1;
            self.stack.push((name, sense));
        }
    }

    fn mark_history(&mut self) {
        self.end_line();
        let Sense { quote, hidden, .. } = self.sense();
        if !hidden {
            self.lines.push(Line { text: String::new(), quote, mark: LineRole::History });
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "br" => return self.open("br".to_owned(), ""),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "table" | "pre" | "ul" | "ol" | "dl" => {
                self.blank()
            }
            "td" | "th" => self.space = !self.line.is_empty(),
            name if is_block(name) => self.end_line(),
            _ => {}
        }
        // An end tag without its start tag means nothing. Otherwise everything opened since is closed with it, so that each
        // element is visited once.
        if self.open_names.get(name).copied().unwrap_or(0) == 0 {
            return;
        }
        while let Some((top, _)) = self.stack.pop() {
            if let Some(count) = self.open_names.get_mut(&top) {
                *count = count.saturating_sub(1);
            }
            if top == name {
                break;
            }
        }
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "tr"
            | "li"
            | "dt"
            | "dd"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "main"
            | "aside"
            | "nav"
            | "address"
            | "center"
            | "body"
            | "html"
            | "form"
            | "fieldset"
            | "tbody"
            | "thead"
            | "tfoot"
            | "figure"
            | "figcaption"
            | "details"
            | "summary"
            | "caption"
    )
}

// Outlook and Hotmail put these before names in mail that they pass on.
fn bare(name: &str) -> &str {
    let name = name.strip_prefix("ecx").unwrap_or(name);
    let mut name = name;
    while let Some(shorter) = name.strip_prefix("x_") {
        name = shorter;
    }
    name
}

// What holds inside an element, and whether quoted text begins at it.
fn sense_of(name: &str, attributes: &str, outer: Sense) -> (Sense, bool) {
    let mut sense = outer;
    let mut history = false;
    match name {
        "pre" | "textarea" => sense.verbatim = true,
        "ol" => sense.items = Some(0),
        "ul" => sense.items = None,
        "select" | "button" | "object" | "svg" | "math" | "audio" | "video" | "map" => sense.hidden = true,
        _ => {}
    }
    let id = attribute(attributes, "id").unwrap_or_default();
    let class = attribute(attributes, "class").unwrap_or_default();
    let style: String = attribute(attributes, "style").unwrap_or_default().split_ascii_whitespace().collect();
    if style.contains("display:none") || style.contains("mso-hide:all") || attribute(attributes, "hidden").is_some() {
        sense.hidden = true;
    }
    if name == "blockquote" {
        let cited =
            attribute(attributes, "type").is_some_and(|kind| kind == "cite") || attribute(attributes, "cite").is_some();
        sense.quote = if cited || (has_border(&style, "border-left") && outer.quote != Quote::Yes) {
            Quote::Yes
        } else if outer.quote == Quote::No {
            Quote::Maybe
        } else {
            outer.quote
        };
    }
    match bare(&id) {
        "divrplyfwdmsg"
        | "olk_src_body_section"
        | "mail-editor-reference-message-container"
        | "ymail_android_reply"
        | "reply-intro" => history = true,
        "signature" if name == "div" => sense.mark = LineRole::Signature,
        id if id.starts_with("yahoo_quoted") => sense.quote = Quote::Yes,
        id if id.starts_with("zm-_id_-sgn") => sense.mark = LineRole::Signature,
        _ => {}
    }
    for class in class.split_ascii_whitespace() {
        match bare(class) {
            "gmail_quote" | "protonmail_quote" | "tutanota_quote" | "zmail_quote" if name == "blockquote" => {
                sense.quote = Quote::Yes
            }
            "yahoo_quoted" | "zmail_extra" | "tutanota_quote" => sense.quote = Quote::Yes,
            "moz-cite-prefix" | "gmail_attr" => sense.mark = LineRole::Attribution,
            "gmail_signature"
            | "moz-signature"
            | "protonmail_signature_block"
            | "ms-outlook-mobile-signature"
            | "gmail_signature_prefix" => {
                sense.mark = LineRole::Signature;
            }
            _ => {}
        }
    }
    if attribute(attributes, "data-signatureblock").is_some() {
        sense.mark = LineRole::Signature;
    }
    if name == "div" && sense.mark == LineRole::None && has_border(&style, "border-top") {
        sense.mark = LineRole::HeaderBox;
    }
    (sense, history)
}

fn has_border(style: &str, side: &str) -> bool {
    style.split(';').any(|rule| {
        rule.starts_with(side)
            && rule.split_once(':').is_some_and(|(_, value)| !value.starts_with("none") && !value.starts_with('0'))
    })
}

//! HTML as lines: what a reader sees, and what the elements say about quotes and signatures.

use std::collections::HashMap;

use super::attributes::Attributes;
use super::containers::{List, Sense, begins_history, introduces_quote, sense_of};
use super::html::{Visit, read_html};
use super::lines::{Line, LineRole, Quote, plain, truncate};

/// Elements nested deeper than this are not tracked; their text is kept.
const DEEPEST: usize = 512;
/// No more text than this many bytes is produced.
const MAX_TEXT: usize = 256 * 1024;

/// The line that introduces a quote, such as "Sam wrote:", breaks into no more lines than this.
const MOST_INTRODUCTION: usize = 3;

/// The lines that a reader of this HTML sees.
pub(super) fn html_lines(html: &str) -> Vec<Line> {
    let mut page = Page::default();
    read_html(html, &mut page);
    page.end_line();
    page.lines
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
    // The open elements, each with all that holds inside it.
    stack: Vec<(NameId, Sense)>,
    names: Names,
    // The container of a quote that has not begun: how many elements it is in, and the number of its first line.
    introduction: Option<(usize, usize)>,
    written: usize,
}

/// The names of elements, each once, with how often it is open: a name costs an allocation only where it is new.
#[derive(Default)]
struct Names {
    ids: HashMap<Box<str>, NameId>,
    open: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NameId(usize);

impl Names {
    fn id(&mut self, name: &str) -> NameId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = NameId(self.open.len());
        self.open.push(0);
        self.ids.insert(name.into(), id);
        id
    }

    // The name's id, if such an element is open.
    fn open_id(&self, name: &str) -> Option<NameId> {
        self.ids.get(name).copied().filter(|id| self.open.get(id.0).is_some_and(|open| *open > 0))
    }

    fn opened(&mut self, id: NameId) {
        if let Some(open) = self.open.get_mut(id.0) {
            *open += 1;
        }
    }

    fn closed(&mut self, id: NameId) {
        if let Some(open) = self.open.get_mut(id.0) {
            *open = open.saturating_sub(1);
        }
    }
}

impl Visit for Page {
    fn text(&mut self, text: &str) {
        let sense = self.sense();
        if sense.hidden {
            return;
        }
        if !sense.verbatim {
            return self.words(text, sense);
        }
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.end_line();
            }
            self.verbatim(line, sense);
        }
    }

    fn open(&mut self, name: &str, attributes: &Attributes) {
        match name {
            "br" => return self.line_break(),
            "hr" => return self.rule(attributes),
            "img" => return self.picture(attributes),
            "area" | "base" | "basefont" | "col" | "embed" | "frame" | "input" | "link" | "meta" | "param"
            | "source" | "track" | "wbr" => return,
            // Authors leave these open; the next one closes them.
            "p" | "li" | "td" | "th" | "tr" | "option" if self.top() == self.names.open_id(name) => self.close(name),
            _ => {}
        }
        let outer = Sense { list: None, ..self.sense() };
        self.separate(name);
        if name == "li" && !outer.hidden {
            self.begin_item(outer);
        }
        if begins_history(attributes) {
            self.mark_history();
        }
        let sense = sense_of(name, attributes, outer);
        if name == "blockquote" && sense.quote != Quote::No {
            self.end_introduction();
        }
        if self.stack.len() < DEEPEST {
            if introduces_quote(name, attributes) {
                self.introduction = Some((self.stack.len(), self.lines.len()));
            }
            let id = self.names.id(name);
            self.names.opened(id);
            self.stack.push((id, sense));
        }
    }

    fn close(&mut self, name: &str) {
        if name == "br" {
            return self.line_break();
        }
        self.separate(name);
        // An end tag without its start tag means nothing. Otherwise everything opened since is closed with it, so that each
        // element is visited once.
        let Some(id) = self.names.open_id(name) else { return };
        while let Some((top, _)) = self.stack.pop() {
            self.names.closed(top);
            if top == id {
                break;
            }
        }
        // The container ended before a quote began in it.
        self.introduction = self.introduction.filter(|(depth, _)| self.stack.len() > *depth);
    }

    fn is_full(&self) -> bool {
        self.room() == 0
    }
}

impl Page {
    fn sense(&self) -> Sense {
        self.stack.last().map(|(_, sense)| *sense).unwrap_or_default()
    }

    fn top(&self) -> Option<NameId> {
        self.stack.last().map(|(id, _)| *id)
    }

    fn room(&self) -> usize {
        MAX_TEXT.saturating_sub(self.written + self.line.len())
    }

    // Text in which any white space is one space.
    fn words(&mut self, text: &str, sense: Sense) {
        let is_space = |c: char| c.is_ascii_whitespace();
        self.space |= text.starts_with(is_space);
        for (number, word) in text.split_ascii_whitespace().enumerate() {
            self.space |= number > 0;
            if self.line.is_empty() {
                self.line_sense = sense;
            } else if self.space {
                self.line.push(' ');
            }
            self.space = false;
            self.sign_only = false;
            self.line.push_str(truncate(word, self.room()));
        }
        self.space |= text.ends_with(is_space);
    }

    // Text in which spaces stay as they are.
    fn verbatim(&mut self, text: &str, sense: Sense) {
        for c in text.chars().take(self.room()) {
            if c != ' ' && c.is_ascii_whitespace() {
                self.space = true;
                continue;
            }
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

    fn end_line(&mut self) {
        if self.sign_only {
            return;
        }
        self.space = false;
        if self.line.is_empty() {
            return;
        }
        let text = plain(&self.line);
        self.line.clear();
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

    // Where an element begins or ends, its text is kept from the text beside it.
    fn separate(&mut self, name: &str) {
        match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "table" | "pre" | "ul" | "ol" | "dl" => {
                self.blank()
            }
            "td" | "th" => self.space = !self.line.is_empty(),
            name if is_block(name) => self.end_line(),
            _ => {}
        }
    }

    fn line_break(&mut self) {
        if self.line.is_empty() { self.blank() } else { self.end_line() }
    }

    fn rule(&mut self, attributes: &Attributes) {
        self.end_line();
        let outer = self.sense();
        // Where quoted text begins just above, the rule belongs to it and would only stand before its headers.
        let just_begun = self.lines.iter().rev().take(2).any(|line| line.mark == LineRole::History);
        if begins_history(attributes) {
            self.mark_history();
        } else if !outer.hidden && !just_begun {
            self.line_sense = outer;
            self.line.push_str("----------");
            self.end_line();
        }
    }

    // Emoji come as pictures with the character as their text; other pictures have descriptions, which are not the sender's
    // words.
    fn picture(&mut self, attributes: &Attributes) {
        let is_emoji =
            |alt: &&str| !alt.is_ascii() && alt.chars().nth(8).is_none() && !alt.chars().any(char::is_alphanumeric);
        if let Some(alt) = attributes.get("alt").filter(is_emoji) {
            self.text(alt);
        }
    }

    fn begin_item(&mut self, outer: Sense) {
        self.sign_only = false;
        let list = self.stack.iter_mut().rev().take(4).find_map(|(_, sense)| sense.list.as_mut());
        self.line_sense = outer;
        self.line = list.map_or_else(|| "-".to_owned(), List::next_sign);
        self.space = true;
        self.sign_only = true;
    }

    // A quote begins. What its container says before it is its attribution, in whatever language, if it looks like one: few
    // lines with an address, ending in a colon.
    fn end_introduction(&mut self) {
        let Some((_, first)) = self.introduction.take() else { return };
        let lines = self.lines.get_mut(first..).unwrap_or_default();
        let words = || lines.iter().filter(|line| !line.is_blank());
        let is_plain = |line: &Line| line.quote == Quote::No && line.mark == LineRole::None;
        let ends = words().next_back().is_some_and(|last| last.text.trim_end().ends_with([':', '：']));
        let names_sender = words().any(|line| line.text.contains('@'));
        if ends && names_sender && words().count() <= MOST_INTRODUCTION && words().all(is_plain) {
            for line in lines.iter_mut().filter(|line| !line.is_blank()) {
                line.mark = LineRole::Attribution;
            }
        }
    }

    fn mark_history(&mut self) {
        self.end_line();
        let Sense { quote, hidden, .. } = self.sense();
        if !hidden {
            self.lines.push(Line { text: String::new(), quote, mark: LineRole::History });
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

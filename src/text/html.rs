//! HTML as a stream of tags and text, read by a conforming tokenizer.
//!
//! `html5gum` follows the WHATWG tokenizer and takes linear time. A browser throws away what follows an unclosed comment,
//! style or quote, and makes an element of `<sam@acme.example>`; in mail these would be the lead's words. So the text is
//! mended before it is read, and where a tag never ends, reading goes on behind its first `>`.

use std::borrow::Cow;
use std::sync::LazyLock;

use html5gum::emitters::callback::{Callback, CallbackEmitter, CallbackEvent};
use html5gum::{Emitter, ForwardingEmitter, Span, State, Tokenizer};
use regex::Regex;

use super::attributes::Attributes;
use super::lines::truncate;
use super::pattern::pattern;

/// HTML beyond this many bytes is ignored. Generous, because pictures stand inline in it.
const MAX_HTML: usize = 2 * 1024 * 1024;
/// So often reading starts again behind a tag or comment that never ends; after that the rest is text. A comment and each
/// of the two quote signs can be unclosed once; more comes from hostile mail only.
const MAX_RESTARTS: usize = 5;
/// A name in a tag is no longer than this many bytes.
const LONGEST_NAME: usize = 40;

/// Whether a text that claims to be plain is HTML.
pub(super) fn looks_like_html(text: &str) -> bool {
    static TAG: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"</(p|div|span|body|html|td|a|b|font|blockquote)\s*>|<br\s*/?>"));
    let start = truncate(text.trim_start(), 4096);
    start.starts_with('<') && !start.starts_with("<http") && TAG.is_match(start)
}

/// What is told of each part of an HTML text, in order.
pub(super) trait Visit {
    /// Text between tags, character references decoded.
    fn text(&mut self, text: &str);
    /// A start tag, its name in lower case.
    fn open(&mut self, name: &str, attributes: &Attributes);
    /// An end tag, its name in lower case.
    fn close(&mut self, name: &str);
    /// Whether nothing more is wanted.
    fn is_full(&self) -> bool;
}

/// Tells `visitor` of each tag and text in the first 2 MiB of `html`, but for comments and the contents of scripts, styles
/// and the like.
///
/// No text is lost for want of a closing sign, and the time grows with the length only.
pub(super) fn read_html(html: &str, visitor: &mut impl Visit) {
    let mut html = mend(truncate(html, MAX_HTML));
    let mut from = 0;
    for _ in 0..=MAX_RESTARTS {
        let rest = html.get(from..).unwrap_or_default();
        let mut reading = Reading::new(rest, visitor);
        let events = CallbackEmitter::new(&mut reading);
        // A token is only made to say that nothing more is wanted.
        if Tokenizer::new_with_emitter(rest, TagsAndText { events, in_tag: false }).next().is_some() {
            return;
        }
        match reading.unread {
            None => return,
            Some(Unread::AfterTag(at)) => from += at,
            // Where one comment does not end, no later one does.
            Some(Unread::InComment(at)) => {
                html = Cow::Owned(rest.get(at..).unwrap_or_default().replace("<!--", "<!-->"));
                from = 0;
            }
        }
    }
    visitor.text(html.get(from..).unwrap_or_default());
}

/// Makes text of what a tokenizer would take for markup and lose: addresses in angle brackets, `</3`, and a `<` that no `>`
/// follows.
fn mend(html: &str) -> Cow<'_, str> {
    let last_tag_end = html.rfind('>').unwrap_or(0);
    let mut mended = String::new();
    let mut copied = 0;
    for (at, _) in html.match_indices('<') {
        let after = html.get(at + 1..).unwrap_or_default();
        if (at >= last_tag_end && !after.starts_with("!--")) || is_text(after) {
            mended.push_str(html.get(copied..at).unwrap_or_default());
            mended.push_str("&lt;");
            copied = at + 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    mended.push_str(html.get(copied..).unwrap_or_default());
    Cow::Owned(mended)
}

// Whether what follows a `<` is text although a tokenizer takes it for a tag or a comment.
fn is_text(after: &str) -> bool {
    let bytes = after.as_bytes();
    match bytes {
        [b'/', next, ..] => !next.is_ascii_alphabetic() && !next.is_ascii_whitespace() && *next != b'>',
        [first, ..] if first.is_ascii_alphabetic() => {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>' | b'"' | b'/');
            let length = bytes.iter().take(LONGEST_NAME + 1).position(ends);
            length
                .and_then(|length| after.get(..length))
                .is_none_or(|name| name.ends_with(':') || name.contains(['@', '.']))
        }
        _ => false,
    }
}

/// Elements whose contents no reader sees and which are skipped whole.
fn is_unseen(name: &str) -> Option<&'static str> {
    const UNSEEN: [&str; 9] =
        ["script", "style", "title", "noscript", "template", "xml", "iframe", "noembed", "noframes"];
    UNSEEN.into_iter().find(|unseen| *unseen == name)
}

// The tokenizer was given text and gives text back, as bytes.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// What is left where the text ends inside a tag or a comment.
#[derive(Debug, Clone, Copy)]
enum Unread {
    /// From here on, behind the first `>` of the tag.
    AfterTag(usize),
    /// From here on, inside the comment.
    InComment(usize),
}

/// One run of the tokenizer: puts its events together to tags.
struct Reading<'a, V> {
    html: &'a str,
    visitor: &'a mut V,
    // The start tag that is being read, while one is.
    name: String,
    in_start_tag: bool,
    tag_at: usize,
    attributes: Attributes,
    // For elements that are skipped whole: where each one's last end tag is.
    last_ends: Vec<(&'static str, Option<usize>)>,
    // Whether what is being read is skipped, and whether that begins just now.
    skips: bool,
    skip_begins: bool,
    // The comment that was told last, if nothing came after it.
    comment_at: Option<usize>,
    ended_in_tag: bool,
    unread: Option<Unread>,
}

impl<'a, V: Visit> Reading<'a, V> {
    fn new(html: &'a str, visitor: &'a mut V) -> Self {
        Self {
            html,
            visitor,
            name: String::new(),
            in_start_tag: false,
            tag_at: 0,
            attributes: Attributes::default(),
            last_ends: Vec::new(),
            skips: false,
            skip_begins: false,
            comment_at: None,
            ended_in_tag: false,
            unread: None,
        }
    }

    fn end_start_tag(&mut self, self_closing: bool, end: usize) {
        self.in_start_tag = false;
        self.go_on_behind_first_tag_end(self.tag_at);
        match is_unseen(&self.name).filter(|_| !self_closing) {
            // A browser shows nothing after a style or script without an end; the lead's words would be lost, so its tag
            // means nothing.
            Some(name) => self.skip_begins = !self.ended_in_tag && self.last_end(name).is_some_and(|at| at >= end),
            None => self.visitor.open(&self.name, &self.attributes),
        }
        self.skips |= self.skip_begins;
    }

    fn value(&mut self, value: &[u8], at: usize) {
        let mut meant = value;
        if self.ended_in_tag && self.quote_never_closes(at) {
            // It has swallowed the rest; what stands before the next `>` was meant.
            meant = value.split(|byte| *byte == b'>').next().unwrap_or_default();
            self.go_on_behind_first_tag_end(at);
        }
        if self.in_start_tag {
            self.attributes.set_value(meant);
        }
    }

    // Whether the quote sign before this place, where a value begins, is the last of its kind.
    fn quote_never_closes(&self, at: usize) -> bool {
        let (before, after) = self.html.as_bytes().split_at_checked(at).unwrap_or_default();
        before.last().is_some_and(|quote| matches!(quote, b'"' | b'\'') && !after.contains(quote))
    }

    // Where the text ended inside a tag, its first `>` from here on ends it. The first place that is told counts.
    fn go_on_behind_first_tag_end(&mut self, from: usize) {
        if self.ended_in_tag && self.unread.is_none() {
            let from = self.html.floor_char_boundary(from);
            let tag_end = self.html.get(from..).and_then(|rest| rest.find('>'));
            self.unread = Some(Unread::AfterTag(tag_end.map_or(from, |length| from + length + 1)));
        }
    }

    fn end(&mut self) {
        let Some(at) = self.comment_at else { return };
        let last = self.html.get(at..).unwrap_or_default();
        // `<!-->` is a whole comment, `<!--!>` is not.
        let ends = last.strip_prefix("<!").is_some_and(|last| last.ends_with("-->"))
            || last.strip_prefix("<!--").is_some_and(|last| last.ends_with("--!>"));
        if last.starts_with("<!--") && !ends {
            self.unread = Some(Unread::InComment(at + "<!--".len()));
        }
    }

    fn last_end(&mut self, name: &'static str) -> Option<usize> {
        if let Some((_, end)) = self.last_ends.iter().find(|(known, _)| *known == name) {
            return *end;
        }
        let ends = |at: &usize| {
            let Some([b'<', b'/', after @ ..]) = self.html.as_bytes().get(*at..) else { return false };
            let next = after.get(name.len());
            after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
                && next.is_some_and(|next| next.is_ascii_whitespace() || matches!(next, b'/' | b'>'))
        };
        let end = self.html.rmatch_indices('<').map(|(at, _)| at).find(ends);
        self.last_ends.push((name, end));
        end
    }
}

impl<V: Visit> Callback<(), usize> for &mut Reading<'_, V> {
    fn handle_event(&mut self, event: CallbackEvent<'_>, span: Span<usize>) -> Option<()> {
        self.comment_at = None;
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.in_start_tag = true;
                self.tag_at = span.start;
                self.attributes.clear();
                self.name.clear();
                self.name.push_str(&as_text(name));
            }
            CallbackEvent::AttributeName { name } if self.in_start_tag => self.attributes.set_name(name),
            CallbackEvent::AttributeValue { value } => self.value(value, span.start),
            CallbackEvent::CloseStartTag { self_closing } => self.end_start_tag(self_closing, span.end),
            CallbackEvent::EndTag { name } => {
                self.go_on_behind_first_tag_end(span.start);
                if !std::mem::take(&mut self.skips) {
                    self.visitor.close(&as_text(name));
                }
            }
            CallbackEvent::Comment { .. } => self.comment_at = Some(span.start),
            CallbackEvent::String { value } if !self.skips => self.visitor.text(&as_text(value)),
            _ => {}
        }
        self.visitor.is_full().then_some(())
    }
}

/// Passes the tokenizer's steps on to `events`, but for what only a parser that builds a tree would say: where raw contents
/// begin, and that a tag at the end of the text is one.
struct TagsAndText<'r, 'a, V: Visit> {
    events: CallbackEmitter<&'r mut Reading<'a, V>, (), usize>,
    in_tag: bool,
}

impl<V: Visit> ForwardingEmitter for TagsAndText<'_, '_, V> {
    type Token = ();

    fn inner(&mut self) -> &mut impl Emitter<Token = ()> {
        &mut self.events
    }

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn init_start_tag(&mut self) {
        self.in_tag = true;
        self.events.init_start_tag();
    }

    fn init_end_tag(&mut self) {
        self.in_tag = true;
        self.events.init_end_tag();
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.in_tag = false;
        let next = self.events.emit_current_tag();
        let skip_begins = std::mem::take(&mut self.events.callback_mut().skip_begins);
        if skip_begins { Some(State::RawText) } else { next }
    }

    fn emit_eof(&mut self) {
        self.events.emit_eof();
        self.events.callback_mut().end();
        if self.in_tag {
            self.events.callback_mut().ended_in_tag = true;
            let _ = self.events.emit_current_tag();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Trace(String);

    impl Visit for Trace {
        fn text(&mut self, text: &str) {
            self.0.push_str(text);
        }

        fn open(&mut self, name: &str, attributes: &Attributes) {
            let class = attributes.get("class").map(|class| format!(" class={class}")).unwrap_or_default();
            self.0.push_str(&format!("[{name}{class}]"));
        }

        fn close(&mut self, name: &str) {
            self.0.push_str(&format!("[/{name}]"));
        }

        fn is_full(&self) -> bool {
            self.0.len() > 10_000
        }
    }

    fn read(html: &str) -> String {
        let mut trace = Trace::default();
        read_html(html, &mut trace);
        trace.0
    }

    #[test]
    fn tags_and_text_are_told_in_order() {
        assert_eq!(read("<P Class='A\tB' class=c>1 &amp; 2&nbsp;3<br/></P>4"), "[p class=a\tb]1 & 2\u{a0}3[br][/p]4");
        assert_eq!(read("<div class=gmail_quote>x"), "[div class=gmail_quote]x");
        assert_eq!(read("a<!-- <b> -->b<!DOCTYPE html><?xml version='1'?><![endif]>c<!-->d<!--->e"), "abcde");
        assert_eq!(read("it&#146;s &euro;5 &NotEqualTilde; &nope; &"), "it’s €5 \u{2242}\u{338} &nope; &");
    }

    #[test]
    fn what_no_reader_sees_is_skipped() {
        assert_eq!(read("a<style>p > b { } </b></style>b<script>if (1<b) '</p>'</SCRIPT >c<xml/>d"), "abc[xml]d");
        assert_eq!(read("<title>a</titles></title>b<template><p>x</p></template>c"), "bc");
    }

    #[test]
    fn what_careless_html_leaves_unescaped_is_text() {
        for text in [
            "<sam@acme.example>",
            "<sam.o'neil+x=y@acme.example> and more",
            "<https://acme.example/a?b=\"c\">",
            "<www.acme.example>",
            "<mailto:sam@acme.example>",
            "1 < 2 > 0",
            "I </3 it > that",
            "<b",
            "<a href='x",
            "<https://acme.example/",
        ] {
            assert_eq!(read(text), text);
            assert_eq!(read(&format!("<i>{text}")), format!("[i]{text}"));
        }
        assert_eq!(read("<o:p></o:p><st1:place>x</st1:place>"), "[o:p][/o:p][st1:place]x[/st1:place]");
    }

    #[test]
    fn what_never_ends_takes_no_text_with_it() {
        assert_eq!(read("a<!-- b<p>c<!--d--"), "a b[p]cd--");
        assert_eq!(read("é\r\na<!--!> b--!>c<!--!>d<p>e"), "é\nac!>d[p]e");
        assert_eq!(read("<!<!---->a</p/<!-->b<!-- c"), "a[/p]b c");
        assert_eq!(read("a<style>p { }<p>b<style>c"), "ap { }[p]bc");
        assert_eq!(read("a<script>b</script>c<script>d"), "acd");
        assert_eq!(read("a<p class=\"b>c</p>é\r\nd"), "a[p class=b]c[/p]é\nd");
        assert_eq!(read("é\r\n<i>a<p x='é' class='&amp;>b</p id=\">c<b>d\r\n"), "é\n[i]a[p class=&]b[/p]c[b]d\n");
        assert_eq!(read("<p class=\"a>b\" c=\"d>e"), "[p class=a>b]e");
        assert_eq!(read("<p class=\"a>b\" c words"), "[p class=a>b]b\" c words");
        assert_eq!(read("<p class=a <b>c"), "[p class=a]c");
        let unclosed = read(&"<p class=\"a>b\" ".repeat(1000));
        assert_eq!(unclosed.matches("b\" ").count(), 1000, "{unclosed}");
    }

    #[test]
    fn a_reader_that_has_enough_is_told_no_more() {
        let much = read(&"<b>x".repeat(100_000));
        assert!(much.len() < 10_010);
    }
}

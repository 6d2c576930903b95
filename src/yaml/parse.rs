//! From the parser's events to a tree, with every mistake said in a sentence.

use super::{Kind, MAX_BYTES, MAX_DEPTH, Node, Scalar, Style, Value};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, Severity, Source, code};
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError};
use std::{collections::HashMap, io::Read, ops::Range, path::Path, sync::Arc};

/// Reads a file of at most [`MAX_BYTES`] and parses it. `None` when it cannot be read or parsed; why stands in `out`.
pub fn load(path: &Path, name: &str, out: &mut Diagnostics) -> Option<Node> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let message = format!("`{name}` cannot be read: {}", reason(&error));
        out.push(Diagnostic::file(code::UNREADABLE, name, message));
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => parse(&Source::new(name, text), out),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let source = Source::new(name, text);
            let diagnostic = Diagnostic::error(
                code::ENCODING,
                &Location::new(&source, good..good + 1),
                "the file is not UTF-8 text here",
            );
            out.push(diagnostic.hint("save the file in the encoding UTF-8"));
            None
        }
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// Parses a text. `None` when it is not YAML at all; otherwise a tree, with what had to be left out reported in `out`.
/// An empty text is a null.
pub fn parse(source: &Arc<Source>, out: &mut Diagnostics) -> Option<Node> {
    parse_up_to(source, MAX_BYTES, out)
}

/// As [`parse`], of a text of at most so many bytes.
pub fn parse_up_to(source: &Arc<Source>, limit: usize, out: &mut Diagnostics) -> Option<Node> {
    let text = source.text();
    if text.len() > limit {
        let most = limit / (1024 * 1024);
        let message = format!("`{}` has {} bytes; {most} MiB is the most", source.name(), text.len());
        out.push(Diagnostic::error(code::TOO_LARGE, &Location::new(source, 0..0), message));
        return None;
    }
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder { source, out, open: Vec::new(), root: None, documents: 0 };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or(0..0);
                if !builder.take(event, range, span.tag_span().is_some()) {
                    return None;
                }
            }
            Err(error) => {
                let diagnostic = builder.unclosed(&error).unwrap_or_else(|| syntax_error(source, &error));
                builder.out.push(diagnostic);
                return None;
            }
        }
    }
    let empty = || scalar_node(source, String::new(), Style::Plain, 0..0);
    Some(builder.root.unwrap_or_else(empty))
}

/// A list or mapping whose end has not come yet.
enum Open {
    List { start: usize, items: Vec<Node> },
    Mapping { start: usize, entries: Vec<(Node, Node)>, seen: HashMap<String, usize>, key: Option<Node> },
}

struct Builder<'s, 'o> {
    source: &'s Arc<Source>,
    out: &'o mut Diagnostics,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_, '_> {
    /// Takes one event; `false` when the rest is not worth reading.
    fn take(&mut self, event: Event<'_>, range: Range<usize>, tagged: bool) -> bool {
        if tagged {
            let message = "tags (`!name`) are not supported";
            self.refuse(range.clone(), message, "a text that begins with `!` needs quotes");
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "a second document begins here; a file holds only one";
                    let diagnostic = Diagnostic::error(code::DOCUMENTS, &Location::new(self.source, range), message);
                    self.out.push(diagnostic.hint("move what follows `---` into a file of its own"));
                    return false;
                }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let hint = "a text that begins with `*` needs quotes, such as \"*name\"";
                self.refuse(range.clone(), "aliases (`*name`) are not supported", hint);
                let written = self.source.text().get(range.clone()).unwrap_or_default().to_owned();
                let node = scalar_node(self.source, written, Style::SingleQuoted, range);
                self.add(node);
            }
            Event::Scalar(value, style, anchor, _) => {
                self.anchored(anchor, range.clone());
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::SingleQuoted,
                    ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                    ScalarStyle::Literal => Style::Literal,
                    ScalarStyle::Folded => Style::Folded,
                };
                // The parser says `~` for a value that is not there.
                let absent = style == Style::Plain && range.is_empty();
                let text = if absent { String::new() } else { value.into_owned() };
                let node = scalar_node(self.source, text, style, range);
                // `"\bcall\b"` is valid YAML and never what was meant: a regular expression that can match nothing.
                if let Some(found) = node.check_backspace() {
                    self.out.push(Diagnostic { severity: Severity::Warning, ..found });
                }
                self.add(node);
            }
            Event::SequenceStart(_, anchor, _) => {
                self.anchored(anchor, range.clone());
                return self.descend(Open::List { start: range.start, items: Vec::new() }, range);
            }
            Event::MappingStart(_, anchor, _) => {
                self.anchored(anchor, range.clone());
                let (entries, seen) = (Vec::new(), HashMap::new());
                return self.descend(Open::Mapping { start: range.start, entries, seen, key: None }, range);
            }
            Event::SequenceEnd | Event::MappingEnd => self.ascend(range.end),
            _ => {}
        }
        true
    }

    /// A bracket that is still open on an earlier line is what is wrong, whatever the parser stumbled over.
    fn unclosed(&self, error: &ScanError) -> Option<Diagnostic> {
        let start = match self.open.last()? {
            Open::List { start, .. } | Open::Mapping { start, .. } => *start,
        };
        let bracket = self.source.text().get(start..)?.chars().next().filter(|c| matches!(c, '[' | '{'))?;
        let (line, _) = self.source.position(start);
        if line >= error.marker().line() || matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return None;
        }
        let message = format!("the bracket `{bracket}` is not closed before line {}", error.marker().line());
        let diagnostic = Diagnostic::error(code::SYNTAX, &Location::new(self.source, start..start + 1), message);
        Some(diagnostic.hint("close it, or put the text in quotes"))
    }

    fn refuse(&mut self, range: Range<usize>, message: &str, hint: &str) {
        let diagnostic = Diagnostic::error(code::UNSUPPORTED, &Location::new(self.source, range), message);
        self.out.push(diagnostic.hint(hint));
    }

    fn anchored(&mut self, anchor: usize, range: Range<usize>) {
        if anchor != 0 {
            self.refuse(range, "anchors (`&name`) are not supported", "a text that begins with `&` needs quotes");
        }
    }

    fn descend(&mut self, open: Open, range: Range<usize>) -> bool {
        if self.open.len() >= MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            self.out.push(Diagnostic::error(code::TOO_DEEP, &Location::new(self.source, range), message));
            return false;
        }
        self.open.push(open);
        true
    }

    fn ascend(&mut self, end: usize) {
        let (value, start) = match self.open.pop() {
            Some(Open::List { start, items }) => (Value::List(items), start),
            Some(Open::Mapping { start, entries, .. }) => (Value::Mapping(entries), start),
            None => return,
        };
        // A block ends where the next token begins; what belongs to it ends with its last value.
        let text = self.source.text().get(start..end.max(start)).unwrap_or_default();
        let last = match &value {
            Value::List(items) => items.last().map(|node| node.span.end),
            Value::Mapping(entries) => entries.last().map(|(key, node)| node.span.end.max(key.span.end)),
            Value::Scalar(_) => None,
        };
        let end = match last {
            Some(last) if !text.starts_with(['{', '[']) => last,
            _ => end,
        };
        let span = self.source.span(start..end.max(start));
        self.add(Node::new(value, span, self.source));
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Mapping { key: key @ None, .. }) => *key = Some(node),
            Some(Open::Mapping { entries, seen, key, .. }) => {
                let Some(name) = key.take() else { return };
                let diagnostic = match name.scalar() {
                    None => Some(
                        Diagnostic::error(code::KEY_NOT_TEXT, &name, "a key must be a word, not a list or a mapping")
                            .hint("a value that begins with `{`, such as a template, needs quotes"),
                    ),
                    Some(scalar) if scalar.style == Style::Plain && scalar.text == "<<" => Some(
                        Diagnostic::error(code::UNSUPPORTED, &name, "merge keys (`<<`) are not supported")
                            .hint("write the keys out"),
                    ),
                    Some(scalar) => seen.get(&scalar.text).map(|first| {
                        let (line, column) = self.source.position(*first);
                        let message =
                            format!("the key `{}` stands twice; first on line {line}, column {column}", scalar.text);
                        Diagnostic::error(code::DUPLICATE_KEY, &name, message).hint("remove one of the two")
                    }),
                };
                match diagnostic {
                    Some(diagnostic) => self.out.push(diagnostic),
                    None => {
                        seen.insert(name.text().to_owned(), name.span.start);
                        entries.push((name, node));
                    }
                }
            }
        }
    }
}

fn scalar_node(source: &Arc<Source>, text: String, style: Style, range: Range<usize>) -> Node {
    // A block's span runs to the next token: its own text ends with its last line that is not blank.
    let raw = source.text().get(range.clone()).unwrap_or_default();
    let end = match style {
        Style::Literal | Style::Folded => range.start + raw.trim_end().len(),
        _ => range.end,
    };
    let kind = if style == Style::Plain { Kind::of_plain(&text) } else { Kind::Text };
    let span = source.span(range.start..end);
    Node::new(Value::Scalar(Scalar { text, style, kind, part_of: None }), span, source)
}

/// The parser tells where it gave up; this finds the tab or the escape that it gave up on.
fn exact_offset(text: &str, offset: usize, kind: &ErrorKind) -> usize {
    use ErrorKind as E;
    let found = match kind {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabInPlainScalar
        | E::TabAtBlockScalarStart => tab_at(text, offset),
        E::UnknownQuotedScalarEscape => {
            let mut chars = text.get(offset..).unwrap_or_default().char_indices();
            std::iter::from_fn(|| {
                let (at, _) = chars.find(|(_, c)| *c == '\\')?;
                Some((at, chars.next().map(|(_, c)| c)))
            })
            .find(|(_, escaped)| escaped.is_some_and(|c| !"0abtnvfre \"/\\N_LPxuU\t\r\n".contains(c)))
            .map(|(at, _)| offset + at)
        }
        _ => None,
    };
    found.unwrap_or(offset)
}

/// The tab that the parser means: it stands there, or indents a line. Of a text over several lines the parser tells where the text
/// begins, and of an indented line where its first word does.
fn tab_at(text: &str, offset: usize) -> Option<usize> {
    if text.get(offset..).is_some_and(|rest| rest.starts_with('\t')) {
        return Some(offset);
    }
    let mut start = text.get(..offset)?.rfind('\n').map_or(0, |end| end + 1);
    for line in text.get(start..)?.split_inclusive('\n') {
        let indented = line.len() - line.trim_start_matches([' ', '\t']).len();
        let is_blank = line.trim().is_empty();
        if let Some(tab) = line.get(..indented).and_then(|blanks| blanks.find('\t')).filter(|_| !is_blank) {
            return Some(start + tab);
        }
        start += line.len();
    }
    text.get(..offset)?.rfind('\t')
}

fn syntax_error(source: &Arc<Source>, error: &ScanError) -> Diagnostic {
    use ErrorKind as E;
    let marker = error.marker();
    let offset = marker.byte_offset().unwrap_or_else(|| source.offset(marker.line(), marker.col() + 1));
    let offset = exact_offset(source.text(), offset, error.kind());
    let text = source.text();
    let next = text.get(offset..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let at = Location::new(source, offset..offset + next);
    let (code, message, hint) = match error.kind() {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabInPlainScalar
        | E::TabAtBlockScalarStart => {
            (code::TAB, "there is a tab where spaces belong".to_owned(), "indent with spaces only")
        }
        E::RecursionLimitExceeded => {
            (code::TOO_DEEP, format!("nested more than {MAX_DEPTH} levels deep"), "split the file or simplify it")
        }
        E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => {
            (code::SYNTAX, "a quote that was opened is never closed".to_owned(), "close the quote on the same line")
        }
        E::UnclosedFlowCollection { open } => {
            (code::SYNTAX, format!("the bracket `{open}` is never closed"), "close it, or put the text in quotes")
        }
        E::MismatchedFlowCollectionEnd { open, close } => (
            code::SYNTAX,
            format!("the bracket `{open}` is closed by `{close}`"),
            "close every bracket with its own kind; a text with brackets needs quotes",
        ),
        E::UnexpectedEofFlowSequence
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofImplicitFlowMapping
        | E::ExpectedFlowMappingSeparator
        | E::ExpectedFlowSequenceSeparator
        | E::MisplacedFlowCollectionEnd => (
            code::SYNTAX,
            "brackets do not fit together here".to_owned(),
            "separate entries with commas and close every bracket; a text that begins with `{` or `[` needs quotes",
        ),
        E::MappingValueNotAllowed | E::InvalidColonPlacement | E::SimpleKeyExpected | E::InvalidSimpleKey => (
            code::SYNTAX,
            "a key or a `: ` stands where none can be".to_owned(),
            "check the indentation and the colon after each key; a text that holds `: ` needs quotes",
        ),
        E::ExpectedBlockMappingKey
        | E::ExpectedBlockSequenceEntry
        | E::InvalidIndentation
        | E::BlockSequenceEntryNotAllowed
        | E::MappingKeyNotAllowed
        | E::InvalidFlowScalarIndent
        | E::InvalidQuotedScalarIndent
        | E::InvalidBlockScalarIndent => (
            code::SYNTAX,
            "the indentation does not fit what stands above".to_owned(),
            "entries of one list or mapping begin in the same column",
        ),
        E::UnexpectedCharacter { character } => (
            code::SYNTAX,
            format!("a value cannot begin with `{}`", character.escape_default()),
            "put the text in quotes",
        ),
        E::UnknownQuotedScalarEscape => (
            code::SYNTAX,
            "a `\\` in double quotes is followed by a letter that means nothing to YAML".to_owned(),
            "write regular expressions in single quotes: '\\bword\\b'",
        ),
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => (
            code::SYNTAX,
            "there is text after the closing quote".to_owned(),
            "put the whole text in quotes; in single quotes an apostrophe is written twice",
        ),
        E::MissingAnchorOrAliasName => (
            code::UNSUPPORTED,
            "a value cannot begin with `*` or `&`".to_owned(),
            "put the text in quotes, such as \"*name\"",
        ),
        E::DirectiveDisallowed => (
            code::UNSUPPORTED,
            "directives (`%…`) are not supported".to_owned(),
            "a text that begins with `%` needs quotes",
        ),
        E::UndeclaredTagHandle | E::InvalidTagTerminator | E::MissingTagUri => (
            code::UNSUPPORTED,
            "tags (`!name`) are not supported".to_owned(),
            "a text that begins with `!` needs quotes",
        ),
        E::CommentNotSeparated => {
            (code::SYNTAX, "a comment needs a space before its `#`".to_owned(), "a text that holds ` #` needs quotes")
        }
        other => {
            (code::SYNTAX, format!("this is not valid YAML: {other}"), "a text with special characters needs quotes")
        }
    };
    let line_start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let after_variable =
        text.get(line_start..offset).is_some_and(|before| before.ends_with("${") || before.ends_with('$'));
    let hint = if after_variable { "between brackets a variable needs quotes: \"${NAME}\"" } else { hint };
    Diagnostic::error(code, &at, message).hint(hint)
}

//! The small grammar that phrases are written in.
//!
//! | written | found |
//! |---|---|
//! | `remove me` | these words, in this order |
//! | `me\|us` | one of them |
//! | `(my name\|us)` | one of these groups |
//! | `please?`, `(from your list)?` | with it or without |
//! | `unsubscrib*`, `*liste` | a word that begins or ends so |
//! | `…`, `…2` | at most four words between, or at most two |
//! | `#`, `@` | a number, a mail address |
//! | `,` | a comma may stand here |
//! | `^`, `.` | the sentence or the line begins here, ends here |
//! | `<write>` | a word of the list `write` in the file |

use std::collections::BTreeMap;

use super::super::normal::normalize;
use super::super::words::words;

/// A phrase, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) node: Node,
    /// Whether it counts only where a sentence or a line begins.
    pub(super) begins: bool,
    /// Whether it counts only where a sentence or a line ends.
    pub(super) ends: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Word(Pattern),
    /// Any word.
    Any,
    /// What follows may have a comma before it.
    Comma,
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Optional(Box<Node>),
}

/// What a single word must be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Pattern {
    Exactly(String),
    BeginsWith(String),
    EndsWith(String),
    Number,
    Address,
}

/// How many words `…` stands for at most, where no number says it.
const GAP: usize = 4;
const MAX_GAP: usize = 9;

/// The named lists of a file.
pub(super) type Lists = BTreeMap<String, Vec<String>>;

/// Reads a phrase.
///
/// # Errors
/// What is wrong with it, in words for the person who wrote the file.
pub(super) fn parse(text: &str, lists: &Lists) -> Result<Phrase, String> {
    let normal = normalize(text.trim());
    let mut rest = normal.as_str();
    let begins = rest.strip_prefix("^ ").map(|after| rest = after).is_some();
    let ends = rest.strip_suffix(" .").map(|before| rest = before).is_some();
    if rest.trim().starts_with('…') || rest.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with('…') {
        return Err(format!("`{}`: words between stand between two others", text.trim()));
    }
    let mut parser = Parser { rest, lists, depth: 0 };
    let node = parser.sequence(false)?;
    if !parser.rest.is_empty() {
        return Err(format!("`{}` has a `)` without its `(`", text.trim()));
    }
    if is_empty(&node) {
        return Err(format!("`{}` would be found everywhere: it needs a word that must be there", text.trim()));
    }
    Ok(Phrase { node, begins, ends })
}

// Whether nothing at all would be a case of it, or only gaps.
fn is_empty(node: &Node) -> bool {
    match node {
        Node::Word(_) => false,
        Node::Any | Node::Comma | Node::Optional(_) => true,
        Node::Sequence(nodes) => nodes.iter().all(is_empty),
        Node::Choice(nodes) => nodes.iter().any(is_empty),
    }
}

struct Parser<'t> {
    rest: &'t str,
    lists: &'t Lists,
    depth: usize,
}

impl Parser<'_> {
    fn sequence(&mut self, in_group: bool) -> Result<Node, String> {
        let mut nodes = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.chars().next() {
                None | Some(')') => break,
                Some('|') if in_group => break,
                Some(_) => nodes.push(self.choice(in_group)?),
            }
        }
        Ok(match <[Node; 1]>::try_from(nodes) {
            Ok([node]) => node,
            Err(nodes) => Node::Sequence(nodes),
        })
    }

    // `me|us`; within a group the bar separates whole sequences.
    fn choice(&mut self, in_group: bool) -> Result<Node, String> {
        let mut nodes = vec![self.element()?];
        while !in_group && let Some(rest) = self.rest.strip_prefix('|') {
            self.rest = rest;
            nodes.push(self.element()?);
        }
        Ok(if nodes.len() > 1 { Node::Choice(nodes) } else { nodes.pop().unwrap_or(Node::Comma) })
    }

    fn element(&mut self) -> Result<Node, String> {
        let node = match self.rest.chars().next() {
            Some('(') => self.group()?,
            Some('…') => self.gap()?,
            Some(',') => {
                self.rest = self.rest.get(1..).unwrap_or_default();
                Node::Comma
            }
            Some('<') => self.list()?,
            _ => self.word()?,
        };
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            return Ok(Node::Optional(Box::new(node)));
        }
        Ok(node)
    }

    fn group(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > 8 {
            return Err("more than eight brackets within each other".to_owned());
        }
        let mut nodes = Vec::new();
        loop {
            self.rest = self.rest.get(1..).unwrap_or_default();
            nodes.push(self.sequence(true)?);
            match self.rest.chars().next() {
                Some('|') => {}
                Some(')') => break,
                _ => return Err("a `(` without its `)`".to_owned()),
            }
        }
        self.rest = self.rest.get(1..).unwrap_or_default();
        self.depth -= 1;
        Ok(if nodes.len() > 1 { Node::Choice(nodes) } else { nodes.pop().unwrap_or(Node::Comma) })
    }

    fn gap(&mut self) -> Result<Node, String> {
        self.rest = self.rest.strip_prefix('…').unwrap_or(self.rest);
        let most = match self.rest.chars().next().and_then(|c| c.to_digit(10)) {
            Some(digit) => {
                self.rest = self.rest.get(1..).unwrap_or_default();
                digit as usize
            }
            None => GAP,
        };
        if !(1..=MAX_GAP).contains(&most) {
            return Err("`…` takes a number from 1 to 9".to_owned());
        }
        // At most three words: none, or one and at most two.
        let mut node = Node::Optional(Box::new(Node::Any));
        for _ in 1..most {
            node = Node::Optional(Box::new(Node::Sequence(vec![Node::Any, node])));
        }
        Ok(node)
    }

    fn list(&mut self) -> Result<Node, String> {
        let (name, rest) =
            self.rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).ok_or("a `<` without its `>`")?;
        self.rest = rest;
        let entries = self.lists.get(name).ok_or_else(|| format!("there is no list `{name}` in `words`"))?;
        let mut nodes = Vec::new();
        for entry in entries {
            let normal = normalize(entry.trim());
            let mut parser = Parser { rest: normal.as_str(), lists: self.lists, depth: self.depth + 1 };
            if parser.depth > 8 {
                return Err(format!("the list `{name}` contains itself"));
            }
            nodes.push(parser.sequence(false)?);
        }
        if nodes.is_empty() { Err(format!("the list `{name}` is empty")) } else { Ok(Node::Choice(nodes)) }
    }

    fn word(&mut self) -> Result<Node, String> {
        let end = self
            .rest
            .find(|c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')' | '?' | ',' | '…' | '<'))
            .unwrap_or(self.rest.len());
        let (written, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        if written == "#" {
            return Ok(Node::Word(Pattern::Number));
        }
        if written == "@" {
            return Ok(Node::Word(Pattern::Address));
        }
        let (bare, ends_with) = written.strip_prefix('*').map_or((written, false), |bare| (bare, true));
        let (bare, begins_with) = bare.strip_suffix('*').map_or((bare, false), |bare| (bare, true));
        let parts: Vec<String> = words(bare).iter().filter_map(|word| bare.get(word.range()).map(spell)).collect();
        let last = parts.len().saturating_sub(1);
        if parts.is_empty() || bare.contains('*') || ends_with && (begins_with || last > 0) {
            return Err(format!("`{written}` is no word"));
        }
        let mut nodes = parts.into_iter().enumerate().map(|(index, part)| {
            Node::Word(match (ends_with, begins_with && index == last) {
                (true, _) => Pattern::EndsWith(part),
                (_, true) => Pattern::BeginsWith(part),
                _ => Pattern::Exactly(part),
            })
        });
        Ok(if last == 0 { nodes.next().unwrap_or(Node::Comma) } else { Node::Sequence(nodes.collect()) })
    }
}

/// A word as phrases compare it: lower case, the final sigma like any other, no dot over a Turkish i, no hyphen.
pub(in crate::text) fn spell(word: &str) -> String {
    let lower = word.chars().flat_map(char::to_lowercase);
    lower.filter(|c| !matches!(c, '\u{307}' | '-')).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        let all = |nodes: &[Node], between: &str| nodes.iter().map(shown).collect::<Vec<_>>().join(between);
        match node {
            Node::Word(Pattern::Exactly(word)) => word.clone(),
            Node::Word(Pattern::BeginsWith(word)) => format!("{word}*"),
            Node::Word(Pattern::EndsWith(word)) => format!("*{word}"),
            Node::Word(Pattern::Number) => "#".to_owned(),
            Node::Word(Pattern::Address) => "@".to_owned(),
            Node::Any => "_".to_owned(),
            Node::Comma => ",".to_owned(),
            Node::Sequence(nodes) => format!("[{}]", all(nodes, " ")),
            Node::Choice(nodes) => format!("({})", all(nodes, "|")),
            Node::Optional(node) => format!("{}?", shown(node)),
        }
    }

    #[test]
    fn phrases_are_read() {
        let lists = Lists::from([("write".to_owned(), vec!["mail*".to_owned(), "get in touch".to_owned()])]);
        for (text, wanted) in [
            ("remove me|us", "[remove (me|us)]"),
            ("Don’t e-mail*", "[[don t] email*]"),
            ("(my name|us) please?", "[(my name|us) please?]".replace("my name", "[my name]").as_str()),
            ("take …2 off", "[take [_ _?]? off]"),
            ("# days", "[# days]"),
            ("not <write>", "[not (mail*|[get in touch])]"),
            ("(no, thanks)?  stop", "[[no , thanks]? stop]"),
            ("*liste", "*liste"),
            ("自动回复", "[自 动 回 复]"),
        ] {
            assert_eq!(parse(text, &lists).map(|phrase| shown(&phrase.node)), Ok(wanted.to_owned()), "{text}");
        }
        let anchored = parse("^ stop .", &lists).unwrap();
        assert!(anchored.begins && anchored.ends);
        for (text, wrong) in [
            ("", "everywhere"),
            ("… a", "between"),
            ("(…)?", "everywhere"),
            ("a?", "everywhere"),
            ("(a", "without its `)`"),
            ("a)", "without its `(`"),
            ("a <b>", "no list `b`"),
            ("a …0 b", "1 to 9"),
            ("* a", "no word"),
        ] {
            let error = parse(text, &lists).unwrap_err();
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }
}

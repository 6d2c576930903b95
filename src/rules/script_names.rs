//! Which names a script mentions, found without running it: what it needs to be read, and fields that do not exist.

use super::{
    script::{NAMES, ScriptError, nearest},
    values,
};

/// One mention of a name that scripts see, such as `thread.tags`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) root: String,
    pub(super) field: Option<String>,
    line: usize,
    column: usize,
    /// It stands in code and is no method call, so that it can be judged.
    certain: bool,
}

impl Mention {
    /// Whether the field does not exist.
    pub(super) fn is_unknown(&self) -> bool {
        let (Some(field), Some(known)) = (&self.field, values::fields_of(&self.root)) else { return false };
        self.certain && !known.iter().any(|(name, _)| name == field)
    }

    /// The error for an unknown field.
    pub(super) fn error(&self) -> ScriptError {
        let field = self.field.as_deref().unwrap_or_default();
        let known: Vec<&str> =
            values::fields_of(&self.root).unwrap_or_default().iter().map(|(name, _)| *name).collect();
        let hint = match nearest(field, &known) {
            Some(near) => format!("did you mean `{}.{near}`?", self.root),
            None => format!("`{}` has {}", self.root, known.join(", ")),
        };
        ScriptError {
            message: format!("`{}.{field}` does not exist", self.root),
            line: Some(self.line),
            column: Some(self.column),
            hint: Some(hint),
        }
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Sign(char),
}

struct Placed {
    token: Token,
    line: usize,
    column: usize,
    in_template_string: bool,
}

/// Every mention, in order.
pub(super) fn mentioned(source: &str) -> Vec<Mention> {
    let tokens = tokens(source);
    let at = |index: usize| tokens.get(index).map(|placed| &placed.token);
    let mut found = Vec::new();
    for (index, placed) in tokens.iter().enumerate() {
        let Token::Name(root) = &placed.token else { continue };
        let after_dot = index > 0 && at(index - 1) == Some(&Token::Sign('.'));
        if !NAMES.contains(&root.as_str()) || after_dot {
            continue;
        }
        let (field, certain) = match (at(index + 1), at(index + 2), at(index + 3)) {
            (Some(Token::Sign('.')), Some(Token::Name(_)), Some(Token::Sign('('))) => (None, false),
            (Some(Token::Sign('.')), Some(Token::Name(field)), _) => (Some(field.clone()), true),
            (Some(Token::Sign('[')), Some(Token::Text(field)), Some(Token::Sign(']'))) => (Some(field.clone()), true),
            _ => (None, false),
        };
        let certain = certain && !placed.in_template_string;
        found.push(Mention { root: root.clone(), field, line: placed.line, column: placed.column, certain });
    }
    found
}

/// A rough lexer: names, texts and signs. Comments are left out; back-quoted texts are read as code, because they may
/// hold some.
fn tokens(source: &str) -> Vec<Placed> {
    let mut tokens = Vec::new();
    let mut chars = source.chars().peekable();
    let (mut line, mut column) = (1, 0);
    let mut in_template_string = false;
    let mut next = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let c = chars.next()?;
        if c == '\n' {
            line += 1;
            column = 0;
        } else {
            column += 1;
        }
        Some((c, line, column))
    };
    while let Some((c, line, column)) = next(&mut chars) {
        let token = match c {
            '`' => {
                in_template_string = !in_template_string;
                continue;
            }
            '/' if !in_template_string && chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    next(&mut chars);
                }
                continue;
            }
            '/' if !in_template_string && chars.peek() == Some(&'*') => {
                let mut last = ' ';
                next(&mut chars);
                while let Some((c, ..)) = next(&mut chars) {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
                continue;
            }
            '"' | '\'' if !in_template_string => {
                let mut text = String::new();
                while let Some((inner, ..)) = next(&mut chars) {
                    if inner == c {
                        break;
                    }
                    if inner == '\\' {
                        next(&mut chars);
                    } else {
                        text.push(inner);
                    }
                }
                Token::Text(text)
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut name = String::from(c);
                while let Some(c) = chars.peek().copied().filter(|c| c.is_alphanumeric() || *c == '_') {
                    name.push(c);
                    next(&mut chars);
                }
                Token::Name(name)
            }
            // `?.` and `?[` are `.` and `[` that allow for an absent value.
            c if c.is_whitespace() || c == '?' => continue,
            c => Token::Sign(c),
        };
        tokens.push(Placed { token, line, column, in_template_string });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_code_only() {
        let check = |source: &str, expected: &[(&str, Option<&str>)]| {
            let found = mentioned(source);
            let found: Vec<_> = found.iter().map(|m| (m.root.as_str(), m.field.as_deref())).collect();
            assert_eq!(found, expected, "{source}");
        };
        check("thread.tags.contains(\"a\")", &[("thread", Some("tags"))]);
        check("thread[\"tags\"] // message.text", &[("thread", Some("tags"))]);
        check("/* message */ lead?.email == \"thread.tags\"", &[("lead", Some("email"))]);
        check("`${message.text}` == \"\"", &[("message", Some("text"))]);
        check("let x = #{a: 1}; x.thread", &[]);
        check("thread.keys()", &[("thread", None)]);
    }

    #[test]
    fn unknown_fields_have_a_place() {
        let found = mentioned("let a = 1;\n  thread.reply_cout < 6");
        let error = found.first().map(Mention::error).expect("found");
        assert_eq!((error.line, error.column), (Some(2), Some(3)));
        assert!(error.hint.is_some_and(|hint| hint.contains("reply_count")));
    }
}

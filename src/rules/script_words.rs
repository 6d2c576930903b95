//! Words of other languages in a script that does not compile, and what rhai calls them.

/// The word, and what to write.
const WORDS: [(&str, &str); 10] = [
    ("and", "write `&&`"),
    ("or", "write `||`"),
    ("not", "write `!` before what must not hold"),
    ("elif", "write `else if`"),
    ("elsif", "write `else if`"),
    ("None", "absent is `()`: ask `lead.name == ()`"),
    ("null", "absent is `()`: ask `lead.name == ()`"),
    ("nil", "absent is `()`: ask `lead.name == ()`"),
    ("True", "write `true`"),
    ("False", "write `false`"),
];

/// What was probably meant on a line (from 1) where the script stops making sense.
pub(super) fn hint(source: &str, line: Option<usize>) -> Option<String> {
    let line = source.lines().nth(line.unwrap_or(1).saturating_sub(1))?;
    let code = without_texts(line);
    if code.contains('\'') {
        return Some("texts stand in double quotes: `\"text\"`".to_owned());
    }
    let mut words = code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let found = words.find_map(|word| WORDS.iter().find(|(known, _)| *known == word));
    if let Some((word, hint)) = found {
        return Some(format!("`{word}` is no word of the language: {hint}"));
    }
    let asks = ["if ", "while ", "return ", "&&", "||"].iter().any(|word| code.contains(word));
    // What is seen cannot be assigned to, so a comparison was meant.
    let seen = ["thread.", "lead.", "message.", "captures."].iter().any(|root| code.trim_start().starts_with(root));
    ((asks || seen) && has_single_equals(&code)).then(|| "compare with `==`".to_owned())
}

/// A line without what stands in double or back quotes, and without its comment.
fn without_texts(line: &str) -> String {
    let mut code = String::new();
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            Some(_) if c == '\\' => drop(chars.next()),
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '`' => quote = Some(c),
            None if c == '/' && chars.peek() == Some(&'/') => break,
            None => code.push(c),
        }
    }
    code
}

fn has_single_equals(code: &str) -> bool {
    let is_operator = |c: Option<char>| c.is_some_and(|c| "=!<>+-*/%&|^".contains(c));
    code.match_indices('=').any(|(at, _)| {
        let before = code.get(..at).and_then(|before| before.chars().next_back());
        let after = code.get(at + 1..).and_then(|after| after.chars().next());
        !is_operator(before) && !matches!(after, Some('=' | '>'))
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::script::ScriptEngine;

    #[test]
    fn words_of_other_languages_are_known() {
        for (source, wanted) in [
            ("thread.is_read and true", "write `&&`"),
            ("true or false", "write `||`"),
            ("not thread.is_read", "write `!`"),
            ("if true { true } elif false { true }", "write `else if`"),
            ("lead.name == None", "absent is `()`"),
            ("lead.name == null", "absent is `()`"),
            ("lead.email == 'jane@acme.example'", "double quotes"),
            ("if thread.reply_count = 2 { true } else { false }", "compare with `==`"),
            ("thread.category = \"interested\"", "compare with `==`"),
            ("lead.name.length > 3", "`.len()`"),
            ("thread.tags.size == 3", "`.len()`"),
            ("lead.email.domain == \"x\"", "has no `domain`"),
        ] {
            let found = ScriptEngine::new().compile(source).expect_err(source);
            let told: Vec<_> =
                found.iter().map(|one| format!("{}: {}", one.message, one.hint.clone().unwrap_or_default())).collect();
            assert!(told.iter().any(|told| told.contains(wanted)), "{source}: {told:?}");
        }
        for source in ["lead.name.len > 3", "\"and 'or'\" == \"\"", "let x = lead.name; x == ()", "true // not 'and'"] {
            let found = ScriptEngine::new().compile(source);
            assert!(found.is_ok(), "{source}: {found:?}");
        }
    }
}

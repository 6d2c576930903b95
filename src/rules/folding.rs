//! Texts where case and the kind of white space do not count, for the search for what expressions require.

use std::borrow::Cow;

/// What a character is where case and the kind of white space do not count. Characters that expressions take for equal are
/// equal here; a few more are.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return if c.is_ascii_whitespace() || c == '\u{b}' { ' ' } else { c.to_ascii_lowercase() };
    }
    if c.is_whitespace() {
        return ' ';
    }
    match c {
        // Equal without a common upper case of one character.
        '\u{1fd3}' => return '\u{390}',
        '\u{1fe3}' => return '\u{3b0}',
        '\u{fb05}' => return '\u{fb06}',
        _ => {}
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut all: impl Iterator<Item = char>) -> Option<char> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

/// A text whose characters beyond ASCII are folded; [`fold_byte`] folds the others.
pub(super) fn fold_beyond_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii()) {
        let (plain, other) = rest.split_at(at);
        folded.push_str(plain);
        let mut chars = other.chars();
        folded.extend(chars.next().map(fold));
        rest = chars.as_str();
    }
    folded.push_str(rest);
    Cow::Owned(folded)
}

/// A byte of a text whose characters beyond ASCII are folded.
pub(super) fn fold_byte(byte: u8) -> u8 {
    FOLDED.get(usize::from(byte)).copied().unwrap_or(byte)
}

static FOLDED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r' => b' ',
            other => other.to_ascii_lowercase(),
        };
        byte += 1;
    }
    table
};

/// Whether an ASCII character is one of a word.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

    /// What expressions take for the same character is the same here.
    #[test]
    fn characters_that_are_equal_fold_to_one() {
        for c in (0..=0x1_ffff).filter_map(char::from_u32) {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
            class.try_case_fold_simple().unwrap();
            for range in class.iter() {
                for other in range.start()..=range.end() {
                    assert_eq!(fold(c), fold(other), "{c:?} and {other:?}");
                }
            }
            assert!(!c.is_whitespace() || fold(c) == ' ', "{c:?}");
        }
    }
}

//! Text from outside, made safe for a terminal.

/// What turns the direction of text around: a line may read as another one then.
pub fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Several lines as they may be shown: nothing in them moves the cursor, hides, colours or turns around what stands there.
pub fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => Some(c),
        '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if turns_direction(c) => None,
        c if c.is_control() => Some('\u{fffd}'),
        c => Some(c),
    };
    text.replace("\r\n", "\n").chars().filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_steers_the_terminal() {
        for (text, expected) in [
            ("plain ✓ \u{200d} é\n\tx", "plain ✓ \u{200d} é\n\tx"),
            ("a\u{9b}31mb", "a\u{fffd}31mb"),
            ("a\u{1b}[2Jb\u{7}", "a\u{fffd}[2Jb\u{fffd}"),
            ("a\u{202e}b\u{2066}c\r\nd\re", "abc\nd e"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }
}

//! Text that other people wrote, made fit for one line, a bounded length, or a sentence of ours.

/// One line: control characters and line breaks become spaces, runs of white space become one, at most `most` characters.
///
/// Also drops the characters that turn the direction of text around, which can make a line read as something else.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let spaced: String =
        text.chars().filter(|c| !turns_direction(*c)).map(|c| if is_break(c) { ' ' } else { c }).collect();
    shorten(&spaced.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

/// At most `most` characters, the last of them `…` where something was cut.
pub(super) fn shorten(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// Several lines: line breaks become `\n`, other control characters but tabs are dropped.
pub(super) fn multi_line(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect()
}

/// `detail` of the other side fit for a sentence: one line, bounded, and nothing at all if it repeats a secret.
pub(super) fn redacted_detail(detail: &str, secrets: &[&str]) -> Option<String> {
    let leaks = secrets.iter().any(|secret| secret.len() >= 4 && detail.contains(secret));
    let line = one_line(detail, 200);
    (!leaks && !line.is_empty()).then_some(line)
}

fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_made_fit() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a\r\nBcc: x@y\0z", "a Bcc: x@y z"),
            ("  a \u{2028} b\u{202e}c ", "a bc"),
            ("\r\n", ""),
        ] {
            assert_eq!(one_line(text, 50), expected);
        }
        assert_eq!(one_line("äöüäöü", 4), "äöü…");
        assert_eq!(one_line("äöüä", 4), "äöüä");
        assert_eq!(multi_line("a\r\nb\rc\0\td"), "a\nb\nc\td");
    }

    #[test]
    fn a_detail_that_repeats_a_secret_is_not_told() {
        assert_eq!(redacted_detail("no such user", &["hunter22"]).as_deref(), Some("no such user"));
        assert_eq!(redacted_detail("bad password hunter22", &["hunter22"]), None);
        assert_eq!(redacted_detail(" ", &[]), None);
    }
}

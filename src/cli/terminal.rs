//! The one way to the terminal. What a lead wrote may hold characters that move the cursor, hide lines or turn them
//! around; nothing of that kind is printed, whatever the line is about. Our own colours are.

use crate::text::printable;
use serde::Serialize;
use std::io::{self, Write};

/// Prints a line on standard output.
macro_rules! out {
    ($($part:tt)*) => {
        anstream::println!("{}", $crate::cli::terminal::shown(&std::format!($($part)*)))
    };
}

/// Prints on standard output, without ending the line.
macro_rules! part {
    ($($part:tt)*) => {
        anstream::print!("{}", $crate::cli::terminal::shown(&std::format!($($part)*)))
    };
}

/// Prints a line on standard error.
macro_rules! err {
    ($($part:tt)*) => {
        anstream::eprintln!("{}", $crate::cli::terminal::shown(&std::format!($($part)*)))
    };
}

pub(super) use {err, out, part};

/// Writes a line on standard error in place of the last one that this wrote; an empty one takes it away. For a terminal only.
pub(super) fn change_line(text: &str) {
    anstream::eprint!("\r\u{1b}[2K{}", shown(text));
}

/// Writes a whole file of our own to standard output, byte by byte as it is. A reader that closes the pipe has read enough.
pub(super) fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// A text as it is printed: colours and weights stay, everything else that steers a terminal does not.
pub(super) fn shown(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut shown = printable(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once('m').filter(|(code, _)| is_style(code)) {
            Some((code, rest)) => {
                shown.push('\u{1b}');
                shown.push_str(code);
                shown.push('m');
                shown.push_str(&printable(rest));
            }
            None => {
                shown.push('\u{fffd}');
                shown.push_str(&printable(part));
            }
        }
    }
    shown
}

/// `[0`, bold, dim, underlined, or a colour of the text; nothing that hides or turns around.
fn is_style(code: &str) -> bool {
    let Some(numbers) = code.strip_prefix('[') else { return false };
    let known = |number: &str| matches!(number.parse::<u8>(), Ok(0..=4 | 22 | 24 | 30..=37 | 39 | 90..=97));
    numbers.is_empty() || numbers.split(';').all(known)
}

/// A value as JSON, the same data; what steers a terminal is written as `\u` and four digits.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    Ok(escaped(&serde_json::to_string_pretty(value)?))
}

/// JSON with what steers a terminal written so.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let steers = (c.is_control() && c != '\n') || crate::text::turns_direction(c);
        if steers || matches!(c, '\u{2028}' | '\u{2029}') {
            shown.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Standard error for the log, which may contain text from outside.
#[derive(Debug)]
pub(super) struct Log(io::Stderr);

impl Log {
    pub(super) fn new() -> Self {
        Self(io::stderr())
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(shown(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::{json, shown};

    #[test]
    fn only_styles_pass() {
        assert_eq!(shown("\u{1b}[1m\u{1b}[31mred\u{1b}[0m"), "\u{1b}[1m\u{1b}[31mred\u{1b}[0m");
        for text in ["\u{1b}[8mhidden", "\u{1b}[2J", "\u{1b}]0;title\u{7}", "\u{9b}8m", "a\u{202e}b", "\u{1b}[7m"] {
            let shown = shown(text);
            assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{7}', '\u{202e}']), "{shown:?}");
        }
    }

    #[test]
    fn json_says_the_same() {
        let text = "a\u{9b}b\u{202e}c\u{1b}d é";
        let written = json(&text).unwrap();
        assert!(!written.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{written:?}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}

//! A text in its normal form as words, each with what stands before it.

use std::ops::Range;

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordKind {
    /// Letters, or one character of a script that puts no spaces between words.
    Letters,
    /// Begins with a digit: `12`, `2nd`, `10h30`.
    Number,
    /// The number of a code, `500` of `AB-500`: in the phrases of rules, which begin with none.
    CodeNumber,
    /// A mail address.
    Address,
    /// A link.
    Link,
}

/// What stands between a word and the one before it; the later ones separate more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Nothing, a hyphen or an apostrophe.
    Joined,
    /// Spaces, quotes, signs such as `$`, or the line break within a sentence that a mail program put after a long line.
    Space,
    /// A line break after a line that no program would have broken.
    Line,
    /// A comma, colon, bracket or slash.
    Comma,
    /// The end of a sentence.
    Sentence,
    /// A blank line, or the beginning of the text.
    Paragraph,
}

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    /// Where it stands, in bytes of the text.
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: WordKind,
    /// What stands before it.
    pub(super) gap: Gap,
    /// Whether a sentence or a line begins with it. A line that a program may have broken within a sentence begins none.
    pub(super) begins: bool,
}

impl Word {
    /// Where it stands in the text.
    pub(super) fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A line of at least this many bytes may have been broken by a program: the sentence goes on below it.
const WRAPPED_LEN: usize = 50;

/// The words of a text in its normal form.
///
/// An apostrophe or a hyphen separates words (`don't` is `don` and `t`, `opt-out` is `opt` and `out`), except after a single
/// letter (`e-mail` is one word). Characters of Chinese and Japanese are words.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut reader = Reader {
        text,
        words: Vec::with_capacity(text.len() / 5 + 1),
        gap: Gap::Paragraph,
        begins: true,
        line_start: 0,
        next_sign: text.find('@'),
    };
    reader.run();
    reader.words
}

struct Reader<'t> {
    text: &'t str,
    words: Vec<Word>,
    /// The strongest separation since the last word.
    gap: Gap,
    /// Whether a sentence or a line has begun since the last word.
    begins: bool,
    line_start: usize,
    /// Where the next `@` is: only the word before it is looked at as an address.
    next_sign: Option<usize>,
}

impl Reader<'_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte.is_ascii_alphanumeric() || byte >= 0x80 {
                at = self.word(at);
                continue;
            }
            if byte == b'\n' {
                self.end_line(at);
            } else {
                self.separate(at, byte);
            }
            at += 1;
        }
    }

    fn end_line(&mut self, at: usize) {
        let length = at - self.line_start;
        let line = self.text.get(self.line_start..at).unwrap_or_default();
        let gap = if line.trim().is_empty() && self.line_start > 0 {
            Gap::Paragraph
        } else if length >= WRAPPED_LEN {
            Gap::Space
        } else {
            Gap::Line
        };
        self.gap = self.gap.max(gap);
        // Behind a colon the next line is one of its own, however long the line above is.
        self.begins |= gap >= Gap::Line || line.trim_end().ends_with(':');
        self.line_start = at + 1;
    }

    fn separate(&mut self, at: usize, byte: u8) {
        let next = self.text.as_bytes().get(at + 1).copied();
        let gap = match byte {
            b'-' | b'\'' => {
                let is_inside = next.is_some_and(|next| next.is_ascii_alphanumeric() || next >= 0x80);
                let follows = self.words.last().is_some_and(|word| word.end as usize == at);
                if is_inside && follows { Gap::Joined } else { Gap::Space }
            }
            b' ' | b'"' | b'*' | b'_' | b'~' | b'>' | b'#' | b'$' | b'%' | b'&' | b'+' | b'=' => Gap::Space,
            b'.' => match (next, self.words.last()) {
                // "12.01.2026", "p.m.", "www.acme.example".
                (Some(next), _) if next.is_ascii_alphanumeric() || next >= 0x80 => Gap::Joined,
                // "am 5. Januar"
                (Some(b' ' | b'-'), Some(word))
                    if word.kind == WordKind::Number && word.end as usize == at && word.end - word.start <= 2 =>
                {
                    Gap::Space
                }
                // "Art. 17", "kl. 10"
                (Some(b' '), Some(word))
                    if word.kind == WordKind::Letters
                        && word.end as usize == at
                        && word.end - word.start <= 4
                        && self.text.as_bytes().get(at + 2).is_some_and(u8::is_ascii_digit) =>
                {
                    Gap::Space
                }
                _ => Gap::Sentence,
            },
            b'!' | b'?' | b';' => Gap::Sentence,
            _ => Gap::Comma,
        };
        self.separated(gap);
    }

    fn separated(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
        self.begins |= gap >= Gap::Sentence;
    }

    /// Reads what begins at `at`, a letter, a digit or a character beyond ASCII; tells where it ends.
    fn word(&mut self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        if let Some(length) = self.link_or_address(at, rest) {
            return at + length;
        }
        let mut chars = rest.char_indices();
        let Some((_, first)) = chars.next() else { return at + 1 };
        if !first.is_alphanumeric() {
            let gap = match first {
                '。' | '…' | '؟' | '\u{37e}' | '।' => Gap::Sentence,
                '、' | '，' | '：' | '「' | '」' | '・' | '·' | '•' => Gap::Comma,
                c if is_mark(c) => Gap::Joined,
                _ => Gap::Space,
            };
            self.separated(gap);
            return at + first.len_utf8();
        }
        if is_spaceless(first) {
            self.push(at, first.len_utf8(), WordKind::Letters);
            return at + first.len_utf8();
        }
        let kind = if first.is_numeric() { WordKind::Number } else { WordKind::Letters };
        let mut length = first.len_utf8();
        for (index, c) in chars {
            // "e-mail" is one word, "opt-out" are two.
            let joins = c == '-' && index == 1 && kind == WordKind::Letters;
            let joins = joins && rest.get(2..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
            if !(joins || is_mark(c) || c.is_alphanumeric() && !is_spaceless(c)) {
                break;
            }
            length = index + c.len_utf8();
        }
        self.push(at, length, kind);
        at + length
    }

    // `https://…`, `www.…`, `jane@acme.example`: their full stops end no sentence.
    fn link_or_address(&mut self, at: usize, rest: &str) -> Option<usize> {
        // Only where a word begins, and once for each of its stretches without a space.
        if self.words.last().is_some_and(|word| word.end as usize == at) {
            return None;
        }
        let bytes = rest.as_bytes();
        let is_link = bytes.starts_with(b"http://") || bytes.starts_with(b"https://") || bytes.starts_with(b"www.");
        if self.next_sign.is_some_and(|sign| sign < at) {
            self.next_sign = rest.find('@').map(|sign| at + sign);
        }
        let is_near = self.next_sign.is_some_and(|sign| sign - at < MAX_LOCAL_LEN);
        if !is_link && !is_near {
            return None;
        }
        let length = bytes
            .iter()
            .take(MAX_LINK_LEN)
            .position(|b| !(b.is_ascii_alphanumeric() || *b >= 0x80 || b".-_+@:/?=&%#~!$*;,".contains(b)))
            .unwrap_or(bytes.len().min(MAX_LINK_LEN));
        let chunk = bytes.get(..length)?;
        if is_link {
            let length = rest.floor_char_boundary(trimmed(chunk));
            self.push(at, length, WordKind::Link);
            return Some(length);
        }
        let sign = chunk.iter().position(|b| *b == b'@')?;
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || b".-_+".contains(b);
        if sign == 0 || !chunk.get(..sign)?.iter().all(is_part) {
            return None;
        }
        let host = chunk.get(sign + 1..)?;
        let host_len = host.iter().position(|b| !is_part(b)).unwrap_or(host.len());
        let host_len = trimmed(host.get(..host_len)?);
        if !host.get(..host_len)?.contains(&b'.') {
            return None;
        }
        let length = rest.floor_char_boundary(sign + 1 + host_len);
        self.push(at, length, WordKind::Address);
        Some(length)
    }

    fn push(&mut self, start: usize, length: usize, kind: WordKind) {
        let end = start + length;
        // A text is at most a few hundred kilobytes.
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else { return };
        self.words.push(Word { start, end, kind, gap: self.gap, begins: self.begins });
        (self.gap, self.begins) = (Gap::Joined, false);
    }
}

/// The part of an address before its `@` is shorter (RFC 5321: at most 64 bytes).
const MAX_LOCAL_LEN: usize = 80;
/// Links and addresses are read this far.
const MAX_LINK_LEN: usize = 512;

// Without the punctuation that ends the sentence around it.
fn trimmed(chunk: &[u8]) -> usize {
    chunk.iter().rposition(|b| !b".,;:!?*".contains(b)).map_or(chunk.len(), |last| last + 1)
}

/// Whether the script of the character puts no spaces between words.
fn is_spaceless(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{3134f}' | '々')
}

// Marks that no character is composed with stay within the word.
fn is_mark(c: char) -> bool {
    c >= '\u{300}' && !c.is_alphanumeric() && unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let words = words(text).into_iter().map(|word| {
            let gap = match word.gap {
                Gap::Joined => "+",
                Gap::Space => " ",
                Gap::Line => "/",
                Gap::Comma => ",",
                Gap::Sentence => ".",
                Gap::Paragraph => "¶",
            };
            let kind = match word.kind {
                WordKind::Letters => "",
                WordKind::Number | WordKind::CodeNumber => "#",
                WordKind::Address => "@",
                WordKind::Link => "&",
            };
            format!("{gap}{kind}{}", &text[word.range()])
        });
        words.collect()
    }

    #[test]
    fn a_text_falls_into_words() {
        for (text, wanted) in [
            ("Please, remove me!", "¶Please,remove me"),
            ("I don't opt-out by e-mail.", "¶I don+t opt+out by e-mail"),
            ("Remove jane.doe@acme.example. Now", "¶Remove @jane.doe@acme.example.Now"),
            (
                "See https://acme.example/a?b=c, or www.acme.example.",
                "¶See &https://acme.example/a?b=c,or &www.acme.example",
            ),
            ("am 5. Januar 2026. Dann", "¶am #5 Januar #2026.Dann"),
            ("12.-16.01.2026 at 10h30", "¶#12 #16+#01+#2026 at #10h30"),
            ("No\nStop", "¶No/Stop"),
            ("No\n\nStop", "¶No¶Stop"),
            (
                "a line that a mail program broke behind this many words\ngoes on",
                "¶a line that a mail program broke behind this many words goes on",
            ),
            ("自动回复", "¶自+动+回+复"),
            ("2026年1月5日", "¶#2026+年+#1+月+#5+日"),
            ("부재중입니다 네", "¶부재중입니다 네"),
            ("<jane@acme.example>", "¶@jane@acme.example"),
            ("a@b c@d.e.", "¶a,b @c@d.e"),
            ("l'absence d’un", "¶l+absence d un"),
            ("", ""),
            ("👍 yes", "¶yes"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}

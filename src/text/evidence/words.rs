//! A mail as words that outlive mail programs: without case, accents, punctuation, links and line breaks.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// What a Latin word counts; a character of a script without spaces counts half of it.
pub(super) const WORD_WEIGHT: u32 = 2;

/// How letters beyond ASCII are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folding {
    /// By their base letters: `é` is `e`.
    Base,
    /// As gaps, for a mail in which a server put other characters or `?` in their places.
    Ascii,
}

/// A word of a mail, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) hash: u64,
    /// The line, and the bytes in it.
    pub(super) line: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    /// In half words, see [`WORD_WEIGHT`].
    pub(super) weight: u32,
}

/// A text's words and the links between them.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) words: Vec<Word>,
    /// Each link's place: how many words stand before it.
    pub(super) links: Vec<usize>,
}

impl Words {
    /// The words of these lines, at most `max`.
    pub(super) fn from_lines<'l>(lines: impl IntoIterator<Item = &'l str>, folding: Folding, max: usize) -> Self {
        let mut words = Self::default();
        let mut link_open = false;
        for (number, line) in lines.into_iter().enumerate() {
            if words.words.len() >= max {
                break;
            }
            link_open = words.read_line(line, number, folding, link_open);
        }
        words.words.truncate(max);
        words
    }

    // Returns whether a link `<https://…` goes on in the next line.
    fn read_line(&mut self, line: &str, number: usize, folding: Folding, link_open: bool) -> bool {
        let mut at = 0;
        if link_open {
            match rest_of_link(line) {
                Some(end) => at = end,
                // A link that never ends is none: what follows are words.
                None if line.trim().is_empty() || line.trim().contains(' ') => {}
                None => return true,
            }
        }
        at = at.max(initials_end(line));
        let mut open: Option<OpenWord> = None;
        let mut chunk_starts = true;
        let bytes = line.as_bytes();
        let mut previous = at.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or(b' ');
        while let Some(&byte) = bytes.get(at) {
            // Where a link may begin: with a chunk, or with its first letter behind a sign.
            let begins = !previous.is_ascii_alphanumeric();
            let named = begins && matches!(byte, b'h' | b'H' | b'w' | b'W' | b'm' | b'M' | b'[');
            let link = if named { named_link_end(line, at) } else { None };
            let link = link.or_else(|| if chunk_starts && begins { bare_link_end(line, at) } else { None });
            if let Some(end) = link {
                self.close(&mut open, number, at);
                self.links.push(self.words.len());
                if end == line.len() && previous == b'<' {
                    return true;
                }
                (at, previous, chunk_starts) = (end, b'x', false);
                continue;
            }
            if byte.is_ascii_alphanumeric() {
                open.get_or_insert_with(|| OpenWord::new(at)).push_ascii(byte.to_ascii_lowercase());
                at += 1;
            } else if byte.is_ascii() {
                self.close(&mut open, number, at);
                at += 1;
            } else {
                let Some(c) = line.get(at..).and_then(|rest| rest.chars().next()) else { break };
                self.read_char(&mut open, c, number, at, folding);
                at += c.len_utf8();
            }
            chunk_starts = byte.is_ascii_whitespace();
            previous = byte;
        }
        self.close(&mut open, number, line.len());
        false
    }

    fn read_char(&mut self, open: &mut Option<OpenWord>, c: char, line: usize, at: usize, folding: Folding) {
        if is_invisible(c) || is_combining_mark(c) {
            // Stands within a word, or nowhere.
        } else if folding == Folding::Ascii || !c.is_alphanumeric() {
            self.close(open, line, at);
        } else if is_word_by_itself(c) {
            self.close(open, line, at);
            let mut word = OpenWord::new(at);
            word.push(c);
            self.words.push(Word { hash: word.hash, line, start: at, end: at + c.len_utf8(), weight: 1 });
        } else {
            let word = open.get_or_insert_with(|| OpenWord::new(at));
            fold(c, |c| word.push(c));
        }
    }

    fn close(&mut self, open: &mut Option<OpenWord>, line: usize, end: usize) {
        if let Some(word) = open.take() {
            self.words.push(Word { hash: word.hash, line, start: word.start, end, weight: WORD_WEIGHT });
        }
    }
}

/// Where a line begins behind the initials that some programs put before each quoted line, "SL> "; 0 without any.
pub(super) fn initials_end(line: &str) -> usize {
    let text = line.trim_start_matches([' ', '>']);
    let letters = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let quoted = text.get(letters..).is_some_and(|rest| rest.starts_with('>'));
    let few = (1..=4).contains(&text.chars().take_while(|c| c.is_alphabetic()).take(5).count());
    if few && quoted { line.len() - text.len() + letters + 1 } else { 0 }
}

/// Writes a word as it is compared: in lower case and without accents.
pub(super) fn fold_into(out: &mut String, word: &str) {
    if word.is_ascii() {
        out.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        return;
    }
    for c in word.chars().filter(|c| !is_invisible(*c)) {
        fold(c, |c| out.push(c));
    }
}

/// The word as it is compared.
pub(super) fn folded(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    fold_into(&mut out, word);
    out
}

/// Whether the character shows nothing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

fn fold(c: char, mut put: impl FnMut(char)) {
    decompose_compatible(c, |part| {
        if !is_combining_mark(part) {
            part.to_lowercase().filter(|c| !is_combining_mark(*c)).for_each(&mut put);
        }
    });
}

/// Whether the script is written without spaces, so that a character is the smallest word.
fn is_word_by_itself(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}')
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

// Another one in each process, so that nobody can write words whose hashes are alike.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(WORD_WEIGHT));

struct OpenWord {
    start: usize,
    hash: u64,
}

impl OpenWord {
    fn new(start: usize) -> Self {
        Self { start, hash: *SEED }
    }

    fn push_ascii(&mut self, byte: u8) {
        self.hash = (self.hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(MULTIPLIER);
    }

    fn push(&mut self, c: char) {
        self.hash = (self.hash.rotate_left(5) ^ u64::from(u32::from(c))).wrapping_mul(MULTIPLIER);
    }
}

/// Spreads a number over all bits.
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 32)).wrapping_mul(MULTIPLIER);
    number ^ (number >> 29)
}

// The end of a link that begins with its scheme, or of a picture's place in brackets, at `at`.
fn named_link_end(line: &str, at: usize) -> Option<usize> {
    let bytes = line.as_bytes().get(at..)?;
    let starts = |with: &str| bytes.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    if ["[cid:", "[image:"].into_iter().any(starts) {
        // A picture's description is short.
        let end = bytes.iter().take(200).position(|byte| *byte == b']')?;
        return Some(at + end + 1);
    }
    if !["http://", "https://", "www.", "mailto:"].into_iter().any(starts) {
        return None;
    }
    let rest = line.get(at..)?;
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')' | ']' | '|'));
    Some(at + end.unwrap_or(rest.len()))
}

// The end of a link without a scheme, "us.example/demo", if a chunk that begins at `at` is one.
fn bare_link_end(line: &str, at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    let chunk = rest.split(char::is_whitespace).next()?;
    let (host, _) = chunk.split_once('/')?;
    let (name, domain) = host.rsplit_once('.')?;
    let is_host = name.len() >= 2
        && domain.len() >= 2
        && domain.bytes().all(|byte| byte.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'(' | b'<' | b'['));
    is_host.then_some(at + chunk.len())
}

// Where a link of the line above ends in this one: a `>` without white space before it.
fn rest_of_link(line: &str) -> Option<usize> {
    let end = line.find('>')?;
    let rest = line.get(..end)?.trim_start();
    (!rest.is_empty() && !rest.contains(char::is_whitespace)).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::{Folding, Words, folded};

    fn read(text: &str, folding: Folding) -> Vec<String> {
        let lines: Vec<&str> = text.lines().collect();
        let words = Words::from_lines(lines.iter().copied(), folding, 1000);
        words.words.iter().map(|word| folded(&lines[word.line][word.start..word.end])).collect()
    }

    #[test]
    fn words_are_alike_whatever_program_wrote_them() {
        let wanted = ["don", "t", "cafe", "ete"];
        for text in ["Don't CAFÉ — été", "> don’t\n> cafe\u{301}  e\u{301}te", "*don?t* ca\u{ad}fe, ete"] {
            assert_eq!(read(text, Folding::Base), wanted, "{text:?}");
        }
        assert_eq!(read("l'été", Folding::Ascii), read("l'?t?", Folding::Ascii));
    }

    #[test]
    fn links_are_no_words() {
        for text in [
            "a demo https://us.example/x?y=1 now",
            "a demo<https://track.example/%20> now",
            "a demo us.example/x now",
            "a demo <https://safe.example/?url=\n  https%3A%2F%2Fus&reserved=0> now",
            "a [image: our logo] demo www.us.example now",
        ] {
            assert_eq!(read(text, Folding::Base), ["a", "demo", "now"], "{text:?}");
        }
        // An opened link without an end takes no words.
        assert_eq!(read("see <https://x\nYes please", Folding::Base), ["see", "yes", "please"]);
    }

    #[test]
    fn characters_are_words_where_there_are_no_spaces() {
        assert_eq!(read("2026年1月5日 demo", Folding::Base), ["2026", "年", "1", "月", "5", "日", "demo"]);
    }
}

//! The normal form of a text: what phrases and expressions are looked for in, whatever program wrote the text.
//!
//! Words look alike to a reader and differ to a program: an `é` of one character or of two, four kinds of apostrophe, a
//! soft hyphen within. The normal form has one spelling of each, and [`Normal::original_range`] leads back to the text.

use std::borrow::Cow;
use std::iter;
use std::ops::Range;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// A text in its normal form, with the way back to the text it was made of.
///
/// Accents are composed (Unicode NFC); apostrophes are `'`, quotes `"`, dashes `-`; full-width Latin letters are ordinary
/// ones; spaces and tabs are `' '`, line ends `\n`; what shows nothing (zero-width marks, soft hyphens, marks of direction)
/// is gone. Letters keep their case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normal<'t> {
    text: Cow<'t, str>,
    // Where the normal form says something else, in ascending order; the rest is the same in both.
    replaced: Vec<Replaced>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Replaced {
    normal: Range<usize>,
    original: Range<usize>,
}

impl Normal<'_> {
    /// Whether nothing was replaced: the text is its own normal form.
    pub fn is_same(&self) -> bool {
        self.replaced.is_empty()
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where a range of the normal form stands in the original text, at character boundaries of it. A range that begins or
    /// ends within what one character became takes in all of that character.
    pub fn original_range(&self, range: Range<usize>) -> Range<usize> {
        let before = self.replaced.partition_point(|replaced| replaced.normal.start <= range.start);
        let start = match before.checked_sub(1).and_then(|last| self.replaced.get(last)) {
            Some(last) if range.start < last.normal.end => last.original.start,
            Some(last) => last.original.end + (range.start - last.normal.end),
            None => range.start,
        };
        let before = self.replaced.partition_point(|replaced| replaced.normal.start < range.end);
        let end = match before.checked_sub(1).and_then(|last| self.replaced.get(last)) {
            Some(last) => last.original.end + range.end.saturating_sub(last.normal.end),
            None => range.end,
        };
        start..end.max(start)
    }

    /// The same without the borrow.
    pub fn into_owned(self) -> Normal<'static> {
        Normal { text: Cow::Owned(self.text.into_owned()), replaced: self.replaced }
    }
}

/// The normal form of a text, in one pass; plain ASCII without tabs or carriage returns is borrowed as it is.
pub fn normalize(text: &str) -> Normal<'_> {
    let Some(first) = find_special(text) else {
        return Normal { text: Cow::Borrowed(text), replaced: Vec::new() };
    };
    let mut writer = Writer { out: String::with_capacity(text.len()), replaced: Vec::new() };
    let mut at = first;
    writer.out.push_str(text.get(..first).unwrap_or_default());
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = find_special(rest).unwrap_or(rest.len());
        writer.out.push_str(rest.get(..plain).unwrap_or_default());
        at += plain;
        let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        at += writer.put(text, at, c);
    }
    Normal { text: Cow::Owned(writer.out), replaced: writer.replaced }
}

/// Where the first byte stands that is not what it is in the normal form, or may not be.
fn find_special(text: &str) -> Option<usize> {
    // By blocks, and without a branch for each byte: most mail has none of them for long.
    let (blocks, _) = text.as_bytes().as_chunks::<32>();
    let is_plain = |block: &&[u8; 32]| !block.iter().fold(false, |any, byte| any | may_be_special(*byte));
    let plain = blocks.iter().take_while(is_plain).count() * 32;
    let rest = text.as_bytes().get(plain..)?;
    Some(plain + rest.iter().position(|byte| is_special(*byte))?)
}

/// Whether a byte is special, or a control character that is not: comparisons that many bytes share.
fn may_be_special(byte: u8) -> bool {
    (byte >= 0x80) | ((byte < b' ') & (byte != b'\n')) | (byte == b'`')
}

// The bytes that are not what they are in the normal form, or may not be.
fn is_special(byte: u8) -> bool {
    byte >= 0x80 || matches!(byte, b'\t' | b'\r' | 0 | 0x0b | 0x0c | b'`')
}

struct Writer {
    out: String,
    replaced: Vec<Replaced>,
}

impl Writer {
    /// Writes what the character at `at` becomes, together with the marks that belong to it; tells how many bytes of the text
    /// that was.
    fn put(&mut self, text: &str, at: usize, c: char) -> usize {
        if c == '\r' {
            let length = if text.get(at + 1..).is_some_and(|rest| rest.starts_with('\n')) { 2 } else { 1 };
            self.replace(at, length, iter::once('\n'));
            return length;
        }
        if is_composed(c) {
            match fold(c) {
                Some(same) if same == c => self.out.push(c),
                Some(other) => self.replace(at, c.len_utf8(), iter::once(other)),
                None => self.replace(at, c.len_utf8(), iter::empty()),
            }
            return c.len_utf8();
        }
        // A mark belongs to the character before it, which is written already, and more marks may follow.
        let rest = text.get(at..).unwrap_or_default();
        let marks: usize = rest
            .chars()
            .take(MAX_MARKS)
            .enumerate()
            .take_while(|(index, mark)| *index == 0 || !is_composed(*mark))
            .map(|(_, mark)| mark.len_utf8())
            .sum();
        let added = rest.get(..marks).unwrap_or_default();
        match self.out.chars().next_back().filter(|base| !base.is_whitespace()) {
            Some(base) => {
                self.out.pop();
                let start = self.take_back(at, base);
                self.replace(start, at + marks - start, iter::once(base).chain(added.chars()).nfc().filter_map(fold));
            }
            None => self.replace(at, marks, added.nfc().filter_map(fold)),
        }
        marks
    }

    /// Where the last character written, which was taken out again, began in the original; what was noted of it is forgotten.
    fn take_back(&mut self, at: usize, base: char) -> usize {
        let mut start = None;
        while let Some(last) =
            self.replaced.pop_if(|last| last.normal.end > self.out.len() || last.original.end == start.unwrap_or(at))
        {
            start = Some(last.original.start);
            if last.normal.start < self.out.len() && last.normal.end > self.out.len() {
                // One of several characters: the others keep their note.
                self.replaced
                    .push(Replaced { normal: last.normal.start..self.out.len(), original: last.original.clone() });
                return last.original.end;
            }
            if last.normal.start == self.out.len() && last.normal.end > last.normal.start {
                return last.original.start;
            }
        }
        start.unwrap_or(at) - base.len_utf8()
    }

    fn replace(&mut self, original: usize, length: usize, with: impl Iterator<Item = char>) {
        let start = self.out.len();
        self.out.extend(with);
        self.replaced.push(Replaced { normal: start..self.out.len(), original: original..original + length });
    }
}

/// No character of a script has more marks; more are noise, which is composed piece by piece.
const MAX_MARKS: usize = 16;

// Whether the character is its own NFC whatever stands before it. The ranges first: they are most of what mail has.
fn is_composed(c: char) -> bool {
    matches!(c, '\0'..='\u{2ff}' | '\u{400}'..='\u{482}' | '\u{2010}'..='\u{2060}' | '\u{3041}'..='\u{3096}'
        | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff5e}')
        || is_nfc_quick(iter::once(c)) == IsNormalized::Yes && !unicode_normalization::char::is_combining_mark(c)
}

/// What a character is in the normal form; `None` for one that shows nothing.
fn fold(c: char) -> Option<char> {
    Some(match c {
        '\0'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => return None,
        '\t' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        '`' | '´' | 'ʹ' | 'ʻ' | 'ʼ' | 'ʽ' | 'ˈ' | '‘' | '’' | '‚' | '‛' | '′' | '‵' | '‹' | '›' | '＇' | '｀' => {
            '\''
        }
        '«' | '»' | '“' | '”' | '„' | '‟' | '″' | '‶' | '〝' | '〞' | '〟' | '＂' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '﹘' | '﹣' | '－' => '-',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_that_look_alike_are_alike() {
        for (text, normal) in [
            ("plain ASCII, as it is\nand on", "plain ASCII, as it is\nand on"),
            ("aou\u{302}t, pre\u{301}sentation", "août, présentation"),
            ("don’t don′t don＇t don`t don´t donʼt", "don't don't don't don't don't don't"),
            ("«a» “b” „c‟", "\"a\" \"b\" \"c\""),
            ("follow\u{2011}up — so", "follow-up - so"),
            ("un\u{ad}sub\u{200b}scribe\u{feff}", "unsubscribe"),
            ("a\u{a0}b\u{3000}c\td", "a b c d"),
            ("ＳＴＯＰ！", "STOP!"),
            ("a\r\nb\rc\u{2028}d", "a\nb\nc\nd"),
            ("Việt Nam e\u{302}\u{301}", "Việt Nam ế"),
            ("\u{301}x", "\u{301}x"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("é\u{200d}!", "é!"),
            ("", ""),
        ] {
            assert_eq!(normalize(text).as_str(), normal, "{text:?}");
        }
    }

    #[test]
    fn a_range_leads_back_to_the_text() {
        let text = "Une pre\u{301}sentation, s’il vous plai\u{302}t\u{200b}. ＤＥＭＯ";
        let normal = normalize(text);
        for (word, original) in [
            ("présentation", "pre\u{301}sentation"),
            ("s'il", "s’il"),
            ("plaît", "plai\u{302}t"),
            (".", "."),
            ("DEMO", "ＤＥＭＯ"),
            ("é", "e\u{301}"),
            ("sen", "sen"),
        ] {
            let at = normal.as_str().find(word).unwrap();
            assert_eq!(&text[normal.original_range(at..at + word.len())], original, "{word}");
        }
        assert_eq!(normal.original_range(0..normal.as_str().len()), 0..text.len());
    }

    proptest! {
        #[test]
        fn any_text_has_a_normal_form_with_a_way_back(
            parts in prop::collection::vec(prop::sample::select(vec![
                "a", "e", "\u{301}", "\u{302}", "’", "\u{200b}", "\u{ad}", "ß", "\r\n", "\r", "\t", "ＡＢ", "한", "\u{1161}",
                "\u{1112}", "\u{11ab}", "か", "👍🏽", "`", " ", "\u{feff}", "é", "\u{212b}", "\u{2126}",
            ]), 0..40),
        ) {
            let text = parts.concat();
            let normal = normalize(&text);
            let again = normalize(normal.as_str());
            prop_assert_eq!(again.as_str(), normal.as_str());
            let boundaries: Vec<usize> = normal.as_str().char_indices().map(|(at, _)| at)
                .chain([normal.as_str().len()]).collect();
            for pair in boundaries.windows(2) {
                let found = normal.original_range(pair[0]..pair[1]);
                prop_assert!(text.get(found.clone()).is_some(), "{found:?} in {text:?}");
                let again = normalize(&text[found.clone()]);
                let here = &normal.as_str()[pair[0]..pair[1]];
                prop_assert!(again.as_str().contains(here) || again.as_str().is_empty() || !here.is_ascii(),
                    "{here:?} is not in {again:?}, {found:?} of {text:?}");
            }
            let whole = normal.original_range(0..normal.as_str().len());
            prop_assert!(whole.end <= text.len());
        }
    }
}

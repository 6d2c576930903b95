//! Signs that belong to a word: `$100`, `50%`, `c++`, `#1`. A phrase with one finds the word where a mail has the sign there.

use super::{
    grammar::spell,
    whole_numbers::{country_code, is_plain, number_spellings},
};
use crate::text::words::{Word, WordKind};

/// Before an amount or behind it.
const CURRENCIES: [char; 5] = ['$', '€', '£', '¥', '₹'];
/// So many signs behind a word are looked at.
pub(super) const MAX_BEHIND: usize = 3;

/// Whether a sign is that of a currency.
pub(super) fn is_currency(sign: char) -> bool {
    CURRENCIES.contains(&sign)
}

/// Whether a sign stands behind an amount.
pub(super) fn is_after_amount(sign: char) -> bool {
    is_currency(sign) || matches!(sign, '%' | '‰' | '°')
}

/// Whether a sign may stand directly before a word.
pub(super) fn is_before(sign: char, is_number: bool) -> bool {
    matches!(sign, '#' | '+') || is_number && (sign == '§' || is_currency(sign))
}

/// Whether a sign may stand directly behind a word.
pub(super) fn is_behind(sign: char, is_number: bool) -> bool {
    matches!(sign, '#' | '+') || is_number && is_after_amount(sign)
}

/// Whether a character is a sign that counts in phrases: it belongs to a word, or is refused.
pub(super) fn is_sign(c: char) -> bool {
    is_before(c, true) || is_behind(c, true) || matches!(c, '<' | '>' | '=' | '~' | '@')
}

/// Whether a text has a sign that belongs to a word.
pub(super) fn has_sign(text: &str) -> bool {
    text.contains(|c| is_before(c, true) || is_behind(c, true))
}

/// The ways to write a word with the signs that it has in a text, each in `spelt` when it is told.
pub(super) fn with_signs(text: &str, word: &Word, spelt: &mut String, tell: &mut dyn FnMut(&str)) {
    let is_number = word.kind == WordKind::Number;
    let (before, behind) = (text.get(..word.start as usize), text.get(word.end as usize..));
    let (before, behind) = (before.unwrap_or_default(), behind.unwrap_or_default());
    // "$ 100" and "50 %" are written with a space as often as without.
    let apart = |c: &char| is_number && !matches!(c, '#' | '+');
    let left = before.chars().next_back().filter(|c| is_before(*c, is_number));
    let left =
        left.or_else(|| before.strip_suffix(' ')?.chars().next_back().filter(|c| is_before(*c, true) && apart(c)));
    let mut right: Vec<char> = behind.chars().take_while(|c| is_behind(*c, is_number)).take(MAX_BEHIND).collect();
    if right.is_empty() {
        right.extend(
            behind.strip_prefix(' ').and_then(|rest| rest.chars().next()).filter(|c| is_behind(*c, true) && apart(c)),
        );
    }
    if left.is_none() && right.is_empty() {
        return;
    }
    let written = text.get(word.range()).unwrap_or_default();
    let own = if is_plain(written) || !is_number { vec![spell(written)] } else { number_spellings(written) };
    let any = is_number.then(|| "#".to_owned());
    // "+49-30-123456" begins with "+49".
    let code = country_code(written).filter(|_| left == Some('+'));
    for base in own.into_iter().chain(any).chain(code.map(str::to_owned)) {
        for left in [None, left].into_iter().take(1 + usize::from(left.is_some())) {
            for count in 0..=right.len() {
                if left.is_none() && count == 0 {
                    continue;
                }
                spelt.clear();
                spelt.extend(left);
                spelt.push_str(&base);
                spelt.extend(right.iter().take(count));
                tell(spelt);
            }
        }
    }
}

/// Where the sign before a word begins, or the word where it has none.
pub(super) fn start_with_sign(text: &str, word: usize) -> usize {
    let before = text.get(..word).unwrap_or_default();
    let bare = before.strip_suffix(' ').unwrap_or(before);
    let sign = bare.chars().next_back().filter(|c| is_before(*c, true));
    sign.map_or(word, |sign| bare.len() - sign.len_utf8())
}

/// Where the signs behind a word end, or the word where it has none.
pub(super) fn end_with_signs(text: &str, word: usize) -> usize {
    let behind = text.get(word..).unwrap_or_default();
    let bare = behind.strip_prefix(' ').unwrap_or(behind);
    let signs: usize = bare.chars().take_while(|c| is_behind(*c, true)).take(MAX_BEHIND).map(char::len_utf8).sum();
    if signs == 0 { word } else { word + behind.len() - bare.len() + signs }
}

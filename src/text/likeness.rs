//! How much two texts have in common, in a form that can be kept where the text itself must not be.

use std::collections::BTreeSet;

/// No text is compared by more pairs of words than this.
const MAX_PAIRS: usize = 400;

/// The hashes of all pairs of neighbouring words of a text, in lower case, sorted. Another first name, company or greeting
/// changes a few of them; wrapping, punctuation and links change none.
pub fn word_pairs(text: &str) -> Vec<u32> {
    let words: Vec<String> = text
        .split_whitespace()
        .filter(|word| !word.contains("://"))
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect();
    let pairs = words.windows(2).take(MAX_PAIRS).map(|pair| hash(pair.iter().map(String::as_str)));
    pairs.collect::<BTreeSet<u32>>().into_iter().collect()
}

/// The part of all pairs that two texts share, from 0 (nothing in common) to 1 (the same). Pairs in `without`, such as
/// those of a footer that every mail ends with, do not count.
pub fn likeness(left: &[u32], right: &[u32], without: &[u32]) -> f64 {
    let kept = |pairs: &[u32]| pairs.iter().copied().filter(|pair| !without.contains(pair)).collect::<BTreeSet<u32>>();
    let (left, right) = (kept(left), kept(right));
    let shared = left.intersection(&right).count();
    let all = left.len() + right.len() - shared;
    if all == 0 { 0.0 } else { shared as f64 / all as f64 }
}

/// FNV-1a: the same on every machine and in every version.
fn hash<'a>(words: impl Iterator<Item = &'a str>) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for word in words {
        for byte in word.bytes().chain([b' ']) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_and_company_leave_a_step_alike_and_a_persons_answer_does_not() {
        let step = word_pairs(
            "Hi Jane,\n\njust floating this to the top of your inbox. Any thoughts on how Acme handles outreach?",
        );
        let other = word_pairs(
            "Hi Bob, just floating this to the top of your inbox. Any thoughts on how Globex handles outreach?",
        );
        let person = word_pairs("Hi Jane, Tuesday at three is fine with me. I will send an invitation in a minute.");
        assert!(likeness(&step, &other, &[]) > 0.5, "{}", likeness(&step, &other, &[]));
        assert!(likeness(&step, &person, &[]) < 0.1, "{}", likeness(&step, &person, &[]));
        assert_eq!(likeness(&step, &step, &step), 0.0, "what does not count is in neither");
        assert_eq!(likeness(&[], &[], &[]), 0.0);
    }
}

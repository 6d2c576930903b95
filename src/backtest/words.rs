//! Words that stand for others: the same word for the same, as long as one key is in use, and nobody without the key can tell
//! which.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aeio";
/// So many bits of a hash make a syllable.
const SYLLABLES: usize = 4;

/// What stands for words.
pub(super) struct StandIns {
    key: Hmac<Sha256>,
}

impl StandIns {
    /// With a key that nobody knows, and that is forgotten with this.
    pub(super) fn new() -> Self {
        let key = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
        Self::with_key(&key)
    }

    pub(super) fn with_key(key: &[u8]) -> Self {
        // A key of any length is one.
        let key = Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self { key }
    }

    fn hash(&self, word: &str) -> [u8; 32] {
        let mut mac = self.key.clone();
        mac.update(word.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// A name that can be spoken, in the case of the word: `Jane` may become `Tolimeda`.
    pub(super) fn name(&self, word: &str) -> String {
        let hash = self.hash(&word.to_lowercase());
        let pick = |from: &[u8], byte: u8| char::from(from[usize::from(byte) % from.len()]);
        let mut name = String::with_capacity(2 * SYLLABLES);
        for pair in hash.chunks_exact(2).take(SYLLABLES) {
            name.push(pick(CONSONANTS, pair[0]));
            name.push(pick(VOWELS, pair[1]));
        }
        let mut letters = word.chars().filter(|letter| letter.is_alphabetic());
        let (first, rest) = (letters.next(), letters.next());
        match (first.is_some_and(char::is_uppercase), rest.is_some_and(char::is_uppercase)) {
            (true, true) => name.to_uppercase(),
            (true, false) => name[..1].to_uppercase() + &name[1..],
            _ => name,
        }
    }

    /// An id in place of another.
    pub(super) fn id(&self, id: &str) -> String {
        let hash = self.hash(id);
        let mut shown = "x".to_owned();
        for byte in hash.iter().take(12) {
            shown.push_str(&format!("{byte:02x}"));
        }
        shown
    }

    /// Digits in place of others; what is between them stays.
    pub(super) fn digits(&self, number: &str) -> String {
        let plain: String = number.chars().filter(char::is_ascii_digit).collect();
        let hash = self.hash(&plain);
        let mut next = hash.iter().cycle();
        let digit = |c: char, next: &mut dyn Iterator<Item = &u8>| match c.is_ascii_digit() {
            true => char::from(b'0' + next.next().copied().unwrap_or_default() % 10),
            false => c,
        };
        number.chars().map(|c| digit(c, &mut next)).collect()
    }
}

//! A mark of a text that can be kept and logged where the text itself must not be.

use super::same_reply::{MAX_AFTER_SHORT, UNMISTAKABLE, normalize};
use super::{full_text, html, html_to_text, new_text};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// How many bytes of the hash are kept: enough to tell the messages of one thread apart.
const HASH_BYTES: usize = 12;

/// The fingerprint of a reply's text or HTML: `LETTERS-HASH`, over its letters and digits in lower case without its links.
/// Wrapping, HTML, quotes and spaces do not change it.
pub fn fingerprint(sent: &str) -> String {
    let text = if html::looks_like_html(sent) { html_to_text(sent) } else { sent.to_owned() };
    let letters = normalize(&text);
    format!("{}-{}", letters.chars().count(), hash(&letters))
}

/// Whether a message begins with the fingerprinted text; a signature or quoted text may follow.
pub fn has_fingerprint(fingerprint: &str, found_text: Option<&str>, found_html: Option<&str>) -> bool {
    let Some((letters, wanted)) = fingerprint.split_once('-') else { return false };
    let Some(count) = letters.parse::<usize>().ok().filter(|count| *count > 0) else { return false };
    let begins = |found: &str| {
        let found = normalize(found);
        let Some((end, _)) = found.char_indices().chain([(found.len(), ' ')]).nth(count) else { return false };
        let (head, rest) = found.split_at(end);
        (count >= UNMISTAKABLE || rest.len() <= MAX_AFTER_SHORT.min(count.saturating_mul(6))) && hash(head) == wanted
    };
    begins(&new_text(found_text, found_html)) || begins(&full_text(found_text, found_html))
}

fn hash(letters: &str) -> String {
    let digest = Sha256::digest(letters.as_bytes());
    digest.iter().take(HASH_BYTES).fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_recognised_by_its_fingerprint() {
        let sent = "Hi Jane,\n\nTuesday works: https://cal.example/sam\n\nSam";
        let mark = fingerprint(sent);
        assert!(!mark.contains("Jane"), "{mark}");
        let html = "<div>Hi Jane,<br><br>Tuesday works: <a href='https://track.example/x'>https://cal.example/sam</a><br>Sam</div>";
        for (text, html, same) in [
            (Some(sent), None, true),
            (Some("Hi Jane, Tuesday\nworks: https://cal.example/sam Sam\n\n-- \nSam Smith, Us Ltd."), None, true),
            (None, Some(html), true),
            (Some("Hi Jane, Wednesday works: https://cal.example/sam Sam"), None, false),
            (Some("Hi Jane"), None, false),
            (Some(""), None, false),
            (None, None, false),
        ] {
            assert_eq!(has_fingerprint(&mark, text, html), same, "{text:?} {html:?}");
        }
        assert_eq!(fingerprint(html), mark, "HTML and text alike");
        assert!(!has_fingerprint("nonsense", Some(sent), None));
        assert!(!has_fingerprint(&fingerprint("!!"), Some("anything"), None), "a text without letters marks nothing");
    }
}

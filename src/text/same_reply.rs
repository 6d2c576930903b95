//! Recognising our own reply after mail servers, clients and trackers have had it.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern::pattern;
use super::{full_text, html, html_to_text, new_text};

/// Letters and digits that may stand before our text (a "[External]" tag), if ours is long enough to be unmistakable.
const MAX_BEFORE: usize = 12;
/// From this many letters and digits on a text is unmistakable.
pub(super) const UNMISTAKABLE: usize = 60;
/// After a shorter one, at most this many letters and digits (a name, a signature) may follow.
pub(super) const MAX_AFTER_SHORT: usize = 200;

/// Whether a message found in the conversation is `sent`, our own reply.
///
/// True even if it was rewrapped, turned into HTML, got other quotes, spaces or links, lost its accents, or had a signature,
/// a footer or quoted text added below. False for another text, and for ours below a person's words.
/// `sent` may be plain text or HTML; a `sent` without letters or digits is compared by its visible characters.
pub fn is_same_reply(sent: &str, found_text: Option<&str>, found_html: Option<&str>) -> bool {
    let sent = if html::looks_like_html(sent) { html_to_text(sent) } else { full_text(Some(sent), None) };
    if sent.trim().is_empty() {
        return false;
    }
    let parts = [(found_text, None), (None, found_html)];
    parts.into_iter().filter(|(text, html)| text.is_some() || html.is_some()).any(|(text, html)| {
        let whole = full_text(text, html);
        let new = new_text(text, html);
        // Our own text may contain what looks like quoted text or a signature, so check the whole too; there it must come first.
        same(&sent, &new, MAX_BEFORE) || same(&sent, &whole, 0) || same(&new_text(Some(&sent), None), &new, 0)
    })
}

/// Whether a message that a teammate may have typed says the same as `sent`, so that sending it would repeat it.
///
/// As [`is_same_reply`], but a short text must be all that is new in the message: "Hello." is not said by each mail that
/// begins with a greeting.
pub fn says_the_same(sent: &str, found_text: Option<&str>, found_html: Option<&str>) -> bool {
    if !is_same_reply(sent, found_text, found_html) {
        return false;
    }
    let ours = if html::looks_like_html(sent) { html_to_text(sent) } else { full_text(Some(sent), None) };
    Words::of(&ours).length() >= UNMISTAKABLE || normalize(&ours) == normalize(&new_text(found_text, found_html))
}

fn same(sent: &str, found: &str, most_before: usize) -> bool {
    if sent.trim().is_empty() || found.trim().is_empty() {
        return false;
    }
    let (ours, theirs) = (Words::of(sent), Words::of(found));
    if ours.length() == 0 {
        // Emoji or links alone.
        let (ours, theirs) = (visible(sent), visible(found));
        return !ours.is_empty() && theirs.starts_with(&ours) && theirs.len() <= ours.len() + MAX_AFTER_SHORT;
    }
    if ours.same_in(&theirs, most_before) {
        return true;
    }
    // A server that took the text for another character set leaves only the ASCII letters as they were.
    let (ours, theirs) = (ours.ascii(), theirs.ascii());
    ours.length() >= UNMISTAKABLE && ours.same_in(&theirs, most_before)
}

/// The letters and digits of a text, in lower case, without its links.
pub(super) fn normalize(text: &str) -> String {
    Words::of(text).parts.concat()
}

// A text's letters and digits in lower case, cut where links stood: trackers rewrite links, and clients show them or not.
struct Words {
    parts: Vec<String>,
}

impl Words {
    fn of(text: &str) -> Self {
        static LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:https?://|www\.|mailto:)[^\s<>\x22'\])]+"));
        let parts = LINK
            .split(text)
            .map(|part| part.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>())
            .filter(|part| !part.is_empty())
            .collect();
        Self { parts }
    }

    fn ascii(&self) -> Self {
        let parts = self.parts.iter().map(|part| part.chars().filter(char::is_ascii).collect::<String>());
        Self { parts: parts.filter(|part| !part.is_empty()).collect() }
    }

    fn length(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }

    // Whether these words come first in `found`, whole and in order. Where a link was cut out of ours, `found` may have
    // what is left of a rewritten or wrapped one.
    fn same_in(&self, found: &Self, most_before: usize) -> bool {
        const REST_OF_A_LINK: usize = 600;
        let found_words = found.parts.concat();
        let mut at = 0;
        let long = self.length() >= UNMISTAKABLE;
        for (index, part) in self.parts.iter().enumerate() {
            let rest = found_words.get(at..).unwrap_or_default();
            let most = if index > 0 {
                REST_OF_A_LINK
            } else if long {
                most_before
            } else {
                0
            };
            let window = rest.get(..rest.floor_char_boundary(most.saturating_add(part.len()))).unwrap_or(rest);
            let Some(start) = window.find(part.as_str()) else {
                return false;
            };
            at += start + part.len();
        }
        long || found_words.len().saturating_sub(at) <= MAX_AFTER_SHORT.min(self.length().saturating_mul(6))
    }
}

fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}')).collect()
}

#[cfg(test)]
mod tests {
    use super::says_the_same;

    #[test]
    fn a_greeting_says_not_what_a_mail_says() {
        let long =
            "Hi Jane, here is my calendar, with all the times at which I can talk to you this week and the next.";
        for (sent, found, same) in [
            ("Hello.", "Hello Jane, would fifteen minutes help?", false),
            ("You are welcome.", "You are welcome.", true),
            (
                "You are welcome.",
                "You are welcome!\n\nOn Mon, Jan 5, 2026 at 9:00 AM Jane <j@x.example> wrote:\n> Hi",
                true,
            ),
            ("You are welcome.", "You are welcome to call me on Tuesday.", false),
            (long, &format!("{long}\n\nSam Seller\nAcme"), true),
            (long, "Hi Jane, here is my calendar.", false),
        ] {
            assert_eq!(says_the_same(sent, Some(found), None), same, "{sent:?} in {found:?}");
        }
    }
}

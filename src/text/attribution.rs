//! Attribution lines: "On Monday Sam wrote:", in the languages and orders of many mail clients.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{Line, Quote, truncate};
use super::pattern::pattern;

/// An attribution that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attribution {
    /// How many lines it takes.
    pub(super) lines: usize,
    /// Whether it says enough to be believed without a quote below it.
    pub(super) sure: bool,
}

// Mail clients wrap an attribution over at most this many lines.
const MAX_LINES: usize = 5;
// In an attribution without an address the date stands within this many bytes.
const FIRST: usize = 45;
// Longer than this it is prose.
const MAX_LEN: usize = 400;

/// The attribution that begins at `at`, if one does.
pub(super) fn find_at(lines: &[Line], at: usize) -> Option<Attribution> {
    let first = lines.get(at)?;
    // Yahoo's phones put the quote on the same line.
    if first.text.contains('@') && find_inline(truncate(first.text.trim_start(), MAX_LEN)) == Some(0) {
        return Some(Attribution { lines: 1, sure: true });
    }
    if first.is_blank() || first.text.len() > MAX_LEN {
        return None;
    }
    let starts = has_start(first.text.trim().trim_matches(['*', '_']));
    let mut joined = String::new();
    for (index, line) in lines.iter().skip(at).take(MAX_LINES).enumerate() {
        if line.is_blank() || line.quote == Quote::Yes || joined.len() + line.text.len() > MAX_LEN {
            break;
        }
        if index > 0 {
            joined.push(' ');
        }
        joined.push_str(line.text.trim());
        if index > 0 && !starts {
            break;
        }
        if let Some(sure) = judge(&joined) {
            // What is complete without the lines above it does not begin in them: those are the sender's words.
            let later = (1..=index).any(|skip| judge(&join(lines, at + skip, at + index)) == Some(true));
            if later {
                return None;
            }
            // Without proof in itself, it needs the quote right below.
            if sure || quote_follows(lines, at + index + 1) {
                return Some(Attribution { lines: index + 1, sure });
            }
        }
    }
    None
}

fn join(lines: &[Line], first: usize, last: usize) -> String {
    let texts = lines.iter().take(last + 1).skip(first).map(|line| line.text.trim());
    texts.collect::<Vec<_>>().join(" ")
}

/// Whether the next line with words on it is quoted.
pub(super) fn quote_follows(lines: &[Line], from: usize) -> bool {
    lines.iter().skip(from).find(|line| !line.is_blank()).is_some_and(|line| line.quote != Quote::No)
}

// `None`: no attribution. Otherwise whether it is sure.
fn judge(text: &str) -> Option<bool> {
    let text = text.trim_matches(['*', '_', ' ', '\t', '‐']);
    if zoho(text) {
        return Some(true);
    }
    let dated = has_date(text);
    if !(text.ends_with(':') || text.ends_with("wrote") || text.ends_with("：")) {
        // GMX leaves the colon out.
        return (dated && has_start(text) && has_verb_inside(text)).then_some(false);
    }
    let addressed = has_address(text);
    let starts = has_start(text);
    // "On your second point, my view of 12 January 2026 is what I wrote:" is prose: the date comes late, and it was "I".
    let early = addressed || has_date(truncate(text, FIRST));
    if starts && (dated || addressed) && (has_verb_at_end(text) || has_verb_inside(text)) && !by_oneself(text) {
        return Some(early);
    }
    // "2026-01-05 9:00 GMT+01:00 Sam <sam@us.example>:", "5 января 2026, 12:00 от Sam <sam@us.example>:"
    if dated && has_address_at_end(text) && has_date_at_start(text) {
        return Some(true);
    }
    if has_verb_at_end(text) || has_verb_inside(text) || addressed || dated {
        // "Sam wrote:" may be the lead's own sentence.
        return Some(false);
    }
    None
}

// "---- On Mon, 05 Jan 2026 09:00:00 +0000 Sam <sam@us.example> wrote ----"
fn zoho(text: &str) -> bool {
    static ZOHO: LazyLock<Regex> = LazyLock::new(|| pattern(r"^-{2,}\s?.{4,200}\s?-{2,}$"));
    text.starts_with("--") && ZOHO.is_match(text) && has_date(text) && (has_address(text) || text.contains("wrote"))
}

// "I wrote": mail clients say who wrote by name, or "you".
fn by_oneself(text: &str) -> bool {
    static ONESELF: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(?:i|we|he|she|they|who|ich|wir|er|ik|wij|hij|jag|jeg|vi|han|hon|hun|я|мы|он|она)\ (?:wrote|schrieb|schreef|skrev|писал\p{L}?|написал\p{L}?)\b",
        )
    });
    ONESELF.is_match(text)
}

fn has_date(text: &str) -> bool {
    static DATE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\d{1,2}[:.h]\d{2}|\b(19|20)\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b"));
    DATE.is_match(text)
}

fn has_address(text: &str) -> bool {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[^\s<>@]@[^\s<>@]+\.\p{L}{2,}"));
    ADDRESS.is_match(text)
}

fn has_address_at_end(text: &str) -> bool {
    static ADDRESS: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"[<(\[]\s?(mailto:)?[^\s<>@]+@[^\s<>@]+\s?[>)\]]+\s?:$"));
    ADDRESS.is_match(text)
}

fn has_date_at_start(text: &str) -> bool {
    static START: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^\W{0,2}(\d{1,4}[./\ -]|\p{L}{1,12}[.,]{0,2}\s?(den\ )?\d{1,2}\b)"));
    START.is_match(text)
}

fn has_start(text: &str) -> bool {
    static WORD: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^(on|am|le|el|en|il|em|às|no\ dia|op|w\ dniu|dnia|wiadomość\ napisana|den|på|kl|quoting|citando|zitat\ von|citat)\b|^[^<>:]{1,80}[<(][^<>\s]+@",
        )
    });
    WORD.is_match(text) || has_date_at_start(text)
}

fn has_verb_at_end(text: &str) -> bool {
    static VERB: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:\b|>)(wrote|writes|a\ écrit|écrit|escribió|ha\ scritto|scrisse|escreveu|napisał(?:\(a\)|a|/a)?|pisze|kirjoitti
              |написал(?:\(а\)|а)?|пишет|писал(?:\(а\)|а)?|schreef|skrev|schrieb|geschreven|het\ volgende\ geschreven|folgendes\ geschrieben)\s?[:：]?$",
        )
    });
    VERB.is_match(text)
}

// "Am Montag schrieb Sam Lee <sam@us.example>:", "Sam <sam@us.example> a écrit le lun. 5 janv. à 09:00 :"
fn has_verb_inside(text: &str) -> bool {
    static VERB: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"\b(schrieb|schreef|skrev|kirjoitti|a\ écrit|escribió|ha\ scritto|escreveu|napisał(?:\(a\)|a)?|napisana\ przez|написал(?:\(а\)|а)?)\b(.{1,140}?):?$",
        )
    });
    static PROSE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"\b(mir|uns|ich|wir|dass|folgendes|me|mij|ons|mig|oss|ci|nos|moi|nous|que|che|мне|нам)\b")
    });
    let Some(found) = VERB.captures(text) else {
        return false;
    };
    let rest = found.get(2).map(|rest| rest.as_str()).unwrap_or_default();
    rest.split_whitespace().count() <= 12 && !PROSE.is_match(rest)
}

/// Where an attribution begins in text without line breaks (a preview), if there is one.
pub(super) fn find_inline(text: &str) -> Option<usize> {
    static INSIDE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:^|[\s.!?,])(?:
                (on\s[^:]{2,60}\d{1,2}[:.]\d{2}.{0,140}?(?:\b|>)wrote:)
              | (am\s[^:]{2,40}(?:\d{4}|\d{1,2}[:.]\d{2}).{0,60}?\bschrieb\s.{1,120}?:)
              | (le\s[^:]{2,40}\d{4}.{0,140}?(?:\b|>)a\ écrit\s?:)
              | (el\s[^:]{2,40}\d{4}.{0,140}?(?:\b|>|\))\ ?escribió:)
              | (il\s[^:]{2,40}\d{4}.{0,140}?(?:\b|>)ha\ scritto:)
              | (em\s[^:]{2,60}\d{4}.{0,140}?(?:\b|>)escreveu:)
              | (op\s[^:]{2,40}\d{4}.{0,60}?\bschreef\s.{1,120}?:)
              | ((?:(?:den\ )?\p{L}{2,10}[.,]{0,2}\ )?(?:den\ )?(?:\d{1,2}[.]?\ \p{L}{3,12}[.]?,?\ \d{4}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d{2}-\d{2}).{0,12}?\d{1,2}[.:]\d{2}.{0,140}?
                  (?:\b(?:skrev|schrieb|schreef|kirjoitti|wrote|pisze|пишет)\b.{0,120}?:|(?:napisał|написал)(?:\([aа]\)|[aа])?\s?:|<[^<>\s]{1,80}@[^<>\s]{1,80}>\s?:))
              | ([\p{L}\ .]{2,60}?<[^<>\s]{1,80}@[^<>\s]{1,80}>\ (?:schrieb\ am|kirjoitti|escreveu\ \()\ ?.{1,60}?:)
              | (-{3,}\s?(?:original\ message|ursprüngliche\ nachricht|message\ d.origine|mensaje\ original|messaggio\ originale|mensagem\ original|oorspronkelijk\ bericht|oryginalna\ wiadomość|ursprungligt\ meddelande|opprinnelig\ melding|oprindelig\ meddelelse|alkuperäinen\ viesti|исходное\ сообщение|forwarded\ message))
              | ((?:from|von|de|da|van|od|från|fra|lähettäjä|от)\s?:\s.{1,120}?\b(?:sent|gesendet|envoyé|enviad[oa](?:\ e[lm])?|inviato|verzonden|wysłano|skickat|sendt|lähetetty|отправлено|date|datum|data|dato)\s?:\s)
            )",
        )
    });
    let found = INSIDE.captures(text)?;
    (1..found.len()).find_map(|group| found.get(group)).map(|found| found.start())
}

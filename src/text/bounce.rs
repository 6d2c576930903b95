//! Mail servers that say that they could not deliver.

use super::auto_reply::Heard;
use super::document::Document;
use super::phrases::Topic;
use super::signal::{Certainty, Signal, SignalKind};
use super::words::WordKind;

/// A server says it within its first words; a person who reports a bounce begins with words of their own.
const EARLY: usize = 12;
/// This far into a mail a server gives the reason.
const NEAR: usize = 600;

/// A bounce, by its sender, its subject, or what it says.
pub(super) fn signal(mail: &Heard<'_>) -> Option<Signal> {
    let certain = |words: &str| Some(Signal::new(SignalKind::Bounce, Certainty::Certain, words));
    let local = mail.address.split('@').next().unwrap_or_default();
    if is_server(local) {
        return certain(mail.address);
    }
    // Only servers give these subjects. "Re:" before one means that a person answers it.
    let begins = |topic| mail.subject.hits.of(topic).first().filter(|hit| hit.first == 0);
    if let Some(hit) = begins(Topic::BounceSubject) {
        return certain(&mail.subject.text_of_hit(hit));
    }
    let whole = mail.whole;
    let failed = whole.hits.within(Topic::Bounce, 0..NEAR.min(whole.words.len())).next()?;
    // "I tried to answer but my message could not be delivered": a person reports it.
    if whole.hits.has(Topic::TellsOfBounce, 0..failed.end) || whole.sentences(false).iter().any(|one| one.is_question) {
        return None;
    }
    let likely_subject = begins(Topic::MaybeBounceSubject).is_some();
    let reason = has_status_code(whole) || whole.hits.has(Topic::BounceReason, 0..NEAR.min(whole.words.len()));
    let words = whole.text_of_hit(failed);
    if likely_subject || failed.first < EARLY && reason {
        return certain(&words);
    }
    (failed.first < EARLY).then(|| Signal::new(SignalKind::Bounce, Certainty::Possible, &words))
}

/// Whether the part of an address before its `@` is one that mail servers write from.
fn is_server(local: &str) -> bool {
    const SERVERS: &[&str] = &["mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon", "bounce", "bounces"];
    let is_exchange =
        local.strip_prefix("microsoftexchange").is_some_and(|id| id.bytes().all(|b| b.is_ascii_hexdigit()));
    SERVERS.contains(&local) || local.starts_with("bounce+") || local.starts_with("bounce-") || is_exchange
}

/// Whether a text has a status code of a mail server: `5.1.1` (RFC 3463) or `550` (RFC 5321).
fn has_status_code(document: &Document) -> bool {
    let number = |at: usize| {
        let word = document.words.get(at).filter(|word| word.kind == WordKind::Number)?;
        document.text.get(word.range())
    };
    (0..document.words.len().min(NEAR)).any(|at| {
        let Some(first) = number(at) else { return false };
        let enhanced = matches!(first, "4" | "5")
            && document.between(at + 1) == "."
            && document.between(at + 2) == "."
            && number(at + 1).is_some_and(|part| part.len() <= 2)
            && number(at + 2).is_some_and(|part| part.len() <= 3);
        enhanced || matches!(first, "421" | "450" | "451" | "452" | "550" | "551" | "552" | "553" | "554")
    })
}

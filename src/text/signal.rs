//! Signals of automatic mail: each with what was found, and whether it settles the matter.
//!
//! A certain signal makes a mail automatic. A possible one does not: a person may have written it, and a person must decide
//! whether it is answered. Each source of signals is a function of its own, from [`Mail`] to a signal.

use std::time::Duration;

use jiff::civil::Date;

use super::auto_reply::{Heard, kind_of, phrase_signals};
use super::document::Document;
use super::lines::truncate;
use super::reading::Reading;
use super::subject::{self, UnknownPrefix};
use super::{AutoReply, AutoReplyKind, return_date};

/// At most this much of what was found is kept.
const MAX_WORDS: usize = 200;
/// Nobody reads a mail and types an answer in less; a program does. With a quote, a person may have tapped "Yes".
const FAST: Duration = Duration::from_secs(120);
/// A program answers at once, or after its server's queue. Words before our subject after a day may be a person's.
const LATE: Duration = Duration::from_secs(24 * 3600);

macro_rules! signal_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal),+ $(,)?) => {
        /// What a signal is. The name is stable, for programs; the sentence is for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SignalKind { $($(#[doc = $doc])+ $variant),+ }

        impl SignalKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as programs read it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it means, in a sentence.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

signal_kinds! {
    /// Words that no reply has stand before our subject.
    SubjectPrefix = "subject_prefix",
    /// The subject is one that programs give.
    AutomaticSubject = "automatic_subject",
    /// The subject says that somebody is away.
    AbsenceSubject = "absence_subject",
    /// The text reads like an absence note.
    AbsenceNote = "absence_note",
    /// The text says what only programs say.
    MachinePhrase = "machine_phrase",
    /// A mail server says that it could not deliver.
    Bounce = "bounce",
    /// A receipt that says the mail was displayed or deleted.
    ReadReceipt = "read_receipt",
    /// A receipt of a help desk or a contact form.
    HelpdeskReceipt = "helpdesk_receipt",
    /// A note that somebody left the company.
    LeftCompany = "left_company",
    /// A provider's report of a complaint.
    ComplaintReport = "complaint_report",
    /// A request to prove that a person sent the mail.
    Challenge = "challenge",
    /// A calendar's answer to an invitation.
    CalendarAnswer = "calendar_answer",
    /// The sender's address is one that programs write from.
    SenderAddress = "sender_address",
    /// It came within two minutes of our message and quotes nothing.
    FastAnswer = "fast_answer",
}

/// How much a signal proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// The mail is automatic.
    Certain,
    /// The mail may be automatic.
    Possible,
}

impl Certainty {
    /// The word as programs read it: `certain`, `possible`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Possible => "possible",
        }
    }
}

/// One thing that speaks for automatic mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// What it is.
    pub kind: SignalKind,
    /// How much it proves.
    pub certainty: Certainty,
    /// The words, the address or the time that gave it away; at most 200 bytes.
    pub words: String,
}

impl Signal {
    pub(super) fn new(kind: SignalKind, certainty: Certainty, words: &str) -> Self {
        Self { kind, certainty, words: truncate(words.trim(), MAX_WORDS).to_owned() }
    }
}

/// A message, with what of its thread shows who wrote it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mail<'a> {
    /// The sender: `Name <a@b>` or `a@b`.
    pub from: Option<&'a str>,
    /// Its subject.
    pub subject: Option<&'a str>,
    /// What its sender wrote anew, or all of it.
    pub body: Option<&'a str>,
    /// The day on which it was written.
    pub written: Option<Date>,
    /// The subjects of our messages in the thread, as they were sent.
    pub our_subjects: &'a [&'a str],
    /// How long after our newest message before it came.
    pub after_ours: Option<Duration>,
    /// Whether the lead's side had written before. Who is in a conversation may answer at once.
    pub is_follow_up: bool,
    /// Whether it quotes anything.
    pub quotes: bool,
}

/// What the signals of a mail come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Automatic {
    /// The automatic mail that it certainly is; `None` if a person may have written it.
    pub found: Option<AutoReply>,
    /// Everything that speaks for automatic mail, certain ones first.
    pub signals: Vec<Signal>,
}

impl Automatic {
    /// Whether it may be automatic mail, and is not certainly.
    pub fn is_uncertain(&self) -> bool {
        self.found.is_none() && !self.signals.is_empty()
    }
}

/// Gathers the signals of automatic mail, and judges what they come to.
pub fn automatic(mail: &Mail<'_>) -> Automatic {
    Reading::of(Some(truncate(mail.body.unwrap_or_default(), MAX_BYTES)), None).automatic(mail)
}

/// The same for a mail that is read: all of it, and what is new, once as words and once as it was written.
pub(super) fn gather(mail: &Mail<'_>, whole: &Document, new: &Document, new_text: &str) -> Automatic {
    let subject = truncate(mail.subject.unwrap_or_default().trim(), MAX_SUBJECT);
    // A campaign about absences has their words in its own subject.
    let is_ours = subject::is_one_of(subject, mail.our_subjects);
    let subject = if is_ours { Document::default() } else { Document::of(subject::without_tags(subject)) };
    let address = address(mail.from.unwrap_or_default());
    let phrases = phrase_signals(&Heard::new(&address, &subject, whole, new));
    let structure = [marked_subject, subject_prefix, calendar_answer, sender_address, fast_answer];
    let mut signals: Vec<Signal> = Vec::new();
    for signal in phrases.into_iter().chain(structure.into_iter().filter_map(|find| find(mail))) {
        if !signals.iter().any(|known| known.kind == signal.kind) {
            signals.push(signal);
        }
    }
    signals.sort_by_key(|signal| signal.certainty == Certainty::Possible);
    let certain = signals.first().filter(|signal| signal.certainty == Certainty::Certain);
    let found = certain.map(|signal| {
        let kind = kind_of(signal.kind, new);
        let is_away = kind == AutoReplyKind::OutOfOffice;
        let back_on = is_away.then(|| return_date::back_on(&subject.text, new_text, mail.written));
        AutoReply { kind, evidence: signal.words.clone(), back_on: back_on.flatten() }
    });
    Automatic { found, signals }
}

/// Recognises automatic mail by sender, subject and body (plain text, whole or new); `None` when a person may have written it.
///
/// `written` is the day of the message. With it a return on "12 January" or "Monday" has its date; without it only one that is
/// stated with its year has. [`automatic`] tells more.
pub fn auto_reply(
    from: Option<&str>,
    subject: Option<&str>,
    body: Option<&str>,
    written: Option<Date>,
) -> Option<AutoReply> {
    automatic(&Mail { from, subject, body, written, ..Mail::default() }).found
}

/// At most this many bytes of a body and of a subject are searched.
const MAX_BYTES: usize = 64 * 1024;
const MAX_SUBJECT: usize = 2048;

// `Name <a@b>` or `a@b`, in lower case.
fn address(from: &str) -> String {
    let inner = from.rsplit_once('<').map_or(from, |(_, rest)| rest);
    inner.split('>').next().unwrap_or_default().trim().to_lowercase()
}

/// Unknown words before our own subject.
fn subject_prefix(mail: &Mail<'_>) -> Option<Signal> {
    let subject = mail.subject?;
    let certainty = match subject::unknown_prefix(subject, mail.our_subjects)? {
        UnknownPrefix::OfMachine if !mail.quotes && mail.after_ours.is_none_or(|after| after < LATE) => {
            Certainty::Certain
        }
        UnknownPrefix::OfMachine | UnknownPrefix::OfAnyone => Certainty::Possible,
    };
    Some(Signal::new(SignalKind::SubjectPrefix, certainty, subject))
}

/// "Auto: …", unless our own subject begins so.
fn marked_subject(mail: &Mail<'_>) -> Option<Signal> {
    let subject = mail.subject.filter(|subject| subject::is_marked_auto(subject))?;
    let is_ours = mail.our_subjects.iter().any(|ours| subject::is_marked_auto(subject::bare(ours)));
    (!is_ours).then(|| Signal::new(SignalKind::AutomaticSubject, Certainty::Certain, subject))
}

fn calendar_answer(mail: &Mail<'_>) -> Option<Signal> {
    let subject = mail.subject.filter(|subject| subject::is_calendar_answer(subject))?;
    let is_ours = mail.our_subjects.iter().any(|ours| subject::is_calendar_answer(subject::bare(ours)));
    (!is_ours).then(|| Signal::new(SignalKind::CalendarAnswer, Certainty::Possible, subject))
}

/// Addresses that programs write from. A person may share some of them.
fn sender_address(mail: &Mail<'_>) -> Option<Signal> {
    let from = mail.from?.to_lowercase();
    let address = address(&from);
    let address = address.as_str();
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    // Servers leave the address of their own mail empty.
    let name = from.split('<').next().unwrap_or_default().trim().trim_matches('"');
    if address.is_empty() && ["mailer-daemon", "mail delivery subsystem", "mail delivery system"].contains(&name) {
        return Some(Signal::new(SignalKind::Bounce, Certainty::Certain, name));
    }
    let is_of = |names: &[&str]| {
        let mut words = local.split(['.', '-', '_', '+', '=']);
        names.contains(&local) || words.next().is_some_and(|first| names.contains(&first))
    };
    if is_of(&["feedbackloop", "fbl", "arf", "complaints"]) {
        return Some(Signal::new(SignalKind::ComplaintReport, Certainty::Certain, address));
    }
    let kind = if is_of(&["abuse"]) {
        SignalKind::ComplaintReport
    } else if is_of(&[
        "notifications",
        "notification",
        "notify",
        "alerts",
        "alert",
        "automailer",
        "mailer",
        "robot",
        "bot",
        "autobot",
        "system",
        "daemon",
        "helpdesk",
        "servicedesk",
        "tickets",
        "ticket",
        "automation",
        "automated",
        "workflow",
    ]) || domain.starts_with("bounce.")
        || domain.starts_with("bounces.")
    {
        SignalKind::SenderAddress
    } else {
        return None;
    };
    Some(Signal::new(kind, Certainty::Possible, address))
}

/// An answer that came so fast that nobody can have typed it.
fn fast_answer(mail: &Mail<'_>) -> Option<Signal> {
    let after = mail.after_ours.filter(|after| *after <= FAST && !mail.quotes && !mail.is_follow_up)?;
    let words = format!("{} s after our message", after.as_secs());
    Some(Signal::new(SignalKind::FastAnswer, Certainty::Possible, &words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [&str; 1] = ["A quick question"];

    fn shown(mail: &Mail<'_>) -> String {
        let found = automatic(mail);
        let kind = found.found.as_ref().map_or("person", |found| found.kind.as_str());
        let signals =
            found.signals.iter().map(|signal| format!(" {}:{}", signal.kind.as_str(), signal.certainty.as_str()));
        format!("{kind}{}", signals.collect::<String>())
    }

    fn of(subject: &'static str, body: &'static str) -> Mail<'static> {
        Mail { subject: Some(subject), body: Some(body), our_subjects: &OURS, ..Mail::default() }
    }

    #[test]
    fn structure_decides_where_no_phrase_does() {
        let away = of("Zorg blipte: A quick question", "Flum 12 January 2026.");
        assert_eq!(shown(&away), "out_of_office subject_prefix:certain");
        assert_eq!(shown(&Mail { quotes: true, ..away }), "person subject_prefix:possible", "robots quote nothing");
        let late = Some(Duration::from_secs(3 * 86_400));
        assert_eq!(shown(&Mail { after_ours: late, ..away }), "person subject_prefix:possible");
        assert_eq!(shown(&of("Re: A quick question", "Yes.")), "person");
        assert_eq!(shown(&of("Tuesday works: A quick question", "See you.")), "person subject_prefix:possible");
        assert_eq!(
            shown(&of("Auto: A quick question", "I am not here this week.")),
            "out_of_office automatic_subject:certain subject_prefix:certain absence_note:possible"
        );
        assert_eq!(shown(&of("Accepted: Demo", "")), "person calendar_answer:possible");
    }

    #[test]
    fn the_words_of_our_own_subject_make_nobody_a_robot() {
        for ours in [
            "Auto insurance for your fleet",
            "Absence management for Acme",
            "Out of office: who answers?",
            "Auto: a fair price",
        ] {
            let mail = Mail { our_subjects: &[ours], ..of("", "We would like to hear more next month.") };
            assert_eq!(shown(&Mail { subject: Some(ours), ..mail }), "person", "{ours}");
            let answered = format!("Re: {ours}");
            assert_eq!(shown(&Mail { subject: Some(&answered), ..mail }), "person", "{answered}");
        }
        assert_eq!(shown(&of("Auto insurance for your fleet", "Yes.")), "person", "of a list, where ours is not known");
    }

    #[test]
    fn tags_do_not_hide_an_automatic_subject() {
        assert_eq!(
            shown(&of("[EXTERNAL] Automatic reply: Hi", "In the evening.")),
            "out_of_office automatic_subject:certain"
        );
        assert_eq!(shown(&of("[EXT] Undeliverable: Hi", "Unknown.")), "bounce bounce:certain");
        assert_eq!(shown(&of("[EXT] Re: Automatic reply: Hi", "Yes, send it over.")), "person");
    }

    #[test]
    fn senders_are_certain_or_possible() {
        let from = |from| shown(&Mail { from: Some(from), ..of("Re: A quick question", "We will look at it.") });
        assert_eq!(from("Acme <no-reply@acme.example>"), "robot sender_address:certain");
        assert_eq!(from("feedbackloop@mail.example"), "robot complaint_report:certain");
        assert_eq!(from("MAILER-DAEMON <>"), "bounce bounce:certain");
        assert_eq!(from("Acme <Notifications@acme.example>"), "person sender_address:possible");
        assert_eq!(from("tickets+4711@acme.example"), "person sender_address:possible");
        for person in ["support@acme.example", "info@acme.example", "botha@acme.example", "jane@acme.example", "", "<>"]
        {
            assert_eq!(from(person), "person", "{person}");
        }
    }

    #[test]
    fn an_answer_within_two_minutes_that_quotes_nothing() {
        let after = |seconds, quotes| {
            let after_ours = Some(Duration::from_secs(seconds));
            shown(&Mail { after_ours, quotes, ..of("Re: A quick question", "Yes.") })
        };
        assert_eq!(after(40, false), "person fast_answer:possible");
        assert_eq!(after(40, true), "person");
        assert_eq!(after(121, false), "person");
        let talk = Mail { after_ours: Some(FAST), is_follow_up: true, ..of("Re: A quick question", "Yes.") };
        assert_eq!(shown(&talk), "person", "who is in a conversation may answer at once");
    }

    #[test]
    fn names_are_stable_and_sentences_plain() {
        for kind in SignalKind::ALL {
            assert!(kind.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{kind:?}");
            assert!(kind.describe().ends_with('.'), "{kind:?}");
        }
    }
}

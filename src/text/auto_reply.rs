//! What phrases say of automatic mail: absence notes, receipts, bounces, robots. Precision comes first: where a person might
//! have written it, a person has, or the signal is only a possible one.

use std::cell::OnceCell;

use jiff::civil::Date;

use super::bounce;
use super::document::{Document, Sentence};
use super::phrases::{Hit, Phrasebook, Topic};
use super::signal::{Certainty, Signal, SignalKind};
use super::words::WordKind;

/// What kind of automatic mail it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AutoReplyKind {
    /// Somebody's mailbox says that they are away.
    OutOfOffice,
    /// A mail server could not deliver.
    Bounce,
    /// Another machine: a ticket system, an unattended mailbox.
    Robot,
}

impl AutoReplyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::OutOfOffice, Self::Bounce, Self::Robot];

    /// The kind as programs read it: `out_of_office`, `bounce`, `robot`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfOffice => "out_of_office",
            Self::Bounce => "bounce",
            Self::Robot => "robot",
        }
    }
}

/// Automatic mail, and how it was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoReply {
    /// What kind it is.
    pub kind: AutoReplyKind,
    /// The words or the address that gave it away, at most 200 bytes of them.
    pub evidence: String,
    /// The day on which the person is back, when the mail states it in only one reading.
    pub back_on: Option<Date>,
}

/// A mail as the phrases see it.
pub(super) struct Heard<'a> {
    /// The sender's address in lower case.
    pub(super) address: &'a str,
    /// The subject without tags.
    pub(super) subject: &'a Document,
    /// The body whole, and what is new in it.
    pub(super) whole: &'a Document,
    pub(super) new: &'a Document,
    /// Whether a person answers us in it, and what it says of an absence: several signals ask.
    is_human_reply: OnceCell<bool>,
    absence: OnceCell<Option<Absence>>,
}

impl<'a> Heard<'a> {
    pub(super) fn new(address: &'a str, subject: &'a Document, whole: &'a Document, new: &'a Document) -> Self {
        Self { address, subject, whole, new, is_human_reply: OnceCell::new(), absence: OnceCell::new() }
    }

    fn is_human_reply(&self) -> bool {
        *self.is_human_reply.get_or_init(|| is_human_reply(self.new))
    }

    fn absence(&self) -> Option<&Absence> {
        self.absence.get_or_init(|| absence(self)).as_ref()
    }
}

/// The signals that phrases give, in the order in which they decide what kind of mail it is.
pub(super) fn phrase_signals(mail: &Heard<'_>) -> Vec<Signal> {
    let sources: [fn(&Heard<'_>) -> Option<Signal>; 12] = [
        bounce::signal,
        absence_subject,
        automatic_subject,
        read_receipt,
        absence_note,
        machine_phrase,
        challenge,
        complaint,
        left_company,
        receipt,
        nobody_reads,
        maybe_away,
    ];
    sources.iter().filter_map(|source| source(mail)).collect()
}

fn certain(kind: SignalKind, words: &str) -> Option<Signal> {
    Some(Signal::new(kind, Certainty::Certain, words))
}

fn possible(kind: SignalKind, words: &str) -> Option<Signal> {
    Some(Signal::new(kind, Certainty::Possible, words))
}

/// The phrase that a subject begins with. A "Re:" before it means that a person answers one.
fn begins(subject: &Document, topic: Topic) -> Option<&Hit> {
    subject.hits.of(topic).iter().take_while(|hit| hit.first == 0).max_by_key(|hit| hit.end)
}

/// The same where nothing but a name stands before: "Jane Doe/ACME is out of the office".
fn begins_after_name(subject: &Document, topic: Topic) -> Option<&Hit> {
    /// A name and a company.
    const NAME_WORDS: usize = 5;
    // "Jan de Vries": small words may stand within.
    let is_name = |word: usize| {
        let text = subject.text_of(word..word + 1);
        text.starts_with(char::is_uppercase) || word > 0 && text.chars().count() <= 3
    };
    let hits = subject.hits.of(topic).iter().take_while(|hit| hit.first <= NAME_WORDS);
    let is_named = |hit: &&Hit| {
        hit.end - hit.first > 1
            && (0..hit.first).all(is_name)
            && (1..=hit.first).all(|at| !subject.between(at).contains(':'))
    };
    hits.filter(is_named).max_by_key(|hit| hit.end)
}

fn absence_subject(mail: &Heard<'_>) -> Option<Signal> {
    let subject = mail.subject;
    let hit = begins(subject, Topic::AbsenceSubject).or_else(|| begins_after_name(subject, Topic::AbsenceSubject))?;
    // "Out of office furniture" goes on.
    let certainty = if ends_phrase(subject, hit.end) { Certainty::Certain } else { Certainty::Possible };
    Some(Signal::new(SignalKind::AbsenceSubject, certainty, &subject.text_of_hit(hit)))
}

/// Whether what a subject begins with ends before a word: the rest is our own subject, or says until when.
fn ends_phrase(subject: &Document, at: usize) -> bool {
    const TIMES: [Topic; 10] = [
        Topic::Until,
        Topic::Through,
        Topic::UntilOrBack,
        Topic::Back,
        Topic::RangeTo,
        Topic::BeforeDay,
        Topic::NextWeek,
        Topic::Tomorrow,
        Topic::ReplyPrefix,
        Topic::AutomaticSubject,
    ];
    let Some(word) = subject.words.get(at) else { return true };
    let punctuated = subject.between(at).trim().chars().any(|c| !c.is_alphanumeric() && c != '\'');
    let timed = TIMES.iter().any(|topic| subject.hits.of(*topic).iter().any(|hit| hit.first == at));
    punctuated || timed || word.kind == WordKind::Number
}

fn automatic_subject(mail: &Heard<'_>) -> Option<Signal> {
    // "Auto: …" is a mailbox's, "Auto insurance" is not.
    let is_whole = |hit: &&Hit| hit.end - hit.first > 1 || ends_phrase(mail.subject, hit.end);
    let hit = begins(mail.subject, Topic::AutomaticSubject).filter(is_whole)?;
    certain(SignalKind::AutomaticSubject, &mail.subject.text_of_hit(hit))
}

fn read_receipt(mail: &Heard<'_>) -> Option<Signal> {
    let said = mail.whole.hits.of(Topic::ReadReceipt).first();
    let subject = begins(mail.subject, Topic::ReadReceiptSubject);
    match (subject, said) {
        (_, Some(hit)) if subject.is_some() || hit.first < 30 => {
            certain(SignalKind::ReadReceipt, &mail.whole.text_of_hit(hit))
        }
        // "Read: our offer" with words below may be a person's.
        (Some(hit), _) if mail.new.words.len() < 4 => certain(SignalKind::ReadReceipt, &mail.subject.text_of_hit(hit)),
        _ => None,
    }
}

/// What kind of automatic mail a certain signal shows.
pub(super) fn kind_of(signal: SignalKind, new: &Document) -> AutoReplyKind {
    let is_away = new.has(Topic::Away);
    let is_receipt = new.has(Topic::TicketWords) || new.has(Topic::Receipt);
    match signal {
        SignalKind::Bounce => AutoReplyKind::Bounce,
        SignalKind::AbsenceSubject | SignalKind::AbsenceNote | SignalKind::SubjectPrefix => AutoReplyKind::OutOfOffice,
        // Mailboxes say "Automatic reply" above absence notes, ticket systems above receipts.
        SignalKind::AutomaticSubject if !is_receipt => AutoReplyKind::OutOfOffice,
        _ if is_away => AutoReplyKind::OutOfOffice,
        _ => AutoReplyKind::Robot,
    }
}

/// A note says what matters at its beginning.
const NOTE_WORDS: usize = 500;
/// "Thank you for your message" opens a note within its first words.
const OPENING_WORDS: usize = 16;

struct Absence {
    words: String,
    /// Whether only a note says the rest.
    is_note: bool,
}

/// Whether a body is about an absence, and nothing in it answers us.
fn absence(mail: &Heard<'_>) -> Option<Absence> {
    let new = mail.new;
    let range = 0..new.words.len().min(NOTE_WORDS);
    let has = |topic| new.hits.has(topic, range.clone());
    let first = |topic| new.hits.within(topic, range.clone()).next().map(|hit| new.text_of_hit(hit));
    let cut_off = || first(Topic::NoAccess).filter(|_| has(Topic::Urgent));
    let away = first(Topic::Away);
    // A machine that says so speaks for an office, not for a person who will be back.
    let closed = || first(Topic::Closed).filter(|_| !has(Topic::Machine));
    let words = away.or_else(closed).or_else(cut_off)?;
    if mail.is_human_reply() {
        return None;
    }
    let opens = new.hits.within(Topic::ThanksForMail, range.clone()).any(|hit| hit.first < OPENING_WORDS);
    // "Automatic reply: I am not in the office", where the mailbox has no subject of its own.
    let titled =
        begins(new, Topic::AutomaticSubject).is_some_and(|hit| new.between(hit.end).contains([':', ']', '\n']));
    let note = titled || has(Topic::AbsenceNote) || has(Topic::Urgent) || has(Topic::NoAccess) || has(Topic::Machine);
    let timed = has(Topic::UntilOrBack) || has(Topic::OnReturn);
    let looks = has(Topic::LooksIntoIt);
    let is_note = note || opens && timed && !looks || has(Topic::OnReturn) && !looks;
    (is_note || !looks).then_some(Absence { words, is_note })
}

fn absence_note(mail: &Heard<'_>) -> Option<Signal> {
    let absence = mail.absence()?;
    if absence.is_note { certain(SignalKind::AbsenceNote, &absence.words) } else { None }
}

fn maybe_away(mail: &Heard<'_>) -> Option<Signal> {
    let absence = mail.absence()?;
    if absence.is_note || is_about_a_colleague(mail.new) {
        return None;
    }
    possible(SignalKind::AbsenceNote, &absence.words)
}

/// "My colleague is on vacation until Monday, I will ask her then."
fn is_about_a_colleague(new: &Document) -> bool {
    let Some(away) = new.hits.of(Topic::Away).first() else { return false };
    let sentence = new.sentences(false).into_iter().find(|sentence| sentence.words.contains(&away.first));
    sentence.is_some_and(|sentence| new.hits.has(Topic::Meanwhile, sentence.words.start..away.first))
}

/// Whether a person answers us: asks, agrees, declines, proposes. Notes do none of that, though they may ask "Urgent?" and
/// say whom to ask.
fn is_human_reply(new: &Document) -> bool {
    is_said_in_language(new, Topic::Person)
        || new.sentences(true).iter().any(|sentence| {
            let says = |topic| new.hits.has(topic, sentence.words.clone());
            let asks = sentence.is_question && sentence.words.len() >= 3 || says(Topic::AsksUs);
            asks && !(says(Topic::Meanwhile) || says(Topic::Urgent))
        })
}

/// What only a machine says of its own mail.
fn machine_phrase(mail: &Heard<'_>) -> Option<Signal> {
    let new = mail.new;
    if !new.has(Topic::Machine) {
        return None;
    }
    let sentences = new.sentences(false);
    let is_of_machine = |hit: &&Hit| !is_talked_about(new, &sentences, hit);
    let found = new.hits.of(Topic::Machine).iter().find(is_of_machine)?;
    if mail.is_human_reply() {
        return None;
    }
    // An absence note that says so is an absence note.
    let kind = if new.has(Topic::Away) { SignalKind::AbsenceNote } else { SignalKind::MachinePhrase };
    certain(kind, &new.text_of_hit(found))
}

/// Whether a person speaks about what a machine says: in the same sentence stands a word that shows it, or it is a question.
fn is_talked_about(new: &Document, sentences: &[Sentence], hit: &Hit) -> bool {
    let at = sentences.partition_point(|sentence| sentence.words.end <= hit.first);
    let sentence = sentences.get(at);
    sentence.is_none_or(|sentence| sentence.is_question || new.hits.overlaps(Topic::NotMachine, sentence.words.clone()))
}

fn challenge(mail: &Heard<'_>) -> Option<Signal> {
    let words = mail.new.first(Topic::Challenge)?;
    if mail.new.has(Topic::Person) { None } else { certain(SignalKind::Challenge, &words) }
}

fn complaint(mail: &Heard<'_>) -> Option<Signal> {
    let found = mail.whole.hits.of(Topic::Complaint).first()?;
    let kind = SignalKind::ComplaintReport;
    if found.first < 30 {
        certain(kind, &mail.whole.text_of_hit(found))
    } else {
        possible(kind, &mail.whole.text_of_hit(found))
    }
}

/// "Jane is no longer with Acme": the mailbox says it, or a colleague.
fn left_company(mail: &Heard<'_>) -> Option<Signal> {
    let new = mail.new;
    let words = new.first(Topic::LeftCompany)?;
    if mail.is_human_reply() {
        return None;
    }
    let refers = new.words.iter().any(|word| word.kind == WordKind::Address)
        || [Topic::AbsenceNote, Topic::ThanksForMail, Topic::Machine, Topic::Urgent]
            .into_iter()
            .any(|topic| new.has(topic));
    // Who says "I" and does no more than name a colleague may have changed the department.
    let formal = [Topic::ThanksForMail, Topic::Machine].into_iter().any(|topic| new.has(topic));
    let sure = refers && (formal || !speaks_of_myself(new));
    if sure { certain(SignalKind::LeftCompany, &words) } else { possible(SignalKind::LeftCompany, &words) }
}

/// A receipt of a help desk or a contact form.
fn receipt(mail: &Heard<'_>) -> Option<Signal> {
    let new = mail.new;
    let said = new.first(Topic::Receipt);
    let subject = begins(mail.subject, Topic::ReceiptSubject);
    if mail.is_human_reply() {
        return None;
    }
    match (said, subject) {
        // "I have your mail and take it to the board" is a person's.
        (Some(_), None) if speaks_of_myself(new) && !new.has(Topic::ThanksForMail) && !new.has(Topic::TicketWords) => {
            None
        }
        // "We will get back to you" alone a person says, too.
        (Some(words), subject) => {
            let more = subject.is_some()
                || new.hits.of(Topic::Receipt).len() > 1
                || [Topic::ThanksForMail, Topic::TicketWords, Topic::Machine].into_iter().any(|topic| new.has(topic));
            let certainty = if more && !speaks_of_myself(new) { Certainty::Certain } else { Certainty::Possible };
            Some(Signal::new(SignalKind::HelpdeskReceipt, certainty, &words))
        }
        (None, Some(hit)) => {
            let certainty = if new.has(Topic::TicketWords) { Certainty::Certain } else { Certainty::Possible };
            Some(Signal::new(SignalKind::HelpdeskReceipt, certainty, &mail.subject.text_of_hit(hit)))
        }
        (None, None) => None,
    }
}

/// Whether the writer speaks as "I".
fn speaks_of_myself(new: &Document) -> bool {
    is_said_in_language(new, Topic::Myself)
}

/// Whether a topic is spoken of in the language of the text, where that is known: short words mean other things in others.
fn is_said_in_language(new: &Document, topic: Topic) -> bool {
    let language = new.language();
    let book = Phrasebook::get();
    new.hits.of(topic).iter().any(|hit| language.is_none() || book.code(hit.language) == language)
}

/// An address that only machines write from.
fn nobody_reads(mail: &Heard<'_>) -> Option<Signal> {
    const NAMES: &[&str] = &[
        "noreply",
        "donotreply",
        "dontreply",
        "nepasrepondre",
        "nichtantworten",
        "noresponder",
        "naoresponda",
        "nonrispondere",
        "nietbeantwoorden",
        "svaraej",
        "autoreply",
        "autoresponder",
        "autoresponse",
    ];
    let local = mail.address.split('@').next().unwrap_or_default();
    let is_name = |parts: &[&str]| NAMES.contains(&parts.concat().as_str());
    // "acme-no-reply", "noreply+4711": up to four parts of the name in a row.
    let parts: Vec<&str> = local.split(['.', '_', '-', '+']).take(12).collect();
    let found = (1..=4).any(|length| parts.windows(length).any(is_name));
    if found { certain(SignalKind::SenderAddress, mail.address) } else { None }
}

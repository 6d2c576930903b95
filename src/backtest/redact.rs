//! Events without the people: names, addresses, numbers and links are replaced, each by the same stand-in wherever it occurs.
//!
//! Words stand for words: `jane.doe@acme.com` and “Jane Doe” of “Acme” agree with each other afterwards, so that what rules
//! find in attribution lines and greetings is still found. The names of other leads are known once their events were learned,
//! and so are names beside addresses in texts; a name that a text tells alone is not known as one and stays.

mod beside;
mod no_names;

use super::{amounts::is_amount, event_line::EventLine, other_names::OtherNames, words::StandIns};
use crate::{
    lists::{Builtin, Match},
    model::{Message, ThreadDetail, ThreadRow, address_of},
};
use regex::{Captures, Regex, RegexBuilder};
use std::{collections::BTreeSet, sync::LazyLock};

/// Local parts that name no person, and tell rules what a mail is.
const ROLES: [&str; 34] = [
    "abuse",
    "accounts",
    "admin",
    "auto",
    "autoreply",
    "billing",
    "bounce",
    "bounces",
    "contact",
    "daemon",
    "do",
    "donotreply",
    "email",
    "hello",
    "help",
    "hr",
    "info",
    "jobs",
    "mail",
    "mailer",
    "marketing",
    "news",
    "newsletter",
    "no",
    "noreply",
    "not",
    "notifications",
    "office",
    "postmaster",
    "reply",
    "root",
    "sales",
    "support",
    "team",
];
/// Parts of a host's name that say nothing of whose it is.
const COMMON_LABELS: [&str; 14] =
    ["ac", "co", "com", "edu", "gov", "mail", "mx", "net", "org", "smtp", "email", "mailer", "www", "m"];
/// Hosts that many people's links lead to: which it is, rules may ask.
const SHARED_HOSTS: [&str; 16] = [
    "cal.com",
    "calendly.com",
    "chilipiper.com",
    "docs.google.com",
    "drive.google.com",
    "dropbox.com",
    "facebook.com",
    "instagram.com",
    "linkedin.com",
    "meet.google.com",
    "outlook.office365.com",
    "teams.microsoft.com",
    "twitter.com",
    "x.com",
    "youtube.com",
    "zoom.us",
];
/// Words in names that are no names.
const TITLES: [&str; 36] = [
    "ag", "and", "bv", "co", "corp", "da", "de", "dela", "del", "der", "di", "dr", "frau", "gmbh", "herr", "inc", "jr",
    "kg", "la", "le", "limited", "llc", "ltd", "mr", "mrs", "ms", "of", "plc", "prof", "sa", "sarl", "sr", "srl",
    "the", "van", "von",
];
/// Names that are words as well: these are replaced only where they are written as the name is.
const ORDINARY: [&str; 25] = [
    "art", "bill", "call", "chase", "dean", "drew", "faith", "grace", "hope", "jack", "joy", "june", "long", "mark",
    "may", "pat", "price", "ray", "rob", "rose", "sales", "sue", "will", "young", "bob",
];

static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*").ok());
static LINK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\b(?:(https?|ftp)://|www\.)([\w.-]+)(:\d+)?([/?#][^\s<>"'\])]*)?"#).ok());
static PHONE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[+(]?\d(?:[ \t.()/\u{a0}-]{0,3}\d){6,}").ok());
static DATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2}\b))").ok());

/// Replaces what identifies people, by the same stand-ins in all events that go through it. Another one has others.
pub struct Redactor {
    stand_ins: StandIns,
    others: OtherNames,
}

impl Default for Redactor {
    fn default() -> Self {
        Self { stand_ins: StandIns::new(), others: OtherNames::default() }
    }
}

/// The words of one event that stand for people and their companies.
struct Known {
    /// Whatever the case.
    any_case: Option<Regex>,
    /// Only as written.
    as_written: Option<Regex>,
}

impl Redactor {
    /// Remembers the names of an event's people, so that they are replaced in the texts of all events. Only hashes of them are
    /// kept.
    pub fn learn(&mut self, event: &EventLine) {
        let messages = event.messages.iter().flatten();
        let mailboxes = messages.flat_map(|message| [message.from.as_deref(), message.to.as_deref()]).flatten();
        let shown = mailboxes.filter_map(|mailbox| mailbox.split_once('<')).map(|(name, _)| name);
        for name in event.row.lead_name.as_deref().into_iter().chain(shown).filter(|name| !name.contains('@')) {
            let words: Vec<&str> = words_of(name).filter(|word| !is_title(word)).collect();
            self.others.learn(&words, is_ordinary);
        }
        // In other events these are found as whole names: one of their words may be the beginning of a sentence.
        for name in beside::names_in(event) {
            self.others.learn(&name.iter().map(String::as_str).collect::<Vec<_>>(), |_| true);
        }
    }

    /// The event with stand-ins.
    #[must_use]
    pub fn redact(&self, event: EventLine) -> EventLine {
        let known = Known::of(&event);
        let id = |id: Option<String>| id.map(|id| self.stand_ins.id(&id));
        EventLine {
            id: self.stand_ins.id(&event.id),
            message_id: id(event.message_id),
            row: self.row(event.row, &known),
            thread: event.thread.map(|thread| self.thread(thread, &known)),
            messages: event
                .messages
                .map(|messages| messages.into_iter().map(|message| self.message(message, &known)).collect()),
            // It is that of the texts as they were.
            reading: None,
            history: event.history.map(|history| {
                let entries = history.into_iter().map(|mut entry| {
                    entry.action.0 = self.stand_ins.id(&entry.action.0);
                    entry.thread_id = self.stand_ins.id(&entry.thread_id);
                    entry.message_id = id(entry.message_id);
                    entry.lead_email = entry.lead_email.map(|address| self.address(&address));
                    entry.body = entry.body.map(|body| self.text(&body, &known));
                    entry
                });
                entries.collect()
            }),
            redacted: true,
            ..event
        }
    }

    fn row(&self, row: ThreadRow, known: &Known) -> ThreadRow {
        let id = |id: Option<String>| id.map(|id| self.stand_ins.id(&id));
        let text = |text: Option<String>| text.map(|text| self.text(&text, known));
        ThreadRow {
            id: self.stand_ins.id(&row.id),
            lead_id: id(row.lead_id),
            inbox_id: id(row.inbox_id),
            lead_email: row.lead_email.map(|address| self.mailbox(&address)),
            lead_name: row.lead_name.map(|name| self.person(&name)),
            subject: text(row.subject),
            preview: text(row.preview),
            ..row
        }
    }

    fn thread(&self, thread: ThreadDetail, known: &Known) -> ThreadDetail {
        let address = |address: Option<String>| address.map(|address| self.mailbox(&address));
        ThreadDetail {
            row: self.row(thread.row, known),
            campaign_id: thread.campaign_id.map(|id| self.stand_ins.id(&id)),
            inbox_email: address(thread.inbox_email),
            from_address: address(thread.from_address),
            to_address: address(thread.to_address),
            ..thread
        }
    }

    fn message(&self, message: Message, known: &Known) -> Message {
        let text = |text: Option<String>| text.map(|text| self.text(&text, known));
        let attachments = message.attachments.into_iter().map(|mut file| {
            file.filename = text(file.filename);
            file
        });
        Message {
            id: self.stand_ins.id(&message.id),
            from: message.from.map(|address| self.mailbox(&address)),
            to: message.to.map(|address| self.mailbox(&address)),
            subject: text(message.subject),
            text: text(message.text),
            html: text(message.html),
            message_id: message.message_id.map(|id| self.stand_ins.id(&id)),
            attachments: attachments.collect(),
            ..message
        }
    }

    /// `Name <address>`, or an address alone.
    fn mailbox(&self, mailbox: &str) -> String {
        match mailbox.split_once('<') {
            Some((name, address)) => {
                let address = address.trim_end().trim_end_matches('>');
                format!("{}<{}>", self.person(name), self.address(address))
            }
            None => self.address(mailbox),
        }
    }

    fn address(&self, address: &str) -> String {
        match address.trim().rsplit_once('@') {
            Some((local, domain)) => format!("{}@{}", self.local(local), self.domain(domain)),
            None => self.person(address),
        }
    }

    fn local(&self, local: &str) -> String {
        replace_words(local, |word| match ROLES.contains(&word.to_lowercase().as_str()) {
            true => word.to_owned(),
            false => self.stand_ins.name(word).to_lowercase(),
        })
    }

    fn domain(&self, domain: &str) -> String {
        let domain = domain.to_lowercase();
        if is_shared(&domain) {
            return domain;
        }
        let last = domain.split('.').count().saturating_sub(1);
        let labels = domain.split('.').enumerate().map(|(place, label)| match place == last || is_common(label) {
            true => label.to_owned(),
            false => self.stand_ins.name(label).to_lowercase(),
        });
        labels.collect::<Vec<_>>().join(".")
    }

    fn person(&self, name: &str) -> String {
        if name.contains('@') {
            return self.replace_addresses(name);
        }
        replace_words(name, |word| match is_title(word) {
            true => word.to_owned(),
            false => self.stand_ins.name(word),
        })
    }

    /// A text, or HTML.
    fn text(&self, text: &str, known: &Known) -> String {
        let text = self.replace_addresses(text);
        let text = replace(LINK.as_ref(), &text, |link| self.link(link));
        let text = replace(PHONE.as_ref(), &text, |found| {
            let Some(found) = found.get(0) else { return String::new() };
            let number = found.as_str();
            let is_date = DATE.as_ref().is_some_and(|date| date.is_match(number.trim_start_matches(['+', '('])));
            let around = (text.get(..found.start()).unwrap_or_default(), text.get(found.end()..).unwrap_or_default());
            if is_date || is_amount(number, around) { number.to_owned() } else { self.stand_ins.digits(number) }
        });
        let name = |word: &Captures<'_>| self.stand_ins.name(word.get(0).map_or("", |word| word.as_str()));
        let text = replace(known.any_case.as_ref(), &text, name);
        let text = replace(known.as_written.as_ref(), &text, name);
        self.others.replace(&text, |word| self.stand_ins.name(word))
    }

    fn replace_addresses(&self, text: &str) -> String {
        replace(ADDRESS.as_ref(), text, |address| self.address(address.get(0).map_or("", |found| found.as_str())))
    }

    fn link(&self, link: &Captures<'_>) -> String {
        let part = |number| link.get(number).map(|part: regex::Match<'_>| part.as_str());
        let host = part(2).unwrap_or_default().trim_end_matches('.');
        let scheme = part(1).map_or("www.".to_owned(), |scheme| format!("{scheme}://"));
        let path = if part(4).is_some_and(|path| path.len() > 1) { "/removed" } else { "" };
        let dot = if part(2).is_some_and(|host| host.ends_with('.')) && path.is_empty() { "." } else { "" };
        format!("{scheme}{}{path}{dot}", self.domain(host))
    }
}

impl Known {
    fn of(event: &EventLine) -> Self {
        let mut words = BTreeSet::new();
        let mut mailbox = |mailbox: Option<&str>| {
            let Some(mailbox) = mailbox else { return };
            let name = mailbox.split_once('<').map_or("", |(name, _)| name);
            words.extend(words_of(name).filter(|word| !is_title(word)).map(str::to_owned));
            let Some(address) = address_of(mailbox) else { return };
            let (local, domain) = address.rsplit_once('@').unwrap_or_default();
            let local = words_of(local).filter(|word| word.chars().count() > 2 && !ROLES.contains(word));
            words.extend(local.map(str::to_owned));
            if !is_shared(domain) {
                let labels: Vec<&str> = domain.split('.').collect();
                let labels = labels.split_last().map_or(&[][..], |(_, labels)| labels);
                words.extend(
                    labels.iter().filter(|label| label.len() > 2 && !is_common(label)).map(|label| (*label).to_owned()),
                );
            }
        };
        let row = &event.row;
        mailbox(row.lead_email.as_deref());
        for message in event.messages.iter().flatten() {
            mailbox(message.from.as_deref());
            mailbox(message.to.as_deref());
        }
        if let Some(thread) = &event.thread {
            mailbox(thread.inbox_email.as_deref());
            mailbox(thread.from_address.as_deref());
            mailbox(thread.to_address.as_deref());
        }
        let name = row.lead_name.as_deref().unwrap_or_default();
        words.extend(words_of(name).filter(|word| !is_title(word)).map(str::to_owned));
        words.extend(beside::names_in(event).into_iter().flatten());
        let (ordinary, rare): (Vec<String>, Vec<String>) = words.into_iter().partition(|word| is_ordinary(word));
        Self { any_case: any_of(&rare, true), as_written: any_of(&ordinary, false) }
    }
}

/// An expression for whole words.
fn any_of(words: &[String], any_case: bool) -> Option<Regex> {
    if words.is_empty() {
        return None;
    }
    let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
    let mut builder = RegexBuilder::new(&format!(r"\b(?:{})\b", words.join("|")));
    builder.case_insensitive(any_case).build().ok()
}

fn replace(what: Option<&Regex>, text: &str, with: impl Fn(&Captures<'_>) -> String) -> String {
    what.map_or_else(|| text.to_owned(), |what| what.replace_all(text, |found: &Captures<'_>| with(found)).into_owned())
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric()
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_part(c)).filter(|word| word.chars().count() > 1)
}

/// The text with each of its words replaced.
fn replace_words(text: &str, with: impl Fn(&str) -> String) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(is_part) {
        let (before, from) = rest.split_at(begin);
        let (word, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        replaced.push_str(before);
        replaced.push_str(&with(word));
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

fn is_title(word: &str) -> bool {
    TITLES.contains(&word.to_lowercase().as_str())
}

fn is_ordinary(word: &str) -> bool {
    ORDINARY.contains(&word.to_lowercase().as_str())
}

fn is_common(label: &str) -> bool {
    COMMON_LABELS.contains(&label)
}

/// Whether a domain is many people's, so that it tells of none.
fn is_shared(domain: &str) -> bool {
    let is_of =
        |shared: &&str| domain.strip_suffix(*shared).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    SHARED_HOSTS.iter().any(is_of) || Builtin::FreeMail.list().find(domain, Match::Domain).is_some()
}

#[cfg(test)]
mod tests;

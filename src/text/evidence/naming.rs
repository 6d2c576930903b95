//! What in a line names an earlier message: its sender, recipient, date, and subject, whatever words stand around them.

use std::collections::{BTreeSet, HashMap};

use jiff::ToSpan;
use jiff::civil::Date;
use unicode_normalization::char::is_combining_mark;

use super::Earlier;
use super::words::{Folding, Words};

/// What one message is named by.
#[derive(Debug, Default)]
pub(super) struct Names {
    sender: Party,
    recipient: Party,
    subject: Vec<u64>,
    // The days that it was, somewhere on earth, and the minute.
    days: Vec<Date>,
    minute: Option<i8>,
}

#[derive(Debug, Default, Clone)]
struct Party {
    address: Option<String>,
    words: BTreeSet<u64>,
}

/// One sign in a line that a message is named, at a byte of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    SenderAddress,
    RecipientAddress,
    SenderName,
    /// Another word of the sender's name.
    SenderSurname,
    RecipientName,
    Day,
    Month,
    Year,
    Minute,
    /// The subject among other words.
    SubjectWords,
    /// The subject alone, behind a label if any.
    Subject,
    /// A label in front of something that names the message, as "Zorg: Sam".
    Label,
    /// The line ends with a colon.
    Colon,
}

impl Sign {
    /// What the sign counts; see `attribution::ENOUGH`.
    pub(super) fn weight(self) -> u32 {
        match self {
            Self::SenderAddress | Self::Subject => 3,
            Self::RecipientAddress | Self::Colon => 2,
            _ => 1,
        }
    }

    /// Whether only somebody who copies the message's headers writes it.
    pub(super) fn is_copied(self) -> bool {
        !matches!(self, Self::SenderName | Self::SenderSurname | Self::RecipientName | Self::Colon | Self::SubjectWords)
    }
}

/// What each of these messages is named by.
pub(super) fn read_names(messages: &[Earlier<'_>]) -> Vec<Names> {
    // A later message may tell the name of an address.
    let mut known: HashMap<String, Party> = HashMap::new();
    for written in messages.iter().flat_map(|message| [message.from, message.to]).flatten() {
        let party = Party::read(written);
        if let Some(address) = party.address.clone() {
            known.entry(address).or_default().words.extend(party.words);
        }
    }
    let find = |written: Option<&str>| {
        let mut party = written.map(Party::read).unwrap_or_default();
        if let Some(found) = party.address.as_ref().and_then(|address| known.get(address)) {
            party.words.extend(&found.words);
        }
        party
    };
    messages
        .iter()
        .map(|message| Names {
            sender: find(message.from),
            recipient: find(message.to),
            subject: message.subject.map(subject_words).unwrap_or_default(),
            days: message.date.map(days).unwrap_or_default(),
            minute: message.date.map(|date| jiff::tz::TimeZone::UTC.to_datetime(date).minute()),
        })
        .collect()
}

impl Party {
    // "Sam Lee <sam@us.example>"; the words of the name and of the address's first part.
    fn read(written: &str) -> Self {
        const SHARED: [&str; 10] =
            ["info", "sales", "contact", "hello", "mail", "team", "office", "support", "admin", "the"];
        let written = super::super::lines::truncate(written, 300);
        let address = written
            .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | ',' | ';'))
            .find(|part| part.contains('@'))
            .map(str::to_lowercase);
        let name = written.split('<').next().filter(|name| !name.contains('@')).unwrap_or_default();
        let local = address.as_deref().and_then(|address| address.split('@').next()).unwrap_or_default();
        let mut words = BTreeSet::new();
        for (text, least) in [(name, 2), (local, 3)] {
            for word in Words::from_lines([text], Folding::Base, 8).words {
                let letters = text.get(word.start..word.end).unwrap_or_default();
                let is_name = letters.len() >= least && !letters.bytes().all(|byte| byte.is_ascii_digit());
                if is_name && !SHARED.contains(&letters.to_lowercase().as_str()) {
                    words.insert(word.hash);
                }
            }
        }
        Self { address, words }
    }
}

// The subject without what stands before its last short "Re:".
fn subject_words(subject: &str) -> Vec<u64> {
    let mut rest = super::super::lines::truncate(subject, 300).trim();
    while let Some((prefix, tail)) = rest.split_once([':', '：']) {
        if prefix.chars().count() > 16 || tail.trim().is_empty() {
            break;
        }
        rest = tail.trim();
    }
    Words::from_lines([rest], Folding::Base, 40).words.iter().map(|word| word.hash).collect()
}

fn days(date: jiff::Timestamp) -> Vec<Date> {
    let at = jiff::tz::TimeZone::UTC.to_datetime(date);
    let earlier = (at.hour() < 12).then(|| at.date().checked_sub(1.day()).ok()).flatten();
    let later = (at.hour() >= 10).then(|| at.date().checked_add(1.day()).ok()).flatten();
    [Some(at.date()), earlier, later].into_iter().flatten().collect()
}

impl Names {
    /// Whether these words are the subject.
    pub(super) fn is_subject(&self, words: &[super::words::Word]) -> bool {
        !self.subject.is_empty() && words.iter().map(|word| word.hash).eq(self.subject.iter().copied())
    }

    /// How many words the subject has.
    pub(super) fn subject_length(&self) -> usize {
        self.subject.len()
    }

    /// The signs in a line, each with the byte at which it begins.
    pub(super) fn find_signs(&self, line: &str) -> Vec<(usize, Sign)> {
        let mut signs = Vec::new();
        let words = Words::from_lines([line], Folding::Base, 80).words;
        self.find_addresses(line, &mut signs);
        let mut first_name = None;
        for word in &words {
            if self.sender.words.contains(&word.hash) {
                let first = *first_name.get_or_insert(word.hash) == word.hash;
                signs.push((word.start, if first { Sign::SenderName } else { Sign::SenderSurname }));
            } else if self.recipient.words.contains(&word.hash) {
                signs.push((word.start, Sign::RecipientName));
            }
        }
        self.find_date(line, &mut signs);
        let value = label_end(line);
        self.find_subject(line, value.unwrap_or(0), &words, &mut signs);
        if let Some(value) = value
            && self.is_named_by(line.get(value..).unwrap_or_default(), value, &words, &signs)
        {
            signs.push((0, Sign::Label));
        }
        if line.trim_end_matches(['*', '_', '-', ' ', '>']).ends_with([':', '：']) {
            signs.push((line.len(), Sign::Colon));
        }
        signs.sort_unstable();
        signs
    }

    fn find_addresses(&self, line: &str, signs: &mut Vec<(usize, Sign)>) {
        let lower = line.to_ascii_lowercase();
        for (party, sign) in [(&self.sender, Sign::SenderAddress), (&self.recipient, Sign::RecipientAddress)] {
            if let Some(at) =
                party.address.as_deref().filter(|address| !address.is_empty()).and_then(|it| lower.rfind(it))
            {
                signs.push((at, sign));
            }
        }
    }

    fn find_date(&self, line: &str, signs: &mut Vec<(usize, Sign)>) {
        let numbers = read_numbers(line);
        let years: Vec<u32> = self.days.iter().map(|date| u32::from(date.year().unsigned_abs())).collect();
        if let Some(year) = numbers.iter().rev().find(|number| years.contains(&number.value)) {
            signs.push((year.start, Sign::Year));
        }
        for date in &self.days {
            let is = |number: &Number, value: i8| number.value == u32::from(value.unsigned_abs()) && !number.is_time;
            let Some(day) = numbers.iter().rev().find(|number| is(number, date.day())) else { continue };
            signs.push((day.start, Sign::Day));
            if signs.iter().any(|(_, sign)| *sign == Sign::Year) {
                let month = numbers.iter().rev().find(|number| is(number, date.month()) && number.start != day.start);
                signs.extend(month.map(|month| (month.start, Sign::Month)));
            }
            let minute = self.minute.and_then(|minute| u32::try_from(minute).ok());
            let time = numbers.iter().rev().find(|number| {
                number.is_minute && minute.is_some_and(|minute| (number.value + 60).abs_diff(minute) % 15 == 0)
            });
            signs.extend(time.map(|time| (time.start, Sign::Minute)));
            break;
        }
    }

    fn find_subject(&self, line: &str, value: usize, words: &[super::words::Word], signs: &mut Vec<(usize, Sign)>) {
        if self.subject.is_empty() {
            return;
        }
        let value_words = subject_words(line.get(value..).unwrap_or_default());
        if value > 0 && value_words == self.subject {
            signs.push((value, Sign::Subject));
            return;
        }
        let hashes: Vec<u64> = words.iter().map(|word| word.hash).collect();
        let found = hashes.windows(self.subject.len()).rposition(|window| window == self.subject.as_slice());
        if let Some(word) = found.filter(|_| self.subject.len() >= 2).and_then(|at| words.get(at)) {
            signs.push((word.start, Sign::SubjectWords));
        }
    }

    // Whether what stands behind a label is nothing but a name, an address, a date, or the subject.
    fn is_named_by(&self, value: &str, start: usize, words: &[super::words::Word], signs: &[(usize, Sign)]) -> bool {
        if value.contains('@') {
            return true;
        }
        let behind = || words.iter().filter(|word| word.start >= start);
        let has = |wanted: &[Sign]| signs.iter().any(|(_, sign)| wanted.contains(sign));
        let names =
            behind().all(|word| self.sender.words.contains(&word.hash) || self.recipient.words.contains(&word.hash));
        let others = || behind().filter(|word| !value_is_number(value, word.start - start, word.end - start)).count();
        (names && behind().next().is_some()) || has(&[Sign::Subject]) || (has(&[Sign::Day]) && others() <= 5)
    }
}

fn value_is_number(value: &str, start: usize, end: usize) -> bool {
    value.get(start..end).is_some_and(|word| word.chars().any(char::is_numeric))
}

/// Where the value behind a label begins, "Zorg: Sam": a few words, a colon, and more.
pub(super) fn label_end(line: &str) -> Option<usize> {
    let colon = line.find([':', '：'])?;
    let label = line.get(..colon)?.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '>' | '|'));
    let after = colon + line.get(colon..)?.chars().next()?.len_utf8();
    let value = line.get(after..)?.trim_matches(['*', '_', ' ', '\t']);
    let is_label = (1..=32).contains(&label.chars().count())
        && label.split(' ').count() <= 4
        && !label.contains(". ")
        && label
            .chars()
            .all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '’' | '.') || is_combining_mark(c));
    (is_label && !value.is_empty() && !value.starts_with("//")).then_some(after)
}

struct Number {
    start: usize,
    value: u32,
    /// Whether it is the minutes of a time, or any part of one.
    is_minute: bool,
    is_time: bool,
}

fn read_numbers(line: &str) -> Vec<Number> {
    let mut numbers: Vec<Number> = Vec::new();
    let mut open: Option<(usize, u32, usize)> = None;
    // What stands between this number and the one before it.
    let mut between: Option<(usize, char)> = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        if let Some(digit) = digit(c) {
            let (_, value, length) = open.get_or_insert((at, 0, 0));
            *value = value.saturating_mul(10).saturating_add(digit);
            *length += 1;
            continue;
        }
        if let Some((start, value, length)) = open.take() {
            let after_separator = between.is_some_and(|(end, c)| {
                end == start
                    && (matches!(c, ':' | '：' | 'h' | 'H')
                        || c == '.' && length == 2
                        || matches!(c, '时' | '時' | '시' | '点'))
            });
            let hour = numbers.last().is_some_and(|before| before.value < 25);
            let is_minute = after_separator && hour && length == 2 && value < 60;
            let colon = between.is_some_and(|(_, c)| c != '.');
            if is_minute
                && colon
                && let Some(before) = numbers.last_mut()
            {
                before.is_time = true;
            }
            numbers.push(Number { start, value, is_minute, is_time: is_minute && colon });
            if numbers.len() >= 24 {
                break;
            }
        }
        between = Some((at + c.len_utf8(), c));
    }
    numbers
}

fn digit(c: char) -> Option<u32> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        '\u{966}'..='\u{96f}' => '\u{966}',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        _ => return None,
    };
    Some(u32::from(c) - u32::from(zero))
}

//! Names that texts tell beside an address: `Ask Petra Kern <petra@…>`, `petra@… (Petra Kern)`, the lines of a signature.
//!
//! What is written as a name is one if it stands at an address, or agrees with what stands before its `@`: then it is found in
//! all texts of the event. Whatever mailboxes are for, what leads to a name, and days are no names.

use super::{ADDRESS, EventLine, ROLES, is_ordinary, is_title, no_names::NO_NAMES, replace};
use crate::{
    backtest::other_names::word_ranges,
    text::{html_to_text, without_accents},
};
use regex::Regex;
use std::{borrow::Cow, collections::BTreeSet, ops::Range, sync::LazyLock};

/// A link to an address, and what it shows.
static MAIL_LINK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?is)<a\b[^>]*\bhref\s*=\s*["']?mailto:([^"'?>\s]+)[^>]*>(.*?)</a>"#).ok());
/// A name in brackets behind an address.
static IN_BRACKETS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[>\]]?\s{0,2}\(([^()@\d]{2,60})\)").ok());

/// So many words make a name at most.
const MAX_WORDS: usize = 4;
/// So many characters stand between a name and its address at most, such as ` <mailto:`.
const MAX_BETWEEN: usize = 12;

/// The names beside the addresses in an event's texts, each as its words.
pub(super) fn names_in(event: &EventLine) -> BTreeSet<Vec<String>> {
    let texts: Vec<Cow<'_, str>> = texts_of(event).filter(|text| text.contains('@')).map(plain).collect();
    if texts.is_empty() {
        return BTreeSet::new();
    }
    let addresses: Vec<Address> = texts.iter().flat_map(|text| addresses_in(text)).map(|(_, found)| found).collect();
    let mut names = BTreeSet::new();
    let others: Vec<Cow<'_, str>> = texts_of(event).filter(|text| !text.contains('@')).map(plain).collect();
    for line in texts.iter().chain(&others).flat_map(|text| text.lines()) {
        let line = Line::of(line);
        line.beside(&mut names);
        line.agreeing(&addresses, &mut names);
    }
    names
}

fn texts_of(event: &EventLine) -> impl Iterator<Item = &str> {
    // A preview is the beginning of a message without its lines: it tells no more.
    let preview = event.row.preview.as_deref().filter(|_| event.messages.is_none());
    let row = [event.row.subject.as_deref(), preview];
    let messages = event.messages.iter().flatten();
    let written =
        messages.flat_map(|message| [message.subject.as_deref(), message.text.as_deref(), message.html.as_deref()]);
    let sent = event.history.iter().flatten().map(|entry| entry.body.as_deref());
    row.into_iter().chain(written).chain(sent).flatten()
}

/// HTML as text, in which a link to an address shows it.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains("</") && !text.contains("&lt;") {
        return Cow::Borrowed(text);
    }
    let shown = replace(MAIL_LINK.as_ref(), text, |link| {
        let part = |number| link.get(number).map_or("", |part: regex::Match<'_>| part.as_str());
        format!("{} &lt;{}&gt;", part(2), part(1))
    });
    Cow::Owned(html_to_text(&shown))
}

/// What stands before the `@` of an address, as it may agree with a name.
struct Address {
    /// Its words; none if they say what the mailbox is for.
    words: Vec<String>,
    joined: String,
}

impl Address {
    fn of(address: &str) -> Self {
        let local = address.rsplit_once('@').map_or("", |(local, _)| local).to_lowercase();
        let words = local.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty() && !is_no_name(word));
        let words: Vec<String> = words.map(str::to_owned).collect();
        Self { joined: words.concat(), words }
    }

    fn has(&self, word: &str) -> bool {
        word.chars().count() > 2 && spellings(word).iter().any(|spelling| self.words.contains(spelling))
    }

    /// The names among words that stand together: who is called Petra has a surname after it, who is called Kern at the end a first
    /// name before it.
    fn found_in(&self, words: &[&str]) -> Vec<Range<usize>> {
        let is_known: Vec<bool> = words.iter().map(|word| self.has(word)).collect();
        let known = |place: usize| is_known.get(place).copied().unwrap_or_default();
        let mut found = Vec::new();
        for place in (0..words.len()).filter(|place| known(*place)) {
            let is_last = place + 1 == words.len();
            found.push(match place.checked_sub(1) {
                Some(before) if known(before) => place..place + 1,
                Some(before) if is_last => before..place + 1,
                _ => place..(place + 2).min(words.len()),
            });
        }
        for first in 0..words.len() {
            for last in first + 1..words.len().min(first + MAX_WORDS) {
                let surnames = (first + 1..=last).filter_map(|from| words.get(from..=last)).map(<[&str]>::concat);
                let (Some(given), mut surnames) = (words.get(first), surnames) else { continue };
                if surnames.any(|surname| self.abbreviates(given, &surname)) {
                    found.push(first..last + 1);
                }
            }
        }
        found
    }

    /// `pkern@` and `p.kern@`, `petrak@` and `kernp@`.
    fn abbreviates(&self, first: &str, last: &str) -> bool {
        let initial = |word: &str| word.chars().next().map(String::from).unwrap_or_default();
        spellings(first).iter().any(|first| {
            spellings(last).iter().any(|last| {
                let (f, l) = (initial(first), initial(last));
                let forms = [
                    format!("{f}{last}"),
                    format!("{last}{f}"),
                    format!("{first}{l}"),
                    format!("{first}{last}"),
                    format!("{last}{first}"),
                ];
                self.joined.len() > 3 && forms.contains(&self.joined)
            })
        })
    }
}

fn addresses_in(text: &str) -> Vec<(Range<usize>, Address)> {
    let found = ADDRESS.as_ref().into_iter().flat_map(|address| address.find_iter(text));
    found.map(|found| (found.range(), Address::of(found.as_str()))).collect()
}

/// How an address writes a word.
fn spellings(word: &str) -> [String; 2] {
    let small = word.to_lowercase();
    let long = small.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss");
    [without_accents(&small), without_accents(&long)]
}

fn is_no_name(word: &str) -> bool {
    let small = word.to_lowercase();
    let small = small.as_str();
    ROLES.contains(&small) || NO_NAMES.contains(&small)
}

/// A line with the places where it may have names: words in a row that are written as names are.
struct Line<'t> {
    text: &'t str,
    addresses: Vec<(Range<usize>, Address)>,
    runs: Vec<Vec<Range<usize>>>,
}

impl<'t> Line<'t> {
    fn of(text: &'t str) -> Self {
        let addresses = addresses_in(text);
        let mut line = Self { text, addresses, runs: Vec::new() };
        for word in word_ranges(text) {
            let is_of_address =
                line.addresses.iter().any(|(address, _)| address.start < word.end && word.start < address.end);
            if is_of_address || !(line.may_be_name(&word) || is_title(line.word(&word))) {
                continue;
            }
            let last = line.runs.last().and_then(|run| run.last()).cloned();
            let joins = last.is_some_and(|last| line.are_together(&last, &word));
            match line.runs.last_mut().filter(|_| joins) {
                Some(run) => run.push(word),
                None => line.runs.push(vec![word]),
            }
        }
        // “Dr.” and “van” belong to a name, and are none.
        let is_title_at = |word: &Range<usize>| is_title(text.get(word.clone()).unwrap_or_default());
        for run in &mut line.runs {
            while run.last().is_some_and(is_title_at) {
                run.pop();
            }
        }
        line.runs.retain(|run| !run.is_empty());
        line
    }

    fn word(&self, range: &Range<usize>) -> &'t str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    fn may_be_name(&self, range: &Range<usize>) -> bool {
        let word = self.word(range);
        let is_written_so = word.chars().next().is_some_and(|first| first.is_alphabetic() && !first.is_lowercase());
        is_written_so && !word.chars().any(|c| c.is_ascii_digit()) && !is_no_name(word)
    }

    /// “Jean-Luc”, “O'Brien”, “P. Kern”.
    fn are_together(&self, one: &Range<usize>, other: &Range<usize>) -> bool {
        let between = self.text.get(one.end..other.start).unwrap_or_default();
        let is_initial = self.word(one).chars().count() <= 2 || is_title(self.word(one));
        match between.trim_start_matches('.') {
            " " | "\u{a0}" => between.len() < 3 && (is_initial || !between.starts_with('.')),
            "-" | "'" | "’" => true,
            _ => false,
        }
    }

    fn name(&self, run: &[Range<usize>]) -> Vec<String> {
        let words = run.iter().map(|word| self.word(word));
        words.filter(|word| word.chars().count() > 1 && !is_title(word)).map(str::to_owned).collect()
    }

    /// Names that stand at an address.
    fn beside(&self, names: &mut BTreeSet<Vec<String>>) {
        let mut note = |name: Vec<String>| {
            if !name.is_empty() && name.len() <= MAX_WORDS {
                names.insert(name);
            }
        };
        for (place, address) in &self.addresses {
            let before = |run: &&Vec<Range<usize>>| run.last().is_some_and(|last| last.end <= place.start);
            if let Some(run) = self.runs.iter().rev().find(before) {
                let end = run.last().map_or(0, |last| last.end);
                let between = self.text.get(end..place.start).unwrap_or_default();
                let is_joined = between.len() <= MAX_BETWEEN
                    && between.replace("mailto:", "").chars().all(|c| !c.is_alphanumeric() && !".!?".contains(c));
                let is_bracketed = is_joined && between.contains(['<', '(', '[']);
                let name = self.name(run);
                let agrees = name.iter().any(|word| address.has(word));
                if is_bracketed || is_joined && (agrees || name.len() > 1) {
                    // “Kern, Petra <…>”
                    let turned = self.runs.iter().find(|other| is_bracketed && self.is_turned(other, run));
                    note(turned.map(|other| self.name(other)).into_iter().flatten().chain(name).collect());
                }
            }
            let behind = self.text.get(place.end..).unwrap_or_default();
            let shown =
                IN_BRACKETS.as_ref().and_then(|brackets| brackets.captures(behind)).and_then(|found| found.get(1));
            if let Some(shown) = shown {
                let inside = place.end + shown.start()..place.end + shown.end();
                let within = |run: &&Vec<Range<usize>>| {
                    run.iter().all(|word| inside.start <= word.start && word.end <= inside.end)
                };
                self.runs.iter().filter(within).for_each(|run| note(self.name(run)));
            }
        }
    }

    /// Whether one is the surname before a comma, at the beginning or behind a colon.
    fn is_turned(&self, surname: &[Range<usize>], first: &[Range<usize>]) -> bool {
        let (Some(begin), Some(end), Some(next)) = (surname.first(), surname.last(), first.first()) else {
            return false;
        };
        let before = self.text.get(..begin.start).unwrap_or_default().trim_end_matches(['"', '\'', ' ', '>', '\t']);
        self.text.get(end.end..next.start) == Some(", ") && (before.is_empty() || before.ends_with([':', ';']))
    }

    /// Names that agree with an address, wherever that stands.
    fn agreeing(&self, addresses: &[Address], names: &mut BTreeSet<Vec<String>>) {
        for run in &self.runs {
            let words: Vec<&str> = run.iter().map(|word| self.word(word)).collect();
            for address in addresses {
                let mut found = address.found_in(&words);
                if !found.is_empty() && words.len() <= MAX_WORDS && self.is_whole(run) {
                    found.clear();
                    found.push(0..words.len());
                }
                for range in found {
                    let name = self.name(run.get(range).unwrap_or_default());
                    // One word alone must be hardly anything but a name.
                    if name.len() > 1 || name.iter().any(|word| !is_ordinary(word)) {
                        names.insert(name);
                    }
                }
            }
        }
    }

    /// Whether there is nothing else in the line.
    fn is_whole(&self, run: &[Range<usize>]) -> bool {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return false };
        let around = [self.text.get(..first.start), self.text.get(last.end..)];
        around.into_iter().flatten().all(|text| text.trim().is_empty())
    }
}

//! What a person is called, out of the name that a list of leads has: a greeting with a wrong name is worse than none.
//!
//! Lists hold placeholders, addresses, titles, degrees, tags of mail systems, companies. [`person_name`] takes them off where
//! they are certain, and gives no first name where only a surname, a company or several readings are left.

mod given;
mod word;
mod words;

use super::normalize;
use given::given_and_family;
pub(crate) use word::without_accents;
use word::{Kind, Word};

/// A longer text is no name.
const MAX_LEN: usize = 200;

/// What is known of a lead's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// The name as the list has it, without tags, quotes around it and what shows nothing; absent for placeholders and
    /// addresses.
    pub full: Option<String>,
    /// What one greets by: `Jane`. Absent where that is not certain.
    pub first: Option<String>,
    /// The rest of the name, or the surname where nothing else is known.
    pub last: Option<String>,
}

/// Reads a name; `email` is the lead's address, which tells a first name from a company where both are possible.
///
/// `Doe, Jane`, `Dr. Jane Doe, MBA`, `[EXT] JANE DOE` and `DOE Jane` are Jane; `Mr. Doe`, `Acme GmbH`, `jdoe84`, `J. Doe` and
/// `null` have no first name. Chinese, Japanese and Korean names have none either: the family name stands first, where it ends
/// is not written, and to be called by it alone, without a title, is rude.
pub fn person_name(name: &str, email: Option<&str>) -> PersonName {
    if name.len() > MAX_LEN {
        return PersonName::default();
    }
    let normal = normalize(name);
    let spaced = normal.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
    let visible = without_brackets(&spaced);
    if word::is_placeholder(&spaced) || word::is_placeholder(&visible) || word::is_address(&visible) {
        return PersonName::default();
    }
    let full = Some(visible.trim_matches(['"', '\'', ' ']).to_owned()).filter(|full| !full.is_empty());
    let evidence = Evidence::new(email);
    let read = segment(&visible, &evidence).and_then(|part| in_order(&part, &evidence));
    let (first, last) = read.map(|words| given_and_family(words, &evidence)).unwrap_or_default();
    PersonName { full, first, last }
}

/// What the lead's address tells of the name.
pub(super) struct Evidence {
    local: Vec<String>,
    domain: Vec<String>,
}

impl Evidence {
    fn new(email: Option<&str>) -> Self {
        let email = email.unwrap_or_default().trim().trim_matches(['<', '>']).to_lowercase();
        let (local, domain) = email.rsplit_once('@').unwrap_or_default();
        let pieces = |text: &str| text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
        let mut labels: Vec<String> = domain.split('.').map(str::to_owned).collect();
        labels.pop();
        Self { local: pieces(local), domain: labels }
    }

    /// Whether the address is this person's: `jane.doe@…` for Jane.
    fn names(&self, word: &Word) -> bool {
        let plain = word::without_accents(&word.key);
        plain.len() > 1 && self.local.contains(&plain)
    }

    /// Whether the word is the company's name, and not the person's.
    fn is_company(&self, word: &Word) -> bool {
        let plain = word::without_accents(&word.key);
        plain.len() > 2 && self.domain.contains(&plain) && !self.local.contains(&plain)
    }
}

/// The text without what stands in brackets, nested or never closed.
fn without_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open = Vec::new();
    for c in text.chars() {
        match c {
            '(' | '[' | '{' | '<' => open.push(c),
            ')' | ']' | '}' | '>' => {
                open.pop();
                out.push(' ');
            }
            _ if open.is_empty() => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The part of a text that is the person: before `| Acme`, `- Head of Sales`, `from Acme`, behind `EXT:`.
fn segment(text: &str, evidence: &Evidence) -> Option<String> {
    let mut parts: Vec<Vec<&str>> = vec![Vec::new()];
    let separated = text.replace(['|', ';'], " | ");
    for token in separated.split(' ').filter(|token| !token.is_empty()) {
        let is_first = parts.iter().all(Vec::is_empty);
        if matches!(token, "|" | "-" | "--" | "/" | "//" | "·" | "•") {
            parts.push(Vec::new());
        } else if !is_first && words::OF_COMPANY.contains(&token) {
            // What follows is where somebody works.
            break;
        } else if let (true, Some(_)) = (is_first, token.strip_suffix(':')) {
            // A tag, or `Name:`.
        } else if let Some(part) = parts.last_mut() {
            part.push(token);
        }
    }
    parts.retain(|part| part.iter().any(|token| token.chars().any(char::is_alphanumeric)));
    // Two people are greeted by no one name.
    parts.retain(|part| !part.iter().skip(1).any(|token| words::AND.contains(token)));
    let read: Vec<(String, Vec<Word>)> = parts
        .iter()
        .map(|part| part.join(" "))
        .map(|part| {
            let words = word::split(&part);
            (part, words)
        })
        .collect();
    let mut all = read.iter();
    let (first, words) = all.next()?;
    if read.len() == 1 {
        return Some(first.clone());
    }
    let is_person = |words: &[Word]| {
        let is_plain = |word: &&Word| !word.is(Kind::Company) && !word.is(Kind::Office) && !word.is(Kind::Job);
        words.len() > 1 && words.iter().filter(is_plain).count() == words.len()
    };
    if is_person(words) && !all.any(|(_, words)| is_person(words)) {
        return Some(first.clone());
    }
    // The person may be any of them: the one whom the address names.
    let named = read.iter().find(|(_, words)| words.first().is_some_and(|word| evidence.names(word)));
    named.map(|(part, _)| part.clone())
}

/// The words with the given name first: what stands behind a comma is a given name, a degree, a job or a place.
fn in_order(part: &str, evidence: &Evidence) -> Option<Vec<Word>> {
    let mut parts: Vec<Vec<Word>> = part.split(',').map(word::split).filter(|words| !words.is_empty()).collect();
    if parts.len() < 2 {
        return parts.pop();
    }
    let name = parts.remove(0);
    if parts.iter().any(|words| words.iter().all(|word| word.is(Kind::Company))) {
        return None;
    }
    let is_added = |words: &Vec<Word>| {
        words.iter().all(|word| word.is(Kind::Degree) || word.is(Kind::Courtesy) || word.is(Kind::Learned))
            || words.iter().any(|word| word.is(Kind::Job) || word.is(Kind::Office) || word.is(Kind::Company))
    };
    let in_capitals = |words: &[Word]| words.iter().all(Word::is_in_capitals);
    // A credential that is not listed: `Jane Doe, CFE`.
    let is_credential = |words: &[Word]| {
        name.len() > 1 && !in_capitals(&name) && words.iter().all(|word| word.is_in_capitals() && word.key.len() < 7)
    };
    // Behind a degree stand more of them.
    let added = parts.iter().position(|words| is_added(words) || is_credential(words));
    match added {
        Some(at) if name.len() > 1 => parts.truncate(at),
        _ => parts.retain(|words| !is_added(words)),
    }
    let Some(behind) = parts.into_iter().next() else {
        // `Doe, MD`: a surname.
        return (name.len() > 1).then_some(name);
    };
    let titles = name.iter().take_while(|word| word.is(Kind::Courtesy) || word.is(Kind::Learned)).count();
    let family: Vec<Word> = name.iter().skip(titles).cloned().collect();
    let is_family = family.len() == 1
        || family.first().is_some_and(Word::is_particle)
        || (in_capitals(&family) && !in_capitals(&behind));
    let given_is_behind = is_family || behind.iter().any(|word| evidence.names(word));
    if given_is_behind {
        return Some(behind.into_iter().chain(family).collect());
    }
    // `Jane Doe, Berlin` looks like `García López, María`.
    name.iter().any(|word| evidence.names(word)).then_some(name)
}

//! Hearing a lead who wants no more mail. Recall comes first: a lead who is taken for one who opted out gets no automatic
//! reply, which a teammate can still send; an unwanted reply cannot be taken back.

use std::ops::Range;

use super::document::{Document, Sentence};
use super::lines::truncate;
use super::phrases::{Hit, Topic};
use super::reading::Reading;
use super::subject;

/// At most this many bytes are searched.
const MAX_BYTES: usize = 64 * 1024;
/// Below the words that are the whole mail may stand a name and a company: lines of at most this many words.
const MAX_SIGNATURE_LINES: usize = 3;
const MAX_SIGNATURE_WORDS: usize = 6;
/// After a greeting, a name of at most this many words.
const MAX_NAME_WORDS: usize = 3;

/// The words with which the sender asks for no more mail, if they do.
///
/// `body` is the new text of a message, or a preview; quoted text and signatures in it are ignored, so that the
/// footer of our own mail opts nobody out.
pub fn opt_out(subject: Option<&str>, body: &str) -> Option<String> {
    Reading::of(Some(truncate(body, MAX_BYTES)), None).opt_out(subject)
}

/// The same in a text that is known to be the sender's.
pub(super) fn find(subject: Option<&str>, new: &Document) -> Option<String> {
    in_document(new).or_else(|| subject.and_then(in_subject))
}

/// Whether these words, which are known to be the sender's, ask for no more mail.
pub(super) fn is_opt_out(words: &str) -> bool {
    in_document(&Document::of(words)).is_some()
}

/// The words in a text that ask for no more mail.
fn in_document(document: &Document) -> Option<String> {
    const ASKS: [Topic; 5] =
        [Topic::OptOutAlone, Topic::OptOutKeyword, Topic::OptOut, Topic::OptOutWithMe, Topic::OptOutWord];
    if !ASKS.iter().any(|topic| document.has(*topic)) {
        return None;
    }
    let found = whole_text(document)
        .or_else(|| document.sentences(true).iter().find_map(|sentence| alone(document, sentence)))
        .or_else(|| document.sentences(false).iter().find_map(|sentence| in_sentence(document, sentence)))?;
    Some(truncate(document.text_of(found), 200).to_owned())
}

fn in_subject(subject: &str) -> Option<String> {
    let subject = truncate(subject, 2048);
    let bare = subject::bare(subject);
    let document = Document::of(bare);
    let found = whole_text(&document).or_else(|| {
        // What stands after "Re:" are our words, unless they are as plain as the ones above.
        let is_ours = bare.len() != subject.trim().len();
        let mut sentences = document.sentences(true).into_iter();
        if is_ours { None } else { sentences.find_map(|sentence| in_sentence(&document, &sentence)) }
    })?;
    Some(document.text_of(found).to_owned())
}

/// The whole text is nothing but a word such as "stop", a greeting above it and a name below.
fn whole_text(document: &Document) -> Option<Range<usize>> {
    let mut units = document.sentences(true).into_iter();
    let mut unit = units.next()?;
    // "Hi Sam," stands on its own line or before a comma.
    let greeted = polite_from(document, unit.words.start, unit.words.end);
    if greeted > unit.words.start
        && unit.words.end - greeted <= MAX_NAME_WORDS
        && !covers(document, &unit.words, KEYWORDS)
    {
        unit = units.next()?;
    }
    if unit.is_question {
        return None;
    }
    let found = covered(document, &unit.words, KEYWORDS)?;
    let rest: Vec<Sentence> = units.collect();
    let is_signature = |unit: &Sentence| {
        unit.words.len() <= MAX_SIGNATURE_WORDS && !unit.is_question || covers(document, &unit.words, KEYWORDS)
    };
    (rest.len() <= MAX_SIGNATURE_LINES && rest.iter().all(is_signature)).then_some(found)
}

const KEYWORDS: &[Topic] = &[Topic::OptOutAlone, Topic::OptOutKeyword];

/// A sentence or a line is nothing but "stop" or "remove me".
fn alone(document: &Document, sentence: &Sentence) -> Option<Range<usize>> {
    if sentence.is_question {
        return None;
    }
    let found = covered(document, &sentence.words, &[Topic::OptOutAlone])?;
    counts(document, sentence, found.clone()).then_some(found)
}

/// Whether nothing around the words of an opt-out makes it none.
fn counts(document: &Document, sentence: &Sentence, found: Range<usize>) -> bool {
    let hits = &document.hits;
    let names_mail = || hits.has(Topic::NorMail, sentence.words.clone());
    !hits.overlaps(Topic::NotOptOut, found.clone()) && (!hits.overlaps(Topic::UnwantedThing, found) || names_mail())
}

fn covers(document: &Document, words: &Range<usize>, topics: &[Topic]) -> bool {
    covered(document, words, topics).is_some()
}

/// The phrases of the topics that some words are made of, where nothing else but polite words is among them.
fn covered(document: &Document, words: &Range<usize>, topics: &[Topic]) -> Option<Range<usize>> {
    let mut at = words.start;
    let mut found: Option<Range<usize>> = None;
    while at < words.end {
        let longest = |topic: &Topic| {
            let hits = document.hits.within(*topic, at..words.end);
            hits.take_while(|hit| hit.first == at).map(|hit| hit.end).max()
        };
        if let Some(end) = topics.iter().filter_map(longest).max() {
            found = Some(found.map_or(at, |found| found.start)..end);
            at = end;
        } else if let Some(end) = longest(&Topic::Polite) {
            at = end;
        } else {
            return None;
        }
    }
    found
}

fn polite_from(document: &Document, mut at: usize, end: usize) -> usize {
    let longest = |at: usize| {
        let hits = document.hits.within(Topic::Polite, at..end).take_while(|hit| hit.first == at);
        hits.map(|hit| hit.end).max()
    };
    while let Some(end) = longest(at) {
        at = end;
    }
    at
}

fn in_sentence(document: &Document, sentence: &Sentence) -> Option<Range<usize>> {
    let words = &sentence.words;
    let hits = &document.hits;
    let counts = |hit: &&Hit| counts(document, sentence, hit.words());
    // "ne" is a pronoun in one language and a negation in another: both must be of one.
    let speaks_of_me = |hit: &Hit| hits.within(Topic::Me, words.clone()).any(|me| me.language == hit.language);
    let asked = hits
        .within(Topic::OptOut, words.clone())
        .find(counts)
        .or_else(|| hits.within(Topic::OptOutWithMe, words.clone()).find(|hit| speaks_of_me(hit) && counts(hit)));
    let mentioned = || {
        let about_others = hits.has(Topic::Others, words.clone());
        // "Does your tool have an unsubscribe link?" asks about it; "How do I unsubscribe?" wants it.
        let asks = |hit: &Hit| sentence.is_question && !speaks_of_me(hit);
        hits.within(Topic::OptOutWord, words.clone()).find(|hit| !about_others && !asks(hit) && counts(hit))
    };
    let found = asked.or_else(mentioned)?;
    Some(found.first..found.end)
}

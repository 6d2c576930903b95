//! All phrases in one automaton: one walk over the words of a text finds each of them.
//!
//! A place is one word of some phrases. While the walk goes over a text it keeps the places that the last word reached, each
//! with the word its phrase began at. Most words begin some phrase, and few begin one that the next word goes on with:
//! therefore a table by pairs of words tells which phrases begin, and the places in use stay few.

use std::sync::Mutex;

use super::builder::{ANY, End, Place};
use super::vocabulary::{ADDRESS, Atom, NUMBER, PairMap, Vocabulary, pair};
use crate::text::words::{Gap, Word, WordKind};

/// A phrase that was found: which one, and its first and last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) phrase: u32,
}

/// All phrases, ready to be looked for.
#[derive(Debug)]
pub(super) struct Automaton {
    vocabulary: Vocabulary,
    places: Vec<Place>,
    /// What may follow each place, by atom: any word last.
    follow: Vec<(Atom, u32)>,
    ends: Vec<End>,
    /// How many phrases there are.
    phrases: usize,
    /// By a word's atom: the phrases that are this one word, wherever it stands.
    single: Vec<Vec<u32>>,
    /// By a word's atom: the places that it reaches as a phrase's first word, where any word may follow or none need to.
    alone: Vec<Vec<u32>>,
    /// By two neighbouring words' atoms: the places that the second reaches where the first began a phrase.
    pairs: PairMap<Vec<u32>>,
    /// By atom: whether it is the first, or the second, of any pair. Most words are neither, and need no look at the table.
    is_first: Vec<bool>,
    is_second: Vec<bool>,
    /// What walks work with, kept for the next one: clearing it would cost more than a short mail.
    scratches: Mutex<Vec<Scratch>>,
}

/// What a walk works with. All of it is stamped by a clock that counts the words of all walks, so that what an earlier walk left
/// means nothing to the next.
#[derive(Debug, Default)]
struct Scratch {
    clock: u32,
    /// By place: when it was last reached.
    reached: Vec<u32>,
    /// By place: the word that the phrases began at which ended there first, since when.
    ended: Vec<(u32, u32)>,
    /// By atom: when its word was first found.
    met: Vec<u32>,
    /// By phrase: where it is first, since when.
    best: Vec<(u32, Found)>,
}

impl Automaton {
    /// Of places, of phrases that are one word, and of what patterns their words are.
    pub(super) fn new(
        vocabulary: Vocabulary,
        patterns: usize,
        phrases: usize,
        words: &[(Atom, u32)],
        firsts: &[u32],
        (places, follow, ends): (Vec<Place>, Vec<(Atom, u32)>, Vec<End>),
    ) -> Self {
        let mut automaton = Self {
            vocabulary,
            places,
            follow,
            ends,
            phrases,
            single: vec![Vec::new(); patterns],
            alone: vec![Vec::new(); patterns],
            pairs: PairMap::default(),
            is_first: vec![false; patterns],
            is_second: vec![false; patterns],
            scratches: Mutex::default(),
        };
        for (atom, phrase) in words {
            if let Some(single) = automaton.single.get_mut(*atom as usize) {
                single.push(*phrase);
            }
        }
        firsts.iter().for_each(|first| automaton.begin(*first));
        automaton
    }

    fn begin(&mut self, first: u32) {
        let Some(place) = self.places.get(first as usize).copied() else { return };
        let next = between(&self.follow, place.follow);
        let may_end = place.ends.0 < place.ends.1;
        if may_end || next.last().is_some_and(|(atom, _)| *atom == ANY) {
            if let Some(alone) = self.alone.get_mut(place.atom as usize) {
                alone.push(first);
            }
            return;
        }
        for (second, at) in next {
            let second = *second;
            self.pairs.entry(pair(place.atom, second)).or_default().push(*at);
            for (atom, flags) in [(place.atom, &mut self.is_first), (second, &mut self.is_second)] {
                if let Some(flag) = flags.get_mut(atom as usize) {
                    *flag = true;
                }
            }
        }
    }

    /// Finds every phrase in the words of a text, each from where it begins first to where it ends last, by its first word.
    pub(super) fn find(&self, text: &str, words: &[Word]) -> Vec<Found> {
        let mut found = self.walk(text, words, false);
        found.sort_unstable_by_key(|found| (u64::from(found.first) << 32 | u64::from(found.phrase), found.last));
        // Of a phrase that may end at several words, the longest.
        found.dedup_by(|later, earlier| {
            let same = later.first == earlier.first && later.phrase == earlier.phrase;
            if same {
                earlier.last = earlier.last.max(later.last);
            }
            same
        });
        found
    }

    /// Finds each phrase once, where it begins first, to where it ends last from there; by its first word. However often
    /// phrases are in a text, that takes as long as to walk over it.
    pub(super) fn find_first(&self, text: &str, words: &[Word]) -> Vec<Found> {
        let mut found = self.walk(text, words, true);
        found.sort_unstable_by_key(|found| u64::from(found.first) << 32 | u64::from(found.phrase));
        found
    }

    fn walk(&self, text: &str, words: &[Word], first_only: bool) -> Vec<Found> {
        let taken = self.scratches.lock().ok().and_then(|mut all| all.pop()).unwrap_or_default();
        let enough = u32::try_from(words.len()).is_ok_and(|count| taken.clock.checked_add(count + 1).is_some());
        let mut scratch = if enough { taken } else { Scratch::default() };
        scratch.reached.resize(self.places.len(), 0);
        if first_only {
            scratch.ended.resize(self.places.len(), (0, 0));
            scratch.met.resize(self.single.len(), 0);
            scratch.best.resize(self.phrases, (0, Found { first: 0, last: 0, phrase: 0 }));
        }
        let began = scratch.clock + 1;
        let mut walk = Walk {
            automaton: self,
            words,
            began: first_only.then_some(began),
            scratch,
            active: Vec::new(),
            next: Vec::new(),
            atoms: Vec::new(),
            before: Vec::new(),
            found: Vec::new(),
            spelt: String::new(),
        };
        for (at, word) in words.iter().enumerate() {
            walk.step(u32::try_from(at).unwrap_or(u32::MAX), word, text);
        }
        let Walk { mut found, scratch, .. } = walk;
        if first_only {
            // Each was noted when it was found first: it may begin earlier, or end later, than it did then.
            for one in &mut found {
                if let Some((_, best)) = scratch.best.get(one.phrase as usize) {
                    *one = *best;
                }
            }
        }
        if let Ok(mut all) = self.scratches.lock() {
            all.push(scratch);
        }
        found
    }
}

fn between<T>(all: &[T], (start, end): (u32, u32)) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}

struct Walk<'a> {
    automaton: &'a Automaton,
    words: &'a [Word],
    /// The clock when it began, where only the first match of each phrase is wanted.
    began: Option<u32>,
    scratch: Scratch,
    /// The places that the last word reached, with the word that their phrase began at; by that word.
    active: Vec<(u32, u32)>,
    next: Vec<(u32, u32)>,
    /// What this word and the one before it are.
    atoms: Vec<Atom>,
    before: Vec<Atom>,
    found: Vec<Found>,
    /// A word with its signs.
    spelt: String,
}

impl Walk<'_> {
    fn step(&mut self, at: u32, word: &Word, text: &str) {
        self.scratch.clock += 1;
        std::mem::swap(&mut self.atoms, &mut self.before);
        self.atoms.clear();
        let vocabulary = &self.automaton.vocabulary;
        match word.kind {
            WordKind::Address => self.atoms.push(ADDRESS),
            WordKind::Link => {}
            WordKind::Number | WordKind::Letters => {
                if word.kind == WordKind::Number {
                    self.atoms.push(NUMBER);
                }
                vocabulary.find(text.get(word.range()).unwrap_or_default(), &mut self.atoms);
                vocabulary.find_with_signs(text, word, &mut self.spelt, &mut self.atoms);
            }
        }
        self.next.clear();
        let active = std::mem::take(&mut self.active);
        if word.gap <= Gap::Comma {
            for (place, first) in &active {
                self.go_on(*place, *first, at, word);
            }
            if at > 0 {
                self.begin_with_pair(at, word);
            }
        }
        for index in 0..self.atoms.len() {
            let Some(atom) = self.atoms.get(index).map(|atom| *atom as usize) else { continue };
            self.find_single(atom, at);
            let Some(places) = self.automaton.alone.get(atom) else { continue };
            for place in places {
                self.reach(*place, at, at);
            }
        }
        self.active = active;
        std::mem::swap(&mut self.active, &mut self.next);
    }

    /// The phrases that are this one word.
    fn find_single(&mut self, atom: usize, at: u32) {
        let single = self.automaton.single.get(atom).map(Vec::as_slice).unwrap_or_default();
        if single.is_empty() {
            return;
        }
        if let Some(began) = self.began
            && let Some(met) = self.scratch.met.get_mut(atom)
        {
            if *met >= began {
                return;
            }
            *met = self.scratch.clock;
        }
        for phrase in single {
            self.note(Found { first: at, last: at, phrase: *phrase });
        }
    }

    fn go_on(&mut self, place: u32, first: u32, at: u32, word: &Word) {
        let automaton = self.automaton;
        let Some(place) = automaton.places.get(place as usize) else { return };
        let next = between(&automaton.follow, place.follow);
        for index in 0..self.atoms.len() {
            let Some(atom) = self.atoms.get(index).copied() else { continue };
            let from = next.partition_point(|(other, _)| *other < atom);
            let fitting = next.get(from..).unwrap_or_default().iter().take_while(|(other, _)| *other == atom);
            fitting.for_each(|(_, to)| self.pass(*to, first, at, word));
        }
        next.iter().rev().take_while(|(atom, _)| *atom == ANY).for_each(|(_, to)| self.pass(*to, first, at, word));
    }

    /// Reaches a place, unless a comma keeps it.
    fn pass(&mut self, to: u32, first: u32, at: u32, word: &Word) {
        if word.gap < Gap::Comma || self.automaton.places.get(to as usize).is_some_and(|place| place.way.comma) {
            self.reach(to, first, at);
        }
    }

    fn begin_with_pair(&mut self, at: u32, word: &Word) {
        let automaton = self.automaton;
        for first in 0..self.before.len() {
            let Some(first) = self.before.get(first).copied().filter(|atom| is(&automaton.is_first, *atom)) else {
                continue;
            };
            for second in 0..self.atoms.len() {
                let second = self.atoms.get(second).copied().filter(|atom| is(&automaton.is_second, *atom));
                let Some(places) = second.and_then(|second| automaton.pairs.get(&pair(first, second))) else {
                    continue;
                };
                places.iter().for_each(|to| self.pass(*to, at - 1, at, word));
            }
        }
    }

    /// A place was reached at a word by a phrase that began at the word `first`; the first to come, which began first, keeps
    /// it.
    fn reach(&mut self, to: u32, first: u32, at: u32) {
        let Some(place) = self.automaton.places.get(to as usize).copied() else { return };
        if place.way.begins && !self.is_beginning(first) {
            return;
        }
        let breaks = self.words.get(at as usize).is_some_and(|word| word.gap == Gap::Line);
        if place.way.in_line && breaks && first < at {
            return;
        }
        match self.scratch.reached.get_mut(to as usize) {
            Some(stamp) if *stamp != self.scratch.clock => *stamp = self.scratch.clock,
            _ => return,
        }
        if place.ends.0 < place.ends.1 {
            self.end(to, place, first, at);
        }
        if place.follow.0 < place.follow.1 {
            self.next.push((to, first));
        }
    }

    /// Phrases may end at a place.
    fn end(&mut self, to: u32, place: Place, first: u32, at: u32) {
        if let (Some(began), Some(ended)) = (self.began, self.scratch.ended.get_mut(to as usize)) {
            // Each of them is known from an earlier word on.
            if ended.0 >= began && ended.1 < first {
                return;
            }
        }
        let is_end = self.is_end(at);
        let mut all = true;
        for end in between(&self.automaton.ends, place.ends) {
            if !end.at_end || is_end {
                self.note(Found { first, last: at, phrase: end.phrase });
            } else {
                all = false;
            }
        }
        if let Some(ended) = self.scratch.ended.get_mut(to as usize).filter(|_| all) {
            *ended = (self.scratch.clock, first);
        }
    }

    fn note(&mut self, found: Found) {
        let Some(began) = self.began else { return self.found.push(found) };
        let Some((since, best)) = self.scratch.best.get_mut(found.phrase as usize) else { return };
        if *since < began {
            (*since, *best) = (self.scratch.clock, found);
            self.found.push(found);
        } else if (found.first, std::cmp::Reverse(found.last)) < (best.first, std::cmp::Reverse(best.last)) {
            *best = found;
        }
    }

    fn is_beginning(&self, at: u32) -> bool {
        self.words.get(at as usize).is_none_or(|word| word.begins)
    }

    fn is_end(&self, at: u32) -> bool {
        self.is_beginning(at.saturating_add(1))
    }
}

fn is(flags: &[bool], atom: Atom) -> bool {
    flags.get(atom as usize).copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::phrases::builder::Builder;
    use crate::text::phrases::grammar::{Lists, parse};
    use crate::text::words::words;

    fn found(phrases: &[&str], text: &str) -> Vec<String> {
        let mut builder = Builder::default();
        for phrase in phrases {
            builder.add(&parse(phrase, &Lists::new()).unwrap(), false);
        }
        let words = words(text);
        let all = builder.finish().find(text, &words);
        let piece = |found: &Found| {
            let (first, last) = (words[found.first as usize], words[found.last as usize]);
            text[first.start as usize..last.end as usize].to_owned()
        };
        all.iter().map(piece).collect()
    }

    #[test]
    fn phrases_are_found_in_words() {
        for (phrase, text, wanted) in [
            ("remove me|us", "Please remove\nus now, remove me.", vec!["remove\nus", "remove me"]),
            ("stop", "Stop nonstop stopping.", vec!["Stop"]),
            ("unsub*", "Unsubscribe, unsub and UNSUBSCRIBED", vec!["Unsubscribe", "unsub", "UNSUBSCRIBED"]),
            ("*liste", "die Mailingliste, Liste, listen", vec!["Mailingliste", "Liste"]),
            ("not …2 mail", "not one two mail; not one two three mail; not mail", vec!["not one two mail", "not mail"]),
            ("not … mail", "not, mail", vec![]),
            ("no , thanks", "No, thanks. No thanks. No. Thanks", vec!["No, thanks", "No thanks"]),
            (
                "again , (please)? stop",
                "again, stop; again, please stop; again please, stop",
                vec!["again, stop", "again, please stop", "again please, stop"],
            ),
            ("(no ,)? thanks", "No, thanks", vec!["No, thanks", "thanks"]),
            ("^ stop .", "Stop. I stop. Stop it.\nstop", vec!["Stop", "stop"]),
            (
                "don't (mail|write to)? me",
                "Don’t me, don't mail me, don t write to me",
                vec!["Don't me", "don't mail me", "don t write to me"],
            ),
            (
                "remove @ from … list",
                "Remove jane@acme.example from your list",
                vec!["Remove jane@acme.example from your list"],
            ),
            ("within # days?", "within 2 days", vec!["within 2 days"]),
            ("löschen", "LÖSCHEN loeschen loschen", vec!["LÖSCHEN", "loeschen", "loschen"]),
            ("schon", "schön", vec![]),
            ("自动回复", "[自动回复] x", vec!["自动回复"]),
            ("διαγραφή", "ΔΙΑΓΡΑΦΗ", vec!["ΔΙΑΓΡΑΦΗ"]),
            ("iptal", "İPTAL", vec!["İPTAL"]),
            ("e-mail*", "E-Mails emails", vec!["E-Mails", "emails"]),
            ("a (b|c d)? e", "a e a b e a c d e", vec!["a e", "a b e", "a c d e"]),
        ] {
            let normal = crate::text::normalize(text);
            assert_eq!(found(&[phrase], normal.as_str()), wanted, "{phrase} in {text}");
        }
    }

    #[test]
    fn many_phrases_are_found_at_once() {
        let all = found(&["out of office", "out of the office", "of the", "the? office x"], "I am out of the office x");
        assert_eq!(all, ["out of the office", "of the", "the office x"].map(str::to_owned)[..], "{all:?}");
    }

    /// Phrases that begin alike are walked once, so that a text takes as long for many of them as for a few.
    #[test]
    fn phrases_that_begin_alike_share_their_places() {
        let finder = |count: usize| {
            let mut builder = Builder::default();
            for number in 0..count {
                builder.add(
                    &parse(&format!("(how much|what) …3 (cost|price) word{number}"), &Lists::new()).unwrap(),
                    false,
                );
            }
            builder.finish_shared()
        };
        let (few, many) = (finder(20), finder(2_000));
        // how, much, what, three words between, cost, price; and a word for each.
        assert_eq!((few.places.len(), many.places.len()), (8 + 20, 8 + 2_000));
        let text = "how much is the price word7 ".repeat(2_000);
        let words = words(&text);
        assert_eq!(many.find(&text, &words).len(), 2_000);
        assert_eq!(many.find_first(&text, &words), [Found { first: 0, last: 5, phrase: 7 }]);
    }

    /// Each phrase is found where it begins first, to where it ends last from there; whatever was walked over before.
    #[test]
    fn the_first_match_of_each_phrase_is_the_first_of_all() {
        let phrases = ["a … b", "b .", "(a|b) c?", "c", "^ b … a", "a? b c", "c c"];
        let builder = || {
            let mut builder = Builder::default();
            for phrase in phrases {
                builder.add(&parse(phrase, &Lists::new()).unwrap(), false);
            }
            builder
        };
        let (alone, shared) = (builder().finish(), builder().finish_shared());
        for number in 0..3_u32.pow(7) {
            let letter = |at: u32| ["a ", "b ", "c. "][(number / 3_u32.pow(at) % 3) as usize];
            let text: String = (0..7).map(letter).collect();
            let words = words(&text);
            let (all, first) = (alone.find(&text, &words), shared.find_first(&text, &words));
            assert_eq!(all, shared.find(&text, &words), "{text}");
            for phrase in 0..phrases.len() as u32 {
                let of = |found: &[Found]| found.iter().find(|found| found.phrase == phrase).copied();
                assert_eq!(of(&first), of(&all), "{phrase} in {text}");
            }
        }
    }
}

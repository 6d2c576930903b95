//! All phrases in one automaton: one walk over the words of a text finds each of them.
//!
//! A place is one word of one phrase. While the walk goes over a text it keeps the places that the last word reached, each
//! with the word its phrase began at. Most words begin some phrase, and few begin one that the next word goes on with:
//! therefore a table by pairs of words tells which phrases begin, and the places in use stay few.

use std::sync::Mutex;

use super::grammar::{Node, Phrase};
use super::vocabulary::{ADDRESS, Atom, Collector, NUMBER, PairMap, Vocabulary, pair};
use crate::text::words::{Gap, Word, WordKind};

/// A phrase that was found: which one, and its first and last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) phrase: u32,
}

/// An atom that every word is.
const ANY: Atom = Atom::MAX;

#[derive(Debug, Clone, Copy)]
struct Place {
    atom: Atom,
    phrase: u32,
    follow: u32,
    follow_end: u32,
    /// Whether the phrase may end here.
    last: bool,
    /// Whether a comma may stand before the word.
    comma: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Anchors {
    begins: bool,
    ends: bool,
    in_line: bool,
}

/// Collects phrases; see [`Automaton`].
#[derive(Debug, Default)]
pub(super) struct Builder {
    collector: Collector,
    places: Vec<Place>,
    follow: Vec<Vec<u32>>,
    firsts: Vec<u32>,
    anchors: Vec<Anchors>,
}

/// What of a phrase can come first and last, and whether it can be empty.
#[derive(Debug, Default)]
struct Ends {
    first: Vec<u32>,
    last: Vec<u32>,
    empty: bool,
    /// Whether a comma may stand before what follows.
    comma: bool,
}

impl Builder {
    /// Adds a phrase; answers with its number. `in_line`: it does not go on behind a line break.
    pub(super) fn add(&mut self, phrase: &Phrase, in_line: bool) -> u32 {
        let number = u32::try_from(self.anchors.len()).unwrap_or(u32::MAX);
        self.anchors.push(Anchors { begins: phrase.begins, ends: phrase.ends, in_line });
        let ends = self.node(&phrase.node, number, false);
        for last in ends.last {
            if let Some(place) = self.places.get_mut(last as usize) {
                place.last = true;
            }
        }
        self.firsts.extend(ends.first);
        number
    }

    /// Adds a part of a phrase; `comma`: whether one may stand before it.
    fn node(&mut self, node: &Node, phrase: u32, comma: bool) -> Ends {
        match node {
            Node::Word(pattern) => {
                let atom = self.collector.atom(pattern);
                self.place(atom, phrase, comma)
            }
            Node::Any => self.place(ANY, phrase, comma),
            Node::Comma => Ends { empty: true, comma: true, ..Ends::default() },
            Node::Optional(node) => {
                let ends = self.node(node, phrase, comma);
                Ends { empty: true, comma: comma || ends.comma, ..ends }
            }
            Node::Choice(nodes) => {
                let mut all = Ends::default();
                for node in nodes {
                    let ends = self.node(node, phrase, comma);
                    all.first.extend(ends.first);
                    all.last.extend(ends.last);
                    all.empty |= ends.empty;
                    all.comma |= ends.comma;
                }
                all
            }
            Node::Sequence(nodes) => {
                let mut all = Ends { empty: true, comma, ..Ends::default() };
                for node in nodes {
                    let ends = self.node(node, phrase, all.comma);
                    for last in &all.last {
                        if let Some(follow) = self.follow.get_mut(*last as usize) {
                            follow.extend(&ends.first);
                        }
                    }
                    if all.empty {
                        all.first.extend(&ends.first);
                    }
                    if ends.empty {
                        all.last.extend(ends.last);
                        all.comma |= ends.comma;
                    } else {
                        all.last = ends.last;
                        all.comma = ends.comma;
                    }
                    all.empty &= ends.empty;
                }
                all
            }
        }
    }

    fn place(&mut self, atom: Atom, phrase: u32, comma: bool) -> Ends {
        let number = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.push(Place { atom, phrase, follow: 0, follow_end: 0, last: false, comma });
        self.follow.push(Vec::new());
        Ends { first: vec![number], last: vec![number], ..Ends::default() }
    }

    /// How many places there are, and steps from one to the next.
    pub(super) fn steps(&self) -> usize {
        self.places.len() + self.follow.iter().map(Vec::len).sum::<usize>()
    }

    pub(super) fn finish(mut self) -> Automaton {
        let atoms: Vec<Atom> = self.places.iter().map(|place| place.atom).collect();
        let mut follow = Vec::new();
        for (place, next) in self.places.iter_mut().zip(self.follow) {
            let atom_of = |at: u32| atoms.get(at as usize).copied().unwrap_or(ANY);
            let mut next: Vec<(Atom, u32)> = next.into_iter().map(|at| (atom_of(at), at)).collect();
            next.sort_unstable();
            next.dedup();
            place.follow = u32::try_from(follow.len()).unwrap_or(u32::MAX);
            follow.extend(next);
            place.follow_end = u32::try_from(follow.len()).unwrap_or(u32::MAX);
        }
        let mut automaton = Automaton {
            vocabulary: self.collector.finish(),
            single: vec![Vec::new(); self.collector.len()],
            alone: vec![Vec::new(); self.collector.len()],
            pairs: PairMap::default(),
            is_first: vec![false; self.collector.len()],
            is_second: vec![false; self.collector.len()],
            places: self.places,
            follow,
            anchors: self.anchors,
            scratches: Mutex::default(),
        };
        for first in self.firsts {
            automaton.begin(first);
        }
        automaton
    }
}

/// All phrases, ready to be looked for.
#[derive(Debug)]
pub(super) struct Automaton {
    vocabulary: Vocabulary,
    places: Vec<Place>,
    /// What may follow each place, by atom: any word last.
    follow: Vec<(Atom, u32)>,
    anchors: Vec<Anchors>,
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

#[derive(Debug, Default)]
struct Scratch {
    /// Counts the words of all walks, so that what an earlier walk left means nothing to the next.
    clock: u32,
    /// By place: when it was last reached.
    stamps: Vec<u32>,
}

impl Automaton {
    fn begin(&mut self, first: u32) {
        let Some(place) = self.places.get(first as usize).copied() else { return };
        let next = self.follow.get(place.follow as usize..place.follow_end as usize).unwrap_or_default();
        let anchors = self.anchors.get(place.phrase as usize).copied().unwrap_or_default();
        if place.last && next.is_empty() && !anchors.begins && !anchors.ends {
            if let Some(single) = self.single.get_mut(place.atom as usize) {
                single.push(place.phrase);
            }
            return;
        }
        if place.last || next.last().is_some_and(|(atom, _)| *atom == ANY) {
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
        let taken = self.scratches.lock().ok().and_then(|mut all| all.pop()).unwrap_or_default();
        let enough = u32::try_from(words.len()).is_ok_and(|count| taken.clock.checked_add(count + 1).is_some());
        let mut scratch = if enough { taken } else { Scratch::default() };
        scratch.stamps.resize(self.places.len(), 0);
        let mut walk = Walk {
            automaton: self,
            words,
            scratch,
            active: Vec::new(),
            next: Vec::new(),
            atoms: Vec::new(),
            before: Vec::new(),
            found: Vec::new(),
        };
        for (at, word) in words.iter().enumerate() {
            walk.step(u32::try_from(at).unwrap_or(u32::MAX), word, text);
        }
        let Walk { mut found, scratch, .. } = walk;
        if let Ok(mut all) = self.scratches.lock() {
            all.push(scratch);
        }
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
}

struct Walk<'a> {
    automaton: &'a Automaton,
    words: &'a [Word],
    scratch: Scratch,
    /// The places that the last word reached, with the word that their phrase began at.
    active: Vec<(u32, u32)>,
    next: Vec<(u32, u32)>,
    /// What this word and the one before it are.
    atoms: Vec<Atom>,
    before: Vec<Atom>,
    found: Vec<Found>,
}

impl Walk<'_> {
    fn step(&mut self, at: u32, word: &Word, text: &str) {
        self.scratch.clock += 1;
        std::mem::swap(&mut self.atoms, &mut self.before);
        self.atoms.clear();
        match word.kind {
            WordKind::Address => self.atoms.push(ADDRESS),
            WordKind::Link => {}
            WordKind::Number => {
                self.atoms.push(NUMBER);
                self.automaton.vocabulary.find(text.get(word.range()).unwrap_or_default(), &mut self.atoms);
            }
            WordKind::Letters => {
                self.automaton.vocabulary.find(text.get(word.range()).unwrap_or_default(), &mut self.atoms);
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
            let single = self.automaton.single.get(atom).map(Vec::as_slice).unwrap_or_default();
            self.found.extend(single.iter().map(|phrase| Found { first: at, last: at, phrase: *phrase }));
            let Some(places) = self.automaton.alone.get(atom) else { continue };
            for place in places {
                self.reach(*place, at, at);
            }
        }
        self.active = active;
        std::mem::swap(&mut self.active, &mut self.next);
    }

    fn go_on(&mut self, place: u32, first: u32, at: u32, word: &Word) {
        let automaton = self.automaton;
        let Some(place) = automaton.places.get(place as usize) else { return };
        let next = automaton.follow.get(place.follow as usize..place.follow_end as usize).unwrap_or_default();
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
        if word.gap < Gap::Comma || self.automaton.places.get(to as usize).is_some_and(|place| place.comma) {
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

    /// A place was reached at a word by a phrase that began at the word `first`; the first to come keeps it.
    fn reach(&mut self, to: u32, first: u32, at: u32) {
        let Some(place) = self.automaton.places.get(to as usize) else { return };
        let anchors = self.automaton.anchors.get(place.phrase as usize).copied().unwrap_or_default();
        if anchors.begins && !self.is_beginning(first) {
            return;
        }
        let breaks = self.words.get(at as usize).is_some_and(|word| word.gap == Gap::Line);
        if anchors.in_line && breaks && first < at {
            return;
        }
        match self.scratch.stamps.get_mut(to as usize) {
            Some(stamp) if *stamp != self.scratch.clock => *stamp = self.scratch.clock,
            _ => return,
        }
        if place.last && (!anchors.ends || self.is_end(at)) {
            self.found.push(Found { first, last: at, phrase: place.phrase });
        }
        if place.follow < place.follow_end {
            self.next.push((to, first));
        }
    }

    fn is_beginning(&self, at: u32) -> bool {
        self.words.get(at as usize).is_none_or(|word| word.gap == Gap::Line || word.gap >= Gap::Sentence)
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
}

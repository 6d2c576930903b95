//! A walk over the words of a text that keeps each place that is reached, with the word that its phrase began at.

use super::{Atom, Automaton, Found, Scratch, is_beginning, is_end, may_begin};
use crate::text::{
    phrases::tables::{ANY, Place, Tables},
    words::{Gap, Word},
};

pub(super) struct Walk<'a, 's> {
    automaton: &'a Automaton,
    tables: &'a Tables,
    words: &'a [Word],
    /// The clock when it began, where only the first match of each phrase is wanted.
    began: Option<u32>,
    scratch: &'s mut Scratch,
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

impl<'a, 's> Walk<'a, 's> {
    /// Every match, or with `first_only` that of each phrase that begins first; in no order.
    pub(super) fn run(
        automaton: &'a Automaton,
        text: &str,
        words: &'a [Word],
        first_only: bool,
        scratch: &'s mut Scratch,
    ) -> Vec<Found> {
        let tables = &automaton.tables;
        // Zeros that the system gives take no memory until they are changed, and a walk reaches few of all places.
        if scratch.reached.len() != tables.places() {
            scratch.reached = vec![0; tables.places()];
        }
        if first_only {
            scratch.ended.resize(tables.places(), (0, 0));
            scratch.reserve_first(automaton);
        }
        let mut walk = Self {
            automaton,
            tables,
            words,
            began: first_only.then_some(scratch.clock + 1),
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
        let Self { mut found, scratch, .. } = walk;
        if first_only {
            scratch.put_best(&mut found);
        }
        found
    }

    fn step(&mut self, at: u32, word: &Word, text: &str) {
        self.scratch.clock += 1;
        std::mem::swap(&mut self.atoms, &mut self.before);
        self.automaton.atoms(text, word, &mut self.spelt, &mut self.atoms);
        self.next.clear();
        let active = std::mem::take(&mut self.active);
        if word.gap <= Gap::Comma {
            for (place, first) in &active {
                self.go_on(*place, *first, at, word);
            }
            if at > 0 && may_begin(self.words, at - 1) {
                self.begin_with_pair(at, word);
            }
        }
        let may_begin = may_begin(self.words, at);
        for index in (0..self.atoms.len()).filter(|_| may_begin) {
            let Some(atom) = self.atoms.get(index).copied() else { continue };
            self.find_single(atom, at);
            for [place] in self.tables.alone.get(atom) {
                self.reach(*place, at, at);
            }
        }
        self.active = active;
        std::mem::swap(&mut self.active, &mut self.next);
    }

    /// The phrases that are this one word.
    fn find_single(&mut self, atom: Atom, at: u32) {
        let single = self.tables.single.get(atom);
        if single.is_empty() || self.began.is_some_and(|began| !self.scratch.meet(began, atom)) {
            return;
        }
        for [phrase] in single {
            self.note(Found { first: at, last: at, phrase: *phrase });
        }
    }

    fn go_on(&mut self, place: u32, first: u32, at: u32, word: &Word) {
        let tables = self.tables;
        let Some(place) = tables.place(place) else { return };
        let next = tables.follow(&place);
        for index in 0..self.atoms.len() {
            let Some(atom) = self.atoms.get(index).copied() else { continue };
            let from = next.partition_point(|[other, _]| *other < atom);
            let fitting = next.get(from..).unwrap_or_default().iter().take_while(|[other, _]| *other == atom);
            fitting.for_each(|[_, to]| self.pass(*to, first, at, word));
        }
        next.iter().rev().take_while(|[atom, _]| *atom == ANY).for_each(|[_, to]| self.pass(*to, first, at, word));
    }

    /// Reaches a place, unless a comma keeps it.
    fn pass(&mut self, to: u32, first: u32, at: u32, word: &Word) {
        if word.gap < Gap::Comma || self.tables.place(to).is_some_and(|place| place.way.comma) {
            self.reach(to, first, at);
        }
    }

    fn begin_with_pair(&mut self, at: u32, word: &Word) {
        let tables = self.tables;
        for first in 0..self.before.len() {
            let Some(first) = self.before.get(first).copied() else { continue };
            for second in 0..self.atoms.len() {
                let Some(second) = self.atoms.get(second).copied() else { continue };
                tables.places_of_pair(first, second).iter().for_each(|[_, to]| self.pass(*to, at - 1, at, word));
            }
        }
    }

    /// A place was reached at a word by a phrase that began at the word `first`; the first to come, which began first, keeps
    /// it.
    fn reach(&mut self, to: u32, first: u32, at: u32) {
        let Some(place) = self.tables.place(to) else { return };
        if place.way.begins && !is_beginning(self.words, first) {
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
        let is_end = is_end(self.words, at);
        let mut all = true;
        for end in self.tables.ends(place) {
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
        match self.began {
            Some(began) => self.scratch.note_first(began, found, &mut self.found),
            None => self.found.push(found),
        }
    }
}

//! A walk over the words of a text in which all places are one that the same words lead to, made when it is first needed.
//!
//! Thousands of phrases may begin with the same words and differ in what else they allow there: `(how|what) … price`, `(how|when)
//! … plan`. Each has places of its own, and after `how` all of them are in use. Here they are one state, and what a word leads to
//! from it is found once. A word may be one of a phrase's, or one between two of them: these are two states, because else each
//! word between would make another one. So a mail takes as long as it is, and what is new in it as long as there are phrases with
//! it.

use super::{Atom, Automaton, Found, Scratch, is_beginning, is_end, may_begin};
use crate::text::{
    phrases::{
        tables::{ANY, End, Tables, between},
        vocabulary::{PairHasher, pair},
    },
    words::{Gap, Word},
};
use hashbrown::HashTable;
use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, RandomState},
};

/// So many states are in use at once at most: where words lead to more, each place is walked by itself.
const MAX_ITEMS: usize = 256;
/// The size at which states are forgotten, to be made again when they are needed.
const MIN_FULL: usize = 1 << 18;

/// Not known yet, and nowhere.
const UNKNOWN: u32 = u32::MAX;
const NOWHERE: u32 = u32::MAX - 1;
/// What stands for an atom alone where a pair of them may stand.
const ALONE: u64 = 1 << 63;

/// How a word is separated from the one before it, as far as phrases go on there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Space,
    Line,
    Comma,
}

impl Step {
    /// `None` where no phrase goes on.
    fn of(gap: Gap) -> Option<Self> {
        match gap {
            Gap::Joined | Gap::Space => Some(Self::Space),
            Gap::Line => Some(Self::Line),
            Gap::Comma => Some(Self::Comma),
            Gap::Sentence | Gap::Paragraph => None,
        }
    }
}

/// The states that walks have come to.
#[derive(Debug, Default)]
pub(super) struct States {
    all: Vec<State>,
    by_places: HashTable<u32>,
    hasher: RandomState,
    /// What phrases begin with: by the atoms of two words, or by that of one.
    starts: HashMap<(u64, u8), u32, BuildHasherDefault<PairHasher>>,
    size: usize,
}

/// Places that are reached together.
#[derive(Debug)]
struct State {
    places: Box<[u32]>,
    /// By atom, any word last.
    ways: Box<[Way]>,
    /// The places that may follow.
    follow: Box<[u32]>,
    ends: Box<[End]>,
    /// When it was last reached, and where it stands among those that this word reached.
    reached: (u32, u32),
    /// The word that the phrases began at which ended here first, since when.
    ended: (u32, u32),
}

/// What a word leads to.
#[derive(Debug)]
struct Way {
    atom: Atom,
    /// Where its places stand among all that may follow.
    follow: (u32, u32),
    /// The next state, by what separates the word.
    next: [u32; 3],
}

/// A state that the last word reached, and the word that its phrases began at.
#[derive(Debug, Clone, Copy)]
struct Item {
    state: u32,
    first: u32,
}

/// The match of each phrase that begins first; `None` where too many states are in use at once.
pub(super) fn find_first(
    automaton: &Automaton,
    text: &str,
    words: &[Word],
    scratch: &mut Scratch,
) -> Option<Vec<Found>> {
    scratch.reserve_first(automaton);
    let states = std::mem::take(&mut scratch.states);
    let began = scratch.clock + 1;
    let mut walk =
        StateWalk { automaton, words, began, scratch, states, active: Vec::new(), next: Vec::new(), found: Vec::new() };
    let (mut atoms, mut before, mut spelt) = (Vec::new(), Vec::new(), String::new());
    let mut is_done = true;
    for (at, word) in (0..).zip(words) {
        std::mem::swap(&mut atoms, &mut before);
        automaton.atoms(text, word, &mut spelt, &mut atoms);
        walk.step(at, word, &before, &atoms);
        if walk.active.len() > MAX_ITEMS {
            is_done = false;
            break;
        }
    }
    let StateWalk { scratch, states, mut found, .. } = walk;
    scratch.states = states;
    scratch.put_best(&mut found);
    is_done.then_some(found)
}

struct StateWalk<'a, 's> {
    automaton: &'a Automaton,
    words: &'a [Word],
    /// The clock when it began.
    began: u32,
    scratch: &'s mut Scratch,
    states: States,
    active: Vec<Item>,
    next: Vec<Item>,
    found: Vec<Found>,
}

impl<'a> StateWalk<'a, '_> {
    fn step(&mut self, at: u32, word: &Word, before: &[Atom], atoms: &[Atom]) {
        self.scratch.clock += 1;
        self.next.clear();
        if let Some(step) = Step::of(word.gap) {
            for index in 0..self.active.len() {
                let Some(item) = self.active.get(index).copied() else { continue };
                for atom in atoms.iter().chain([&ANY]) {
                    let next = self.states.next(item.state, *atom, step, self.tables());
                    self.reach(next, item.first);
                }
            }
            for first in before.iter().filter(|_| at > 0 && may_begin(self.words, at - 1)) {
                for second in atoms {
                    let next = self.states.start_pair(*first, *second, step, self.begins(at - 1), self.tables());
                    self.reach(next, at - 1);
                }
            }
        }
        for atom in atoms.iter().filter(|_| may_begin(self.words, at)) {
            let single = self.tables().single.get(*atom);
            if !single.is_empty() && self.scratch.meet(self.began, *atom) {
                for [phrase] in single {
                    let found = Found { first: at, last: at, phrase: *phrase };
                    self.scratch.note_first(self.began, found, &mut self.found);
                }
            }
            let next = self.states.start_alone(*atom, self.begins(at), self.tables());
            self.reach(next, at);
        }
        for index in 0..self.next.len() {
            self.end(index, at);
        }
        let Self { states, next, .. } = self;
        next.retain(|item| states.all.get(item.state as usize).is_some_and(|state| !state.ways.is_empty()));
        std::mem::swap(&mut self.active, &mut self.next);
        self.states.forget_if_full(&mut self.active, &self.automaton.tables);
    }

    fn tables(&self) -> &'a Tables {
        &self.automaton.tables
    }

    fn begins(&self, at: u32) -> bool {
        is_beginning(self.words, at)
    }

    /// A state was reached by phrases that began at the word `first`: of those that lead to it, the first counts.
    fn reach(&mut self, state: u32, first: u32) {
        let Some(reached) = self.states.all.get_mut(state as usize) else { return };
        if reached.reached.0 == self.scratch.clock {
            if let Some(item) = self.next.get_mut(reached.reached.1 as usize) {
                item.first = item.first.min(first);
            }
            return;
        }
        reached.reached = (self.scratch.clock, small(self.next.len()));
        self.next.push(Item { state, first });
    }

    /// Phrases may end at a state.
    fn end(&mut self, index: usize, at: u32) {
        let Some(Item { state, first }) = self.next.get(index).copied() else { return };
        let Some(state) = self.states.all.get_mut(state as usize).filter(|state| !state.ends.is_empty()) else {
            return;
        };
        // Each of them is known from an earlier word on.
        if state.ended.0 >= self.began && state.ended.1 < first {
            return;
        }
        let is_end = is_end(self.words, at);
        let mut all = true;
        for end in &state.ends {
            if !end.at_end || is_end {
                let found = Found { first, last: at, phrase: end.phrase };
                self.scratch.note_first(self.began, found, &mut self.found);
            } else {
                all = false;
            }
        }
        if all {
            state.ended = (self.scratch.clock, first);
        }
    }
}

impl States {
    /// Where a word leads to, as one of these atoms.
    fn next(&mut self, from: u32, atom: Atom, step: Step, tables: &Tables) -> u32 {
        let Some(state) = self.all.get(from as usize) else { return NOWHERE };
        let Ok(place) = state.ways.binary_search_by_key(&atom, |way| way.atom) else { return NOWHERE };
        let Some(way) = state.ways.get(place) else { return NOWHERE };
        let known = way.next.get(step as usize).copied().unwrap_or(NOWHERE);
        if known != UNKNOWN {
            return known;
        }
        let next: Vec<u32> = between(&state.follow, way.follow).to_vec();
        let next = self.of(next, Some(step), true, tables);
        let way = self.all.get_mut(from as usize).and_then(|state| state.ways.get_mut(place));
        if let Some(known) = way.and_then(|way| way.next.get_mut(step as usize)) {
            *known = next;
        }
        next
    }

    /// Where two neighbouring words lead to that phrases begin with; `begins`: the first of them begins a sentence or a line.
    fn start_pair(&mut self, first: Atom, second: Atom, step: Step, begins: bool, tables: &Tables) -> u32 {
        let places = tables.places_of_pair(first, second).iter().map(|[_, place]| *place);
        self.start(places, pair(first, second), Some(step), begins, tables)
    }

    /// Where a word leads to that phrases begin with.
    fn start_alone(&mut self, atom: Atom, begins: bool, tables: &Tables) -> u32 {
        self.start(tables.alone.get(atom).iter().map(|[place]| *place), ALONE | u64::from(atom), None, begins, tables)
    }

    fn start(
        &mut self,
        places: impl ExactSizeIterator<Item = u32>,
        words: u64,
        step: Option<Step>,
        begins: bool,
        tables: &Tables,
    ) -> u32 {
        if places.len() == 0 {
            return NOWHERE;
        }
        let key = (words, step.map_or(0, |step| step as u8) << 1 | u8::from(begins));
        if let Some(known) = self.starts.get(&key) {
            return *known;
        }
        let start = self.of(places.collect(), step, begins, tables);
        self.starts.insert(key, start);
        start
    }

    /// The state of those of some places that are reached over what separates a word, by phrases of which the first word begins a
    /// sentence or a line, or does not.
    fn of(&mut self, mut places: Vec<u32>, step: Option<Step>, begins: bool, tables: &Tables) -> u32 {
        places.retain(|place| {
            tables.place(*place).is_some_and(|place| {
                (begins || !place.way.begins)
                    && (step != Some(Step::Line) || !place.way.in_line)
                    && (step != Some(Step::Comma) || place.way.comma)
            })
        });
        places.sort_unstable();
        places.dedup();
        if places.is_empty() { NOWHERE } else { self.known(places, tables) }
    }

    /// The state of these places, in their order.
    fn known(&mut self, places: Vec<u32>, tables: &Tables) -> u32 {
        let hash = self.hasher.hash_one(places.as_slice());
        let is_it = |state: &u32| self.all.get(*state as usize).is_some_and(|state| *state.places == *places);
        if let Some(known) = self.by_places.find(hash, is_it) {
            return *known;
        }
        let state = State::of(places, tables);
        self.size += state.size();
        let number = small(self.all.len());
        self.all.push(state);
        let Self { all, by_places, hasher, .. } = self;
        by_places.insert_unique(hash, number, |state| {
            hasher.hash_one(all.get(*state as usize).map(|state| &*state.places).unwrap_or_default())
        });
        number
    }

    /// Forgets all but what is in use, where there is too much.
    fn forget_if_full(&mut self, active: &mut [Item], tables: &Tables) {
        if self.size <= MIN_FULL.max(8 * tables.steps()) {
            return;
        }
        let before = std::mem::take(&mut self.all);
        *self = Self::default();
        for item in active {
            let places = before.get(item.state as usize).map(|state| state.places.to_vec());
            item.state = places.map_or(NOWHERE, |places| self.known(places, tables));
        }
    }
}

impl State {
    fn of(places: Vec<u32>, tables: &Tables) -> Self {
        let each = || places.iter().filter_map(|place| tables.place(*place));
        let mut follow: Vec<[u32; 2]> = Vec::new();
        each().for_each(|place| follow.extend(tables.follow(&place)));
        follow.sort_unstable();
        follow.dedup();
        let (mut ways, mut start) = (Vec::new(), 0);
        for group in follow.chunk_by(|[left, _], [right, _]| left == right) {
            let end = start + small(group.len());
            ways.extend(group.first().map(|[atom, _]| Way { atom: *atom, follow: (start, end), next: [UNKNOWN; 3] }));
            start = end;
        }
        Self {
            ends: each().flat_map(|place| tables.ends(place)).collect(),
            follow: follow.into_iter().map(|[_, place]| place).collect(),
            ways: ways.into(),
            places: places.into(),
            reached: (0, 0),
            ended: (0, 0),
        }
    }

    /// How much it takes, in numbers.
    fn size(&self) -> usize {
        16 + self.places.len() + self.follow.len() + 6 * self.ways.len() + 2 * self.ends.len()
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
impl States {
    /// How many states there are, and how much they take.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.all.len(), self.size)
    }
}

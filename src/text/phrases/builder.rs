//! Phrases as places of one graph.

use super::grammar::{Node, Phrase};
use super::tables::{ANY, AllPlaces, End, Place, Tables, Way, between};
use super::vocabulary::{Atom, Collector};
use hashbrown::HashTable;
use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
};

/// A word of one phrase.
#[derive(Debug, Clone, Copy)]
struct Draft {
    atom: Atom,
    way: Way,
    end: Option<End>,
    /// The last link to what may follow it.
    follow: Option<u32>,
}

/// One of the sets of places that may follow a place, and the link before it.
#[derive(Debug, Clone, Copy)]
struct Link {
    set: (u32, u32),
    before: Option<u32>,
}

/// Collects phrases, and then becomes [`Tables`].
#[derive(Debug, Default)]
pub(super) struct Builder {
    collector: Collector,
    /// In the order of the words: what follows a place comes after it.
    drafts: Vec<Draft>,
    /// Places that may follow others: alternatives have the same ones, so that each set is kept once.
    sets: Vec<u32>,
    links: Vec<Link>,
    /// How many steps there are from one place to the next.
    steps: usize,
    firsts: Vec<u32>,
    count: u32,
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
        let number = self.count;
        self.count += 1;
        let ends = self.node(&phrase.node, Way { begins: phrase.begins, in_line, comma: false });
        for last in ends.last {
            if let Some(draft) = self.drafts.get_mut(last as usize) {
                let at_end = draft.end.is_some_and(|end| end.at_end);
                draft.end = Some(End { phrase: number, at_end });
            }
        }
        self.firsts.extend(ends.first);
        number
    }

    /// Adds a part of a phrase.
    fn node(&mut self, node: &Node, way: Way) -> Ends {
        match node {
            Node::Word(pattern) => {
                let atom = self.collector.atom(pattern);
                self.place(atom, way)
            }
            Node::Any => self.place(ANY, way),
            Node::Comma => Ends { empty: true, comma: true, ..Ends::default() },
            // What it is behind knows it.
            Node::End => Ends { empty: true, comma: way.comma, ..Ends::default() },
            Node::Optional(node) => {
                let ends = self.node(node, way);
                Ends { empty: true, comma: way.comma || ends.comma, ..ends }
            }
            Node::Choice(nodes) => {
                let mut all = Ends::default();
                for node in nodes {
                    let ends = self.node(node, way);
                    all.first.extend(ends.first);
                    all.last.extend(ends.last);
                    all.empty |= ends.empty;
                    all.comma |= ends.comma;
                }
                all
            }
            Node::Sequence(nodes) => self.sequence(nodes, way),
        }
    }

    fn sequence(&mut self, nodes: &[Node], way: Way) -> Ends {
        let mut all = Ends { empty: true, comma: way.comma, ..Ends::default() };
        for node in nodes {
            if *node == Node::End {
                for last in &all.last {
                    if let Some(draft) = self.drafts.get_mut(*last as usize) {
                        draft.end = Some(End { phrase: u32::MAX, at_end: true });
                    }
                }
                continue;
            }
            let ends = self.node(node, Way { comma: all.comma, ..way });
            self.link(&all.last, &ends.first);
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

    /// Each of some places may be followed by each of others.
    fn link(&mut self, last: &[u32], first: &[u32]) {
        if last.is_empty() || first.is_empty() {
            return;
        }
        let start = small(self.sets.len());
        self.sets.extend(first);
        let set = (start, small(self.sets.len()));
        for last in last {
            let Some(draft) = self.drafts.get_mut(*last as usize) else { continue };
            let link = Link { set, before: draft.follow };
            draft.follow = Some(small(self.links.len()));
            self.links.push(link);
            self.steps += first.len();
        }
    }

    /// What may follow a place; perhaps some of it twice.
    fn follow(&self, draft: &Draft) -> impl Iterator<Item = u32> {
        let link = |at: u32| self.links.get(at as usize);
        let links = std::iter::successors(draft.follow.and_then(link), move |at| at.before.and_then(link));
        links.flat_map(|link| between(&self.sets, link.set)).copied()
    }

    fn place(&mut self, atom: Atom, way: Way) -> Ends {
        let number = small(self.drafts.len());
        self.drafts.push(Draft { atom, way, end: None, follow: None });
        Ends { first: vec![number], last: vec![number], ..Ends::default() }
    }

    /// How many places there are, and steps from one to the next.
    pub(super) fn steps(&self) -> usize {
        self.drafts.len() + self.steps
    }

    /// All phrases, each with places of its own: what is found with shared ones is what is found so.
    #[cfg(test)]
    pub(super) fn finish_apart(self) -> Tables {
        let mut graph = Graph::with_places(self.drafts.len());
        let (mut words, mut firsts) = (Vec::new(), Vec::new());
        for first in &self.firsts {
            match self.word_at(*first) {
                Some(word) => words.push(word),
                None => firsts.push(*first),
            }
        }
        let mut next = Vec::new();
        for draft in &self.drafts {
            next.clear();
            let atom_of = |at: u32| self.drafts.get(at as usize).map_or(ANY, |draft| draft.atom);
            next.extend(self.follow(draft).map(|at| [atom_of(at), at]));
            graph.add(draft.atom, draft.way, &mut next, draft.end);
        }
        graph.finish(self.collector, self.count, &words, &firsts)
    }

    /// All phrases, those that begin alike sharing their places: however many they are, a text takes as long as for one.
    pub(super) fn finish(self) -> Tables {
        let mut shared = SharedPlaces::default();
        let mut is_first = vec![false; self.drafts.len()];
        for first in &self.firsts {
            if let Some(flag) = is_first.get_mut(*first as usize) {
                *flag = true;
            }
        }
        let mut words = Vec::new();
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.drafts.len()];
        for (at, (draft, mut is_first)) in (0..).zip(self.drafts.iter().zip(is_first)) {
            let mut reached_from = before.get_mut(at as usize).map(std::mem::take).unwrap_or_default();
            reached_from.sort_unstable();
            reached_from.dedup();
            if let Some(word) = self.word_at(at).filter(|_| is_first) {
                words.push(word);
                if reached_from.is_empty() {
                    continue;
                }
                is_first = false;
            }
            let place = shared.place(draft, is_first, reached_from);
            for next in self.follow(draft) {
                if let Some(before) = before.get_mut(next as usize) {
                    before.push(place);
                }
            }
        }
        shared.finish(self.collector, self.count, &words)
    }

    /// The atom and the phrase of a first place that is a whole phrase, wherever its word stands.
    fn word_at(&self, first: u32) -> Option<[u32; 2]> {
        let draft = self.drafts.get(first as usize)?;
        let end = draft.end.filter(|end| !end.at_end && !draft.way.begins)?;
        draft.follow.is_none().then_some([draft.atom, end.phrase])
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What a place is reached by: its word, its way, whether a phrase begins with it, and the places before it. Whatever is
/// reached alike is reached in the same texts.
type Reached = (Atom, Way, bool, Box<[u32]>);

/// Places that several phrases may have.
#[derive(Default)]
struct SharedPlaces {
    known: HashMap<Reached, u32>,
    places: Vec<(Atom, Way)>,
    follow: Vec<Vec<u32>>,
    ends: Vec<Vec<End>>,
    firsts: Vec<u32>,
}

impl SharedPlaces {
    /// The place that is reached so: a known one, or a new one.
    fn place(&mut self, draft: &Draft, is_first: bool, reached_from: Vec<u32>) -> u32 {
        let next = small(self.places.len());
        let reached = (draft.atom, draft.way, is_first, reached_from.into_boxed_slice());
        let place = match self.known.entry(reached) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.places.push((draft.atom, draft.way));
                self.follow.push(Vec::new());
                self.ends.push(Vec::new());
                self.firsts.extend(is_first.then_some(next));
                for from in &new.key().3 {
                    if let Some(follow) = self.follow.get_mut(*from as usize) {
                        follow.push(next);
                    }
                }
                *new.insert(next)
            }
        };
        if let (Some(end), Some(ends)) = (draft.end, self.ends.get_mut(place as usize)) {
            ends.push(end);
        }
        place
    }

    fn finish(self, collector: Collector, phrases: u32, words: &[[u32; 2]]) -> Tables {
        drop(self.known);
        let mut graph = Graph::with_places(self.places.len());
        let mut next = Vec::new();
        for ((atom, way), (follow, ends)) in self.places.iter().zip(self.follow.iter().zip(&self.ends)) {
            next.clear();
            let atom_of = |at: u32| self.places.get(at as usize).map_or(ANY, |(atom, _)| *atom);
            next.extend(follow.iter().map(|at| [atom_of(*at), *at]));
            graph.add(*atom, *way, &mut next, ends.iter().copied());
        }
        graph.finish(collector, phrases, words, &self.firsts)
    }
}

/// The places of all phrases, what follows them and what ends at them in one list each.
struct Graph {
    places: Vec<(Atom, Place)>,
    /// By place: the atom and the number of each that may follow.
    follow: Vec<[u32; 2]>,
    ends: Vec<End>,
    /// Where in `follow` a set stands: alternatives are followed by the same.
    sets: HashTable<(u32, u32)>,
    hasher: RandomState,
}

impl Graph {
    fn with_places(count: usize) -> Self {
        Self {
            places: Vec::with_capacity(count),
            follow: Vec::new(),
            ends: Vec::new(),
            sets: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    /// Adds a place; what may follow it is put in order by atom, any word last.
    fn add(&mut self, atom: Atom, way: Way, next: &mut Vec<[u32; 2]>, own_ends: impl IntoIterator<Item = End>) {
        next.sort_unstable();
        next.dedup();
        let ends_start = small(self.ends.len());
        self.ends.extend(own_ends);
        let hash = self.hasher.hash_one(&next);
        let known = self.sets.find(hash, |known| between(&self.follow, *known) == next.as_slice());
        let follow = match known {
            Some(known) => *known,
            None => {
                let start = small(self.follow.len());
                self.follow.extend(next.iter());
                let set = (start, small(self.follow.len()));
                let Self { sets, follow, hasher, .. } = self;
                sets.insert_unique(hash, set, |set| hasher.hash_one(between(follow, *set)));
                set
            }
        };
        self.places.push((atom, Place { way, follow, ends: (ends_start, small(self.ends.len())) }));
    }

    fn finish(self, collector: Collector, phrases: u32, words: &[[u32; 2]], firsts: &[u32]) -> Tables {
        let (atoms, vocabulary) = (collector.len(), collector.finish());
        let places = AllPlaces { places: &self.places, follow: self.follow, ends: &self.ends };
        Tables::new(vocabulary, atoms, phrases, words, firsts, places)
    }
}

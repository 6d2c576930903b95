//! Phrases as places of one graph.

use super::automaton::Automaton;
use super::grammar::{Node, Phrase};
use super::vocabulary::{Atom, Collector};
use std::collections::HashMap;

/// An atom that every word is.
pub(super) const ANY: Atom = Atom::MAX;

/// Where a phrase may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) phrase: u32,
    /// Only where a sentence or a line ends.
    pub(super) at_end: bool,
}

/// One word of some phrases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) atom: Atom,
    pub(super) way: Way,
    /// What may follow it, among all that may follow any.
    pub(super) follow: (u32, u32),
    /// The phrases that may end here, among all ends.
    pub(super) ends: (u32, u32),
}

/// How a place is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Way {
    /// Only by a phrase that begins where a sentence or a line does.
    pub(super) begins: bool,
    /// Never over the end of a line.
    pub(super) in_line: bool,
    /// A comma may stand before the word.
    pub(super) comma: bool,
}

/// A word of one phrase.
#[derive(Debug, Clone, Copy)]
struct Draft {
    atom: Atom,
    way: Way,
    end: Option<End>,
}

/// Collects phrases; see [`Automaton`].
#[derive(Debug, Default)]
pub(super) struct Builder {
    collector: Collector,
    /// In the order of the words: what follows a place comes after it.
    drafts: Vec<Draft>,
    follow: Vec<Vec<u32>>,
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

    fn place(&mut self, atom: Atom, way: Way) -> Ends {
        let number = u32::try_from(self.drafts.len()).unwrap_or(u32::MAX);
        self.drafts.push(Draft { atom, way, end: None });
        self.follow.push(Vec::new());
        Ends { first: vec![number], last: vec![number], ..Ends::default() }
    }

    /// How many places there are, and steps from one to the next.
    pub(super) fn steps(&self) -> usize {
        self.drafts.len() + self.follow.iter().map(Vec::len).sum::<usize>()
    }

    /// All phrases, each with places of its own: quickly built, for phrases of which few begin alike.
    pub(super) fn finish(self) -> Automaton {
        let mut graph = Graph::default();
        for first in &self.firsts {
            match self.word_at(*first) {
                Some(word) => graph.words.push(word),
                None => graph.firsts.push(*first),
            }
        }
        graph.places = self.drafts.iter().map(|draft| (draft.atom, draft.way)).collect();
        graph.ends = self.drafts.iter().map(|draft| draft.end.into_iter().collect()).collect();
        graph.follow = self.follow;
        graph.finish(&self.collector, self.count)
    }

    /// All phrases, those that begin alike sharing their places: however many they are, a text takes as long as for one.
    pub(super) fn finish_shared(self) -> Automaton {
        let mut graph = Graph::default();
        let mut is_first = vec![false; self.drafts.len()];
        for first in &self.firsts {
            if let Some(flag) = is_first.get_mut(*first as usize) {
                *flag = true;
            }
        }
        let mut known = HashMap::new();
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.drafts.len()];
        for (at, (draft, mut is_first)) in (0..).zip(self.drafts.iter().zip(is_first)) {
            let mut reached_from = before.get_mut(at as usize).map(std::mem::take).unwrap_or_default();
            reached_from.sort_unstable();
            reached_from.dedup();
            if let Some(word) = self.word_at(at).filter(|_| is_first) {
                graph.words.push(word);
                if reached_from.is_empty() {
                    continue;
                }
                is_first = false;
            }
            let place = graph.place(&mut known, draft, is_first, reached_from);
            for next in self.follow.get(at as usize).into_iter().flatten() {
                if let Some(before) = before.get_mut(*next as usize) {
                    before.push(place);
                }
            }
        }
        graph.finish(&self.collector, self.count)
    }

    /// A first place that is a whole phrase, wherever its word stands.
    fn word_at(&self, first: u32) -> Option<(Atom, u32)> {
        let draft = self.drafts.get(first as usize)?;
        let end = draft.end.filter(|end| !end.at_end && !draft.way.begins)?;
        self.follow.get(first as usize)?.is_empty().then_some((draft.atom, end.phrase))
    }
}

/// What a place is reached by: its word, its way, whether a phrase begins with it, and the places before it. Whatever is
/// reached alike is reached in the same texts.
type Reached = (Atom, Way, bool, Vec<u32>);

/// The places of all phrases.
#[derive(Default)]
struct Graph {
    places: Vec<(Atom, Way)>,
    follow: Vec<Vec<u32>>,
    ends: Vec<Vec<End>>,
    firsts: Vec<u32>,
    /// Phrases of one word, wherever it stands.
    words: Vec<(Atom, u32)>,
}

impl Graph {
    /// The place that is reached so: a known one, or a new one.
    fn place(
        &mut self,
        known: &mut HashMap<Reached, u32>,
        draft: &Draft,
        is_first: bool,
        reached_from: Vec<u32>,
    ) -> u32 {
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let place = *known.entry((draft.atom, draft.way, is_first, reached_from.clone())).or_insert(next);
        if place == next {
            self.places.push((draft.atom, draft.way));
            self.follow.push(Vec::new());
            self.ends.push(Vec::new());
            self.firsts.extend(is_first.then_some(place));
            for from in reached_from {
                if let Some(follow) = self.follow.get_mut(from as usize) {
                    follow.push(place);
                }
            }
        }
        if let (Some(end), Some(ends)) = (draft.end, self.ends.get_mut(place as usize)) {
            ends.push(end);
        }
        place
    }

    /// The automaton, all lists in one; what may follow a place by atom, any word last.
    fn finish(self, collector: &Collector, phrases: u32) -> Automaton {
        let (mut follow, mut ends) = (Vec::new(), Vec::new());
        let mut places = Vec::with_capacity(self.places.len());
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        for ((atom, way), (next, own_ends)) in self.places.iter().zip(self.follow.iter().zip(&self.ends)) {
            let atom_of = |at: &u32| self.places.get(*at as usize).map_or(ANY, |(atom, _)| *atom);
            let (follow_start, ends_start) = (follow.len(), ends.len());
            let mut next: Vec<(Atom, u32)> = next.iter().map(|at| (atom_of(at), *at)).collect();
            next.sort_unstable();
            next.dedup();
            follow.extend(next);
            ends.extend(own_ends);
            places.push(Place {
                atom: *atom,
                way: *way,
                follow: (small(follow_start), small(follow.len())),
                ends: (small(ends_start), small(ends.len())),
            });
        }
        let (patterns, vocabulary) = (collector.len(), collector.finish());
        Automaton::new(vocabulary, patterns, phrases as usize, &self.words, &self.firsts, (places, follow, ends))
    }
}

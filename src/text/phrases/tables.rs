//! The tables of an automaton: what phrases are made of, which words they begin with, and what may follow each. Only
//! numbers, so that those of the phrasebook can stand in the program.

use super::sections::{Sections, Table};
use super::vocabulary::{Atom, Vocabulary};
use by_atom::ByAtom;

mod by_atom;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
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

impl Place {
    /// Where the set of what follows begins, how large it is and how the place is reached, and where its ends begin, which
    /// end where those of the next place begin.
    fn to_row(self) -> [u32; 3] {
        let Self { way, follow, ends } = self;
        let way = u32::from(way.begins) | u32::from(way.in_line) << 1 | u32::from(way.comma) << 2;
        [follow.0, (follow.1 - follow.0) << 3 | way, ends.0]
    }

    fn from_row([follow, rest, ends]: [u32; 3], ends_end: u32) -> Self {
        let way = Way { begins: rest & 1 != 0, in_line: rest & 2 != 0, comma: rest & 4 != 0 };
        Self { way, follow: (follow, follow + (rest >> 3)), ends: (ends, ends_end) }
    }
}

impl End {
    fn to_number(self) -> u32 {
        self.phrase << 1 | u32::from(self.at_end)
    }

    fn from_number(number: u32) -> Self {
        Self { phrase: number >> 1, at_end: number & 1 != 0 }
    }
}

/// All phrases, as tables.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// What words are.
    pub(super) vocabulary: Vocabulary,
    /// Behind the last stands one that only ends it.
    places: Table<[u32; 3]>,
    /// The atom and the place of what may follow each place, by atom: any word last.
    follow: Table<[u32; 2]>,
    ends: Table<u32>,
    /// How many phrases and atoms there are.
    counts: Table<u32>,
    /// By a word's atom: the phrases that are this one word, wherever it stands.
    pub(super) single: ByAtom<1>,
    /// By a word's atom: the places that it reaches as a phrase's first word, where any word may follow or none need to.
    pub(super) alone: ByAtom<1>,
    /// By the atom of a word that a phrase begins with where it must be followed by one of some words: the atom of each of
    /// these and the place that it reaches, by atom.
    pairs: ByAtom<2>,
    /// By atom: whether it is the second of any pair. Most words are not, and need no look at the pairs.
    is_second: Table<u8>,
}

/// The places of all phrases, with their atoms, what follows them, and where phrases end.
pub(super) struct AllPlaces<'a> {
    pub(super) places: &'a [(Atom, Place)],
    pub(super) follow: Vec<[u32; 2]>,
    pub(super) ends: &'a [End],
}

impl Tables {
    /// Of places, of phrases that are one word (its atom, and the phrase), and of what patterns their words are.
    pub(super) fn new(
        vocabulary: Vocabulary,
        atoms: usize,
        phrases: u32,
        words: &[[u32; 2]],
        firsts: &[u32],
        AllPlaces { places, mut follow, ends }: AllPlaces<'_>,
    ) -> Self {
        let (mut alone, mut pairs) = (Vec::new(), Vec::new());
        let mut is_second = vec![0; atoms];
        for first in firsts {
            let Some((atom, place)) = places.get(*first as usize) else { continue };
            let next = between(&follow, place.follow);
            let may_end = place.ends.0 < place.ends.1;
            if may_end || next.last().is_some_and(|[atom, _]| *atom == ANY) {
                alone.push((*atom, [*first]));
                continue;
            }
            for [second, at] in next {
                pairs.push((*atom, [*second, *at]));
                if let Some(flag) = is_second.get_mut(*second as usize) {
                    *flag = 1;
                }
            }
        }
        pairs.sort_by_key(|(first, [second, _])| (*first, *second));
        follow.shrink_to_fit();
        let all_ends = u32::try_from(ends.len()).unwrap_or(u32::MAX);
        let last = Place { way: Way::default(), follow: (0, 0), ends: (all_ends, all_ends) };
        let words: Vec<_> = words.iter().map(|[atom, phrase]| (*atom, [*phrase])).collect();
        Self {
            vocabulary,
            places: places.iter().map(|(_, place)| *place).chain([last]).map(Place::to_row).collect(),
            follow: follow.into(),
            ends: ends.iter().map(|end| end.to_number()).collect(),
            counts: vec![phrases, u32::try_from(atoms).unwrap_or(u32::MAX)].into(),
            single: ByAtom::of(&words, atoms),
            alone: ByAtom::of(&alone, atoms),
            pairs: ByAtom::of(&pairs, atoms),
            is_second: is_second.into(),
        }
    }

    /// Goes through all of them.
    pub(super) fn pass(&mut self, sections: &mut impl Sections) {
        self.vocabulary.pass(sections);
        sections.rows(&mut self.places);
        sections.rows(&mut self.follow);
        sections.numbers(&mut self.ends);
        sections.numbers(&mut self.counts);
        self.single.pass(sections);
        self.alone.pass(sections);
        self.pairs.pass(sections);
        sections.bytes(&mut self.is_second);
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.places.len().saturating_sub(1)
    }

    /// How many phrases there are.
    pub(super) fn phrases(&self) -> usize {
        self.counts.first().copied().unwrap_or_default() as usize
    }

    /// How many atoms there are.
    pub(super) fn atoms(&self) -> usize {
        self.counts.get(1).copied().unwrap_or_default() as usize
    }

    /// How many steps there are from one place to the next.
    pub(super) fn steps(&self) -> usize {
        self.follow.len()
    }

    /// A place, by its number.
    pub(super) fn place(&self, at: u32) -> Option<Place> {
        let at = at as usize;
        let (row, [.., ends_end]) = (self.places.get(at)?, self.places.get(at + 1)?);
        Some(Place::from_row(*row, *ends_end))
    }

    /// The atom and the number of each place that may follow one, by atom: any word last.
    pub(super) fn follow(&self, place: &Place) -> &[[u32; 2]] {
        between(&self.follow, place.follow)
    }

    /// The phrases that may end at a place.
    pub(super) fn ends(&self, place: Place) -> impl Iterator<Item = End> {
        between(&self.ends, place.ends).iter().copied().map(End::from_number)
    }

    /// The places that a word reaches where the one before it began a phrase, by the atoms of both; each behind its atom.
    pub(super) fn places_of_pair(&self, first: Atom, second: Atom) -> &[[u32; 2]] {
        if self.is_second.get(second as usize).is_none_or(|flag| *flag == 0) {
            return &[];
        }
        let all = self.pairs.get(first);
        let from = all.partition_point(|[atom, _]| *atom < second);
        let from = all.get(from..).unwrap_or_default();
        from.get(..from.partition_point(|[atom, _]| *atom == second)).unwrap_or_default()
    }
}

pub(super) fn between<T>(all: &[T], (start, end): (u32, u32)) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}

//! Words by their letters: one walk over those of a word finds the atoms of all that it begins with, or is.

use super::Atom;
use crate::text::phrases::sections::{Sections, Table};

/// With more edges than this a node gets a table, if it is one of the first so many, which most words come by.
const FEW: usize = 4;
const MAX_TABLED: usize = 4096;
const LETTERS: usize = 26;
const NO_TABLE: u32 = u32::MAX;

/// A word, or how words begin, with the place of its letters among all.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u32,
    end: u32,
    atom: Atom,
    is_exact: bool,
}

/// Collects words; they are put in order once.
#[derive(Debug, Default)]
pub(super) struct Builder {
    letters: Vec<u8>,
    entries: Vec<Entry>,
}

impl Builder {
    pub(super) fn insert(&mut self, bytes: impl Iterator<Item = u8>, atom: Atom, is_prefix: bool) {
        let start = small(self.letters.len());
        self.letters.extend(bytes);
        self.entries.push(Entry { start, end: small(self.letters.len()), atom, is_exact: !is_prefix });
    }

    /// Level by level: the edges of all nodes, in their order, lead to all nodes but the first, in theirs.
    pub(super) fn finish(self) -> Tree {
        let Self { letters, mut entries } = self;
        let word = |entry: &Entry| letters.get(entry.start as usize..entry.end as usize).unwrap_or_default();
        let key = |entry: &Entry| (entry.is_exact, entry.atom);
        entries.sort_unstable_by(|left, right| (word(left), key(left)).cmp(&(word(right), key(right))));
        entries.dedup_by(|later, earlier| word(later) == word(earlier) && key(later) == key(earlier));
        let (mut nodes, mut labels, mut atoms) = (Vec::new(), Vec::new(), Vec::new());
        let (mut letters, mut tables) = (Vec::new(), Vec::new());
        let (mut level, mut next, mut depth) = (Vec::new(), Vec::new(), 0);
        level.push(0..entries.len());
        while !level.is_empty() {
            for range in level.drain(..) {
                let all = entries.get(range.clone()).unwrap_or_default();
                // What ends here comes first.
                let own = all.partition_point(|entry| word(entry).len() <= depth);
                let (own, longer) = (all.get(..own).unwrap_or_default(), all.get(own..).unwrap_or_default());
                let edges = labels.len();
                nodes.push([small(edges), small(atoms.len())]);
                atoms.extend(own.iter().map(|entry| entry.atom << 1 | u32::from(entry.is_exact)));
                let mut start = range.start + own.len();
                for group in longer.chunk_by(|left, right| word(left).get(depth) == word(right).get(depth)) {
                    labels.extend(group.first().and_then(|entry| word(entry).get(depth)));
                    next.push(start..start + group.len());
                    start += group.len();
                }
                if let Some(labels) = labels.get(edges..).filter(|labels| labels.len() > FEW)
                    && nodes.len() <= MAX_TABLED
                {
                    letters.resize(nodes.len() - 1, NO_TABLE);
                    letters.push(small(tables.len()));
                    tables.extend(table(labels));
                }
            }
            std::mem::swap(&mut level, &mut next);
            depth += 1;
        }
        nodes.push([small(labels.len()), small(atoms.len())]);
        let mut tree = Tree {
            nodes: nodes.into(),
            labels: labels.into(),
            atoms: atoms.into(),
            letters: letters.into(),
            tables: tables.into(),
            root: Table::default(),
        };
        tree.root = (0..=u8::MAX).map(|byte| tree.step(0, byte).unwrap_or_default()).collect();
        tree
    }
}

/// By letter from `a` to `z`: which of the edges has it, from 1; 0 for none.
fn table(labels: &[u8]) -> [u8; LETTERS] {
    let mut table = [0; LETTERS];
    for (label, number) in labels.iter().zip(1..) {
        if let Some(entry) = table.get_mut(usize::from(label.wrapping_sub(b'a'))) {
            *entry = number;
        }
    }
    table
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The finished tree.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Where the edges of each node begin, and its atoms; they end where those of the next node begin. In the order of the
    /// edges that lead to them; behind the last stands one that only ends it.
    nodes: Table<[u32; 2]>,
    labels: Table<u8>,
    /// Twice the atom; one more where the word ends there, and not only begins so. These come last.
    atoms: Table<u32>,
    /// By node: where its table of letters begins, where it has more than a few edges. Behind the last of these there is nothing.
    letters: Table<u32>,
    tables: Table<u8>,
    /// The first step, which every word takes; 0 for none.
    root: Table<u32>,
}

impl Tree {
    /// Goes through its tables.
    pub(super) fn pass(&mut self, sections: &mut impl Sections) {
        sections.rows(&mut self.nodes);
        sections.bytes(&mut self.labels);
        sections.numbers(&mut self.atoms);
        sections.numbers(&mut self.letters);
        sections.bytes(&mut self.tables);
        sections.numbers(&mut self.root);
    }

    fn step(&self, at: u32, byte: u8) -> Option<u32> {
        let [edges, _] = *self.nodes.get(at as usize)?;
        let letter = usize::from(byte.wrapping_sub(b'a'));
        if letter < LETTERS
            && let Some(start) = self.letters.get(at as usize).filter(|start| **start != NO_TABLE)
            && let Some(edge) = self.tables.get(*start as usize + letter)
        {
            return (*edge != 0).then(|| edges + u32::from(*edge));
        }
        let [end, _] = *self.nodes.get(at as usize + 1)?;
        let edge = self.labels.get(edges as usize..end as usize)?.iter().position(|label| *label == byte)?;
        Some(edges + small(edge) + 1)
    }

    /// The atoms of all that a word of these letters begins with, or is.
    pub(super) fn walk(&self, mut bytes: impl Iterator<Item = u8>, found: &mut Vec<Atom>) {
        let Some(first) = bytes.next() else { return };
        let mut next = self.root.get(usize::from(first)).copied().filter(|at| *at != 0);
        while let Some(at) = next {
            let (Some([_, start]), Some([_, end])) = (self.nodes.get(at as usize), self.nodes.get(at as usize + 1))
            else {
                return;
            };
            let own = self.atoms.get(*start as usize..*end as usize).unwrap_or_default();
            let byte = bytes.next();
            let is_end = byte.is_none();
            found.extend(own.iter().filter(|atom| is_end || **atom & 1 == 0).map(|atom| atom >> 1));
            next = byte.and_then(|byte| self.step(at, byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_beginnings_are_found() {
        let words: [(&str, bool); 11] = [
            ("call", false),
            ("call", true),
            ("calls", false),
            ("c", true),
            ("café", false),
            ("cab", false),
            ("cod", false),
            ("cut", false),
            ("cue", true),
            ("cry", false),
            ("見積", false),
        ];
        let mut builder = Builder::default();
        for (atom, (word, is_prefix)) in (0..).zip(words) {
            builder.insert(word.bytes(), atom, is_prefix);
            builder.insert(word.bytes(), atom, is_prefix);
        }
        let tree = builder.finish();
        for text in [
            "call", "calls", "calling", "café", "cafe", "cut", "cuts", "cues", "cue", "c", "d", "", "見積", "見",
            "cod", "cryy",
        ] {
            let mut found = Vec::new();
            tree.walk(text.bytes(), &mut found);
            found.sort_unstable();
            let fits = |(word, is_prefix): (&str, bool)| if is_prefix { text.starts_with(word) } else { text == word };
            let expected: Vec<Atom> = (0..).zip(words).filter(|(_, word)| fits(*word)).map(|(atom, _)| atom).collect();
            assert_eq!(found, expected, "{text}");
        }
        let mut found = Vec::new();
        Builder::default().finish().walk("call".bytes(), &mut found);
        assert_eq!(found, [0; 0]);
    }
}

//! Words by their letters: one walk over those of a word finds the atoms of all that it begins with, or is.

use super::Atom;

/// With more edges than this a node gets a table.
const FEW: usize = 4;
const LETTERS: usize = 26;

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
        let mut tree = Tree::default();
        let (mut level, mut next, mut depth) = (Vec::new(), Vec::new(), 0);
        level.push(0..entries.len());
        while !level.is_empty() {
            for range in level.drain(..) {
                let all = entries.get(range.clone()).unwrap_or_default();
                // What ends here comes first.
                let own = all.partition_point(|entry| word(entry).len() <= depth);
                let (own, longer) = (all.get(..own).unwrap_or_default(), all.get(own..).unwrap_or_default());
                let mut node =
                    Node { edges: small(tree.labels.len()), prefix: small(tree.atoms.len()), ..Node::default() };
                let prefixes = own.iter().take_while(|entry| !entry.is_exact).count();
                node.exact = node.prefix + small(prefixes);
                tree.atoms.extend(own.iter().map(|entry| entry.atom));
                let mut start = range.start + own.len();
                for group in longer.chunk_by(|left, right| word(left).get(depth) == word(right).get(depth)) {
                    tree.labels.extend(group.first().and_then(|entry| word(entry).get(depth)));
                    next.push(start..start + group.len());
                    start += group.len();
                }
                node.letters = tree.table(node.edges as usize);
                tree.nodes.push(node);
            }
            std::mem::swap(&mut level, &mut next);
            depth += 1;
        }
        let end = Node { edges: small(tree.labels.len()), prefix: small(tree.atoms.len()), ..Node::default() };
        tree.nodes.push(end);
        tree.nodes.shrink_to_fit();
        tree.labels.shrink_to_fit();
        tree.atoms.shrink_to_fit();
        tree.tables.shrink_to_fit();
        tree.root = (0..=u8::MAX).map(|byte| tree.step(0, byte).unwrap_or_default()).collect();
        tree
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[derive(Debug, Default, Clone, Copy)]
struct Node {
    /// Where its edges begin; they end where those of the next node begin.
    edges: u32,
    /// Where the atoms begin of words that begin so, then of those that are this: up to the next node's.
    prefix: u32,
    exact: u32,
    /// Its table of letters, where it has more than a few edges.
    letters: u32,
}

/// The finished tree.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// In the order of the edges that lead to them; behind the last stands one that only ends it.
    nodes: Vec<Node>,
    labels: Vec<u8>,
    atoms: Vec<Atom>,
    /// By letter from `a` to `z`: which of the edges has it, from 1; 0 for none.
    tables: Vec<[u8; LETTERS]>,
    /// The first step, which every word takes; 0 for none.
    root: Box<[u32]>,
}

impl Tree {
    /// Makes a table of the edges from a place on, if they are many; tells its number.
    fn table(&mut self, edges: usize) -> u32 {
        let labels = self.labels.get(edges..).unwrap_or_default();
        if labels.len() <= FEW {
            return u32::MAX;
        }
        let mut table = [0; LETTERS];
        for (label, number) in labels.iter().zip(1..) {
            if let Some(entry) = table.get_mut(usize::from(label.wrapping_sub(b'a'))) {
                *entry = number;
            }
        }
        self.tables.push(table);
        small(self.tables.len() - 1)
    }

    fn step(&self, at: u32, byte: u8) -> Option<u32> {
        let node = self.nodes.get(at as usize)?;
        if let Some(table) = self.tables.get(node.letters as usize)
            && let Some(edge) = table.get(usize::from(byte.wrapping_sub(b'a')))
        {
            return (*edge != 0).then(|| node.edges + u32::from(*edge));
        }
        let end = self.nodes.get(at as usize + 1)?.edges;
        let edge = self.labels.get(node.edges as usize..end as usize)?.iter().position(|label| *label == byte)?;
        Some(node.edges + small(edge) + 1)
    }

    /// The atoms of all that a word of these letters begins with, or is.
    pub(super) fn walk(&self, mut bytes: impl Iterator<Item = u8>, found: &mut Vec<Atom>) {
        let Some(first) = bytes.next() else { return };
        let mut next = self.root.get(usize::from(first)).copied().filter(|at| *at != 0);
        while let Some(at) = next {
            let Some(node) = self.nodes.get(at as usize) else { return };
            if node.prefix < node.exact {
                found.extend(self.atoms.get(node.prefix as usize..node.exact as usize).unwrap_or_default());
            }
            match bytes.next() {
                Some(byte) => next = self.step(at, byte),
                None => {
                    let end = self.nodes.get(at as usize + 1).map_or(node.exact, |next| next.prefix);
                    found.extend(self.atoms.get(node.exact as usize..end as usize).unwrap_or_default());
                    return;
                }
            }
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

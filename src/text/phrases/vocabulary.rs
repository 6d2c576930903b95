//! All words of all phrases in one tree, so that one walk over a word's letters finds every pattern that it fits.

use std::collections::{BTreeMap, HashMap};

use unicode_normalization::UnicodeNormalization;

use super::grammar::{Pattern, spell};
use super::signs;
use crate::text::words::Word;

/// A number that stands for one pattern.
pub(super) type Atom = u32;

/// The atoms that stand for any number and any address.
pub(super) const NUMBER: Atom = 0;
pub(super) const ADDRESS: Atom = 1;
const FIRST: Atom = 2;

/// Gives patterns their atoms, and then becomes the [`Vocabulary`].
#[derive(Debug, Default)]
pub(super) struct Collector {
    atoms: BTreeMap<Pattern, Atom>,
}

impl Collector {
    pub(super) fn atom(&mut self, pattern: &Pattern) -> Atom {
        match pattern {
            Pattern::Number => return NUMBER,
            Pattern::Address => return ADDRESS,
            Pattern::Exactly(_) | Pattern::BeginsWith(_) | Pattern::EndsWith(_) => {}
        }
        let next = FIRST + Atom::try_from(self.atoms.len()).unwrap_or(Atom::MAX - FIRST);
        *self.atoms.entry(pattern.clone()).or_insert(next)
    }

    /// How many atoms there are.
    pub(super) fn len(&self) -> usize {
        self.atoms.len() + FIRST as usize
    }

    pub(super) fn finish(&self) -> Vocabulary {
        let (mut forward, mut backward) = (Builder::default(), Builder::default());
        for (pattern, atom) in &self.atoms {
            match pattern {
                Pattern::Exactly(word) => {
                    spellings(word).iter().for_each(|word| forward.insert(word.bytes(), *atom, false));
                }
                Pattern::BeginsWith(start) => {
                    spellings(start).iter().for_each(|start| forward.insert(start.bytes(), *atom, true));
                }
                Pattern::EndsWith(end) => {
                    spellings(end).iter().for_each(|end| backward.insert(end.bytes().rev(), *atom, true));
                }
                Pattern::Number | Pattern::Address => {}
            }
        }
        let has_signs = self.atoms.keys().any(|pattern| match pattern {
            Pattern::Exactly(word) | Pattern::BeginsWith(word) | Pattern::EndsWith(word) => signs::has_sign(word),
            Pattern::Number | Pattern::Address => false,
        });
        Vocabulary { forward: forward.finish(), backward: backward.finish(), has_signs }
    }
}

/// How a word of a phrase may be spelt in a mail: as it is, without its accents, and with the two letters that stand for an
/// umlaut where a keyboard has none. A mail's own accents are never taken off: `schön` is not `schon`.
pub(super) fn spellings(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    if !word.is_ascii() {
        all.push(without_accents(word));
        let digraphs = [("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("å", "aa"), ("ø", "oe"), ("æ", "ae")];
        all.push(digraphs.iter().fold(word.to_owned(), |word, (letter, two)| word.replace(letter, two)));
        // Romanian as older keyboards write it.
        all.push(word.replace('ș', "ş").replace('ț', "ţ"));
        all.sort_unstable();
        all.dedup();
    }
    all
}

fn without_accents(word: &str) -> String {
    let base = |c: char| match c {
        'ł' => 'l',
        'ø' => 'o',
        'đ' => 'd',
        'ı' => 'i',
        'ё' => 'е',
        other => other,
    };
    let mut out = String::new();
    for c in word.chars() {
        // In Cyrillic and in Asian scripts the mark makes another letter.
        if matches!(c, '\u{c0}'..='\u{17f}' | '\u{1e00}'..='\u{1eff}' | '\u{370}'..='\u{3ff}' | '\u{200}'..='\u{233}') {
            out.extend(
                std::iter::once(c).nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).map(base),
            );
        } else {
            out.push(base(c));
        }
    }
    out
}

/// The finished tree.
#[derive(Debug)]
pub(super) struct Vocabulary {
    forward: Tree,
    backward: Tree,
    /// Whether any pattern has signs.
    has_signs: bool,
}

impl Vocabulary {
    /// All atoms that a word fits.
    pub(super) fn find(&self, word: &str, found: &mut Vec<Atom>) {
        if word.is_ascii() {
            let bytes = || word.bytes().filter(|b| *b != b'-').map(|b| b.to_ascii_lowercase());
            self.forward.walk(bytes(), found);
            self.backward.walk(bytes().rev(), found);
        } else {
            let spelt = spell(word);
            self.forward.walk(spelt.bytes(), found);
            self.backward.walk(spelt.bytes().rev(), found);
        }
    }

    /// All atoms that a word fits with the signs that it has in a text; `buffer` is for its spellings.
    pub(super) fn find_with_signs(&self, text: &str, word: &Word, buffer: &mut String, found: &mut Vec<Atom>) {
        if !self.has_signs {
            return;
        }
        signs::with_signs(text, word, buffer, &mut |spelt| {
            self.forward.walk(spelt.bytes(), found);
            self.backward.walk(spelt.bytes().rev(), found);
        });
    }
}

#[derive(Debug, Default)]
struct BuilderNode {
    next: BTreeMap<u8, usize>,
    exact: Vec<Atom>,
    prefix: Vec<Atom>,
}

#[derive(Debug)]
struct Builder {
    nodes: Vec<BuilderNode>,
}

impl Default for Builder {
    fn default() -> Self {
        Self { nodes: vec![BuilderNode::default()] }
    }
}

impl Builder {
    fn insert(&mut self, bytes: impl Iterator<Item = u8>, atom: Atom, is_prefix: bool) {
        let mut at = 0;
        for byte in bytes {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = *node.next.entry(byte).or_insert(fresh);
            if at == fresh {
                self.nodes.push(BuilderNode::default());
            }
        }
        let Some(node) = self.nodes.get_mut(at) else { return };
        let atoms = if is_prefix { &mut node.prefix } else { &mut node.exact };
        if !atoms.contains(&atom) {
            atoms.push(atom);
        }
    }

    fn finish(self) -> Tree {
        let mut tree = Tree::default();
        for node in self.nodes {
            let edges = tree.labels.len();
            for (label, target) in node.next {
                tree.labels.push(label);
                tree.targets.push(u32::try_from(target).unwrap_or_default());
            }
            let (prefix, exact) = (tree.atoms.len(), tree.atoms.len() + node.prefix.len());
            tree.atoms.extend(node.prefix.into_iter().chain(node.exact));
            let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            let letters = tree.letters.len();
            if tree.labels.len() - edges > FEW {
                tree.letters.push([0; LETTERS]);
            }
            tree.nodes.push(TreeNode {
                edges: small(edges),
                edges_end: small(tree.labels.len()),
                letters: if tree.letters.len() > letters { small(letters) } else { u32::MAX },
                prefix: small(prefix),
                exact: small(exact),
                exact_end: small(tree.atoms.len()),
            });
        }
        for node in &tree.nodes {
            let Some(table) = tree.letters.get_mut(node.letters as usize) else { continue };
            for edge in node.edges as usize..node.edges_end as usize {
                let (Some(label), Some(target)) = (tree.labels.get(edge), tree.targets.get(edge)) else { continue };
                if let Some(entry) = table.get_mut(usize::from(label.wrapping_sub(b'a'))) {
                    *entry = *target;
                }
            }
        }
        let root = tree.nodes.first().copied().unwrap_or_default();
        tree.root = (0..=u8::MAX).map(|byte| tree.step(root, byte)).collect();
        tree
    }
}

const LETTERS: usize = 26;
/// With more edges than this a node gets a table.
const FEW: usize = 4;

#[derive(Debug, Default, Clone, Copy)]
struct TreeNode {
    edges: u32,
    edges_end: u32,
    /// Its table of letters, where it has more than a few edges.
    letters: u32,
    prefix: u32,
    exact: u32,
    exact_end: u32,
}

#[derive(Debug, Default)]
struct Tree {
    nodes: Vec<TreeNode>,
    labels: Vec<u8>,
    targets: Vec<u32>,
    atoms: Vec<Atom>,
    /// By letter from `a` to `z`: the next node, 0 for none.
    letters: Vec<[u32; LETTERS]>,
    // The first step, which every word takes.
    root: Vec<Option<u32>>,
}

impl Tree {
    fn step(&self, node: TreeNode, byte: u8) -> Option<u32> {
        if let Some(table) = self.letters.get(node.letters as usize)
            && let Some(next) = table.get(usize::from(byte.wrapping_sub(b'a')))
        {
            return (*next != 0).then_some(*next);
        }
        let range = node.edges as usize..node.edges_end as usize;
        let at = self.labels.get(range)?.iter().position(|label| *label == byte)?;
        self.targets.get(node.edges as usize + at).copied()
    }

    fn walk(&self, mut bytes: impl Iterator<Item = u8>, found: &mut Vec<Atom>) {
        let Some(first) = bytes.next() else { return };
        let mut next = self.root.get(usize::from(first)).copied().flatten();
        while let Some(node) = next.and_then(|at| self.nodes.get(at as usize)) {
            if node.prefix < node.exact {
                found.extend(self.atoms.get(node.prefix as usize..node.exact as usize).unwrap_or_default());
            }
            match bytes.next() {
                Some(byte) => next = self.step(*node, byte),
                None => {
                    found.extend(self.atoms.get(node.exact as usize..node.exact_end as usize).unwrap_or_default());
                    return;
                }
            }
        }
    }
}

/// Numbers for pairs of atoms, in one word.
pub(super) fn pair(first: Atom, second: Atom) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// Hashes one number with one multiplication: the pairs are ours, nobody can choose them to collide.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct PairHasher(u64);

impl std::hash::Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }
}

/// A table by pairs of atoms.
pub(super) type PairMap<T> = HashMap<u64, T, std::hash::BuildHasherDefault<PairHasher>>;

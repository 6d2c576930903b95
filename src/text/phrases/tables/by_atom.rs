//! Rows of numbers by atom, in one list.

use crate::text::phrases::{
    sections::{Sections, Table},
    vocabulary::Atom,
};

/// Some rows of each atom.
#[derive(Debug, Default)]
pub(in crate::text::phrases) struct ByAtom<const N: usize> {
    /// Where the rows of each atom begin; behind the last stands where they end.
    starts: Table<u32>,
    rows: Table<[u32; N]>,
}

impl<const N: usize> ByAtom<N> {
    /// Of rows with their atoms, whose order stays; there are so many atoms.
    pub(super) fn of(pairs: &[(Atom, [u32; N])], atoms: usize) -> Self {
        let mut sorted = pairs.to_vec();
        sorted.sort_by_key(|(atom, _)| *atom);
        let start = |atom: usize| sorted.partition_point(|(other, _)| (*other as usize) < atom);
        let starts = (0..=atoms).map(|atom| u32::try_from(start(atom)).unwrap_or(u32::MAX)).collect();
        Self { starts, rows: sorted.iter().map(|(_, row)| *row).collect() }
    }

    /// The rows of an atom.
    pub(in crate::text::phrases) fn get(&self, atom: Atom) -> &[[u32; N]] {
        let at = atom as usize;
        let (Some(start), Some(end)) = (self.starts.get(at), self.starts.get(at + 1)) else { return &[] };
        self.rows.get(*start as usize..*end as usize).unwrap_or_default()
    }

    pub(super) fn pass(&mut self, sections: &mut impl Sections) {
        sections.numbers(&mut self.starts);
        sections.rows(&mut self.rows);
    }
}

//! Numbers by atom, in one list.

use super::Atom;

/// Some numbers of each atom.
#[derive(Debug, Default)]
pub(super) struct ByAtom {
    /// Where the numbers of each atom begin; behind the last stands where they end.
    starts: Box<[u32]>,
    numbers: Box<[u32]>,
}

impl ByAtom {
    /// Of pairs of an atom and a number, whose order stays; there are so many atoms.
    pub(super) fn of(pairs: &[(Atom, u32)], atoms: usize) -> Self {
        let mut sorted = pairs.to_vec();
        sorted.sort_by_key(|(atom, _)| *atom);
        let start = |atom: usize| sorted.partition_point(|(other, _)| (*other as usize) < atom);
        let starts = (0..=atoms).map(|atom| u32::try_from(start(atom)).unwrap_or(u32::MAX)).collect();
        Self { starts, numbers: sorted.iter().map(|(_, number)| *number).collect() }
    }

    pub(super) fn get(&self, atom: Atom) -> &[u32] {
        let at = atom as usize;
        let (Some(start), Some(end)) = (self.starts.get(at), self.starts.get(at + 1)) else { return &[] };
        self.numbers.get(*start as usize..*end as usize).unwrap_or_default()
    }
}

//! Reads the tables that stand in the program.

use super::sections::{ALIGNMENT, Sections, Table};
use std::borrow::Cow;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// The bytes of a file at an address that tables of numbers may have.
#[repr(C, align(4))]
pub(super) struct Aligned<const N: usize>(pub(super) [u8; N]);

/// What is left of the tables.
pub(super) struct Reader {
    rest: &'static [u8],
}

impl Reader {
    pub(super) fn new(tables: &'static [u8]) -> Self {
        Self { rest: tables }
    }

    /// The next table; empty behind the last.
    fn next<T: FromBytes + Immutable + KnownLayout + Clone + 'static>(&mut self) -> Table<T> {
        let Ok((length, rest)) = u32::read_from_prefix(self.rest) else { return Cow::default() };
        let length = length as usize;
        let content = rest.get(..length).unwrap_or_default();
        self.rest = rest.get(length.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
        Cow::Borrowed(<[T]>::ref_from_bytes(content).unwrap_or_default())
    }
}

impl Sections for Reader {
    fn numbers(&mut self, table: &mut Table<u32>) {
        *table = self.next();
    }

    fn rows<const N: usize>(&mut self, table: &mut Table<[u32; N]>) {
        *table = self.next();
    }

    fn bytes(&mut self, table: &mut Table<u8>) {
        *table = self.next();
    }
}

/// A table that stands in the program; one in memory is none.
pub(super) fn borrowed<T: Clone + 'static>(table: Table<T>) -> &'static [T] {
    match table {
        Cow::Borrowed(table) => table,
        Cow::Owned(_) => &[],
    }
}

/// The lines of a text that stands in the program.
pub(super) fn lines(table: Table<u8>) -> impl Iterator<Item = &'static str> {
    str::from_utf8(borrowed(table)).unwrap_or_default().lines()
}

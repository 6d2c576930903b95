//! Tables that stand in the program itself: the build script writes them, and the program looks into them where they are.

use std::borrow::Cow;

/// A table in memory, or in the program.
pub(super) type Table<T> = Cow<'static, [T]>;

/// What goes through tables one after the other: the one that writes them and the one that reads them, in the same order.
pub(super) trait Sections {
    /// The next table is one of numbers.
    fn numbers(&mut self, table: &mut Table<u32>);
    /// The next table is one of rows of so many numbers.
    fn rows<const N: usize>(&mut self, table: &mut Table<[u32; N]>);
    /// The next table is one of bytes, or a text.
    fn bytes(&mut self, table: &mut Table<u8>);
}

/// Each table is its length in bytes and its content, and begins at a multiple of this.
pub(super) const ALIGNMENT: usize = align_of::<u32>();

//! The `reply-router` binary: everything of substance is in the library.

fn main() {}

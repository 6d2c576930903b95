//! The commands, and all printing to the terminal.

mod args;
mod preview;

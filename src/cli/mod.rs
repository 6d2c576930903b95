//! The commands, and all printing to the terminal.

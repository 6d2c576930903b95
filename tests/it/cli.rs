//! Tests of the commands, seen from outside: the real binary, a simulated workspace on a real port, a folder of its own.

use crate::place;

mod bad_input;
mod controlling;
mod doctor;
mod explaining;
mod large;
mod printing;
mod reading;
mod reloading;
mod service;
mod testing;
mod writing;

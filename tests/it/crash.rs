//! The program is killed (SIGKILL) at every place between two steps of the work and in the middle of network writes, many
//! times each, and started again on the same store. What the simulated world received, and what the store says in the end,
//! must show that nothing was sent twice, nothing lost, and nothing given to a person that is known.
//!
//! Several places share a process, each in a workspace of its own with a simulated inbox of its own: one kill is a kill at
//! each of them.

mod checker;
mod fixture;
mod network;
mod steps;
mod terminated;

/// How often the program is killed at each place.
const KILLS: usize = 20;

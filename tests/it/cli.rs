//! Tests of the commands, seen from outside: the real binary, a simulated workspace on a real port, a folder of its own.

use crate::cli_fixture;

mod apply;
mod backtest;
mod backtest_events;
mod backtest_fetch;
mod backtest_page;
mod bad_input;
mod controlling;
mod doctor;
mod explain;
mod forget;
mod large;
mod lists;
mod log;
mod opt_outs;
mod printing;
mod read_only;
mod reload;
mod service;
mod shell;
mod store;
mod test;

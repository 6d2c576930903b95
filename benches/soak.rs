//! The model of `tests/it/model`, played for as long as one likes:
//! `cargo bench --locked --bench soak -- 100000 SEED`. Both numbers may be left out; `RR_SEQUENCES` and
//! `RR_SEED` say the same. Without a seed, each soak plays other sequences.

// A soak that is surprised ends there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/it/model/mod.rs"]
mod model;
// The other tests use the rest of it.
#[allow(dead_code, unused_imports)]
#[path = "../tests/it/fixture.rs"]
mod fixture;
#[allow(dead_code)]
#[path = "../tests/it/stores.rs"]
mod stores;

use model::{chosen, run::search};
use std::time::{Instant, SystemTime};

fn main() -> std::process::ExitCode {
    let (flags, numbers): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    if !flags.iter().any(|flag| flag == "--bench") {
        println!("the soak takes long: cargo bench --bench soak");
        return std::process::ExitCode::SUCCESS;
    }
    let number = |nth: usize| numbers.get(nth).map(|text| text.parse::<u64>().expect("a number"));
    let sequences = number(0).or_else(|| chosen("RR_SEQUENCES")).unwrap_or(100_000);
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = number(1).or_else(|| chosen("RR_SEED")).unwrap_or_else(clock);
    println!("seed {seed}, {sequences} sequences");
    let began = Instant::now();
    match search(usize::try_from(sequences).unwrap(), seed, None) {
        Ok(stats) => {
            println!("{stats}; {:.0} s", began.elapsed().as_secs_f64());
            std::process::ExitCode::SUCCESS
        }
        Err(found) => {
            println!("{found}");
            std::process::ExitCode::FAILURE
        }
    }
}

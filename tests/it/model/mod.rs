//! Whatever happens in whatever order, to a service that is whole (simulator, client, SQLite file, engine; only the time
//! is made up), both promises hold: no lead gets the same reply twice, and no message is lost.
//!
//! `RR_SEQUENCES` and `RR_SEED` choose how many sequences are played, and which.

mod actors;
mod forwards;
mod hooks;
mod oracle;
mod quiesce;
mod rules;
pub(crate) mod run;
mod snapshot;
mod stars;
mod stats;
mod system;
pub(crate) mod transition;

/// A number from the environment.
pub(crate) fn chosen(name: &str) -> Option<u64> {
    Some(std::env::var(name).ok()?.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

#[test]
fn both_promises_hold_whatever_happens() {
    let seed = chosen("RR_SEED").unwrap_or(20_260_715);
    let sequences = chosen("RR_SEQUENCES").unwrap_or(2_000);
    let began = std::time::Instant::now();
    match run::search(usize::try_from(sequences).unwrap(), seed, None) {
        Ok(figures) => {
            eprintln!("seed {seed}: {figures}; {:.0} s", began.elapsed().as_secs_f64());
            assert_eq!((figures.duplicates, figures.lost), (0, 0));
        }
        Err(found) => panic!("{found}"),
    }
}

//! Plays sequences: one that is given, or many that are thought up, on several threads.

use super::{
    oracle::Violation,
    quiesce::quiesce,
    stats::RunStats,
    system::System,
    transition::{InitialState, SequenceStrategy, Transition},
};
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestCaseError, TestError, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use reply_router::engine::Mutation;
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// At most so many transitions.
const MAX_LEN: usize = 12;

/// Plays one sequence to its end. `seen` counts the transitions that were played, for the one who shortens it.
pub(crate) fn play(
    beginning: &InitialState,
    transitions: &[Transition],
    bug: Option<Mutation>,
    played: Option<&AtomicUsize>,
) -> Result<System, Violation> {
    // What a sequence leaves running ends with its runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = System::new(beginning, bug).await;
        for transition in transitions {
            if let Some(played) = played {
                played.fetch_add(1, Ordering::SeqCst);
            }
            world.apply(transition).await?;
        }
        quiesce(&mut world).await?;
        Ok(world)
    })
}

/// What ended a search: the shortest sequence that was found, and what it broke.
#[derive(Debug)]
pub(crate) struct Counterexample {
    pub(crate) beginning: InitialState,
    pub(crate) transitions: Vec<Transition>,
    pub(crate) broken: String,
    pub(crate) seed: u64,
    /// How many sequences had held before.
    pub(crate) after: usize,
}

impl std::fmt::Display for Counterexample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} (seed {}, after {} sequences)", self.broken, self.seed, self.after)?;
        writeln!(f, "{:?}", self.beginning)?;
        self.transitions.iter().try_for_each(|transition| writeln!(f, "  {transition:?},"))
    }
}

/// Plays so many sequences; each thread has a seed of its own, made from the one given.
pub(crate) fn search(sequences: usize, seed: u64, bug: Option<Mutation>) -> Result<RunStats, Box<Counterexample>> {
    // Twice as many as there are cores: each one waits for its disk now and then.
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let share = |thread: usize| sequences / threads + usize::from(thread < sequences % threads);
    let results: Vec<_> = std::thread::scope(|scope| {
        let search = |thread| scope.spawn(move || search_alone(share(thread), seed + thread as u64 * 1_000_003, bug));
        let running: Vec<_> = (0..threads).map(search).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut all = RunStats::default();
    for figures in results {
        all.merge(figures?);
    }
    Ok(all)
}

fn search_alone(sequences: usize, seed: u64, bug: Option<Mutation>) -> Result<RunStats, Box<Counterexample>> {
    let figures = Mutex::new(RunStats::default());
    let config = Config {
        cases: u32::try_from(sequences).unwrap(),
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 600,
        ..Config::default()
    };
    let strategy = SequenceStrategy::sequential_strategy(1..=MAX_LEN);
    let ended = TestRunner::new(config).run(&strategy, |(beginning, transitions, played)| {
        match play(&beginning, &transitions, bug, played.as_deref()) {
            Ok(end) => {
                figures.lock().unwrap().add(&transitions, end.seen());
                Ok(())
            }
            Err(violation) => Err(TestCaseError::fail(violation.to_string())),
        }
    });
    let figures = figures.into_inner().unwrap();
    match ended {
        Ok(()) => Ok(figures),
        Err(TestError::Fail(broken, (beginning, transitions, _))) => {
            let broken = broken.to_string();
            Err(Box::new(Counterexample { beginning, transitions, broken, seed, after: figures.sequences }))
        }
        Err(TestError::Abort(why)) => panic!("the search was given up: {why}"),
    }
}

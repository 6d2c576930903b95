//! How far a `backtest` is, on standard error: a line now and then, and on a terminal one that changes.

use super::terminal;
use crate::{
    backtest::{Monitor, Progress},
    model::counted,
};
use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

/// How often a line that changes is written again.
const ON_TERMINAL: Duration = Duration::from_millis(500);
/// How often a line of its own is written.
const ELSEWHERE: Duration = Duration::from_secs(3);
/// So many lines of their own tell of a comparison whose length is known.
const STEPS: u64 = 10;

/// Tells how far a comparison is until this is gone.
pub(super) struct ProgressLines {
    task: tokio::task::JoinHandle<()>,
    is_terminal: bool,
}

impl ProgressLines {
    /// Tells of the comparison that this monitor watches.
    pub(super) fn of(monitor: &Monitor) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let watched = monitor.progress.subscribe();
        let task = tokio::spawn(async move {
            let began = Instant::now();
            let every = if is_terminal { ON_TERMINAL } else { ELSEWHERE };
            let mut notes = Notes::default();
            loop {
                tokio::time::sleep(every).await;
                let progress = *watched.borrow();
                if is_terminal {
                    // What is over soon is not told.
                    if began.elapsed() >= ELSEWHERE {
                        terminal::change_line(&line(&progress));
                    }
                } else if let Some(line) = notes.next(&progress) {
                    terminal::err!("{line}");
                }
            }
        });
        Self { task, is_terminal }
    }
}

impl Drop for ProgressLines {
    fn drop(&mut self) {
        self.task.abort();
        if self.is_terminal {
            terminal::change_line("");
        }
    }
}

/// Which lines of their own are written.
#[derive(Default)]
struct Notes {
    /// How many steps of a comparison whose length is known were told.
    steps: u64,
}

impl Notes {
    /// What is told now; of a comparison whose length is known nothing before the next step.
    fn next(&mut self, progress: &Progress) -> Option<String> {
        if let Some(total @ 1..) = progress.total {
            let steps = progress.done.saturating_mul(STEPS) / total;
            if steps <= self.steps {
                return None;
            }
            self.steps = steps;
        }
        Some(line(progress))
    }
}

fn line(progress: &Progress) -> String {
    let Progress { done, total, changed, up_to, .. } = progress;
    let of = match total {
        Some(total @ 1..) => format!(" of {total} ({} %)", done.saturating_mul(100) / total),
        _ => String::new(),
    };
    let up_to = up_to.map(|at| format!(", up to {}", at.strftime("%Y-%m-%d %H:%M"))).unwrap_or_default();
    let events = if of.is_empty() { counted(*done, "event", "events") } else { format!("{done}{of} events") };
    format!("compared {events}{up_to}; the outcome of {changed} changes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_length_is_told_in_steps_and_an_unknown_one_each_time() {
        let mut notes = Notes::default();
        let at = |done: u64, total: Option<u64>| Progress { done, total, changed: 2, ..Progress::default() };
        let told: Vec<_> = [0, 5, 99, 100, 150, 450, 460].map(|done| notes.next(&at(done, Some(1_000)))).into();
        let told: Vec<_> = told.into_iter().flatten().collect();
        assert_eq!(
            told,
            [
                "compared 100 of 1000 (10 %) events; the outcome of 2 changes",
                "compared 450 of 1000 (45 %) events; the outcome of 2 changes"
            ]
        );
        let mut notes = Notes::default();
        let up_to = Some("2026-01-05T09:00:30Z".parse().unwrap());
        let told = notes.next(&Progress { up_to, ..at(1, None) });
        assert_eq!(told.as_deref(), Some("compared 1 event, up to 2026-01-05 09:00; the outcome of 2 changes"));
        assert!(notes.next(&at(1, None)).is_some(), "whoever waits sees that it goes on");
    }
}

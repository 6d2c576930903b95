//! `backtest`: what a change of the rules would have done.

use super::{
    CommandStatus,
    args::{BacktestArgs, BacktestFormat},
    backtest_rules::{Compared, compared_rules},
    backtest_source::{Item, Source},
    backtest_text, terminal,
};
use crate::{
    app::CliOptions,
    backtest::{EventLine, Outcome, Report, compare},
    rules::RuleSet,
};
use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use std::{sync::Arc, thread};

/// The version of the JSON's shape.
const VERSION: u32 = 1;

/// The whole result, as programs get it.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    version: u32,
    /// How events were decided: `stateless`.
    how: &'static str,
    /// Since when; `None` for all.
    pub since: Option<Timestamp>,
    pub before: Rules<'a>,
    pub after: Rules<'a>,
    #[serde(flatten)]
    pub report: &'a Report,
}

/// One of the two sets.
#[derive(Serialize)]
pub(super) struct Rules<'a> {
    /// Where they come from.
    pub from: &'a str,
    revision: &'a str,
}

pub(super) async fn backtest(overrides: &CliOptions, args: BacktestArgs) -> anyhow::Result<CommandStatus> {
    let compared = compared_rules(overrides, &args).await?;
    let mut source = Source::open(&compared, &args).await?;
    if !args.stateless {
        terminal::err!(
            "note: matching alone is compared, as with --stateless: repeats, limits, caps, opening hours, opt-outs and \
             takeovers do not count"
        );
    }
    let report = run(&compared, &mut source).await?;
    source.close().await;
    if report.events + report.lacking_events == 0 {
        anyhow::bail!("{}", nothing(&report, &args));
    }
    let result = Answer {
        version: VERSION,
        how: "stateless",
        since: source.since(),
        before: Rules { from: &compared.before_from, revision: compared.before.revision() },
        after: Rules { from: &compared.after_from, revision: compared.after.revision() },
        report: &report,
    };
    match args.format {
        BacktestFormat::Table => terminal::part!("{}", backtest_text::table(&result)),
        BacktestFormat::Json => terminal::out!("{}", terminal::json(&result)?),
        BacktestFormat::Markdown => terminal::part!("{}", backtest_text::markdown(&result)),
        BacktestFormat::Github => {
            terminal::part!("{}{}", backtest_text::table(&result), backtest_text::annotations(&result));
        }
    }
    Ok(if args.fail_on_change && report.changed > 0 { CommandStatus::Problem } else { CommandStatus::Success })
}

fn nothing(report: &Report, args: &BacktestArgs) -> String {
    match (report.unknown_workspace, &args.from) {
        (1.., _) => format!(
            "all {} events are of workspaces that the rules do not know: name the configuration that has them with \
             --config, or, for a folder of mails, the workspace that they came to with --workspace",
            report.unknown_workspace
        ),
        (_, Some(from)) => {
            format!("there are no events in {}, or none that --since and --workspace leave", from.display())
        }
        (_, None) => {
            "the store has no events of this time: raise --since, or name events with --from. What was decided by \
                      an earlier version has none"
                .to_owned()
        }
    }
}

/// What became of one event.
enum Done {
    Compared(Box<(EventLine, Outcome)>),
    UnknownWorkspace,
    /// It is not of this time or workspace.
    LeftOut,
}

/// Compares all events, some at a time: while these are decided, the next ones are read.
async fn run(compared: &Compared, source: &mut Source) -> anyhow::Result<Report> {
    let mut report = Report::new(&compared.before, &compared.after);
    let mut next = source.next().await?;
    while !next.is_empty() {
        let (before, after) = (Arc::clone(&compared.before), Arc::clone(&compared.after));
        let keep = source.filter();
        let working =
            tokio::task::spawn_blocking(move || in_parallel(next, |item| decide(&before, &after, item, &keep)));
        let (done, read) = tokio::join!(working, source.next());
        for done in done? {
            match done? {
                Done::Compared(found) => report.add(&found.0, found.1),
                Done::UnknownWorkspace => report.unknown_workspace += 1,
                Done::LeftOut => {}
            }
        }
        next = read?;
    }
    Ok(report)
}

fn decide(before: &RuleSet, after: &RuleSet, item: Item, keep: &crate::store::EventFilter) -> anyhow::Result<Done> {
    let mut event = match item {
        Item::Event(event) => *event,
        Item::Line { place, text } => EventLine::from_json(&text).with_context(|| place)?,
    };
    let is_young = keep.since.is_none_or(|since| event.time >= since);
    if !is_young || keep.workspace.as_ref().is_some_and(|name| *name != event.workspace) {
        return Ok(Done::LeftOut);
    }
    let knows = |set: &RuleSet| {
        let mut views = set.views().peekable();
        views.peek().is_none() || views.any(|(name, _)| name == event.workspace)
    };
    if !knows(before) && !knows(after) {
        return Ok(Done::UnknownWorkspace);
    }
    let outcome = compare(before, after, &mut event);
    Ok(Done::Compared(Box::new((event, outcome))))
}

/// Does it with every item on all cores; the results are in the order of the items.
fn in_parallel<I: Send, D: Send>(items: Vec<I>, work: impl Fn(I) -> D + Sync) -> Vec<D> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let size = items.len().div_ceil(cores).max(1);
    let mut parts: Vec<Vec<I>> = Vec::with_capacity(cores);
    let mut items = items.into_iter();
    loop {
        let part: Vec<I> = items.by_ref().take(size).collect();
        if part.is_empty() {
            break;
        }
        parts.push(part);
    }
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> =
            parts.into_iter().map(|part| scope.spawn(move || part.into_iter().map(work).collect::<Vec<D>>())).collect();
        // A part that panicked ends the command: nothing of it may be missing from the result.
        running
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

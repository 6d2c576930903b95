//! `backtest`: what a change of the rules would have done.

use super::{
    CommandStatus,
    args::{BacktestArgs, BacktestFormat},
    backtest_fetch,
    backtest_progress::ProgressLines,
    backtest_rules::compared_rules,
    backtest_source::{self, OpenSource},
    backtest_text, terminal,
};
use crate::{
    app::CliOptions,
    backtest::{
        Answer, ComparedRules, Comparison, Completed, Decider, Monitor, Pace, Report, Stateful, Stateless, markdown,
        run,
    },
    diagnostics::code,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

pub(super) async fn backtest(overrides: &CliOptions, args: BacktestArgs) -> anyhow::Result<CommandStatus> {
    let mut compared = compared_rules(overrides, &args).await?;
    let read_now = match args.fetch {
        true => backtest_fetch::fetch(&mut compared, &args).await?,
        false => HashMap::new(),
    };
    let OpenSource { events, filter, store } = backtest_source::open(&compared, &args).await?;
    let mut events = match read_now.is_empty() {
        true => events,
        false => Box::new(Completed::new(events, read_now)),
    };
    let (before, after) = (Arc::clone(&compared.before), Arc::clone(&compared.after));
    let mut report = Report::new(&before, &after);
    let comparison = Comparison { before, after, since: filter.since, workspaces: filter.workspaces };
    let comparison = Arc::new(comparison);
    let monitor = Monitor::new(Pace::Full);
    let mut decider: Box<dyn Decider> = match args.stateless {
        true => Box::new(Stateless::new(Arc::clone(&comparison), monitor.pace)),
        false => {
            let workspaces = compared.settings.iter().flat_map(|settings| &settings.workspaces);
            let workspaces = workspaces.map(|workspace| workspace.settings.clone());
            Box::new(Stateful::new(Arc::clone(&comparison), workspaces)?)
        }
    };
    let progress = ProgressLines::of(&monitor);
    let ran = run(events.as_mut(), decider.as_mut(), &mut report, &monitor).await;
    drop(progress);
    if let Some(store) = store {
        store.close().await;
    }
    ran?;
    if report.events + report.lacking_events + report.unreadable_events == 0 {
        anyhow::bail!("{}", nothing(&report, &args));
    }
    let sets = (
        ComparedRules { from: &compared.before_from, revision: comparison.before.revision() },
        ComparedRules { from: &compared.after_from, revision: comparison.after.revision() },
    );
    let how = if args.stateless { "stateless" } else { "stateful" };
    let mut result = Answer::new(how, comparison.since, sets, &report);
    result.without_configuration = compared.settings.is_none().then(|| unknown_names(&comparison));
    match args.format {
        BacktestFormat::Table => terminal::part!("{}", backtest_text::table(&result)),
        BacktestFormat::Json => terminal::out!("{}", terminal::json(&result)?),
        BacktestFormat::Markdown => terminal::part!("{}", markdown(&result)),
        BacktestFormat::Github => {
            terminal::part!("{}{}", backtest_text::table(&result), backtest_text::annotations(&result));
        }
    }
    let is_problem = report.unreadable_events > 0 || args.fail_on_change && report.changed > 0;
    Ok(if is_problem { CommandStatus::Problem } else { CommandStatus::Success })
}

/// The opening hours and lists that the rules name and that are nowhere, each once.
fn unknown_names(comparison: &Comparison) -> Vec<String> {
    let found = [&comparison.before, &comparison.after].into_iter().flat_map(|set| set.warnings().iter());
    let unknown = found.filter(|found| matches!(found.code, code::UNKNOWN_HOURS | code::UNKNOWN_LIST));
    unknown.map(|found| found.message.clone()).collect::<BTreeSet<_>>().into_iter().collect()
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

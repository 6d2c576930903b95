//! The commands, and all printing to the terminal.
//!
//! Data goes to standard output, logs and progress to standard error. A command ends with 0 when all is fine, 1 when the
//! check, the test or the run found a problem, 2 when it was called wrongly.

mod apply;
mod args;
mod audit;
mod backtest;
mod backtest_fetch;
mod backtest_progress;
mod backtest_rules;
mod backtest_source;
mod backtest_text;
mod check;
mod completions;
mod control;
mod demo;
mod doctor;
mod events;
mod explain;
mod explain_file;
mod explain_lead;
mod explain_text;
mod export_test;
mod forget;
mod init;
mod man;
mod opt_outs;
mod preview;
mod run;
mod schema;
mod service;
mod simulate;
mod status;
mod store;
mod terminal;
mod test;

use crate::{
    app::{self, AppError, CliOptions},
    diagnostics::code,
    settings::{DEFAULT_FILE, Settings, WorkspaceConfig},
};
use args::{Cli, Command, LogFormat};
use clap::Parser;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// A command that ran, and whether it found a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommandStatus {
    Success,
    Problem,
}

/// Reads the command line, runs the command, and returns its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    init_logs(&cli);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::err!("error: cannot create threads: {error}");
            return ExitCode::from(1);
        }
    };
    let result = runtime.block_on(dispatch(cli));
    // A blocking thread (a name lookup, a file) must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match result {
        Ok(CommandStatus::Success) => ExitCode::SUCCESS,
        Ok(CommandStatus::Problem) => ExitCode::from(1),
        Err(error) => {
            report(&error);
            ExitCode::from(1)
        }
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<CommandStatus> {
    let overrides = CliOptions { config: cli.config.clone(), rules: cli.rules.clone() };
    match cli.command {
        Command::Init { folder } => init::init(folder.as_deref(), cli.config.as_deref()),
        Command::Run { dry_run, once } => run::run(&overrides, dry_run, once).await,
        Command::Preview(selection) => preview::preview(&overrides, selection).await,
        Command::Apply { since, thread, workspace, yes } => {
            apply::apply(&overrides, apply::ApplyArgs { since, thread, workspace, yes }).await
        }
        Command::Explain(args) => explain::explain(&overrides, &args).await,
        Command::Backtest(args) => backtest::backtest(&overrides, args).await,
        Command::Events(command) => events::events(&overrides, command).await,
        Command::Check { paths, format } => check::check(&beside(&overrides, &paths), &paths, format),
        Command::Test { paths, format, junit } => {
            test::test(&beside(&overrides, &paths), &paths, format, junit.as_deref()).await
        }
        Command::Schema { of, output } => schema::schema(of, output.as_deref()),
        Command::Demo(args) => demo::demo(args).await,
        Command::Simulate(args) => simulate::simulate(args).await,
        Command::Doctor { send, format } => doctor::doctor(&overrides, send.as_deref(), format).await,
        Command::Pause { workspace, service } => control::pause(&overrides, service, workspace).await,
        Command::Resume { workspace, service } => control::resume(&overrides, service, workspace).await,
        Command::Approve { id, text, service } => control::approve(&overrides, service, id, text).await,
        Command::Reject { id, service } => control::reject(&overrides, service, id).await,
        Command::Forget { address, workspace, service } => {
            forget::forget(&overrides, service.url, &address, workspace.as_deref()).await
        }
        Command::OptOuts(command) => opt_outs::opt_outs(&overrides, command).await,
        Command::Store(command) => store::store(&overrides, command).await,
        Command::Completions { shell } => completions::completions(shell),
        Command::Man { folder } => man::man(folder.as_deref()),
        Command::Status { service, format, watch } => status::status(&overrides, service.url, format, watch).await,
    }
}

/// The environment, as an argument for everything that reads it.
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn load(overrides: &CliOptions) -> Result<Settings, AppError> {
    let settings = app::load(overrides, &env)?;
    warn_of(&settings);
    Ok(settings)
}

/// The configuration for a command that reaches nobody: an unset variable gets a substitute, and is named. Hours, caps, lists
/// and names of destinations apply all the same.
fn load_offline(overrides: &CliOptions) -> Result<(Settings, Vec<String>), AppError> {
    let error = match app::load(overrides, &env) {
        Ok(settings) => return Ok((settings, Vec::new())),
        Err(error) => error,
    };
    let AppError::Invalid(found) = &error else { return Err(error) };
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let stand_in = |name: &str| {
        let text = || match name.ends_with("URL") {
            true => "https://not-set.invalid/".to_owned(),
            // Two keys are two values.
            false => format!("{name}-is-not-set-and-not-needed-in-a-test-of-rules"),
        };
        env(name).filter(|value| !value.is_empty()).or_else(|| {
            asked.borrow_mut().insert(name.to_owned());
            Some(text())
        })
    };
    let settings = app::load(overrides, &stand_in);
    // Only what the configuration cannot do without.
    let is_missed = |name: &String| {
        let named = format!("`{name}`");
        found.iter().any(|found| found.code == code::UNSET_VARIABLE && found.message.contains(&named))
    };
    let unset = asked.take().into_iter().filter(is_missed).collect();
    settings.map(|settings| (settings, unset)).map_err(|_| error)
}

/// The configuration in the one folder that a command names, unless another one is selected.
fn beside(overrides: &CliOptions, paths: &[PathBuf]) -> CliOptions {
    let own = match paths {
        [folder] if overrides.config.is_none() && !Path::new(DEFAULT_FILE).exists() => folder.join(DEFAULT_FILE),
        _ => return overrides.clone(),
    };
    CliOptions { config: own.is_file().then_some(own), rules: overrides.rules.clone() }
}

fn warn_of(settings: &Settings) {
    if !settings.warnings.is_empty() {
        terminal::err!("{}", settings.warnings.render(true));
    }
}

/// The workspace that a command is about: the named one, or the only one.
fn chosen<'a>(settings: &'a Settings, name: Option<&str>) -> Result<&'a WorkspaceConfig, AppError> {
    let all = &settings.workspaces;
    let names = || all.iter().map(|workspace| workspace.name()).collect::<Vec<_>>().join(", ");
    match (name, all.as_slice()) {
        (Some(name), _) => all
            .iter()
            .find(|workspace| workspace.name() == name)
            .ok_or_else(|| AppError::Workspace(format!("unknown workspace `{name}`; use one of {}", names()))),
        (None, [only]) => Ok(only),
        (None, _) => Err(AppError::Workspace(format!("select a workspace with --workspace: {}", names()))),
    }
}

fn report(error: &anyhow::Error) {
    if let Some(AppError::Invalid(found)) = error.downcast_ref::<AppError>() {
        terminal::err!("{}", found.render(true));
        return;
    }
    terminal::err!("{}error:{} {error:#}", BOLD_RED.render(), BOLD_RED.render_reset());
}

const BOLD_RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();

fn init_logs(cli: &Cli) {
    let level = match &cli.command {
        Command::Run { .. } => "info",
        // The demo and the short commands print what happens themselves.
        _ => "error",
    };
    let filter = EnvFilter::try_from_env("REPLY_ROUTER_LOG")
        // Somebody who waits for a command wants to know for what.
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,reply_router={level},reply_router::budget=info")));
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(terminal::Log::new).with_ansi(colour);
    match cli.log_format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// Ends with Ctrl-C or SIGTERM.
fn shutdown_signal() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let stop = token.clone();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            stop.cancel();
        });
    }
    #[cfg(not(unix))]
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
    });
    Ok(token)
}

//! What the commands take.

mod records;
mod simulated;
mod threads;

use clap::{Args, Parser, Subcommand, ValueEnum};
pub(super) use records::{OptOutsCommand, ServiceArgs, StoreCommand};
pub(super) use simulated::{DemoArgs, SimulateArgs};
use std::path::PathBuf;
pub(super) use threads::{ExplainArgs, Selection};

/// Reads replies to ColdSend campaigns and acts on them with rules you write in YAML.
#[derive(Debug, Parser)]
#[command(
    name = "reply-router",
    version,
    about,
    arg_required_else_help = true,
    after_help = "New here? `reply-router demo` runs on a simulated workspace; \
                  `reply-router init` writes a first configuration and rule; \
                  `reply-router preview` shows what your rules would do with your inbox, without changing anything."
)]
pub(super) struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "REPLY_ROUTER_CONFIG")]
    pub config: Option<PathBuf>,
    /// A rule file or folder, instead of `rules` in the configuration.
    #[arg(long, global = true, value_name = "PATH", env = "REPLY_ROUTER_RULES")]
    pub rules: Option<PathBuf>,
    /// Format of the log on standard error.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", env = "REPLY_ROUTER_LOG_FORMAT")]
    pub log_format: LogFormat,
    #[command(subcommand)]
    pub command: Command,
}

/// Log formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Formats of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TableFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Formats of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TextFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Formats of diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// For people: with the line, a caret and a hint.
    Text,
    /// For programs.
    Json,
    /// As GitHub annotations.
    Github,
}

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaKind {
    /// Rule files, and files of tests.
    Rules,
    /// The configuration file, reply-router.yaml.
    Config,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a commented reply-router.yaml and a first rule with a test; overwrites nothing.
    Init {
        /// The folder to write to; default: that of --config, or the current one.
        folder: Option<PathBuf>,
    },
    /// Run the service: poll, decide, act, serve the admin pages.
    Run {
        /// Send and save nothing: GET requests only, with a scratch store.
        #[arg(long)]
        dry_run: bool,
        /// Poll once, do what is due (with retries within 30 s), then exit; no admin server. Exits 1 if a poll failed or
        /// an action of this run failed or is quarantined.
        #[arg(long)]
        once: bool,
    },
    /// Show what the rules would do with your inbox now; changes nothing.
    Preview(Selection),
    /// Apply the rules to existing mail: shows the preview, asks, then acts.
    Apply {
        /// Only threads whose last message is newer than this.
        #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
        since: std::time::Duration,
        /// Only this thread.
        #[arg(long, value_name = "ID")]
        thread: Option<String>,
        /// The workspace; required if the configuration has several.
        #[arg(long, value_name = "NAME")]
        workspace: Option<String>,
        /// Act without asking.
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Explain why each rule matches a thread, or does not: every condition with the value it saw, and the timeline from
    /// poll to reply.
    ///
    /// Explains a live thread by default; with --decision a stored decision, without any request; with --file a test case
    /// in YAML, a mail saved from a mail program (.eml), or the text of a message.
    Explain(ExplainArgs),
    /// Find errors in configuration, rules, scripts and templates.
    Check {
        /// Rule files or folders; default: those of the configuration.
        paths: Vec<PathBuf>,
        /// Output format.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: CheckFormat,
    },
    /// Show what a change of the rules would have done with past mail; writes and sends nothing.
    ///
    /// Two sets of rules decide the events that the service has seen. You get, for each rule, its matches and actions before
    /// and after; then every event whose outcome changes, and the first condition that made the difference. Events of which
    /// less was read than a new rule needs are counted and listed by rule.
    #[command(after_help = "Examples:
  reply-router backtest                                     the rules on disk, against those that run
  reply-router backtest --rules new/ --since 7d             other rules, on the last week
  reply-router backtest --against git:main                  what this branch changes
  reply-router backtest --from events.jsonl --against git:origin/main --format markdown --fail-on-change
  reply-router backtest --from mails/ --against old-rules/  on mails that you saved as .eml

In CI there is no store: take the events out with `reply-router events export --redact`, and name them with --from.")]
    Backtest(BacktestArgs),
    /// Take the events out that the service has evaluated, for `backtest --from`.
    #[command(subcommand)]
    Events(EventsCommand),
    /// Run the tests beside the rules, offline.
    ///
    /// `run` and a reload reject rules whose tests fail.
    Test {
        /// Rule files, test files (`*.test.yaml`) or folders; default: those of the configuration.
        paths: Vec<PathBuf>,
        /// Output format.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: TextFormat,
        /// Also write the results to this file, as JUnit XML.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Print the JSON Schema of rules or of the configuration, for editors.
    Schema {
        /// The schema to print.
        #[arg(value_name = "rules|config", required_unless_present = "output")]
        of: Option<SchemaKind>,
        /// Write rules.schema.json and reply-router.schema.json (or only the named one) to this folder instead,
        /// overwriting existing files.
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Run live rules on a simulated workspace; needs no account and no configuration.
    Demo(DemoArgs),
    /// Run only the simulated ColdSend API, to try your own rules.
    Simulate(SimulateArgs),
    /// Check the key, its scopes and limits, Slack, mail server, webhooks, store and clock.
    Doctor {
        /// Also deliver a test message to this destination.
        #[arg(long, value_name = "DESTINATION")]
        send: Option<String>,
        /// Output format.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: TextFormat,
    },
    /// Stop sending at once, for one workspace or for all.
    ///
    /// The service goes on polling and deciding; actions wait until you run `reply-router resume`. A pause survives
    /// restarts. The command finds the service by `admin.listen` and `admin.token` of the configuration, or by --url.
    #[command(after_help = "Examples:
  reply-router pause            everything
  reply-router pause acme       one workspace")]
    Pause {
        /// The workspace; default: all.
        workspace: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// End the pause of one workspace, or every pause.
    ///
    /// Actions that waited are checked again, then carried out.
    Resume {
        /// The workspace; default: all.
        workspace: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Send a held reply; without ID, list held actions.
    ///
    /// All checks still apply: if the lead has written again, or a teammate has replied, nothing is sent.
    #[command(after_help = "Examples:
  reply-router approve                                   list held actions
  reply-router approve 0198…                             send it as it is
  reply-router approve 0198… --text 'Tuesday at ten?'    send this text instead")]
    Approve {
        /// The action's ID, from the list.
        id: Option<String>,
        /// Send this text instead, as plain text.
        #[arg(long, value_name = "TEXT", requires = "id")]
        text: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Cancel a held action; without ID, list held actions.
    Reject {
        /// The action's ID, from the list.
        id: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Show the status of the running service and its rules.
    Status {
        #[command(flatten)]
        service: ServiceArgs,
        /// Output format.
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: TableFormat,
        /// Refresh every two seconds until Ctrl-C.
        #[arg(long)]
        watch: bool,
    },
    /// Erase a person: texts, names, addresses, decisions, actions.
    ///
    /// The service may run: the command uses it then. Threads keep their IDs and counts, which show that old mail is old;
    /// opt-outs, and what keeps a reply from being sent twice, hold on by a keyed hash. Whoever interrupts it asks again.
    /// Backups that you have made still hold the person.
    Forget {
        /// The person's e-mail address.
        address: String,
        /// Only in this workspace; default: in all.
        #[arg(long, value_name = "NAME")]
        workspace: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Import and export the opt-outs as CSV.
    #[command(subcommand)]
    OptOuts(OptOutsCommand),
    /// Work with the records as a whole.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print a completion script for your shell.
    ///
    /// It completes commands, options and their values. Write it again after an update.
    #[command(after_help = "Examples:
  reply-router completions bash > ~/.local/share/bash-completion/completions/reply-router
  reply-router completions zsh  > \"${fpath[1]}/_reply-router\"
  reply-router completions fish > ~/.config/fish/completions/reply-router.fish")]
    Completions {
        /// Your shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page; with a folder, write one page for each command.
    #[command(after_help = "Examples:
  reply-router man | man -l -               read the page
  reply-router man ~/.local/share/man/man1  then `man reply-router-run` shows that of `run`")]
    Man {
        /// The folder to write reply-router.1, reply-router-run.1 and the others into. It replaces what is there.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

/// What two sets of rules are compared on.
#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    /// The rules to compare with: `running`, those of the service; a file or folder; or `git:REV`, those that stood at this
    /// path then.
    #[arg(long, value_name = "running|PATH|git:REV", default_value = "running")]
    pub against: String,
    /// Only events younger than this; default: 30d, or all of --from.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<std::time::Duration>,
    /// The events: a file that `events export` wrote (`-` for standard input), or a folder of mails (.eml), each one event.
    /// Default: those of the store.
    #[arg(long, value_name = "FILE|DIR")]
    pub from: Option<PathBuf>,
    /// Only events of this workspace; with a folder of mails, the workspace that they come to.
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
    /// Compare matching alone: repeats, limits, caps, opening hours, opt-outs and takeovers do not count.
    #[arg(long)]
    pub stateless: bool,
    /// First read what events lack from ColdSend, within the request budget, and keep it in the store.
    #[arg(long)]
    pub fetch: bool,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: BacktestFormat,
    /// Exit with 1 if the outcome of any event changes.
    #[arg(long)]
    pub fail_on_change: bool,
}

/// Formats of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BacktestFormat {
    /// For people.
    Table,
    /// For programs; docs/backtest.md describes it.
    Json,
    /// For a comment on a pull request: at most 60,000 characters.
    Markdown,
    /// For a GitHub workflow: the table, and a warning beside each rule that changes something.
    Github,
}

/// Events as files.
#[derive(Debug, Subcommand)]
pub(super) enum EventsCommand {
    /// Print the events that the service has evaluated, oldest first, one JSON object a line.
    ///
    /// A line holds all that rules saw: the row, the thread and the messages as far as they were read. The service may go on
    /// running. docs/backtest.md describes the lines, and what --redact does and does not promise.
    #[command(after_help = "Examples:
  reply-router events export > events.jsonl
  reply-router events export --since 30d --redact > tests/events.jsonl")]
    Export {
        /// Only events younger than this; default: all that the store has.
        #[arg(long, value_name = "DURATION", value_parser = duration)]
        since: Option<std::time::Duration>,
        /// Only events of this workspace; default: all.
        #[arg(long, value_name = "NAME")]
        workspace: Option<String>,
        /// Replace names, addresses, phone numbers and links, each by the same stand-in throughout the file.
        #[arg(long)]
        redact: bool,
    },
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::model::parse_duration(text).map_err(|error| error.to_string())
}

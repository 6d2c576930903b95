//! What the commands take.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// Reads the replies to cold e-mail campaigns on ColdSend and acts on them by rules written in YAML.
#[derive(Debug, Parser)]
#[command(
    name = "reply-router",
    version,
    about,
    arg_required_else_help = true,
    after_help = "New here? `reply-router demo` shows everything on a simulated workspace; \
                  `reply-router init` writes a first configuration and rule; \
                  `reply-router preview` shows what your rules would do with your inbox, and changes nothing."
)]
pub(super) struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "REPLY_ROUTER_CONFIG")]
    pub config: Option<PathBuf>,
    /// A rule file or a folder of them, instead of the one that the configuration names.
    #[arg(long, global = true, value_name = "PATH", env = "REPLY_ROUTER_RULES")]
    pub rules: Option<PathBuf>,
    /// How logs look on standard error.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", env = "REPLY_ROUTER_LOG_FORMAT")]
    pub log_format: LogFormat,
    #[command(subcommand)]
    pub command: Command,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How a result looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TableFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// How an explanation looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TextFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How mistakes are shown.
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
        /// The folder to write into; that of --config, or this one, if it is not given.
        folder: Option<PathBuf>,
    },
    /// Run the service: poll, decide, act, serve the admin pages.
    Run {
        /// Write nothing anywhere: GET requests only, a scratch store, nothing sent.
        #[arg(long)]
        dry_run: bool,
        /// Poll once, do what is due (second tries within 30 s), then end; no admin server. Exits 1 if a poll failed or
        /// an action of this run failed or is quarantined.
        #[arg(long)]
        once: bool,
    },
    /// Show what the rules would do with the inbox as it is now. Changes nothing, sends nothing.
    Preview(Selection),
    /// Do on existing mail what the rules say: shows the preview, asks, then acts.
    Apply {
        /// Threads whose last message is younger than this.
        #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
        since: std::time::Duration,
        /// This thread only.
        #[arg(long, value_name = "ID")]
        thread: Option<String>,
        /// The workspace, where the configuration has several.
        #[arg(long, value_name = "NAME")]
        workspace: Option<String>,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// Say why each rule matches a thread, or does not: every condition with the value it saw, and the whole way from the
    /// poll to the reply that was sent.
    ///
    /// Of a live thread by default. Of an event as it was decided with --decision, without any request. Of a file with
    /// --file: a test case in YAML, a mail as saved from a mail program (.eml), or the text of a message.
    Explain(ExplainArgs),
    /// Find the mistakes in configuration, rules, scripts and templates.
    Check {
        /// Rule files or folders; those of the configuration if none is given.
        paths: Vec<PathBuf>,
        /// How they are shown.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: CheckFormat,
    },
    /// Run the tests that stand beside the rules, offline.
    ///
    /// `run` and a reload refuse rules whose tests fail.
    Test {
        /// Rule files, files of tests (`*.test.yaml`), or folders; those of the configuration if none is given.
        paths: Vec<PathBuf>,
        /// How the results look.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: TextFormat,
        /// Also write the results here, as JUnit XML.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Print the JSON Schema of rules or of the configuration, for editors.
    Schema {
        /// Which one.
        #[arg(value_name = "rules|config", required_unless_present = "output")]
        of: Option<SchemaKind>,
        /// Write rules.schema.json and reply-router.schema.json (or the one that is named) into this folder instead,
        /// also over what is there.
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Show everything at work on a simulated workspace: no account, no configuration needed.
    Demo(DemoArgs),
    /// Run the simulated ColdSend API alone, for trying your own rules.
    Simulate(SimulateArgs),
    /// Check the key, its scopes and limits, Slack, mail server, webhooks, store and clock.
    Doctor {
        /// Also deliver a test message to this destination.
        #[arg(long, value_name = "DESTINATION")]
        send: Option<String>,
        /// How it is shown.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: TextFormat,
    },
    /// Stop everything that leaves, at once: of one workspace, or of all.
    ///
    /// The running service goes on polling and deciding; what it decides waits until you run `reply-router resume`. A pause
    /// survives restarts. The service is found by `admin.listen` and `admin.token` of the configuration, or by --url.
    #[command(after_help = "Examples:
  reply-router pause            everything
  reply-router pause acme       one workspace")]
    Pause {
        /// The workspace; all of them if it is not given.
        workspace: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// End a pause: of one workspace, or every pause.
    ///
    /// What waited for it is checked again and then sent.
    Resume {
        /// The workspace; all of them if it is not given.
        workspace: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Send a held reply; without ID, list what is held.
    ///
    /// The reply passes every check once more: if the lead has written again, or a teammate has replied, nothing is sent.
    #[command(after_help = "Examples:
  reply-router approve                                   list what waits
  reply-router approve 0198…                             send it as it is
  reply-router approve 0198… --text 'Tuesday at ten?'    send this text instead")]
    Approve {
        /// The action's ID, as the list shows it.
        id: Option<String>,
        /// Send this text instead, as plain text.
        #[arg(long, value_name = "TEXT", requires = "id")]
        text: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Give a held action up; without ID, list what is held.
    Reject {
        /// The action's ID, as the list shows it.
        id: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Show the rules of the running service and how they fare.
    Status {
        #[command(flatten)]
        service: ServiceArgs,
        /// How it is shown.
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        format: TableFormat,
        /// Show it anew every two seconds until Ctrl-C.
        #[arg(long)]
        watch: bool,
    },
}

/// How the running service is reached.
#[derive(Debug, Args)]
pub(super) struct ServiceArgs {
    /// The service's address; the configuration's `admin.listen` otherwise.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// Which threads are looked at.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Threads whose last message is younger than this.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
    pub since: std::time::Duration,
    /// At most so many threads.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// This thread only.
    #[arg(long, value_name = "ID")]
    pub thread: Option<String>,
    /// The workspace, where the configuration has several.
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
    /// How it is shown.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: TableFormat,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Where the admin pages are.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where the simulated workspace and the Slack and mail sinks are.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub sinks: SocketAddr,
    /// How often a new reply comes in.
    #[arg(long, value_name = "DURATION", default_value = "4s", value_parser = duration)]
    pub every: std::time::Duration,
    /// End by itself after this time.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<std::time::Duration>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["thread", "decision", "file"]))]
pub(super) struct ExplainArgs {
    /// The thread's ID, or the lead's address: then the newest of their threads.
    #[arg(value_name = "THREAD|ADDRESS")]
    pub thread: Option<String>,
    /// A decision as it was recorded, by its id.
    #[arg(long, value_name = "ID")]
    pub decision: Option<String>,
    /// A file: tests in YAML, a mail (.eml), or the text of a message.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Of a file with tests: the one of this name; all if it is not given.
    #[arg(long, value_name = "NAME", requires = "file")]
    pub test: Option<String>,
    /// Of a message in a file: the thread's category.
    #[arg(long, requires = "file")]
    pub category: Option<String>,
    /// Of a message in a file: the thread's campaign.
    #[arg(long, requires = "file")]
    pub campaign: Option<String>,
    /// Of a message in a file: the lead's address; by default who wrote it.
    #[arg(long, value_name = "ADDRESS", requires = "file")]
    pub lead_email: Option<String>,
    /// Of a message in a file: the subject; by default that of the mail.
    #[arg(long, requires = "file")]
    pub subject: Option<String>,
    /// How it is shown.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextFormat,
    /// Write the thread as a test case in YAML instead.
    #[arg(long, requires = "thread")]
    pub as_test: bool,
    /// The workspace, where the configuration has several.
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Where the simulated API is.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// An inbox of your own, in the form that docs/simulator.md describes.
    #[arg(long, value_name = "FILE")]
    pub inbox: Option<PathBuf>,
    /// How often a new reply comes in; none without this.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub every: Option<std::time::Duration>,
    /// How long a sent reply stays invisible in its thread.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub lag: std::time::Duration,
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::model::parse_duration(text).map_err(|error| error.to_string())
}

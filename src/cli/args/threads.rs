//! What the commands about threads take: which ones, and what is told of them.

use super::{TableFormat, TextFormat, duration};
use clap::Args;
use std::path::PathBuf;

/// The threads to preview.
#[derive(Debug, Args)]
pub(in crate::cli) struct Selection {
    /// Only threads whose last message is newer than this.
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
    pub since: std::time::Duration,
    /// Maximum number of threads.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Only this thread.
    #[arg(long, value_name = "ID")]
    pub thread: Option<String>,
    /// The workspace; required if the configuration has several.
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: TableFormat,
}

/// The message to explain.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["thread", "decision", "file"]))]
pub(in crate::cli) struct ExplainArgs {
    /// The thread's ID, or the lead's address for their newest thread.
    #[arg(value_name = "THREAD|ADDRESS")]
    pub thread: Option<String>,
    /// The ID of a stored decision.
    #[arg(long, value_name = "ID")]
    pub decision: Option<String>,
    /// A file: tests in YAML, a mail (.eml), or the text of a message.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// With a file of tests: the name of the test; default: all.
    #[arg(long, value_name = "NAME", requires = "file")]
    pub test: Option<String>,
    /// With a message from a file: the thread's category.
    #[arg(long, requires = "file")]
    pub category: Option<String>,
    /// With a message from a file: the thread's campaign.
    #[arg(long, requires = "file")]
    pub campaign: Option<String>,
    /// With a message from a file: the lead's address; default: the sender.
    #[arg(long, value_name = "ADDRESS", requires = "file")]
    pub lead_email: Option<String>,
    /// With a message from a file: the lead's name; default: the sender's.
    #[arg(long, value_name = "NAME", requires = "file")]
    pub lead_name: Option<String>,
    /// With a message from a file: the subject; default: that of the mail.
    #[arg(long, requires = "file")]
    pub subject: Option<String>,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextFormat,
    /// Print the thread, or the message from a file, as a test case in YAML instead.
    #[arg(long, conflicts_with = "decision")]
    pub as_test: bool,
    /// The workspace; required if the configuration has several.
    #[arg(long, value_name = "NAME")]
    pub workspace: Option<String>,
}

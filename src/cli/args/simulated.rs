//! What the commands about the simulated workspace take.

use super::duration;
use clap::Args;
use std::{net::SocketAddr, path::PathBuf};

/// How the demo runs.
#[derive(Debug, Args)]
pub(in crate::cli) struct DemoArgs {
    /// Address of the admin pages.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of the simulated workspace with its Slack and mailbox.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub sinks: SocketAddr,
    /// Time between new messages.
    #[arg(long, value_name = "DURATION", default_value = "4s", value_parser = duration)]
    pub every: std::time::Duration,
    /// Stop after this time.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<std::time::Duration>,
}

/// How the simulated API answers.
#[derive(Debug, Args)]
pub(in crate::cli) struct SimulateArgs {
    /// Address of the simulated API.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// The API key that it accepts; give each one another to try several workspaces.
    #[arg(long, value_name = "KEY", default_value = crate::simulator::DEFAULT_KEY)]
    pub key: String,
    /// A file with your own inbox; docs/simulator.md describes the format.
    #[arg(long, value_name = "FILE")]
    pub inbox: Option<PathBuf>,
    /// Time between new messages; default: no new messages.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub every: Option<std::time::Duration>,
    /// How long a sent reply takes to appear in its thread.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub lag: std::time::Duration,
}

//! `completions`: what a shell needs to complete commands, options and their values.

use super::{CommandStatus, args::Cli, terminal};
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints the completion script of `shell`.
pub(super) fn completions(shell: Shell) -> anyhow::Result<CommandStatus> {
    let mut script = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    terminal::write_stdout(&script)?;
    Ok(CommandStatus::Success)
}

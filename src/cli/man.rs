//! `man`: the manual pages, made of the same texts as `--help`.

use super::{CommandStatus, args::Cli, terminal};
use anyhow::Context;
use clap::CommandFactory;
use std::{fs, path::Path};

/// Prints the page of the program, or writes it into `folder` together with one page for each command.
pub(super) fn man(folder: Option<&Path>) -> anyhow::Result<CommandStatus> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        terminal::write_stdout(&page)?;
        return Ok(CommandStatus::Success);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    clap_mangen::generate_to(Cli::command(), folder)
        .with_context(|| format!("cannot write pages into {}", folder.display()))?;
    terminal::out!("wrote reply-router.1 and a page for each command into {}", folder.display());
    Ok(CommandStatus::Success)
}

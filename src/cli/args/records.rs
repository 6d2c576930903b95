//! What the commands about the records take, and how the running service is reached.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Opt-outs as a table.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OptOutsCommand {
    /// Add opt-outs from a CSV file.
    ///
    /// The first line names the columns: workspace, email, since, evidence, in any order; only email is needed. Usual other
    /// names, such as `E-Mail` or `Email address`, are understood, other columns left out; both is said. Cells are separated by
    /// commas, semicolons or tabs. An email is an address, or a whole domain (`*@acme.example`). If a line is wrong, every such line is named and nothing is
    /// imported. What is there already stays as it is. The command uses the running service if there is one.
    #[command(after_help = "Examples:
  reply-router opt-outs import unsubscribed.csv
  reply-router opt-outs import unsubscribed.csv --workspace acme
  sort -u *.txt | sed '1i email' | reply-router opt-outs import -")]
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
        /// The workspace of lines that name none; required if there are several.
        #[arg(long, value_name = "NAME")]
        workspace: Option<String>,
        /// Also opt out everybody at a domain such as gmail.com, if lines say so (`*@gmail.com`).
        #[arg(long, short = 'y')]
        yes: bool,
        #[command(flatten)]
        service: ServiceArgs,
    },
    /// Print opt-outs as CSV.
    ///
    /// A cell that a spreadsheet would take for a formula gets a leading apostrophe, which `import` takes off again.
    /// Opt-outs of people who were erased are left out: only their hash is known.
    #[command(after_help = "Examples:
  reply-router opt-outs export > opt-outs.csv
  reply-router opt-outs export --workspace acme > acme.csv")]
    Export {
        /// Only those of this workspace; default: all.
        #[arg(long, value_name = "NAME")]
        workspace: Option<String>,
        #[command(flatten)]
        service: ServiceArgs,
    },
}

/// What is done with the records as a whole.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StoreCommand {
    /// Give the space of removed records back to the system.
    ///
    /// Stop the service first. The store's file is written anew, which needs as much free disk as it has content. A server
    /// does this by itself.
    Compact,
    /// Copy a store into another, empty one, and compare the two row by row.
    ///
    /// Stop the service first. A store is written as in the configuration: `sqlite:` and a path, or the address of a
    /// PostgreSQL database. `${NAME}` is taken from the environment, so that no password is on the command line. The first
    /// store stays as it is.
    #[command(after_help = "Examples:
  reply-router store copy sqlite:reply-router.db 'postgres://router:${POSTGRES_PASSWORD}@db.example/router'
  reply-router store copy 'postgres://router:${POSTGRES_PASSWORD}@db.example/router' sqlite:copy.db")]
    Copy {
        /// The store to copy.
        from: String,
        /// The store to copy into; it has no records yet.
        to: String,
    },
}

/// How the running service is reached.
#[derive(Debug, Args)]
pub(in crate::cli) struct ServiceArgs {
    /// The address of the service; default: `admin.listen` of the configuration.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

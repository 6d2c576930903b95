//! What rules may name, out of the configuration.

use super::hours::OpeningHours;
use crate::lists::ListSource;
use crate::model::DestinationKind;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// What the rules' files may name, out of the configuration.
#[derive(Debug, Clone, Default)]
pub struct LoadContext {
    /// Destinations by name, with the kind of action that may use them: slack, email or webhook.
    pub destinations: BTreeMap<String, DestinationKind>,
    /// Opening hours by name.
    pub hours: BTreeMap<String, OpeningHours>,
    /// Lists by name; they are read with the rules.
    pub lists: BTreeMap<String, ListSource>,
    /// The folder that paths in rules are relative to where the rules do not come from a file.
    pub base_dir: PathBuf,
    /// There is no configuration to look names up in: an unknown destination or `hours` is a warning only.
    pub without_configuration: bool,
    /// Folders beside that of the rules whose files they may read and send.
    pub attachments_from: Vec<PathBuf>,
    /// What rules never read or send, wherever it lies: the configuration and the store.
    pub private_files: Vec<PathBuf>,
    /// The workspaces, in the order of the configuration. Where there are none, every rule is for whoever asks.
    pub workspaces: Vec<WorkspaceContext>,
    /// What counts in place of what is on disk.
    pub edit: Option<Edit>,
}

/// Texts in place of files, to see what they would do. Nothing is written.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// By the paths of the files as [`RuleSet::find_files`] finds them. A file that is not there yet is added to its folder.
    ///
    /// [`RuleSet::find_files`]: super::RuleSet::find_files
    pub texts: BTreeMap<PathBuf, String>,
    /// The only files that these texts may name, as templates and attachments; `None` for all that rules may.
    pub may_name: Option<Vec<PathBuf>>,
}

/// A workspace of the configuration: where its rules are, and what they may name.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceContext {
    /// Its name, unique among the workspaces; empty where none are known.
    pub name: String,
    /// Where its rules are, in the order in which they run.
    pub rules: Vec<PathBuf>,
    /// The destinations that it knows, with the kind of action that may use them.
    pub destinations: BTreeMap<String, DestinationKind>,
    /// Those of them that it shares with no other workspace.
    pub own_destinations: BTreeSet<String>,
    /// Those of them that go to one place alone: their actions cannot name another channel.
    pub fixed_destinations: BTreeSet<String>,
    /// The opening hours that it knows.
    pub hours: BTreeMap<String, OpeningHours>,
    /// The lists that it knows.
    pub lists: BTreeMap<String, ListSource>,
    /// What templates and scripts call `workspace.vars`.
    pub vars: BTreeMap<String, String>,
}

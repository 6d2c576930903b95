//! All that a rule set was made of, kept so that it can be made again without a disk: to tell later why a rule matched.

use super::{
    RuleSet,
    context::{LoadContext, WorkspaceContext},
    hours::OpeningHours,
};
use crate::diagnostics::Diagnostics;
use crate::lists::List;
use crate::model::DestinationKind;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files of a rule set with what the configuration added to them. From equal sources come sets that decide equally,
/// under the same revision; attachments are named, not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleSources {
    /// The files that hold rules, in the order in which they were read.
    pub(super) files: Vec<SourceFile>,
    /// The files that rules name.
    pub(super) named: Vec<NamedFile>,
    without_configuration: bool,
    destinations: BTreeMap<String, String>,
    hours: BTreeMap<String, OpeningHours>,
    /// The lists that rules look into, by name, with their digests; the rows are not kept.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) lists: BTreeMap<String, String>,
    pub(super) workspaces: Vec<WorkspaceSources>,
}

/// A file of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceFile {
    /// As it was called when it was read.
    pub(super) name: String,
    /// The folder that its paths begin at.
    pub(super) folder: String,
    pub(super) text: String,
    /// Only what it defines counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) only_definitions: bool,
}

/// A template or an attachment, as a rule names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NamedFile {
    folder: String,
    written: String,
    /// Where it was found.
    path: String,
    /// What a template says.
    text: Option<String>,
}

/// What one workspace has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WorkspaceSources {
    name: String,
    /// Its files, by their places among all, in its order.
    pub(super) files: Vec<usize>,
    destinations: BTreeMap<String, String>,
    own_destinations: BTreeSet<String>,
    hours: BTreeMap<String, OpeningHours>,
    /// As [`RuleSources::lists`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) lists: BTreeMap<String, String>,
    vars: BTreeMap<String, String>,
}

/// Why kept sources are none.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// The text is not one that [`RuleSources::to_text`] gave.
    #[error("the kept rules cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A list that the rules look into has other rows by now, and these are not kept.
    #[error("{0} has changed since")]
    ListChanged(String),
    /// They are no rules for this version of the program.
    #[error("the kept rules cannot be loaded: {}", .0.render(false))]
    Invalid(Diagnostics),
}

impl RuleSet {
    /// All that it was made of.
    pub fn sources(&self) -> &Arc<RuleSources> {
        &self.sources
    }

    /// Makes a set again from what it was made of: the same rules, in the same workspaces, under the same revision. Reads no
    /// file; lists are those of `current`, where they are still the same. Tests beside the rules are left out, and nothing is
    /// said of what is odd about them.
    ///
    /// # Errors
    /// They cannot be loaded, because they were made for another version of the program; or a list has changed since.
    pub fn from_sources(sources: &RuleSources, current: &Self) -> Result<Self, SourcesError> {
        let lists = lists_by_digest(current);
        let used = sources.lists.iter().chain(sources.workspaces.iter().flat_map(|workspace| &workspace.lists));
        let mut changed = used.filter(|(_, digest)| !lists.contains_key(digest.as_str()));
        if let Some((name, _)) = changed.next() {
            return Err(SourcesError::ListChanged(format!("the list `{name}`")));
        }
        super::load::kept(sources, &lists).map_err(SourcesError::Invalid)
    }

    /// As [`RuleSet::from_sources`], but a list that has other rows by now is taken as `current` has it under its name. The names
    /// of these lists come back.
    ///
    /// # Errors
    /// They cannot be loaded; or a list that has changed is there no more.
    pub fn from_sources_with_lists_of(
        sources: &RuleSources,
        current: &Self,
    ) -> Result<(Self, BTreeSet<String>), SourcesError> {
        let mut lists = lists_by_digest(current);
        let mut changed = BTreeSet::new();
        let everybody = std::iter::once((current, &sources.lists));
        let views =
            sources.workspaces.iter().map(|workspace| (current.of_workspace(&workspace.name), &workspace.lists));
        for (view, used) in everybody.chain(views) {
            for (name, digest) in used {
                if !lists.contains_key(digest.as_str()) {
                    let now = view.lists.get(name).or_else(|| current.lists.get(name));
                    let now = now.ok_or_else(|| SourcesError::ListChanged(format!("the list `{name}`")))?;
                    lists.insert(digest, Arc::clone(now));
                    changed.insert(name.clone());
                }
            }
        }
        let rules = super::load::kept(sources, &lists).map_err(SourcesError::Invalid)?;
        Ok((rules, changed))
    }
}

/// The lists of a set and of its views.
fn lists_by_digest(set: &RuleSet) -> HashMap<&str, Arc<List>> {
    let views = set.views.iter().map(|(_, view)| view);
    let lists = views.chain([set]).flat_map(|set| set.lists.values());
    lists.map(|list| (list.digest(), Arc::clone(list))).collect()
}

impl RuleSources {
    /// The configuration's part, before any file is read.
    pub(super) fn of_context(context: &LoadContext) -> Self {
        Self {
            without_configuration: context.without_configuration,
            destinations: kind_names(&context.destinations),
            hours: context.hours.clone(),
            workspaces: context.workspaces.iter().map(WorkspaceSources::of_context).collect(),
            ..Self::default()
        }
    }

    /// The context that they were loaded in, as far as it decides.
    pub(super) fn context(&self) -> LoadContext {
        LoadContext {
            destinations: kinds(&self.destinations),
            hours: self.hours.clone(),
            without_configuration: self.without_configuration,
            workspaces: self.workspaces.iter().map(WorkspaceSources::context).collect(),
            ..LoadContext::default()
        }
    }

    /// As one text, which [`RuleSources::from_text`] reads. It is worth compressing.
    ///
    /// # Errors
    /// Never in earnest: everything in it is text.
    pub fn to_text(&self) -> Result<String, SourcesError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads such a text.
    ///
    /// # Errors
    /// It is none.
    pub fn from_text(text: &str) -> Result<Self, SourcesError> {
        Ok(serde_json::from_str(text)?)
    }

    /// The names and texts of all files: first those of the rules, then templates.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.files.iter().map(|file| (file.name.as_str(), file.text.as_str()));
        files.chain(self.named.iter().filter_map(|named| Some((named.path.as_str(), named.text.as_deref()?))))
    }

    /// The paths of the templates and attachments that rules name.
    pub fn named_paths(&self) -> impl Iterator<Item = PathBuf> {
        self.named.iter().map(|named| PathBuf::from(&named.path))
    }

    /// What decides beside the files, in one text.
    pub(super) fn context_text(&self) -> String {
        let parts = (&self.hours, &self.workspaces);
        let text = serde_json::to_string(&parts).unwrap_or_default();
        // Rules without a list keep the revision that they had before there were any.
        let lists = (!self.lists.is_empty()).then(|| serde_json::to_string(&self.lists).unwrap_or_default());
        text + lists.as_deref().unwrap_or_default()
    }

    /// The digests of the lists that rules look into in a workspace, by name.
    pub(super) fn lists_of(&self, workspace: &str) -> &BTreeMap<String, String> {
        let found = self.workspaces.iter().find(|known| known.name == workspace);
        found.map_or(&self.lists, |workspace| &workspace.lists)
    }

    /// Takes down a file that a rule names.
    pub(super) fn add_named(&mut self, folder: &Path, written: &str, path: &Path, text: Option<&str>) {
        let named = NamedFile {
            folder: shown(folder),
            written: written.to_owned(),
            path: shown(path),
            text: text.map(str::to_owned),
        };
        if !self.named.contains(&named) {
            self.named.push(named);
        }
    }

    /// A file that a rule names: where it was found, and what it says if it is a template.
    pub(super) fn find_named(&self, folder: &Path, written: &str) -> Option<(PathBuf, Option<&str>)> {
        let folder = shown(folder);
        let found = self.named.iter().find(|named| named.folder == folder && named.written == written)?;
        Some((PathBuf::from(&found.path), found.text.as_deref()))
    }
}

impl WorkspaceSources {
    fn of_context(workspace: &WorkspaceContext) -> Self {
        Self {
            name: workspace.name.clone(),
            files: Vec::new(),
            destinations: kind_names(&workspace.destinations),
            own_destinations: workspace.own_destinations.clone(),
            hours: workspace.hours.clone(),
            lists: BTreeMap::new(),
            vars: workspace.vars.clone(),
        }
    }

    fn context(&self) -> WorkspaceContext {
        WorkspaceContext {
            name: self.name.clone(),
            rules: Vec::new(),
            destinations: kinds(&self.destinations),
            own_destinations: self.own_destinations.clone(),
            fixed_destinations: BTreeSet::new(),
            hours: self.hours.clone(),
            lists: BTreeMap::new(),
            vars: self.vars.clone(),
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn kind_names(destinations: &BTreeMap<String, DestinationKind>) -> BTreeMap<String, String> {
    destinations.iter().map(|(name, kind)| (name.clone(), kind.as_str().to_owned())).collect()
}

/// A kind that this version does not know is left out; a rule that uses it is then refused.
fn kinds(names: &BTreeMap<String, String>) -> BTreeMap<String, DestinationKind> {
    names.iter().filter_map(|(name, kind)| Some((name.clone(), kind.parse().ok()?))).collect()
}

//! Which files hold the rules: those of each workspace, each file once.

use super::folder;
use crate::diagnostics::Diagnostics;
use crate::rules::context::LoadContext;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The files of all workspaces.
pub(super) struct Files {
    /// Each once, in the order in which they are first named.
    pub(super) all: Vec<PathBuf>,
    /// The folders that each of them comes from.
    pub(super) roots: Vec<Vec<PathBuf>>,
    /// Which of them each workspace has, in its order.
    pub(super) of: Vec<Vec<usize>>,
    /// Those that are named themselves, and not by a folder.
    pub(super) is_alone: Vec<usize>,
}

/// A file of rules or tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Where it is.
    pub path: PathBuf,
    /// The workspaces that have it, in the order of the configuration.
    pub workspaces: Vec<String>,
}

/// The files of all workspaces, in the order in which they are read.
pub(super) fn of_workspaces(context: &LoadContext) -> Vec<RuleFile> {
    let paths: Vec<&[PathBuf]> = context.workspaces.iter().map(|workspace| workspace.rules.as_slice()).collect();
    let found = Files::find(&paths, context, &mut Diagnostics::new());
    let having = |number: usize| {
        let all = context.workspaces.iter().zip(&found.of);
        all.filter(|(_, files)| files.contains(&number)).map(|(workspace, _)| workspace.name.clone()).collect()
    };
    let files = found.all.iter().enumerate();
    files.map(|(number, path)| RuleFile { path: path.clone(), workspaces: having(number) }).collect()
}

/// The files of a folder, with those that an edit adds to it.
fn in_folder(folder: &Path, context: &LoadContext, out: &mut Diagnostics) -> Vec<PathBuf> {
    let mut files = folder::find(folder, out);
    let edited = context.edit.iter().flat_map(|edit| edit.texts.keys());
    let added: Vec<PathBuf> =
        edited.filter(|path| path.starts_with(folder) && !files.contains(path)).cloned().collect();
    files.extend(added);
    files.sort();
    files
}

impl Files {
    pub(super) fn find(paths: &[&[PathBuf]], context: &LoadContext, out: &mut Diagnostics) -> Self {
        let mut found = Self { all: Vec::new(), roots: Vec::new(), of: Vec::new(), is_alone: Vec::new() };
        let mut known: HashMap<&Path, Vec<PathBuf>> = HashMap::new();
        // A file is one file, however it is called.
        let mut numbers: HashMap<PathBuf, usize> = HashMap::new();
        for paths in paths {
            let mut mine = Vec::new();
            for path in *paths {
                let is_folder = path.is_dir();
                let files = known
                    .entry(path)
                    .or_insert_with(|| if is_folder { in_folder(path, context, out) } else { vec![path.clone()] });
                let root = if is_folder { Some(path.as_path()) } else { path.parent() };
                for file in files.iter() {
                    let whole = file.canonicalize().unwrap_or_else(|_| file.clone());
                    let number = *numbers.entry(whole).or_insert_with(|| {
                        found.all.push(file.clone());
                        found.roots.push(Vec::new());
                        found.all.len() - 1
                    });
                    if let (Some(roots), Some(root)) = (found.roots.get_mut(number), root)
                        && !roots.iter().any(|known| known == root)
                    {
                        roots.push(root.to_owned());
                    }
                    if !is_folder && !found.is_alone.contains(&number) {
                        found.is_alone.push(number);
                    }
                    if !mine.contains(&number) {
                        mine.push(number);
                    }
                }
            }
            found.of.push(mine);
        }
        found
    }
}

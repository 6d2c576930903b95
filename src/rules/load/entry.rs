//! What is loaded: files and folders, of everybody or of each workspace, texts, or what a set was made of before.

use super::{
    Loader,
    files::Files,
    lists::KnownLists,
    neighbours,
    parsed::{Contains, Parsed, contents},
};
use crate::diagnostics::{Diagnostic, Diagnostics, Source, code};
use crate::lists::List;
use crate::rules::{
    RuleSet,
    context::{LoadContext, WorkspaceContext},
    files::FileAccess,
    sources::RuleSources,
};
use crate::yaml;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Loads files and folders, which every workspace has.
pub(super) fn paths(paths: &[PathBuf], context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let everybody = everybody(context);
    let scopes = if context.workspaces.is_empty() { std::slice::from_ref(&everybody) } else { &context.workspaces };
    load(context, scopes, &vec![paths; scopes.len()])
}

/// Loads the rules of each workspace.
pub(super) fn workspaces(context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let paths: Vec<&[PathBuf]> = context.workspaces.iter().map(|workspace| workspace.rules.as_slice()).collect();
    load(context, &context.workspaces, &paths)
}

/// What stands for the workspaces where none are known.
fn everybody(context: &LoadContext) -> WorkspaceContext {
    WorkspaceContext {
        destinations: context.destinations.clone(),
        hours: context.hours.clone(),
        lists: context.lists.clone(),
        ..WorkspaceContext::default()
    }
}

/// Loads each file once, however many workspaces have it; `paths` are those of each scope.
fn load(context: &LoadContext, scopes: &[WorkspaceContext], paths: &[&[PathBuf]]) -> Result<RuleSet, Diagnostics> {
    let mut loader = Loader::new(context, scopes);
    loader.read_lists();
    let found = Files::find(paths, context, &mut loader.out);
    let mut parsed = Vec::with_capacity(found.all.len());
    for (number, file) in found.all.iter().enumerate() {
        let name = file.display().to_string();
        let mut files = file_access(context, found.roots.get(number));
        let edit = context.edit.as_ref().and_then(|edit| Some((edit, edit.texts.get(file)?)));
        let node = match edit {
            Some((edit, text)) => {
                files = files.for_trying(edit.may_name.clone());
                yaml::parse(&Source::new(name.as_str(), text.as_str()), &mut loader.out)
            }
            None => yaml::load(file, &name, &mut loader.out),
        };
        if let Some(node) = node {
            parsed.push(Parsed {
                number,
                node,
                folder: file.parent().map(Path::to_path_buf).unwrap_or_default(),
                files,
                contains: contents(&name),
            });
        }
    }
    let mut files = found.of.clone();
    loader.declare(&mut parsed, &files);
    // Whoever may name few files gets no definitions out of others.
    let is_held_back = |number: usize| {
        let edit = context.edit.as_ref().filter(|edit| edit.may_name.is_some());
        edit.zip(found.all.get(number)).is_some_and(|(edit, file)| edit.texts.contains_key(file))
    };
    let alone = (0..found.all.len()).filter(|number| found.is_alone.contains(number) && !is_held_back(*number));
    let alone: Vec<usize> = alone.collect();
    neighbours::borrow(&mut loader, &alone, &found.all, &mut parsed, &mut files);
    loader.read(parsed);
    for (paths, files) in paths.iter().zip(&found.of) {
        let has_rules = loader.origins.iter().any(|origin| files.contains(origin)) || loader.defines(files);
        let Some(path) = paths.first().filter(|_| !has_rules && !loader.out.has_errors()) else { continue };
        let none = Diagnostic::file(code::NO_RULES, path.display().to_string(), "there is no rule here");
        loader
            .out
            .push(none.hint("write a rule into a file that ends in .yaml; `reply-router init` writes a first one"));
    }
    loader.files = file_access(context, &found.roots);
    loader.finish(&files)
}

/// What rules may read and send: files below the folders that they come from.
pub(super) fn file_access<'p>(
    context: &LoadContext,
    folders: impl IntoIterator<Item = &'p Vec<PathBuf>>,
) -> FileAccess {
    let mut access = FileAccess::new(context.attachments_from.clone(), context.private_files.clone());
    folders.into_iter().flatten().for_each(|folder| access.allow(folder));
    access
}

/// Loads texts.
pub(super) fn parse_sources(sources: &[(&str, &str)], context: &LoadContext) -> Result<RuleSet, Diagnostics> {
    let everybody = everybody(context);
    let scopes = if context.workspaces.is_empty() { std::slice::from_ref(&everybody) } else { &context.workspaces };
    let mut loader = Loader::new(context, scopes);
    loader.read_lists();
    loader.folder.clone_from(&context.base_dir);
    if !context.base_dir.as_os_str().is_empty() {
        loader.files.allow(&context.base_dir);
    }
    let files = vec![(0..sources.len()).collect(); scopes.len()];
    let mut parsed = Vec::with_capacity(sources.len());
    for (number, (name, text)) in sources.iter().enumerate() {
        if let Some(node) = yaml::parse(&Source::new(*name, *text), &mut loader.out) {
            let (folder, files) = (loader.folder.clone(), loader.files.clone());
            parsed.push(Parsed { number, node, folder, files, contains: contents(name) });
        }
    }
    loader.declare(&mut parsed, &files);
    loader.read(parsed);
    loader.finish(&files)
}

/// Makes a set again from what it was made of; `lists` has those that are read now, by their digests.
pub(in crate::rules) fn kept(sources: &RuleSources, lists: &HashMap<&str, Arc<List>>) -> Result<RuleSet, Diagnostics> {
    let context = sources.context();
    let everybody = everybody(&context);
    let (scopes, of) = match context.workspaces.as_slice() {
        [] => (std::slice::from_ref(&everybody), vec![(0..sources.files.len()).collect()]),
        all => (all, sources.workspaces.iter().map(|workspace| workspace.files.clone()).collect::<Vec<_>>()),
    };
    let mut loader = Loader::new(&context, scopes);
    loader.kept = Some(sources);
    loader.lists = KnownLists::of_kept(sources, lists);
    let mut parsed = Vec::with_capacity(sources.files.len());
    for (number, file) in sources.files.iter().enumerate() {
        if let Some(node) = yaml::parse(&Source::new(file.name.as_str(), file.text.as_str()), &mut loader.out) {
            let (folder, files) = (PathBuf::from(&file.folder), loader.files.clone());
            let contains = if file.only_definitions { Contains::Definitions } else { Contains::All };
            parsed.push(Parsed { number, node, folder, files, contains });
        }
    }
    loader.declare(&mut parsed, &of);
    loader.read(parsed);
    loader.finish(&of)
}

//! The files of a folder of rules: every one of them, or a word on why not. A rule that is left out in silence may be the
//! one that keeps the others back.

use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::rules::files::CONFIGURATION;
use std::{
    collections::HashSet,
    fs::{Metadata, read_dir},
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// How deep folders are looked into.
const DEPTH: usize = 16;

/// Every `*.yaml` below a folder, by path.
pub(super) fn find(folder: &Path, out: &mut Diagnostics) -> Vec<PathBuf> {
    let mut walk = Walk { files: Vec::new(), seen: HashSet::new(), out };
    walk.load_path(folder, DEPTH);
    walk.files.sort();
    walk.files
}

struct Walk<'o> {
    files: Vec<PathBuf>,
    /// Folders by where they really are, so that a link that leads back up is not followed for ever.
    seen: HashSet<PathBuf>,
    out: &'o mut Diagnostics,
}

impl Walk<'_> {
    fn load_path(&mut self, folder: &Path, depth: usize) {
        let entries = std::fs::canonicalize(folder).and_then(|real| {
            self.seen.insert(real);
            read_dir(folder)?.collect::<Result<Vec<_>, _>>()
        });
        let mut paths: Vec<PathBuf> = match entries {
            Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
            Err(error) => {
                let message = format!("the folder cannot be read: {error}");
                self.out.push(Diagnostic::file(code::UNREADABLE, folder.display().to_string(), message));
                return;
            }
        };
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // Editors keep their own files and locks beside what they edit, under names that begin with a dot.
            if !name.starts_with('.') && name != CONFIGURATION {
                self.entry(path, depth);
            }
        }
    }

    fn entry(&mut self, path: PathBuf, depth: usize) {
        let found = match std::fs::metadata(&path) {
            Ok(found) => found,
            Err(error) => {
                let why = match error.kind() {
                    ErrorKind::NotFound if !path.is_symlink() => return,
                    ErrorKind::NotFound => "it is a link to a file that is not there".to_owned(),
                    _ if path.is_symlink() && is_loop(&path) => "it is a link that leads back to itself".to_owned(),
                    _ => error.to_string(),
                };
                return self.leave_out(&path, &why, may_hold_rules(&path));
            }
        };
        if found.is_dir() {
            let known = std::fs::canonicalize(&path).is_ok_and(|real| self.seen.contains(&real));
            if known {
                self.leave_out(&path, "it leads to a folder whose files are read already", false);
            } else if depth == 0 {
                self.leave_out(&path, "it is more than 16 folders deep", true);
            } else {
                self.load_path(&path, depth - 1);
            }
        } else if !found.is_file() {
            self.leave_out(&path, kind(&found), is_yaml(&path));
        } else if is_yaml(&path) {
            self.files.push(path);
        }
    }

    fn leave_out(&mut self, path: &Path, why: &str, matters: bool) {
        let shown = path.display().to_string();
        let message = format!("`{shown}` is not read: {why}");
        let found = Diagnostic::file(code::NOT_READ, shown, message);
        let found = found.hint("put the file itself there, or take this away");
        self.out.push(if matters { found } else { found.lint(false) });
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Whether a link that leads nowhere may have led to a file or to a folder of rules.
fn may_hold_rules(path: &Path) -> bool {
    is_yaml(path) || path.extension().is_none()
}

/// Following it, one comes to a link that was followed before.
fn is_loop(path: &Path) -> bool {
    let mut seen = HashSet::new();
    let mut at = path.to_owned();
    while let Ok(target) = std::fs::read_link(&at) {
        if !seen.insert(at.clone()) {
            return true;
        }
        at = at.parent().map_or(target.clone(), |folder| folder.join(&target));
        if seen.len() > 64 {
            return true;
        }
    }
    false
}

fn kind(found: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = found.file_type();
        if kind.is_fifo() {
            return "it is a pipe";
        }
        if kind.is_socket() {
            return "it is a socket";
        }
    }
    let _ = found;
    "it is a device"
}

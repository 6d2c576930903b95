//! Reloading the rules when their files change, and on SIGHUP.
//!
//! The files are looked at twice a second. The system could tell of changes, but only for a whole folder, and the store is
//! often beside the rules: each of its writes would be told, which cost more than the writes themselves. Looking also works
//! where systems tell nothing, on network drives and in mounted folders.

use super::RulesSource;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Editors write a file in several steps: the rules are read when two looks so far apart show the same.
const REST: Duration = Duration::from_millis(200);
/// A file that is written all the time delays the rules by no more looks than this.
const MAX_LOOKS: usize = 10;
/// A folder with more files than this is looked at in part.
const MAX_FILES: usize = 20_000;
/// A tree deeper than this is looked at in part: links may go in circles.
const MAX_DEPTH: usize = 16;

/// What each file looked like.
type Files = BTreeMap<PathBuf, FileState>;

/// What changes when a file is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileState {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

/// Reloads on changes until `shutdown`. A rejected reload is logged and the current rules stay active.
pub(super) async fn watch(rules: Arc<RulesSource>, shutdown: CancellationToken) {
    if !rules.are_files() {
        return shutdown.cancelled().await;
    }
    let mut hang_ups = HangUps::new();
    let mut seen = look_at(&rules).await;
    // What changed between the reading of the rules and now went unseen.
    let mut is_due = true;
    loop {
        if is_due {
            // The rejection is logged already.
            let _ = rules.load().await;
        }
        is_due = tokio::select! {
            () = shutdown.cancelled() => return,
            () = hang_ups.next() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        let mut now = look_at(&rules).await;
        if now != seen {
            is_due = true;
        }
        for _ in 0..MAX_LOOKS {
            if now == seen {
                break;
            }
            seen = now;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(REST) => {}
            }
            now = look_at(&rules).await;
        }
        seen = now;
    }
}

async fn look_at(rules: &Arc<RulesSource>) -> Files {
    let rules = Arc::clone(rules);
    let looking = tokio::task::spawn_blocking(move || {
        let mut files = Files::new();
        let store = rules.store_path();
        for path in &rules.paths() {
            // What rules name, such as the text of a reply, is beside them.
            let (folder, depth) = if path.is_dir() { (path.as_path(), MAX_DEPTH) } else { (parent_of(path), 0) };
            add_folder(folder, depth, store.as_deref(), &mut files);
        }
        for list in &rules.list_files() {
            add_file(list, &mut files);
        }
        if let Some(config) = rules.config_path() {
            add_file(config, &mut files);
        }
        files
    });
    looking.await.unwrap_or_default()
}

/// The files of a folder, and of the folders in it as deep as `depth`, without those of the store.
fn add_folder(folder: &Path, depth: usize, store: Option<&Path>, files: &mut Files) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if files.len() >= MAX_FILES || store.is_some_and(|store| belongs_to_store(&path, store)) || is_passing(&path) {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                add_folder(&path, depth - 1, store, files);
            }
        } else {
            add_file(&path, files);
        }
    }
}

/// A file that is not there is none, so that its coming and going is a change.
fn add_file(path: &Path, files: &mut Files) {
    let Ok(found) = std::fs::metadata(path) else { return };
    let state = FileState { modified: found.modified().ok(), length: found.len(), inode: inode(&found) };
    files.insert(path.to_owned(), state);
}

/// The database, its log, its index and the mark beside it begin with its name.
fn belongs_to_store(path: &Path, store: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let is_named = name(path).zip(name(store)).is_some_and(|(file, store)| file.starts_with(&store));
    is_named && std::path::absolute(parent_of(path)).ok() == std::path::absolute(parent_of(store)).ok()
}

/// What is written all the time, or only while a file is edited.
fn is_passing(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with('~') || [".log", ".tmp", ".swp", ".swx"].iter().any(|ending| name.ends_with(ending))
}

/// The folder that a file is in.
fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn inode(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

/// The SIGHUPs that this process gets; none where there are no signals.
struct HangUps {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUps {
    #[cfg(unix)]
    fn new() -> Self {
        Self { signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok() }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path, depth: usize) -> Vec<String> {
        let mut found = Files::new();
        add_folder(folder, depth, Some(&folder.join("router.db")), &mut found);
        found.keys().map(|path| path.strip_prefix(folder).unwrap().display().to_string()).collect()
    }

    #[test]
    fn the_store_logs_and_what_an_editor_leaves_are_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("more")).unwrap();
        for name in ["rules.yaml", "price.pdf", "more/b.yaml", "more/router.db"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        for name in ["router.db", "router.db-wal", "router.db.mark", "out.log", "rules.yaml~", ".rules.yaml.swp"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        assert_eq!(files(folder.path(), 0), ["price.pdf", "rules.yaml"]);
        let deep = ["more/b.yaml", "more/router.db", "price.pdf", "rules.yaml"];
        assert_eq!(files(folder.path(), 1), deep, "only beside the store do its names belong to it");
    }

    #[test]
    fn a_file_that_is_written_replaced_or_gone_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.yaml");
        let look = || {
            let mut found = Files::new();
            add_file(&rules, &mut found);
            found
        };
        let mut seen = vec![look()];
        std::fs::write(&rules, "one").unwrap();
        seen.push(look());
        // Another file with the same length in its place, as editors do.
        let other = folder.path().join("rules.yaml.new");
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &rules).unwrap();
        seen.push(look());
        std::fs::write(&rules, "three").unwrap();
        seen.push(look());
        std::fs::remove_file(&rules).unwrap();
        seen.push(look());
        for pair in seen.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
        assert_eq!(seen[0], seen[4]);
    }
}

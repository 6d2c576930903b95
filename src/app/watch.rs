//! Reloading the rules when their files change, and on SIGHUP.

use super::RulesSource;
use notify_debouncer_full::{DebounceEventResult, new_debouncer, notify::RecursiveMode};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc::{Receiver, channel};
use tokio_util::sync::CancellationToken;

/// Editors write a file in several steps; so long after the last one the rules are read.
const REST: Duration = Duration::from_millis(300);

/// Reloads on changes until `shutdown`. A rejected reload is logged and the current rules stay active.
pub(super) async fn watch(rules: Arc<RulesSource>, shutdown: CancellationToken) {
    let (sender, mut changed) = channel::<()>(1);
    // Watches the folder, not its files: editors replace files.
    let mut folders: Vec<(&Path, RecursiveMode)> = rules.paths().iter().map(|path| watched(path)).collect();
    folders.sort();
    folders.dedup();
    let told = sender.clone();
    let config = rules.config_path().map(Path::to_path_buf);
    let whole = |folder: &Path| std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let of_rules: Vec<PathBuf> = folders.iter().map(|(folder, _)| whole(folder)).collect();
    let watcher = new_debouncer(REST, None, move |result: DebounceEventResult| {
        let matters = match result {
            Ok(events) => events.iter().filter(|event| !event.kind.is_access()).any(|event| {
                // The store and other files may be beside the configuration.
                event.paths.iter().any(|path| {
                    let at = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                    of_rules.iter().any(|folder| at.starts_with(folder))
                        || config.as_ref().is_some_and(|file| file.file_name() == path.file_name())
                })
            }),
            // Something was missed, perhaps a change.
            Err(_) => true,
        };
        if matters {
            // A pending one covers this change, too.
            let _ = told.try_send(());
        }
    });
    // Held for as long as this runs: it watches while it lives.
    let mut watcher = match watcher {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::warn!(%error, "cannot watch the rules; reload with SIGHUP or the API");
            None
        }
    };
    // Also watches the configuration. Its folder may be watched already.
    let config = rules.config_path().map(parent_of);
    let config = config.filter(|parent| !folders.iter().any(|(folder, _)| parent.starts_with(folder)));
    folders.extend(config.map(|parent| (parent, RecursiveMode::NonRecursive)));
    for (folder, depth) in folders {
        if let Some(Err(error)) = watcher.as_mut().map(|watcher| watcher.watch(folder, depth)) {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "cannot watch this folder; reload with SIGHUP or the API");
        }
    }
    if watcher.is_some() {
        // What changed between the reading of the rules and now went unseen.
        let _ = sender.try_send(());
    }
    let _signals = tokio::spawn(hang_ups(sender, shutdown.clone()));
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            next = next(&mut changed) => if !next { return },
        }
        // The rejection is logged already.
        let _ = rules.load().await;
    }
}

/// The folder that a file is in.
fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder to watch for a path of rules, and how deep.
fn watched(path: &Path) -> (&Path, RecursiveMode) {
    if path.is_dir() { (path, RecursiveMode::Recursive) } else { (parent_of(path), RecursiveMode::NonRecursive) }
}

async fn next(changed: &mut Receiver<()>) -> bool {
    changed.recv().await.is_some()
}

#[cfg(unix)]
async fn hang_ups(sender: tokio::sync::mpsc::Sender<()>, shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hang_up) = signal(SignalKind::hangup()) else { return };
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            received = hang_up.recv() => if received.is_none() { return },
        }
        let _ = sender.try_send(());
    }
}

#[cfg(not(unix))]
async fn hang_ups(_sender: tokio::sync::mpsc::Sender<()>, shutdown: CancellationToken) {
    shutdown.cancelled().await;
}

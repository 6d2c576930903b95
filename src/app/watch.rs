//! Reloading the rules when their files change, and on SIGHUP.

use super::RulesFolder;
use notify_debouncer_full::{DebounceEventResult, new_debouncer, notify::RecursiveMode};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::mpsc::{Receiver, channel};
use tokio_util::sync::CancellationToken;

/// Editors write a file in several steps; so long after the last one the rules are read.
const REST: Duration = Duration::from_millis(300);

/// Reloads until `shutdown`. A refusal is told and the old rules stay; the next change is another chance.
pub(super) async fn watch(rules: Arc<RulesFolder>, shutdown: CancellationToken) {
    let (sender, mut changed) = channel::<()>(1);
    // The folder is watched, not its files: editors put another file in a file's place.
    let path = rules.path().to_owned();
    let (folder, depth) = if path.is_dir() {
        (path.as_path(), RecursiveMode::Recursive)
    } else {
        (parent_of(&path), RecursiveMode::NonRecursive)
    };
    let told = sender.clone();
    let config = rules.config_path().map(Path::to_path_buf);
    let of_rules = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let watcher = new_debouncer(REST, None, move |result: DebounceEventResult| {
        let matters = match result {
            Ok(events) => events.iter().filter(|event| !event.kind.is_access()).any(|event| {
                // The store and other files may be beside the configuration.
                event.paths.iter().any(|path| {
                    let at = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                    at.starts_with(&of_rules)
                        || config.as_ref().is_some_and(|file| file.file_name() == path.file_name())
                })
            }),
            // Something was missed, perhaps a change.
            Err(_) => true,
        };
        if matters {
            // One that waits already stands for this one too.
            let _ = told.try_send(());
        }
    });
    // Held for as long as this runs: it watches while it lives.
    let _watcher = match watcher.and_then(|mut watcher| watcher.watch(folder, depth).map(|()| watcher)) {
        Ok(mut watcher) => {
            // A change of the configuration is told of. Its folder may be the one that is watched already.
            if let Some(parent) = rules.config_path().map(parent_of).filter(|parent| !parent.starts_with(folder))
                && let Err(error) = watcher.watch(parent, RecursiveMode::NonRecursive)
            {
                tracing::warn!(folder = %parent.display(), %error, "changes of the configuration are not noticed");
            }
            // What changed between the reading of the rules and now went unseen.
            let _ = sender.try_send(());
            Some(watcher)
        }
        Err(error) => {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "changes of the rules are not noticed; reload them with SIGHUP or the route");
            None
        }
    };
    let _signals = tokio::spawn(hang_ups(sender, shutdown.clone()));
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            next = next(&mut changed) => if !next { return },
        }
        // A refusal has been told.
        let _ = rules.load().await;
    }
}

/// The folder that a file is in.
fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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

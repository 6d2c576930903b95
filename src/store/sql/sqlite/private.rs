//! The store holds mail: its files are for the user of the service alone, whatever the umask says.

use crate::store::StoreError;
use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

/// What stands beside a store, by the endings of the names.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Opens a file to read and write, creates it if it is not there, and makes it private.
pub(super) fn open_private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| io_error(path, &error))?;
    tighten(path, &file);
    Ok(file)
}

/// Makes the store's file and what stands beside it private. SQLite gives a new log the mode of the store.
pub(super) fn make_private(store: &Path) -> Result<(), StoreError> {
    drop(open_private(store)?);
    for ending in BESIDE {
        let mut name = store.as_os_str().to_owned();
        name.push(ending);
        let path = PathBuf::from(name);
        if let Ok(file) = File::open(&path) {
            tighten(&path, &file);
        }
    }
    Ok(())
}

/// Why a file beside or of the store cannot be used.
pub(super) fn io_error(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Open { path: path.display().to_string(), detail: error.to_string() }
}

/// A file of another owner stays as it is: the service can work with it, and says so.
#[cfg(unix)]
fn tighten(path: &Path, file: &File) {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};
    let is_private = file.metadata().is_ok_and(|found| found.permissions().mode() & 0o777 == 0o600);
    if is_private {
        return;
    }
    if let Err(error) = file.set_permissions(Permissions::from_mode(0o600)) {
        let path = path.display();
        tracing::warn!(%path, %error, "others on this machine may read this file of the store, and it holds mail");
    }
}

#[cfg(not(unix))]
fn tighten(_: &Path, _: &File) {}

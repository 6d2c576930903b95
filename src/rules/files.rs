//! Which files a rule may read and send, and how they are opened so that nothing else can take their place.
//!
//! A rule names its files by paths, and paths lead anywhere: through `..`, through links, to what only this user may read.
//! A file is therefore opened once, below an allowed folder, and what was opened is checked, both when the rules are
//! loaded and when the reply is sent: between the two a file may have become a link.

use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

/// How many bytes the attachments of one reply may have together.
pub const MAX_ATTACHED_BYTES: u64 = 10_000_000;
/// The name of a configuration file, which holds keys.
pub(super) const CONFIGURATION: &str = "reply-router.yaml";

/// The folders that rules may take files from, and what they never get.
#[derive(Debug, Clone, Default)]
pub struct FileAccess {
    folders: Vec<PathBuf>,
    private: Vec<PathBuf>,
    /// What holds beside that for rules that somebody tries, and that are in no file.
    tried: Option<Tried>,
}

/// What rules may name that come from somebody who need not be able to read files here.
#[derive(Debug, Clone)]
struct Tried {
    /// The only files; `None` for all.
    only: Option<Vec<PathBuf>>,
}

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
pub enum FileRefusal {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It lies in none of the allowed folders, or a link leads out of them.
    #[error("it is outside the folders that rules may take files from")]
    Outside,
    /// A part of its path begins with a dot.
    #[error("hidden files are never sent: a part of its path begins with a dot")]
    Hidden,
    /// It is the configuration or the store.
    #[error("the configuration and the store are never sent")]
    Private,
    /// It is a folder, a pipe, a device or a socket.
    #[error("it is {0}, not a file")]
    NotAFile(&'static str),
    /// It has more bytes than allowed.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// The system does not let it be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// A file that rules may use, open.
#[derive(Debug)]
pub struct AllowedFile {
    file: File,
    length: u64,
}

impl AllowedFile {
    /// How many bytes it had when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its bytes.
    ///
    /// # Errors
    /// It cannot be read, or it has more than `limit` bytes by now.
    pub fn read(self, limit: u64) -> Result<Vec<u8>, FileRefusal> {
        let mut bytes = Vec::new();
        self.file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit { Err(FileRefusal::TooLarge(limit)) } else { Ok(bytes) }
    }
}

impl FileAccess {
    /// Files below `folders`, but not the `private` ones, nor what stands beside them under a longer name (`store.db-wal`).
    pub fn new(folders: Vec<PathBuf>, private: Vec<PathBuf>) -> Self {
        Self { folders, private, tried: None }
    }

    /// The same for rules that somebody tries. Of what is outside the folders they do not learn whether it is there; where only
    /// some files may be named, nothing of others.
    #[must_use]
    pub(super) fn for_trying(self, only: Option<Vec<PathBuf>>) -> Self {
        Self { tried: Some(Tried { only }), ..self }
    }

    /// Whether this path may be asked for at all.
    fn may_ask(&self, path: &Path) -> bool {
        let Some(tried) = &self.tried else { return true };
        if let Some(only) = &tried.only {
            return only.iter().any(|known| known == path);
        }
        let Some(path) = lexical(path) else { return false };
        self.folders.iter().any(|folder| {
            let real = std::fs::canonicalize(folder).ok();
            lexical(folder).into_iter().chain(real).any(|folder| path.starts_with(folder))
        })
    }

    /// Also files below this folder.
    pub(super) fn allow(&mut self, folder: &Path) {
        // The parent of a bare file name is the empty path.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if !self.folders.iter().any(|known| known == folder) {
            self.folders.push(folder.to_owned());
        }
    }

    /// Opens a file. Links are followed as long as they stay below an allowed folder.
    ///
    /// # Errors
    /// It may not be used, or cannot be.
    pub fn open(&self, path: &Path) -> Result<AllowedFile, FileRefusal> {
        if !self.may_ask(path) {
            return Err(FileRefusal::Outside);
        }
        let found = std::fs::canonicalize(path).map_err(refusal)?;
        let folders = self.folders.iter().filter_map(|folder| std::fs::canonicalize(folder).ok());
        let inside = folders.filter_map(|folder| {
            let inner = found.strip_prefix(&folder).ok()?.to_owned();
            Some((folder, inner))
        });
        // Of folders in one another the innermost: a hidden folder is not hidden where it is allowed itself.
        let (folder, inner) = inside.min_by_key(|(_, inner)| inner.components().count()).ok_or(FileRefusal::Outside)?;
        if is_hidden(path, &inner) {
            return Err(FileRefusal::Hidden);
        }
        // Asked before it is opened: opening a pipe or a device may do something.
        check_kind(&std::fs::metadata(&found)?)?;
        if self.is_private_name(&found) {
            return Err(FileRefusal::Private);
        }
        let file = open_below(&folder, &inner)?;
        let opened = file.metadata()?;
        check_kind(&opened)?;
        if self.private.iter().any(|private| is_same_file(private, &opened)) {
            return Err(FileRefusal::Private);
        }
        Ok(AllowedFile { length: opened.len(), file })
    }

    fn is_private_name(&self, found: &Path) -> bool {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let own = name(found);
        let folder = |path: &Path| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::canonicalize(folder).ok()
        };
        let begins = |private: &PathBuf| {
            let name = name(private);
            !name.is_empty() && own.starts_with(&name) && folder(private) == folder(found)
        };
        own == CONFIGURATION || self.private.iter().any(begins)
    }
}

/// A path from the root, without `.` and `..`, whatever is there.
fn lexical(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in std::path::absolute(path).ok()?.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    Some(plain)
}

fn refusal(error: io::Error) -> FileRefusal {
    match error.kind() {
        io::ErrorKind::NotFound => FileRefusal::Missing,
        _ => FileRefusal::Unreadable(error),
    }
}

/// Whether a part of the path below its folder, or the name by which the rule knows it, begins with a dot.
///
/// Folders such as `..2026_01_31` are no secret: Kubernetes mounts files behind links through them.
fn is_hidden(written: &Path, inner: &Path) -> bool {
    let dotted = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    let last = inner.file_name();
    let hidden_folder = |part: Component<'_>| {
        let name = part.as_os_str().to_string_lossy();
        name.starts_with('.') && !name.starts_with("..")
    };
    written.file_name().is_some_and(dotted) || last.is_some_and(dotted) || inner.components().any(hidden_folder)
}

fn check_kind(found: &Metadata) -> Result<(), FileRefusal> {
    if found.is_file() {
        return Ok(());
    }
    if found.is_dir() {
        return Err(FileRefusal::NotAFile("a folder"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = found.file_type();
        if kind.is_fifo() {
            return Err(FileRefusal::NotAFile("a pipe"));
        }
        if kind.is_socket() {
            return Err(FileRefusal::NotAFile("a socket"));
        }
    }
    Err(FileRefusal::NotAFile("a device"))
}

/// Opens a file below a folder, part by part and without following a link: all links are resolved by now, so one that
/// appears was put there in between.
#[cfg(unix)]
fn open_below(folder: &Path, inner: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open, openat};
    let way = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = open(folder, way, Mode::empty())?;
    let mut parts = inner.components().peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() {
            way | OFlags::NOFOLLOW
        } else {
            // A pipe without a writer must not stop the program.
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC
        };
        at = openat(&at, part.as_os_str(), flags, Mode::empty())?;
    }
    Ok(File::from(at))
}

#[cfg(not(unix))]
fn open_below(folder: &Path, inner: &Path) -> io::Result<File> {
    File::open(folder.join(inner))
}

/// Whether a path names the file that was opened, also under another name.
#[cfg(unix)]
fn is_same_file(path: &Path, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|known| (known.dev(), known.ino()) == (opened.dev(), opened.ino()))
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Metadata) -> bool {
    false
}

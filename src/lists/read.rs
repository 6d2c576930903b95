//! From a file to a list.

use super::{List, MAX_BYTES, MAX_DOCUMENT_BYTES, builder::Builder, csv, documents};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, Source, code};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

/// A larger file is not read again to show a line of it.
const MAX_SHOWN_BYTES: usize = 8 * 1024 * 1024;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Yaml,
    Json,
    Lines,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_string_lossy().to_lowercase();
        Some(match extension.as_str() {
            "csv" | "tsv" => Self::Csv,
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "txt" => Self::Lines,
            _ => return None,
        })
    }

    fn max_bytes(self) -> usize {
        match self {
            Self::Csv | Self::Lines => MAX_BYTES,
            Self::Yaml | Self::Json => MAX_DOCUMENT_BYTES,
        }
    }
}

/// Reads a file, which the configuration names at a place.
pub(super) fn file(path: &Path, key: Option<&str>, at: Option<&Location>) -> Result<List, Diagnostics> {
    let name = path.display().to_string();
    let refused = |message: String, hint: &str| {
        let found = match at {
            Some(at) => Diagnostic::error(code::LIST_FILE, at, message),
            None => Diagnostic::file(code::LIST_FILE, name.clone(), message),
        };
        Err(Diagnostics::from(found.hint(hint)))
    };
    let Some(format) = Format::of(path) else {
        let hint = "lists are CSV (`.csv`), YAML (`.yaml`), JSON (`.json`), or text with a key on each line (`.txt`)";
        return refused(format!("`{name}` has none of the endings that say how a list is written"), hint);
    };
    let bytes = match bytes_of(path, format.max_bytes()) {
        Ok(bytes) => bytes,
        Err(error) => {
            let hint = "paths begin at the folder of the configuration";
            let message = match error.kind() {
                io::ErrorKind::NotFound => format!("there is no list `{name}`"),
                io::ErrorKind::PermissionDenied => format!("the list `{name}` cannot be read: permission denied"),
                _ => format!("the list `{name}` cannot be read: {error}"),
            };
            return refused(message, hint);
        }
    };
    if bytes.len() > format.max_bytes() {
        let most = format.max_bytes() / (1024 * 1024);
        return refused(format!("the list `{name}` is larger than {most} MiB"), "split it into several lists");
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let found = Diagnostic::file(code::ENCODING, name.clone(), "the list is UTF-16, not UTF-8");
        return Err(Diagnostics::from(found.hint("save it as “CSV UTF-8”")));
    }
    match String::from_utf8(bytes) {
        Ok(whole) => text(&name, &whole, format, key),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let source = Source::new(name, String::from_utf8_lossy(error.as_bytes()).into_owned());
            let place = Location::new(&source, good..good + 1);
            let found = Diagnostic::error(code::ENCODING, &place, "the list is not UTF-8 text here");
            Err(Diagnostics::from(found.hint("save it in the encoding UTF-8; spreadsheets call it “CSV UTF-8”")))
        }
    }
}

/// The bytes of a file, one more than `limit` at most. A pipe or a device is none: reading it may never end.
fn bytes_of(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other(if found.is_dir() { "it is a folder" } else { "it is not a file" }));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0).min(limit).saturating_add(1));
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a text.
pub(super) fn text(name: &str, whole: &str, format: Format, key: Option<&str>) -> Result<List, Diagnostics> {
    let rest = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let start = whole.len() - rest.len();
    let mut builder = Builder::new(name, whole);
    let mut out = Diagnostics::new();
    match format {
        Format::Csv => csv::read(rest, start, key, &mut builder),
        Format::Yaml => documents::read_yaml(name, whole, key, &mut builder, &mut out),
        Format::Json => documents::read_json(rest, start, key, &mut builder),
        Format::Lines => documents::read_lines(rest, start, key, &mut builder),
    }
    if out.has_errors() {
        return Err(out);
    }
    builder.finish(digest(whole, format, key))
}

/// The file that a list was made of, as long as it is still the same.
pub(super) fn again(list: &List) -> Option<Arc<Source>> {
    let path = Path::new(list.file());
    let format = Format::of(path)?;
    let bytes = bytes_of(path, MAX_SHOWN_BYTES).ok().filter(|bytes| bytes.len() <= MAX_SHOWN_BYTES)?;
    let text = String::from_utf8(bytes).ok()?;
    let is_same = [None, Some(list.key_column())].iter().any(|key| digest(&text, format, *key) == list.digest());
    is_same.then(|| Source::new(list.file(), text))
}

/// A hash of all that decides what a list is.
fn digest(text: &str, format: Format, key: Option<&str>) -> String {
    let mut hash = Sha256::new();
    hash.update([format as u8]);
    let key = key.unwrap_or_default();
    hash.update(key.len().to_le_bytes());
    hash.update(key.as_bytes());
    hash.update(text.as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

//! `init`: the first configuration, the first rule, and the schemas by which an editor completes both.

use super::{CommandStatus, args::SchemaKind};
use crate::settings::starter;
use anyhow::Context;
use std::{fs, io::ErrorKind, io::Write, path::Path};

/// Writes to `folder`, or next to the configuration that `--config` names.
pub(super) fn init(folder: Option<&Path>, config: Option<&Path>) -> anyhow::Result<CommandStatus> {
    let beside = config.map(|config| config.parent().filter(|parent| !parent.as_os_str().is_empty()));
    let beside = beside.map(|parent| parent.unwrap_or(Path::new(".")));
    let folder = folder.or(beside).unwrap_or(Path::new("."));
    if let (Some(config), Some(beside)) = (config, beside) {
        let same =
            |left: &Path, right: &Path| left == right || fs::canonicalize(left).ok() == fs::canonicalize(right).ok();
        anyhow::ensure!(
            same(folder, beside),
            "--config {} is not in {}: the rules are written next to the configuration, so leave out one of the two",
            config.display(),
            folder.display()
        );
    }
    let config_name = config.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let mut files = starter::FILES.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    if let (Some(name), Some((first, _))) = (config_name, files.first_mut()) {
        *first = name;
    }
    for schema in SchemaKind::ALL {
        files.push((format!("{}/{}", starter::SCHEMAS, schema.file_name()), schema.text()?));
    }
    let (count, mut kept) = (files.len(), 0);
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
                super::terminal::out!("wrote {}", path.display());
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                kept += 1;
                super::terminal::out!("kept  {} (already exists)", path.display());
            }
            Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
        }
    }
    if kept == count {
        super::terminal::out!("nothing to do: all files exist");
        return Ok(CommandStatus::Success);
    }
    // What is not in this folder under its own name has to be named.
    let named = config.map(|config| format!(" --config {}", config.display())).unwrap_or_default();
    super::terminal::out!(
        "\nNext:\n  export COLDSEND_API_KEY=cs_live_…      (scopes: replies:read, replies:create, replies:update)"
    );
    for (command, does) in [
        ("test", "runs the tests beside the rules; needs no key"),
        ("doctor", "checks the key"),
        ("preview", "shows what the rules would do with your inbox; changes nothing"),
        ("run", "starts the service"),
    ] {
        super::terminal::out!("  {:<38} {does}", format!("reply-router {command}{named}"));
    }
    Ok(CommandStatus::Success)
}

//! `schema`: what rule files and the configuration may hold, for editors.

use super::{CommandStatus, args::SchemaKind, terminal};
use crate::{rules, settings};
use anyhow::Context;
use std::{fs, path::Path};

impl SchemaKind {
    pub(super) const ALL: [Self; 2] = [Self::Rules, Self::Config];

    /// The whole file.
    pub(super) fn text(self) -> anyhow::Result<String> {
        let schema = match self {
            Self::Rules => rules::json_schema(),
            Self::Config => settings::json_schema(),
        };
        Ok(serde_json::to_string_pretty(&schema)? + "\n")
    }

    /// What the file is called.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Self::Rules => "rules.schema.json",
            Self::Config => "reply-router.schema.json",
        }
    }
}

pub(super) fn schema(of: Option<SchemaKind>, output: Option<&Path>) -> anyhow::Result<CommandStatus> {
    let Some(folder) = output else {
        // Neither is refused by the command line.
        let text = of.map(SchemaKind::text).transpose()?.unwrap_or_default();
        terminal::write_stdout(text.as_bytes())?;
        return Ok(CommandStatus::Success);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for schema in SchemaKind::ALL.into_iter().filter(|schema| of.is_none_or(|of| of == *schema)) {
        let path = folder.join(schema.file_name());
        fs::write(&path, schema.text()?).with_context(|| format!("cannot write {}", path.display()))?;
        terminal::out!("wrote {}", path.display());
    }
    Ok(CommandStatus::Success)
}

//! `init`: the first configuration, the first rule, and the schemas by which an editor completes both.

use super::{Outcome, args::SchemaOf};
use crate::settings::starter;
use anyhow::Context;
use std::{fs, io::ErrorKind, io::Write, path::Path};

pub(super) fn init(folder: &Path) -> anyhow::Result<Outcome> {
    let mut files = starter::FILES.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    for schema in SchemaOf::ALL {
        files.push((format!("{}/{}", starter::SCHEMAS, schema.file_name()), schema.text()?));
    }
    let (count, mut kept) = (files.len(), 0);
    for (name, text) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        }
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))?;
                anstream::println!("wrote {}", path.display());
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                kept += 1;
                anstream::println!("kept  {} (it is there already)", path.display());
            }
            Err(error) => return Err(error).with_context(|| format!("{} cannot be written", path.display())),
        }
    }
    if kept == count {
        anstream::println!("nothing to do: every file is there");
        return Ok(Outcome::Fine);
    }
    anstream::println!(
        "\nNext:\n  export COLDSEND_API_KEY=cs_live_…      (scopes: replies:read, replies:create, replies:update)\n  \
         reply-router test                      runs the tests beside the rules; needs no key\n  \
         reply-router doctor                    checks the key\n  \
         reply-router preview                   shows what the rules would do with your inbox; changes nothing\n  \
         reply-router run                       does it"
    );
    Ok(Outcome::Fine)
}

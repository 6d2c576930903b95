//! `init`: the first configuration and the first rule.

use super::Outcome;
use crate::settings::starter;
use anyhow::Context;
use std::{fs, io::ErrorKind, io::Write, path::Path};

pub(super) fn init(folder: &Path) -> anyhow::Result<Outcome> {
    let mut kept = 0;
    for (name, text) in starter::FILES {
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
    if kept == starter::FILES.len() {
        anstream::println!("nothing to do: both files are there");
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

//! Whether the configuration file still says what the service was started with, where that cannot change while it runs.
//! Everything else reloads with the rules.

use std::path::{Path, PathBuf};

/// What is read at the start only: a key at the top, and one below it.
const AT_START: [(&str, Option<&str>); 3] = [("store", None), ("admin", Some("listen")), ("admin", Some("public_url"))];

/// The configuration as it was at the start.
pub(super) struct StartedWith {
    path: PathBuf,
    text: String,
}

impl StartedWith {
    /// Remembers the file as it is now; `None` if it cannot be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        Some(Self { path: path.to_path_buf(), text })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What needs a restart, as a sentence; `None` if the file has not changed.
    pub(super) fn restart_needed(&self) -> Option<String> {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) => {
                return Some(format!("cannot read {name} ({error}): the service could not restart"));
            }
        };
        if text == self.text {
            return None;
        }
        let changed = changed_keys(&self.text, &text)?;
        Some(match changed.as_slice() {
            [] => return None,
            [one] => format!("`{one}` in {name} has changed: restart the service to use it"),
            several => format!("`{}` in {name} have changed: restart the service to use them", several.join("`, `")),
        })
    }
}

/// What of it differs; `None` where one of the two is no mapping, as while it is being written.
fn changed_keys(before: &str, after: &str) -> Option<Vec<String>> {
    let parsed = |text: &str| match serde_yaml::from_str::<serde_yaml::Value>(text) {
        Ok(serde_yaml::Value::Mapping(mapping)) => Some(mapping),
        _ => None,
    };
    let (before, after) = (parsed(before)?, parsed(after)?);
    let value = |file: &serde_yaml::Mapping, (key, below): (&str, Option<&str>)| {
        let found = file.get(key).filter(|found| !found.is_null())?;
        below.map_or(Some(found), |below| found.get(below).filter(|found| !found.is_null())).cloned()
    };
    let changed = AT_START.into_iter().filter(|key| value(&before, *key) != value(&after, *key));
    let shown = |(key, below): (&str, Option<&str>)| match below {
        Some(below) => format!("{key}.{below}"),
        None => key.to_owned(),
    };
    Some(changed.map(shown).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_in_meaning_is_named() {
        let before = "workspaces: [{ name: acme }]\nstore: 'sqlite:a.db'\nrules: rules/\n";
        let changed = |after: &str| changed_keys(before, after);
        let same = "# a comment\nrules: 'rules/'\nstore: sqlite:a.db\nworkspaces:\n  - name: acme\n";
        assert_eq!(changed(same), Some(Vec::new()));
        let more = before.replace("a.db", "b.db") + "admin: { listen: '127.0.0.1:1' }\nsafety: { max_age: 3d }\n";
        assert_eq!(changed(&more), Some(vec!["store".to_owned(), "admin.listen".to_owned()]));
        let users = before.to_owned() + "admin: { token: t, users: [{ name: sam, role: viewer }], public_url: null }\n";
        assert_eq!(changed(&users), Some(Vec::new()), "users reload");
        assert_eq!(changed("rules: rules/\n"), Some(vec!["store".to_owned()]));
        assert_eq!(changed("rules: [\n"), None, "half written");
    }
}

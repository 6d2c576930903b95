//! Whether the configuration file still says what the service was started with, where that cannot change while it runs.
//! Everything else reloads with the rules.

use std::path::{Path, PathBuf};

/// The keys that are read at the start only.
const AT_START: [&str; 2] = ["store", "admin"];

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

/// The keys at the top whose values differ, in the order of the new file; `None` where one of the two is no mapping, as
/// while it is being written.
fn changed_keys(before: &str, after: &str) -> Option<Vec<String>> {
    let parsed = |text: &str| match serde_yaml::from_str::<serde_yaml::Value>(text) {
        Ok(serde_yaml::Value::Mapping(mapping)) => Some(mapping),
        _ => None,
    };
    let (before, after) = (parsed(before)?, parsed(after)?);
    let names = after.keys().chain(before.keys().filter(|key| !after.contains_key(*key)));
    let changed = names.filter(|key| before.get(*key) != after.get(*key)).filter_map(|key| key.as_str());
    Some(changed.filter(|key| AT_START.contains(key)).map(str::to_owned).collect())
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
        assert_eq!(changed(&more), Some(vec!["store".to_owned(), "admin".to_owned()]));
        assert_eq!(changed("rules: rules/\n"), Some(vec!["store".to_owned()]));
        assert_eq!(changed("rules: [\n"), None, "half written");
    }
}

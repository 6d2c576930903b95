//! From a file, or from the environment alone, to [`Settings`].

use super::env::{Env, Interpolation};
use super::file::{self, FILE};
use super::reader::{ConfigReader, check_api_url, folder_of};
use super::{AdminSettings, BASE_URL_VARIABLE, STORE, Settings, StoreSettings, WorkspaceConfig, workspace};
use crate::destinations::NetworkSettings;
use crate::diagnostics::{Diagnostic, Diagnostics, Source, code};
use crate::model::Safety;
use crate::yaml;
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

impl Settings {
    /// Reads a file. Variables come from `env` only.
    ///
    /// # Errors
    /// Every mistake of the file in one pass; none repeats a secret or a value of the environment.
    pub fn load(path: &Path, env: Env<'_>) -> Result<Self, Diagnostics> {
        Self::load_with_rules(path, None, env)
    }

    /// As [`Settings::load`]; `rules` (relative to the working directory) stands in for what the file says: see
    /// [`Settings::with_rules`].
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn load_with_rules(path: &Path, rules: Option<&Path>, env: Env<'_>) -> Result<Self, Diagnostics> {
        let mut out = Diagnostics::new();
        let root = yaml::load(path, &path.display().to_string(), &mut out);
        let settings = read(root, folder_of(path), rules, env, out)?;
        Ok(Self { file: Some(path.to_owned()), ..settings })
    }

    /// The same with other rules. Where they lie within the own rules of some workspaces, or hold them, only those
    /// workspaces have them, and the others none: what stands in one client's folder is that client's. Rules that lie
    /// elsewhere are every workspace's.
    #[must_use]
    pub fn with_rules(mut self, rules: &Path) -> Self {
        let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let named = whole(rules);
        let is_theirs = |paths: &[PathBuf]| {
            paths.iter().map(|path| whole(path)).any(|path| path.starts_with(&named) || named.starts_with(&path))
        };
        let theirs: Vec<bool> = self.workspaces.iter().map(|found| is_theirs(self.rules_of(found))).collect();
        let anybodys = !theirs.contains(&true);
        for (workspace, theirs) in self.workspaces.iter_mut().zip(theirs) {
            workspace.rules = Some(if theirs || anybodys { vec![rules.to_owned()] } else { Vec::new() });
        }
        self.rules = vec![rules.to_owned()];
        self.given_rules = Some(rules.to_owned());
        self
    }

    /// Reads a text as if it stood in a file called `name`; its paths are relative to `folder`.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn parse(name: &str, text: &str, folder: &Path, env: Env<'_>) -> Result<Self, Diagnostics> {
        let mut out = Diagnostics::new();
        let source: Arc<Source> = Source::new(name, text);
        let root = yaml::parse(&source, &mut out);
        read(root, folder.to_owned(), None, env, out)
    }

    /// The configuration of `preview` without a file: `COLDSEND_API_KEY`, `COLDSEND_BASE_URL` if set, and the rules.
    ///
    /// # Errors
    /// When the key is missing or the address cannot be used.
    pub fn without_file(env: Env<'_>, rules: &Path) -> Result<Self, Diagnostics> {
        let mut out = Diagnostics::new();
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let key = set("COLDSEND_API_KEY");
        match &key {
            None => out.push(
                Diagnostic::file(
                    code::UNSET_VARIABLE,
                    "",
                    "there is no configuration, and `COLDSEND_API_KEY` is not set",
                )
                .hint("run `reply-router init`, or set `COLDSEND_API_KEY`"),
            ),
            Some(key) if !key.bytes().all(|b| b.is_ascii_graphic()) => out.push(
                Diagnostic::file(
                    code::BAD_KEY,
                    "",
                    "`COLDSEND_API_KEY` holds spaces or characters that cannot be sent",
                )
                .hint("copy it again, without quotes and spaces around it"),
            ),
            Some(_) => {}
        }
        let url = set(BASE_URL_VARIABLE);
        let url = check_api_url(url.as_deref().unwrap_or(workspace::DEFAULT_BASE_URL)).map_err(|why| {
            Diagnostic::file(code::BAD_URL, "", format!("`COLDSEND_BASE_URL` cannot be used: {why}"))
                .hint("write it like https://api.coldsend.pro/api/public/v1")
        });
        match (key, url) {
            (Some(key), Ok(url)) if !out.has_errors() => {
                let workspace = WorkspaceConfig::new("default", SecretString::from(key), url);
                Ok(Self::with_defaults(vec![workspace], vec![rules.to_owned()]))
            }
            (_, url) => {
                out.extend(url.err());
                Err(out)
            }
        }
    }

    /// Every default, with paths relative to the working directory. For programs that bring their own workspace.
    pub fn with_defaults(workspaces: Vec<WorkspaceConfig>, rules: Vec<PathBuf>) -> Self {
        Self {
            file: None,
            workspaces,
            rules,
            attachments_from: Vec::new(),
            store: StoreSettings::Sqlite(PathBuf::from(STORE)),
            retention: None,
            admin: AdminSettings::default(),
            destinations: BTreeMap::new(),
            smtp: None,
            hours: BTreeMap::new(),
            lists: BTreeMap::new(),
            safety: Safety::default(),
            network: NetworkSettings::default(),
            given_rules: None,
            warnings: Diagnostics::new(),
        }
    }
}

fn read(
    root: Option<yaml::Node>,
    folder: PathBuf,
    rules: Option<&Path>,
    env: Env<'_>,
    mut out: Diagnostics,
) -> Result<Settings, Diagnostics> {
    let Some(mut root) = root else { return Err(out) };
    let mut variables = Interpolation::new(env);
    variables.apply(&mut root, &mut out);
    if root.is_null() {
        out.push(workspace::missing(&root));
        return Err(out);
    }
    let mut reader = ConfigReader { env, variables, folder, destinations: Vec::new(), out: Diagnostics::new() };
    let fields = root.fields(&FILE, &mut reader.out);
    let settings = fields.map(|fields| file::read(&fields, rules, &mut reader));
    let found = reader.variables.scrub(reader.out, &out);
    out.extend(found);
    match settings {
        Some(settings) if !out.has_errors() => Ok(Settings { warnings: out, ..settings }),
        _ => Err(out),
    }
}

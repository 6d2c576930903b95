//! From a file, or from the environment alone, to [`Settings`].

use super::env::{Env, Interpolation};
use super::reader::{ConfigReader, check_api_url, folder_of};
use super::{
    ADMIN_TOKEN_VARIABLE, AdminSettings, Settings, StoreSettings, WorkspaceConfig, destinations, hours, safety, schema,
    workspace,
};
use crate::destinations::NetworkSettings;
use crate::diagnostics::Source;
use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::model::Safety;
use crate::yaml::{self, Fields};
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The store's file when the configuration names none.
pub(super) const STORE: &str = "reply-router.db";
/// Where the API is, if there is no file that says it.
const BASE_URL_VARIABLE: &str = "COLDSEND_BASE_URL";
/// Where the admin server listens when the configuration does not say.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8_080);
/// What a token needs before the admin pages may be reached from other machines.
const TOKEN_BYTES: usize = 32;

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
            admin: AdminSettings { listen: LISTEN, token: None, public_url: None },
            destinations: BTreeMap::new(),
            smtp: None,
            hours: BTreeMap::new(),
            safety: Safety::default(),
            network: NetworkSettings::default(),
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
    let mut reading = ConfigReader { env, variables, folder, out: Diagnostics::new() };
    let fields = root.fields(&schema::FILE, &mut reading.out);
    let settings = fields.map(|fields| whole(&fields, rules, &mut reading));
    let found = reading.variables.scrub(reading.out, &out);
    out.extend(found);
    match settings {
        Some(settings) if !out.has_errors() => Ok(Settings { warnings: out, ..settings }),
        _ => Err(out),
    }
}

fn whole(fields: &Fields<'_>, rules: Option<&Path>, reading: &mut ConfigReader<'_>) -> Settings {
    let read = destinations::read(fields, reading);
    let hours = fields.non_null("hours").map(|node| hours::read(node, reading)).unwrap_or_default();
    let usual = Safety::default();
    let safety = match fields.non_null("safety") {
        Some(node) => safety::read(node, usual, &read.names, reading),
        None => usual,
    };
    let workspaces = match fields.non_null("workspaces") {
        Some(node) => {
            let shared = workspace::Shared { destinations: &read, safety: &safety };
            workspace::read(node, &shared, reading)
        }
        None => {
            reading.out.push(workspace::missing(fields.key("workspaces").unwrap_or(fields.node())));
            Vec::new()
        }
    };
    // As it is written: a workspace that cannot be read may have rules all the same.
    let written = fields.non_null("workspaces").map(yaml::Node::list_or_one).unwrap_or_default();
    let own = !written.is_empty() && written.iter().all(|item| item.get("rules").is_some_and(|node| !node.is_null()));
    let everybodys = match fields.non_null("rules") {
        Some(node) => workspace::paths(node, reading),
        None if own || rules.is_some() => Vec::new(),
        None => fields.required("rules", &mut reading.out).map(|_| Vec::new()).unwrap_or_default(),
    };
    let own_address = |node: &yaml::Node| node.list_or_one().iter().all(|item| item.get("base_url").is_some());
    if (reading.env)(BASE_URL_VARIABLE).is_some_and(|value| !value.is_empty())
        && let Some(workspaces) = fields.non_null("workspaces").filter(|node| !own_address(node))
    {
        let place = fields.key("workspaces").unwrap_or(workspaces);
        let message = format!("`{BASE_URL_VARIABLE}` is set, and not used where there is a configuration file");
        let hint = format!("write `base_url: \"${{{BASE_URL_VARIABLE}}}\"` in the workspace if it is meant");
        reading.out.push(Diagnostic::warning(code::UNUSED_VARIABLE, place, message).hint(hint));
    }
    let store = match fields.non_null("store") {
        Some(node) => store(node, reading),
        None => Some(reading.folder.join(STORE)),
    };
    let attachments_from = fields.non_null("attachments_from").map(|node| folders(node, reading)).unwrap_or_default();
    let admin = admin(fields, reading);
    // What could not be read has been reported, so nothing of this is used then.
    let settings = Settings {
        attachments_from,
        store: StoreSettings::Sqlite(store.unwrap_or_default()),
        admin,
        destinations: read.destinations,
        smtp: read.smtp,
        hours,
        safety,
        network: read.network,
        ..Settings::with_defaults(workspaces, everybodys)
    };
    match rules {
        Some(path) => settings.with_rules(path),
        None => settings,
    }
}

/// Folders that are there.
fn folders(node: &yaml::Node, reading: &mut ConfigReader<'_>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in node.list_or_one() {
        let Some(folder) = reading.path(item) else { continue };
        if folder.is_dir() {
            found.push(folder);
        } else {
            let hint = format!("looked for {}", folder.display());
            reading.report(code::NO_FOLDER, item, format!("there is no folder `{}`", item.text()), &hint);
        }
    }
    found
}

fn store(node: &yaml::Node, reading: &mut ConfigReader<'_>) -> Option<PathBuf> {
    let text = node.non_empty_string(&mut reading.out)?;
    match text.split_once(':') {
        Some(("sqlite", path)) if !path.trim_start_matches('/').trim().is_empty() => {
            // `sqlite:///x` and `sqlite://x` are how other programs write a path.
            Some(reading.folder.join(path.strip_prefix("//").unwrap_or(path)))
        }
        Some(("postgres" | "postgresql", _)) => {
            // The address holds a password.
            node.source().redact(node.span.start..node.span.end);
            let message = "PostgreSQL is not supported by this build yet";
            reading.report(code::UNSUPPORTED_STORE, node, message, "write `store: sqlite:reply-router.db`");
            None
        }
        _ => {
            let message = "a store is `sqlite:` and the path of a file";
            reading.report(code::BAD_STORE, node, message, "write `store: sqlite:reply-router.db`");
            None
        }
    }
}

fn admin(root: &Fields<'_>, reading: &mut ConfigReader<'_>) -> AdminSettings {
    let fields = root.non_null("admin").and_then(|node| node.fields(&schema::ADMIN, &mut reading.out));
    let node = |key: &str| fields.as_ref().and_then(|fields| fields.non_null(key));
    let listen_node = node("listen");
    let listen = match listen_node.map(|node| (node, node.text().parse::<SocketAddr>())) {
        None => LISTEN,
        Some((_, Ok(address))) => address,
        Some((node, Err(_))) => {
            let message = "this is not an IP address and a port";
            reading.report(
                code::BAD_LISTEN,
                node,
                message,
                "write it like 127.0.0.1:8080, or 0.0.0.0:8080 for every network",
            );
            LISTEN
        }
    };
    let written = node("token");
    let token = match written {
        Some(node) => reading.header_secret(node),
        None => (reading.env)(ADMIN_TOKEN_VARIABLE).filter(|value| !value.is_empty()).map(SecretString::from),
    };
    let public_url = node("public_url").and_then(|node| reading.public_url(node));
    let long_enough = token.as_ref().is_some_and(|token| token.expose_secret().len() >= TOKEN_BYTES);
    // A token that is written and could not be read has been reported.
    if let Some(place) = written.or(listen_node)
        && !listen.ip().is_loopback()
        && !long_enough
        && (written.is_none() || token.is_some())
    {
        let message =
            format!("{listen} can be reached from other machines, which needs a token of {TOKEN_BYTES} bytes or more");
        let hint = format!("make one with `openssl rand -hex 32` and put it into {ADMIN_TOKEN_VARIABLE}");
        reading.report(code::WEAK_TOKEN, place, message, &hint);
    }
    AdminSettings { listen, token, public_url }
}

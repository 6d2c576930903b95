//! The configuration file: `reply-router.yaml`, read into types that cannot be wrong.
//!
//! Reading goes over the whole file and reports every mistake in one pass. Values of the environment are put in first
//! ([`env`]), and no diagnostic ever repeats one.

mod admin;
mod declaration;
mod destinations;
mod env;
mod file;
mod hours;
mod lists;
mod load;
mod reader;
mod safety;
mod schema;
pub mod starter;
mod users;
mod values;
mod workspace;

pub use env::Env;
pub use file::json_schema;
pub use workspace::{DEFAULT_BASE_URL, RateLimit, SettingLocations, WorkspaceConfig};

use crate::admin::{AccessSettings, Network, ProxySettings, User};
use crate::destinations::{DestinationSettings, NetworkSettings, SmtpSettings};
use crate::diagnostics::Diagnostics;
use crate::lists::ListSource;
use crate::model::Safety;
use crate::rules::hours::OpeningHours;
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use url::Url;

/// The variable that names the configuration file when `--config` does not.
pub const CONFIG_VARIABLE: &str = "REPLY_ROUTER_CONFIG";
/// The variable that holds the admin token when the file has none.
pub const ADMIN_TOKEN_VARIABLE: &str = "REPLY_ROUTER_ADMIN_TOKEN";
/// The file that is read when nothing else is named.
pub const DEFAULT_FILE: &str = "reply-router.yaml";
/// Where the API is, if there is no file that says it.
const BASE_URL_VARIABLE: &str = "COLDSEND_BASE_URL";
/// The store's file when the configuration names none.
const STORE: &str = "reply-router.db";

/// The whole configuration. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file it was read from; `None` when there was none.
    pub file: Option<PathBuf>,
    /// At least one, with unique names.
    pub workspaces: Vec<WorkspaceConfig>,
    /// Where the rules are of every workspace that has none of its own: folders and files, in order.
    pub rules: Vec<PathBuf>,
    /// Folders beside that of the rules whose files replies may carry.
    pub attachments_from: Vec<PathBuf>,
    /// Where records are kept.
    pub store: StoreSettings,
    /// How long the records of every workspace are kept that does not say otherwise; `None` for ever.
    pub retention: Option<Duration>,
    /// The admin server.
    pub admin: AdminSettings,
    /// Where forwards of every workspace go, by name; each is known to be complete.
    pub destinations: BTreeMap<String, DestinationSettings>,
    /// The mail server for e-mail destinations.
    pub smtp: Option<SmtpSettings>,
    /// Opening hours of every workspace, by name.
    pub hours: BTreeMap<String, OpeningHours>,
    /// Lists of every workspace, by name; not read yet.
    pub lists: BTreeMap<String, ListSource>,
    /// What `safety` says for the whole file. Each workspace has its own, in which what it says itself wins.
    pub safety: Safety,
    /// What destinations may reach.
    pub network: NetworkSettings,
    /// What `--rules` put in place of the file's rules.
    pub given_rules: Option<PathBuf>,
    /// What was odd, though not wrong enough to refuse.
    pub warnings: Diagnostics,
}

impl Settings {
    /// Where the rules of a workspace are, in order.
    pub fn rules_of<'s>(&'s self, workspace: &'s WorkspaceConfig) -> &'s [PathBuf] {
        workspace.rules.as_deref().unwrap_or(&self.rules)
    }

    /// Every path of rules, each once.
    pub fn rule_paths(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = Vec::new();
        for path in self.workspaces.iter().flat_map(|workspace| self.rules_of(workspace)) {
            if !paths.contains(&path.as_path()) {
                paths.push(path);
            }
        }
        paths
    }

    /// The opening hours that a workspace knows: its own stand in for those of the same names.
    pub fn hours_of(&self, workspace: &WorkspaceConfig) -> BTreeMap<String, OpeningHours> {
        let mut hours = self.hours.clone();
        hours.extend(workspace.hours.clone());
        hours
    }

    /// The lists that a workspace knows: its own stand in for those of the same names.
    pub fn lists_of(&self, workspace: &WorkspaceConfig) -> BTreeMap<String, ListSource> {
        let mut lists = self.lists.clone();
        lists.extend(workspace.lists.clone());
        lists
    }

    /// The files of all lists.
    pub fn list_files(&self) -> impl Iterator<Item = &Path> {
        let all = self.lists.values().chain(self.workspaces.iter().flat_map(|workspace| workspace.lists.values()));
        all.filter_map(ListSource::file)
    }

    /// The destinations that a workspace knows: its own stand in for those of the same names.
    pub fn destinations_of<'s>(&'s self, workspace: &'s WorkspaceConfig) -> BTreeMap<&'s str, &'s DestinationSettings> {
        let all = self.destinations.iter().chain(&workspace.destinations);
        all.map(|(name, found)| (name.as_str(), found)).collect()
    }
}

/// Where records are kept.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    /// A SQLite file, for one process.
    Sqlite(PathBuf),
    /// A PostgreSQL database, for any number of processes: its address, which may hold a password.
    Postgres(SecretString),
}

impl StoreSettings {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

/// The admin server.
#[derive(Debug, Clone)]
pub struct AdminSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The token of an unnamed admin of everything. When `listen` is not loopback, it or users are there, and every token
    /// has 32 bytes or more.
    pub token: Option<SecretString>,
    /// How people reach it, for links in forwards.
    pub public_url: Option<Url>,
    /// With unique names and tokens; each has a token, or comes through a proxy.
    pub users: Vec<User>,
    /// The header in which a proxy names a user; there are `trusted_proxies` and `users` then.
    pub proxy_header: Option<String>,
    /// Who may send it.
    pub trusted_proxies: Vec<Network>,
}

impl AdminSettings {
    /// Who may get in.
    pub fn access(&self) -> AccessSettings {
        let trusted = &self.trusted_proxies;
        AccessSettings {
            token: self.token.clone(),
            users: self.users.clone(),
            proxy: self.proxy_header.clone().map(|header| ProxySettings { header, trusted: trusted.clone() }),
        }
    }

    /// The link base: `public_url`, or the listening address when that can be opened on this machine.
    pub fn link_base(&self) -> Option<Url> {
        let local = || Url::parse(&format!("http://{}", self.listen)).ok().filter(|_| self.listen.ip().is_loopback());
        self.public_url.clone().or_else(local)
    }
}

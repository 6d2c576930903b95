//! `workspaces`: one entry for each API key of ColdSend.

use super::{destinations, hours, reader::ConfigReader, safety, schema};
use crate::destinations::DestinationSettings;

use crate::diagnostics::{Diagnostic, Located, Location, code};
use crate::model::{Mode, Safety, WorkspaceSettings};
use crate::rules::hours::OpeningHours;
use crate::yaml::{Fields, Node};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use url::Url;

/// Where ColdSend's API is.
pub const DEFAULT_BASE_URL: &str = "https://api.coldsend.pro/api/public/v1";

/// The most requests that a limit may allow.
pub(super) const MAX_REQUESTS: u32 = 1_000_000;
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// What the file says of one workspace.
#[derive(Debug, Clone)]
pub struct WorkspaceConfig {
    /// What the engine needs of it.
    pub settings: WorkspaceSettings,
    /// The API key.
    pub api_key: SecretString,
    /// Where the API is: https, or http on this machine.
    pub base_url: Url,
    /// Requests a minute, at least 1.
    pub per_minute: u32,
    /// Requests an hour, at least 1.
    pub per_hour: u32,
    /// The secret of `POST /hooks/coldsend/NAME`; without one the route is off.
    pub hook_token: Option<SecretString>,
    /// Where its rules are, in order; `None` where it takes those of the whole file.
    pub rules: Option<Vec<PathBuf>>,
    /// What its templates and scripts call `workspace.vars`.
    pub vars: BTreeMap<String, String>,
    /// Its own destinations; they win over those of the whole file that have the same names.
    pub destinations: BTreeMap<String, DestinationSettings>,
    /// Its own opening hours; they win over those of the whole file that have the same names.
    pub hours: BTreeMap<String, OpeningHours>,
    /// Where the file has its settings; `None` without a file.
    pub written: Option<SettingLocations>,
}

/// Where settings of a workspace are written.
#[derive(Debug, Clone)]
pub struct SettingLocations {
    /// Its `poll_every`, or else its name.
    pub poll_every: Location,
    /// Its `mode`, or else its name.
    pub mode: Location,
}

impl WorkspaceConfig {
    /// Requests a minute when the configuration does not say.
    pub const PER_MINUTE: u32 = 100;
    /// Requests an hour when the configuration does not say.
    pub const PER_HOUR: u32 = 1_000;

    /// A workspace with every default.
    pub fn new(name: impl Into<String>, api_key: SecretString, base_url: Url) -> Self {
        Self {
            settings: WorkspaceSettings::new(name),
            api_key,
            base_url,
            per_minute: Self::PER_MINUTE,
            per_hour: Self::PER_HOUR,
            hook_token: None,
            rules: None,
            vars: BTreeMap::new(),
            destinations: BTreeMap::new(),
            hours: BTreeMap::new(),
            written: None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// How many requests an hour its polling takes when nothing happens: one for each poll.
    pub fn polls_per_hour(&self) -> u32 {
        let hour = Duration::from_secs(3_600).as_millis();
        u32::try_from(hour.div_ceil(self.settings.poll_every.as_millis().max(1))).unwrap_or(u32::MAX)
    }
}

/// What holds for every workspace that does not say otherwise.
pub(super) struct Shared<'s> {
    pub(super) destinations: &'s destinations::Read,
    pub(super) safety: &'s Safety,
}

/// Reads the list; what cannot be read is reported and left out.
pub(super) fn read(node: &Node, shared: &Shared<'_>, reading: &mut ConfigReader<'_>) -> Vec<WorkspaceConfig> {
    let Some(items) = node.list(&mut reading.out) else { return Vec::new() };
    if items.is_empty() {
        let hint = "add one: `- { name: acme, api_key: \"${COLDSEND_API_KEY}\" }`";
        reading.report(code::NO_WORKSPACE, node, "there is no workspace", hint);
    }
    let mut all = Vec::new();
    let mut names: Vec<(String, usize)> = Vec::new();
    let mut keys: Vec<(SecretString, String)> = Vec::new();
    let mut earlier_names: Vec<(String, &Node)> = Vec::new();
    for item in items {
        let Some(fields) = item.fields(&schema::WORKSPACE, &mut reading.out) else { continue };
        let name_node = fields.required("name", &mut reading.out);
        let name = name_node.and_then(|node| reading.name(node, "workspace"));
        if let (Some(name), Some(node)) = (&name, name_node) {
            match names.iter().find(|(known, _)| known == name) {
                Some((_, line)) => {
                    let message = format!("there is a workspace `{name}` already, on line {line}");
                    reading.report(code::DUPLICATE_NAME, node, message, "give each workspace a name of its own");
                }
                None => names.push((name.clone(), node.span.line)),
            }
        }
        let key_node = fields.required("api_key", &mut reading.out);
        let key = key_node.and_then(|node| reading.header_secret(node));
        if let (Some(key), Some(node)) = (&key, key_node) {
            let line = node.span.line;
            match keys.iter().find(|(known, _)| known.expose_secret() == key.expose_secret()) {
                Some((_, first)) => {
                    let message = format!("{first} has the same key: every lead would get every reply twice");
                    let hint = "give each workspace the key of its own ColdSend account, or keep one of the two";
                    reading.report(code::KEY_TWICE, node, message, hint);
                }
                None => {
                    let first = name.as_deref().map_or_else(
                        || format!("the workspace with its key on line {line}"),
                        |name| format!("the workspace `{name}` (line {line})"),
                    );
                    keys.push((key.clone(), first));
                }
            }
        }
        let base_url = match fields.non_null("base_url") {
            Some(node) => reading.api_url(node),
            None => Url::parse(DEFAULT_BASE_URL).ok(),
        };
        let was = fields.non_null("was").and_then(|node| Some((reading.name(node, "workspace")?, node)));
        earlier_names.extend(was.clone());
        let mode = fields
            .non_null("mode")
            .map(|node| node.one_of(&Mode::ALL.map(|mode| (mode.as_str(), mode)), &mut reading.out));
        let mut duration =
            |key: &str, least, most| fields.non_null(key).and_then(|node| reading.duration(node, least, most));
        let poll_every = duration("poll_every", SECOND, DAY);
        let sweep_every = duration("sweep_every", SECOND, 30 * DAY);
        let wait_for_category = duration("wait_for_category", Duration::ZERO, DAY);
        let limits = fields.non_null("rate_limit").and_then(|node| node.fields(&schema::RATE_LIMIT, &mut reading.out));
        let limits = limits.as_ref();
        let mut limit = |key: &str| {
            limits.and_then(|limits| limits.non_null(key)).and_then(|node| reading.count(node, MAX_REQUESTS))
        };
        let (per_minute, per_hour) = (limit("per_minute"), limit("per_hour"));
        let hook_token = fields.non_null("hook_token").and_then(|node| reading.header_secret(node));
        let own = own(&fields, shared, reading);
        let (Some(name), Some(key), Some(base_url)) = (name, key, base_url) else { continue };
        let usual = WorkspaceSettings::new(name);
        let default = WorkspaceConfig::new("", key, base_url);
        all.push(WorkspaceConfig {
            rules: own.rules,
            vars: own.vars,
            destinations: own.destinations,
            hours: own.hours,
            settings: WorkspaceSettings {
                mode: mode.flatten().unwrap_or(usual.mode),
                was: was.map(|(was, _)| was),
                poll_every: poll_every.unwrap_or(usual.poll_every),
                sweep_every: sweep_every.unwrap_or(usual.sweep_every),
                wait_for_category: wait_for_category.unwrap_or(usual.wait_for_category),
                safety: own.safety,
                ..usual
            },
            per_minute: per_minute.unwrap_or(default.per_minute),
            per_hour: per_hour.unwrap_or(default.per_hour),
            hook_token,
            written: name_node.map(|name| {
                let at = |key| fields.non_null(key).unwrap_or(name).location();
                SettingLocations { poll_every: at("poll_every"), mode: at("mode") }
            }),
            ..default
        });
    }
    check_earlier_names(&names, &earlier_names, reading);
    all
}

/// What a workspace has for itself.
struct Own {
    rules: Option<Vec<PathBuf>>,
    vars: BTreeMap<String, String>,
    destinations: BTreeMap<String, DestinationSettings>,
    hours: BTreeMap<String, OpeningHours>,
    safety: Safety,
}

fn own(fields: &Fields<'_>, shared: &Shared<'_>, reading: &mut ConfigReader<'_>) -> Own {
    let place = fields.non_null("destinations");
    let mut known = shared.destinations.names.clone();
    known.extend(place.map(destinations::names).unwrap_or_default());
    Own {
        rules: fields.non_null("rules").map(|node| paths(node, reading)),
        vars: fields.non_null("vars").map(|node| vars(node, reading)).unwrap_or_default(),
        destinations: place.map(|node| destinations::named(node, shared.destinations, reading)).unwrap_or_default(),
        hours: fields.non_null("hours").map(|node| hours::read(node, reading)).unwrap_or_default(),
        safety: match fields.non_null("safety") {
            Some(node) => safety::read(node, shared.safety.clone(), &known, reading),
            None => shared.safety.clone(),
        },
    }
}

/// Reads `rules`: a path, or a list of paths.
pub(super) fn paths(node: &Node, reading: &mut ConfigReader<'_>) -> Vec<PathBuf> {
    let items = node.list_or_one();
    if items.is_empty() {
        let hint = "write `rules: rules/`, or a list such as `rules: [rules/common/, rules/acme/]`";
        reading.report(code::MISSING_KEY, node, "no path is named", hint);
    }
    items.iter().filter_map(|item| reading.path(item)).collect()
}

fn vars(node: &Node, reading: &mut ConfigReader<'_>) -> BTreeMap<String, String> {
    let mut vars = BTreeMap::new();
    let Some(entries) = node.entries(&mut reading.out) else { return vars };
    for (key, value) in entries.iter() {
        let name = key.text();
        let fits = !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.is_empty();
        if !fits {
            let message = format!("`{name}` cannot be used in a template: letters, digits and `_` only");
            reading.report(code::BAD_NAME, key, message, "for example `calendar` or `first_line`");
        }
        if let Some(text) = value.string(&mut reading.out).filter(|_| fits) {
            vars.insert(name.to_owned(), text);
        }
    }
    vars
}

/// An earlier name is one that no workspace has now, and that of one workspace only.
fn check_earlier_names(names: &[(String, usize)], earlier: &[(String, &Node)], reading: &mut ConfigReader<'_>) {
    for (place, (was, node)) in earlier.iter().enumerate() {
        let message = if let Some((_, line)) = names.iter().find(|(name, _)| name == was) {
            format!("`{was}` is the name of a workspace, on line {line}")
        } else if earlier.iter().take(place).any(|(other, _)| other == was) {
            format!("`{was}` is the earlier name of another workspace already")
        } else {
            continue;
        };
        let hint = "`was` names what this workspace was called before, so that its records go with it";
        reading.report(code::DUPLICATE_NAME, node, message, hint);
    }
}

/// The sentence for a file without the key `workspaces`.
pub(super) fn missing(node: &Node) -> Diagnostic {
    let hint = "add `workspaces: [{ name: acme, api_key: \"${COLDSEND_API_KEY}\" }]`";
    Diagnostic::error(code::NO_WORKSPACE, node, "there is no workspace").hint(hint)
}

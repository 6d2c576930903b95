//! `workspaces`: one entry for each API key of ColdSend.

use super::declaration::{self, ConfigKey, DAY, SECOND, Takes, count, duration, mode, retention};
use super::destinations;
use super::hours::hours;
use super::lists::lists;
use super::reader::ConfigReader;
use super::safety::{self, SAFETY};
use super::schema::DESTINATION;
use super::values::{NAME, api_url, header_secret, name, rule_paths};
use crate::destinations::DestinationSettings;
use crate::diagnostics::{Diagnostic, Located, Location, code};
use crate::lists::ListSource;
use crate::model::{Safety, WorkspaceSettings};
use crate::rules::hours::OpeningHours;
use crate::yaml::{self, LazySchema, Node, ValueType};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use url::Url;

/// Where ColdSend's API is.
pub const DEFAULT_BASE_URL: &str = "https://api.coldsend.pro/api/public/v1";

fn default_base_url() -> Option<Url> {
    Url::parse(DEFAULT_BASE_URL).ok()
}

/// The most requests that a limit may allow.
const MAX_REQUESTS: u32 = 1_000_000;

/// What templates can call a text of a workspace.
const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

/// A workspace.
pub(super) static WORKSPACE: LazySchema = LazySchema::new(|| {
    // The defaults; a name and a key have none.
    let usual = default_base_url().map(|url| WorkspaceConfig::new("", SecretString::default(), url));
    declaration::schema("workspace", "A workspace of ColdSend.", keys(), usual)
});

/// How many requests a workspace allows.
static RATE_LIMIT: LazySchema = LazySchema::new(|| {
    declaration::schema("rate-limit", "How many requests the API may get.", rate_limit_keys(), RateLimit::default())
});

/// What the file says of one workspace.
#[derive(Debug, Clone)]
pub struct WorkspaceConfig {
    /// What the engine needs of it.
    pub settings: WorkspaceSettings,
    /// The API key.
    pub api_key: SecretString,
    /// Where the API is: https, or http on this machine.
    pub base_url: Url,
    /// How many requests the API may get.
    pub rate_limit: RateLimit,
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
    /// Its own lists; they win over those of the whole file that have the same names.
    pub lists: BTreeMap<String, ListSource>,
    /// Where the file has its settings; `None` without a file.
    pub written: Option<SettingLocations>,
}

/// How many requests the API may get from us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a minute, at least 1.
    pub per_minute: u32,
    /// Requests an hour, at least 1.
    pub per_hour: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { per_minute: 100, per_hour: 1_000 }
    }
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
    /// A workspace with every default.
    pub fn new(name: impl Into<String>, api_key: SecretString, base_url: Url) -> Self {
        Self {
            settings: WorkspaceSettings::new(name),
            api_key,
            base_url,
            rate_limit: RateLimit::default(),
            hook_token: None,
            rules: None,
            vars: BTreeMap::new(),
            destinations: BTreeMap::new(),
            hours: BTreeMap::new(),
            lists: BTreeMap::new(),
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

fn keys() -> Vec<ConfigKey<WorkspaceConfig>> {
    type Key = ConfigKey<WorkspaceConfig>;
    vec![
        Key::new(
            "name",
            name("workspace"),
            |workspace| &mut workspace.settings.name,
            "Your own name for it, unique: a-z, 0-9 and `-`, at most 63.",
        )
        .required()
        .example("main"),
        Key::new(
            "was",
            name("workspace").optional(),
            |workspace| &mut workspace.settings.was,
            "The name that it had before: its records, opt-outs and pause go with it. Remove it after the next start.",
        )
        .example("old-name"),
        Key::new("api_key", header_secret(), |workspace| &mut workspace.api_key, "Its API key.")
            .required()
            .example("${COLDSEND_API_KEY}"),
        Key::new(
            "base_url",
            api_url(),
            |workspace| &mut workspace.base_url,
            "Where the API is: https, or http on this machine.",
        ),
        Key::new(
            "mode",
            mode(),
            |workspace| &mut workspace.settings.mode,
            "The ceiling for all its rules: off, shadow (decide and record only), draft (replies wait for approval), live.",
        ),
        Key::new(
            "poll_every",
            duration(SECOND..=DAY),
            |workspace| &mut workspace.settings.poll_every,
            "The time between two polls of the inbox.",
        ),
        Key::new(
            "sweep_every",
            duration(SECOND..=30 * DAY),
            |workspace| &mut workspace.settings.sweep_every,
            "The time between two sweeps, which read every page back to max_age.",
        ),
        Key::new(
            "wait_for_category",
            duration(Duration::ZERO..=DAY),
            |workspace| &mut workspace.settings.wait_for_category,
            "How long a message without a category is left alone.",
        ),
        Key::section("rate_limit", &RATE_LIMIT, rate_limit_keys, |workspace| &mut workspace.rate_limit),
        Key::new(
            "hook_token",
            header_secret().optional(),
            |workspace| &mut workspace.hook_token,
            "The secret of POST /hooks/coldsend/NAME, which starts a poll. Off without one.",
        )
        .example("${COLDSEND_HOOK_TOKEN}"),
        Key::new(
            "rules",
            rule_paths().optional(),
            |workspace| &mut workspace.rules,
            "Where its own rules are, instead of those of the whole file: a folder or a file, or a list of them in the order \
             in which they run.",
        )
        .example(json!(["rules/common/", "rules/acme/"])),
        Key::new(
            "vars",
            Takes::new(ValueType::Map(VARIABLE.to_owned(), Box::new(ValueType::Text)), read_vars),
            |workspace| &mut workspace.vars,
            "Texts of this workspace for templates and scripts: `workspace.vars.NAME`.",
        )
        .example(json!({ "calendar": "https://cal.example/sam", "sender": "Sam" })),
        Key::read_apart(yaml::Key::new(
            "destinations",
            ValueType::Map(NAME.to_owned(), Box::new(ValueType::Shape(&DESTINATION))),
            "Its own destinations; they win over those of the whole file.",
        )),
        Key::new(
            "hours",
            hours(),
            |workspace| &mut workspace.hours,
            "Its own opening hours; they win over those of the whole file.",
        ),
        Key::new(
            "lists",
            lists(),
            |workspace| &mut workspace.lists,
            "Its own lists; they win over those of the whole file.",
        ),
        Key::new(
            "retention",
            retention().optional(),
            |workspace| &mut workspace.settings.retention,
            "How long its own records are kept, instead of what the whole file says.",
        )
        .example("90d"),
        Key::section("safety", &SAFETY, safety::keys, |workspace| &mut workspace.settings.safety)
            .doc("Its own limits; each key wins over the one of the whole file."),
    ]
}

fn rate_limit_keys() -> Vec<ConfigKey<RateLimit>> {
    type Key = ConfigKey<RateLimit>;
    vec![
        Key::new("per_minute", count(MAX_REQUESTS), |limit| &mut limit.per_minute, "Requests a minute."),
        Key::new("per_hour", count(MAX_REQUESTS), |limit| &mut limit.per_hour, "Requests an hour."),
    ]
}

/// What holds for every workspace that does not say otherwise.
pub(super) struct Shared<'s> {
    pub(super) destinations: &'s destinations::Read,
    pub(super) retention: Option<Duration>,
    pub(super) safety: &'s Safety,
}

/// Reads the list; what cannot be read is reported and left out.
pub(super) fn read(node: &Node, shared: &Shared<'_>, reader: &mut ConfigReader<'_>) -> Vec<WorkspaceConfig> {
    let (Some(items), Some(base_url)) = (node.list(&mut reader.out), default_base_url()) else { return Vec::new() };
    if items.is_empty() {
        let hint = "add one: `- { name: acme, api_key: \"${COLDSEND_API_KEY}\" }`";
        reader.report(code::NO_WORKSPACE, node, "there is no workspace", hint);
    }
    let mut all = Vec::new();
    let mut seen = Seen::default();
    for item in items {
        let Some(fields) = item.fields(&WORKSPACE, &mut reader.out) else { continue };
        let mut workspace = WorkspaceConfig::new("", SecretString::default(), base_url.clone());
        workspace.settings.retention = shared.retention;
        workspace.settings.safety = shared.safety.clone();
        // First, because `safety.alert` may name one of them.
        reader.destinations = shared.destinations.names.clone();
        if let Some(node) = fields.non_null("destinations") {
            reader.destinations.extend(destinations::names(node));
            workspace.destinations = destinations::named(node, shared.destinations, reader);
        }
        let complete = declaration::read(&keys(), &fields, &mut workspace, reader);
        workspace.written = fields.non_null("name").map(|name| {
            let at = |key| fields.non_null(key).unwrap_or(name).location();
            SettingLocations { poll_every: at("poll_every"), mode: at("mode") }
        });
        seen.check(&workspace, item, reader);
        if complete {
            all.push(workspace);
        }
    }
    seen.check_earlier_names(reader);
    all
}

/// What each workspace has for itself alone.
#[derive(Default)]
struct Seen<'n> {
    /// With their lines.
    names: Vec<(String, usize)>,
    /// With whose they are.
    keys: Vec<(SecretString, String)>,
    earlier_names: Vec<(String, &'n Node)>,
}

impl<'n> Seen<'n> {
    /// Reports a name or a key that an earlier workspace has. What could not be read is empty and has been reported.
    fn check(&mut self, workspace: &WorkspaceConfig, node: &'n Node, reader: &mut ConfigReader<'_>) {
        let name = workspace.name();
        if let Some(node) = node.get("name").filter(|_| !name.is_empty()) {
            match self.names.iter().find(|(known, _)| known == name) {
                Some((_, line)) => {
                    let message = format!("there is a workspace `{name}` already, on line {line}");
                    reader.report(code::DUPLICATE_NAME, node, message, "give each workspace a name of its own");
                }
                None => self.names.push((name.to_owned(), node.span.line)),
            }
        }
        let key = workspace.api_key.expose_secret();
        if let Some(node) = node.get("api_key").filter(|_| !key.is_empty()) {
            let line = node.span.line;
            match self.keys.iter().find(|(known, _)| known.expose_secret() == key) {
                Some((_, first)) => {
                    let message = format!("{first} has the same key: every lead would get every reply twice");
                    let hint = "give each workspace the key of its own ColdSend account, or keep one of the two";
                    reader.report(code::KEY_TWICE, node, message, hint);
                }
                None if name.is_empty() => {
                    self.keys.push((workspace.api_key.clone(), format!("the workspace with its key on line {line}")));
                }
                None => {
                    self.keys.push((workspace.api_key.clone(), format!("the workspace `{name}` (line {line})")));
                }
            }
        }
        if let (Some(was), Some(node)) = (&workspace.settings.was, node.get("was")) {
            self.earlier_names.push((was.clone(), node));
        }
    }

    /// An earlier name is one that no workspace has now, and that of one workspace only.
    fn check_earlier_names(&self, reader: &mut ConfigReader<'_>) {
        let (names, earlier) = (&self.names, &self.earlier_names);
        for (place, (was, node)) in earlier.iter().enumerate() {
            let message = if let Some((_, line)) = names.iter().find(|(name, _)| name == was) {
                format!("`{was}` is the name of a workspace, on line {line}")
            } else if earlier.iter().take(place).any(|(other, _)| other == was) {
                format!("`{was}` is the earlier name of another workspace already")
            } else {
                continue;
            };
            let hint = "`was` names what this workspace was called before, so that its records go with it";
            reader.report(code::DUPLICATE_NAME, node, message, hint);
        }
    }
}

fn read_vars(node: &Node, reader: &mut ConfigReader<'_>) -> Option<BTreeMap<String, String>> {
    let mut vars = BTreeMap::new();
    for (key, value) in node.entries(&mut reader.out)?.iter() {
        let name = key.text();
        let fits = !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.is_empty();
        if !fits {
            let message = format!("`{name}` cannot be used in a template: letters, digits and `_` only");
            reader.report(code::BAD_NAME, key, message, "for example `calendar` or `first_line`");
        }
        if let Some(text) = value.string(&mut reader.out).filter(|_| fits) {
            vars.insert(name.to_owned(), text);
        }
    }
    Some(vars)
}

/// The sentence for a file without the key `workspaces`.
pub(super) fn missing(node: &Node) -> Diagnostic {
    let hint = "add `workspaces: [{ name: acme, api_key: \"${COLDSEND_API_KEY}\" }]`";
    Diagnostic::error(code::NO_WORKSPACE, node, "there is no workspace").hint(hint)
}

//! The whole file: its keys, and how they hang together.

use super::admin::{self, ADMIN};
use super::declaration::{self, ConfigKey, Takes, retention};
use super::hours::hours;
use super::lists::{self, lists};
use super::reader::ConfigReader;
use super::safety::{self, SAFETY};
use super::schema::DESTINATION;
use super::values::{NAME, folders, rule_paths};
use super::workspace::{self, WORKSPACE};
use super::{BASE_URL_VARIABLE, STORE, Settings, StoreSettings, destinations, users};
use crate::destinations::{NETWORK_SCHEMA, SMTP_SCHEMA};
use crate::diagnostics::{Diagnostic, code};
use crate::yaml::{self, Constraint, Fields, Interpolation, KeyMatch, LazySchema, Node, ValueType};
use serde_json::{Value as Json, json};
use std::path::Path;

/// The whole file.
pub(super) static FILE: LazySchema = LazySchema::new(|| {
    let doc = "The configuration of Reply Router. ${NAME} is taken from the environment; paths are relative to this file's \
               folder.";
    // Where every workspace has rules of its own, the whole file needs none.
    let rules = vec![vec![KeyMatch::Value("rules")], vec![KeyMatch::EachWith("workspaces", "rules")]];
    let usual = Settings::with_defaults(Vec::new(), Vec::new());
    declaration::schema("configuration", doc, keys(), usual).constraint(Constraint::Any(rules))
});

fn keys() -> Vec<ConfigKey<Settings>> {
    type Key = ConfigKey<Settings>;
    vec![
        Key::read_apart(
            yaml::Key::new(
                "workspaces",
                ValueType::non_empty_list(ValueType::Shape(&WORKSPACE)),
                "The workspaces of ColdSend: one for each API key.",
            )
            .example(json!([{ "name": "main", "api_key": "${COLDSEND_API_KEY}", "mode": "shadow" }])),
        )
        .required(),
        Key::new(
            "rules",
            rule_paths(),
            |settings| &mut settings.rules,
            "Where the rules are: a folder or a file, or a list of them in the order in which they run. A workspace may have \
             rules of its own instead.",
        )
        .example("rules/"),
        Key::new(
            "attachments_from",
            folders(),
            |settings| &mut settings.attachments_from,
            "Folders beside that of the rules whose files replies may carry: a path, or a list of them.",
        )
        .example("/srv/price-lists"),
        Key::new(
            "store",
            Takes::new(ValueType::Matching(r"^(sqlite:.*[^/\s]|postgres(ql)?://.+)".to_owned()), read_store).shown(shown_store),
            |settings| &mut settings.store,
            "Where records are kept: `sqlite:` and the path of a file, or the address of a PostgreSQL database, which any \
             number of processes may share: `postgres://user:password@host/database`. Add `?sslmode=require` for TLS, \
             `&sslrootcert=ca.pem` if an authority of your own signs the certificate, and \
             `pgbouncer=true` behind a pooler in transaction mode.",
        ),
        Key::new(
            "retention",
            retention().optional(),
            |settings| &mut settings.retention,
            "How long decisions are kept with their events and actions, and lines of the audit log: 1d or more, for ever \
             without it. Opt-outs stay, and what keeps a lead from getting the same reply twice.",
        )
        .example("90d"),
        Key::section("admin", &ADMIN, admin::keys, |settings| &mut settings.admin),
        Key::read_apart(
            yaml::Key::new(
                "destinations",
                ValueType::Map(NAME.to_owned(), Box::new(ValueType::Shape(&DESTINATION))),
                "Where forwards go, by names that the rules use.",
            )
            .example(json!({ "sales-hot": { "slack": { "webhook_url": "${SLACK_WEBHOOK_URL}" } } })),
        ),
        Key::read_apart(yaml::Key::new(
            "smtp",
            ValueType::Shape(&SMTP_SCHEMA),
            "The mail server that e-mail destinations need.",
        )),
        Key::new("hours", hours(), |settings| &mut settings.hours, "Opening hours, by names that the rules use.").example(
            json!({
                "office": {
                    "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00",
                    "timezone": "America/New_York",
                },
            }),
        ),
        Key::new(
            "lists",
            lists(),
            |settings| &mut settings.lists,
            "Tables that rules look into, by names that the rules use: target accounts with their owners, for example.",
        )
        .example(lists::example()),
        Key::section("safety", &SAFETY, safety::keys, |settings| &mut settings.safety),
        Key::read_apart(yaml::Key::new("network", ValueType::Shape(&NETWORK_SCHEMA), NETWORK_SCHEMA.doc)),
    ]
}

/// Reads the file; `rules` stand in for those that it names. What is wrong is reported; nothing of the result is used then.
pub(super) fn read(fields: &Fields<'_>, rules: Option<&Path>, reader: &mut ConfigReader<'_>) -> Settings {
    let mut settings = Settings::with_defaults(Vec::new(), Vec::new());
    settings.store = StoreSettings::Sqlite(reader.folder.join(STORE));
    // First, because `safety.alert` may name one of them.
    let shared = destinations::read(fields, reader);
    reader.destinations.clone_from(&shared.names);
    declaration::read(&keys(), fields, &mut settings, reader);
    admin::check_token(fields.non_null("admin"), &mut settings.admin, reader);
    match fields.non_null("workspaces") {
        Some(node) => {
            let (retention, safety) = (settings.retention, &settings.safety);
            let shared = workspace::Shared { destinations: &shared, retention, safety };
            settings.workspaces = workspace::read(node, &shared, reader);
        }
        None => reader.out.push(workspace::missing(fields.key("workspaces").unwrap_or(fields.node()))),
    }
    users::check(fields.non_null("admin"), &settings.admin, &settings.workspaces, reader);
    // As it is written: a workspace that cannot be read may have rules all the same.
    let written = fields.non_null("workspaces").map(Node::list_or_one).unwrap_or_default();
    let own = !written.is_empty() && written.iter().all(|item| item.get("rules").is_some_and(|node| !node.is_null()));
    if !own && rules.is_none() {
        fields.required("rules", &mut reader.out);
    }
    let own_address = |node: &Node| node.list_or_one().iter().all(|item| item.get("base_url").is_some());
    if (reader.env)(BASE_URL_VARIABLE).is_some_and(|value| !value.is_empty())
        && let Some(workspaces) = fields.non_null("workspaces").filter(|node| !own_address(node))
    {
        let place = fields.key("workspaces").unwrap_or(workspaces);
        let message = format!("`{BASE_URL_VARIABLE}` is set, and not used where there is a configuration file");
        let hint = format!("write `base_url: \"${{{BASE_URL_VARIABLE}}}\"` in the workspace if it is meant");
        reader.out.push(Diagnostic::warning(code::UNUSED_VARIABLE, place, message).hint(hint));
    }
    settings.destinations = shared.destinations;
    settings.smtp = shared.smtp;
    settings.network = shared.network;
    match rules {
        Some(path) => settings.with_rules(path),
        None => settings,
    }
}

fn shown_store(store: &StoreSettings) -> Json {
    match store {
        StoreSettings::Sqlite(path) => json!(format!("sqlite:{}", path.display())),
        StoreSettings::Postgres(_) => json!("postgres://…"),
    }
}

fn read_store(node: &Node, reader: &mut ConfigReader<'_>) -> Option<StoreSettings> {
    let text = node.non_empty_string(&mut reader.out)?;
    match text.split_once(':') {
        Some(("sqlite", path)) if !path.trim_start_matches('/').trim().is_empty() => {
            // `sqlite:///x` and `sqlite://x` are how other programs write a path.
            Some(StoreSettings::Sqlite(reader.folder.join(path.strip_prefix("//").unwrap_or(path))))
        }
        Some(("postgres" | "postgresql", rest)) => {
            // The address holds a password.
            node.source().redact(node.span.start..node.span.end);
            if rest.strip_prefix("//").is_some_and(|rest| !rest.trim().is_empty()) {
                return Some(StoreSettings::Postgres(text.into()));
            }
            let message = "this is not the address of a PostgreSQL database";
            let hint = "write it like postgres://user:${POSTGRES_PASSWORD}@db.example/reply_router";
            reader.report(code::BAD_STORE, node, message, hint);
            None
        }
        _ => {
            let message = "a store is `sqlite:` and the path of a file, or the address of a PostgreSQL database";
            let hint = "write `store: sqlite:reply-router.db`, or `store: postgres://user@host/database`";
            reader.report(code::BAD_STORE, node, message, hint);
            None
        }
    }
}

/// The JSON Schema of the configuration file.
///
/// It refuses nothing that [`Settings::load`](super::Settings::load) takes, except what JSON cannot tell apart, and lets
/// `${NAME}` stand in any value; what no schema can say (the environment, names that stand elsewhere, files) is left to
/// loading.
pub fn json_schema() -> Json {
    yaml::json_schema(&FILE, "Configuration of Reply Router", Interpolation::Enabled, false)
}

//! The configuration file as [`Shape`]s: every mapping with its keys.
//!
//! Reading takes the keys it knows from here, and [`json_schema`] writes them down for editors.

mod destinations;

pub(super) use destinations::{DESTINATION, EMAIL, EMAIL_KIND, NETWORK, SLACK, SLACK_KIND, SMTP_SERVER, WEBHOOK};

use super::{
    load::{LISTEN, STORE},
    safety::{MAX_CHECKS, MAX_REPLIES},
    workspace::{DEFAULT_BASE_URL, MAX_REQUESTS, WorkspaceConfig},
};
use crate::model::{Mode, Safety, StartFrom, WorkspaceSettings, duration_pattern, format_duration};
use crate::rules::hours::WEEKDAYS;
use crate::yaml::{self, Constraint, Interpolation, Key, KeyMatch, LazySchema, Schema, ValueType};
use serde_json::{Value as Json, json};

/// A name that the user chooses.
const NAME: &str = "^[a-z0-9][a-z0-9-]{0,62}$";
/// What templates can call a text of a workspace.
const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
/// What can stand in a header.
const HEADER: &str = "^[!-~]+$";
/// An address of the web.
const HTTP: &str = r"^\s*[Hh][Tt][Tt][Pp][Ss]?:";
const DATE: &str = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])";
const TIME: &str = "(?:[01]?[0-9]|2[0-3]):[0-5][0-9]";

/// The whole file.
pub(super) static FILE: LazySchema = LazySchema::new(|| {
    Schema::new(
        "configuration",
        "The configuration of Reply Router. ${NAME} is taken from the environment; paths are relative to this file's folder.",
        [
            Key::new(
                "workspaces",
                ValueType::non_empty_list(ValueType::Shape(&WORKSPACE)),
                "The workspaces of ColdSend: one for each API key.",
            )
            .required()
            .example(json!([{ "name": "main", "api_key": "${COLDSEND_API_KEY}", "mode": "shadow" }])),
            Key::new(
                "rules",
                ValueType::non_empty_list_or_one(ValueType::NonBlankText),
                "Where the rules are: a folder or a file, or a list of them in the order in which they run. A workspace \
                 may have rules of its own instead.",
            )
            .example("rules/"),
            Key::new(
                "attachments_from",
                ValueType::list_or_one(ValueType::NonBlankText),
                "Folders beside that of the rules whose files replies may carry: a path, or a list of them.",
            )
            .example("/srv/price-lists"),
            Key::new(
                "store",
                ValueType::Matching(r"^sqlite:.*[^/\s]".to_owned()),
                "Where records are kept: `sqlite:` and the path of a file.",
            )
            .default(format!("sqlite:{STORE}")),
            Key::new("admin", ValueType::Shape(&ADMIN), "The pages and the API of the service."),
            Key::new("destinations", named(&DESTINATION), "Where forwards go, by names that the rules use.")
                .example(json!({ "sales-hot": { "slack": { "webhook_url": "${SLACK_WEBHOOK_URL}" } } })),
            Key::new("smtp", ValueType::Shape(&SMTP_SERVER), "The mail server that e-mail destinations need."),
            Key::new("hours", named(&HOURS), "Opening hours, by names that the rules use.").example(json!({
                "office": {
                    "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "18:00",
                    "timezone": "America/New_York",
                },
            })),
            Key::new("safety", ValueType::Shape(&SAFETY), "Caps and checks that stand above every rule."),
            Key::new("network", ValueType::Shape(&NETWORK), "What Slack and webhooks may reach."),
        ],
    )
    // Where every workspace has rules of its own, the whole file needs none.
    .constraint(Constraint::Any(vec![vec![KeyMatch::Value("rules")], vec![KeyMatch::EachWith("workspaces", "rules")]]))
});

/// A workspace.
pub(super) static WORKSPACE: LazySchema = LazySchema::new(|| {
    let usual = WorkspaceSettings::new("");
    let span = |name, doc, usual| Key::new(name, ValueType::Duration, doc).default(format_duration(usual));
    let modes = Mode::ALL.iter().map(|mode| mode.as_str()).collect();
    Schema::new(
        "workspace",
        "A workspace of ColdSend.",
        [
            name_key("Your own name for it, unique: a-z, 0-9 and `-`, at most 63.").example("main"),
            Key::new(
                "was",
                ValueType::MatchingOrInteger(NAME.to_owned(), Some(0)),
                "The name that it had before: its records, opt-outs and pause go with it. Remove it after the next start.",
            )
            .example("old-name"),
            Key::new("api_key", header(), "Its API key.").required().example("${COLDSEND_API_KEY}"),
            Key::new(
                "base_url",
                ValueType::Matching(HTTP.to_owned()),
                "Where the API is: https, or http on this machine.",
            )
            .default(DEFAULT_BASE_URL),
            Key::new(
                "mode",
                ValueType::OneOf(modes),
                "The ceiling for all its rules: off, shadow (decide and record only), draft (replies wait for approval), \
                 live.",
            )
            .default(Mode::default().as_str()),
            span("poll_every", "How long between two looks at the inbox: 1s to 1d.", usual.poll_every),
            span(
                "sweep_every",
                "How long between two looks at every page back to max_age: 1s to 30d.",
                usual.sweep_every,
            ),
            span(
                "wait_for_category",
                "How long a message without a category is left alone: 0s to 1d.",
                usual.wait_for_category,
            ),
            Key::new("rate_limit", ValueType::Shape(&RATE_LIMIT), "How many requests the API may get."),
            Key::new(
                "hook_token",
                header(),
                "The secret of POST /hooks/coldsend/NAME, which starts a look at the inbox. Off without one.",
            )
            .example("${COLDSEND_HOOK_TOKEN}"),
            Key::new(
                "rules",
                ValueType::non_empty_list_or_one(ValueType::NonBlankText),
                "Where its own rules are, instead of those of the whole file: a folder or a file, or a list of them in the \
                 order in which they run.",
            )
            .example(json!(["rules/common/", "rules/acme/"])),
            Key::new(
                "vars",
                ValueType::Map(VARIABLE.to_owned(), Box::new(ValueType::Text)),
                "Texts of this workspace for templates and scripts: `workspace.vars.NAME`.",
            )
            .example(json!({ "calendar": "https://cal.example/sam", "sender": "Sam" })),
            Key::new("destinations", named(&DESTINATION), "Its own destinations; they win over those of the whole file."),
            Key::new("hours", named(&HOURS), "Its own opening hours; they win over those of the whole file."),
            Key::new("safety", ValueType::Shape(&SAFETY), "Its own caps; each key wins over the one of the whole file."),
        ],
    )
});

/// Entries by names that the user chooses.
fn named(shape: &'static LazySchema) -> ValueType {
    ValueType::Map(NAME.to_owned(), Box::new(ValueType::Shape(shape)))
}

/// The requests that a workspace allows.
pub(super) static RATE_LIMIT: LazySchema = LazySchema::new(|| {
    let count = || ValueType::Integer(1, i64::from(MAX_REQUESTS));
    Schema::new(
        "rate-limit",
        "How many requests the API may get.",
        [
            Key::new("per_minute", count(), "Requests a minute.").default(WorkspaceConfig::PER_MINUTE),
            Key::new("per_hour", count(), "Requests an hour.").default(WorkspaceConfig::PER_HOUR),
        ],
    )
});

/// The admin server.
pub(super) static ADMIN: LazySchema = LazySchema::new(|| {
    let listen = r"^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+(?:%[0-9]+)?\]):[0-9]{1,5}$";
    Schema::new(
        "admin",
        "The pages and the API of the service.",
        [
            Key::new("listen", ValueType::Matching(listen.to_owned()), "An IP address and a port.").default(LISTEN.to_string()),
            Key::new(
                "token",
                header(),
                "The token for programs and for signing in. To listen on other addresses than this machine's it is needed, \
                 with 32 bytes or more.",
            )
            .example("${REPLY_ROUTER_ADMIN_TOKEN}"),
            Key::new("public_url", ValueType::Matching(HTTP.to_owned()), "How people reach it, for links in what is forwarded.")
                .example("https://router.acme.example"),
        ],
    )
});

/// Opening hours.
pub(super) static HOURS: LazySchema = LazySchema::new(|| {
    let time =
        |name, extra: &str, doc| Key::new(name, ValueType::Matching(format!("^(?:{TIME}{extra})$")), doc).required();
    let short: Vec<&str> = WEEKDAYS.iter().filter_map(|day| day.get(..3)).collect();
    let day = ValueType::AnyOf(vec![ValueType::OneOf(short), ValueType::Matching(weekday_pattern())]);
    Schema::new(
        "hours",
        "When actions may leave: a window of each week, in a time zone.",
        [
            Key::new("days", ValueType::non_empty_list_or_one(day), "The days; every day when left away.")
                .example(json!(["mon", "tue", "wed", "thu", "fri"])),
            time("from", "", "When it opens, with 24 hours and in quotes.").example("09:00"),
            time("to", "|24:00", "When it closes; before `from` it closes on the next day.").example("18:00"),
            Key::new("timezone", ValueType::NonBlankText, "A time zone of the IANA database, named by a city.")
                .required()
                .example("America/New_York")
                .example("Europe/London"),
            Key::new(
                "except",
                ValueType::list_or_one(ValueType::Matching(format!("^{DATE}$"))),
                "Dates on which it stays closed.",
            )
            .example(json!(["2026-12-25"])),
        ],
    )
});

/// Caps and checks.
pub(super) static SAFETY: LazySchema = LazySchema::new(|| {
    let usual = Safety::default();
    let start = match usual.start_from {
        StartFrom::Now => "now".to_owned(),
        StartFrom::Age(span) => format_duration(span),
        StartFrom::Since(time) => time.to_string(),
    };
    // A date without dashes is a number.
    let start_form = ValueType::AnyOf(vec![
        ValueType::OneOf(vec!["now"]),
        ValueType::MatchingOrInteger(
            format!(r"{}|^[-+]?[0-9]{{4,6}}-?[0-9]{{2}}-?[0-9]{{2}}", duration_pattern()),
            Some(10_000_101),
        ),
    ]);
    let checks = ValueType::List { item: Box::new(ValueType::Duration), least: 1, most: Some(MAX_CHECKS) };
    let times: Vec<String> = usual.verify_after.iter().map(|span| format_duration(*span)).collect();
    Schema::new(
        "safety",
        "Caps and checks that stand above every rule.",
        [
            Key::new(
                "start_from",
                start_form,
                "Which mail is acted on at a workspace's first start: now (only what comes in from then on), a length of \
                 time back such as 24h, or a date.",
            )
            .default(start)
            .example("24h"),
            Key::new("replies_per_lead", ValueType::Rate, "Replies to one lead; more are suppressed.")
                .default(usual.replies_per_lead.to_string()),
            Key::new(
                "replies_per_hour",
                ValueType::Integer(1, i64::from(MAX_REPLIES)),
                "Replies of a workspace in an hour; more wait.",
            )
            .default(usual.replies_per_hour),
            Key::new("max_age", ValueType::Duration, "A reply to an older message is held: 1m to 365d.")
                .default(format_duration(usual.max_age)),
            Key::new("drafts_expire", ValueType::Duration, "A draft that nobody approves for so long is given up: 1m to 365d.")
                .default(format_duration(usual.drafts_expire)),
            Key::new(
                "verify_after",
                checks,
                "When a reply whose fate is unknown is looked for, counted from its sending; each later than the one \
                 before.",
            )
            .default(times),
            Key::new("alert", ValueType::NonBlankText, "The destination where trouble is announced.").example("sales-hot"),
            Key::new(
                "alert_if_failing",
                ValueType::Duration,
                "How long polling may fail before that is announced: 10s to 1d.",
            )
            .default(format_duration(usual.alert_if_failing)),
        ],
    )
});

fn name_key(doc: &str) -> Key {
    Key::new("name", ValueType::MatchingOrInteger(NAME.to_owned(), Some(0)), doc).required()
}

fn header() -> ValueType {
    ValueType::MatchingOrNumber(HEADER.to_owned())
}

/// The days as [`parse_weekday`](crate::rules::hours::parse_weekday) reads them: short or whole, in any case.
fn weekday_pattern() -> String {
    let any_case = |text: &str| -> String {
        text.chars().map(|letter| format!("[{}{letter}]", letter.to_ascii_uppercase())).collect()
    };
    let days: Vec<String> = WEEKDAYS
        .iter()
        .filter_map(|day| day.split_at_checked(3))
        .map(|(short, rest)| format!("{}(?:{})?", any_case(short), any_case(rest)))
        .collect();
    format!("^(?:{})$", days.join("|"))
}

/// The JSON Schema of the configuration file.
///
/// It refuses nothing that [`Settings::load`](super::Settings::load) takes, except what JSON cannot tell apart, and lets
/// `${NAME}` stand in any value; what no schema can say (the environment, names that stand elsewhere, files) is left to
/// loading.
pub fn json_schema() -> Json {
    yaml::json_schema(&FILE, "Configuration of Reply Router", Interpolation::Enabled, false)
}

//! What scripts and templates see: names, values, and what each name costs to know.

use super::{event::Facts, field::Cost, pattern::truncate_input, reading::ThreadMessages};
use crate::model::{address_of, non_blank};
use serde_json::{Map, Value};

const LEAD: &[(&str, Cost)] = &[
    ("id", Cost::Row),
    ("email", Cost::Row),
    ("name", Cost::Row),
    ("first_name", Cost::Row),
    ("last_name", Cost::Row),
    ("domain", Cost::Row),
    ("language", Cost::Messages),
];
const THREAD: &[(&str, Cost)] = &[
    ("id", Cost::Row),
    ("subject", Cost::Row),
    ("preview", Cost::Row),
    ("category", Cost::Row),
    ("campaign", Cost::Row),
    ("is_read", Cost::Row),
    ("is_starred", Cost::Row),
    ("reply_count", Cost::Row),
    ("last_message_at", Cost::Row),
    ("age_hours", Cost::Row),
    ("inbox_id", Cost::Row),
    ("campaign_id", Cost::Thread),
    ("inbox", Cost::Thread),
    ("ai_category", Cost::Thread),
    ("ai_confidence", Cost::Thread),
    ("manual_category", Cost::Thread),
    ("tags", Cost::Thread),
    ("created_at", Cost::Thread),
    ("is_archived", Cost::Thread),
    ("message_count", Cost::Messages),
    ("inbound_count", Cost::Messages),
    ("outbound_count", Cost::Messages),
];
const CAMPAIGN: &[(&str, Cost)] = &[("name", Cost::Row), ("id", Cost::Thread)];
const MESSAGE: &[(&str, Cost)] = &[
    ("id", Cost::Messages),
    ("text", Cost::Messages),
    ("body", Cost::Messages),
    ("full_text", Cost::Messages),
    ("full_body", Cost::Messages),
    ("subject", Cost::Messages),
    ("from", Cost::Messages),
    ("to", Cost::Messages),
    ("at", Cost::Messages),
    ("date", Cost::Messages),
    ("back_on", Cost::Messages),
    ("has_attachment", Cost::Messages),
    ("attachments", Cost::Messages),
    ("auto_reply", Cost::Messages),
    ("opt_out", Cost::Messages),
];
const RULE: &[(&str, Cost)] = &[("name", Cost::Row), ("description", Cost::Row)];
const WORKSPACE: &[(&str, Cost)] = &[("name", Cost::Row), ("vars", Cost::Row)];

/// The fields of a name that templates or scripts use; `None` for a name that has no fixed fields.
pub(super) fn fields_of(root: &str) -> Option<&'static [(&'static str, Cost)]> {
    match root {
        "lead" => Some(LEAD),
        "thread" => Some(THREAD),
        "campaign" => Some(CAMPAIGN),
        "message" => Some(MESSAGE),
        "rule" => Some(RULE),
        "workspace" => Some(WORKSPACE),
        _ => None,
    }
}

/// Whether a lead writes what a name stands for, as they like: their name, the subject, the message. Their address is the one
/// that the campaign wrote to; what a name stands for as a whole holds all of it.
pub(super) fn is_leads_own(root: &str, field: Option<&str>) -> bool {
    match (root, field) {
        ("lead", Some(field)) => !["email", "domain", "id", "language"].contains(&field),
        ("thread", Some(field)) => ["subject", "preview"].contains(&field),
        ("lead" | "thread" | "message", _) => true,
        _ => false,
    }
}

/// Every name that templates print, such as `lead.email`, with what must have been read for it. `captures.NAME` and
/// `vars.NAME` are the rule's own.
pub fn template_names() -> Vec<(String, Cost)> {
    let roots = ["lead", "thread", "campaign", "message", "rule", "workspace"];
    let fields = roots.into_iter().flat_map(|root| {
        let fields = fields_of(root).unwrap_or_default().iter();
        fields.map(move |(field, cost)| (format!("{root}.{field}"), *cost))
    });
    fields.chain([("now".to_owned(), Cost::Row)]).collect()
}

/// What it costs to know a field, or all fields of the name where none is given.
pub(super) fn cost_of(root: &str, field: Option<&str>) -> Cost {
    if root == "captures" {
        return Cost::Messages;
    }
    let Some(fields) = fields_of(root) else { return Cost::Row };
    match field {
        Some(field) => fields.iter().find(|(name, _)| *name == field).map_or(Cost::Row, |(_, cost)| *cost),
        // Used as a whole, a thread means what the thread endpoint tells, and a lead what the row tells.
        None => fields
            .iter()
            .map(|(_, cost)| *cost)
            .filter(|cost| !["thread", "lead"].contains(&root) || *cost < Cost::Messages)
            .max()
            .unwrap_or(Cost::Row),
    }
}

/// A field of a name as it is known by now; `None` where it is absent or blank.
pub(super) fn field_value(facts: &Facts<'_>, root: &str, field: &str) -> Option<Value> {
    match root {
        "lead" => lead_field(facts, field),
        "thread" => thread_field(facts, field),
        "campaign" => campaign_field(facts, field),
        "message" => message_field(facts, field),
        "workspace" => workspace_field(facts, field),
        _ => None,
    }
}

/// All fields of a name that have a value; none of the message while it was not read.
pub(super) fn all_values(facts: &Facts<'_>, root: &str) -> Map<String, Value> {
    let fields = fields_of(root).unwrap_or_default().iter();
    fields.filter_map(|(field, _)| Some(((*field).to_owned(), field_value(facts, root, field)?))).collect()
}

fn text(value: Option<&str>) -> Option<Value> {
    non_blank(value).map(Value::from)
}

fn time(value: Option<jiff::Timestamp>) -> Option<Value> {
    value.map(|at| Value::from(at.to_string()))
}

fn lead_field(facts: &Facts<'_>, field: &str) -> Option<Value> {
    let row = facts.input.row;
    match field {
        "id" => text(row.lead_id.as_deref()),
        "email" => text(facts.lead_address().as_deref()),
        "domain" => text(row.lead_domain().as_deref()),
        "name" => text(facts.lead_name().full.as_deref()),
        "first_name" => text(facts.lead_name().first.as_deref()),
        "last_name" => text(facts.lead_name().last.as_deref()),
        "language" => text(facts.input.messages.and_then(ThreadMessages::language)),
        _ => None,
    }
}

/// With what has been read of the thread.
fn thread_field(facts: &Facts<'_>, field: &str) -> Option<Value> {
    let row = facts.input.row;
    let detail = facts.input.detail;
    let talk = facts.input.messages.map(ThreadMessages::conversation);
    match field {
        "id" => text(Some(&row.id)),
        "subject" => text(row.subject.as_deref()),
        "preview" => text(row.preview.as_deref()),
        "category" => text(row.category()),
        "campaign" => text(row.campaign()),
        "is_read" => row.is_read.map(Value::from),
        "is_starred" => row.is_starred.map(Value::from),
        "inbox_id" => text(row.inbox_id.as_deref()),
        "reply_count" => row.reply_count.map(Value::from),
        "last_message_at" => time(row.last_message_at),
        "age_hours" => facts.age().map(|age| Value::from(age.as_secs_f64() / 3600.0)),
        "campaign_id" => text(detail?.campaign_id.as_deref()),
        "inbox" => text(detail?.inbox_email.as_deref()),
        "ai_category" => text(detail?.ai_category.as_deref()),
        "ai_confidence" => detail?.ai_confidence.map(Value::from),
        "manual_category" => text(detail?.manual_category.as_deref()),
        "created_at" => time(detail?.created_at),
        "is_archived" => detail?.is_archived.map(Value::from),
        "tags" => Some(Value::from(detail?.tags.clone())),
        "message_count" => Some(Value::from(talk?.messages().len())),
        "inbound_count" => Some(Value::from(talk?.inbound_count())),
        "outbound_count" => Some(Value::from(talk?.outbound_count())),
        _ => None,
    }
}

/// Nothing for a thread outside a campaign.
fn campaign_field(facts: &Facts<'_>, field: &str) -> Option<Value> {
    match field {
        "name" => text(facts.input.row.campaign()),
        "id" => text(facts.input.detail?.campaign_id.as_deref()),
        _ => None,
    }
}

/// The workspace with its own texts; blank ones are left out.
fn workspace_field(facts: &Facts<'_>, field: &str) -> Option<Value> {
    match field {
        "name" => text(Some(facts.input.workspace)),
        "vars" => {
            let vars = facts.vars.iter().filter_map(|(name, value)| Some((name.clone(), text(Some(value))?)));
            Some(Value::Object(vars.collect()))
        }
        _ => None,
    }
}

/// The newest inbound message; nothing while the messages were not read.
fn message_field(facts: &Facts<'_>, field: &str) -> Option<Value> {
    let messages = facts.input.messages?;
    let message = messages.newest_inbound()?;
    match field {
        "id" => text(Some(&message.id)),
        "text" | "body" => text(messages.body().map(truncate_input)),
        "full_text" | "full_body" => text(messages.full_body().map(truncate_input)),
        "subject" => text(message.subject.as_deref()),
        "from" => {
            let from = non_blank(message.from.as_deref());
            text(from.map(|from| address_of(from).unwrap_or_else(|| from.to_owned())).as_deref())
        }
        "to" => text(message.to.as_deref()),
        "at" => time(message.created_at),
        "date" => message.created_at.map(|at| Value::from(at.strftime("%Y-%m-%d").to_string())),
        "back_on" => text(messages.auto_reply()?.back_on.map(|date| date.to_string()).as_deref()),
        "has_attachment" => Some(Value::from(!message.attachments.is_empty())),
        "attachments" => {
            let names = message.attachments.iter().filter_map(|file| file.filename.clone());
            Some(Value::from(names.collect::<Vec<_>>()))
        }
        "auto_reply" => Some(Value::from(messages.auto_reply().is_some())),
        "opt_out" => Some(Value::from(facts.opt_out().is_some())),
        _ => None,
    }
}

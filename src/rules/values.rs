//! What scripts and templates see: names, values, and what each name costs to know.

use super::{
    event::{Facts, ThreadMessages},
    field::Cost,
    pattern::truncate_input,
};
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

struct ValueMap(Map<String, Value>);

impl ValueMap {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = non_blank(value) {
            self.put(name, value);
        }
    }

    fn flag(&mut self, name: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }
}

/// The lead: absent and blank values are left out.
pub(super) fn lead(facts: &Facts<'_>) -> Map<String, Value> {
    let row = facts.input.row;
    let mut bag = ValueMap(Map::new());
    bag.text("id", row.lead_id.as_deref());
    bag.text("email", facts.lead_address().as_deref());
    bag.text("domain", row.lead_domain().as_deref());
    let name = facts.lead_name();
    bag.text("name", name.full.as_deref());
    bag.text("first_name", name.first.as_deref());
    bag.text("last_name", name.last.as_deref());
    bag.text("language", facts.input.messages.and_then(ThreadMessages::language));
    bag.0
}

/// The thread, with what has been read of it.
pub(super) fn thread(facts: &Facts<'_>) -> Map<String, Value> {
    let row = facts.input.row;
    let mut bag = ValueMap(Map::new());
    bag.text("id", Some(&row.id));
    bag.text("subject", row.subject.as_deref());
    bag.text("preview", row.preview.as_deref());
    bag.text("category", row.category());
    bag.text("campaign", row.campaign());
    bag.flag("is_read", row.is_read);
    bag.flag("is_starred", row.is_starred);
    bag.text("inbox_id", row.inbox_id.as_deref());
    if let Some(count) = row.reply_count {
        bag.put("reply_count", count);
    }
    bag.text("last_message_at", row.last_message_at.map(|at| at.to_string()).as_deref());
    if let Some(age) = facts.age() {
        bag.put("age_hours", age.as_secs_f64() / 3600.0);
    }
    if let Some(detail) = facts.input.detail {
        bag.text("campaign_id", detail.campaign_id.as_deref());
        bag.text("inbox", detail.inbox_email.as_deref());
        bag.text("ai_category", detail.ai_category.as_deref());
        bag.text("manual_category", detail.manual_category.as_deref());
        bag.text("created_at", detail.created_at.map(|at| at.to_string()).as_deref());
        bag.flag("is_archived", detail.is_archived);
        if let Some(confidence) = detail.ai_confidence {
            bag.put("ai_confidence", confidence);
        }
        bag.put("tags", detail.tags.clone());
    }
    if let Some(talk) = facts.input.messages.map(ThreadMessages::conversation) {
        bag.put("message_count", talk.messages().len());
        bag.put("inbound_count", talk.inbound_count());
        bag.put("outbound_count", talk.outbound_count());
    }
    bag.0
}

/// The campaign; empty for a thread outside one.
pub(super) fn campaign(facts: &Facts<'_>) -> Map<String, Value> {
    let mut bag = ValueMap(Map::new());
    bag.text("name", facts.input.row.campaign());
    bag.text("id", facts.input.detail.and_then(|detail| detail.campaign_id.as_deref()));
    bag.0
}

/// The workspace with its own texts; blank ones are left out.
pub(super) fn workspace(facts: &Facts<'_>) -> Map<String, Value> {
    let mut bag = ValueMap(Map::new());
    bag.text("name", Some(facts.input.workspace));
    let mut vars = ValueMap(Map::new());
    for (name, text) in facts.vars {
        vars.text(name, Some(text));
    }
    bag.put("vars", vars.0);
    bag.0
}

/// The newest inbound message; empty while the messages were not read.
pub(super) fn message(facts: &Facts<'_>) -> Map<String, Value> {
    let mut bag = ValueMap(Map::new());
    let Some(messages) = facts.input.messages else { return bag.0 };
    let Some(message) = messages.newest_inbound() else { return bag.0 };
    bag.text("id", Some(&message.id));
    for name in ["text", "body"] {
        bag.text(name, messages.body().map(truncate_input));
    }
    for name in ["full_text", "full_body"] {
        bag.text(name, messages.full_body().map(truncate_input));
    }
    bag.text("subject", message.subject.as_deref());
    let from = non_blank(message.from.as_deref());
    bag.text("from", from.map(|from| address_of(from).unwrap_or_else(|| from.to_owned())).as_deref());
    bag.text("to", message.to.as_deref());
    if let Some(at) = message.created_at {
        bag.put("at", at.to_string());
        bag.put("date", at.strftime("%Y-%m-%d").to_string());
    }
    let back_on = messages.auto_reply().and_then(|auto| auto.back_on);
    bag.text("back_on", back_on.map(|date| date.to_string()).as_deref());
    bag.put("has_attachment", !message.attachments.is_empty());
    let names = message.attachments.iter().filter_map(|file| file.filename.clone());
    bag.put("attachments", names.collect::<Vec<_>>());
    bag.put("auto_reply", messages.auto_reply().is_some());
    bag.put("opt_out", facts.opt_out().is_some());
    bag.0
}

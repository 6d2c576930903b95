//! Notices by e-mail: the headers, and the mail put together.

mod text;

use super::{
    delivery::{Delivered, DeliveryError, Reachable},
    destination::{Destination, DestinationInfo, RecipientInfo, SharedSettings, SimulatedReceivers},
    http::Http,
    message::{Content, Delivery},
    problem::DestinationProblem,
    sanitize::one_line,
    settings_reader::SettingsReader,
    smtp::Smtp,
};
use crate::model::same_address;
use crate::yaml::{Fields, Key, LazySchema, Node, Schema, ValueType};
use jiff::Timestamp;
use lettre::{
    Address,
    message::{
        Mailbox, Message, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};
use text::{html_part, subject, text_part};

/// Mailboxes that a notice goes to. Needs [``smtp` in the configuration`].
#[derive(Clone, Default, PartialEq)]
pub struct EmailSettings {
    /// Recipients, each `a@b` or `Name <a@b>`; at least one.
    pub to: Vec<String>,
    /// Recipients of a copy.
    pub cc: Vec<String>,
}

impl fmt::Debug for EmailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailSettings").field("to", &self.to.len()).field("cc", &self.cc.len()).finish()
    }
}

static SCHEMA: LazySchema = LazySchema::new(|| {
    Schema::new(
        "email",
        "People's mailboxes.",
        [
            Key::new(
                "to",
                ValueType::non_empty_list_or_one(ValueType::NonBlankText),
                "Who gets it: a@b.example, or Name <a@b.example>; one or a list.",
            )
            .required()
            .example(serde_json::json!(["ae@acme.example"])),
            Key::new("cc", ValueType::list_or_one(ValueType::NonBlankText), "Who gets a copy."),
        ],
    )
});

/// Mailboxes, ready to be written to.
pub struct Email {
    smtp: Arc<Smtp>,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email").field("smtp", &self.smtp).field("recipients", &(self.to.len() + self.cc.len())).finish()
    }
}

impl Destination for Email {
    type Settings = EmailSettings;

    const INFO: DestinationInfo = DestinationInfo {
        doc: "People's mailboxes; needs `smtp`.",
        action_doc: "Tells people by e-mail: a destination's name, or `to` and more.",
        example: "email: { to: [ae@acme.example] }",
        hint: ", and `smtp` beside `destinations`",
        has_subject: true,
        recipient: Some(RecipientInfo {
            key: "cc",
            doc: "Who gets a copy beside the destination's own people: an address or a list of them; templates, such as a \
                  column of a list.",
            example: "ann@acme.example",
            takes_several: true,
            check: check_address,
            fixed: "",
            fixed_hint: "",
        }),
        for_each_rule: false,
        is_local: false,
    };

    fn schema() -> &'static LazySchema {
        &SCHEMA
    }

    fn read(fields: &Fields<'_>, reader: &mut dyn SettingsReader) -> Option<EmailSettings> {
        let to = fields.required("to", reader.out())?;
        let mut addresses =
            |node: &Node| node.list_or_one().iter().filter_map(|item| item.non_empty_string(reader.out())).collect();
        Some(EmailSettings { to: addresses(to), cc: fields.non_null("cc").map(addresses).unwrap_or_default() })
    }

    fn for_tests(simulated: &SimulatedReceivers) -> EmailSettings {
        EmailSettings { to: vec![simulated.mailbox.clone()], ..EmailSettings::default() }
    }

    fn new(settings: EmailSettings, shared: &SharedSettings) -> Result<Self, DestinationProblem> {
        let read = |key: &'static str, list: &[String]| {
            list.iter()
                .map(|text| {
                    let wrong = |_| DestinationProblem::Mailbox { key, value: text.clone() };
                    text.trim().parse::<Mailbox>().map_err(wrong)
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let (to, cc) = (read("to", &settings.to)?, read("cc", &settings.cc)?);
        if to.is_empty() {
            return Err(DestinationProblem::NoRecipient);
        }
        let smtp = shared.smtp.as_ref().ok_or(DestinationProblem::NoSmtp)?;
        Ok(Self { smtp: Arc::clone(smtp), to, cc })
    }

    async fn deliver(&self, _: &Http, delivery: &Delivery<'_>) -> Result<Delivered, DeliveryError> {
        let mail = self.mail(delivery)?;
        let status = self.smtp.send(mail.envelope(), &mail.formatted()).await?;
        Ok(Delivered { status: Some(status) })
    }

    async fn check(&self, _: &Http) -> Result<Reachable, DeliveryError> {
        self.smtp.check().await
    }
}

impl Email {
    /// Whom the action names, without those who get it anyway.
    fn recipients(&self, delivery: &Delivery<'_>) -> Result<Vec<Mailbox>, DeliveryError> {
        let Content::Notice(notice) = &delivery.content else { return Ok(Vec::new()) };
        let mut all: Vec<Mailbox> = Vec::new();
        for text in &notice.recipients {
            let mailbox = check_address(text).ok().and_then(|()| text.trim().parse::<Mailbox>().ok());
            let mailbox =
                mailbox.ok_or_else(|| DeliveryError::refused("the action names somebody without an address"))?;
            if !self
                .to
                .iter()
                .chain(&self.cc)
                .chain(&all)
                .any(|known| same_address(known.email.as_ref(), mailbox.email.as_ref()))
            {
                all.push(mailbox);
            }
        }
        Ok(all)
    }

    fn mail(&self, delivery: &Delivery<'_>) -> Result<Message, DeliveryError> {
        let id = header_id(delivery.id);
        let raw =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let mut mail = Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.smtp.from.email.domain())))
            .date(date(delivery.now))
            .from(self.smtp.from.clone())
            .subject(subject(delivery))
            .raw_header(raw("X-Reply-Router-Action", &id))
            .raw_header(raw("Auto-Submitted", "auto-generated"));
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        for cc in &self.cc {
            mail = mail.cc(cc.clone());
        }
        for cc in self.recipients(delivery)? {
            mail = mail.cc(cc);
        }
        if let Some(lead) = reply_to(delivery) {
            mail = mail.reply_to(lead);
        }
        mail.multipart(MultiPart::alternative_plain_html(text_part(delivery), html_part(delivery)))
            .map_err(|_| DeliveryError::refused("the mail could not be put together; check `smtp.from` and `to`"))
    }
}

/// Whether this is one address, perhaps with a name.
fn check_address(text: &str) -> Result<(), &'static str> {
    let is_one = text.trim().parse::<Mailbox>().is_ok_and(|mailbox| AsRef::<str>::as_ref(&mailbox.email).is_ascii());
    if is_one && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err("is no e-mail address such as ann@acme.example")
}

/// The lead, so that "reply" in the mail program writes to them; nobody where the address is none.
fn reply_to(delivery: &Delivery<'_>) -> Option<Mailbox> {
    let Content::Notice(notice) = &delivery.content else { return None };
    let address: Address = notice.lead_email.as_deref()?.trim().parse::<Address>().ok()?;
    // Many servers refuse a mail with such a header; the address stands in the text all the same.
    if !AsRef::<str>::as_ref(&address).is_ascii() {
        return None;
    }
    let name = notice.lead_name.as_deref().map(|name| one_line(name, 100)).filter(|name| !name.is_empty());
    Some(Mailbox::new(name, address))
}

/// The action's id with nothing in it that could end a header or a Message-ID.
fn header_id(id: &str) -> String {
    id.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .take(120)
        .collect()
}

/// Whole seconds. The header's own type panics outside the years 1970 to 9999, so the time is kept inside them.
fn date(now: Timestamp) -> SystemTime {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0).min(253_402_300_799);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

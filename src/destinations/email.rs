//! Notices by e-mail: the headers, and the mail put together.

use super::{
    Content, Delivery,
    delivery::{Delivered, DeliveryError, Reachable},
    email_text::{html_part, subject, text_part},
    sanitize::one_line,
    settings::{DestinationProblem, EmailSettings},
    smtp::Smtp,
};
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

/// Mailboxes, ready to be written to.
pub(super) struct Email {
    smtp: Arc<Smtp>,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email").field("smtp", &self.smtp).field("recipients", &(self.to.len() + self.cc.len())).finish()
    }
}

impl Email {
    pub(super) fn new(settings: &EmailSettings, smtp: Option<&Arc<Smtp>>) -> Result<Self, DestinationProblem> {
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
        let smtp = smtp.ok_or(DestinationProblem::NoSmtp)?;
        Ok(Self { smtp: Arc::clone(smtp), to, cc })
    }

    pub(super) async fn send(&self, parcel: &Delivery<'_>) -> Result<Delivered, DeliveryError> {
        let mail = self.mail(parcel)?;
        let status = self.smtp.send(mail.envelope(), &mail.formatted()).await?;
        Ok(Delivered { status: Some(status) })
    }

    pub(super) async fn check(&self) -> Result<Reachable, DeliveryError> {
        self.smtp.check().await
    }

    fn mail(&self, parcel: &Delivery<'_>) -> Result<Message, DeliveryError> {
        let id = header_id(parcel.id);
        let raw =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let mut mail = Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.smtp.from.email.domain())))
            .date(date(parcel.now))
            .from(self.smtp.from.clone())
            .subject(subject(parcel))
            .raw_header(raw("X-Reply-Router-Action", &id))
            .raw_header(raw("Auto-Submitted", "auto-generated"));
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        for cc in &self.cc {
            mail = mail.cc(cc.clone());
        }
        if let Some(lead) = reply_to(parcel) {
            mail = mail.reply_to(lead);
        }
        mail.multipart(MultiPart::alternative_plain_html(text_part(parcel), html_part(parcel)))
            .map_err(|_| DeliveryError::refused("the mail could not be put together; check `smtp.from` and `to`"))
    }
}

/// The lead, so that "reply" in the mail program writes to them; nobody where the address is none.
fn reply_to(parcel: &Delivery<'_>) -> Option<Mailbox> {
    let Content::Notice(notice) = &parcel.content else { return None };
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

//! Where forwards go: Slack, e-mail and webhooks. Each says only whether a failure may be retried.
//!
//! Every destination owns its settings, hides its secrets, and makes at most one attempt for a call: back-off, the count
//! of attempts and the record of what happened belong to the caller. Delivery is *at least once*, so each message carries
//! the action's id where the receiver can recognise it: in Slack's context line, as the mail's fixed Message-ID, and as
//! the `webhook-id` of Standard Webhooks.
//!
//! Slack and webhooks are reached through one HTTP client that resolves names itself, refuses private addresses, follows
//! no redirect and uses no proxy; see [`NetworkSettings`]. E-mail goes to the operator's own mail server and is not
//! restricted.

mod delivery;
mod email;
mod email_text;
mod http;
mod sanitize;
mod settings;
mod slack;
mod slack_blocks;
mod slack_errors;
mod smtp;
mod ssrf;
mod webhook;

pub use delivery::{Delivered, DeliveryError, Reachable};
pub use settings::{
    DestinationProblem, DestinationSettings, DestinationSettingsError, EmailSettings, NetworkSettings, SLACK_API_URL,
    SlackSettings, SmtpSettings, WebhookSettings,
};

use crate::model::{DestinationKind, Notice};
use email::Email;
use http::Http;
use jiff::Timestamp;
use slack::Slack;
use smtp::Smtp;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use webhook::Webhook;

/// A message of the service about itself: something that a person should look at, or a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// One line that says what happened.
    pub title: String,
    /// What it means and what to do, in plain text.
    pub text: String,
}

/// What is delivered, for the destinations' own use.
enum Content<'a> {
    Notice(&'a Notice),
    Announcement { kind: &'static str, announcement: &'a Alert },
}

/// One message on its way.
struct Delivery<'a> {
    /// The id that the receiver can recognise a repeated delivery by.
    id: &'a str,
    /// When what it tells of was decided.
    created_at: Timestamp,
    content: Content<'a>,
    link: Option<&'a str>,
    now: Timestamp,
}

#[derive(Debug)]
enum Destination {
    Slack(Slack),
    Email(Email),
    Webhook(Webhook),
}

/// All destinations of a configuration, by name, ready to deliver to. Clones share connections.
#[derive(Debug, Clone)]
pub struct Destinations {
    http: Arc<Http>,
    smtp: Option<Arc<Smtp>>,
    network: NetworkSettings,
    all: Arc<BTreeMap<String, Arc<Destination>>>,
}

impl Destinations {
    /// Prepares every destination; reads `ca_file` where one is named, and connects nowhere.
    ///
    /// # Errors
    /// The first setting that cannot work, with the destination's name and what to do about it. No secret is in it.
    pub fn new(
        destinations: BTreeMap<String, DestinationSettings>,
        smtp: Option<SmtpSettings>,
        network: NetworkSettings,
    ) -> Result<Self, DestinationSettingsError> {
        Self::build(destinations, smtp, network, None)
    }

    /// The same with another limit on the time that one delivery may take, for those who cannot wait for silence to end.
    ///
    /// # Errors
    /// As [`Destinations::new`].
    pub fn with_time_limit(
        destinations: BTreeMap<String, DestinationSettings>,
        smtp: Option<SmtpSettings>,
        network: NetworkSettings,
        limit: Duration,
    ) -> Result<Self, DestinationSettingsError> {
        Self::build(destinations, smtp, network, Some(limit))
    }

    fn build(
        destinations: BTreeMap<String, DestinationSettings>,
        smtp: Option<SmtpSettings>,
        network: NetworkSettings,
        limit: Option<Duration>,
    ) -> Result<Self, DestinationSettingsError> {
        let http = match limit {
            Some(limit) => Http::with_timeout(network, limit),
            None => Http::new(network),
        };
        let http = http.map_err(DestinationSettingsError::network)?;
        let smtp = match smtp {
            Some(settings) => {
                let smtp = Smtp::new(&settings).map_err(DestinationSettingsError::smtp)?;
                Some(Arc::new(limit.into_iter().fold(smtp, Smtp::with_time_limit)))
            }
            None => None,
        };
        Self { http: Arc::new(http), smtp, network, all: Arc::default() }.and(destinations)
    }

    /// These and some more, which stand in for those of the same names; connections are shared.
    ///
    /// # Errors
    /// As [`Destinations::new`].
    pub fn and(&self, more: BTreeMap<String, DestinationSettings>) -> Result<Self, DestinationSettingsError> {
        let network = &self.network;
        let mut all = (*self.all).clone();
        for (name, settings) in more {
            let destination = match settings {
                DestinationSettings::Slack(settings) => Slack::new(settings, network).map(Destination::Slack),
                DestinationSettings::Webhook(settings) => Webhook::new(settings, network).map(Destination::Webhook),
                DestinationSettings::Email(settings) => {
                    Email::new(&settings, self.smtp.as_ref()).map(Destination::Email)
                }
            };
            let destination = destination.map_err(|problem| DestinationSettingsError::at(&name, problem))?;
            all.insert(name, Arc::new(destination));
        }
        Ok(Self { all: Arc::new(all), ..self.clone() })
    }

    /// Others alone, through the same connections.
    ///
    /// # Errors
    /// As [`Destinations::new`].
    pub fn only(&self, others: BTreeMap<String, DestinationSettings>) -> Result<Self, DestinationSettingsError> {
        Self { all: Arc::default(), ..self.clone() }.and(others)
    }

    /// Whether a name means the same destination here and there: one that both took over from the same set.
    pub fn share(&self, other: &Self, name: &str) -> bool {
        let both = self.all.get(name).zip(other.all.get(name));
        both.is_some_and(|(here, there)| Arc::ptr_eq(here, there))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// What kind of action a destination is for (`Slack`, `Email` or `Webhook`); `None` for an unknown name.
    pub fn kind(&self, name: &str) -> Option<DestinationKind> {
        Some(match self.all.get(name)?.as_ref() {
            Destination::Slack(_) => DestinationKind::Slack,
            Destination::Email(_) => DestinationKind::Email,
            Destination::Webhook(_) => DestinationKind::Webhook,
        })
    }

    /// Makes one attempt to deliver a notice.
    ///
    /// `action_id` is what the receiver can recognise a repeated delivery by and must be the same on every attempt;
    /// `created_at` is when the action was decided; `link` is where the thread can be seen.
    ///
    /// # Errors
    /// Says whether another attempt makes sense. After an error that may be retried, the message may have arrived all
    /// the same.
    pub async fn deliver(
        &self,
        name: &str,
        action_id: &str,
        created_at: Timestamp,
        notice: &Notice,
        link: Option<&str>,
        now: Timestamp,
    ) -> Result<Delivered, DeliveryError> {
        self.send(name, &Delivery { id: action_id, created_at, content: Content::Notice(notice), link, now }).await
    }

    /// Makes one attempt to announce something about the service itself, such as a quarantined reply.
    ///
    /// A webhook receives it as `{"type": "alert", …}`, so that it is never taken for a reply.
    ///
    /// # Errors
    /// As [`Destinations::deliver`].
    pub async fn send_alert(
        &self,
        name: &str,
        id: &str,
        announcement: &Alert,
        link: Option<&str>,
        now: Timestamp,
    ) -> Result<Delivered, DeliveryError> {
        let content = Content::Announcement { kind: "alert", announcement };
        self.send(name, &Delivery { id, created_at: now, content, link, now }).await
    }

    /// Delivers a test message that says it is one; a webhook receives it as `{"type": "test", …}`.
    ///
    /// # Errors
    /// As [`Destinations::deliver`].
    pub async fn send_test(&self, name: &str, now: Timestamp) -> Result<Delivered, DeliveryError> {
        let announcement = Alert {
            title: "Test message from Reply Router".to_owned(),
            text: format!("The destination `{name}` works. Nobody replied to a campaign, and there is nothing to do."),
        };
        let id = format!("test-{}", now.as_millisecond());
        let content = Content::Announcement { kind: "test", announcement: &announcement };
        self.send(name, &Delivery { id: &id, created_at: now, content, link: None, now }).await
    }

    /// Reaches a destination without sending a message: asks Slack whose token it is, connects to a webhook (DNS, TCP
    /// and TLS, no request), logs in to the mail server.
    ///
    /// # Errors
    /// Why it cannot be reached, in the same words as a delivery that fails.
    pub async fn check(&self, name: &str) -> Result<Reachable, DeliveryError> {
        match self.get(name)? {
            Destination::Slack(slack) => slack.check(&self.http).await,
            Destination::Email(email) => email.check().await,
            Destination::Webhook(webhook) => webhook.check(&self.http).await,
        }
    }

    async fn send(&self, name: &str, parcel: &Delivery<'_>) -> Result<Delivered, DeliveryError> {
        match self.get(name)? {
            Destination::Slack(slack) => slack.send(&self.http, parcel).await,
            Destination::Email(email) => email.send(parcel).await,
            Destination::Webhook(webhook) => webhook.send(&self.http, parcel).await,
        }
    }

    fn get(&self, name: &str) -> Result<&Destination, DeliveryError> {
        self.all.get(name).map(AsRef::as_ref).ok_or_else(|| DeliveryError::unknown_destination(name))
    }
}

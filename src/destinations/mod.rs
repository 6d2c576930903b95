//! Where forwards go: Slack, e-mail, webhooks. Each kind has one file, which implements [`Destination`], and one line in the
//! list of kinds in `model`.
//!
//! A destination owns its settings, hides its secrets, and makes one attempt for a call. It says whether a failure may be
//! retried; when to retry, and what to record, the caller decides. Delivery is *at least once*, so each message carries the
//! action's id where the receiver can recognise it: in Slack's context line, as the mail's Message-ID, and as the
//! `webhook-id` of Standard Webhooks.
//!
//! Slack and webhooks are reached through one HTTP client that resolves names itself, refuses private addresses, follows
//! no redirect and uses no proxy; see [`NetworkSettings`]. E-mail goes to your own mail server and is not restricted.

mod delivery;
mod destination;
mod email;
mod http;
mod log;
mod message;
mod problem;
mod registry;
mod sanitize;
mod settings_reader;
mod slack;
mod smtp;
mod ssrf;
mod webhook;

pub use delivery::{Delivered, DeliveryError, Reachable};
pub use destination::{Destination, DestinationInfo, RecipientInfo, SharedSettings, SimulatedReceivers};
pub use email::EmailSettings;
pub use log::LogFormat;
pub use message::Alert;
pub use problem::{DestinationProblem, DestinationSettingsError};
pub use registry::{DestinationSettings, destination_info, destination_schema};
pub use settings_reader::SettingsReader;
pub use slack::SlackSettings;
pub use smtp::{SMTP_SCHEMA, SmtpSettings};
pub use ssrf::{NETWORK_SCHEMA, NetworkSettings};
pub use webhook::WebhookSettings;

use crate::model::{DestinationKind, Notice};
use http::Http;
use jiff::Timestamp;
use message::{Content, Delivery};
use registry::AnyDestination;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// All destinations of a configuration, by name, ready to deliver to. Clones share connections.
#[derive(Debug, Clone)]
pub struct Destinations {
    http: Arc<Http>,
    shared: SharedSettings,
    all: Arc<BTreeMap<String, Arc<AnyDestination>>>,
    /// Those without the ones that were added last: what workspaces share.
    shared_ones: Arc<BTreeMap<String, Arc<AnyDestination>>>,
    dry_run: bool,
    /// Whatever is delivered under whatever name succeeds and is sent nowhere.
    nowhere: bool,
    slow_after: Duration,
}

/// A destination whose delivery fails after this long is slow.
const SLOW_AFTER: Duration = Duration::from_secs(3);

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
        let http = Arc::new(http.map_err(DestinationSettingsError::network)?);
        let shared = SharedSettings::new(smtp.as_ref(), network, limit)?;
        let none = Self {
            http,
            shared,
            all: Arc::default(),
            shared_ones: Arc::default(),
            dry_run: false,
            nowhere: false,
            slow_after: limit.map_or(SLOW_AFTER, |limit| SLOW_AFTER.max(limit / 2)),
        };
        none.and(destinations)
    }

    /// A destination whose delivery fails after this long holds up others, and is left alone for a while: three seconds, or
    /// half of a limit of more than six.
    pub fn slow_after(&self) -> Duration {
        self.slow_after
    }

    /// These and some more, which stand in for those of the same names; connections are shared.
    ///
    /// # Errors
    /// As [`Destinations::new`].
    pub fn and(&self, more: BTreeMap<String, DestinationSettings>) -> Result<Self, DestinationSettingsError> {
        let mut all = (*self.all).clone();
        for (name, settings) in more {
            let destination = settings.build(&self.shared);
            let destination = destination.map_err(|problem| DestinationSettingsError::at(&name, problem))?;
            all.insert(name, Arc::new(destination));
        }
        Ok(Self { all: Arc::new(all), shared_ones: Arc::clone(&self.all), ..self.clone() })
    }

    /// Those that were there before the last ones were added, and others in place of these.
    ///
    /// # Errors
    /// As [`Destinations::new`].
    pub fn with_own(&self, own: BTreeMap<String, DestinationSettings>) -> Result<Self, DestinationSettingsError> {
        Self { all: Arc::clone(&self.shared_ones), ..self.clone() }.and(own)
    }

    /// The same for a dry run: destinations on this machine get what is delivered, marked as a dry run; for all others a
    /// delivery succeeds and sends nothing.
    #[must_use]
    pub fn for_dry_run(self) -> Self {
        Self { dry_run: true, ..self }
    }

    /// None at all: a delivery under whatever name succeeds, and nothing is sent, not even to this machine. For events of the
    /// past, which nobody is to hear of again.
    ///
    /// # Errors
    /// As [`Destinations::new`].
    pub fn nowhere() -> Result<Self, DestinationSettingsError> {
        let none = Self::new(BTreeMap::new(), None, NetworkSettings { allow_private: false })?;
        Ok(Self { nowhere: true, ..none })
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

    /// Whether every name means the same destination here and there.
    pub fn is_same(&self, other: &Self) -> bool {
        self.all.len() == other.all.len() && self.all.keys().all(|name| self.share(other, name))
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }

    /// A destination's kind; `None` for an unknown name.
    pub fn kind(&self, name: &str) -> Option<DestinationKind> {
        self.all.get(name).map(|destination| destination.kind())
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
        let content = Content::Notice(notice);
        self.send(name, &Delivery { id: action_id, created_at, content, link, now, dry_run: self.dry_run }).await
    }

    /// Makes one attempt to deliver an alert: a message about the service itself, such as a quarantined reply.
    ///
    /// A webhook receives it as `{"type": "alert", …}`, so that it is never taken for a reply.
    ///
    /// # Errors
    /// As [`Destinations::deliver`].
    pub async fn send_alert(
        &self,
        name: &str,
        id: &str,
        alert: &Alert,
        link: Option<&str>,
        now: Timestamp,
    ) -> Result<Delivered, DeliveryError> {
        let content = Content::Alert { kind: "alert", alert };
        self.send(name, &Delivery { id, created_at: now, content, link, now, dry_run: self.dry_run }).await
    }

    /// Delivers a test message that says it is one; a webhook receives it as `{"type": "test", …}`.
    ///
    /// # Errors
    /// As [`Destinations::deliver`].
    pub async fn send_test(&self, name: &str, now: Timestamp) -> Result<Delivered, DeliveryError> {
        let alert = Alert {
            title: "Test message from Reply Router".to_owned(),
            text: format!("The destination `{name}` works. Nobody replied to a campaign, and there is nothing to do."),
        };
        let id = format!("test-{}", now.as_millisecond());
        let content = Content::Alert { kind: "test", alert: &alert };
        self.send(name, &Delivery { id: &id, created_at: now, content, link: None, now, dry_run: self.dry_run }).await
    }

    /// Reaches a destination without delivering a message: asks Slack whose token it is, connects to a webhook (DNS, TCP
    /// and TLS, no request), logs in to the mail server.
    ///
    /// # Errors
    /// Why it cannot be reached, in the same words as a delivery that fails.
    pub async fn check(&self, name: &str) -> Result<Reachable, DeliveryError> {
        self.get(name)?.check(&self.http).await
    }

    async fn send(&self, name: &str, delivery: &Delivery<'_>) -> Result<Delivered, DeliveryError> {
        if self.nowhere {
            return Ok(Delivered { status: None });
        }
        let destination = self.get(name)?;
        if delivery.dry_run && !destination_info(destination.kind()).is_local {
            return Ok(Delivered { status: None });
        }
        destination.deliver(&self.http, delivery).await
    }

    fn get(&self, name: &str) -> Result<&AnyDestination, DeliveryError> {
        self.all.get(name).map(AsRef::as_ref).ok_or_else(|| DeliveryError::unknown_destination(name))
    }
}

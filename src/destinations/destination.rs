//! What a kind of destination is made of. Each kind implements [`Destination`] in a file of its own.

use super::{
    delivery::{Delivered, DeliveryError, Reachable},
    http::Http,
    message::Delivery,
    problem::{DestinationProblem, DestinationSettingsError},
    settings_reader::SettingsReader,
    smtp::{Smtp, SmtpSettings},
    ssrf::NetworkSettings,
};
use crate::yaml::{Fields, LazySchema};
use std::{fmt, future::Future, sync::Arc, time::Duration};

/// A destination that is ready to deliver to. It makes one attempt for a call: when to try again is the caller's decision.
pub trait Destination: fmt::Debug + Sized + Send + Sync + 'static {
    /// The settings of one such destination. Their `Debug` shows no secret.
    type Settings: fmt::Debug + Clone + Send + Sync + 'static;

    /// What configuration, rules and engine must know of the kind.
    const INFO: DestinationInfo;

    /// The keys of its settings.
    fn schema() -> &'static LazySchema;

    /// Reads its settings. `None` or a reported error where they cannot be used.
    fn read(fields: &Fields<'_>, reader: &mut dyn SettingsReader) -> Option<Self::Settings>;

    /// Checks the settings and gets ready; connects nowhere.
    ///
    /// # Errors
    /// The first setting that cannot work.
    fn new(settings: Self::Settings, shared: &SharedSettings) -> Result<Self, DestinationProblem>;

    /// Settings with which tests of rules deliver to a simulator instead.
    fn for_tests(simulated: &SimulatedReceivers) -> Self::Settings;

    /// Makes one attempt.
    fn deliver(
        &self,
        http: &Http,
        delivery: &Delivery<'_>,
    ) -> impl Future<Output = Result<Delivered, DeliveryError>> + Send;

    /// Finds out whether it can be reached, without delivering a message.
    fn check(&self, http: &Http) -> impl Future<Output = Result<Reachable, DeliveryError>> + Send;
}

/// What configuration, rules and engine must know of a kind of destination.
#[derive(Debug)]
pub struct DestinationInfo {
    /// What it is, for the schema of the configuration.
    pub doc: &'static str,
    /// What an action does with it, for the schema of rules.
    pub action_doc: &'static str,
    /// Settings that work, as the configuration has them below the destination's name.
    pub example: &'static str,
    /// What to say after the example where settings cannot be used: another way, or what else they need. May be empty.
    pub hint: &'static str,
    /// Whether its actions take a `subject`.
    pub has_subject: bool,
    /// What its actions may say of whom a message is for. `None` where the settings alone say that.
    pub recipient: Option<RecipientInfo>,
    /// Whether each rule that matches a message tells it. Otherwise one rule does, and others are suppressed.
    pub for_each_rule: bool,
    /// Whether a delivery stays on this machine, so that a dry run may make it.
    pub is_local: bool,
}

/// What actions may say of whom a message is for, beside the destination's name.
#[derive(Debug)]
pub struct RecipientInfo {
    /// The key of the action.
    pub key: &'static str,
    /// What it is, for the schema of rules.
    pub doc: &'static str,
    /// One of them.
    pub example: &'static str,
    /// Whether there may be several.
    pub takes_several: bool,
    /// What is wrong with a value: the rest of a sentence that begins with it.
    pub check: fn(&str) -> Result<(), &'static str>,
    /// Why some destinations of the kind do not take it.
    pub fixed: &'static str,
    /// What to do about that.
    pub fixed_hint: &'static str,
}

/// What all destinations of a configuration share: the mail server, and which addresses they may reach.
#[derive(Debug, Clone)]
pub struct SharedSettings {
    pub(super) smtp: Option<Arc<Smtp>>,
    pub(super) network: NetworkSettings,
}

impl SharedSettings {
    /// Checks the mail server's settings and reads its `ca_file`; connects nowhere. `limit` replaces the time that one
    /// mail may take.
    ///
    /// # Errors
    /// The first setting that cannot work. It shows no secret.
    pub fn new(
        smtp: Option<&SmtpSettings>,
        network: NetworkSettings,
        limit: Option<Duration>,
    ) -> Result<Self, DestinationSettingsError> {
        let smtp = smtp.map(Smtp::new).transpose().map_err(DestinationSettingsError::smtp)?;
        let smtp = smtp.map(|smtp| Arc::new(limit.into_iter().fold(smtp, Smtp::with_time_limit)));
        Ok(Self { smtp, network })
    }
}

/// The simulated receivers that tests of rules deliver to.
#[derive(Debug)]
pub struct SimulatedReceivers {
    /// An incoming webhook of a simulated Slack.
    pub slack_url: String,
    /// The API of the simulated Slack, and the token that it knows.
    pub slack_api: (String, String),
    /// A simulated webhook.
    pub webhook_url: String,
    /// A mailbox of the simulated mail server.
    pub mailbox: String,
}

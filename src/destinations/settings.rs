//! The settings of destinations as plain values, and what can be wrong with them.

use secrecy::SecretString;
use std::{fmt, path::PathBuf};

/// Where Slack's API is, unless told otherwise.
pub const SLACK_API_URL: &str = "https://slack.com/api";

/// The settings of one destination.
#[derive(Debug, Clone)]
pub enum DestinationSettings {
    /// A Slack channel.
    Slack(SlackSettings),
    /// People's mailboxes.
    Email(EmailSettings),
    /// Any program that speaks HTTP.
    Webhook(WebhookSettings),
}

/// A Slack channel: either `webhook_url`, or `token` and `channel`.
#[derive(Debug, Clone, Default)]
pub struct SlackSettings {
    /// An incoming webhook's address. Who knows it can post, so it is a secret.
    pub webhook_url: Option<SecretString>,
    /// A bot token (`xoxb-…`) with the scope `chat:write`.
    pub token: Option<SecretString>,
    /// The channel's name or id, for a token.
    pub channel: Option<String>,
    /// Where the API is, for a token; `https://slack.com/api` by default.
    pub api_url: Option<String>,
}

/// Mailboxes that a notice goes to. Needs [`SmtpSettings`].
#[derive(Clone, Default)]
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

/// The mail server that notices leave through.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// `smtps://user:password@host` (TLS, port 465), `smtp://host?tls=required` (STARTTLS, port 587) or `smtp://host`
    /// (not encrypted, port 25). User and password are percent-encoded.
    pub url: SecretString,
    /// The sender, `a@b` or `Name <a@b>`.
    pub from: String,
    /// A file with certificates (PEM) that are trusted besides the platform's, for a mail server with its own authority.
    pub ca_file: Option<PathBuf>,
}

/// A webhook, signed as [Standard Webhooks](https://www.standardwebhooks.com) say.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Where it is posted to, `https://…` or `http://…`. Often carries a token, so it is a secret.
    pub url: SecretString,
    /// The signing secret: `whsec_` and base64 stand for the decoded bytes, anything else for its own bytes. Without one
    /// nothing is signed.
    pub secret: Option<SecretString>,
}

/// What Slack and webhook addresses may name. The mail server is not restricted.
///
/// No proxy is ever used for them: a proxy would resolve the name itself, and the checked address would not be the one
/// that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetworkSettings {
    /// Whether loopback, private and other addresses that are not on the public internet may be reached.
    pub allow_private: bool,
}

/// A setting that cannot work, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DestinationSettingsError {
    place: String,
    destination: Option<String>,
    problem: DestinationProblem,
}

impl DestinationSettingsError {
    pub(super) fn at(destination: &str, problem: DestinationProblem) -> Self {
        let place = format!("destination `{destination}`");
        Self { place, destination: Some(destination.to_owned()), problem }
    }

    pub(super) fn smtp(problem: DestinationProblem) -> Self {
        Self { place: "smtp".to_owned(), destination: None, problem }
    }

    pub(super) fn network(problem: DestinationProblem) -> Self {
        Self { place: "network".to_owned(), destination: None, problem }
    }

    /// The destination's name; `None` where the mail server or the network is meant.
    pub fn destination(&self) -> Option<&str> {
        self.destination.as_deref()
    }

    /// What is wrong.
    pub fn problem(&self) -> &DestinationProblem {
        &self.problem
    }
}

/// What is wrong with a setting. No variant carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationProblem {
    /// Neither way of reaching Slack is complete, or both are given.
    #[error("slack needs either `webhook_url`, or `token` and `channel`: {0}")]
    SlackTransport(&'static str),
    /// An address that is no URL of the right kind; the address itself is not shown.
    #[error("`{key}` is no usable address: {why}")]
    Url {
        /// The setting's key.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The host is written as an address that is not on the public internet.
    #[error(
        "`{key}` names the address {address}, which is not on the public internet; set `network.allow_private: true` if \
         that is meant"
    )]
    PrivateAddress {
        /// The setting's key.
        key: &'static str,
        /// The address.
        address: String,
    },
    /// A secret of the wrong form; the secret itself is not shown.
    #[error("`{key}` {why}")]
    Secret {
        /// The setting's key.
        key: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A mail address that cannot be read.
    #[error("`{key}`: `{value}` is no mail address; write a@b.example or `Name <a@b.example>`")]
    Mailbox {
        /// The setting's key.
        key: &'static str,
        /// What stands there.
        value: String,
    },
    /// An e-mail destination without recipients.
    #[error("`to` is empty; name at least one recipient")]
    NoRecipient,
    /// An e-mail destination without a mail server.
    #[error("there is no `smtp` setting; add `smtp: {{ url: …, from: … }}` to send e-mail")]
    NoSmtp,
    /// The certificates cannot be read.
    #[error("`ca_file` {path}: {why}")]
    CaFile {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// The HTTP client could not be prepared.
    #[error("the HTTP client cannot start: {0}")]
    Http(String),
}

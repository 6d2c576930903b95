//! What can be wrong with the settings of destinations.

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

impl DestinationProblem {
    /// The key of the settings that is wrong; `None` where it is not one of them alone.
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::Url { key, .. } | Self::PrivateAddress { key, .. } | Self::Secret { key, .. } => Some(key),
            Self::Mailbox { key, .. } => Some(key),
            Self::NoRecipient => Some("to"),
            Self::CaFile { .. } => Some("ca_file"),
            Self::SlackTransport(_) | Self::NoSmtp | Self::Http(_) => None,
        }
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

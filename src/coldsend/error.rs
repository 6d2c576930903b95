//! What can go wrong with a request, in words for the person who runs the campaigns.

use crate::model::ReasonCode;
use std::{fmt, time::Duration};

/// Why a [`super::Client`] could not be made from its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The key cannot stand in an HTTP header.
    #[error(
        "the API key of workspace `{workspace}` {problem}: copy it again from ColdSend, without quotes or line breaks"
    )]
    Key {
        /// The workspace's name in the configuration.
        workspace: String,
        /// What is wrong with it; says nothing of its content.
        problem: &'static str,
    },
    /// The base URL cannot be used.
    #[error("`base_url` of workspace `{workspace}` is `{url}`: {problem}")]
    BaseUrl {
        /// The workspace's name in the configuration.
        workspace: String,
        /// The URL, without user and password.
        url: String,
        /// What is wrong and what to do.
        problem: &'static str,
    },
    /// A limit of zero would stop every request.
    #[error("`rate_limit.{limit}` of workspace `{workspace}` is 0: it must be 1 or more")]
    Limit {
        /// The workspace's name in the configuration.
        workspace: String,
        /// `per_minute` or `per_hour`.
        limit: &'static str,
    },
    /// The HTTP client could not start, mostly for want of CA certificates.
    #[error("the HTTPS client of workspace `{workspace}` could not start: {detail}; are CA certificates installed?")]
    Tls {
        /// The workspace's name in the configuration.
        workspace: String,
        /// The library's words.
        detail: String,
    },
}

/// Why a request did not give what was asked for. Carries no key and no mail text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// 401: the key is missing, invalid or revoked.
    #[error(
        "ColdSend did not accept the API key of workspace `{workspace}` ({status}: {detail}): check `api_key` in the configuration, or make a new key in ColdSend"
    )]
    Unauthorized {
        /// The workspace's name in the configuration.
        workspace: String,
        /// The HTTP status.
        status: u16,
        /// The API's words.
        detail: String,
    },
    /// 403: the key lacks a scope.
    #[error(
        "the API key of workspace `{workspace}` may not do this (403: {detail}){}: give the key the scope in ColdSend, `replies:all` covers everything",
        Scopes(required, granted)
    )]
    Forbidden {
        /// The workspace's name in the configuration.
        workspace: String,
        /// The API's words.
        detail: String,
        /// The scopes that the request needs, where the API names them.
        required: Vec<String>,
        /// The scopes that the key has, where the API names them.
        granted: Vec<String>,
    },
    /// 404: there is no such thread (any more).
    #[error("ColdSend does not know {what} (404: {detail}): it may have been deleted, or belong to another workspace")]
    NotFound {
        /// What was asked for.
        what: String,
        /// The API's words.
        detail: String,
    },
    /// 429: the key's limit is used up.
    #[error(
        "ColdSend's request limit of workspace `{workspace}` is used up (429): next request in {}",
        seconds(retry_after)
    )]
    RateLimited {
        /// The workspace's name in the configuration.
        workspace: String,
        /// When the next request may go.
        retry_after: Duration,
    },
    /// Our own budget has no place within the time that the caller would wait; nothing was sent.
    #[error(
        "no request to ColdSend is left for workspace `{workspace}` within the limits: next one in about {}",
        seconds(retry_after)
    )]
    BudgetExhausted {
        /// The workspace's name in the configuration.
        workspace: String,
        /// About when there is a place for a request of this priority.
        retry_after: Duration,
    },
    /// No connection, or no TLS: nothing was sent.
    #[error("ColdSend could not be reached at {host}: {detail}; check the network and `base_url`")]
    Unreachable {
        /// The host (and port).
        host: String,
        /// What failed.
        detail: String,
    },
    /// The connection broke before the answer was whole.
    #[error("the connection to ColdSend at {host} broke before its answer was whole: {detail}")]
    Interrupted {
        /// The host (and port).
        host: String,
        /// What failed.
        detail: String,
    },
    /// No whole answer in time.
    #[error("ColdSend at {host} did not answer within {}", seconds(after))]
    Timeout {
        /// The host (and port).
        host: String,
        /// The time limit.
        after: Duration,
    },
    /// 5xx: the API failed.
    #[error("ColdSend failed on its side ({status}: {detail})")]
    Server {
        /// The HTTP status.
        status: u16,
        /// The API's words.
        detail: String,
    },
    /// 3xx: never followed.
    #[error("{host} answered with a redirect ({status}), which is not followed: check `base_url`")]
    Redirected {
        /// The host (and port).
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// 400, 409, 422 and other statuses that say no; also `success: false`.
    #[error("ColdSend refused the request ({status}: {detail})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The API's words.
        detail: String,
    },
    /// The answer has another shape than documented.
    #[error("ColdSend's answer to {endpoint} is not as documented: {at}: {detail}")]
    Malformed {
        /// The endpoint as the documentation names it.
        endpoint: &'static str,
        /// Where in the answer, such as `messages[3].created_at`.
        at: String,
        /// What was wrong; carries none of the answer's text.
        detail: String,
    },
    /// The answer is larger than anything sensible.
    #[error("ColdSend's answer to {endpoint} is larger than {limit}")]
    TooLarge {
        /// The endpoint as the documentation names it.
        endpoint: &'static str,
        /// The limit, in words.
        limit: String,
    },
    /// The request itself makes no sense; nothing was sent.
    #[error("the request cannot be sent: {detail}")]
    Invalid {
        /// What is wrong with it.
        detail: String,
    },
}

/// How far a failure reaches, judging by the error alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// What was asked for: the API answered, and other requests may well succeed.
    Thread,
    /// The requested item or the whole API: only other requests' results can tell.
    Unclear,
    /// The key's permissions or the requested item: another request that succeeds can tell.
    Key,
    /// Every request of the workspace.
    Workspace,
}

/// What makes a request that failed succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// A key that ColdSend accepts, with the scopes that the request needs.
    MendKey,
    /// This much time: the request limit is used up.
    WaitFor(Duration),
    /// Time: nobody need change anything.
    TryAgain,
    /// Nothing.
    None,
}

impl ApiError {
    /// How far the failure reaches. Whoever goes on with something else, or stops, decides by this alone.
    pub fn scope(&self) -> Scope {
        match self {
            Self::NotFound { .. } | Self::TooLarge { .. } | Self::Invalid { .. } => Scope::Thread,
            Self::Malformed { .. }
            | Self::Refused { .. }
            | Self::Server { .. }
            | Self::Timeout { .. }
            | Self::Interrupted { .. }
            | Self::Redirected { .. } => Scope::Unclear,
            Self::Forbidden { .. } => Scope::Key,
            Self::Unauthorized { .. }
            | Self::Unreachable { .. }
            | Self::RateLimited { .. }
            | Self::BudgetExhausted { .. } => Scope::Workspace,
        }
    }

    /// 401 and 403: nothing works until you fix the key.
    pub fn is_auth_error(&self) -> bool {
        self.remedy() == Remedy::MendKey
    }

    /// What is wrong, in words that may be shown to anybody: no address, and nothing that the API has said.
    pub fn summary(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "ColdSend does not accept the API key",
            Self::Forbidden { .. } => "the API key lacks a scope",
            Self::NotFound { .. } => "ColdSend does not know what was asked for",
            Self::RateLimited { .. } | Self::BudgetExhausted { .. } => "the request limit is used up",
            Self::Unreachable { .. } => "ColdSend cannot be reached",
            Self::Interrupted { .. } => "the connection to ColdSend breaks",
            Self::Timeout { .. } => "ColdSend does not answer in time",
            Self::Server { .. } => "ColdSend fails on its side",
            Self::Redirected { .. } => "another server answers in place of ColdSend",
            Self::Refused { .. } => "ColdSend refuses the request",
            Self::Malformed { .. } | Self::TooLarge { .. } => "what answers is not ColdSend's API as documented",
            Self::Invalid { .. } => "the request cannot be sent",
        }
    }

    /// What makes the same request succeed, if it was surely not carried out. Whoever tries again, or does not, decides by
    /// this alone.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unauthorized { .. } | Self::Forbidden { .. } => Remedy::MendKey,
            Self::RateLimited { retry_after, .. } | Self::BudgetExhausted { retry_after, .. } => {
                Remedy::WaitFor(*retry_after)
            }
            // An API that is down may answer with nonsense or point elsewhere, too.
            Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::Timeout { .. }
            | Self::Server { .. }
            | Self::Malformed { .. }
            | Self::Redirected { .. }
            | Self::Refused { status: 408 | 409 | 425, .. } => Remedy::TryAgain,
            Self::NotFound { .. } | Self::Refused { .. } | Self::TooLarge { .. } | Self::Invalid { .. } => Remedy::None,
        }
    }

    /// The code under which an action's record names the failure.
    pub fn reason_code(&self) -> ReasonCode {
        match self {
            Self::Unauthorized { .. } | Self::Forbidden { .. } => ReasonCode::Unauthorized,
            Self::RateLimited { .. } | Self::BudgetExhausted { .. } => ReasonCode::Budget,
            Self::Unreachable { .. } | Self::Interrupted { .. } | Self::Timeout { .. } | Self::Server { .. } => {
                ReasonCode::Unreachable
            }
            Self::NotFound { .. }
            | Self::Redirected { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Invalid { .. } => ReasonCode::Refused,
        }
    }

    /// When the next try makes sense, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.remedy() {
            Remedy::WaitFor(time) => Some(time),
            _ => None,
        }
    }

    /// The HTTP status, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Unauthorized { status, .. }
            | Self::Server { status, .. }
            | Self::Redirected { status, .. }
            | Self::Refused { status, .. } => Some(*status),
            Self::Forbidden { .. } => Some(403),
            Self::NotFound { .. } => Some(404),
            Self::RateLimited { .. } => Some(429),
            _ => None,
        }
    }
}

/// What is known of a write that did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteOutcome {
    /// Surely not: it never left, or the API refused it.
    NotApplied,
    /// Surely: the API accepted it (a 2xx), only its answer could not be read.
    Applied,
    /// It may or may not have been.
    Unknown,
}

/// A write that did not end with a readable 2xx.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}{}", match certainty {
    WriteOutcome::NotApplied => "",
    WriteOutcome::Applied => " (it was carried out)",
    WriteOutcome::Unknown => " (whether it was carried out is unknown)",
})]
pub struct WriteError {
    /// Whether the API carried it out. Decide on this, not on the error.
    pub certainty: WriteOutcome,
    /// What happened.
    pub error: ApiError,
}

impl WriteError {
    pub(super) fn not_sent(error: ApiError) -> Self {
        Self { certainty: WriteOutcome::NotApplied, error }
    }
}

/// What a status other than 2xx says about a write.
pub(super) fn outcome_of(status: u16) -> WriteOutcome {
    match status {
        200..=299 => WriteOutcome::Applied,
        400 | 401 | 403 | 404 | 422 | 429 => WriteOutcome::NotApplied,
        _ => WriteOutcome::Unknown,
    }
}

/// Seconds as people read them, never `0 s` for something that is still to come.
fn seconds(span: &Duration) -> String {
    match span.as_secs_f64() {
        s if s < 10.0 && span.subsec_millis() != 0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{} s", s.ceil()),
        s => format!("{} min", (s / 60.0).ceil()),
    }
}

/// The clause on scopes, empty where the API named none.
struct Scopes<'a>(&'a [String], &'a [String]);

impl fmt::Display for Scopes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            let missing: Vec<_> = self.0.iter().filter(|scope| !self.1.contains(scope)).map(String::as_str).collect();
            write!(f, "; missing scope: {}", missing.join(", "))?;
        }
        if !self.1.is_empty() {
            write!(f, "; it has: {}", self.1.join(", "))?;
        }
        Ok(())
    }
}

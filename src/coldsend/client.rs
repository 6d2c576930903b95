//! The client: its settings, how it is made, and what is left of its budget.

use super::account::Account;
use super::budget::{Budget, RateLimiter};
use super::error::ClientError;
use super::ledger::Priority;
use super::shared_budget::SharedBudget;
use super::transport::{TimeLimits, Transport};
use crate::tls;
use reqwest::{header::HeaderValue, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc, time::Duration};
use url::{Host, Url};

/// One workspace's access to the API.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The workspace's name, for errors and logs.
    pub workspace: String,
    /// Where the API is: `https`, or `http` to a loopback address.
    pub base_url: Url,
    /// The workspace's key.
    pub api_key: SecretString,
    /// Requests that the key allows in a rolling minute; at least 1.
    pub per_minute: u32,
    /// Requests that the key allows in a rolling hour; at least 1.
    pub per_hour: u32,
}

/// A client of one workspace. Clones share connections and budget.
#[derive(Clone)]
pub struct Client {
    pub(super) transport: Arc<Transport>,
    pub(super) max_wait: Option<Duration>,
    pub(super) read_limit: Option<Duration>,
    /// What is spoken to instead of the API.
    pub(super) account: Option<Arc<dyn Account>>,
}

impl Client {
    /// A client with the default [`TimeLimits`]. Sends nothing.
    ///
    /// # Errors
    /// A key that cannot be a header, a base URL that would show the key to others, a limit of zero, no TLS.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        Self::with_time_limits(settings, TimeLimits::default())
    }

    /// As [`Client::new`], with time limits of one's own.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_time_limits(settings: ClientSettings, time: TimeLimits) -> Result<Self, ClientError> {
        let ClientSettings { workspace, base_url, api_key, per_minute, per_hour } = settings;
        for (limit, value) in [("per_minute", per_minute), ("per_hour", per_hour)] {
            if value == 0 {
                return Err(ClientError::Limit { workspace, limit });
            }
        }
        let key = key_header(&workspace, &api_key)?;
        let loopback = check_base(&workspace, &base_url)?;
        let no_tls = |detail: String| ClientError::Tls { workspace: workspace.clone(), detail };
        let tls = tls::system_for_http().map_err(|error| no_tls(error.to_string()))?;
        let built =
            |builder: reqwest::ClientBuilder| builder.build().map_err(|error| no_tls(super::transport::cause(error)));
        let common = || {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("reply-router/", env!("CARGO_PKG_VERSION")))
                .tls_backend_preconfigured(tls.clone())
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .connect_timeout(time.connect)
                .timeout(time.whole);
            // Over plain HTTP a proxy would see the key.
            if loopback { builder.no_proxy() } else { builder }
        };
        let reads = built(common())?;
        // A connection that lay idle may be dead without our knowing: a write always gets a fresh one, and nothing
        // below us has a reason to send it twice.
        let writes = built(common().pool_max_idle_per_host(0).http1_only().no_gzip())?;
        let host = match base_url.port() {
            Some(port) => format!("{}:{port}", base_url.host_str().unwrap_or_default()),
            None => base_url.host_str().unwrap_or_default().to_owned(),
        };
        let gate = RateLimiter::new(per_minute, per_hour);
        let limits = (per_minute, per_hour);
        let transport = Transport {
            limits,
            workspace,
            host,
            base: base_url,
            key,
            reads,
            writes,
            time,
            gate,
            sent: Default::default(),
        };
        Ok(Self { transport: Arc::new(transport), max_wait: None, read_limit: None, account: None })
    }

    /// This client with the budget of an earlier one that has the same key: what that one has spent counts. The limits are
    /// those of the earlier one until [`Client::apply_limits`].
    #[must_use]
    pub fn succeed(self, earlier: &Self) -> Self {
        let own = &self.transport;
        let transport = Transport {
            workspace: own.workspace.clone(),
            host: own.host.clone(),
            base: own.base.clone(),
            key: own.key.clone(),
            reads: own.reads.clone(),
            writes: own.writes.clone(),
            time: own.time,
            gate: Arc::clone(&earlier.transport.gate),
            limits: own.limits,
            sent: Default::default(),
        };
        Self { transport: Arc::new(transport), ..self }
    }

    /// A client of a workspace whose account is in this process: it sends no request, and never waits for its budget.
    #[must_use]
    pub fn in_process(&self, workspace: &str, account: Arc<dyn Account>) -> Self {
        let own = &self.transport;
        let transport = Transport {
            workspace: workspace.to_owned(),
            host: own.host.clone(),
            base: own.base.clone(),
            key: own.key.clone(),
            reads: own.reads.clone(),
            writes: own.writes.clone(),
            time: own.time,
            gate: RateLimiter::new(own.limits.0, own.limits.1),
            limits: own.limits,
            sent: Default::default(),
        };
        Self { transport: Arc::new(transport), max_wait: None, read_limit: None, account: Some(account) }
    }

    /// Whether its account is in this process, so that nobody else uses it.
    pub fn is_in_process(&self) -> bool {
        self.account.is_some()
    }

    /// Makes the limits that this client was made with those of its budget. What was spent stays spent.
    pub fn apply_limits(&self) {
        let (per_minute, per_hour) = self.transport.limits;
        self.transport.gate.set_limits(per_minute, per_hour);
    }

    /// Takes places in the key's budget where other processes that use it take theirs. To be called before anything is
    /// sent.
    pub fn share_budget(&self, budget: Arc<dyn SharedBudget>) {
        let transport = &self.transport;
        transport.gate.share(budget, &key_id(&transport.base, &transport.key));
    }

    /// The same client for a caller who would rather get [`super::ApiError::BudgetExhausted`] than wait longer than
    /// `max_wait` for a place in the budget; zero never waits. `None`, the default, waits as long as it takes.
    pub fn with_max_wait(&self, max_wait: Option<Duration>) -> Self {
        Self { max_wait, ..self.clone() }
    }

    /// The same client for a caller who would rather come back later than wait longer than `limit` for the answer to a
    /// read. `None`, the default, waits for [`TimeLimits::whole`].
    pub fn with_read_limit(&self, read_limit: Option<Duration>) -> Self {
        Self { read_limit, ..self.clone() }
    }

    /// The workspace's name.
    pub fn workspace(&self) -> &str {
        &self.transport.workspace
    }

    /// Where the API is.
    pub fn base_url(&self) -> &Url {
        &self.transport.base
    }

    /// How many requests were sent so far, by this client and its clones.
    pub fn requests_sent(&self) -> u64 {
        self.transport.sent.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// What is left of the key's budget.
    pub fn budget(&self) -> Budget {
        self.transport.gate.budget()
    }

    /// Whether the other is a clone of this one.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.transport, &other.transport)
    }

    /// Whether another client uses the same key of the same API.
    pub fn has_same_key(&self, other: &Self) -> bool {
        let (own, other) = (&self.transport, &other.transport);
        own.key == other.key && own.base == other.base
    }

    /// Whether the API's counts prove that nobody else uses the key: for a minute and more they were exactly what this
    /// client and its clones have sent, and nothing has shown somebody else for an hour. Another key of the same account
    /// does not show here.
    pub fn is_alone(&self) -> bool {
        self.is_in_process() || self.transport.gate.is_alone()
    }

    /// How long to leave between two polls, so that their share of the hour's requests lasts however often one is asked for.
    pub fn poll_rest(&self) -> Duration {
        self.transport.gate.poll_rest()
    }

    /// About how long a request of this priority would wait for its place if it came now; zero when it may go at once.
    pub fn would_wait(&self, priority: Priority) -> Duration {
        if self.is_in_process() { Duration::ZERO } else { self.transport.gate.estimated_wait(priority) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("workspace", &self.transport.workspace)
            .field("base_url", &self.transport.base.as_str())
            .field("api_key", &"[REDACTED]")
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}

/// What names a key where processes count together, and tells nothing of it.
fn key_id(base: &Url, key: &HeaderValue) -> String {
    let digest = Sha256::new().chain_update(base.as_str()).chain_update([0]).chain_update(key.as_bytes()).finalize();
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

fn key_header(workspace: &str, key: &SecretString) -> Result<HeaderValue, ClientError> {
    let key = key.expose_secret();
    let problem = if key.is_empty() {
        Some("is empty")
    } else if key.chars().any(|letter| letter == '\n' || letter == '\r') {
        Some("contains a line break")
    } else if key.chars().any(char::is_whitespace) {
        Some("contains a space")
    } else if !key.chars().all(|letter| letter.is_ascii_graphic()) {
        Some("contains a character that no key has")
    } else {
        None
    };
    let error = |problem| ClientError::Key { workspace: workspace.to_owned(), problem };
    if let Some(problem) = problem {
        return Err(error(problem));
    }
    let mut value = HeaderValue::from_str(key).map_err(|_| error("contains a character that no key has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether it is a loopback address, or why it cannot be used.
fn check_base(workspace: &str, base: &Url) -> Result<bool, ClientError> {
    let loopback = match base.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let problem = if base.host().is_none() {
        Some("it names no host; use https://api.coldsend.pro/api/public/v1")
    } else if !base.username().is_empty() || base.password().is_some() {
        Some("it must not carry a user or password; the key belongs in `api_key`")
    } else if base.query().is_some() || base.fragment().is_some() {
        Some("it must end with the path, without `?` or `#`")
    } else if base.scheme() == "https" || (base.scheme() == "http" && loopback) {
        None
    } else {
        Some("the key would travel in the clear; use https:// (http:// is for loopback addresses only)")
    };
    match problem {
        None => Ok(loopback),
        Some(problem) => {
            let mut url = base.clone();
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            Err(ClientError::BaseUrl { workspace: workspace.to_owned(), url: url.to_string(), problem })
        }
    }
}

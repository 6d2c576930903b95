//! What a simulator is started with, and why it may not start.

use jiff::Timestamp;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The API key that is accepted unless others are configured. It has every scope.
pub const DEFAULT_KEY: &str = "cs_live_simulated";

/// The token that the simulated Slack Web API accepts.
pub const SLACK_TOKEN: &str = "xoxb-simulated";

/// Where the simulator takes the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the simulator behaves. The default is a shipped inbox on a free port of the loopback address, with the
/// documented limits, no lag and no stream.
#[derive(Clone)]
pub struct Options {
    /// Where the API, the HTTP sinks and the pages listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the mail sink listens. Port 0 takes a free one.
    pub smtp_listen: SocketAddr,
    /// What is in the inbox at the start.
    pub inbox: Inbox,
    /// The API keys that are known.
    pub keys: Vec<Key>,
    /// How long after its acceptance a reply shows up in the messages and the list.
    pub visibility_lag: Duration,
    /// How long the API takes for each request, before it carries it out. The sinks respond at once.
    pub latency: Duration,
    /// The limits of each key; `None` counts nothing and sends no `X-RateLimit-*` headers.
    pub rate_limits: Option<RateLimits>,
    /// Plays the scripted stream of new messages; `None` leaves that to `Workspace::play_next`.
    pub stream: Option<StreamOptions>,
    /// The order of the list's rows.
    pub order: RowOrder,
    /// What `reply_count` counts.
    pub reply_count: ReplyCount,
    /// What `total_count` of the list counts.
    pub total_count: TotalCount,
    /// Whether responses carry the `Date` of `clock`; if not, they have one that cannot be read.
    pub sends_date: bool,
    /// In what form an accepted reply shows up in the messages.
    pub sent_form: SentFormat,
    /// The time, for everything but pauses: messages, lag, limits.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            smtp_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            inbox: Inbox::Builtin,
            keys: vec![Key::new(DEFAULT_KEY)],
            visibility_lag: Duration::ZERO,
            latency: Duration::ZERO,
            rate_limits: Some(RateLimits::default()),
            stream: None,
            order: RowOrder::NewestFirst,
            reply_count: ReplyCount::Inbound,
            total_count: TotalCount::All,
            sends_date: true,
            sent_form: SentFormat::Unchanged,
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl Options {
    /// An empty inbox without rate limits: what most tests want.
    pub fn for_tests() -> Self {
        Self { inbox: Inbox::Empty, rate_limits: None, ..Self::default() }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("inbox", &self.inbox)
            .field("visibility_lag", &self.visibility_lag)
            .field("latency", &self.latency)
            .field("rate_limits", &self.rate_limits)
            .field("stream", &self.stream)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// Where the threads of the start come from.
#[derive(Debug, Clone, Default)]
pub enum Inbox {
    /// Some sixty invented threads of every kind that a campaign brings in.
    #[default]
    Builtin,
    /// None.
    Empty,
    /// A YAML file in the format of the shipped one.
    File(PathBuf),
    /// The text of such a file.
    Yaml(String),
    /// So many simple threads, one inbound message each, a minute apart, the first one the newest.
    Generated(usize),
}

/// An API key and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key as sent in `X-API-Key`.
    pub key: String,
    /// Its scopes, such as `replies:read`, `replies:all` or `*`.
    pub scopes: Vec<String>,
    /// The account that it belongs to; keys of one account see the same threads.
    pub account: u32,
}

impl Key {
    /// A key with every scope.
    pub fn new(key: impl Into<String>) -> Self {
        Self::with_scopes(key, ["*"])
    }

    /// The same key, of another account than the first one's.
    pub fn of_account(self, account: u32) -> Self {
        Self { account, ..self }
    }

    /// A key with these scopes only.
    pub fn with_scopes<S: Into<String>>(key: impl Into<String>, scopes: impl IntoIterator<Item = S>) -> Self {
        Self { key: key.into(), scopes: scopes.into_iter().map(Into::into).collect(), account: 0 }
    }
}

/// How many requests a key has in a rolling minute and a rolling hour; by default the documented limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests in any 60 seconds.
    pub per_minute: u32,
    /// Requests in any 3,600 seconds.
    pub per_hour: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { per_minute: 100, per_hour: 1_000 }
    }
}

/// How the scripted stream is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamOptions {
    /// The pause before each item, the first one included.
    pub every: Duration,
    /// Whether the stream begins again after its last item.
    pub repeat: bool,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self { every: Duration::from_secs(20), repeat: false }
    }
}

/// The order of the list's rows, which the API does not document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowOrder {
    /// By `last_message_at`, the newest first.
    #[default]
    NewestFirst,
    /// By `last_message_at`, the oldest first.
    OldestFirst,
    /// By thread id.
    ById,
    /// By when the thread was added, the newest first, whatever messages came since.
    ByCreation,
    /// In another order at every request, so that pages overlap and miss.
    Shuffled,
}

/// What `reply_count` counts, which the API does not document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplyCount {
    /// Messages of the lead's side.
    #[default]
    Inbound,
    /// Messages of both sides.
    BothDirections,
}

/// What `total_count` of the list counts, which the API does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TotalCount {
    /// The threads of the whole list.
    #[default]
    All,
    /// The threads of this page.
    Page,
    /// The threads up to the end of this page.
    SoFar,
    /// Nothing: it is always 0.
    Zero,
}

/// In what form an accepted reply shows up among the messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SentFormat {
    /// Text and HTML as they were given.
    #[default]
    Unchanged,
    /// The text broken at so many columns.
    Rewrapped(usize),
    /// The text as HTML only, with no text part.
    HtmlOnly,
    /// The text with a signature that the inbox adds.
    WithSignature(String),
}

/// Why a simulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another address, or port 0 for a free one")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The inbox file cannot be read.
    #[error("cannot read the inbox file {}: {source}", path.display())]
    InboxFile {
        /// The file that was to be read.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The inbox is not in the format.
    #[error("{origin}: {problem}")]
    InboxFormat {
        /// The file, or a word for the text.
        origin: String,
        /// What is wrong, with its place where the parser knows it.
        problem: String,
    },
}

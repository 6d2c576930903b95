//! Where the server is, and how it is reached.

use super::{client::explain, tls::Roots};
use crate::store::StoreError;
use std::{
    fmt,
    future::Future,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, config::SslMode};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// A server that is silent for so long is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How the server is to plan. Statements say in which order tables are joined, and each join has an index: SQLite does it so,
/// and reads as much of a large store as of a small one. What the server would rather do goes by a guess at how many actions
/// a decision has, which is a range of numbers to it: it takes a third of all, reads whole tables, and compiles the plan.
const PLANS: [&str; 6] = [
    "join_collapse_limit=1",
    "from_collapse_limit=1",
    "enable_hashjoin=off",
    "enable_mergejoin=off",
    "max_parallel_workers_per_gather=0",
    "jit=off",
];

/// What a server sends by itself.
pub(super) struct Messages(Box<dyn PollMessage + Send>);

trait PollMessage {
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>>;
}

impl<S, T> PollMessage for tokio_postgres::Connection<S, T>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> {
        Self::poll_message(self, context)
    }
}

impl Messages {
    pub(super) fn poll_message(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<AsyncMessage, tokio_postgres::Error>>> {
        self.0.poll_message(context)
    }
}

/// A server, and a database on it.
pub(in crate::store::sql) struct Database {
    config: Config,
    /// The address without its password.
    shown: String,
    words: Words,
    runtime: Handle,
    closing: AtomicBool,
    /// What this process calls itself in what it tells others.
    teller: String,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Database {
    /// Of an address: `postgres://user:password@host/database`, with `?sslmode=require` for TLS, `&sslrootcert=ca.pem` for
    /// an authority that the system does not know, and `?pgbouncer=true` behind a pooler. Must be called where a runtime is.
    pub(super) fn new(address: &str) -> Result<Self, StoreError> {
        let invalid = |detail: String| StoreError::Server { path: shown(address), detail };
        let (address, words) = take_words(address);
        let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            invalid(format!("{error}{cause}"))
        })?;
        config.connect_timeout(CONNECT).keepalives_idle(KEEP_ALIVE);
        if config.get_application_name().is_none() {
            config.application_name("reply-router");
        }
        let runtime = Handle::try_current().map_err(|error| invalid(error.to_string()))?;
        let (closing, teller) = (AtomicBool::new(false), uuid::Uuid::new_v4().simple().to_string());
        Ok(Self { shown: shown(&address), config, words, runtime, closing, teller })
    }

    /// The address without its password.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// What this process calls itself in what it tells others: it knows what it has written itself.
    pub(super) fn teller(&self) -> &str {
        &self.teller
    }

    /// A pooler gives each transaction another connection: nothing is left on one for the next.
    pub(in crate::store::sql) fn is_pooled(&self) -> bool {
        self.words.is_pooled
    }

    /// What a transaction begins with, behind a pooler: how the server is to plan. Elsewhere each connection is told once.
    pub(super) fn begin_with(&self) -> String {
        let set = |plan: &&str| format!("; SET LOCAL {plan}");
        if self.is_pooled() { PLANS.iter().map(set).collect() } else { String::new() }
    }

    /// Tells a new connection how the server is to plan. Not when it is made: some poolers refuse a connection that asks for
    /// more than they know.
    async fn set_plans(&self, client: Client) -> Result<Client, tokio_postgres::Error> {
        if !self.is_pooled() {
            let set: String = PLANS.iter().map(|plan| format!("SET {plan};")).collect();
            client.batch_execute(&set).await?;
        }
        Ok(client)
    }

    /// Waits, on a thread that may.
    pub(in crate::store::sql) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// No answer is waited for any more.
    pub(in crate::store::sql) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Result<Client, StoreError> {
        let open = |error: &tokio_postgres::Error| match explain(error) {
            StoreError::Database(detail) => StoreError::Server { path: self.shown.clone(), detail },
            other => other,
        };
        if self.config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = self.config.connect(NoTls).await.map_err(|error| open(&error))?;
            self.runtime.spawn(connection);
            return self.set_plans(client).await.map_err(|error| open(&error));
        }
        let (client, connection) =
            self.config.connect(self.words.roots.connector(&self.shown)?).await.map_err(|error| open(&error))?;
        self.runtime.spawn(connection);
        self.set_plans(client).await.map_err(|error| open(&error))
    }

    /// The runtime that connections live on.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// A new connection whose messages the caller reads.
    pub(super) async fn connect_to_hear(&self) -> Result<(Client, Messages), StoreError> {
        if self.config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = self.config.connect(NoTls).await.map_err(|error| explain(&error))?;
            return Ok((client, Messages(Box::new(connection))));
        }
        let (client, connection) =
            self.config.connect(self.words.roots.connector(&self.shown)?).await.map_err(|error| explain(&error))?;
        Ok((client, Messages(Box::new(connection))))
    }
}

/// What of an address's query is not for the client of the server, or said in other words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    is_pooled: bool,
    roots: Roots,
}

/// The address without these words. Certificates are always checked, so libpq's modes that do are the one that encrypts.
fn take_words(address: &str) -> (String, Words) {
    let mut words = Words::default();
    let Some((before, query)) = address.split_once('?') else { return (address.to_owned(), words) };
    let mut theirs = Vec::new();
    for part in query.split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        match (name, value.as_ref()) {
            ("pgbouncer", value) => words.is_pooled = value != "false",
            ("sslmode", "verify-ca" | "verify-full") => theirs.push("sslmode=require"),
            ("sslrootcert", "system") => words.roots = Roots::System,
            ("sslrootcert", path) => words.roots = Roots::File(path.into()),
            _ => theirs.push(part),
        }
    }
    let query = if theirs.is_empty() { String::new() } else { format!("?{}", theirs.join("&")) };
    (format!("{before}{query}"), words)
}

/// The address without its password.
pub(super) fn shown(address: &str) -> String {
    let Ok(mut url) = url::Url::parse(address) else { return "postgres://…".to_owned() };
    if url.password().is_some() && url.set_password(Some("…")).is_err() {
        return "postgres://…".to_owned();
    }
    let kept: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != "password").collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    url.to_string().replace("%E2%80%A6", "…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (address, expected) in [
            ("postgres://router:hunter2@db.example/router", "postgres://router:…@db.example/router"),
            ("postgres://db/router?password=hunter2&sslmode=require", "postgres://db/router?sslmode=require"),
            ("postgres://router@db/router", "postgres://router@db/router"),
            ("host=db password=hunter2", "postgres://…"),
        ] {
            assert_eq!(shown(address), expected);
        }
    }

    #[test]
    fn words_of_ours_and_of_libpq_are_not_given_to_the_server() {
        let file = |path: &str| Roots::File(path.into());
        for (address, expected, is_pooled, roots) in [
            ("postgres://db/r?pgbouncer=true&sslmode=require", "postgres://db/r?sslmode=require", true, Roots::System),
            ("postgres://db/r?pgbouncer=false", "postgres://db/r", false, Roots::System),
            ("postgres://db/r", "postgres://db/r", false, Roots::System),
            ("postgres://db/r?sslmode=verify-full", "postgres://db/r?sslmode=require", false, Roots::System),
            ("postgres://db/r?sslrootcert=%2Fetc%2Fca.pem", "postgres://db/r", false, file("/etc/ca.pem")),
            (
                "postgres://db/r?sslrootcert=ca.pem&connect_timeout=3",
                "postgres://db/r?connect_timeout=3",
                false,
                file("ca.pem"),
            ),
            ("postgres://db/r?sslrootcert=system", "postgres://db/r", false, Roots::System),
        ] {
            assert_eq!(take_words(address), (expected.to_owned(), Words { is_pooled, roots }), "{address}");
        }
    }
}

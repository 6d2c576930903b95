//! A simulated ColdSend workspace with Slack, webhook and mail sinks, for trying rules and for tests.
//!
//! [`Simulator::start`] binds one HTTP address (the API, the sinks and the pages) and one SMTP address. What happens in
//! the workspace is driven through [`Workspace`], what goes wrong on the wire through [`Faults`]. It keeps everything
//! in memory and asks only [`Options::clock`] for the time. It shares no type with the client that it is tried with, so
//! that a misreading of the API cannot hide on both sides.

mod api;
mod connection;
mod fault;
mod faults;
mod html;
mod inbox;
mod limit;
mod log;
mod mail;
mod options;
mod outcome;
mod page;
mod query;
mod reply;
mod response;
mod routes;
mod shown;
mod sink;
mod smtp;
mod state;
mod thread;
mod threads;
mod workspace;

pub use fault::{ConnectionFault, Endpoint, Fault, SmtpFault, SmtpStep};
pub use faults::Faults;
pub use log::{AcceptedReply, AttachedFile, LoggedRequest, SlackMessage, WebhookCall};
pub use mail::ReceivedMail;
pub use options::{
    Clock, DEFAULT_KEY, Inbox, Key, Options, RateLimits, ReplyCount, RowOrder, SLACK_TOKEN, SentFormat, SimulatorError,
    StreamOptions, TotalCount,
};
pub use thread::{Attachment, Message, NewThread, StoredMessage, Thread};
pub use workspace::Workspace;

use connection::FaultyListener;
use state::Shared;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where the API begins on the simulator's address.
pub(crate) const API_BASE: &str = "/api/public/v1";

/// A running simulator. Dropping it leaves its tasks to end with the runtime; [`Simulator::shutdown`] ends them at once.
#[derive(Debug)]
pub struct Simulator {
    http: SocketAddr,
    smtp: SocketAddr,
    shared: Arc<Shared>,
    /// Ends accepting and everything that hangs on purpose.
    stop: CancellationToken,
    /// Cuts what is still open after that.
    cut: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Simulator {
    /// Loads the inbox, binds both addresses and serves until [`Simulator::shutdown`].
    ///
    /// # Errors
    /// When the inbox file cannot be read or is not in the format, or an address cannot be bound.
    pub async fn start(options: Options) -> Result<Self, SimulatorError> {
        let bind = async |address: SocketAddr| {
            let listener =
                TcpListener::bind(address).await.map_err(|source| SimulatorError::Bind { address, source })?;
            let bound = listener.local_addr().map_err(|source| SimulatorError::Bind { address, source })?;
            Ok::<_, SimulatorError>((listener, bound))
        };
        let (listen, smtp_listen, stream) = (options.listen, options.smtp_listen, options.stream.clone());
        let shared = Arc::new(Shared::new(options)?);
        let (http_listener, http) = bind(listen).await?;
        let (smtp_listener, smtp) = bind(smtp_listen).await?;

        let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
        let router = routes::router(Arc::clone(&shared), stop.clone())
            .into_make_service_with_connect_info::<connection::ConnectionHandle>();
        let troubled = FaultyListener::new(http_listener, Arc::clone(&shared), cut.clone());
        let ended = stop.clone().cancelled_owned();
        let mut tasks = vec![tokio::spawn(async move {
            let _ = axum::serve(troubled, router).with_graceful_shutdown(ended).await;
        })];
        tasks.push(tokio::spawn(smtp::serve(smtp_listener, Arc::clone(&shared), stop.clone())));
        if let Some(stream) = stream {
            let (workspace, stop) = (Workspace::new(Arc::clone(&shared)), stop.clone());
            tasks.push(tokio::spawn(async move {
                let _ = stop.run_until_cancelled(workspace.play(stream)).await;
            }));
        }
        Ok(Self { http, smtp, shared, stop, cut, tasks })
    }

    /// The API's base URL, without a slash at the end: what a workspace's `base_url` is set to.
    pub fn base_url(&self) -> String {
        format!("http://{}{API_BASE}", self.http)
    }

    /// The page that shows the inbox and what the sinks received.
    pub fn web_url(&self) -> String {
        format!("http://{}/", self.http)
    }

    /// A Slack incoming-webhook URL.
    pub fn slack_url(&self) -> String {
        format!("http://{}/services/T0SIMULATED/B0SIMULATED/simulatedsimulatedsimula", self.http)
    }

    /// The root of a Slack Web API that knows `chat.postMessage` and `auth.test`; the token is [`SLACK_TOKEN`].
    pub fn slack_api_url(&self) -> String {
        format!("http://{}/slack/api", self.http)
    }

    /// The URL of an SMTP server that takes every mail: plain, with or without any user and password.
    pub fn smtp_url(&self) -> String {
        format!("smtp://{}", self.smtp)
    }

    /// A URL that takes any webhook call and answers 200.
    pub fn webhook_url(&self) -> String {
        format!("http://{}/webhook", self.http)
    }

    /// The HTTP address.
    pub fn address(&self) -> SocketAddr {
        self.http
    }

    /// The SMTP address.
    pub fn smtp_address(&self) -> SocketAddr {
        self.smtp
    }

    /// The handle to what is in the workspace.
    pub fn workspace(&self) -> Workspace {
        Workspace::new(Arc::clone(&self.shared))
    }

    /// The handle to what the sinks received; it outlives the simulator.
    pub fn received(&self) -> Received {
        Received(Arc::clone(&self.shared))
    }

    /// The Slack messages received through the webhook or `chat.postMessage`, oldest first.
    pub fn slack(&self) -> Vec<SlackMessage> {
        self.received().slack()
    }

    /// The mails received, oldest first.
    pub fn mail(&self) -> Vec<ReceivedMail> {
        self.received().mail()
    }

    /// The webhook calls received, oldest first.
    pub fn webhooks(&self) -> Vec<WebhookCall> {
        self.received().webhooks()
    }

    /// The handle to what goes wrong.
    pub fn faults(&self) -> Faults {
        Faults::new(Arc::clone(&self.shared))
    }

    /// Stops accepting, ends what hangs, gives running answers half a second, then cuts every connection.
    pub async fn shutdown(self) {
        self.stop.cancel();
        let cut = self.cut;
        let ended = async {
            for task in self.tasks {
                let _ = task.await;
            }
        };
        let cutter = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            cut.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! { () = ended => {}, () = cutter => {} }
    }
}

/// What the sinks received.
#[derive(Debug, Clone)]
pub struct Received(Arc<Shared>);

impl Received {
    /// The Slack messages, oldest first.
    pub fn slack(&self) -> Vec<SlackMessage> {
        self.0.read(|state| state.slack.clone())
    }

    /// How many Slack messages there are.
    pub fn slack_count(&self) -> usize {
        self.0.read(|state| state.slack.len())
    }

    /// The mails, oldest first.
    pub fn mail(&self) -> Vec<ReceivedMail> {
        self.0.read(|state| state.mail.clone())
    }

    /// The webhook calls, oldest first.
    pub fn webhooks(&self) -> Vec<WebhookCall> {
        self.0.read(|state| state.webhooks.clone())
    }

    /// How many requests and SMTP dialogues reached the sinks, whatever became of them.
    pub fn calls(&self) -> usize {
        self.0.read(|state| state.sink_calls)
    }
}

//! What goes wrong on purpose: queued per endpoint, taken by the next requests that match.

use std::collections::VecDeque;
use std::time::Duration;

/// Which requests a fault is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Any of the ColdSend API.
    AnyApi,
    /// `GET /replies`.
    List,
    /// `GET /replies/threads/{id}`.
    Thread,
    /// `GET …/messages`.
    Messages,
    /// `POST …/reply`.
    Reply,
    /// `PATCH …/read`.
    Read,
    /// `PATCH …/star`.
    Star,
    /// The Slack incoming webhook.
    SlackWebhook,
    /// Slack's `chat.postMessage`.
    SlackPost,
    /// Slack's `auth.test`.
    SlackAuth,
    /// The webhook sink.
    Webhook,
    /// Requests of this method whose path ends so.
    Path {
        /// The method in capitals.
        method: String,
        /// The end of the path, query excluded.
        suffix: String,
    },
}

impl Endpoint {
    /// The endpoint of a request; `None` for pages and unknown paths.
    pub(super) fn of(method: &str, path: &str) -> Option<Self> {
        if let Some(rest) = path.strip_prefix(super::API_BASE) {
            let parts: Vec<&str> = rest.split('/').skip(1).collect();
            return match (method, parts.as_slice()) {
                ("GET", ["replies"]) => Some(Self::List),
                ("GET", ["replies", "threads", _]) => Some(Self::Thread),
                ("GET", ["replies", "threads", _, "messages"]) => Some(Self::Messages),
                ("POST", ["replies", "threads", _, "reply"]) => Some(Self::Reply),
                ("PATCH", ["replies", "threads", _, "read"]) => Some(Self::Read),
                ("PATCH", ["replies", "threads", _, "star"]) => Some(Self::Star),
                _ => Some(Self::AnyApi),
            };
        }
        match path {
            "/slack/api/chat.postMessage" => Some(Self::SlackPost),
            "/slack/api/auth.test" => Some(Self::SlackAuth),
            _ if path.starts_with("/services/") => Some(Self::SlackWebhook),
            _ if path == "/webhook" || path.starts_with("/webhook/") => Some(Self::Webhook),
            _ => None,
        }
    }

    fn is_api(&self) -> bool {
        !matches!(self, Self::SlackWebhook | Self::SlackPost | Self::SlackAuth | Self::Webhook)
    }

    fn covers(&self, endpoint: &Self, method: &str, path: &str) -> bool {
        match self {
            Self::AnyApi => endpoint.is_api(),
            Self::Path { method: wanted, suffix } => wanted.eq_ignore_ascii_case(method) && path.ends_with(suffix),
            one => one == endpoint,
        }
    }
}

/// What happens to a request. "Carried out" means that its effect takes place, as with a reply that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answered so, not carried out.
    Status(u16, String),
    /// Answered so with headers, not carried out.
    Respond {
        /// The HTTP status to respond with.
        status: u16,
        /// Headers in addition to the usual ones.
        headers: Vec<(String, String)>,
        /// The body to respond with, as it stands.
        body: String,
    },
    /// Carried out, then answered so.
    StatusAfter(u16, String),
    /// Handled after a pause; if the client leaves meanwhile, not carried out.
    Delay(Duration),
    /// Carried out at once, answered after a pause.
    DelayAfter(Duration),
    /// The connection ends without an answer, not carried out.
    CloseBefore,
    /// Carried out, then the connection ends without an answer.
    CloseAfter,
    /// Carried out, then answered 200 with something that is not JSON.
    Garbage2xx,
    /// Carried out; the connection ends after so many bytes of the answer, headers included.
    TruncateAfter(usize),
    /// Answered with this status (301, 302, 303, 307, 308) and place, not carried out.
    Redirect(u16, String),
    /// Never answered, not carried out; ends with the simulator.
    Hang,
    /// Carried out, never answered; ends with the simulator.
    HangAfter,
}

/// What happens to a whole HTTP connection, whatever is asked over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionFault {
    /// Ends as soon as it is accepted.
    CloseOnAccept,
    /// Ends after so many bytes were read from it: a request that arrives in part.
    CloseAfterReading(usize),
    /// Ends after so many bytes were written to it: an answer that arrives in part.
    CloseAfterWriting(usize),
    /// After this many bytes nothing more is read, and the connection stays open: a request that is stuck in transit.
    StallAfterReading(usize),
}

/// Where in an SMTP dialogue a fault takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpStep {
    /// Instead of the greeting.
    Greeting,
    /// At `EHLO` or `HELO`.
    Hello,
    /// At `AUTH`.
    Auth,
    /// At `MAIL FROM`.
    MailFrom,
    /// At `RCPT TO`.
    RcptTo,
    /// At `DATA`, before the mail.
    Data,
    /// After the mail's last line, instead of accepting it.
    EndOfData,
}

/// What happens at a step of an SMTP dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmtpFault {
    /// Answered with this code and text; the mail is not taken. 421 ends the connection as well.
    Code(u16, String),
    /// The connection ends; the mail is not taken.
    Close,
    /// At `EndOfData` the mail is taken, then the connection ends; at other steps like `Close`.
    CloseAfter,
    /// A pause, then all goes on.
    Delay(Duration),
    /// Never answered; ends with the simulator.
    Hang,
    /// At `EndOfData` the mail is taken, then never answered; at other steps like `Hang`.
    HangAfter,
}

/// One entry of a queue: for whom, what, and how often it still applies (`None`: always).
#[derive(Debug)]
pub(super) struct Entry<T, F> {
    pub(super) target: T,
    pub(super) fault: F,
    pub(super) left: Option<usize>,
}

/// Faults waiting for something that matches.
#[derive(Debug, Default)]
pub(super) struct FaultQueue {
    pub(super) http: Vec<Entry<Endpoint, Fault>>,
    pub(super) smtp: Vec<Entry<SmtpStep, SmtpFault>>,
    pub(super) connections: VecDeque<ConnectionFault>,
    pub(super) stalled: usize,
}

impl FaultQueue {
    /// The fault for a request, counted as used.
    pub(super) fn take_http(&mut self, endpoint: &Endpoint, method: &str, path: &str) -> Option<Fault> {
        take(&mut self.http, |target| target.covers(endpoint, method, path))
    }

    /// The fault for a step of an SMTP dialogue, counted as used.
    pub(super) fn take_smtp(&mut self, step: SmtpStep) -> Option<SmtpFault> {
        take(&mut self.smtp, |target| *target == step)
    }

    /// The fault for a connection that is being accepted.
    pub(super) fn take_connection(&mut self) -> Option<ConnectionFault> {
        self.connections.pop_front()
    }

    /// A connection stands still from now on.
    pub(super) fn record_stalled(&mut self) {
        self.stalled += 1;
    }
}

fn take<T, F: Clone>(queue: &mut Vec<Entry<T, F>>, matches: impl Fn(&T) -> bool) -> Option<F> {
    let index = queue.iter().position(|entry| matches(&entry.target))?;
    let entry = queue.get_mut(index)?;
    let fault = entry.fault.clone();
    if let Some(left) = &mut entry.left {
        *left = left.saturating_sub(1);
        if *left == 0 {
            queue.remove(index);
        }
    }
    Some(fault)
}

//! What the simulator saw of a run: it knows when each request came, whoever sent it.

use jiff::Timestamp;
use reply_router::simulator::{LoggedRequest, Simulator};
use std::time::Duration;

/// Requests by endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    pub(crate) list: usize,
    pub(crate) thread: usize,
    pub(crate) messages: usize,
    pub(crate) reply: usize,
    pub(crate) star: usize,
    pub(crate) read: usize,
    pub(crate) slack: usize,
}

impl Requests {
    fn add(&mut self, request: &LoggedRequest) {
        *match kind(request) {
            Kind::List => &mut self.list,
            Kind::Thread => &mut self.thread,
            Kind::Messages => &mut self.messages,
            Kind::Reply => &mut self.reply,
            Kind::Star => &mut self.star,
            Kind::Read => &mut self.read,
        } += 1;
    }

    /// Whether each of so many threads had its four actions.
    pub(crate) fn are_complete(&self, threads: usize) -> bool {
        [self.reply, self.star, self.read, self.slack].iter().all(|count| *count >= threads)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    List,
    Thread,
    Messages,
    Reply,
    Star,
    Read,
}

pub(crate) fn kind(request: &LoggedRequest) -> Kind {
    match request.path.rsplit('/').next() {
        Some("replies") => Kind::List,
        Some("messages") => Kind::Messages,
        Some("reply") => Kind::Reply,
        Some("star") => Kind::Star,
        Some("read") => Kind::Read,
        _ => Kind::Thread,
    }
}

/// Where in the simulator's logs a run begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    requests: usize,
    slack: usize,
}

impl Start {
    pub(crate) fn now(simulator: &Simulator) -> Self {
        Self { requests: simulator.workspace().inspect_requests(<[_]>::len), slack: simulator.received().slack_count() }
    }

    /// The requests since then.
    pub(crate) fn requests(self, simulator: &Simulator) -> Requests {
        let mut all = Requests { slack: simulator.received().slack_count() - self.slack, ..Requests::default() };
        self.inspect(simulator, |requests| requests.iter().for_each(|request| all.add(request)));
        all
    }

    pub(crate) fn inspect<T>(self, simulator: &Simulator, look: impl FnOnce(&[LoggedRequest]) -> T) -> T {
        simulator.workspace().inspect_requests(|requests| look(&requests[self.requests.min(requests.len())..]))
    }

    /// From the first list request to the response to the last of the actions.
    pub(crate) fn wall(self, simulator: &Simulator) -> Duration {
        let last_slack = simulator.slack().last().map(|message| message.at);
        self.inspect(simulator, |requests| {
            let first = requests.iter().find(|request| kind(request) == Kind::List).map(|request| request.at);
            let acts = requests.iter().filter(|request| matches!(kind(request), Kind::Reply | Kind::Star | Kind::Read));
            let last = acts.filter_map(|request| request.responded_at).max().max(last_slack);
            between(first.unwrap_or_default(), last.unwrap_or_default())
        })
    }

    /// Whether the last so many requests were polls: nothing is left to do.
    pub(crate) fn ends_with_polls(self, simulator: &Simulator, polls: usize) -> bool {
        self.inspect(simulator, |requests| {
            requests.len() >= polls && requests.iter().rev().take(polls).all(|request| kind(request) == Kind::List)
        })
    }
}

pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

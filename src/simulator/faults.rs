//! The handle by which tests make requests go wrong.

use super::fault::{ConnectionFault, Endpoint, Entry, Fault, FaultQueue, SmtpFault, SmtpStep};
use super::state::Shared;
use std::sync::Arc;

/// The handle that queues faults. The first queued entry that matches a request is used first; each request takes one.
#[derive(Debug, Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

impl Faults {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The next `count` requests of `endpoint` go wrong so.
    pub fn next(&self, endpoint: Endpoint, count: usize, fault: Fault) {
        if count > 0 {
            self.shared.write(|state| state.faults.http.push(Entry { target: endpoint, fault, left: Some(count) }));
        }
    }

    /// Every request of `endpoint` goes wrong so, until [`Faults::clear`].
    pub fn always(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.write(|state| state.faults.http.push(Entry { target: endpoint, fault, left: None }));
    }

    /// The next `count` SMTP dialogues that reach `step` go wrong so.
    pub fn smtp(&self, step: SmtpStep, count: usize, fault: SmtpFault) {
        if count > 0 {
            self.shared.write(|state| state.faults.smtp.push(Entry { target: step, fault, left: Some(count) }));
        }
    }

    /// The next `count` HTTP connections go wrong so. A client that keeps connections open uses fewer than it sends
    /// requests.
    pub fn connections(&self, count: usize, fault: ConnectionFault) {
        self.shared.write(|state| state.faults.connections.extend(std::iter::repeat_n(fault, count)));
    }

    /// All goes well again.
    pub fn clear(&self) {
        self.shared.write(|state| state.faults = FaultQueue::default());
    }

    /// How many queued entries are not used up; those for always count.
    pub fn pending(&self) -> usize {
        self.shared.read(|state| state.faults.http.len() + state.faults.smtp.len() + state.faults.connections.len())
    }

    /// How many connections stand still after [`ConnectionFault::StallAfterReading`] since the last [`Faults::clear`].
    pub fn stalled(&self) -> usize {
        self.shared.read(|state| state.faults.stalled)
    }
}

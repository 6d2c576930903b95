//! The arithmetic of the request budget: who may send when. Knows no clock and no task; every call is given `now`.
//!
//! A place is taken when a request is granted and given back one window after the request *ended*. The server counts it
//! somewhere in between, so that however slow the way there was, no rolling window of the server's sees too many.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// Who goes first when requests wait. Each leaves the last places of a window to those before it, and polls never take
/// more than half of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// A reply, or a read that a reply waits for.
    Reply,
    /// Any other write.
    Write,
    /// A read that a decision waits for.
    Read,
    /// Looking for something new.
    Poll,
}

/// How many requests ended within the last hour, by what they were for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Replies, and the reads that guard them.
    pub replies: u32,
    /// Other writes.
    pub writes: u32,
    /// Reads that decisions waited for.
    pub reads: u32,
    /// Looking for something new.
    pub polls: u32,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Two clocks never run quite alike: a place comes back this much later per minute of window.
const CLOCK_SKEW: Duration = Duration::from_millis(5);
/// How much of a window each kind of request may use, in hundredths. However many polls a hook asks for and however many
/// threads must be read, a reply has its place.
#[derive(Debug, Clone, Copy)]
struct Share {
    /// It goes only while less than this is used by all requests together.
    of_all: u32,
    /// It goes only while less than this is used by requests of its kind.
    of_its_kind: u32,
}

const fn share(priority: Priority) -> Share {
    match priority {
        Priority::Reply => Share { of_all: 100, of_its_kind: 100 },
        Priority::Write => Share { of_all: 95, of_its_kind: 100 },
        Priority::Read => Share { of_all: 80, of_its_kind: 100 },
        Priority::Poll => Share { of_all: 80, of_its_kind: 50 },
    }
}

/// That part of a limit, at least one place: a tiny limit works, too.
fn part(limit: u32, hundredths: u32) -> u32 {
    u32::try_from((u64::from(limit) * u64::from(hundredths)).div_ceil(100)).unwrap_or(limit).max(1)
}

/// Where another client uses the same key, reads and polls leave it and our replies so many places of what the API says is
/// left.
const KEPT_OF_CAP: u32 = 5;
/// The wait after a refusal that does not say how long, and the longest that is believed.
const DEFAULT_PAUSE: Duration = MINUTE;
const MAX_PAUSE: Duration = HOUR;

/// Another client's requests within this time are one occasion; this many within the longer time raise a warning.
const OCCASION: Duration = Duration::from_secs(5);
const OCCASIONS: usize = 5;
const OF_LATE: Duration = Duration::from_secs(15 * 60);

/// One rolling window.
#[derive(Debug)]
struct Window {
    limit: u32,
    length: Duration,
    /// When the requests that it counts ended, and what they were for.
    ended: VecDeque<(Instant, Priority)>,
}

impl Window {
    fn new(limit: u32, length: Duration) -> Self {
        let length = length + CLOCK_SKEW * (length.as_secs() / 60) as u32;
        Self { limit, length, ended: VecDeque::new() }
    }

    fn forget(&mut self, now: Instant) {
        while self.ended.front().is_some_and(|(ended, _)| *ended + self.length <= now) {
            self.ended.pop_front();
        }
    }

    fn left(&self, in_flight: u32) -> u32 {
        self.limit.saturating_sub(self.ended.len() as u32).saturating_sub(in_flight)
    }

    /// How long until a request of this priority can go behind `ahead` others. Places of requests in flight come back after
    /// a whole window at the earliest.
    fn wait(&self, in_flight: InFlight, ahead: u32, priority: Priority, now: Instant) -> Duration {
        let Share { of_all, of_its_kind } = share(priority);
        let all = (self.ended.len() as u32).saturating_add(in_flight.all).saturating_add(ahead).saturating_add(1);
        let excess = all.saturating_sub(part(self.limit, of_all));
        let mut wait = self.until_gone(excess, self.ended.iter().map(|(ended, _)| *ended), now);
        if of_its_kind < 100 {
            let mut own = self.ended.iter().filter(|(_, of)| *of == priority).map(|(ended, _)| *ended);
            let used = self.used_by(priority).saturating_add(in_flight.polls).saturating_add(1);
            let excess = used.saturating_sub(part(self.limit, of_its_kind));
            wait = wait.max(self.until_gone(excess, &mut own, now));
        }
        wait
    }

    /// How long until so many of the requests that ended are counted no more.
    fn until_gone(&self, count: u32, mut ended: impl Iterator<Item = Instant>, now: Instant) -> Duration {
        match count.checked_sub(1) {
            None => Duration::ZERO,
            Some(before) => match ended.nth(before as usize) {
                Some(ended) => (ended + self.length).saturating_duration_since(now),
                None => self.length,
            },
        }
    }

    fn used_by(&self, priority: Priority) -> u32 {
        self.ended.iter().filter(|(_, of)| *of == priority).count() as u32
    }
}

/// Requests that were granted and have not ended.
#[derive(Debug, Clone, Copy, Default)]
struct InFlight {
    all: u32,
    polls: u32,
}

/// What the API's headers say is left, when that is less than our own count: another client uses the key, too.
#[derive(Debug, Clone, Copy)]
struct ServerCap {
    left: u32,
    until: Instant,
    observed: Instant,
}

/// A request's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(Priority, u64);

/// What is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remaining {
    pub(super) minute: u32,
    pub(super) hour: u32,
    pub(super) blocked_until: Option<Instant>,
}

/// The budget of one API key.
#[derive(Debug)]
pub(super) struct Ledger {
    minute: Window,
    hour: Window,
    in_flight: InFlight,
    cap: Option<ServerCap>,
    blocked: Option<Instant>,
    refusals: u32,
    queue: BTreeSet<Ticket>,
    next: u64,
    /// How many requests were granted so far.
    granted: u64,
    /// The last response's headers.
    told: Option<Told>,
    /// When the API's count last fell by more than our requests.
    foreign: VecDeque<Instant>,
}

/// What a response said about the key's limit.
#[derive(Debug, Clone, Copy)]
struct Told {
    remaining: u32,
    limit: u32,
    at: Instant,
    /// How many requests were granted by then, without those that the API may not have counted.
    counted: u64,
}

impl Ledger {
    pub(super) fn new(per_minute: u32, per_hour: u32) -> Self {
        Self {
            minute: Window::new(per_minute, MINUTE),
            hour: Window::new(per_hour, HOUR),
            in_flight: InFlight::default(),
            cap: None,
            blocked: None,
            refusals: 0,
            queue: BTreeSet::new(),
            next: 0,
            granted: 0,
            told: None,
            foreign: VecDeque::new(),
        }
    }

    /// Queues a request. The ticket must end in [`Ledger::try_take`] or [`Ledger::leave`].
    pub(super) fn enqueue(&mut self, priority: Priority) -> Ticket {
        self.next += 1;
        let ticket = Ticket(priority, self.next);
        self.queue.insert(ticket);
        ticket
    }

    /// Takes the ticket's place if it is its turn, else says about how long that will be.
    pub(super) fn try_take(&mut self, ticket: Ticket, now: Instant) -> Result<(), Duration> {
        self.forget(now);
        let ahead = self.queue.range(..ticket).count() as u32;
        let wait = self.wait(ticket.0, ahead, now);
        if ahead > 0 || wait > Duration::ZERO {
            return Err(wait);
        }
        self.queue.remove(&ticket);
        self.granted += 1;
        self.in_flight.all += 1;
        self.in_flight.polls += u32::from(ticket.0 == Priority::Poll);
        if let Some(cap) = &mut self.cap {
            cap.left = cap.left.saturating_sub(1);
        }
        Ok(())
    }

    /// Takes the ticket out of the queue; says whether it was in it.
    pub(super) fn dequeue(&mut self, ticket: Ticket) -> bool {
        self.queue.remove(&ticket)
    }

    /// About how long a request of this priority would wait if it came now.
    pub(super) fn estimated_wait(&mut self, priority: Priority, now: Instant) -> Duration {
        self.forget(now);
        let ahead = self.queue.range(..=Ticket(priority, u64::MAX)).count() as u32;
        self.wait(priority, ahead, now)
    }

    /// A granted request has ended, answered or not.
    pub(super) fn finish(&mut self, priority: Priority, now: Instant) {
        self.landed(priority);
        self.minute.ended.push_back((now, priority));
        self.hour.ended.push_back((now, priority));
    }

    /// What the requests of the last hour were for.
    pub(super) fn usage(&mut self, now: Instant) -> Usage {
        self.forget(now);
        let mut spent = Usage::default();
        for (_, priority) in &self.hour.ended {
            let count = match priority {
                Priority::Reply => &mut spent.replies,
                Priority::Write => &mut spent.writes,
                Priority::Read => &mut spent.reads,
                Priority::Poll => &mut spent.polls,
            };
            *count += 1;
        }
        spent
    }

    /// A granted request surely never reached the API.
    pub(super) fn refund(&mut self, priority: Priority) {
        self.landed(priority);
        if let Some(cap) = &mut self.cap {
            cap.left = cap.left.saturating_add(1);
        }
    }

    fn landed(&mut self, priority: Priority) {
        self.in_flight.all = self.in_flight.all.saturating_sub(1);
        self.in_flight.polls = self.in_flight.polls.saturating_sub(u32::from(priority == Priority::Poll));
    }

    /// How long to leave between two polls, so that their share of the hour lasts however often one is asked for: nothing
    /// while half of it is left, then longer the less is left.
    pub(super) fn poll_rest(&mut self, now: Instant) -> Duration {
        self.forget(now);
        let share = part(self.hour.limit, share(Priority::Poll).of_its_kind);
        let left = share.saturating_sub(self.hour.used_by(Priority::Poll)).max(1);
        if left > share / 2 { Duration::ZERO } else { HOUR / left.saturating_mul(2) }
    }

    /// What the answer to a request that is still counted as in flight, and was granted at `granted`, says is left for
    /// the next `reset`.
    pub(super) fn observe(&mut self, remaining: u32, reset: Duration, granted: Instant, now: Instant) {
        self.forget(now);
        // Requests that travel right now may not be in the server's count yet.
        let left = remaining.saturating_sub(self.in_flight.all.saturating_sub(1));
        let new = ServerCap { left, until: now + reset.min(MAX_PAUSE), observed: now };
        match self.cap {
            // Answers overtake each other: only one to a later request may raise what an earlier one said.
            Some(old) if granted < old.observed && old.left <= new.left => {}
            _ => {
                let believed = self.minute.left(self.in_flight.all).min(self.hour.left(self.in_flight.all));
                self.cap = (left < believed).then_some(new);
            }
        }
    }

    /// Compares what two answers in a row say is left of the same limit, the latest to a request that is still counted as
    /// in flight and was granted at `granted`. A drop that our own requests cannot explain is another client's use. A window
    /// that starts over only rises, and after a restart there is nothing to compare with. Whether another client was seen.
    pub(super) fn compare(&mut self, remaining: u32, limit: u32, granted: Instant, now: Instant) -> bool {
        let mut is_foreign = false;
        if let Some(told) = self.told {
            // Responses overtake each other: an earlier one says nothing about later requests.
            if granted < told.at && told.limit == limit && remaining >= told.remaining {
                return false;
            }
            let own = self.granted - told.counted;
            let fall = u64::from(told.remaining.saturating_sub(remaining));
            let is_news = self.foreign.back().is_none_or(|last| now.duration_since(*last) >= OCCASION);
            is_foreign = told.limit == limit && fall > own;
            if is_foreign && is_news {
                self.foreign.push_back(now);
            }
        }
        let in_flight = u64::from(self.in_flight.all.saturating_sub(1));
        self.told = Some(Told { remaining, limit, at: now, counted: self.granted.saturating_sub(in_flight) });
        is_foreign
    }

    /// Whether another client has used the key on several recent occasions.
    pub(super) fn has_foreign_use(&mut self, now: Instant) -> bool {
        while self.foreign.front().is_some_and(|at| now.duration_since(*at) > OF_LATE) {
            self.foreign.pop_front();
        }
        self.foreign.len() >= OCCASIONS
    }

    /// The API rejected a request for its limit (429); returns how long to pause. `told` is the pause it asked for.
    pub(super) fn on_429(&mut self, told: Option<Duration>, now: Instant) -> Duration {
        // An answer that says "at once" again and again must not make a hot loop.
        let floor = Duration::from_secs(1 << self.refusals.min(6)).min(DEFAULT_PAUSE);
        self.refusals = self.refusals.saturating_add(1);
        let pause = told.unwrap_or(DEFAULT_PAUSE).clamp(floor, MAX_PAUSE);
        let until = self.blocked.map_or(now + pause, |blocked| blocked.max(now + pause));
        self.blocked = Some(until);
        until.saturating_duration_since(now)
    }

    /// The API took a request, so its limit is not used up.
    pub(super) fn on_success(&mut self) {
        self.refusals = 0;
    }

    /// Changes what a minute and an hour allow; what they have counted stays.
    pub(super) fn set_limits(&mut self, per_minute: u32, per_hour: u32) {
        (self.minute.limit, self.hour.limit) = (per_minute, per_hour);
    }

    /// What a minute and an hour allow.
    pub(super) fn limits(&self) -> (u32, u32) {
        (self.minute.limit, self.hour.limit)
    }

    pub(super) fn left(&mut self, now: Instant) -> Remaining {
        self.forget(now);
        let mut left = Remaining {
            minute: self.minute.left(self.in_flight.all),
            hour: self.hour.left(self.in_flight.all),
            blocked_until: self.blocked,
        };
        if let Some(cap) = self.cap {
            left.minute = left.minute.min(cap.left);
            if cap.until.saturating_duration_since(now) > MINUTE + Duration::from_secs(2) {
                left.hour = left.hour.min(cap.left);
            }
            if cap.left == 0 {
                left.blocked_until = Some(left.blocked_until.map_or(cap.until, |until| until.max(cap.until)));
            }
        }
        left
    }

    fn forget(&mut self, now: Instant) {
        self.minute.forget(now);
        self.hour.forget(now);
        self.cap = self.cap.filter(|cap| now < cap.until);
        self.blocked = self.blocked.filter(|until| now < *until);
    }

    fn wait(&self, priority: Priority, ahead: u32, now: Instant) -> Duration {
        let mut wait = self.minute.wait(self.in_flight, ahead, priority, now);
        wait = wait.max(self.hour.wait(self.in_flight, ahead, priority, now));
        if let Some(until) = self.blocked {
            wait = wait.max(until.saturating_duration_since(now));
        }
        if let Some(cap) = self.cap {
            let kept = if priority <= Priority::Write { 0 } else { KEPT_OF_CAP.min(self.minute.limit / 4) };
            if cap.left < ahead.saturating_add(1).saturating_add(kept) {
                wait = wait.max(cap.until.saturating_duration_since(now));
            }
        }
        wait
    }
}

#[cfg(test)]
mod tests;

//! The arithmetic of the request budget: who may send when. Knows no clock and no task; every call is given `now`.
//!
//! A place is taken when a request is granted and given back one window after the request *ended*. The server counts it
//! somewhere in between, so that however slow the way there was, no rolling window of the server's sees too many.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// Who goes first when requests wait. Reads and polls leave the last places of a window to replies and writes.
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
pub struct Spent {
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
const SLACK: Duration = Duration::from_millis(5);
/// Places that only replies and writes may take, where the limit is large enough to spare them.
const MINUTE_RESERVE: u32 = 5;
const HOUR_RESERVE: u32 = 20;
/// The wait after a refusal that does not say how long, and the longest that is believed.
const DEFAULT_PAUSE: Duration = MINUTE;
const LONGEST_PAUSE: Duration = HOUR;

/// Somebody else's requests within this time are one occasion; so many of them within the longer time are told.
const OCCASION: Duration = Duration::from_secs(5);
const OCCASIONS: usize = 5;
const OF_LATE: Duration = Duration::from_secs(15 * 60);

/// One rolling window.
#[derive(Debug)]
struct Window {
    limit: u32,
    reserve: u32,
    length: Duration,
    ended: VecDeque<Instant>,
}

impl Window {
    fn new(limit: u32, reserve: u32, length: Duration) -> Self {
        let length = length + SLACK * (length.as_secs() / 60) as u32;
        Self { limit, reserve: reserve.min(limit / 4), length, ended: VecDeque::new() }
    }

    fn forget(&mut self, now: Instant) {
        while self.ended.front().is_some_and(|ended| *ended + self.length <= now) {
            self.ended.pop_front();
        }
    }

    fn left(&self, in_flight: u32) -> u32 {
        self.limit.saturating_sub(self.ended.len() as u32).saturating_sub(in_flight)
    }

    /// How long until `places` more can be taken. Those of requests in flight come back after a whole window at the
    /// earliest.
    fn wait(&self, in_flight: u32, places: u32, reserved: bool, now: Instant) -> Duration {
        let allowed = self.limit - if reserved { 0 } else { self.reserve };
        let wanted = (self.ended.len() as u32).saturating_add(in_flight).saturating_add(places);
        match wanted.checked_sub(allowed) {
            None | Some(0) => Duration::ZERO,
            Some(excess) => match self.ended.get(excess as usize - 1) {
                Some(ended) => (*ended + self.length).saturating_duration_since(now),
                None => self.length,
            },
        }
    }
}

/// What the API's headers say is left, when that is less than what we believe: somebody else uses the key too.
#[derive(Debug, Clone, Copy)]
struct Cap {
    left: u32,
    until: Instant,
    observed: Instant,
}

/// A request's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(Priority, u64);

/// What is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) minute: u32,
    pub(super) hour: u32,
    pub(super) blocked_until: Option<Instant>,
}

/// The budget of one API key.
#[derive(Debug)]
pub(super) struct Ledger {
    minute: Window,
    hour: Window,
    in_flight: u32,
    cap: Option<Cap>,
    blocked: Option<Instant>,
    refusals: u32,
    queue: BTreeSet<Ticket>,
    next: u64,
    /// What the requests that the hour counts were for, in their order.
    purposes: VecDeque<Priority>,
    /// How many requests were granted so far.
    granted: u64,
    /// What the last answer told.
    told: Option<Told>,
    /// When the API's count last fell by more than our requests.
    foreign: VecDeque<Instant>,
}

/// What an answer told of the key's limit.
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
            minute: Window::new(per_minute, MINUTE_RESERVE, MINUTE),
            hour: Window::new(per_hour, HOUR_RESERVE, HOUR),
            in_flight: 0,
            cap: None,
            blocked: None,
            refusals: 0,
            queue: BTreeSet::new(),
            next: 0,
            purposes: VecDeque::new(),
            granted: 0,
            told: None,
            foreign: VecDeque::new(),
        }
    }

    /// Queues a request. The ticket must end in [`Ledger::try_take`] or [`Ledger::leave`].
    pub(super) fn enter(&mut self, priority: Priority) -> Ticket {
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
        self.in_flight += 1;
        self.granted += 1;
        if let Some(cap) = &mut self.cap {
            cap.left = cap.left.saturating_sub(1);
        }
        Ok(())
    }

    /// Takes the ticket out of the queue; says whether it was in it.
    pub(super) fn leave(&mut self, ticket: Ticket) -> bool {
        self.queue.remove(&ticket)
    }

    /// About how long a request of this priority would wait if it came now.
    pub(super) fn would_wait(&mut self, priority: Priority, now: Instant) -> Duration {
        self.forget(now);
        let ahead = self.queue.range(..=Ticket(priority, u64::MAX)).count() as u32;
        self.wait(priority, ahead, now)
    }

    /// A granted request has ended, answered or not.
    pub(super) fn ended(&mut self, priority: Priority, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.minute.ended.push_back(now);
        self.hour.ended.push_back(now);
        self.purposes.push_back(priority);
    }

    /// What the requests of the last hour were for.
    pub(super) fn spent(&mut self, now: Instant) -> Spent {
        self.forget(now);
        let mut spent = Spent::default();
        for priority in &self.purposes {
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
    pub(super) fn never_left(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(cap) = &mut self.cap {
            cap.left = cap.left.saturating_add(1);
        }
    }

    /// What the answer to a request that is still counted as in flight, and was granted at `granted`, says is left for
    /// the next `reset`.
    pub(super) fn observe(&mut self, remaining: u32, reset: Duration, granted: Instant, now: Instant) {
        self.forget(now);
        // Requests that travel right now may not be in the server's count yet.
        let left = remaining.saturating_sub(self.in_flight.saturating_sub(1));
        let new = Cap { left, until: now + reset.min(LONGEST_PAUSE), observed: now };
        match self.cap {
            // Answers overtake each other: only one to a later request may raise what an earlier one said.
            Some(old) if granted < old.observed && old.left <= new.left => {}
            _ => {
                let believed = self.minute.left(self.in_flight).min(self.hour.left(self.in_flight));
                self.cap = (left < believed).then_some(new);
            }
        }
    }

    /// Compares what two answers in a row say is left of the same limit, the latest to a request that is still counted as
    /// in flight and was granted at `granted`. A fall that our own requests cannot explain is somebody else's use. A window
    /// that begins anew only rises, and a restart has nothing to compare with.
    pub(super) fn compare(&mut self, remaining: u32, limit: u32, granted: Instant, now: Instant) {
        if let Some(told) = self.told {
            // Answers overtake each other: an earlier one tells nothing of what came since.
            if granted < told.at && told.limit == limit && remaining >= told.remaining {
                return;
            }
            let own = self.granted - told.counted;
            let fall = u64::from(told.remaining.saturating_sub(remaining));
            let is_news = self.foreign.back().is_none_or(|last| now.duration_since(*last) >= OCCASION);
            if told.limit == limit && fall > own && is_news {
                self.foreign.push_back(now);
            }
        }
        let in_flight = u64::from(self.in_flight.saturating_sub(1));
        self.told = Some(Told { remaining, limit, at: now, counted: self.granted.saturating_sub(in_flight) });
    }

    /// Whether somebody else has used the key on several occasions of late.
    pub(super) fn has_foreign_use(&mut self, now: Instant) -> bool {
        while self.foreign.front().is_some_and(|at| now.duration_since(*at) > OF_LATE) {
            self.foreign.pop_front();
        }
        self.foreign.len() >= OCCASIONS
    }

    /// The API refused a request for its limit (429); returns how long nothing may go. `told` is what it said of that.
    pub(super) fn refused(&mut self, told: Option<Duration>, now: Instant) -> Duration {
        // An answer that says "at once" again and again must not make a hot loop.
        let floor = Duration::from_secs(1 << self.refusals.min(6)).min(DEFAULT_PAUSE);
        self.refusals = self.refusals.saturating_add(1);
        let pause = told.unwrap_or(DEFAULT_PAUSE).clamp(floor, LONGEST_PAUSE);
        let until = self.blocked.map_or(now + pause, |blocked| blocked.max(now + pause));
        self.blocked = Some(until);
        until.saturating_duration_since(now)
    }

    /// The API took a request, so its limit is not used up.
    pub(super) fn accepted(&mut self) {
        self.refusals = 0;
    }

    /// What a minute and an hour allow.
    pub(super) fn limits(&self) -> (u32, u32) {
        (self.minute.limit, self.hour.limit)
    }

    pub(super) fn left(&mut self, now: Instant) -> Left {
        self.forget(now);
        let mut left = Left {
            minute: self.minute.left(self.in_flight),
            hour: self.hour.left(self.in_flight),
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
        let gone = self.purposes.len().saturating_sub(self.hour.ended.len());
        self.purposes.drain(..gone);
        self.cap = self.cap.filter(|cap| now < cap.until);
        self.blocked = self.blocked.filter(|until| now < *until);
    }

    fn wait(&self, priority: Priority, ahead: u32, now: Instant) -> Duration {
        let reserved = priority <= Priority::Write;
        let places = ahead.saturating_add(1);
        let mut wait = self.minute.wait(self.in_flight, places, reserved, now);
        wait = wait.max(self.hour.wait(self.in_flight, places, reserved, now));
        if let Some(until) = self.blocked {
            wait = wait.max(until.saturating_duration_since(now));
        }
        if let Some(cap) = self.cap {
            let kept = if reserved { 0 } else { self.minute.reserve };
            if cap.left < places.saturating_add(kept) {
                wait = wait.max(cap.until.saturating_duration_since(now));
            }
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn take(ledger: &mut Ledger, priority: Priority, now: Instant) -> Result<(), Duration> {
        let ticket = ledger.enter(priority);
        let taken = ledger.try_take(ticket, now);
        ledger.leave(ticket);
        taken
    }

    /// As many requests as the ledger lets go, for `hours`; each is counted by the server at a moment of its choice
    /// between leaving and being answered.
    #[test]
    fn no_rolling_window_of_the_server_sees_too_many() {
        for (step, travel) in [(7, 0), (90, 40), (130, 900), (311, 20_000)] {
            let (start, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
            let (mut now, mut seed) = (start, 1_u64);
            let mut flying: VecDeque<Instant> = VecDeque::new();
            let mut counted: Vec<Instant> = Vec::new();
            while now < start + 2 * HOUR + 10 * MINUTE {
                while flying.front().is_some_and(|lands| *lands <= now) {
                    let lands = flying.pop_front().unwrap();
                    ledger.ended(Priority::Poll, lands);
                }
                // In between a full burst, now and then a pause.
                while take(&mut ledger, Priority::Reply, now).is_ok() {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let counts = if travel == 0 { 0 } else { (seed >> 33) % travel };
                    counted.push(now + Duration::from_millis(counts));
                    flying.push_back(now + Duration::from_millis(travel));
                }
                now += Duration::from_millis(step);
            }
            counted.sort();
            for (limit, window) in [(100, MINUTE), (1000, HOUR)] {
                for pair in counted.windows(limit + 1) {
                    let span = pair[limit].duration_since(pair[0]);
                    assert!(span > window, "{limit} in {span:?} with {travel} ms on the way");
                }
            }
            assert!(counted.len() >= 2000, "the limit is used: {} at {travel} ms", counted.len());
        }
    }

    /// One request and what its answer tells; `others` were counted for somebody else before it.
    fn answered(ledger: &mut Ledger, left: &mut u32, limit: u32, others: u32, now: Instant) {
        take(ledger, Priority::Poll, now).unwrap();
        *left = left.saturating_sub(others + 1);
        ledger.compare(*left, limit, now, now);
        ledger.ended(Priority::Poll, now);
    }

    #[test]
    fn a_limit_that_falls_faster_than_we_use_it_is_told_after_several_occasions() {
        let (start, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
        let mut left = 1000;
        for occasion in 0..5 {
            let now = start + 30 * SECOND * occasion;
            assert!(!ledger.has_foreign_use(now), "{occasion} occasions");
            answered(&mut ledger, &mut left, 1000, 0, now);
            answered(&mut ledger, &mut left, 1000, 2, now + SECOND);
        }
        assert!(ledger.has_foreign_use(start + 130 * SECOND));
        assert!(!ledger.has_foreign_use(start + HOUR), "it has ended");
    }

    #[test]
    fn our_own_requests_a_new_window_and_answers_that_overtake_each_other_are_nobody_elses_use() {
        let (start, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
        let mut left = 100;
        for round in 0..30 {
            let now = start + 10 * SECOND * round;
            // A window begins anew, or the API tells of the other one.
            left = if round % 3 == 0 { 100 } else { left };
            answered(&mut ledger, &mut left, if round % 7 == 0 { 1000 } else { 100 }, 0, now);
            // Two on the way at once, answered in the other order, and one whose answer is lost.
            let granted = [now + SECOND, now + 2 * SECOND, now + 3 * SECOND];
            for at in granted {
                take(&mut ledger, Priority::Poll, at).unwrap();
            }
            left -= 3;
            let later = now + 4 * SECOND;
            ledger.compare(left, 100, granted[2], later);
            ledger.ended(Priority::Poll, later);
            ledger.compare(left + 2, 100, granted[0], later);
            ledger.ended(Priority::Poll, later);
            ledger.ended(Priority::Poll, later);
            assert!(!ledger.has_foreign_use(later), "round {round}");
        }
    }

    #[test]
    fn replies_go_before_writes_before_reads_before_polls() {
        let (now, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
        ledger.refused(None, now);
        let order = [Priority::Poll, Priority::Read, Priority::Write, Priority::Reply, Priority::Reply];
        let mut tickets: Vec<_> = order.iter().map(|priority| ledger.enter(*priority)).collect();
        let later = now + DEFAULT_PAUSE;
        assert!(tickets.iter().all(|ticket| ledger.try_take(*ticket, now).is_err()));
        tickets.sort();
        for (index, ticket) in tickets.iter().enumerate() {
            assert!(tickets[index + 1..].iter().all(|other| ledger.try_take(*other, later).is_err()));
            assert_eq!(ledger.try_take(*ticket, later), Ok(()), "{ticket:?}");
        }
        assert_eq!(ledger.left(later).minute, 95);
    }

    #[test]
    fn the_reserve_is_for_writes_and_small_limits_have_none() {
        for (limit, polls) in [(100, 95), (8, 6), (3, 3), (1, 1)] {
            let (now, mut ledger) = (Instant::now(), Ledger::new(limit, 1000));
            assert_eq!((0..200).filter(|_| take(&mut ledger, Priority::Poll, now).is_ok()).count(), polls);
            let writes = (0..200).filter(|_| take(&mut ledger, Priority::Write, now).is_ok()).count();
            assert_eq!(writes, limit as usize - polls);
        }
    }

    #[test]
    fn what_the_hour_was_spent_on_is_forgotten_with_it() {
        let (now, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
        for (at, priority) in
            [(0, Priority::Poll), (1, Priority::Reply), (1_800, Priority::Write), (1_801, Priority::Read)]
        {
            let at = now + at * SECOND;
            assert!(take(&mut ledger, priority, at).is_ok());
            ledger.ended(priority, at);
        }
        let spent = |ledger: &mut Ledger, at| {
            let Spent { replies, writes, reads, polls } = ledger.spent(now + at * SECOND);
            [replies, writes, reads, polls]
        };
        assert_eq!(spent(&mut ledger, 1_801), [1, 1, 1, 1]);
        assert_eq!(spent(&mut ledger, 3_700), [0, 1, 1, 0]);
        assert_eq!(spent(&mut ledger, 7_300), [0; 4]);
    }

    #[test]
    fn a_place_that_was_not_used_comes_back() {
        let (now, mut ledger) = (Instant::now(), Ledger::new(1, 1000));
        assert!(take(&mut ledger, Priority::Reply, now).is_ok());
        assert!(take(&mut ledger, Priority::Reply, now).is_err());
        ledger.never_left();
        assert!(take(&mut ledger, Priority::Reply, now).is_ok());
        ledger.ended(Priority::Poll, now + SECOND);
        assert!(take(&mut ledger, Priority::Reply, now + MINUTE).is_err());
        assert!(take(&mut ledger, Priority::Reply, now + MINUTE + 2 * SECOND).is_ok());
    }

    #[test]
    fn headers_count_until_reset_and_answers_may_overtake_each_other() {
        let (now, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
        assert!(take(&mut ledger, Priority::Reply, now).is_ok());
        assert!(take(&mut ledger, Priority::Reply, now).is_ok());
        // Ten left, and one of ours may not be among those counted.
        ledger.observe(10, 30 * SECOND, now, now + SECOND);
        ledger.ended(Priority::Poll, now + SECOND);
        assert_eq!(ledger.left(now + SECOND).minute, 9);
        // The other one's answer was on its way longer: it raises nothing.
        ledger.observe(50, 30 * SECOND, now, now + 2 * SECOND);
        ledger.ended(Priority::Poll, now + 2 * SECOND);
        assert_eq!(ledger.left(now + 2 * SECOND).minute, 9);
        for _ in 0..9 {
            assert!(take(&mut ledger, Priority::Reply, now + 3 * SECOND).is_ok());
        }
        assert_eq!(take(&mut ledger, Priority::Reply, now + 3 * SECOND), Err(28 * SECOND));
        assert!(take(&mut ledger, Priority::Reply, now + 31 * SECOND).is_ok());
    }

    #[test]
    fn refusals_never_make_a_hot_loop() {
        let (mut now, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
        let pauses: Vec<_> = (0..8)
            .map(|_| {
                let pause = ledger.refused(Some(Duration::ZERO), now);
                now += pause;
                pause.as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        ledger.accepted();
        assert_eq!(ledger.refused(None, now), MINUTE);
        assert_eq!(ledger.refused(Some(9 * HOUR), now), HOUR);
    }
}

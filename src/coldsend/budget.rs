//! Waiting for a place in the request budget.

use super::key_use::{KeyUse, Mark};
use super::ledger::{Ledger, Priority, Remaining, Ticket, Usage};
use super::rate_limit_headers::RateLimitHeaders;
use super::shared_budget::{SharedBudget, SharedPlaces};
use jiff::Timestamp;
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

/// What is left of the API key's budget, as we and the API's headers count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests that the key allows in a rolling minute.
    pub per_minute: u32,
    /// Requests that the key allows in a rolling hour.
    pub per_hour: u32,
    /// Requests left in the rolling minute.
    pub minute_left: u32,
    /// Requests left in the rolling hour.
    pub hour_left: u32,
    /// What our own requests of the last hour were for.
    pub spent: Usage,
    /// Until when nothing may be sent, because the API said so.
    pub blocked_until: Option<Timestamp>,
    /// Whether the API's count falls faster than our requests: another client uses the key.
    pub foreign_use: bool,
}

/// Shorter waits are not logged.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// The budget of one API key and those who wait for it.
#[derive(Debug)]
pub(super) struct RateLimiter {
    ledger: Mutex<Ledger>,
    key_use: Mutex<KeyUse>,
    changed: Notify,
    /// Where the key is used by other processes of ours, too.
    shared: OnceLock<SharedPlaces>,
}

impl RateLimiter {
    pub(super) fn new(per_minute: u32, per_hour: u32) -> Arc<Self> {
        let ledger = Mutex::new(Ledger::new(per_minute, per_hour));
        Arc::new(Self { ledger, key_use: Mutex::default(), changed: Notify::new(), shared: OnceLock::new() })
    }

    /// Allows so many requests from now on. What was spent stays spent.
    pub(super) fn set_limits(&self, per_minute: u32, per_hour: u32) {
        self.ledger().set_limits(per_minute, per_hour);
        self.changed.notify_waiters();
    }

    // No code can panic while it holds the lock, and a count is right at every step.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key_use(&self) -> MutexGuard<'_, KeyUse> {
        self.key_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the API's counts prove that nobody else uses the key.
    pub(super) fn is_alone(&self) -> bool {
        self.key_use().is_alone()
    }

    /// From here on places are taken where other processes take theirs, too. Once.
    pub(super) fn share(&self, budget: Arc<dyn SharedBudget>, key: &str) {
        let places = SharedPlaces::new(budget, key.to_owned());
        // A client is shared before it sends anything, and by one caller.
        let _ = self.shared.set(places);
    }

    /// Waits for a place, at most for `max_wait`. The error says about how long it would take instead; when that is
    /// known to be more than `max_wait`, it comes at once. Dropping the future gives the place in the queue up.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        priority: Priority,
        max_wait: Option<Duration>,
    ) -> Result<Permit, Duration> {
        let deadline = max_wait.and_then(|wait| Instant::now().checked_add(wait));
        loop {
            let permit = self.acquire_own(priority, deadline).await?;
            let Some(shared) = self.shared.get() else { return Ok(permit) };
            let limits = self.ledger().limits();
            let Err(wait) = shared.take(limits).await else { return Ok(permit) };
            drop(permit);
            let until = Instant::now() + wait;
            if deadline.is_some_and(|deadline| until > deadline) {
                return Err(wait);
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// As [`RateLimiter::acquire`], as far as this process counts.
    async fn acquire_own(self: &Arc<Self>, priority: Priority, deadline: Option<Instant>) -> Result<Permit, Duration> {
        let mut told = false;
        let waiting = QueuedRequest { gate: self, ticket: self.ledger().enqueue(priority) };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let now = Instant::now();
            let taken = self.ledger().try_take(waiting.ticket, now);
            let wait = match taken {
                Ok(()) => {
                    // Whoever is first in the queue now may have a place as well.
                    self.changed.notify_waiters();
                    return Ok(Permit { gate: Arc::clone(self), granted: now, priority, sent: None });
                }
                Err(wait) => wait,
            };
            if deadline.is_some_and(|deadline| now >= deadline || now + wait > deadline) {
                return Err(wait.max(Duration::from_millis(1)));
            }
            if wait >= WORTH_TELLING && !told {
                told = true;
                let seconds = wait.as_secs();
                tracing::info!(target: "reply_router::budget", seconds, "waiting for a place in the API's request budget");
            }
            // A wait of zero means that others stand before: they tell when they are gone.
            let until = match (wait.is_zero(), deadline) {
                (true, Some(deadline)) => deadline,
                (true, None) => now + Duration::from_secs(60),
                (false, _) => now + wait,
            };
            let _ = timeout_at(until, changed).await;
        }
    }

    pub(super) fn estimated_wait(&self, priority: Priority) -> Duration {
        self.ledger().estimated_wait(priority, Instant::now())
    }

    pub(super) fn poll_rest(&self) -> Duration {
        self.ledger().poll_rest(Instant::now())
    }

    pub(super) fn left(&self) -> Remaining {
        self.ledger().left(Instant::now())
    }

    pub(super) fn budget(&self) -> Budget {
        let now = Instant::now();
        let (left, (per_minute, per_hour), spent, foreign_use) = {
            let mut ledger = self.ledger();
            (ledger.left(now), ledger.limits(), ledger.usage(now), ledger.has_foreign_use(now))
        };
        let blocked_until = left
            .blocked_until
            .and_then(|until| Timestamp::now().checked_add(until.saturating_duration_since(now)).ok());
        Budget {
            per_minute,
            per_hour,
            minute_left: left.minute,
            hour_left: left.hour,
            spent,
            blocked_until,
            foreign_use,
        }
    }
}

/// A queued request; dropping it leaves the queue.
struct QueuedRequest<'a> {
    gate: &'a RateLimiter,
    ticket: Ticket,
}

impl Drop for QueuedRequest<'_> {
    fn drop(&mut self) {
        if self.gate.ledger().dequeue(self.ticket) {
            self.gate.changed.notify_waiters();
        }
    }
}

/// The right to send one request. Dropped, it counts the request as ended now if it was sent, and costs nothing else.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<RateLimiter>,
    granted: Instant,
    priority: Priority,
    /// Its mark, and whether a response has told when the server counted it; `None` before the first byte leaves.
    sent: Option<(Mark, bool)>,
}

impl Permit {
    /// To be called before the first byte leaves.
    pub(super) fn mark_sent(&mut self) {
        self.sent = Some((self.gate.key_use().begin(Instant::now()), false));
    }

    /// The request surely never reached the API.
    pub(super) fn refund(mut self) {
        if self.sent.take().is_some() {
            self.gate.key_use().end();
        }
    }

    /// What the answer's headers say; `refused` for a 429. Returns how long nothing may go then.
    pub(super) fn on_response(&mut self, limits: &RateLimitHeaders, refused: bool) -> Option<Duration> {
        let now = Instant::now();
        if let (Some((mark, is_counted)), false) = (&mut self.sent, refused) {
            *is_counted = self.gate.key_use().observe(*mark, limits, now);
        }
        let mut is_foreign = false;
        let mut ledger = self.gate.ledger();
        let pause = if refused {
            Some(ledger.on_429(limits.retry_after.or(limits.reset), now))
        } else {
            ledger.on_success();
            None
        };
        if let (Some(remaining), Some(reset)) = (limits.remaining, limits.reset) {
            ledger.observe(remaining, reset, self.granted, now);
        }
        if let (Some(remaining), Some(limit)) = (limits.remaining, limits.limit) {
            is_foreign = ledger.compare(remaining, limit, self.granted, now);
        }
        drop(ledger);
        if is_foreign {
            self.gate.key_use().record_foreign();
        }
        pause
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        match self.sent {
            Some((_, is_counted)) => {
                self.gate.ledger().finish(self.priority, Instant::now());
                if !is_counted {
                    self.gate.key_use().end_unsure();
                }
            }
            None => self.gate.ledger().refund(self.priority),
        }
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn a_waiter_that_gives_up_leaves_no_place_taken() {
        let gate = RateLimiter::new(1, 1000);
        let permit = gate.acquire(Priority::Reply, None).await.unwrap();
        let mut first = Box::pin(gate.acquire(Priority::Reply, None));
        let mut second = Box::pin(gate.acquire(Priority::Poll, None));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        // The permit was never used: free it and wake the queue.
        drop(permit);
        assert!(second.await.is_ok());
        assert_eq!(gate.left().minute, 1);
    }

    #[tokio::test]
    async fn a_place_that_comes_free_wakes_the_best_of_many() {
        let gate = RateLimiter::new(1, 1000);
        let permit = gate.acquire(Priority::Reply, None).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for priority in [Priority::Poll, Priority::Read, Priority::Reply, Priority::Write] {
            let (gate, order) = (Arc::clone(&gate), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let permit = gate.acquire(priority, None).await.unwrap();
                order.lock().unwrap().push(priority);
                drop(permit);
            }));
        }
        // One thread: after this every task waits.
        tokio::task::yield_now().await;
        drop(permit);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [Priority::Reply, Priority::Write, Priority::Read, Priority::Poll]);
    }

    #[tokio::test]
    async fn who_will_not_wait_is_told_how_long_it_would_take() {
        let gate = RateLimiter::new(1, 1000);
        let mut permit = gate.acquire(Priority::Reply, None).await.unwrap();
        permit.mark_sent();
        drop(permit);
        let wait = gate.acquire(Priority::Reply, Some(Duration::from_secs(5))).await.unwrap_err();
        assert!(wait > Duration::from_secs(50) && wait < Duration::from_secs(61), "{wait:?}");
        assert!(gate.estimated_wait(Priority::Reply) > Duration::from_secs(50));
    }
}

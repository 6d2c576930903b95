//! Whether somebody else uses the API key: what the server counts, compared with what we have sent. Knows no clock; times
//! are the server's own `Date`, in seconds, or given with each call.
//!
//! Every response says how many requests of a window are left, so how many the server has counted, whoever sent them.
//! If that is exactly what we have sent, nobody else has used the key in that window. Whether windows roll or begin at
//! fixed times is not documented: a count proves something only if it does so either way. Whoever polls the same list at
//! the usual pace leaves two requests in each minute.

use super::rate_limit_headers::RateLimitHeaders;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// Requests are remembered for the longest window, and a little more.
const REMEMBERED: i64 = 3_700;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
/// Counts that prove that nobody else was there must be so many, and span so much time.
const PROOFS: u32 = 3;
const PROVEN_FOR: i64 = 60;
/// The last of them may be so old: while much runs at once, nothing is proven.
const PROOF_LASTS: i64 = 600;
/// After somebody else was seen, nothing is believed for so long.
const FOREIGN_LASTS: i64 = 3_600;

/// What is known of who uses the key.
#[derive(Debug, Default)]
pub(super) struct KeyUse {
    /// When our answered requests were counted, in order: at that second, or a moment before it.
    own: VecDeque<i64>,
    /// When the same were granted, in order, by a clock that is finer.
    own_granted: VecDeque<Instant>,
    /// About when requests ended that the server may have counted, or not.
    unsure: VecDeque<i64>,
    /// The first and the latest response.
    first: Option<i64>,
    latest: i64,
    in_flight: u32,
    granted: u64,
    /// The smallest and the largest limit that a response has named.
    limits: Option<(u32, u32)>,
    /// How many counts in a row were proofs, and when the first and the last of them was.
    proofs: u32,
    proven: Option<(i64, i64)>,
    /// When somebody else was last seen.
    foreign: Option<i64>,
}

/// One request, from its grant to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    number: u64,
    at: Instant,
    /// No other was in flight when it was granted.
    was_first: bool,
}

impl KeyUse {
    /// A request is about to be sent.
    pub(super) fn begin(&mut self, now: Instant) -> Mark {
        self.granted += 1;
        self.in_flight += 1;
        Mark { number: self.granted, at: now, was_first: self.in_flight == 1 }
    }

    /// A request was not sent after all.
    pub(super) fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A request ended, and the server may have counted it.
    pub(super) fn end_unsure(&mut self) {
        self.end();
        self.unsure.push_back(self.latest);
    }

    /// Somebody else was seen by other means.
    pub(super) fn record_foreign(&mut self) {
        self.foreign = Some(self.latest);
        (self.proofs, self.proven) = (0, None);
    }

    /// A response, other than a refusal for the limit: it ends the request. `false`, and nothing else, if it does not say
    /// when it was made.
    pub(super) fn observe(&mut self, mark: Mark, headers: &RateLimitHeaders, at: Instant) -> bool {
        let Some(now) = headers.date.map(|date| date.as_second()) else { return false };
        self.latest = self.latest.max(now);
        self.first.get_or_insert(now);
        let place = self.own.partition_point(|at| *at <= now);
        self.own.insert(place, now);
        let place = self.own_granted.partition_point(|granted| *granted <= mark.at);
        self.own_granted.insert(place, mark.at);
        for requests in [&mut self.own, &mut self.unsure] {
            while requests.front().is_some_and(|at| *at < now - REMEMBERED) {
                requests.pop_front();
            }
        }
        self.own_granted.drain(..self.own_granted.len() - self.own.len());
        let (Some(limit), Some(remaining), Some(reset)) = (headers.limit, headers.remaining, headers.reset) else {
            self.end();
            return true;
        };
        // A second is added where the header is read.
        let reset = i64::try_from(reset.as_secs()).unwrap_or(HOUR) - 1;
        let window = self.window(limit, reset);
        let counted = limit.saturating_sub(remaining) as usize;
        self.compare(mark, counted, (now, at), now + reset - window, window);
        self.end();
        true
    }

    /// How long the window of this limit is. Taking the hour for the minute only misses proofs; the other way round it would
    /// invent them.
    fn window(&mut self, limit: u32, reset: i64) -> i64 {
        let (least, most) = self.limits.map_or((limit, limit), |(least, most)| (least.min(limit), most.max(limit)));
        self.limits = Some((least, most));
        if reset > MINUTE + 1 || least < most && limit == most { HOUR } else { MINUTE }
    }

    /// `counted` requests of the window that began at `start`, if windows are fixed, or `window` ago, if they roll.
    fn compare(&mut self, mark: Mark, counted: usize, (now, at): (i64, Instant), start: i64, window: i64) {
        let since =
            |requests: &VecDeque<i64>, second: i64| requests.len() - requests.partition_point(|at| *at < second);
        let others = self.in_flight.saturating_sub(1) as usize;
        let at_most = |second: i64| since(&self.own, second) + since(&self.unsure, second) + others;
        // Seconds are cut off, and a request is counted a moment before its response is dated.
        let earliest = (now - window - 1).min(start - 1);
        if counted > at_most(earliest) {
            // What was sent before the first response may be an earlier process's.
            if self.first.is_some_and(|first| first < earliest) {
                self.record_foreign();
            }
            return;
        }
        // Surely counted: by when they were granted or, where the server's clock is not in step with ours, by its seconds.
        let begin = at.checked_sub(Duration::from_secs(window.unsigned_abs()));
        let begin = begin.map_or(0, |begin| self.own_granted.partition_point(|granted| *granted <= begin));
        let by_grants = self.own_granted.len() - begin;
        let in_step = by_grants <= since(&self.own, now - window - 1);
        let surely = if in_step { by_grants } else { since(&self.own, now - window + 2) };
        let is_quiet = mark.was_first && mark.number == self.granted;
        // In a fixed window, what came before it is not counted; in one that rolls, the oldest came in that second.
        let in_window = since(&self.own, start) + (since(&self.own, start - 1) - since(&self.own, start)).min(1);
        if counted == surely && is_quiet && counted <= in_window {
            self.proofs = self.proofs.saturating_add(1);
            let first = self.proven.map_or(now, |(first, _)| first);
            self.proven = Some((first, now));
        }
    }

    /// Whether it is proven that nobody else uses the key.
    pub(super) fn is_alone(&self) -> bool {
        let is_foreign = self.foreign.is_some_and(|at| self.latest - at < FOREIGN_LASTS);
        let is_proven = self.proven.is_some_and(|(first, last)| {
            last - first >= PROVEN_FOR && self.latest - last <= PROOF_LASTS && self.proofs >= PROOFS
        });
        is_proven && !is_foreign
    }
}

#[cfg(test)]
mod tests;

use super::*;
use jiff::Timestamp;
use std::time::Duration;

/// A server that counts in rolling or fixed windows, and says so as the API does.
struct Server {
    rolls: bool,
    limits: [(u32, i64); 2],
    /// In milliseconds, as all that follow.
    counted: Vec<i64>,
}

impl Server {
    fn new(rolls: bool) -> Self {
        Self { rolls, limits: [(100, MINUTE), (1_000, HOUR)], counted: Vec::new() }
    }

    fn take(&mut self, at: i64) -> RateLimitHeaders {
        self.counted.push(at);
        let window = |(limit, length): (u32, i64)| {
            let length = length * 1_000;
            let begin = if self.rolls { at - length + 1 } else { at - at % length };
            let inside: Vec<i64> = self.counted.iter().copied().filter(|one| *one >= begin && *one <= at).collect();
            let reset = if self.rolls { inside[0] + length } else { begin + length };
            (limit, limit.saturating_sub(inside.len() as u32), (reset + 999) / 1_000)
        };
        let (minute, hour) = (window(self.limits[0]), window(self.limits[1]));
        let (limit, remaining, reset) = if hour.1 < minute.1 { hour } else { minute };
        let date = at / 1_000;
        RateLimitHeaders {
            limit: Some(limit),
            remaining: Some(remaining),
            reset: Some(Duration::from_secs((reset - date + 1) as u64)),
            retry_after: None,
            date: Some(Timestamp::from_second(date).unwrap()),
        }
    }
}

/// The same moment by this machine's clock.
fn instant(at: i64) -> Instant {
    static BASE: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    *BASE + Duration::from_millis((at - BEGIN + 100_000) as u64)
}

/// One request after another, each a few milliseconds long.
fn send(key: &mut KeyUse, server: &mut Server, at: i64) {
    let mark = key.begin(instant(at - 4));
    assert!(key.observe(mark, &server.take(at), instant(at + 3)));
}

const BEGIN: i64 = 1_800_000_000_123;

/// Polls every half minute for some minutes, while others poll as `rival` says.
fn polls(rolls: bool, minutes: i64, rival: Option<(i64, i64)>) -> (KeyUse, Server, i64) {
    polls_every(30_000, rolls, minutes, rival)
}

/// The same at another pace, a little late each time.
fn polls_every(pace: i64, rolls: bool, minutes: i64, rival: Option<(i64, i64)>) -> (KeyUse, Server, i64) {
    let (mut key, mut server) = (KeyUse::default(), Server::new(rolls));
    server.limits = [(300, MINUTE), (6_000, HOUR)];
    let own = 0..minutes * 60_000 / pace;
    let mut events: Vec<(i64, bool)> = own.map(|poll| (BEGIN + poll * pace + poll * 7 % 40, true)).collect();
    if let Some((every, phase)) = rival {
        let last = minutes * 60_000 / every;
        events.extend((-20..last).map(|poll| (BEGIN + phase + poll * every, false)));
    }
    events.sort_unstable();
    let mut now = BEGIN;
    for (at, is_own) in events {
        now = at;
        if is_own {
            send(&mut key, &mut server, at);
        } else {
            server.counted.push(at);
        }
    }
    (key, server, now)
}

#[test]
fn who_is_alone_knows_it_after_some_polls() {
    for rolls in [true, false] {
        assert!(!polls(rolls, 1, None).0.is_alone(), "too few were seen, rolls: {rolls}");
        assert!(polls(rolls, 5, None).0.is_alone(), "rolls: {rolls}");
    }
}

#[test]
fn whoever_polls_often_overlooks_no_rival_either() {
    for rolls in [true, false] {
        for pace in [1_000, 2_000, 5_000] {
            for phase in (0..30_000).step_by(1_997) {
                let (key, ..) = polls_every(pace, rolls, 4, Some((30_000, phase)));
                assert!(!key.is_alone(), "rolls: {rolls}, pace {pace}, phase {phase}");
            }
        }
    }
}

/// A slower one can poll in the part of a fixed window in which we do not; in windows that roll it cannot.
#[test]
fn a_rival_that_polls_is_never_overlooked() {
    for (rolls, every) in [(true, 5_000), (true, 30_000), (true, 60_000), (false, 5_000), (false, 30_000)] {
        for phase in (0..every).step_by(997) {
            for minutes in 1..8 {
                let (key, ..) = polls(rolls, minutes, Some((every, phase)));
                assert!(!key.is_alone(), "rolls: {rolls}, every {every}, phase {phase}, after {minutes} min");
            }
        }
    }
}

#[test]
fn a_rival_that_comes_later_is_seen_by_its_first_requests() {
    for rolls in [true, false] {
        let (mut key, mut server, now) = polls(rolls, 5, None);
        assert!(key.is_alone());
        // The list, two threads and a reply, and then our own next request.
        server.counted.extend([now + 10_000, now + 10_100, now + 10_200, now + 10_300]);
        send(&mut key, &mut server, now + 10_400);
        assert!(!key.is_alone(), "rolls: {rolls}");
        // It stays so for an hour.
        for poll in 1..100 {
            send(&mut key, &mut server, now + 10_400 + poll * 30_000);
            assert!(!key.is_alone());
        }
        for poll in 100..140 {
            send(&mut key, &mut server, now + 10_400 + poll * 30_000);
        }
        assert!(key.is_alone(), "rolls: {rolls}");
    }
}

#[test]
fn many_at_once_prove_nothing_and_disprove_nothing() {
    for rolls in [true, false] {
        let (mut key, mut server, now) = polls(rolls, 5, None);
        let mut in_flight: VecDeque<Mark> = VecDeque::new();
        for number in 0..70 {
            in_flight.push_back(key.begin(instant(now + 4_900 + number * 20)));
            if in_flight.len() > 16 {
                // The second of those in flight is answered first.
                let mark = in_flight.remove(1).unwrap();
                key.observe(mark, &server.take(now + 5_000 + number * 20), instant(now + 5_001 + number * 20));
            }
            assert!(key.is_alone(), "rolls: {rolls}, {number}");
        }
        // While another one does the same.
        for number in 0..12 {
            server.counted.extend([now + 7_000 + number * 20; 4]);
            let at = now + 7_000 + number * 20;
            key.observe(in_flight.pop_front().unwrap(), &server.take(at), instant(at));
        }
        assert!(!key.is_alone(), "rolls: {rolls}");
    }
}

#[test]
fn what_an_earlier_process_sent_is_nobody_elses() {
    for rolls in [true, false] {
        let (mut key, mut server) = (KeyUse::default(), Server::new(rolls));
        server.counted.extend((0..40).map(|before| BEGIN - 20_000 + before * 400));
        for poll in 0..12 {
            send(&mut key, &mut server, BEGIN + poll * 30_003);
        }
        assert!(key.is_alone(), "rolls: {rolls}, {key:?}");
    }
}

#[test]
fn who_polls_often_is_proven_alone_too() {
    for rolls in [true, false] {
        for pace in [1_000, 2_500, 7_000] {
            assert!(polls_every(pace, rolls, 4, None).0.is_alone(), "rolls: {rolls}, pace {pace}");
        }
    }
}

#[test]
fn requests_without_a_response_may_have_been_counted() {
    for is_counted in [true, false] {
        let (mut key, mut server, now) = polls(true, 5, None);
        key.begin(instant(now));
        key.end_unsure();
        if is_counted {
            server.counted.push(now + 1_000);
        }
        send(&mut key, &mut server, now + 2_000);
        assert!(key.is_alone(), "counted: {is_counted}");
    }
}

#[test]
fn a_server_that_does_not_count_proves_nothing() {
    let mut key = KeyUse::default();
    for poll in 0..100 {
        let date = Some(Timestamp::from_second(BEGIN / 1_000 + poll * 30).unwrap());
        let at = instant(BEGIN + poll * 30_000);
        let mark = key.begin(at);
        // It says the same whoever asks.
        let fixed = RateLimitHeaders {
            limit: Some(100),
            remaining: Some(99),
            reset: Some(Duration::from_secs(61)),
            retry_after: None,
            date,
        };
        let silent = RateLimitHeaders { date, ..RateLimitHeaders::default() };
        key.observe(mark, if poll % 2 == 0 { &fixed } else { &silent }, at);
        assert!(!key.is_alone());
    }
}

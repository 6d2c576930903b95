use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn take(ledger: &mut Ledger, priority: Priority, now: Instant) -> Result<(), Duration> {
    let ticket = ledger.enqueue(priority);
    let taken = ledger.try_take(ticket, now);
    ledger.dequeue(ticket);
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
                ledger.finish(Priority::Poll, lands);
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

/// One request and its response's headers; `others` were counted for another client before it.
fn answered(ledger: &mut Ledger, left: &mut u32, limit: u32, others: u32, now: Instant) {
    take(ledger, Priority::Poll, now).unwrap();
    *left = left.saturating_sub(others + 1);
    ledger.compare(*left, limit, now, now);
    ledger.finish(Priority::Poll, now);
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
        // A window starts over, or the API reports the other one.
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
        ledger.finish(Priority::Poll, later);
        ledger.compare(left + 2, 100, granted[0], later);
        ledger.finish(Priority::Poll, later);
        ledger.finish(Priority::Poll, later);
        assert!(!ledger.has_foreign_use(later), "round {round}");
    }
}

#[test]
fn replies_go_before_writes_before_reads_before_polls() {
    let (now, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
    ledger.on_429(None, now);
    let order = [Priority::Poll, Priority::Read, Priority::Write, Priority::Reply, Priority::Reply];
    let mut tickets: Vec<_> = order.iter().map(|priority| ledger.enqueue(*priority)).collect();
    let later = now + DEFAULT_PAUSE;
    assert!(tickets.iter().all(|ticket| ledger.try_take(*ticket, now).is_err()));
    tickets.sort();
    for (index, ticket) in tickets.iter().enumerate() {
        assert!(tickets[index + 1..].iter().all(|other| ledger.try_take(*other, later).is_err()));
        assert_eq!(ledger.try_take(*ticket, later), Ok(()), "{ticket:?}");
    }
    assert_eq!(ledger.left(later).minute, 95);
}

/// (limit, polls, then reads, then writes, then replies), each as many as go.
#[test]
fn each_kind_leaves_the_last_places_to_those_before_it() {
    for (limit, shares) in
        [(100, [50, 30, 15, 5]), (1_000, [500, 300, 150, 50]), (8, [4, 3, 1, 0]), (3, [2, 1, 0, 0]), (1, [1, 0, 0, 0])]
    {
        let (now, mut ledger) = (Instant::now(), Ledger::new(limit, 1_000));
        let order = [Priority::Poll, Priority::Read, Priority::Write, Priority::Reply];
        let went = order.map(|priority| (0..2_000).filter(|_| take(&mut ledger, priority, now).is_ok()).count());
        assert_eq!(went, shares, "{limit}");
    }
    // Nobody needs polls to go first: alone, each takes all but what is kept for those before it.
    for (priority, count) in [(Priority::Reply, 100), (Priority::Write, 95), (Priority::Read, 80), (Priority::Poll, 50)]
    {
        let (now, mut ledger) = (Instant::now(), Ledger::new(100, 1_000));
        assert_eq!((0..200).filter(|_| take(&mut ledger, priority, now).is_ok()).count(), count, "{priority:?}");
    }
}

/// A poll as often as the rest between two allows, for hours.
#[test]
fn polls_never_use_up_their_share_however_often_they_are_asked_for() {
    for limit in [1_000, 100, 7] {
        let (start, mut ledger) = (Instant::now(), Ledger::new(100, limit));
        let (mut now, mut polls) = (start, 0_u32);
        while now < start + 4 * HOUR {
            assert_eq!(take(&mut ledger, Priority::Poll, now), Ok(()), "after {polls} polls of {limit}");
            ledger.finish(Priority::Poll, now);
            polls += 1;
            now += ledger.poll_rest(now).max(2 * SECOND);
        }
        assert!(polls > limit, "{polls} polls of {limit}");
        let replies = (0..2_000).filter(|_| take(&mut ledger, Priority::Reply, now).is_ok()).count();
        assert!(replies >= (limit as usize / 2).min(50), "{replies}");
    }
}

#[test]
fn what_the_hour_was_spent_on_is_forgotten_with_it() {
    let (now, mut ledger) = (Instant::now(), Ledger::new(100, 1000));
    for (at, priority) in [(0, Priority::Poll), (1, Priority::Reply), (1_800, Priority::Write), (1_801, Priority::Read)]
    {
        let at = now + at * SECOND;
        assert!(take(&mut ledger, priority, at).is_ok());
        ledger.finish(priority, at);
    }
    let spent = |ledger: &mut Ledger, at| {
        let Usage { replies, writes, reads, polls } = ledger.usage(now + at * SECOND);
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
    ledger.refund(Priority::Reply);
    assert!(take(&mut ledger, Priority::Reply, now).is_ok());
    ledger.finish(Priority::Poll, now + SECOND);
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
    ledger.finish(Priority::Poll, now + SECOND);
    assert_eq!(ledger.left(now + SECOND).minute, 9);
    // The other one's answer was on its way longer: it raises nothing.
    ledger.observe(50, 30 * SECOND, now, now + 2 * SECOND);
    ledger.finish(Priority::Poll, now + 2 * SECOND);
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
            let pause = ledger.on_429(Some(Duration::ZERO), now);
            now += pause;
            pause.as_secs()
        })
        .collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    ledger.on_success();
    assert_eq!(ledger.on_429(None, now), MINUTE);
    assert_eq!(ledger.on_429(Some(9 * HOUR), now), HOUR);
}

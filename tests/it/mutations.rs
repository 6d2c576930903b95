//! The model would notice: each mistake that could be planted in the engine breaks a promise in a sequence that a service
//! without it survives.

use crate::model::{
    run::{play, search},
    transition::{FaultSpec, InitialState, Interrupt, Interruption, Topic, Transition as T},
};
use reply_router::{
    engine::{Failpoint, Mutation},
    simulator::{Endpoint, Fault, SentFormat},
    store::Lane,
};

/// How many sequences random search has to find a mistake for which no sequence was written down.
const ENOUGH: usize = 300;

fn beginning(letters: &[Topic]) -> InitialState {
    let (form, letters) = (SentFormat::Unchanged, letters.to_vec());
    InitialState { lag: 0, form, old: Vec::new(), glitch: false, alone: false, letters }
}

fn intake() -> T {
    T::Intake { moment: None }
}

fn round() -> T {
    T::Round { moment: None }
}

fn runs(lane: Lane) -> T {
    T::Runs { lane, moment: None }
}

fn runs_until(step: Failpoint, what: Interrupt) -> T {
    T::Runs { lane: Lane::Api, moment: Some(Interruption { step, nth: 0, what }) }
}

fn http(endpoint: Endpoint, fault: Fault) -> T {
    T::InjectFault(FaultSpec::Http(endpoint, fault))
}

fn seconds(seconds: u32) -> T {
    T::TimePasses { seconds }
}

/// A sequence in which the mistake shows; `None` where random search finds one at once.
fn sequence(bug: Mutation) -> Option<(InitialState, Vec<T>)> {
    let hot = || beginning(&[Topic::Hot]);
    Some(match bug {
        Mutation::RetryUnknown => {
            let slow = InitialState { lag: 30, ..hot() };
            (slow, vec![http(Endpoint::Reply, Fault::CloseAfter), round()])
        }
        Mutation::RetryAbsent => {
            // The service's clock runs an hour ahead before the reply shows.
            let slow = InitialState { lag: 300, ..hot() };
            (slow, vec![http(Endpoint::Reply, Fault::CloseAfter), round(), T::ClockJumps { seconds: 3_600 }])
        }
        Mutation::SkipGuard => {
            // The reply comes up before the next poll has seen the person's answer, which would end it too.
            let answers = T::PersonAnswers { thread: 0 };
            (beginning(&[Topic::Question]), vec![round(), answers, seconds(181), runs(Lane::Api)])
        }
        Mutation::LateIntent => (hot(), vec![intake(), runs_until(Failpoint::ResponseReceived, Interrupt::Crash)]),
        Mutation::BlindStar => (hot(), vec![T::StarToggled { thread: 0 }, intake(), runs(Lane::Api)]),
        Mutation::TrustOldText => {
            let again = T::LeadWrites { thread: 0, topic: Topic::Thanks };
            let lost = http(Endpoint::Reply, Fault::CloseBefore);
            (beginning(&[Topic::Thanks]), vec![round(), seconds(60), again, lost, round()])
        }
        Mutation::SkipRecovery => (hot(), vec![intake(), runs_until(Failpoint::IntentWritten, Interrupt::Crash)]),
        Mutation::AlwaysMarkRead => (beginning(&[Topic::Meeting]), vec![round()]),
        Mutation::IgnorePause => (hot(), vec![intake(), T::Pauses, runs(Lane::Api)]),
        Mutation::SkipStoreCheck => {
            // The lead opts out in another thread than the one that is about to be answered.
            let opts_out = T::LeadStartsThread { lead: 0, topic: Topic::OptOut };
            (hot(), vec![intake(), opts_out, intake(), runs(Lane::Api)])
        }
        Mutation::DropUnreadable => {
            (hot(), vec![http(Endpoint::Messages, Fault::Status(503, String::new())), intake()])
        }
        Mutation::NoForwardRetry => (hot(), vec![http(Endpoint::Webhook, Fault::CloseBefore), round()]),
    })
}

#[test]
fn every_mistake_is_noticed() {
    let mut missed = Vec::new();
    for bug in Mutation::ALL {
        let name = bug.as_str();
        let Some((beginning, transitions)) = sequence(*bug) else {
            match search(ENOUGH, 1, Some(*bug)) {
                Ok(_) => missed.push(name),
                Err(found) => eprintln!("{name}: after {} sequences: {}", found.after, found.broken),
            }
            continue;
        };
        for alone in [false, true] {
            let beginning = InitialState { alone, ..beginning.clone() };
            if let Err(violation) = play(&beginning, &transitions, None, None) {
                panic!("{name}, not planted, alone: {alone}: {violation}");
            }
            match play(&beginning, &transitions, Some(*bug), None) {
                Ok(_) => missed.push(name),
                Err(violation) => eprintln!("{name}, alone: {alone}: after 1 sequence: {}", violation.invariant),
            }
        }
    }
    assert_eq!(missed, Vec::<&str>::new(), "nobody noticed these");
}

/// Sequences that broke a promise once.
#[test]
fn what_was_found_does_not_come_back() {
    // The first of two replies with the same words shows only after the second one was lost: it must not prove it.
    let again = Interruption { step: Failpoint::GuardPassed, nth: 0, what: Interrupt::LeadWrites(Topic::Thanks) };
    let slow = InitialState { lag: 30, ..beginning(&[Topic::Thanks]) };
    let lost = http(Endpoint::Reply, Fault::CloseBefore);
    let transitions = [intake(), T::Runs { lane: Lane::Api, moment: Some(again) }, lost, round()];
    if let Err(violation) = play(&slow, &transitions, None, None) {
        panic!("{violation}");
    }
    // The list has shown another category, the process died before it was looked at, and what is due goes first.
    let dies = Interruption { step: Failpoint::RowsQueued, nth: 0, what: Interrupt::Crash };
    let transitions = [
        T::LeadWrites { thread: 0, topic: Topic::Hot },
        intake(),
        T::CategoryChanges { thread: 0, topic: Topic::Question },
        T::Intake { moment: Some(dies) },
        T::Runs { lane: Lane::Api, moment: None },
    ];
    if let Err(violation) = play(&beginning(&[Topic::Hot]), &transitions, None, None) {
        panic!("{violation}");
    }
}

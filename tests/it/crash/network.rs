//! In the middle of a request: it has arrived and is not answered, carried out or not; or only a part of it has arrived.

use super::{
    KILLS,
    fixture::{CrashFixture, KINDS, KillPoint},
};
use crate::cli_fixture::PATIENCE;
use reply_router::{
    model::{ActionKind, ActionState, DestinationKind},
    simulator::{ConnectionFault, Endpoint, Fault, Faults, SmtpFault, SmtpStep},
    simulator::{Simulator, Workspace},
};

/// Lets the request of this kind for this thread hang. The lead before is forwarded to once more, and first.
fn hang(simulator: &Simulator, kind: ActionKind, thread: &str, is_first: bool, carried_out: bool) {
    let faults = simulator.faults();
    let fault = if carried_out { Fault::HangAfter } else { Fault::Hang };
    let once_more = usize::from(!is_first);
    let pass = Fault::Delay(std::time::Duration::ZERO);
    let path =
        |method: &str, end: &str| Endpoint::Path { method: method.to_owned(), suffix: format!("{thread}/{end}") };
    match kind {
        ActionKind::Forward(DestinationKind::Log) => panic!("a line is no request"),
        ActionKind::Forward(DestinationKind::Email) => {
            let fault = if carried_out { SmtpFault::HangAfter } else { SmtpFault::Hang };
            faults.smtp(SmtpStep::EndOfData, once_more, SmtpFault::Delay(std::time::Duration::ZERO));
            faults.smtp(SmtpStep::EndOfData, 1, fault);
        }
        ActionKind::Forward(DestinationKind::Slack) => {
            faults.next(Endpoint::SlackWebhook, once_more, pass);
            faults.next(Endpoint::SlackWebhook, 1, fault);
        }
        ActionKind::Forward(DestinationKind::Webhook) => {
            faults.next(Endpoint::Webhook, once_more, pass);
            faults.next(Endpoint::Webhook, 1, fault);
        }
        ActionKind::Reply => faults.next(path("POST", "reply"), 1, fault),
        ActionKind::MarkRead => faults.next(path("PATCH", "read"), 1, fault),
        ActionKind::Star | ActionKind::Unstar => faults.next(path("PATCH", "star"), 1, fault),
    }
}

async fn killed_while_it_hangs(what: &str, carried_out: bool) {
    // The mail server is everybody's, so only the place that waits for it sends mail.
    let mail = |kind: ActionKind| {
        move |found: &ActionKind| {
            *found != ActionKind::Forward(DestinationKind::Email) || kind == ActionKind::Forward(DestinationKind::Email)
        }
    };
    let ends = if carried_out { ActionState::Done } else { ActionState::Quarantined };
    let spot = |kind: ActionKind| KillPoint {
        kinds: KINDS.into_iter().filter(mail(kind)).collect(),
        reply_ends: Some(ends).filter(|_| kind == ActionKind::Reply),
        ..KillPoint::new(kind.as_str())
    };
    let mut field = CrashFixture::new(KINDS.into_iter().map(spot).collect()).await;
    for number in 0..KILLS {
        let threads = field.hot_leads();
        let mail_server = &field.spots[0].1;
        for (((_, simulator), kind), thread) in field.spots.iter().zip(KINDS).zip(&threads) {
            let simulator = if kind == ActionKind::Forward(DestinationKind::Email) { mail_server } else { simulator };
            hang(simulator, kind, thread, number == 0, carried_out);
        }
        let service = field.start("").await;
        field.wait_for_faults().await;
        service.kill();
    }
    field.end(what).await;
}

#[tokio::test]
async fn a_request_that_arrived_and_is_not_carried_out() {
    killed_while_it_hangs("arrived", false).await;
}

#[tokio::test]
async fn a_request_that_is_carried_out_and_not_answered() {
    killed_while_it_hangs("carried out", true).await;
}

/// The file is larger than what the sockets between hold, so the program is killed while it writes.
#[tokio::test]
async fn a_request_of_which_a_part_arrived() {
    const FILE: &str = "slides.bin";
    let spot = KillPoint { reply_ends: Some(ActionState::Quarantined), file: Some(FILE), ..KillPoint::new("reply") };
    let mut field = CrashFixture::unstarted(vec![spot]).await;
    std::fs::write(field.path("rules").join(FILE), vec![7; 7 * 1024 * 1024]).unwrap();
    field.record_baseline().await;
    for _ in 0..KILLS {
        field.hot_leads();
        let (workspace, faults): (Workspace, Faults) = (field.spots[0].1.workspace(), field.spots[0].1.faults());
        // Everything else that is asked in the meantime is far smaller.
        faults.connections(50, ConnectionFault::StallAfterReading(100_000));
        let service = field.start("").await;
        assert!(workspace.wait_until(PATIENCE, |_| faults.stalled() > 0).await);
        service.kill();
        faults.clear();
    }
    field.end("partly arrived").await;
}

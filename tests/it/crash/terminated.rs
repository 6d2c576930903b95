//! Told to end (SIGTERM) in the middle of a send, it ends what is on its way and nothing else.

use crate::{
    cli_fixture::{CliFixture, PATIENCE},
    service_process::{SERVICE, ServiceProcess},
};
use reply_router::store::prelude::*;
use reply_router::{
    model::ActionState,
    simulator::{Endpoint, Fault},
    store::{ActionFilter, SqlStore},
};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_reply_on_its_way_is_waited_for() {
    let place = CliFixture::new(crate::cli_fixture::EVERYTHING).await;
    place.run(&["run", "--once"]).await.assert_exit(0);
    place.hot_lead("jane@acme.example");
    place.simulator.faults().next(Endpoint::Reply, 1, Fault::DelayAfter(Duration::from_secs(1)));
    let service = ServiceProcess::start(place.command(SERVICE)).await;
    let workspace = place.simulator.workspace();
    assert!(workspace.wait_until(PATIENCE, |now| !now.accepted_replies().is_empty()).await);
    let told = Instant::now();
    let ran = service.terminate().await.assert_exit(0);
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    assert!(ran.err.contains("stopped"), "{}", ran.err);

    let store = SqlStore::open_read_only(&place.path().join("reply-router.db")).await.unwrap();
    let actions = store.actions(&ActionFilter { limit: 100, ..ActionFilter::default() }).await.unwrap();
    let reply = actions.iter().find(|action| action.kind.as_str() == "reply").unwrap();
    assert_eq!(reply.state, ActionState::Done);
    let unclear = [ActionState::InFlight, ActionState::Unknown, ActionState::Quarantined];
    assert!(actions.iter().all(|action| !unclear.contains(&action.state)), "{actions:#?}");
    assert_eq!(workspace.accepted_replies().len(), 1);
    assert!(!place.write_requests().iter().any(|request| request.starts_with("PATCH")), "nothing new begins");
}

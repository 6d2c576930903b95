//! A workspace gets another name while replicas are replaced one after the other: the records go along once nobody has the
//! earlier name any more, and go once.

use super::{Shared, planned, renewed};
use crate::{
    fixture::{FixtureOptions, HOT, ManualClock, engine},
    store::{at, row},
};
use reply_router::{
    engine::{Clock, Engine, PollError},
    model::{ActionState, OptOutScope},
    simulator::{Inbox, NewThread, Options, Simulator},
    store::{ActionFilter, DecisionFilter, Lane, OptOut, Renaming, Share, SqlStore, StoreError, prelude::*},
};
use std::sync::Arc;

async fn decided(store: &SqlStore, workspace: &str) -> usize {
    let filter = DecisionFilter { workspace: Some(workspace.to_owned()), limit: 100, ..Default::default() };
    store.decisions(&filter).await.unwrap().len()
}

fn one(name: &str) -> [String; 1] {
    [name.to_owned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_renamed_once_no_process_that_lives_has_their_name() {
    let shared = Shared::new().await;
    let (first, second, third) = (shared.process().await, shared.process().await, shared.process().await);
    renewed(&first, &one("acme")).await;
    planned(&first, "acme").await.unwrap();
    let rename = async || second.rename_workspace("acme", "acme-inc", "The store has", at(2)).await;
    renewed(&second, &[]).await;
    assert!(matches!(rename().await, Err(StoreError::NotHeld { workspace }) if workspace == "acme-inc"));
    renewed(&second, &one("acme-inc")).await;
    assert_eq!(rename().await.unwrap(), Renaming::InUse { replica: first.replica() });
    // One that has the name in its configuration is about to run it.
    renewed(&third, &one("acme")).await;
    first.leave().await.unwrap();
    assert_eq!(rename().await.unwrap(), Renaming::InUse { replica: third.replica() });
    assert_eq!(decided(&second, "acme-inc").await, 0);
    renewed(&third, &one("acme")).await;
    planned(&third, "acme").await.unwrap();
    assert_eq!(rename().await.unwrap(), Renaming::InUse { replica: third.replica() });
    shared.expire(&third).await;
    for (workspace, reason) in [("acme-inc", "The store has this account under another name"), ("acme", "a holiday")] {
        second.pause(Some(workspace), reason, None, at(0)).await.unwrap();
    }
    assert_eq!(rename().await.unwrap(), Renaming::Done);
    assert_eq!((decided(&second, "acme").await, decided(&second, "acme-inc").await), (0, 2));
    let pauses = second.pauses().await.unwrap();
    assert_eq!(pauses.len(), 1);
    assert_eq!((pauses[0].workspace.as_deref(), pauses[0].reason.as_str()), (Some("acme-inc"), "a holiday"));

    // Whoever ran the earlier name knows its number. What it writes under that name is of another workspace now.
    renewed(&third, &one("acme")).await;
    planned(&third, "acme").await.unwrap();
    third.queue_rows("acme", &[row("x", 1)], at(1)).await.unwrap();
    assert_eq!((decided(&second, "acme").await, decided(&second, "acme-inc").await), (1, 2));
    assert_eq!(second.pending_count("acme-inc").await.unwrap().0, 0);
}

/// A replica that polls by hand.
struct Replica {
    store: Arc<SqlStore>,
    engine: Arc<Engine>,
    name: &'static str,
}

impl Replica {
    async fn start(shared: &Shared, account: &Simulator, clock: &ManualClock, options: &FixtureOptions) -> Self {
        let store = shared.process().await;
        let engine = engine(options, account, Arc::clone(&store) as _, clock.clone());
        Self { store, engine, name: options.name }
    }

    /// Renews its lease, polls, decides and acts; `InUse` if its records have another name that somebody has.
    async fn tick(&self) -> Result<(), PollError> {
        let held = self.store.renew_leases(&one(self.name), Share::Fair).await.unwrap();
        assert!(held.workspaces.contains(self.name));
        let workspace = self.engine.workspace(self.name).unwrap();
        self.engine.intake().poll(&workspace, true).await?;
        self.engine.intake().handle_pending(&workspace).await.unwrap();
        for lane in [Lane::Api, Lane::Destinations, Lane::Api] {
            self.engine.executor().run_due(&workspace, lane, &|| false).await.unwrap();
        }
        Ok(())
    }

    async fn waits_for(&self, earlier: &str, other: &Replica) {
        for _ in 0..3 {
            match self.tick().await {
                Err(PollError::NameInUse { was, replica }) => {
                    assert_eq!((was.as_str(), replica), (earlier, other.store.replica()));
                }
                ended => panic!("{ended:?}"),
            }
            let error = self.engine.workspace(self.name).unwrap().status().error.unwrap();
            assert!(error.contains(&format!("`{earlier}`")) && error.contains(&other.store.replica()), "{error}");
            assert_eq!(self.store.count_threads(self.name, 1).await.unwrap(), 0, "nothing is recorded");
        }
    }
}

fn lead(account: &Simulator, number: usize) {
    let thread = NewThread::new(format!("lead{number}@acme.example")).name("Jane Doe").category("interested");
    account.workspace().add_thread(thread.campaign("Q1 Launch").message("Give me a call."));
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_are_replaced_one_after_the_other_pass_a_renamed_workspace_on_once() {
    for was in [vec![], vec![("acme-inc", "acme")]] {
        let shared = Shared::new().await;
        let clock = ManualClock::new();
        let time = clock.clone();
        let options = Options { clock: Arc::new(move || time.now()), inbox: Inbox::Empty, ..Options::for_tests() };
        let account = Simulator::start(options).await.unwrap();
        // Old mail, which nobody answers.
        (0..5).for_each(|number| lead(&account, number));
        clock.advance(std::time::Duration::from_secs(60));
        let before = FixtureOptions { rules: HOT, ..FixtureOptions::default() };
        let after = FixtureOptions { rules: HOT, name: "acme-inc", was, ..FixtureOptions::default() };
        let old = Replica::start(&shared, &account, &clock, &before).await;
        old.tick().await.unwrap();
        clock.advance(std::time::Duration::from_secs(60));
        lead(&account, 5);
        old.tick().await.unwrap();
        let replies = || account.workspace().accepted_replies();
        assert_eq!(replies().len(), 1);
        let opt_out = OptOut {
            workspace: "acme".to_owned(),
            email: "joe@acme.example".to_owned(),
            since: at(0),
            evidence: "asked".to_owned(),
        };
        old.store.add_opt_out(&opt_out).await.unwrap();

        // The first of the new ones waits; the last of the old ones goes on, with what it has on its way.
        let new = Replica::start(&shared, &account, &clock, &after).await;
        let mut on_its_way = planned(&old.store, "acme").await.unwrap();
        let intent = reply_router::model::Transition::in_flight();
        intent.apply_to(&mut on_its_way, clock.now());
        old.store.write_intent(&mut on_its_way, OptOutScope::Workspace).await.unwrap();
        new.waits_for("acme", &old).await;
        assert_eq!(old.store.action(&on_its_way.id).await.unwrap().unwrap().state, ActionState::InFlight);
        clock.advance(std::time::Duration::from_secs(60));
        lead(&account, 6);
        old.tick().await.unwrap();
        assert_eq!(replies().len(), 2);

        // It has ended: the new one goes on where it was.
        old.store.leave().await.unwrap();
        clock.advance(std::time::Duration::from_secs(60));
        lead(&account, 7);
        new.tick().await.unwrap();
        assert_eq!(new.engine.workspace("acme-inc").unwrap().status().error, None);
        let mut answered: Vec<String> = replies().into_iter().map(|reply| reply.thread_id).collect();
        assert_eq!(answered.len(), 3, "leads 5, 6 and 7, and no older one");
        answered.sort();
        answered.dedup();
        assert_eq!(answered.len(), 3, "each once");
        let opted_out = new.store.opt_out("acme-inc", "joe@acme.example", OptOutScope::Workspace).await.unwrap();
        assert!(opted_out.is_some());
        let filter = ActionFilter { states: vec![ActionState::InFlight], limit: 10, ..ActionFilter::default() };
        assert_eq!(new.store.actions(&filter).await.unwrap(), [], "what was on its way is recovered");

        // One of the old ones comes back: it does not take the records back, and answers nobody.
        let back = Replica::start(&shared, &account, &clock, &before).await;
        let kept = decided(&new.store, "acme-inc").await;
        clock.advance(std::time::Duration::from_secs(60));
        lead(&account, 8);
        back.waits_for("acme-inc", &new).await;
        new.tick().await.unwrap();
        assert_eq!((replies().len(), decided(&new.store, "acme-inc").await), (4, kept + 1));
        assert_eq!(decided(&new.store, "acme").await, 0);
    }
}

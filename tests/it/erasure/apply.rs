//! Acting on mail that was there, while a person is erased.

use super::{EraseAt, WORDS, is_gone, quentina, raw::Raw};
use crate::{
    fixture::{Fixture, FixtureOptions},
    store::at,
    stores,
};
use reply_router::{
    coldsend::{ListQuery, Priority},
    engine::{Failpoint, TestHooks},
    store::prelude::*,
};
use std::sync::{Arc, OnceLock};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apply_brings_nobody_back_who_was_erased_before_or_meanwhile() {
    for before in [true, false] {
        let hooks = Arc::new(EraseAt { at: Failpoint::Evaluated, store: OnceLock::new(), done: OnceLock::new() });
        let options =
            FixtureOptions { test_hooks: Some(Arc::clone(&hooks) as Arc<dyn TestHooks>), ..FixtureOptions::default() };
        // Their mail is there at the first look, so that no rule has acted on it.
        let fixture = Fixture::without_baseline(options).await;
        quentina(&fixture);
        fixture.engine.intake().poll(fixture.workspace(), true).await.unwrap();
        let store = match stores::on_postgres() {
            true => Arc::new(stores::open(&fixture.store_path()).await.unwrap()),
            false => Arc::clone(&fixture.store),
        };
        let client = fixture.workspace().client();
        let rows = client.list(&ListQuery::page(1), Priority::Poll).await.unwrap().rows;
        assert!(Raw::of(&fixture).await.has(WORDS[0]));
        if before {
            assert_eq!(store.erase(WORDS[0], None, at(100)).await.unwrap().threads, 1);
        } else {
            assert!(hooks.store.set(store).is_ok());
        }
        let report = fixture.engine.operator().apply(fixture.workspace(), &rows).await.unwrap();
        assert_eq!((report.decided, report.erased), (0, 1), "before: {before}");
        fixture.run_due().await;
        assert!(fixture.simulator.workspace().accepted_replies().is_empty());
        is_gone(&Raw::of(&fixture).await, "after apply");
    }
}

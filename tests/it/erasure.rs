//! Opt-outs of every form, and that nothing can be read of a person who was erased.

use crate::{
    fixture::{Fixture, FixtureOptions},
    store::at,
    stores,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reply_router::{
    model::{ActionState, OptOutScope},
    store::{Erased, OptOut, prelude::*},
};
use std::path::Path;

fn opt_out(workspace: &str, email: &str) -> OptOut {
    OptOut { workspace: workspace.to_owned(), email: email.to_owned(), since: at(0), evidence: "no".to_owned() }
}

#[tokio::test]
async fn an_opt_out_of_a_domain_holds_below_it_and_a_shared_one_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::open(&folder.path().join("s.db")).await.unwrap();
    store.add_opt_out(&opt_out("acme", "*@Acme.example")).await.unwrap();
    store.add_opt_out(&opt_out("globex", "jo@other.example")).await.unwrap();
    for (workspace, email, scope, holds) in [
        ("acme", "jane@acme.example", OptOutScope::Workspace, true),
        ("acme", "JANE@eu.Acme.example", OptOutScope::Workspace, true),
        ("acme", "jane@notacme.example", OptOutScope::Workspace, false),
        ("acme", "jane@acme.example.org", OptOutScope::Workspace, false),
        ("acme", "jane@example", OptOutScope::Workspace, false),
        ("globex", "jane@acme.example", OptOutScope::Workspace, false),
        ("globex", "jane@acme.example", OptOutScope::Shared, true),
        ("acme", "jo@other.example", OptOutScope::Workspace, false),
        ("acme", "jo@other.example", OptOutScope::Shared, true),
        ("new", "jo@other.example", OptOutScope::Shared, true),
    ] {
        assert_eq!(
            store.opt_out(workspace, email, scope).await.unwrap().is_some(),
            holds,
            "{workspace} {email} {scope:?}"
        );
        let facts = store.lead_facts(workspace, "t", Some(email), scope).await.unwrap();
        assert_eq!(facts.opt_out.is_some(), holds, "{workspace} {email} {scope:?}");
    }
}

#[tokio::test]
async fn many_opt_outs_are_added_at_once_and_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::open(&folder.path().join("s.db")).await.unwrap();
    store.add_opt_out(&opt_out("acme", "gone@acme.example")).await.unwrap();
    store.erase("gone@acme.example", None, at(5)).await.unwrap();
    let all: Vec<OptOut> = ["acme", "globex"]
        .into_iter()
        .flat_map(|workspace| (0..5).map(move |number| opt_out(workspace, &format!("jo{number}@acme.example"))))
        .collect();
    let mut given = all.clone();
    // Once more, and one whose opt-out holds on without the address.
    given.extend([all[0].clone(), opt_out("acme", "GONE@acme.example")]);
    assert_eq!(store.add_opt_outs(given).await.unwrap(), 10);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let part = store.opt_outs_after(None, after.as_ref(), 3).await.unwrap();
        after = part.last().cloned();
        if part.is_empty() {
            break;
        }
        found.extend(part);
    }
    assert_eq!(found, all);
    let globex = ["globex".to_owned()];
    assert_eq!(store.opt_outs_after(Some(&globex), None, 100).await.unwrap(), all[5..]);
    assert_eq!(store.opt_outs_after(Some(&[]), None, 100).await.unwrap(), []);
    assert_eq!(store.erased_opt_outs(None).await.unwrap(), 1);
    assert_eq!(store.erased_opt_outs(Some(&globex)).await.unwrap(), 0);
    assert!(store.opt_out("acme", "gone@acme.example", OptOutScope::Workspace).await.unwrap().is_some());
}

/// All bytes of a store as they lie in its file and its log. What is compressed there is not unpacked.
fn raw(path: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for end in ["", "-wal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        if let Ok(bytes) = std::fs::read(&name) {
            found.push(bytes);
        }
    }
    found
}

#[tokio::test]
async fn nothing_can_be_read_of_a_person_who_was_erased() {
    if stores::on_postgres() {
        return;
    }
    let fixture = Fixture::new(FixtureOptions::default()).await;
    let phrase = "the unmistakable zanzibar clause";
    fixture.hot_lead("quentina@erased.example", &format!("Sure, give me a call about {phrase}."));
    fixture.hot_lead("stays@other.example", "Sure, give me a call.");
    fixture.tick().await;
    fixture.tick().await;
    fixture.store.add_opt_out(&opt_out("acme", "quentina@erased.example")).await.unwrap();
    let sent = fixture.simulator.workspace().accepted_replies().len();
    let words = ["quentina", "erased.example", "zanzibar", phrase];
    let forms = |word: &str| {
        let mut forms = vec![word.as_bytes().to_vec()];
        // Wherever it begins in a group of three bytes, the middle of its base64 is the same.
        for skip in 0..3 {
            let coded = STANDARD.encode(&word.as_bytes()[skip..skip + (word.len() - skip) / 3 * 3]);
            forms.push(coded.into_bytes());
        }
        forms
    };
    let is_in =
        |places: &[Vec<u8>], word: &[u8]| places.iter().any(|bytes| bytes.windows(word.len()).any(|at| at == word));
    let before = raw(&fixture.store_path());
    assert!(is_in(&before, b"quentina"), "the search finds what is there");

    let now = at(100);
    let erased = fixture.store.erase("Quentina@erased.example", None, now).await.unwrap();
    assert_eq!((erased.threads, erased.decisions, erased.opt_outs), (1, 1, 1), "{erased:?}");
    let after = raw(&fixture.store_path());
    for word in words {
        for form in forms(word) {
            assert!(!is_in(&after, &form), "{word} can be read");
        }
    }
    // Compressed values of decisions and actions: as the program reads them.
    let filter = reply_router::store::DecisionFilter { limit: 99, ..Default::default() };
    let decisions = fixture.store.decisions(&filter);
    let actions = fixture.actions().await;
    let left = format!("{:?} {actions:?}", decisions.await.unwrap());
    assert!(left.contains("stays@other.example") && words.iter().all(|word| !left.contains(word)));
    // The opt-out holds; old mail stays old; what was sent is not sent again.
    let scope = OptOutScope::Workspace;
    assert!(fixture.store.opt_out("acme", "quentina@ERASED.example", scope).await.unwrap().is_some());
    fixture.tick().await;
    fixture.tick().await;
    assert_eq!(fixture.simulator.workspace().accepted_replies().len(), sent);
    assert!(!is_in(&raw(&fixture.store_path()), b"quentina"), "a poll does not bring it back");
    // Somebody unknown.
    assert_eq!(fixture.store.erase("nobody@erased.example", None, now).await.unwrap(), Erased::default());
}

#[tokio::test]
async fn what_had_not_left_is_cancelled() {
    let rules = "
version: 1
rules:
  - name: later
    when: { category: interested }
    then: [{ reply: { text: 'Hi.', after: 1h } }]
";
    let fixture = Fixture::new(FixtureOptions { rules, ..FixtureOptions::default() }).await;
    let thread = fixture.hot_lead("jane@acme.example", "Sure, give me a call.");
    fixture.tick().await;
    assert_eq!(fixture.actions().await[0].state, ActionState::Waiting);
    let erased = fixture.store.erase("jane@acme.example", None, at(0)).await.unwrap();
    assert_eq!((erased.cancelled, erased.decisions), (1, 1));
    fixture.clock.advance(std::time::Duration::from_secs(2 * 3_600));
    fixture.tick().await;
    assert!(fixture.simulator.workspace().accepted_replies().is_empty());
    assert!(fixture.store.queue_counts(None).await.unwrap().is_empty());
    // Whoever writes again is new.
    fixture.simulator.workspace().lead_writes(&thread, "Still there?").unwrap();
    fixture.tick().await;
    assert_eq!(fixture.actions().await.len(), 1);
}

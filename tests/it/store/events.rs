//! Events are listed oldest first, page by page, of one workspace or of all.

use crate::{
    stores,
    traces::{record, write},
};
use jiff::{Timestamp, ToSpan};
use reply_router::{
    model::ThreadRow,
    store::{EventFilter, EventStore as _, StoredEvent},
};

#[tokio::test]
async fn events_come_oldest_first_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = stores::open(&folder.path().join("s.db")).await.unwrap();
    assert_eq!(store.newest_revision().await.unwrap(), None);
    store.keep_rules("r1", "{}").await.unwrap();
    store.keep_rules("r2", "{}").await.unwrap();
    assert_eq!(store.newest_revision().await.unwrap().as_deref(), Some("r2"));
    let start: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
    // Two are of one time, and one has no event.
    for (number, minutes) in [0, 3, 1, 1, 2, 9].into_iter().enumerate() {
        let mut record = record(&format!("d{number}"), Vec::new(), Vec::new());
        record.at = start + minutes.minutes();
        record.thread_id = format!("t{number}");
        record.workspace = if number % 2 == 0 { "acme" } else { "globex" }.to_owned();
        let row = ThreadRow { id: record.thread_id.clone(), ..ThreadRow::default() };
        let event = StoredEvent { revision: "r1".to_owned(), at: record.at, row, ..StoredEvent::default() };
        write(&store, &record, Some(&event).filter(|_| number != 5)).await.unwrap();
    }
    assert_eq!(store.newest_revision().await.unwrap().as_deref(), Some("r1"));
    let list = async |filter: EventFilter, limit: u32| {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = store.events_after(&filter, after, limit).await.unwrap();
            for event in page.events {
                assert_eq!(
                    (event.event.row.id.trim_start_matches('t'), event.event.revision.as_str()),
                    (&event.decision[1..], "r1")
                );
                found.push(event.decision);
            }
            (after, pages) = (page.next, pages + 1);
            if after.is_none() {
                return (found, pages);
            }
        }
    };
    let all = ["d0", "d2", "d3", "d4", "d1"].map(str::to_owned).to_vec();
    for limit in 1..7 {
        let (found, pages) = list(EventFilter::default(), limit).await;
        assert_eq!((found, pages), (all.clone(), 5 / limit + 1));
    }
    let since = EventFilter { since: Some(start + 1.minute()), workspaces: None };
    assert_eq!(list(since.clone(), 2).await.0, all[1..]);
    let of = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(list(EventFilter { workspaces: of(&["acme"]), ..since.clone() }, 1).await.0, ["d2", "d4"]);
    for limit in 1..7 {
        let both = EventFilter { workspaces: of(&["globex", "nobody", "acme"]), ..since.clone() };
        assert_eq!(list(both, limit).await.0, all[1..]);
    }
    for names in [&["nobody"][..], &[]] {
        let nobody = EventFilter { workspaces: of(names), since: None };
        assert_eq!(list(nobody, 1).await.0, Vec::<String>::new());
    }
}

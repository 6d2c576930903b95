//! A workspace gets another key or name, or goes for a while: what it knows stays, and nobody is answered twice.

use super::{Agency, PATIENCE, RULES, status};
use serde_json::Value;
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

async fn get(service: &super::ServiceProcess, path: &str) -> Value {
    serde_json::from_str(&service.get(path).await.1).unwrap()
}

#[tokio::test]
async fn a_new_key_and_a_new_name_go_on_where_the_old_ones_were() {
    let agency = Agency::new(None).await;
    agency.configure(&[("acme", "")], "");
    let mut service = agency.start().await;
    let account = agency.account("acme").workspace();
    let answered = || {
        let replies = account.accepted_replies();
        let threads: HashSet<_> = replies.iter().map(|reply| reply.thread_id.clone()).collect();
        assert_eq!(threads.len(), replies.len(), "somebody was answered twice");
        replies.len()
    };
    agency.until("polled", || !account.requests().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    agency.lead("acme", 0);
    agency.until("the old key answers", || answered() == 1).await;

    // Another key of the same account.
    let text = agency.configuration(&[("acme", "")], "").replace("}acme\"", "}acme-new\"");
    agency.write("reply-router.yaml", &text);
    service.wait_for_log("\"changed\":\"acme\"").await;
    agency.lead("acme", 1);
    agency.until("the new key answers", || answered() == 2).await;

    // Another name of the same account: its records go with it.
    agency.write("reply-router.yaml", &text.replace("name: acme,", "name: acme-inc,"));
    service.wait_for_log("the workspace has a new name").await;
    agency.lead("acme", 2);
    agency.until("the new name answers", || answered() == 3).await;
    let decided = get(&service, "/api/v1/decisions?workspace=acme-inc").await;
    assert_eq!(decided["items"].as_array().unwrap().len(), 3, "{decided}");
    let rules = get(&service, "/api/v1/rules?workspace=acme-inc").await;
    assert_eq!(rules["items"][0]["matches"]["total"], 3, "{rules}");
    assert_eq!(status(&service).await["restart_needed"], Value::Null);
    service.terminate().await.assert_exit(0);
}

#[tokio::test]
async fn what_waits_in_a_removed_workspace_is_kept_and_said_and_goes_on_when_it_is_back() {
    let agency = Agency::new(None).await;
    agency.write("rules/rules.yaml", &RULES.replace(".' }", ".', after: 2s }"));
    agency.configure(&[("acme", ""), ("globex", "")], "");
    let mut service = agency.start().await;
    agency
        .until("polled", || {
            ["acme", "globex"].iter().all(|name| !agency.account(name).workspace().requests().is_empty())
        })
        .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    agency.lead("acme", 0);
    let began = Instant::now();
    while status(&service).await["queue"]["waiting"] != 1 {
        assert!(began.elapsed() < PATIENCE, "it never waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    agency.configure(&[("globex", "")], "");
    service.wait_for_log("\"removed\":\"acme\"").await;
    // Another one that waits as long is sent, so that this one's time has come too.
    agency.lead("globex", 0);
    agency.until("the other workspace goes on", || agency.answered("globex") == 1).await;
    assert_eq!(agency.answered("acme"), 0);
    let now = status(&service).await;
    assert_eq!((&now["stopped"]["acme"], &now["queue"]["waiting"]), (&Value::from(1), &Value::from(1)), "{now}");
    for path in ["/", "/queue"] {
        let (_, page) = service.get(path).await;
        assert!(page.contains("not in the configuration"), "{path}: {page}");
    }
    agency.configure(&[("acme", ""), ("globex", "")], "");
    agency.until("it goes on", || agency.answered("acme") == 1).await;
    let now = status(&service).await;
    assert_eq!(now["stopped"], serde_json::json!({}), "{now}");
    service.terminate().await.assert_exit(0);
}

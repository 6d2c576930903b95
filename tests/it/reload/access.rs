//! Users and tokens reload with the configuration, all or nothing.

use super::{Agency, PATIENCE, status};
use serde_json::Value;

const HOOKS: [&str; 2] = ["first-hook-token-0123456789abcdef", "second-hook-token-0123456789abcde"];

/// Writes a configuration with these keys of `admin`, and this token of the vendor's webhook.
fn configure(agency: &Agency, admin: &str, hook: &str) {
    let text = agency.configuration(&[("acme", &format!("hook_token: {hook}")), ("globex", "")], "");
    let (listen, more) = ("listen: \"127.0.0.1:0\"", format!("listen: \"127.0.0.1:0\", {admin}"));
    assert!(text.contains(listen), "{text}");
    agency.write("reply-router.yaml", &text.replace(listen, &more));
}

#[tokio::test]
async fn users_and_tokens_reload_and_who_is_gone_hears_nothing_more() {
    let agency = Agency::new(None).await;
    let users = "token: first-admin, users: [{ name: sam, token: sams, role: viewer, workspaces: [acme] }, \
                 { name: kim, token: kims, role: viewer }]";
    configure(&agency, users, HOOKS[0]);
    let mut service = agency.start().await;
    let (client, pages) = (reqwest::Client::builder().no_proxy().build().unwrap(), service.pages.clone());
    let get =
        async |path: &str, token: &str| client.get(format!("{pages}{path}")).bearer_auth(token).send().await.unwrap();
    let code = async |token: &str| get("/api/v1/rules", token).await.status().as_u16();
    let hook = async |token: &str| {
        let answer = client.post(format!("{pages}/hooks/coldsend/acme")).bearer_auth(token).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!((code("sams").await, code("kims").await, code("first-admin").await), (200, 200, 200));
    let mut stream = get("/api/v1/events", "sams").await;
    assert!(String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()).contains("ready"));

    // A mistake anywhere changes nothing: not who gets in, and not the webhook.
    configure(&agency, "token: second-admin, users: [{ name: sam, token: sams, role: nobody }]", HOOKS[1]);
    service.wait_for_log("reload rejected").await;
    assert_eq!((code("sams").await, code("kims").await, code("second-admin").await), (200, 200, 401));
    assert_eq!((hook(HOOKS[0]).await, hook(HOOKS[1]).await), (202, 401));

    // Sam is gone, Kim has another token, another role and sees less; so has the unnamed admin.
    let users = "token: second-admin, users: [{ name: kim, token: kims-new, role: admin, workspaces: [globex] }]";
    configure(&agency, users, HOOKS[1]);
    service.wait_for_log("users and tokens replaced").await;
    let end = async { while matches!(stream.chunk().await, Ok(Some(_))) {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the stream of whoever is gone ends");
    for (token, wanted) in
        [("sams", 401), ("kims", 401), ("first-admin", 401), ("second-admin", 200), ("kims-new", 200)]
    {
        assert_eq!(code(token).await, wanted, "{token}");
    }
    assert_eq!((hook(HOOKS[0]).await, hook(HOOKS[1]).await), (401, 202));
    let seen: Value = get("/api/v1/workspaces", "kims-new").await.json().await.unwrap();
    assert_eq!((seen["items"].as_array().unwrap().len(), &seen["items"][0]["name"]), (1, &Value::from("globex")));
    let whole: Value = get("/api/v1/status", "second-admin").await.json().await.unwrap();
    assert_eq!(whole["restart_needed"], Value::Null, "{whole}");
    // A reload that changes nobody lets streams go on.
    let mut stream = get("/api/v1/events", "kims-new").await;
    assert!(stream.chunk().await.unwrap().is_some());
    let reload = client.post(format!("{pages}/api/v1/reload")).bearer_auth("second-admin").send().await.unwrap();
    assert_eq!(reload.status(), 200);
    let more = tokio::time::timeout(std::time::Duration::from_millis(300), stream.chunk()).await;
    assert!(!matches!(more, Ok(Ok(None))), "{more:?}");

    // Without anybody the pages are open to this machine, as at a start.
    agency.configure(&[("acme", ""), ("globex", "")], "");
    service.wait_for_log("users and tokens replaced").await;
    assert_eq!(status(&service).await["restart_needed"], Value::Null);
    assert_eq!(hook(HOOKS[1]).await, 404, "no token, no webhook");
    service.terminate().await.assert_exit(0);
}

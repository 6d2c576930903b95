//! Who may do what: every route × every role × a workspace of theirs, another one, and all of them, over HTTP against the
//! program itself with two clients. What is seen is kept in docs/roles.md: `UPDATE_EXPECTED=1` writes it.

mod agency;

use agency::{Agency, OWN, Place, USERS, User, WHOLE};
use reqwest::Method;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What a route is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// Everything that the caller sees.
    List,
    /// Something of one workspace, by its id or name.
    One,
    /// One workspace, or all of them if none is named.
    OneOrAll,
    /// The same, where all are those that the caller sees.
    OneOrTheirs,
    /// The service.
    Service,
}

use About::{List, One, OneOrAll, OneOrTheirs, Service};

/// Every route that asks who calls, with the role that it needs and what it is about. Whoever has the role gets in where
/// the workspace is theirs; a workspace that is not theirs does not exist (404); without the role it is 403. What concerns
/// the whole service needs an admin of all workspaces.
const EXPECTED: &[(&str, &str, &str, About)] = &[
    // Pages.
    ("GET", "/", "viewer", List),
    ("GET", "/activity", "viewer", List),
    ("GET", "/queue", "viewer", List),
    ("GET", "/workspace", "viewer", List),
    ("GET", "/try", "viewer", List),
    ("POST", "/try", "viewer", One),
    ("GET", "/backtest", "viewer", List),
    ("POST", "/backtest/{id}/cancel", "approver", One),
    // Once somebody is erased, nothing is left of what was tried.
    ("GET", "/api/v1/backtest/{id}", "viewer", One),
    ("GET", "/api/v1/backtest/{id}/report", "viewer", One),
    ("POST", "/api/v1/backtest/{id}/cancel", "approver", One),
    ("DELETE", "/api/v1/backtest/{id}", "approver", One),
    ("GET", "/threads/{id}", "viewer", One),
    ("POST", "/workspace/check", "admin", List),
    ("POST", "/actions/{id}/{decision}", "approver", One),
    ("POST", "/left/{id}/done", "approver", One),
    ("POST", "/opt-outs", "approver", OneOrTheirs),
    ("POST", "/opt-outs/remove", "approver", OneOrTheirs),
    ("POST", "/forget", "admin", OneOrTheirs),
    ("POST", "/pause", "approver", OneOrAll),
    ("POST", "/resume", "approver", OneOrAll),
    ("POST", "/reload", WHOLE_SERVICE, Service),
    ("POST", "/rules/{name}/mode", WHOLE_SERVICE, Service),
    // Programs.
    ("GET", "/openapi.json", "viewer", Service),
    ("GET", "/api/v1/status", "viewer", List),
    ("GET", "/api/v1/workspaces", "viewer", List),
    ("GET", "/api/v1/rules", "viewer", List),
    ("GET", "/api/v1/rules/{name}", "viewer", One),
    ("POST", "/api/v1/rules/{name}/mode", WHOLE_SERVICE, Service),
    ("GET", "/api/v1/actions", "viewer", List),
    ("GET", "/api/v1/actions/{id}", "viewer", One),
    ("POST", "/api/v1/actions/{id}/approve", "approver", One),
    ("POST", "/api/v1/actions/{id}/reject", "approver", One),
    ("POST", "/api/v1/actions/{id}/retry", "approver", One),
    ("POST", "/api/v1/actions/{id}/resolve", "approver", One),
    ("GET", "/api/v1/left", "viewer", List),
    ("POST", "/api/v1/left/{id}/done", "approver", One),
    ("GET", "/api/v1/decisions", "viewer", List),
    ("GET", "/api/v1/decisions/{id}", "viewer", One),
    ("GET", "/api/v1/threads/{id}/explain", "viewer", One),
    ("GET", "/api/v1/opt-outs", "viewer", List),
    ("POST", "/api/v1/opt-outs", "approver", OneOrTheirs),
    ("DELETE", "/api/v1/opt-outs/{email}", "approver", OneOrTheirs),
    ("GET", "/api/v1/opt-outs/export", "viewer", OneOrTheirs),
    ("POST", "/api/v1/opt-outs/import", "approver", OneOrTheirs),
    ("POST", "/api/v1/forget", "admin", OneOrTheirs),
    ("POST", "/api/v1/pause", "approver", OneOrAll),
    ("POST", "/api/v1/resume", "approver", OneOrAll),
    ("POST", "/api/v1/reload", WHOLE_SERVICE, Service),
    ("GET", "/api/v1/audit", "viewer", List),
    ("GET", "/api/v1/events", "viewer", List),
    ("GET", "/api/v1/backtest", "viewer", List),
    ("GET", "/api/v1/backtest/rules", "viewer", One),
    // Only the last few results are kept: these come in the end.
    ("POST", "/backtest", "approver", One),
    ("POST", "/api/v1/backtest", "approver", OneOrTheirs),
];
const WHOLE_SERVICE: &str = "admin of all workspaces";

/// What comes back: `yes`, or the status of the refusal.
fn expected(user: &User, needs: &str, about: About, place: Place) -> &'static str {
    let rank = |role: &str| ["viewer", "approver", "admin"].iter().position(|known| *known == role);
    let whole = user.role == "admin" && user.sees_all;
    let has_role = if needs == WHOLE_SERVICE { whole } else { rank(user.role) >= rank(needs) };
    match place {
        _ if !has_role => "403",
        Place::All if about == OneOrAll && !whole => "403",
        Place::Other if !user.sees_all => "404",
        _ => "yes",
    }
}

/// Where a route can be called.
fn places(about: About) -> &'static [Place] {
    match about {
        List | Service => &[Place::All],
        One => &[Place::Own, Place::Other],
        OneOrAll | OneOrTheirs => &[Place::Own, Place::Other, Place::All],
    }
}

/// A request for a route: its path, and its body.
fn request(agency: &Agency, route: &str, place: Place) -> (String, Option<Value>) {
    let ids = agency.ids(place);
    let email = format!("gone@{}-lead.example", ids.workspace);
    let id = match route {
        _ if route.contains("/actions/") => &ids.action,
        _ if route.contains("/threads/") => &ids.thread,
        _ if route.contains("/backtest/") => &ids.backtest,
        _ => &ids.decision,
    };
    let path = route.replace("{id}", id).replace("{email}", &email).replace("{decision}", "reject");
    let mut path = path.replace("{name}", &format!("{}-hot", ids.workspace));
    let named = (place != Place::All).then_some(ids.workspace);
    let is_in_query = matches!(route, "/pause" | "/resume" | "/api/v1/opt-outs/export" | "/api/v1/opt-outs/import")
        || route.ends_with("{email}");
    if let Some(name) = named.filter(|_| is_in_query) {
        let _ = write!(path, "?workspace={name}");
    }
    if route == "/api/v1/backtest/rules" {
        let _ = write!(path, "?file={}.yaml", ids.workspace);
    }
    let body = match route {
        "/try" => Some(json!({ "workspace": ids.workspace, "text": "A call?" })),
        "/backtest" => Some(json!({ "file": format!("{}.yaml", ids.workspace), "text": "version: 1", "do": "check" })),
        "/api/v1/backtest" => Some(json!({ "task": "check", "workspace": named })),
        "/opt-outs" | "/opt-outs/remove" => Some(json!({ "email": email, "workspace": named.unwrap_or_default() })),
        "/forget" => Some(json!({ "email": "somebody@lead.example", "workspace": named.unwrap_or_default() })),
        "/api/v1/forget" => Some(json!({ "email": "somebody@lead.example", "workspace": named })),
        "/api/v1/opt-outs" => Some(json!({ "email": email, "workspace": named })),
        "/rules/{name}/mode" | "/api/v1/rules/{name}/mode" => Some(json!({ "mode": "shadow" })),
        "/api/v1/actions/{id}/resolve" => Some(json!({ "outcome": "sent" })),
        "/api/v1/pause" | "/api/v1/resume" => Some(json!({ "workspace": named })),
        _ => None,
    };
    (path, body)
}

#[tokio::test]
async fn every_route_by_every_role_in_every_workspace() {
    let mut agency = Agency::new().await;
    agency.covers_every_route(EXPECTED).await;
    let mut wrong = String::new();
    let mut table = Vec::new();
    for (method, route, needs, about) in EXPECTED {
        for place in places(*about) {
            let mut cells = Vec::new();
            for user in USERS {
                // What one of them removes must be there for the next one.
                match (*method, *route) {
                    ("DELETE", "/api/v1/backtest/{id}") => agency.try_everywhere().await,
                    ("DELETE", _) | (_, "/opt-outs/remove") => agency.opt_out_everywhere().await,
                    _ => {}
                }
                let (path, body) = request(&agency, route, *place);
                let method: Method = method.parse().unwrap();
                let answer = agency.send(user, &method, &path, body.as_ref()).await;
                let seen = match answer.status {
                    401 => "401",
                    403 => "403",
                    404 => "404",
                    status if status < 500 => "yes",
                    _ => "error",
                };
                let wanted = expected(user, needs, *about, *place);
                let case = format!("{method} {route} {place:?} as {} of {}", user.role, user.workspaces());
                if seen != wanted {
                    let _ = writeln!(wrong, "{case}: wanted {wanted}, got {} {}", answer.status, answer.text);
                }
                // Who does not see the other client does not even learn its name, unless they said it themselves.
                if !user.sees_all && *place != Place::Other && answer.text.to_lowercase().contains("globex") {
                    let _ = writeln!(wrong, "{case} tells of the other client: {}", answer.text);
                }
                cells.push(seen);
            }
            table.push((*method, *route, *needs, *about, *place, cells));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    agency::keep("docs/roles.md", &page(&table));
}

type Row<'a> = (&'a str, &'a str, &'a str, About, Place, Vec<&'static str>);

/// What docs/roles.md says.
fn page(table: &[Row<'_>]) -> String {
    let mut text = String::from(
        "# Who may call what\n\n\
         Every route that asks who calls, as a test has called it: by users of one workspace, and by users of all. *Own* is a \
         workspace\nthat is theirs, *other* one that is not, *all* where the request names none. `403`: the role forbids it; \
         the answer says which role\nis needed. `404`: it does not exist for them. Lists and pages hold what is theirs. \
         [Users and single sign-on](users.md) says\nwhat each role is for.\n\n\
         | Route | | viewer | approver | admin | viewer of all | approver of all | admin of all |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (method, route, _, about, place, cells) in table {
        let place = match (about, place) {
            (List | Service, _) => "",
            (_, Place::Own) => "own",
            (_, Place::Other) => "other",
            (_, Place::All) => "all",
        };
        let _ = writeln!(text, "| `{method} {route}` | {place} | {} |", cells.join(" | "));
    }
    text
}

/// Lists with a filter for the other client's workspace are as empty as for one that was never there.
#[tokio::test]
async fn a_filter_for_another_workspace_finds_nothing() {
    let agency = Agency::new().await;
    let sam = &OWN[0];
    for (list, count) in [("actions", 2), ("decisions", 1), ("opt-outs", 1), ("rules", 2), ("left", 0)] {
        let own = agency.list(sam, &format!("/api/v1/{list}?workspace=acme")).await;
        assert_eq!(own.len(), count, "{list}: {own:?}");
        let answer = agency.send(sam, &Method::GET, &format!("/api/v1/{list}?workspace=globex"), None).await;
        if list == "rules" {
            assert_eq!(answer.status, 404);
        } else if list != "left" {
            assert_eq!(answer.json(), json!({ "items": [], "next": null }), "{list}");
        }
        // Pages of one go on until the end, and no further.
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = agency.send(sam, &Method::GET, &format!("/api/v1/{list}?limit=1&cursor={cursor}"), None).await;
            let page = answer.json();
            paged.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(paged.len(), count, "{list}");
    }
    for filter in
        ["state=held", "rule=shared-star", "kind=reply", "state=held&kind=reply", "lead=jane@globex-lead.example"]
    {
        let found = agency.list(sam, &format!("/api/v1/actions?{filter}")).await;
        assert!(found.iter().all(|action| action["workspace"] == "acme"), "{filter}: {found:?}");
    }
    for filter in ["state=held", "matched=true", "rule=shared-star", "state=held&matched=true"] {
        let found = agency.list(sam, &format!("/api/v1/decisions?{filter}")).await;
        assert!(found.len() == 1 && found[0]["workspace"] == "acme", "{filter}: {found:?}");
        assert_eq!(agency.list(&WHOLE[0], &format!("/api/v1/decisions?{filter}")).await.len(), 2, "{filter}");
    }
}

/// A rule of both clients counts what it did for those whom the user sees.
#[tokio::test]
async fn a_shared_rule_counts_the_users_workspaces_alone() {
    let agency = Agency::new().await;
    let rule = async |user: &User| agency.send(user, &Method::GET, "/api/v1/rules/shared-star", None).await.json();
    let (own, all) = (rule(&OWN[2]).await, rule(&WHOLE[2]).await);
    for window in ["1h", "24h", "7d", "total"] {
        assert_eq!((&own["matches"][window], &all["matches"][window]), (&json!(1), &json!(2)), "{window}");
        let states =
            |rule: &Value| rule["actions"][window].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!((states(&own), states(&all)), (1_u64, 2_u64), "{window}");
    }
    assert_eq!(own["workspace_modes"], json!({ "acme": "draft" }));
    assert_eq!(own["daily"][6]["matched"], 1);
    assert!(own["last_match"].is_string());
    let narrowed = agency.send(&WHOLE[2], &Method::GET, "/api/v1/rules?workspace=acme", None).await.json();
    let narrowed = narrowed["items"].as_array().unwrap().iter().find(|rule| rule["name"] == "shared-star").unwrap();
    assert_eq!(narrowed["matches"], own["matches"], "whoever asks for one workspace gets its counts");
    // A rule that is theirs alone is the same for both.
    let own = agency.send(&OWN[0], &Method::GET, "/api/v1/rules/acme-hot", None).await.json();
    let all = agency.send(&WHOLE[0], &Method::GET, "/api/v1/rules/acme-hot", None).await.json();
    assert_eq!(own, all);
}

/// A stream tells of the workspaces that its reader sees.
#[tokio::test]
async fn a_stream_of_events_tells_of_the_users_workspaces_alone() {
    let agency = Agency::new().await;
    let open = async |user: &User| {
        let request = agency.client.get(format!("{}/api/v1/events?after=0", agency.service.pages));
        request.bearer_auth(user.token).send().await.unwrap()
    };
    let (mut own, mut all) = (open(&OWN[0]).await, open(&WHOLE[0]).await);
    // Everything since the beginning; whoever sees all has heard of both clients when the other one has an action.
    let mut heard = String::new();
    while !(heard.contains("globex-hot") && heard.contains("acme-hot")) {
        heard.push_str(std::str::from_utf8(&all.chunk().await.unwrap().unwrap()).unwrap());
    }
    // The first client's own change comes last, so that all that came before has been told by then.
    let ids = agency.ids(Place::Other);
    let path = format!("/api/v1/actions/{}/reject", ids.action);
    assert_eq!(agency.send(&WHOLE[1], &Method::POST, &path, None).await.status, 200);
    let path = format!("/api/v1/actions/{}/reject", agency.ids(Place::Own).action);
    assert_eq!(agency.send(&OWN[1], &Method::POST, &path, None).await.status, 200);
    let mut heard = String::new();
    while !heard.contains("cancelled") {
        heard.push_str(std::str::from_utf8(&own.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(heard.contains("event: decision") && heard.contains("acme-hot"), "{heard}");
    assert!(!heard.contains("globex"), "{heard}");
}

/// The log names who did it; what concerns others, and the whole service, is for admins of everything.
#[tokio::test]
async fn the_audit_log_names_users_and_shows_each_what_is_theirs() {
    let agency = Agency::new().await;
    for (user, path, body) in [
        (&OWN[1], "/api/v1/pause", json!({ "workspace": "acme" })),
        (&WHOLE[1], "/api/v1/pause", json!({ "workspace": "globex" })),
        (&WHOLE[2], "/api/v1/opt-outs", json!({ "email": "both@lead.example" })),
        (&WHOLE[2], "/api/v1/pause", json!({ "workspace": null })),
        (&OWN[2], "/api/v1/resume", json!({ "workspace": "acme" })),
    ] {
        let status = agency.send(user, &Method::POST, path, Some(&body)).await.status;
        assert!(status == 200 || status == 201, "{path} {body}");
    }
    let seen = async |user: &User| -> Vec<(Value, Value, Value)> {
        let entries = agency.list(user, "/api/v1/audit").await;
        entries.iter().map(|entry| (entry["user"].clone(), entry["what"].clone(), entry["details"].clone())).collect()
    };
    let named = |user: &str, what: &str, details: Value| (json!(user), json!(what), details);
    let setup = named("anna", "opt_out.add", json!({ "workspaces": ["acme"] }));
    let own = [
        named("adam", "resume", json!({ "workspace": "acme" })),
        named("anna", "opt_out.add", json!({ "workspaces": ["acme"] })),
        named("abby", "pause", json!({ "workspace": "acme" })),
        setup,
    ];
    for user in OWN {
        assert_eq!(seen(user).await, own, "{}", user.role);
        // Also page by page, over those of others.
        let first = agency.send(user, &Method::GET, "/api/v1/audit?limit=1", None).await.json();
        assert_eq!(first["items"].as_array().unwrap().len(), 1);
        let next = first["next"].as_str().unwrap();
        let rest = agency.list(user, &format!("/api/v1/audit?limit=3&cursor={next}")).await;
        assert_eq!(rest.len(), 3);
    }
    let all = seen(&WHOLE[2]).await;
    assert!(all.contains(&named("anna", "pause", json!({ "workspace": null }))), "{all:?}");
    assert!(all.contains(&named("anna", "opt_out.add", json!({ "workspaces": ["acme", "globex"] }))), "{all:?}");
    // A viewer of all sees what concerns workspaces, and not what concerns the service.
    let viewer = seen(&WHOLE[0]).await;
    assert_eq!(viewer.len(), all.len() - 1);
    // Who paused what stands beside the pause, but not for those who do not see everything.
    let status = agency.send(&WHOLE[2], &Method::GET, "/api/v1/status", None).await.json();
    assert_eq!(status["pause"]["by"], "anna (token) from 127.0.0.1");
    let status = agency.send(&OWN[2], &Method::GET, "/api/v1/status", None).await.json();
    assert_eq!((&status["paused"], &status["pause"]["by"]), (&json!(true), &Value::Null));
}

/// A page shows who is signed in, and no button that would be refused.
#[tokio::test]
async fn pages_show_who_is_signed_in_and_only_the_buttons_that_they_may_use() {
    let agency = Agency::new().await;
    let action = |path: &str| format!("action=\"{path}");
    for user in USERS {
        let mut all = String::new();
        for path in ["/", "/queue", "/workspace", "/activity", "/try", "/backtest"] {
            let page = agency.send(user, &Method::GET, path, None).await.text;
            assert!(page.contains(&format!("<bdi>{}</bdi>, {}", user.name, user.role)), "{path}");
            all.push_str(&page);
        }
        let approves = user.role != "viewer";
        let whole = user.role == "admin" && user.sees_all;
        for (path, shown) in [
            ("/pause?workspace=acme", approves),
            ("/actions/", approves),
            ("/opt-outs\"", approves),
            ("/opt-outs/remove", approves),
            ("/backtest\" id=\"edit", approves),
            ("/workspace/check", user.role == "admin"),
            ("/forget", user.role == "admin"),
            ("/pause\"", whole),
            ("/reload", whole),
            ("/rules/", whole),
        ] {
            assert_eq!(all.contains(&action(path)), shown, "{path} for {} of {}", user.role, user.workspaces());
        }
    }
}

/// Whoever sees one client tries that client's rules: no file, no rule and no event of another one.
#[tokio::test]
async fn an_edit_is_tried_within_the_users_workspaces() {
    let agency = Agency::new().await;
    let [vera, abby, _] = OWN else { unreachable!() };
    let alex = &WHOLE[1];
    let files = async |user: &User| {
        let listed = agency.send(user, &Method::GET, "/api/v1/backtest", None).await.json();
        let names = listed["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), listed["shared_files"].as_u64().unwrap())
    };
    assert_eq!(files(vera).await, (vec!["acme.yaml".to_owned()], 1));
    let (all, shared) = files(alex).await;
    assert_eq!((all.len(), shared), (3, 0));
    let text = agency.send(vera, &Method::GET, "/api/v1/backtest/rules?file=acme.yaml", None).await.json();
    assert!(text["text"].as_str().unwrap().contains("Hi from acme"));

    let edit = |file: &str, action: &str| {
        let when = "when: { category: interested }";
        let text = format!("rules:\n  - name: new-hot\n    {when}\n    then:\n      - {action}\n");
        json!({ "rules": { file: text } })
    };
    let plain = "reply: { text: Hi }";
    for name in ["globex.yaml", "shared.yaml", "new.yaml"] {
        let refused = agency.send(abby, &Method::POST, "/api/v1/backtest", Some(&edit(name, plain))).await;
        assert_eq!(refused.status, 404, "{name}: {}", refused.text);
    }
    let found = agency.tried(abby, &edit("acme.yaml", plain)).await;
    assert_eq!(found["state"], "done", "{found:#}");
    let report = &found["result"]["report"];
    assert_eq!((&report["events"], &report["changed"]), (&json!(1), &json!(1)), "{report:#}");
    let mut rules: Vec<&str> =
        report["rules"].as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["acme-hot", "new-hot", "shared-star"]);
    assert!(!found.to_string().contains("globex"), "{found:#}");

    // What lies beside their file may be another client's.
    let attached = edit("acme.yaml", "reply: { text: Hi, attachments: [globex.yaml] }");
    let missing = edit("acme.yaml", "reply: { text: Hi, attachments: [nothing.yaml] }");
    for edit in [&attached, &missing] {
        let found = agency.tried(abby, edit).await;
        assert_eq!(found["state"], "rejected", "{found:#}");
        let message = found["result"]["diagnostics"][0]["message"].as_str().unwrap();
        assert!(message.contains("outside the folders"), "{message}");
    }
    assert_eq!(agency.tried(alex, &attached).await["state"], "done");

    // Results are for those who see as much.
    let whole = agency.tried(alex, &json!({ "workspace": "acme" })).await;
    let own = agency.tried(abby, &json!({})).await;
    for (job, seen) in [(&whole, 404), (&own, 200)] {
        let path = format!("/api/v1/backtest/{}", job["id"].as_str().unwrap());
        assert_eq!(agency.send(vera, &Method::GET, &path, None).await.status, seen);
        assert_eq!(agency.send(alex, &Method::GET, &path, None).await.status, 200);
    }
}

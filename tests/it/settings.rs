//! Tests of `settings`, seen from outside: a text and an environment in, settings or diagnostics out.

use reply_router::admin::Role;
use reply_router::destinations::DestinationSettings;
use reply_router::diagnostics::Diagnostics;
use reply_router::model::{Mode, Rate, StartFrom};
use reply_router::rules::{LoadContext, RuleSet};
use reply_router::settings::{Settings, starter};
use secrecy::ExposeSecret;
use std::{path::Path, time::Duration};

/// Stands in every secret; must never be seen.
const CANARY: &str = "canary-5f0c1d9e7b3a4826";
const GOOD: &str = "workspaces: [{ name: acme, api_key: \"${KEY}\" }]\nrules: rules/\n";

fn env(name: &str) -> Option<String> {
    match name {
        "KEY" | "SLACK" | "SMTP_PASSWORD" => Some(CANARY.to_owned()),
        "HOOK" => Some(format!("https://hooks.example/{CANARY}")),
        "SPACED" => Some(format!("{CANARY} {CANARY}")),
        "SECONDS" => Some("45s".to_owned()),
        "LIMIT" => Some("7".to_owned()),
        "NULL" => Some("null".to_owned()),
        "BLANK" => Some(String::new()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Settings, Diagnostics> {
    Settings::parse("reply-router.yaml", text, Path::new("/etc/router"), &env)
}

#[track_caller]
fn good(text: &str) -> Settings {
    read(text).unwrap_or_else(|out| panic!("{text}\n{out}"))
}

#[test]
fn everything_but_a_workspace_and_rules_has_a_default() {
    let settings = good(GOOD);
    let [workspace] = settings.workspaces.as_slice() else { panic!("{settings:?}") };
    assert_eq!(workspace.settings.name, "acme");
    assert_eq!(workspace.api_key.expose_secret(), CANARY);
    assert_eq!(workspace.base_url.as_str(), "https://api.coldsend.pro/api/public/v1");
    assert_eq!(workspace.settings.mode, Mode::Live);
    assert_eq!(workspace.settings.poll_every, Duration::from_secs(30));
    assert_eq!(workspace.settings.sweep_every, Duration::from_secs(3_600));
    assert_eq!(workspace.settings.wait_for_category, Duration::ZERO);
    assert_eq!((workspace.rate_limit.per_minute, workspace.rate_limit.per_hour), (100, 1_000));
    assert!(workspace.hook_token.is_none());
    assert_eq!(settings.rules, [Path::new("/etc/router/rules/")]);
    assert_eq!(settings.store.file(), Some(Path::new("/etc/router/reply-router.db")));
    assert_eq!(settings.admin.listen.to_string(), "127.0.0.1:8080");
    assert!(settings.admin.token.is_none() && settings.admin.public_url.is_none());
    assert_eq!(settings.safety.start_from, StartFrom::Now);
    assert_eq!(settings.safety.replies_per_lead, "1 per 7d".parse::<Rate>().unwrap());
    assert_eq!(settings.safety.replies_per_hour, 50);
    assert_eq!(settings.safety.max_age, Duration::from_secs(7 * 86_400));
    assert_eq!(settings.safety.verify_after, [5, 15, 60, 180, 600, 900].map(Duration::from_secs));
    assert_eq!(settings.safety.alert, None);
    assert!(!settings.network.allow_private && settings.smtp.is_none());
    assert!(settings.destinations.is_empty() && settings.hours.is_empty() && settings.warnings.is_empty());
}

#[test]
fn a_full_file_is_read() {
    let settings = good(
        r##"
workspaces:
  - name: acme
    api_key: ${KEY}
    base_url: http://127.0.0.1:9999/api/public/v1
    mode: draft
    was: globex
    poll_every: ${SECONDS}
    sweep_every: 2h
    wait_for_category: 5m
    rate_limit: { per_minute: 10, per_hour: "${LIMIT}" }
    hook_token: ${NULL}
rules: /srv/rules
store: sqlite:data/router.db
admin: { listen: "0.0.0.0:80", token: "0123456789abcdef0123456789abcdef", public_url: https://router.acme.example }
destinations:
  sales-hot: { slack: { webhook_url: "${HOOK}" } }
  sales-bot: { slack: { token: "${SLACK}", channel: "#hot-leads" } }
  account-team: { email: { to: [ae@acme.example, "B <b@acme.example>"] } }
  crm: { webhook: { url: https://crm.example/hooks, secret: "$${not-a-variable} ${KEY}" } }
smtp: { url: "smtps://user:${SMTP_PASSWORD}@smtp.acme.example", from: "Reply Router <router@acme.example>" }
hours:
  office: { days: [mon, tue], from: "09:00", to: "18:00", timezone: America/New_York, except: ["2026-12-25"] }
  night: { from: "22:00", to: "06:00", timezone: Europe/Berlin }
safety:
  start_from: 2026-01-31
  replies_per_lead: 2 per 1d
  replies_per_hour: 5
  max_age: 3d
  drafts_expire: 2d
  verify_after: [1s, 2s]
  alert: sales-hot
  alert_if_failing: 2m
network: { allow_private: true }
"##,
    );
    let workspace = &settings.workspaces[0];
    assert_eq!((workspace.settings.poll_every, workspace.settings.mode), (Duration::from_secs(45), Mode::Draft));
    assert_eq!((workspace.rate_limit.per_minute, workspace.rate_limit.per_hour), (10, 7));
    assert_eq!(workspace.settings.was.as_deref(), Some("globex"));
    assert_eq!(workspace.hook_token.as_ref().unwrap().expose_secret(), "null");
    assert_eq!(settings.rules, [Path::new("/srv/rules")]);
    assert_eq!(settings.store.file(), Some(Path::new("/etc/router/data/router.db")));
    assert_eq!(settings.safety.start_from, StartFrom::Since("2026-01-31T00:00:00Z".parse().unwrap()));
    assert_eq!(settings.safety.alert.as_deref(), Some("sales-hot"));
    assert_eq!(settings.safety.alert_if_failing, Duration::from_secs(120));
    assert_eq!(settings.safety.drafts_expire, Duration::from_secs(2 * 86_400));
    assert_eq!(settings.destinations.len(), 4);
    let Some(DestinationSettings::Webhook(crm)) = settings.destinations.get("crm") else { panic!() };
    assert_eq!(crm.secret.as_ref().unwrap().expose_secret(), format!("${{not-a-variable}} {CANARY}"));
    assert!(settings.hours["night"].is_open("2026-01-10T00:00:00Z".parse().unwrap()));
    assert!(!settings.hours["office"].is_open("2026-12-25T15:00:00Z".parse().unwrap()));
    assert!(!format!("{settings:?} {settings:#?}").contains(CANARY));
}

/// A line (or several) that is added to a good file, and what is said about it: code, line in the whole file, column, and
/// words of the hint ("-" for none).
#[test]
fn every_mistake_is_told_with_its_place_and_a_hint() {
    let cases: &[(&str, &str, (usize, usize), &str)] = &[
        ("destinatons: {}", "Y020", (3, 1), "`destinations`"),
        ("rules: other/", "Y007", (3, 1), "remove one"),
        ("store: 'postgres://'", "C009", (3, 8), "postgres://user:"),
        ("store: files", "C009", (3, 8), "sqlite:"),
        ("store: 'sqlite:'", "C009", (3, 8), "sqlite:"),
        ("store: [a]", "Y022", (3, 8), "-"),
        ("admin: { listn: \"127.0.0.1:1\" }", "Y020", (3, 10), "`listen`"),
        ("admin: { listen: \"localhost:80\" }", "C007", (3, 18), "127.0.0.1:8080"),
        ("admin: { listen: 8080 }", "C007", (3, 18), "127.0.0.1:8080"),
        ("admin: { listen: \"0.0.0.0:80\" }", "C008", (3, 18), "openssl rand"),
        ("admin: { listen: \"0.0.0.0:80\", token: short }", "C008", (3, 39), "openssl rand"),
        ("admin: { listen: \"[::]:80\", token: \"${KEY}\" }", "C008", (3, 36), "openssl rand"),
        ("admin: { token: \"${NOPE}\" }", "C002", (3, 18), "export NOPE"),
        ("admin: { token: \"${BLANK}\" }", "C002", (3, 18), "export BLANK"),
        ("admin: { token: \"${NO-PE}\" }", "C001", (3, 18), "letters, digits"),
        ("admin: { token: \"x${KEY\" }", "C001", (3, 19), "$${"),
        ("admin: { token: \"${SPACED}\" }", "C018", (3, 17), "variable `SPACED`"),
        ("admin: { public_url: router }", "C006", (3, 22), "https://router"),
        ("admin: { users: [{ name: sam, token: t, role: boss }] }", "Y025", (3, 47), "-"),
        ("admin: { users: [{ name: sam, token: t }] }", "Y021", (3, 20), "-"),
        ("admin: { users: [{ name: 'sam, kim', token: t, role: viewer }] }", "C004", (3, 26), "as the proxy sends it"),
        ("admin: { users: [{ name: sam, role: viewer }] }", "C032", (3, 26), "proxy_header"),
        ("admin: { users: [{ name: sam, token: t, role: viewer, workspaces: }] }", "Y021", (3, 65), "may see all"),
        ("admin: { users: [{ name: sam, token: t, role: viewer, workspaces: [Acme] }] }", "C004", (3, 68), "acme*"),
        ("admin: { proxy_header: X-User, users: [{ name: sam, role: viewer }] }", "C033", (3, 24), "trusted_proxies"),
        ("admin: { proxy_header: X-User, trusted_proxies: 10.0.0.7 }", "C033", (3, 24), "users"),
        (
            "admin: { proxy_header: Cookie, trusted_proxies: '::1', users: [{ name: sam, role: viewer }] }",
            "C033",
            (3, 24),
            "X-Forwarded-User",
        ),
        (
            "admin: { proxy_header: X-User, trusted_proxies: 10.0.0.7/8, users: [{ name: sam, role: viewer }] }",
            "C033",
            (3, 49),
            "172.18.0.0/16",
        ),
        ("destinations: { a: { slck: {} } }", "Y020", (3, 22), "`slack`"),
        ("destinations: { a: {} }", "C011", (3, 17), "of its own"),
        ("destinations: { a: { slack: {}, email: {} } }", "C011", (3, 17), "of its own"),
        ("destinations: { a: { slack: { token: x } } }", "C011", (3, 29), "webhook_url"),
        ("destinations: { a: { slack: { webhook_url: nothing } } }", "C011", (3, 44), "webhook_url"),
        ("destinations: { a: { webhook: { url: \"http://127.0.0.1/x\" } } }", "C019", (3, 38), "allow_private"),
        ("destinations: { a: { webhook: { } } }", "Y021", (3, 31), "-"),
        ("destinations: { a: { email: { to: [x@y.example] } } }", "C011", (3, 29), "smtp"),
        ("destinations: { A b: { webhook: { url: \"https://x.example\" } } }", "C004", (3, 17), "`a-b`"),
        ("smtp: { url: \"ftp://x\", from: a@b.example }", "C013", (3, 14), "smtps://"),
        ("smtp: { url: \"smtps://h.example\", from: nobody }", "C013", (3, 41), "smtps://"),
        ("smtp: { from: a@b.example }", "Y021", (3, 9), "-"),
        ("hours: { h: { from: \"9\", to: \"18:00\", timezone: UTC } }", "C014", (3, 21), "\"09:00\""),
        ("hours: { h: { from: \"09:00\", to: \"09:00\", timezone: UTC } }", "C014", (3, 21), "\"18:00\""),
        ("hours: { h: { days: [mo], from: \"09:00\", to: \"10:00\", timezone: UTC } }", "C014", (3, 22), "mon, tue"),
        ("hours: { h: { days: [], from: \"09:00\", to: \"10:00\", timezone: UTC } }", "C014", (3, 21), "every day"),
        (
            "hours: { h: { from: \"09:00\", to: \"10:00\", timezone: America/New_Yrok } }",
            "C015",
            (3, 53),
            "America/New_York",
        ),
        ("hours: { h: { from: \"09:00\", to: \"10:00\" } }", "Y021", (3, 15), "-"),
        (
            "hours: { h: { from: \"09:00\", to: \"10:00\", timezone: UTC, except: [25.12.2026] } }",
            "C016",
            (3, 67),
            "2026-12-25",
        ),
        ("safety: { start_from: yesterday }", "C017", (3, 23), "24h"),
        ("safety: { start_from: 2026-02-30 }", "C017", (3, 23), "24h"),
        ("safety: { replies_per_lead: 1 a week }", "Y024", (3, 29), "30 per 1d"),
        ("safety: { replies_per_hour: 0 }", "Y026", (3, 29), "-"),
        ("safety: { max_age: 7 }", "Y023", (3, 20), "`7s`"),
        ("safety: { max_age: 1s }", "Y026", (3, 20), "1m to 365d"),
        ("safety: { verify_after: [5s, 5s] }", "Y026", (3, 25), "15m"),
        ("safety: { verify_after: [] }", "Y026", (3, 25), "15m"),
        ("safety: { verify_after: 5s }", "Y022", (3, 25), "one, two"),
        (
            "destinations: { hot: { webhook: { url: \"https://x.example\" } } }\nsafety: { alert: hott }",
            "C0",
            (4, 18),
            "`hot`",
        ),
        ("network: { allow_private: yes }", "Y022", (3, 27), "`true`"),
        ("network: &x { allow_private: true }", "Y005", (3, 13), "quotes"),
        ("network: { allow_private: ${KEY} }", "Y001", (3, 28), "a variable needs quotes"),
        ("network: on", "Y022", (3, 10), "-"),
        ("network: {\n\tallow_private: true", "Y0", (3, 10), "quotes"),
    ];
    let extra = |line: &str| format!("{GOOD}{line}\n");
    let workspaces: &[(&str, &str, (usize, usize), &str)] = &[
        ("rules: r\n", "C003", (1, 1), "add `workspaces"),
        ("rules: r\nworkspaces: []\n", "C003", (2, 13), "add one"),
        ("rules: r\nworkspaces: acme\n", "Y022", (2, 13), "one, two"),
        ("rules: r\nworkspaces: [{ name: a }]\n", "Y021", (2, 16), "-"),
        ("rules: r\nworkspaces: [{ api_key: k }]\n", "Y021", (2, 16), "-"),
        ("rules: r\nworkspaces: [{ name: Acme Inc, api_key: k }]\n", "C004", (2, 22), "`acme-inc`"),
        ("rules: r\nworkspaces: [{ name: a, api_key: k }, { name: a, api_key: l }]\n", "C005", (2, 47), "its own"),
        (
            "rules: r\nworkspaces: [{ name: a, api_key: k }, { name: b, api_key: l, was: a }]\n",
            "C005",
            (2, 67),
            "what this workspace was called before",
        ),
        (
            "rules: r\nworkspaces: [{ name: a, was: c, api_key: k }, { name: b, api_key: l, was: c }]\n",
            "C005",
            (2, 75),
            "what this workspace was called before",
        ),
        ("rules: r\nworkspaces: [{ name: a, api_key: k k }]\n", "C018", (2, 34), "copy it"),
        ("rules: r\nworkspaces: [{ name: a, api_key: k, mode: lvie }]\n", "Y025", (2, 43), "`live`"),
        ("rules: r\nworkspaces: [{ name: a, api_key: k, poll_every: 0s }]\n", "Y026", (2, 49), "1s to 1d"),
        ("rules: r\nworkspaces: [{ name: a, api_key: k, poll_every: 30 }]\n", "Y023", (2, 49), "`30s`"),
        (
            "rules: r\nworkspaces: [{ name: a, api_key: k, base_url: \"http://x.example\" }]\n",
            "C006",
            (2, 47),
            "https://api",
        ),
        (
            "rules: r\nworkspaces: [{ name: a, api_key: k, base_url: \"https://u:p@x.example\" }]\n",
            "C006",
            (2, 47),
            "https://api",
        ),
        ("rules: r\nworkspaces: [{ name: a, api_key: k, rate_limit: { per_minute: 0 } }]\n", "Y026", (2, 63), "-"),
        (
            "rules: r\nworkspaces: [{ name: a, api_key: k, rate_limit: { per_min: 5 } }]\n",
            "Y020",
            (2, 51),
            "per_minute",
        ),
        (
            "rules: r\nworkspaces: [{ name: a, api_key: k, poll_every: \"${KEY}\" }]\n",
            "Y023",
            (2, 49),
            "variable `KEY`",
        ),
        ("workspaces: [{ name: a, api_key: k }]\n", "Y021", (1, 1), "-"),
        ("", "C003", (1, 1), "add `workspaces"),
        ("- a\n", "Y022", (1, 1), "-"),
    ];
    let all = cases.iter().map(|(line, code, place, hint)| (extra(line), *code, *place, *hint));
    let all = all.chain(workspaces.iter().map(|(text, code, place, hint)| ((*text).to_owned(), *code, *place, *hint)));
    let mut wrong = Vec::new();
    for (text, code, place, hint) in all {
        let Err(out) = read(&text) else {
            wrong.push(format!("{text}  is taken"));
            continue;
        };
        let seen: Vec<_> = out.sorted().into_iter().map(|d| (d.code, (d.line, d.column), d.hint.clone())).collect();
        let expected = |(c, p, h): &(&str, (usize, usize), Option<String>)| {
            let hinted = if hint == "-" { h.is_none() } else { h.as_ref().is_some_and(|h| h.contains(hint)) };
            c.starts_with(code) && *p == place && hinted
        };
        if seen.len() != 1 || !seen.iter().all(expected) {
            wrong.push(format!("{text}  wanted {code} {place:?} {hint}\n  seen {seen:?}"));
        }
        let shown = format!("{out} {} {} {out:?}", out.github(), serde_json::to_string(&out).unwrap());
        assert!(!shown.contains(CANARY), "{text}\n{out}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_mistakes_come_in_one_pass() {
    let text =
        "workspaces: [{ name: A, api_key: \"${NOPE}\", poll_every: 1 }]\nstore: x\nhours: { h: {} }\nsafty: {}\n";
    let out = read(text).unwrap_err();
    let seen: Vec<_> = out.sorted().iter().map(|d| (d.code, d.line)).collect();
    let expected = [
        ("Y021", 1),
        ("C004", 1),
        ("C002", 1),
        ("Y023", 1),
        ("C009", 2),
        ("Y021", 3),
        ("Y021", 3),
        ("Y021", 3),
        ("Y020", 4),
    ];
    assert_eq!(seen, expected, "{out}");
}

/// Secrets written into the file itself are not shown either, whatever is wrong beside them.
#[test]
fn a_secret_in_the_file_is_never_shown() {
    let texts = [
        format!("workspaces: [{{ name: a, api_key: {CANARY}, mode: x }}]\nrules: r\n"),
        format!("workspaces: [{{ name: a, api_key: \"a {CANARY}\" }}]\nrules: r\n"),
        format!("workspaces:\n  - name: a\n    api_key: \"{CANARY}\n"),
        format!("{GOOD}admin: {{ listen: \"0.0.0.0:1\", token: {} }}\n", &CANARY),
        format!("{GOOD}store: \"postgres:{CANARY}\"\n"),
        format!("{GOOD}smtp: {{ url: \"smtps://u:{CANARY}@h.example\", form: x }}\n"),
        format!("{GOOD}smtp: {{ url: \"smtp {CANARY}\", from: a@b.example }}\n"),
        format!("{GOOD}destinations: {{ a: {{ slack: {{ webhook_url: \"x://{CANARY}\" }} }} }}\n"),
        format!("{GOOD}destinations: {{ a: {{ webhook: {{ url: \"http://10.0.0.1/{CANARY}\", scret: x }} }} }}\n"),
        format!(
            "{GOOD}destinations: {{ a: {{ webhook: {{ url: \"https://x.example\", secret: [\"{CANARY}\"] }} }} }}\n"
        ),
        format!("{GOOD}safety: {{ max_age: \"${{KEY}}\", start_from: \"${{KEY}}\", alert: \"${{KEY}}\" }}\n"),
        format!(
            "{GOOD}hours: {{ h: {{ from: \"${{KEY}}\", to: \"${{KEY}}\", timezone: \"${{KEY}}\", except: \"${{KEY}}\" }} }}\n"
        ),
    ];
    for text in texts {
        let out = read(&text).expect_err(&text);
        let shown = format!("{out} {} {} {out:?}", out.github(), serde_json::to_string(&out).unwrap());
        assert!(!shown.contains(CANARY), "{text}\n{shown}");
    }
}

#[test]
fn the_admin_token_may_come_from_the_environment() {
    let token = |name: &str| match name {
        "REPLY_ROUTER_ADMIN_TOKEN" => Some("t".repeat(32)),
        other => env(other),
    };
    let text = format!("{GOOD}admin: {{ listen: \"0.0.0.0:80\" }}\n");
    let settings = Settings::parse("f", &text, Path::new(""), &token).unwrap();
    assert_eq!(settings.admin.token.unwrap().expose_secret().len(), 32);
    // It may be a user's own: commands send it.
    let users = format!("{GOOD}admin: {{ users: [{{ name: sam, role: viewer, token: {} }}] }}\n", "t".repeat(32));
    let access = Settings::parse("f", &users, Path::new(""), &token).unwrap().admin.access();
    assert_eq!((access.token.is_some(), access.users.len()), (true, 1));
}

#[test]
fn without_a_file_a_key_and_rules_are_enough() {
    let with = |url: Option<&str>| {
        let url = url.map(str::to_owned);
        move |name: &str| match name {
            "COLDSEND_API_KEY" => Some(CANARY.to_owned()),
            "COLDSEND_BASE_URL" => url.clone(),
            _ => None,
        }
    };
    let settings = Settings::without_file(&with(None), Path::new("my-rules")).unwrap();
    assert_eq!(settings.rules, [Path::new("my-rules")]);
    assert_eq!(settings.workspaces[0].base_url.as_str(), "https://api.coldsend.pro/api/public/v1");
    let settings = Settings::without_file(&with(Some("http://localhost:1/v1")), Path::new("r")).unwrap();
    assert_eq!(settings.workspaces[0].base_url.as_str(), "http://localhost:1/v1");
    let out = Settings::without_file(&with(Some("http://x.example")), Path::new("r")).unwrap_err();
    assert!(out.to_string().contains("COLDSEND_BASE_URL") && !out.to_string().contains(CANARY), "{out}");
    let out = Settings::without_file(&|_| None, Path::new("r")).unwrap_err();
    assert!(out.to_string().contains("COLDSEND_API_KEY") && out.to_string().contains("init"), "{out}");
}

#[test]
fn the_starter_is_a_good_configuration() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in starter::FILES {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let key = |name: &str| (name == "COLDSEND_API_KEY").then(|| CANARY.to_owned());
    let file = folder.path().join("reply-router.yaml");
    let settings = Settings::load(&file, &key).unwrap_or_else(|out| panic!("{out}"));
    assert_eq!(settings.workspaces[0].settings.mode, Mode::Shadow);
    assert_eq!(settings.rules, [folder.path().join("rules/")]);
    assert!(settings.hours.contains_key("office") && settings.warnings.is_empty());
    let context = LoadContext { hours: settings.hours.clone(), ..LoadContext::default() };
    let rules = RuleSet::load(&settings.rules[0], &context).unwrap_or_else(|out| panic!("{out}"));
    assert!(rules.warnings().is_empty(), "{}", rules.warnings());
    let elsewhere = Settings::load_with_rules(&file, Some(Path::new("other")), &key).unwrap();
    assert_eq!(elsewhere.rules, [Path::new("other")]);
    // What is commented out is right as well, once the marks are taken away.
    let opened = starter::CONFIG.lines().skip_while(|line| !line.is_empty());
    let opened: Vec<_> =
        opened.map(|line| line.replacen("# ", "", usize::from(line.trim_start().starts_with("# ")))).collect();
    let opened = opened.join("\n").replace("Caps the mode", "# Caps the mode").replace("Start with", "# Start with");
    let opened =
        opened.replace("${REPLY_ROUTER_ADMIN_TOKEN}", "0123").replace("${SLACK_WEBHOOK_URL}", "https://x.example/y");
    let any = |_: &str| Some("whsec_Y2FuYXJ5".to_owned());
    let settings =
        Settings::parse("starter", &opened, folder.path(), &any).unwrap_or_else(|out| panic!("{opened}\n{out}"));
    assert_eq!(settings.destinations.len(), 4);
    assert_eq!(settings.safety.alert.as_deref(), Some("sales-hot"));

    let absent = Settings::load(&folder.path().join("nothing.yaml"), &key).unwrap_err();
    assert_eq!(absent.sorted()[0].code, "Y009");
}

#[test]
fn an_address_in_the_environment_is_not_passed_over_in_silence() {
    let env =
        |name: &str| (name == "COLDSEND_BASE_URL").then(|| "https://other.example".to_owned()).or_else(|| env(name));
    let read = |text: &str| Settings::parse("reply-router.yaml", text, Path::new("/etc/router"), &env).unwrap();
    let found = read(GOOD);
    assert_eq!(found.workspaces[0].base_url.as_str(), "https://api.coldsend.pro/api/public/v1");
    let codes: Vec<_> = found.warnings.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["C020"]);
    let named =
        read("workspaces: [{ name: acme, api_key: \"${KEY}\", base_url: \"${COLDSEND_BASE_URL}\" }]\nrules: rules/\n");
    assert_eq!(named.workspaces[0].base_url.as_str(), "https://other.example/");
    assert!(named.warnings.is_empty());
}

#[test]
fn users_are_told_apart_by_names_and_tokens() {
    let two = |first: &str, second: &str, more: &str| {
        format!("{GOOD}admin:\n  users:\n    - {{ {first}, role: viewer }}\n    - {{ {second}, role: admin }}\n{more}")
    };
    for (first, second, more, code, place) in [
        ("name: sam, token: a", "name: sam, token: b", "", "C031", (6, 15)),
        ("name: sam, token: a", "name: kim, token: a", "", "C031", (6, 27)),
        ("name: sam, token: a", "name: kim, token: b", "  token: a\n", "C031", (5, 27)),
        (
            "name: sam, token: a",
            "name: kim, token: 0123456789abcdef0123456789abcdef",
            "  listen: 0.0.0.0:80\n",
            "C008",
            (5, 27),
        ),
    ] {
        let text = two(first, second, more);
        let out = read(&text).unwrap_err();
        let found: Vec<_> = out.sorted().iter().map(|one| (one.code, one.line, one.column)).collect();
        assert_eq!(found, [(code, place.0, place.1)], "{text}\n{out}");
    }
}

#[test]
fn users_stand_in_for_the_admin_token() {
    let text = format!(
        "{GOOD}admin:
  listen: 0.0.0.0:80
  proxy_header: X-Forwarded-User
  trusted_proxies: [10.0.0.7, 'fd00::/8']
  users:
    - {{ name: sam@acme.example, role: viewer, workspaces: [acme*, other] }}
    - {{ name: kim, role: admin, token: 0123456789abcdef0123456789abcdef }}
    - {{ name: lee, role: approver, workspaces: [] }}
"
    );
    let settings = good(&text);
    let access = settings.admin.access();
    assert!(access.token.is_none());
    let users: Vec<_> =
        access.users.iter().map(|user| (user.name.as_str(), user.role, user.workspaces.clone())).collect();
    let globs = |globs: &[&str]| Some(globs.iter().map(|glob| (*glob).to_owned()).collect());
    assert_eq!(
        users,
        [
            ("sam@acme.example", Role::Viewer, globs(&["acme*", "other"])),
            ("kim", Role::Admin, None),
            ("lee", Role::Approver, globs(&[])),
        ]
    );
    let proxy = access.proxy.unwrap();
    assert_eq!(proxy.header, "X-Forwarded-User");
    assert!(proxy.trusted.iter().any(|network| network.contains("fd12::1".parse().unwrap())));
    // What matches nothing is odd, and no more.
    let warnings: Vec<_> = settings.warnings.sorted().iter().map(|one| (one.code, one.line)).collect();
    assert_eq!(warnings, [("C034", 8), ("C034", 10)]);
    assert!(!format!("{settings:?}").contains("0123456789abcdef"));
}

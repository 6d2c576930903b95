//! Files that the schema must refuse: some written here, and those of `tests/diagnostics`, where the loader's words about
//! each are kept.

use super::{CONFIG, RULES, SAID, Validator, json_of, judge_of, root};
use std::fs;

/// Cases of `tests/diagnostics` whose mistake lies beyond a schema though its code is one that a schema can say.
const APART: [(&str, &str); 2] = [
    // Whether a file holds tests only depends on its name.
    ("test-file-with-rules", "Y020"),
    // The alias itself is refused by the loader; an editor follows it.
    ("yaml-anchor", "R003"),
];

/// A rule file around the conditions and actions of a rule.
fn rule(when: &str, then: &str) -> String {
    format!("rules: [{{ name: a-rule, when: {when}, then: {then} }}]")
}

fn test(messages: &str, expect: &str) -> String {
    format!("tests: [{{ name: a test, messages: {messages}, expect: {expect} }}]")
}

fn configuration(rest: &str) -> String {
    format!("workspaces: [{{ name: acme, api_key: \"${{KEY}}\" }}]\nrules: rules/\n{rest}")
}

#[track_caller]
fn refuses(judge: &Validator, texts: &[String]) {
    for text in texts {
        let instance = json_of(text).unwrap_or_else(|| panic!("this is YAML: {text}"));
        assert!(!judge.accepts(&instance), "{text}");
    }
}

#[track_caller]
fn takes(judge: &Validator, texts: &[String]) {
    for text in texts {
        let instance = json_of(text).unwrap_or_else(|| panic!("this is YAML: {text}"));
        assert!(judge.accepts(&instance), "{text}\n{}", judge.why(&instance));
    }
}

#[test]
fn rules_with_mistakes_are_refused() {
    refuses(
        &RULES,
        &[
            "rule: []".to_owned(),
            "version: 2".to_owned(),
            "rules: { name: a }".to_owned(),
            "rules: [star]".to_owned(),
            "rules: [{ when: always, then: star }]".to_owned(),
            "rules: [{ name: A Rule, when: always, then: star }]".to_owned(),
            "rules: [{ name: a, then: star }]".to_owned(),
            "rules: [{ name: a, when: always }]".to_owned(),
            "rules: [{ name: a, when: always, stop: false }]".to_owned(),
            "rules: [{ name: a, when: always, then: star, stop: yes }]".to_owned(),
            "rules: [{ name: a, when: always, then: star, mode: lvie }]".to_owned(),
            "rules: [{ name: a, when: always, then: star, script: \"\" }]".to_owned(),
            "rules: [{ name: a, when: always, then: star, capture: { two words: x } }]".to_owned(),
            rule("allways", "star"),
            rule("{}", "star"),
            rule("[{ category: interested }]", "star"),
            rule("{ categroy: interested }", "star"),
            rule("{ category: [] }", "star"),
            rule("{ category: true }", "star"),
            rule("{ body: null }", "star"),
            rule("{ body: { contains: a, regex: b } }", "star"),
            rule("{ body: { like: a } }", "star"),
            rule("{ reply_count: many }", "star"),
            rule("{ reply_count: { gt: 1h } }", "star"),
            rule("{ age: 2h }", "star"),
            rule("{ age: { gt: 2 } }", "star"),
            rule("{ age: {} }", "star"),
            rule("{ is_read: yes }", "star"),
            rule("{ auto_reply: both }", "star"),
            rule("{ any: { category: interested } }", "star"),
            rule("{ not: [] }", "star"),
            rule("always", "strat"),
            rule("always", "reply"),
            rule("always", "[{ star: true }]"),
            rule("always", "[{ reply: { text: Hi }, star: null }]"),
            rule("always", "[{ reply: Hi }]"),
            rule("always", "[{ reply: {} }]"),
            rule("always", "[{ reply: { text: \" \" } }]"),
            rule("always", "[{ reply: { text: Hi, template: hi.txt } }]"),
            rule("always", "[{ reply: { template: hi.md } }]"),
            rule("always", "[{ reply: { text: Hi, attachments: [a, b, c, d, e, f] } }]"),
            rule("always", "[{ reply: { text: Hi, after: 30 } }]"),
            rule("always", "[{ reply: { text: Hi, after: 3 minutes } }]"),
            rule("always", "[{ reply: { text: Hi, repeat: once } }]"),
            rule("always", "[{ reply: { text: Hi, limit: 30 a day } }]"),
            rule("always", "[{ reply: { text: Hi, limit: 0 per 1d } }]"),
            rule("always", "[{ reply: { text: Hi, subject: Hi } }]"),
            rule("always", "[{ slack: null }]"),
            rule("always", "[{ slack: { text: Hi } }]"),
            rule("always", "[{ webhook: { to: crm, subject: Hi } }]"),
            test("[]", "{ rules: [] }"),
            test("[Hi]", "{}"),
            test("[Hi]", "{ actions: [answer] }"),
            test("[{ outgoing: false }]", "{ rules: [] }"),
            "tests: [{ messages: [Hi], expect: { rules: [] } }]".to_owned(),
        ],
    );
}

#[test]
fn configurations_with_mistakes_are_refused() {
    takes(&CONFIG, &[configuration("")]);
    let hours = "days: [mon], from: \"09:00\", to: \"18:00\", timezone: Europe/Berlin";
    takes(&CONFIG, &[configuration(&format!("hours: {{ office: {{ {hours} }} }}"))]);
    let rest = [
        "rule: x",
        "store: 'postgres://'",
        "store: reply-router.db",
        "admin: { listen: localhost }",
        "admin: { listen: 8080 }",
        "admin: { port: 8080 }",
        "destinations: { Sales: { webhook: { url: https://x.example } } }",
        "destinations: { sales: {} }",
        "destinations: { sales: { slack: { webhook_url: https://x.example }, webhook: { url: https://x.example } } }",
        "destinations: { sales: { slack: { token: x } } }",
        "destinations: { sales: { slack: { webhook_url: https://x.example, channel: hot } } }",
        "destinations: { sales: { email: { to: [] } } }",
        "destinations: { sales: { webhook: { url: x.example } } }",
        "smtp: { url: smtp.acme.example, from: a@b.example }",
        "smtp: { url: smtps://smtp.acme.example }",
        "hours: { office: { days: [moon], from: \"09:00\", to: \"18:00\", timezone: Europe/Berlin } }",
        "hours: { office: { days: [], from: \"09:00\", to: \"18:00\", timezone: Europe/Berlin } }",
        "hours: { office: { from: 9, to: \"18:00\", timezone: Europe/Berlin } }",
        "hours: { office: { from: \"09:00\", to: \"25:00\", timezone: Europe/Berlin } }",
        "hours: { office: { from: \"09:00\", to: \"18:00\" } }",
        "hours: { office: { from: \"09:00\", to: \"18:00\", timezone: Europe/Berlin, except: [Christmas] } }",
        "safety: { start_from: yesterday }",
        "safety: { replies_per_lead: 1 }",
        "safety: { replies_per_hour: 0 }",
        "safety: { replies_per_hour: \"50\" }",
        "safety: { verify_after: [] }",
        "safety: { verify_after: 5s }",
        "network: { allow_private: yes }",
        "network: { allow_private: \"x${FLAG}\" }",
    ];
    refuses(&CONFIG, &rest.map(configuration));
    refuses(
        &CONFIG,
        &[
            "rules: rules/".to_owned(),
            "workspaces: []\nrules: rules/".to_owned(),
            "workspaces: [{ name: acme, api_key: x }]".to_owned(),
            "workspaces: [{ name: acme }]\nrules: rules/".to_owned(),
            "workspaces: [{ name: Acme, api_key: x }]\nrules: rules/".to_owned(),
            "workspaces: [{ name: acme, api_key: x, mode: on }]\nrules: rules/".to_owned(),
            "workspaces: [{ name: acme, api_key: x, poll_every: 30 }]\nrules: rules/".to_owned(),
            "workspaces: [{ name: acme, api_key: x, rate_limit: { per_minute: 0 } }]\nrules: rules/".to_owned(),
        ],
    );
}

/// What no schema can say passes; the loader finds it.
#[test]
fn what_lies_beyond_a_schema_passes() {
    takes(
        &RULES,
        &[
            rule("{ body: '(' }", "star"),
            rule("{ body: '(?=x)' }", "star"),
            rule("{ reply_count: { gt: 5, lt: 3 } }", "star"),
            rule("always", "[{ reply: { text: \"{{ nobody.name }}\" } }]"),
            rule("always", "[{ reply: { text: \"{{ captures.day }}\" } }]"),
            rule("always", "[{ reply: { template: missing.txt } }]"),
            rule("always", "[{ reply: { text: Hi, hours: unknown, after: 99999d } }]"),
            rule("always", "[{ slack: unknown }]"),
            "rules: [{ name: a, script: 'no such thing', then: star }]".to_owned(),
            "rules: [{ name: a, when: always, then: star }, { name: a, when: always, then: star }]".to_owned(),
            test("[{ outgoing: true, body: ours }]", "{ rules: [no-such-rule] }"),
        ],
    );
    takes(
        &CONFIG,
        &[
            configuration("safety: { alert: unknown }"),
            configuration("safety: { verify_after: [1m, 5s], max_age: 1s }"),
            configuration("admin: { listen: \"0.0.0.0:8080\" }"),
            configuration("admin: { token: \"${UNSET}\" }"),
            configuration("destinations: { team: { email: { to: nobody } } }"),
            configuration(
                "hours: { office: { from: \"09:00\", to: \"09:00\", timezone: Europe/Nowhere, except: [\"2026-02-31\"] } }",
            ),
            "workspaces: [{ name: a, api_key: x }, { name: a, api_key: x }]\nrules: rules/".to_owned(),
        ],
    );
}

/// The codes of an expected output, each with the file that it is about.
fn expected(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut code = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("error[") {
            code = rest.split(']').next().map(str::to_owned);
        } else if let (Some(place), Some(_)) = (line.trim_start().strip_prefix("--> "), &code) {
            let file = place.split(':').next().unwrap_or_default().to_owned();
            found.extend(code.take().map(|code| (code, file)));
        }
    }
    found
}

#[test]
fn the_cases_of_the_loader_are_refused_where_a_schema_can() {
    let Ok(folders) = fs::read_dir(root().join("tests/diagnostics")) else { return };
    let (mut refused, mut wrong) = (0, Vec::new());
    for folder in folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let case = folder.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(text) = fs::read_to_string(folder.join("expected.txt")) else { continue };
        for (code, file) in expected(&text) {
            if !SAID.contains(&code.as_str()) || APART.contains(&(case.as_str(), code.as_str())) {
                continue;
            }
            let text = fs::read_to_string(folder.join(&file)).unwrap_or_else(|error| panic!("{case}: {file}: {error}"));
            match json_of(&text) {
                Some(instance) if judge_of(&file).accepts(&instance) => wrong.push(format!("{case}: {file}: {code}")),
                _ => refused += 1,
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 0, "no case has a mistake that a schema can say");
}

//! What goes wrong in the hands of people: a short error that names the place and a remedy, exit code 1 or 2, no panic,
//! no backtrace, no secret (`Ran::new` looks for those).

use super::cli_fixture::{CANARY, CliFixture, CommandOutput, EVERYTHING, binary, run};
use reply_router::simulator::{Endpoint, Fault};

/// One mistake: what is written into which file, what is run, and what the error must say.
struct Case {
    name: &'static str,
    file: &'static str,
    text: &'static str,
    command: &'static str,
    code: i32,
    says: &'static [&'static str],
}

const fn rule(name: &'static str, text: &'static str, says: &'static [&'static str]) -> Case {
    Case { name, file: "rules/bad.yaml", text, command: "preview", code: 1, says }
}

/// A configuration; `…` stands for the ordinary one.
const fn configuration(name: &'static str, text: &'static str, says: &'static [&'static str]) -> Case {
    Case { name, file: "reply-router.yaml", text, command: "run --once", code: 1, says }
}

const fn command(name: &'static str, command: &'static str, code: i32, says: &'static [&'static str]) -> Case {
    Case { name, file: "", text: "", command, code, says }
}

const CASES: &[Case] = &[
    rule(
        "unknown destination",
        "version: 1\nrules:\n  - name: bad\n    when: always\n    then:\n      - slack: salse\n",
        &["rules/bad.yaml:6:", "salse", "sales"],
    ),
    rule(
        "unknown field",
        "version: 1\nrules:\n  - name: bad\n    when: { categroy: interested }\n    then: [star]\n",
        &["rules/bad.yaml:4:", "categroy", "category"],
    ),
    rule(
        "bad regex",
        "version: 1\nrules:\n  - name: bad\n    when: { body: 'a(b' }\n    then: [star]\n",
        &["rules/bad.yaml:4:", "a(b"],
    ),
    rule(
        "bad script",
        "version: 1\nrules:\n  - name: bad\n    script: 'thread.reply_count <'\n    then: [star]\n",
        &["rules/bad.yaml:4:", "script"],
    ),
    rule(
        "bad template",
        "version: 1\nrules:\n  - name: bad\n    when: always\n    then:\n      - reply: { text: 'Hi {{ lead.first_name' }\n",
        &["rules/bad.yaml:6:", "expected end of variable block"],
    ),
    rule("no YAML", "version: 1\nrules: [", &["rules/bad.yaml:", "error"]),
    configuration("unset variable", "…smtp: { url: \"${NOT_SET}\" }\n", &["reply-router.yaml:", "NOT_SET", "export"]),
    configuration("unknown key", "…polling: 3s\n", &["reply-router.yaml:", "polling"]),
    configuration("missing store folder", "…store: sqlite:nowhere/router.db\n", &["nowhere/router.db", "folder"]),
    configuration("no database", "…store: sqlite:rules/rules.yaml\n", &["rules/rules.yaml", "database"]),
    configuration("no rules", "workspaces: [{ name: acme, api_key: k }]\nrules: nowhere/\n", &["nowhere"]),
    Case {
        command: "run",
        ..configuration(
            "open to the world",
            "workspaces: [{ name: acme, api_key: k }]\nrules: rules/\nadmin: { listen: '0.0.0.0:0' }\n",
            &["reply-router.yaml:3:", "token", "32"],
        )
    },
    command("no such file", "preview --config nowhere.yaml", 1, &["nowhere.yaml"]),
    command("unknown workspace", "preview --workspace acem", 1, &["acem", "acme"]),
    command("unknown thread", "explain 00000000-0000-4000-8000-000000000001", 1, &["404"]),
    command("unknown command", "previw", 2, &["previw", "preview"]),
    command("bad duration", "preview --since yesterday", 2, &["yesterday", "--since"]),
    command("no service", "status --url http://127.0.0.1:9", 1, &["127.0.0.1:9", "reply-router run"]),
];

/// What is wrong with an error; nothing, it is hoped. Short: no chain of causes that nobody reads.
fn faults(name: &str, ran: &CommandOutput, code: i32, says: &[&str]) -> Option<String> {
    let missing: Vec<_> = says.iter().filter(|wanted| !ran.err.contains(**wanted)).collect();
    let is_short = ran.err.lines().count() <= 30 && ran.err.len() < 3_000;
    let good = ran.code == code && missing.is_empty() && is_short;
    (!good).then(|| format!("── {name}: code {}, not said: {missing:?}\n{}{}", ran.code, ran.out, ran.err))
}

#[tokio::test]
async fn every_mistake_is_named_with_a_remedy() {
    let mut found = Vec::new();
    for case in CASES {
        let place = CliFixture::new(EVERYTHING).await;
        if !case.file.is_empty() {
            let ordinary = case.text.strip_prefix('…').map(|more| match more.starts_with("smtp") {
                true => place.configuration("").replace("smtp:", "#") + more,
                false => place.configuration(more),
            });
            place.write(case.file, &ordinary.unwrap_or_else(|| case.text.to_owned()));
        }
        let args: Vec<_> = case.command.split(' ').collect();
        found.extend(faults(case.name, &place.run(&args).await, case.code, case.says));
        assert_eq!(place.write_requests(), [""; 0], "{}", case.name);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn what_the_api_says_no_to() {
    let cases: &[(&str, Fault, &[&str])] = &[
        ("wrong key", Fault::Status(401, r#"{"detail":"Invalid API key"}"#.to_owned()), &["acme", "api_key"]),
        (
            "missing scope",
            Fault::Status(403, r#"{"detail":"no","required":["replies:read"],"granted":[]}"#.to_owned()),
            &["acme", "replies:read"],
        ),
        ("wrong JSON", Fault::Status(200, "[1, 2".to_owned()), &["GET /replies", "not as documented"]),
        ("another shape", Fault::Status(200, r#"{"conversations": 5}"#.to_owned()), &["GET /replies", "conversations"]),
        ("redirect", Fault::Redirect(302, "http://elsewhere.example/".to_owned()), &["302", "base_url"]),
    ];
    let place = CliFixture::new(EVERYTHING).await;
    let mut found = Vec::new();
    for (name, fault, says) in cases {
        place.simulator.faults().clear();
        place.simulator.faults().always(Endpoint::AnyApi, fault.clone());
        for command in [&["preview"][..], &["run", "--once"]] {
            found.extend(faults(name, &place.run(command).await, 1, says));
        }
        let doctor = place.run(&["doctor"]).await;
        let doctor = CommandOutput { err: doctor.out, out: doctor.err, ..doctor };
        found.extend(faults(name, &doctor, 1, says));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn what_the_machine_says_no_to() {
    let place = CliFixture::new(EVERYTHING).await;
    let taken = place.simulator.address().to_string();
    place.write("reply-router.yaml", &place.configuration("").replace("127.0.0.1:0", &taken));
    let mut found = Vec::new();
    found.extend(faults("port taken", &place.run(&["run"]).await, 1, &[&taken, "admin.listen"]));

    place.write(
        "reply-router.yaml",
        &place.configuration("").replace(&place.simulator.base_url(), "http://127.0.0.1:9"),
    );
    let says = ["127.0.0.1:9", "check the network", "base_url"];
    for args in [&["preview"][..], &["run", "--once"]] {
        found.extend(faults("unreachable host", &place.run(args).await, 1, &says));
    }

    let folder = tempfile::tempdir().unwrap();
    for args in [&["run"][..], &["preview"], &["check"], &["doctor"], &["apply"], &["explain", "x"]] {
        let says = ["reply-router.yaml", "reply-router init"];
        found.extend(faults("nothing there", &run(binary(folder.path(), args)).await, 1, &says));
    }
    // The key itself is no name for anything.
    let mut keyed = binary(folder.path(), &["preview", "--rules", "nowhere"]);
    keyed.env("COLDSEND_API_KEY", CANARY);
    found.extend(faults("no rules", &run(keyed).await, 1, &["nowhere"]));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

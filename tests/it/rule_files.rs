//! Which files a rule may read and mail to a lead.

use crate::{
    cli_fixture::{CANARY, CliFixture},
    fixture::{Fixture, FixtureOptions},
};
use reply_router::{
    model::{ActionKind, ActionState},
    rules::{LoadContext, RuleSet},
};
use std::{os::unix::fs::symlink, path::Path};

const FORBIDDEN: &str = "R030";

fn rule(files: &str) -> String {
    format!(
        "version: 1\nrules:\n  - name: pricing\n    when: {{ category: interested, body: price }}\n    then:\n      \
         - reply: {{ {files} }}\n"
    )
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A folder with a rule, and what lies around it.
fn around(folder: &Path) {
    write(folder, "rules/offer.txt", "Our offer.");
    write(folder, "rules/sub/deep.txt", "Deeper.");
    write(folder, "rules/.env", "KEY=1");
    write(folder, "rules/.ssh/id.txt", "KEY=2");
    write(folder, "reply-router.yaml", "api_key: 1");
    write(folder, "rules/reply-router.yaml", "api_key: 2");
    write(folder, "secret.txt", "secret");
    write(folder, "more/list.txt", "More.");
    write(folder, "rules/store.db", "mail");
    write(folder, "rules/store.db-wal", "mail");
    let rules = folder.join("rules");
    symlink("../secret.txt", rules.join("out.txt")).unwrap();
    symlink("offer.txt", rules.join("in.txt")).unwrap();
    symlink("..", rules.join("up")).unwrap();
    symlink("nowhere", rules.join("dangling.txt")).unwrap();
    symlink("loop.txt", rules.join("loop.txt")).unwrap();
    symlink(".env", rules.join("env.txt")).unwrap();
    symlink("/proc/self/environ", rules.join("environ.txt")).unwrap();
    std::fs::hard_link(rules.join("store.db"), rules.join("harmless.txt")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, rules.join("pipe.txt"), rustix::fs::Mode::RWXU).unwrap();
}

#[test]
fn only_files_below_the_rules_are_read() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    around(folder);
    let context = LoadContext {
        private_files: vec![folder.join("reply-router.yaml"), folder.join("rules/store.db")],
        ..LoadContext::default()
    };
    let codes = |part: &str, context: &LoadContext, whole: bool| {
        write(folder, "rules/rule.yaml", &rule(part));
        let path = if whole { folder.join("rules") } else { folder.join("rules/rule.yaml") };
        match RuleSet::load(&path, context) {
            Ok(_) => Vec::new(),
            // The links themselves are told of elsewhere.
            Err(found) => found.iter().map(|one| one.code).filter(|code| *code != "R031").collect::<Vec<_>>(),
        }
    };
    // A rule file's own folder counts as that of the rules.
    let cases = [
        ("offer.txt", None),
        ("sub/deep.txt", None),
        ("sub/../offer.txt", None),
        ("./offer.txt", None),
        ("in.txt", None),
        ("up/rules/offer.txt", None),
        ("/etc/passwd", Some(FORBIDDEN)),
        ("../secret.txt", Some(FORBIDDEN)),
        ("sub/../../secret.txt", Some(FORBIDDEN)),
        ("../reply-router.yaml", Some(FORBIDDEN)),
        ("reply-router.yaml", Some(FORBIDDEN)),
        ("up/secret.txt", Some(FORBIDDEN)),
        ("out.txt", Some(FORBIDDEN)),
        ("env.txt", Some(FORBIDDEN)),
        (".env", Some(FORBIDDEN)),
        (".ssh/id.txt", Some(FORBIDDEN)),
        ("store.db", Some(FORBIDDEN)),
        ("store.db-wal", Some(FORBIDDEN)),
        ("harmless.txt", Some(FORBIDDEN)),
        ("/proc/self/environ", Some(FORBIDDEN)),
        ("environ.txt", Some(FORBIDDEN)),
        ("pipe.txt", Some(FORBIDDEN)),
        ("sub", Some(FORBIDDEN)),
        ("..", Some(FORBIDDEN)),
        ("/dev/zero", Some(FORBIDDEN)),
        ("../more/list.txt", Some(FORBIDDEN)),
        ("dangling.txt", Some("R010")),
        ("loop.txt", Some("Y009")),
    ];
    let mut wrong = Vec::new();
    for (file, code) in cases {
        let wanted: Vec<&str> = code.into_iter().collect();
        for (whole, part) in [true, false].into_iter().flat_map(|whole| {
            let absolute = folder.join("rules").join(file);
            [
                (whole, format!("text: Hi, attachments: [{file}]")),
                (whole, format!("text: Hi, attachments: ['{}']", absolute.display())),
                (whole, format!("template: {file}")),
            ]
        }) {
            let found = codes(&part, &context, whole);
            if part.starts_with("template") && !file.ends_with(".txt") && found == ["R007"] {
                continue;
            }
            if found != wanted {
                wrong.push(format!("{part}: {found:?} and not {wanted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let more = LoadContext { attachments_from: vec![folder.join("more")], ..context };
    for part in ["text: Hi, attachments: [list.txt]", "text: Hi, attachments: [../more/list.txt]", "template: list.txt"]
    {
        assert_eq!(codes(part, &more, true), [""; 0], "{part}");
    }
    assert_eq!(codes("text: Hi, attachments: [../secret.txt]", &more, true), [FORBIDDEN]);
}

/// What Kubernetes mounts: links through a folder whose name begins with two dots.
#[test]
fn files_mounted_behind_links_are_used() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "rules/..2026_11_25/offer.txt", "Our offer.");
    write(home.path(), "rules/..2026_11_25/rule.yaml", &rule("text: Hi, attachments: [offer.txt]"));
    symlink("..2026_11_25", home.path().join("rules/..data")).unwrap();
    for name in ["offer.txt", "rule.yaml"] {
        symlink(format!("..data/{name}"), home.path().join("rules").join(name)).unwrap();
    }
    let set = RuleSet::load(&home.path().join("rules"), &LoadContext::default());
    assert_eq!(set.map(|set| set.rules().len()).map_err(|found| found.render(false)), Ok(1));
}

/// A fixture whose engine runs a rule that sends `offer.txt` of a folder of its own, with one reply planned.
async fn planned(folder: &Path) -> Fixture {
    let fixture = Fixture::new(FixtureOptions::default()).await;
    write(folder, "rules/offer.txt", "Our offer.");
    write(folder, "rules/rule.yaml", &rule("text: Hi, after: 5m, attachments: [offer.txt]"));
    write(folder, "secret.txt", "hunter2");
    fixture.engine.replace_rules(RuleSet::load(&folder.join("rules"), &LoadContext::default()).unwrap());
    fixture.hot_lead("jane@acme.example", "What is the price?");
    fixture.tick().await;
    assert_eq!(fixture.states().await.len(), 1);
    fixture.clock.advance(std::time::Duration::from_secs(600));
    fixture
}

#[tokio::test]
async fn a_file_that_becomes_a_link_is_not_sent() {
    type Swap = fn(&Path);
    let swaps: [(&str, Swap); 5] = [
        ("outside", |folder| symlink("../secret.txt", folder.join("rules/offer.txt")).unwrap()),
        ("outside", |folder| symlink("/etc/passwd", folder.join("rules/offer.txt")).unwrap()),
        ("no such file", |_| {}),
        ("a pipe", |folder| {
            let path = folder.join("rules/offer.txt");
            rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RWXU).unwrap();
        }),
        ("10 MB", |folder| {
            std::fs::File::create(folder.join("rules/offer.txt")).unwrap().set_len(10_000_001).unwrap();
        }),
    ];
    for (why, swap) in swaps {
        let home = tempfile::tempdir().unwrap();
        let fixture = planned(home.path()).await;
        std::fs::remove_file(home.path().join("rules/offer.txt")).unwrap();
        swap(home.path());
        fixture.requests();
        fixture.run_due().await;
        assert_eq!(fixture.states().await, [(ActionKind::Reply, ActionState::Failed, Some("template"))], "{why}");
        let reason = fixture.actions().await[0].reason.clone().unwrap().text;
        assert!(reason.contains("offer.txt") && reason.contains(why), "{why}: {reason}");
        assert_eq!(fixture.requests(), [""; 0], "nothing is asked of the API for a reply that cannot be sent");
    }
}

#[tokio::test]
async fn a_file_that_stays_where_it_was_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let fixture = planned(home.path()).await;
    fixture.run_due().await;
    assert_eq!(fixture.states().await, [(ActionKind::Reply, ActionState::Done, None)]);
}

#[tokio::test]
async fn check_says_where_a_file_may_be_and_the_configuration_names_more() {
    let place = CliFixture::new(&rule("text: Hi, attachments: [../assets/offer.txt, ../reply-router.yaml]")).await;
    place.write("assets/offer.txt", "Our offer.");
    place.write("assets/copy.yaml", &format!("api_key: {CANARY}"));
    let told = place.run(&["check"]).await.assert_exit(1);
    let told =
        told.assert_prints(&["error[R030]", "rules/rules.yaml:6:42", "attachments_from", "../reply-router.yaml"]);
    assert_eq!(told.out.matches("error[R030]").count(), 2, "{}", told.out);

    place.write("reply-router.yaml", &place.configuration("attachments_from: assets\n"));
    place.write("rules/rules.yaml", &rule("text: Hi, attachments: [../assets/offer.txt]"));
    place.run(&["check"]).await.assert_exit(0);
    place.write("rules/rules.yaml", &rule("text: Hi, attachments: [offer.txt]"));
    place.run(&["check"]).await.assert_exit(0);

    place.write("reply-router.yaml", &place.configuration("attachments_from: [nowhere]\n"));
    place.run(&["check"]).await.assert_exit(1).assert_prints(&["error[C030]", "there is no folder `nowhere`"]);
}

#[tokio::test]
async fn what_is_not_read_in_the_folder_of_rules_is_told() {
    type Put = fn(&Path);
    let entries: [(&str, i32, &str, Put); 8] = [
        ("error[R031]", 1, "gone.yaml", |rules| symlink("nowhere.yaml", rules.join("gone.yaml")).unwrap()),
        ("error[R031]", 1, "shared", |rules| symlink("/mnt/nowhere", rules.join("shared")).unwrap()),
        ("warning[R031]", 0, "gone.pdf", |rules| symlink("nowhere.pdf", rules.join("gone.pdf")).unwrap()),
        ("error[R031]", 1, "loop.yaml", |rules| symlink("loop.yaml", rules.join("loop.yaml")).unwrap()),
        ("warning[R031]", 0, "up", |rules| symlink("..", rules.join("up")).unwrap()),
        ("warning[R031]", 0, "here", |rules| symlink(".", rules.join("here")).unwrap()),
        ("error[R031]", 1, "pipe.yaml", |rules| {
            rustix::fs::mkfifoat(rustix::fs::CWD, rules.join("pipe.yaml"), rustix::fs::Mode::RWXU).unwrap();
        }),
        ("warning[R031]", 0, "a.sock", |rules| {
            drop(std::os::unix::net::UnixListener::bind(rules.join("a.sock")).unwrap());
        }),
    ];
    for (told, code, name, put) in entries {
        let place = CliFixture::new(&rule("text: Hi")).await;
        put(&place.path().join("rules"));
        let ran = place.run(&["check"]).await.assert_exit(code).assert_prints(&[told, &format!("rules/{name}")]);
        assert_eq!(ran.out.matches("R031").count(), 1, "{}", ran.out);
        assert!(!ran.out.contains("R002"), "{}", ran.out);
    }
    let place = CliFixture::new(&rule("text: Hi")).await;
    symlink("nowhere", place.path().join("rules/.#rules.yaml")).unwrap();
    place.run(&["check"]).await.assert_exit(0).assert_prints(&["no errors"]);
}

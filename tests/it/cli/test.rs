//! `test`, and what refuses rules whose tests fail.

use crate::cli_fixture::{CliFixture, EVERYTHING, run};

const GOOD: &str = r#"
tests:
  - name: a call is answered
    thread: { category: interested, lead_email: jane@acme.example, lead_name: Jane Doe }
    messages:
      - { outgoing: true, body: "15 minutes for a demo?" }
      - "Sure, a call\non Tuesday?\n\nOn Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n> 15 minutes for a demo?"
    expect:
      rules: [book-a-call]
      actions: [reply, star, slack, email, webhook, mark_read]
      reply: "Hi Jane,"
      body: Sure, a call on Tuesday?
  - name: automatic mail is left alone
    thread: { category: interested, subject: "Automatic reply: demo" }
    messages: ["I am out of the office until Monday. For a call ring my colleague."]
    expect: { rules: [], actions: [], reply: null }
"#;

const BAD: &str = r#"
tests:
  - name: somebody "expected" <more>
    thread: { category: interested, lead_email: jane@acme.example, lead_name: Jane Doe }
    messages: ["No meeting, thanks."]
    expect: { rules: [book-a-call], actions: [reply], reply: calendar }
"#;

#[tokio::test]
async fn tests_run_offline_and_say_what_differs() {
    let place = CliFixture::new(&format!("{EVERYTHING}{GOOD}")).await;
    place.run(&["test"]).await.assert_exit(0).assert_prints(&[
        "✓ a call is answered",
        "✓ automatic mail",
        "2 passed, 0 failed",
    ]);

    place.write("rules/more.test.yaml", BAD);
    let ran = place.run(&["test", "--junit", "junit.xml"]).await.assert_exit(1).assert_prints(&[
        "rules/more.test.yaml",
        "✗ somebody \"expected\" <more>",
        "more.test.yaml:3)",
        "rules    expected  [book-a-call]",
        "actual    []",
        "✗ when.body expected",
        "No meeting, thanks.",
        "2 passed, 1 failed",
    ]);
    assert!(ran.err.is_empty(), "{}", ran.err);
    let junit = std::fs::read_to_string(place.path().join("junit.xml")).unwrap();
    assert!(junit.contains("tests=\"3\" failures=\"1\""), "{junit}");
    assert!(junit.contains("somebody &quot;expected&quot; &lt;more&gt;") && !junit.contains("<more>"), "{junit}");
    // A file of tests alone is about the rules beside it, and runs alone.
    place.run(&["test", "rules/more.test.yaml"]).await.assert_exit(1).assert_prints(&["0 passed, 1 failed"]);
    // It needs no key.
    let mut without = place.command(&["test", "rules/rules.yaml"]);
    without.env_remove("COLDSEND_API_KEY");
    run(without).await.assert_exit(0).assert_prints(&["2 passed, 0 failed"]);
    let mut without = place.command(&["test"]);
    without.env_remove("COLDSEND_API_KEY");
    run(without).await.assert_exit(1).assert_prints(&["2 passed, 1 failed"]);
    // Nothing was asked of anybody.
    assert!(place.simulator.workspace().requests().is_empty());
}

/// A rule whose script fails matches nothing: a test that expects nothing of it passes, and must not hide that.
#[tokio::test]
async fn a_script_that_never_ends_is_told_whether_or_not_its_test_passes() {
    let rules = "version: 1\nrules:\n  - { name: endless, when: { category: interested }, script: 'loop { }', then: [star] }\n\
                 tests:\n  - { name: nothing happens, thread: { category: interested }, messages: [Hi], expect: { rules: [] } }\n  \
                 - { name: a star, thread: { category: interested }, messages: [Hi], expect: { actions: [star] } }\n  \
                 - { name: a star in the end, thread: { category: interested }, messages: [Hi], expect: { sent: [star] } }\n  \
                 - { name: nothing in the end, thread: { category: interested }, messages: [Hi], expect: { sent: [] } }\n";
    let place = CliFixture::new(rules).await;
    let ran = place.run(&["test"]).await.assert_exit(1);
    let ran = ran.assert_prints(&["✓ nothing happens", "✓ nothing in the end", "✗ a star", "2 passed, 2 failed"]);
    assert_eq!(ran.out.matches("error rule `endless` (rules/rules.yaml:3): ").count(), 4, "{}", ran.out);
    let ran = place.run(&["test", "--format", "json", "--junit", "junit.xml"]).await.assert_exit(1);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    for test in found["tests"].as_array().unwrap() {
        let errors = test["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{test:#}");
        assert!(errors[0].as_str().unwrap().contains("endless"), "{test:#}");
    }
    let junit = std::fs::read_to_string(place.path().join("junit.xml")).unwrap();
    assert!(junit.contains("; rule `endless`"), "{junit}");
}

#[tokio::test]
async fn without_its_variables_a_configuration_still_says_which_rules_it_has() {
    let place = CliFixture::new(&format!("{EVERYTHING}{BAD}")).await;
    let other = "workspaces: [{ name: a, api_key: '${NOT_SET_HERE}' }]\nrules: other.yaml\n\
                 destinations: { sales: { slack: { webhook_url: '${NOT_SET_HERE_URL}' } } }\n";
    place.write("other/reply-router.yaml", other);
    let rule = "rules: [{ name: away, when: { auto_reply: true }, then: [slack: sales] }]\n\
                tests: [{ name: a note, thread: { subject: Out of office }, messages: [Back on Monday.], \
                expect: { rules: [away], actions: [slack] } }]\n";
    place.write("other/other.yaml", rule);
    let ran = place.run(&["test", "--config", "other/reply-router.yaml"]).await.assert_exit(0);
    ran.assert_prints(&["other/other.yaml", "✓ a note", "1 passed, 0 failed"]);
}

#[tokio::test]
async fn a_service_refuses_rules_whose_tests_fail() {
    let place = CliFixture::new(&format!("{EVERYTHING}{BAD}")).await;
    let ran = place.run(&["run", "--once"]).await.assert_exit(1);
    for wanted in ["R021", "rules.yaml:19", "fails: rules: expected [book-a-call], actual []", "reply-router test"] {
        assert!(ran.err.contains(wanted), "{wanted} is not in {}", ran.err);
    }
    assert!(place.simulator.workspace().requests().is_empty());
    // Looking is allowed.
    place.run(&["preview"]).await.assert_exit(0);
}

#[tokio::test]
async fn mistakes_in_tests_are_named_with_their_place() {
    let cases = [
        ("  - { name: a, messages: [Hi], expect: { rules: [], replly: x } }\n", "did you mean `reply`?"),
        ("  - { name: a, messages: [Hi], expect: { actions: [stir] } }\n", "did you mean `star`?"),
        ("  - { name: a, messages: [Hi], expect: {} }\n", "expects nothing"),
        ("  - { name: a, messages: [{ outgoing: true, body: Hi }], expect: { rules: [] } }\n", "R020"),
        ("  - { name: a, messages: [], expect: { rules: [] } }\n", "R020"),
        ("  - { name: a, messages: [{ subject: Hi }], expect: { rules: [] } }\n", "is empty"),
        ("  - { name: a, now: noon, messages: [Hi], expect: { rules: [] } }\n", "2026-01-07T17:00:00Z"),
        ("  - { name: a, thread: { categroy: x }, messages: [Hi], expect: { rules: [] } }\n", "category"),
        ("  - { messages: [Hi], expect: { rules: [] } }\n", "name"),
        ("  - { name: a, messages: [no: 1], expect: { rules: [] } }\n", "unknown key `no`"),
    ];
    let place = CliFixture::new(EVERYTHING).await;
    for (case, wanted) in cases {
        place.write("rules/rules.yaml", &format!("{EVERYTHING}tests:\n{case}"));
        for command in ["check", "test"] {
            let ran = place.run(&[command]).await.assert_exit(1);
            let said = format!("{}{}", ran.out, ran.err);
            assert!(said.contains(wanted) && said.contains("rules.yaml:18"), "{command} {case}{said}");
        }
    }
}

#[tokio::test]
async fn a_live_thread_becomes_a_test_that_runs() {
    let place = CliFixture::new(EVERYTHING).await;
    let thread = place.hot_lead("jane@acme.example");
    let written = place
        .run(&["explain", &thread, "--as-test"])
        .await
        .assert_exit(0)
        .assert_prints(&["- book-a-call", "- mark_read"]);
    place.write("rules/live.test.yaml", &written.out);
    // What the rules do now is what it expects.
    place.run(&["test"]).await.assert_exit(0).assert_prints(&["1 passed, 0 failed"]);
    place.write("rules/live.test.yaml", &written.out.replace("    - book-a-call\n", "    - not-now\n"));
    place.run(&["test"]).await.assert_exit(1).assert_prints(&["expected  [not-now]", "actual    [book-a-call]"]);
}

#[tokio::test]
async fn programs_read_which_test_failed_and_why() {
    let tests = "tests:\n  - { name: fits, messages: [Hi], expect: { rules: [] } }\n  - { name: no way, messages: [Hi], \
                 expect: { rules: [book-a-call] } }\n";
    let place = CliFixture::new(&format!("{EVERYTHING}{tests}")).await;
    let report = place.run(&["test", "--format", "json"]).await.assert_exit(1).json();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()), "{report:#}");
    let test = |number: usize| report["tests"][number].clone();
    assert_eq!((&test(0)["name"], &test(0)["passed"]), (&"fits".into(), &true.into()));
    assert_eq!((&test(1)["name"], &test(1)["passed"]), (&"no way".into(), &false.into()));
    let failure = &test(1)["failures"][0];
    assert_eq!(failure["what"], "rules");
    assert_eq!((&failure["expected"], &failure["actual"]), (&"[book-a-call]".into(), &"[]".into()));
    assert!(test(1)["file"].as_str().unwrap().ends_with("rules.yaml") && test(1)["line"].is_u64());
}

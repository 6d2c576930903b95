//! Lists and forwards as whoever keeps the rules meets them: tests beside the rules, explanations, what `check` says.

use crate::cli_fixture::CliFixture;

const ACCOUNTS: &str = "domain,owner,channel,mail\nacme.example,Ann,#ann,ann@us.example\n";

/// A rule that tells the owner of an account, in their channel and by mail.
const TELL: &str = r##"version: 1
rules:
  - name: tell-the-owner
    when: { category: interested, lead_domain: { in: accounts } }
    then:
      - slack: { to: bot, channel: "{{ (lead.domain | lookup('accounts')).channel }}", text: "Hot: {{ lead.email }}" }
      - email: { to: team, cc: "{{ (lead.domain | lookup('accounts')).mail }}", subject: "For {{ (lead.domain | lookup('accounts')).owner }}" }
"##;

const TESTS: &str = r##"tests:
  - name: the owner hears of it
    thread: { category: interested, lead_email: jane@acme.example }
    messages: [Give me a call.]
    expect:
      forwards:
        - { to: team, cc: ann@us.example, subject: For Ann }
        - { to: bot, channel: "#ann", text: jane@acme.example }
  - name: nobody hears of others
    thread: { category: interested, lead_email: jane@other.example }
    messages: [Give me a call.]
    expect: { forwards: [] }
  - name: and later
    thread: { category: interested, lead_email: jane@acme.example }
    messages: [Give me a call.]
    expect: { sent: [slack, email], forwards: [bot, team] }
    steps:
      - after: 1h
        expect: { forwards: [] }
"##;

/// A place with a list of accounts and a Slack destination that takes another channel.
pub(super) async fn place(rules: &str) -> CliFixture {
    let place = CliFixture::new(rules).await;
    let lists = "lists: { accounts: { file: accounts.csv, key: domain } }\n";
    let bot = format!(
        "destinations:\n  bot: {{ slack: {{ token: {}, channel: '#hot', api_url: \"{}\" }} }}",
        reply_router::simulator::SLACK_TOKEN,
        place.simulator.slack_api_url()
    );
    place.write("reply-router.yaml", &place.configuration(lists).replacen("destinations:", &bot, 1));
    place.write("accounts.csv", ACCOUNTS);
    place
}

#[tokio::test]
async fn tests_beside_the_rules_say_where_forwards_go() {
    let place = place(&format!("{TELL}{TESTS}")).await;
    place.run(&["test"]).await.assert_exit(0).assert_prints(&["3 passed, 0 failed"]);
    place.write("accounts.csv", &ACCOUNTS.replace("#ann", "#bo"));
    let ran = place.run(&["test"]).await.assert_exit(1);
    ran.assert_prints(&[
        "forwards expected  team, cc ann@us.example, subject “For Ann”\n",
        "bot, channel #ann, text “jane@acme.example”\n",
        "actual    bot #bo, text “Hot: jane@acme.example”\n",
        "team ann@us.example, subject “For Ann”\n",
        "1 failed",
    ]);
    for (forwards, wanted) in [
        ("[{ channel: x }]", "`to`"),
        ("[{ to: bot, chanel: x }]", "did you mean `channel`?"),
        ("[{ to: bot, channel: { a: 1 } }]", "text"),
    ] {
        let wrong = format!("tests:\n  - {{ name: a, messages: [Hi], expect: {{ forwards: {forwards} }} }}\n");
        place.write("rules/rules.yaml", &format!("{TELL}{wrong}"));
        let ran = place.run(&["check"]).await.assert_exit(1);
        assert!(ran.out.contains(wanted) || ran.err.contains(wanted), "{forwards}: {}{}", ran.out, ran.err);
    }
}

#[tokio::test]
async fn a_live_thread_becomes_a_test_of_its_forwards() {
    let place = place(TELL).await;
    let thread = place.hot_lead("jane@acme.example");
    let written = place.run(&["explain", &thread, "--as-test"]).await.assert_exit(0).assert_prints(&[
        "    - to: bot\n      channel: '#ann'\n      text: 'Hot: jane@acme.example'\n",
        "      cc: ann@us.example\n",
    ]);
    place.write("rules/live.test.yaml", &written.out);
    place.run(&["test"]).await.assert_exit(0).assert_prints(&["1 passed, 0 failed"]);
    place.write("accounts.csv", &ACCOUNTS.replace("ann@us", "bo@us"));
    place.run(&["test"]).await.assert_exit(1);
}

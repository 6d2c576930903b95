//! `explain`: beyond matching, the whole way of a message, of a live thread, a recorded decision and a file.

use crate::cli_fixture::{CliFixture, EVERYTHING};
use reply_router::simulator::{Message, NewThread};
use serde_json::{Value, json};

/// What `explain` says of the first action, as `would reason`, and the stages of the way.
async fn explained(place: &CliFixture, thread: &str) -> (String, Vec<String>) {
    let found = place.run(&["explain", thread, "--format", "json"]).await.assert_exit(0).json();
    let first = found["rules"].as_array().unwrap().iter().find_map(|rule| rule["actions"].get(0).cloned());
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let first = first.map(|action| format!("{} {}", word(&action["would"]), word(&action["reason"])));
    let way = found["way"].as_array().unwrap().iter().map(|step| word(&step["stage"])).collect();
    (first.unwrap_or_else(|| "-".to_owned()), way)
}

#[tokio::test]
async fn from_not_polled_to_sent() {
    let place = CliFixture::new(EVERYTHING).await;
    let old = place.hot_lead("old@acme.example");

    // The service has never run here.
    let ran =
        place.run(&["explain", &old]).await.assert_exit(0).assert_prints(&["not checked", "repeats, limits, opt-outs"]);
    assert!(!ran.out.contains("\ntimeline"), "{}", ran.out);

    // The first poll notes what is there.
    place.run(&["run", "--once"]).await.assert_exit(0);
    place
        .run(&["explain", &old])
        .await
        .assert_exit(0)
        .assert_prints(&["It was there at the first poll", "→ reply: would be sent"]);

    let hot = place.hot_lead("jane@acme.example");
    place.run(&["explain", &hot]).await.assert_exit(0).assert_prints(&["No poll has seen this thread yet"]);
    place.run(&["run", "--once"]).await.assert_exit(0);
    let (reply, way) = explained(&place, &hot).await;
    assert_eq!(reply, "suppressed repeat");
    let actions = std::iter::repeat_n("action", 6);
    assert_eq!(way, ["poll", "thread", "decision"].into_iter().chain(actions).collect::<Vec<_>>());
    let ran = place.run(&["explain", &hot]).await.assert_exit(0).assert_prints(&[
        "A poll has seen this message.",
        "Decided: book-a-call matched.",
        "`book-a-call`: reply is done, after 1 try.",
        "`book-a-call`: slack sales is done, after 1 try.",
    ]);
    assert!(!ran.out.contains("not checked"), "{}", ran.out);

    // The lead writes again: what was sent counts for the next message.
    place.simulator.workspace().lead_writes(&hot, "And a call on Friday?");
    place
        .run(&["explain", &hot])
        .await
        .assert_exit(0)
        .assert_prints(&["newer message than the last poll saw", "(repeat: "]);
}

#[tokio::test]
async fn a_decision_about_an_older_message_is_not_told_of_a_newer_one() {
    // Decided from the row alone: the record names no message.
    let rules = "version: 1\nrules:\n  - { name: hot, when: { category: interested }, then: [star] }\n";
    let place = CliFixture::new(rules).await;
    place.run(&["run", "--once"]).await.assert_exit(0);
    let thread = place.hot_lead("jane@acme.example");
    place.run(&["run", "--once"]).await.assert_exit(0);
    let before = place.files();
    place.run(&["explain", &thread]).await.assert_exit(0).assert_prints(&["Decided: hot matched.", "star is done"]);
    assert_eq!(before, place.files());
    place.simulator.workspace().lead_writes(&thread, "And another thing.");
    let ran =
        place.run(&["explain", &thread]).await.assert_exit(0).assert_prints(&["newer message than the last poll saw"]);
    assert!(!ran.out.contains("Decided:"), "{}", ran.out);
}

#[tokio::test]
async fn what_stands_in_the_way_beyond_the_rules() {
    let rules = EVERYTHING.replace("here is my calendar.' }", "here is my calendar.', repeat: once_per_message }");
    let place = CliFixture::new(&rules).await;
    place.run(&["run", "--once"]).await.assert_exit(0);
    let workspace = place.simulator.workspace();

    // A person has answered.
    let taken = place.hot_lead("taken@acme.example");
    workspace.person_answers(&taken, "I am on it.");
    assert_eq!(explained(&place, &taken).await.0, "suppressed person_answered");

    // Nothing but an opt-out in an older message.
    let out = place.hot_lead("out@acme.example");
    workspace.lead_writes(&out, "Please remove me from your list.");
    workspace.lead_writes(&out, "I mean it. No call.");
    assert_eq!(explained(&place, &out).await.0, "suppressed opt_out");

    // The lead has had a reply this week, which the rule's own `repeat` allows again.
    let capped = place.hot_lead("capped@acme.example");
    place.run(&["run", "--once"]).await.assert_exit(0);
    workspace.lead_writes(&capped, "And a call on Friday?");
    assert_eq!(explained(&place, &capped).await.0, "suppressed lead_cap");

    // The remembered opt-out is told with its words.
    place.run(&["explain", &out]).await.assert_exit(0).assert_prints(&["out@acme.example opted out", "remove me"]);

    // Outside of the hours.
    let closed = "hours: { never: { days: [mon], from: \"00:00\", to: \"00:01\", timezone: UTC } }";
    place.write("reply-router.yaml", &place.configuration(closed));
    place.write("rules/rules.yaml", &rules.replace("repeat: once", "hours: never, repeat: once"));
    let late = place.hot_lead("late@acme.example");
    assert_eq!(explained(&place, &late).await.0, "waiting hours");

    // In shadow, and off.
    place.write(
        "rules/rules.yaml",
        &rules.replace("when:\n      category: interested", "mode: shadow\n    when:\n      category: interested"),
    );
    assert_eq!(explained(&place, &late).await.0, "suppressed shadow");
    place.write(
        "rules/rules.yaml",
        &rules.replace("when:\n      category: interested", "mode: off\n    when:\n      category: interested"),
    );
    place.run(&["explain", &late]).await.assert_exit(0).assert_prints(&["the rule is off", "not evaluated"]);
    assert_eq!(
        place.run(&["explain", &late, "--format", "json"]).await.json()["rules"][0]["conditions"][0]["held"],
        json!(null)
    );
}

#[tokio::test]
async fn a_recorded_decision_without_a_request() {
    let place = CliFixture::new(EVERYTHING).await;
    place.run(&["run", "--once"]).await.assert_exit(0);
    place.hot_lead("jane@acme.example");
    let ran = place.run(&["run", "--once"]).await.assert_exit(0);
    let id = ran.err.split("decision=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    place.simulator.workspace().clear_requests();
    let before = place.files();
    place.run(&["explain", "--decision", &id]).await.assert_exit(0).assert_prints(&[
        "| Sure, a call on Tuesday?",
        "book-a-call [live] matched",
        "→ reply: would be sent",
        "Decided: book-a-call matched.",
        "reply is done",
    ]);
    assert_eq!(place.simulator.workspace().requests(), []);
    assert_eq!(before, place.files());
    let ran = place.run(&["explain", "--decision", "nothing"]).await.assert_exit(1);
    assert!(ran.err.contains("no decision `nothing`"), "{}", ran.err);
}

#[tokio::test]
async fn a_file() {
    let place = CliFixture::new(EVERYTHING).await;
    place
        .write("reply.txt", "A call? Sure.\n\nOn Mon, Jan 5, 2026 at 9:00 AM Sam <sam@us.example> wrote:\n> A demo?\n");
    let ran = place.run(&["explain", "--file", "reply.txt", "--category", "interested", "--lead-email", "a@b.example"]);
    ran.await.assert_exit(0).assert_prints(&[
        "| A call? Sure.",
        "book-a-call [live] matched",
        "a@b.example",
        "not checked",
    ]);
    place
        .run(&["explain", "--file", "reply.txt"])
        .await
        .assert_exit(0)
        .assert_prints(&["book-a-call [live] no", "saw nothing"]);

    let mail = "From: \"Jane D.\" <jane@acme.example>\r\nTo: sam@us.example\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n\
                MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
                Content-Type: text/html; charset=utf-8\r\n\r\n<p>Give me a <b>call</b></p>\r\n--b\r\n\
                Content-Type: application/pdf; name=offer.pdf\r\nContent-Disposition: attachment; filename=offer.pdf\r\n\r\n\
                x\r\n--b--\r\n";
    place.write("reply.eml", mail);
    let ran = place.run(&["explain", "--file", "reply.eml", "--category", "interested", "--format", "json"]).await;
    let found = ran.assert_exit(0).json();
    assert_eq!(found["body"], json!("Give me a call"));
    assert_eq!((&found["subject"], &found["lead_email"]), (&json!("Café"), &json!("jane@acme.example")));
    assert_eq!(found["rules"][0]["matched"], json!(true));

    place.write("two.yaml", "tests:\n  - { name: yes, thread: { category: interested }, messages: [A call], expect: { rules: [] } }\n  - { name: no, messages: [A call], expect: { rules: [] } }\n");
    let all = place.run(&["explain", "--file", "two.yaml", "--format", "json"]).await.assert_exit(0).json();
    assert_eq!(all.as_array().unwrap().len(), 2);
    let one =
        place.run(&["explain", "--file", "two.yaml", "--test", "yes", "--format", "json"]).await.assert_exit(0).json();
    assert_eq!(one["rules"][0]["matched"], json!(true));
    for (args, says) in [
        (&["--file", "two.yaml", "--test", "maybe"][..], "it has `yes`, `no`"),
        (&["--file", "none.txt"], "cannot read none.txt"),
        (&["--file", "reply-router.yaml"], "has no `tests:`"),
    ] {
        let ran = place.run(&[&["explain"], args].concat()).await.assert_exit(1);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
    place.run(&["explain"]).await.assert_exit(2);
    place.run(&["explain", "x", "--file", "y"]).await.assert_exit(2);
    assert_eq!(place.simulator.workspace().requests(), []);
}

#[tokio::test]
async fn a_mail_says_who_wrote_it_and_becomes_a_test() {
    let place = CliFixture::new(EVERYTHING).await;
    let mail = "From: =?utf-8?q?J=C3=B6rg_Doe?= <jorg@acme.example>\r\nTo: sam@us.example\r\nSubject: Demo\r\n\r\nA call? Sure.\r\n";
    place.write("reply.eml", mail);
    let file = ["explain", "--file", "reply.eml", "--category", "interested"];
    place.run(&file).await.assert_exit(0).assert_prints(&["| Hi Jörg, here is my calendar."]);
    place.run(&[&file[..], &["--lead-name", "Ann Doe"]].concat()).await.assert_exit(0).assert_prints(&["| Hi Ann,"]);
    // Somebody else's name is not the lead's.
    let other = place.run(&[&file[..], &["--lead-email", "jane@acme.example"]].concat()).await.assert_exit(0);
    assert!(other.out.contains("| Hi there,") && other.out.contains("sender_is_not_lead"), "{}", other.out);
    let written = place.run(&[&file[..], &["--as-test"]].concat()).await.assert_exit(0);
    let written = written.assert_prints(&["lead_name: Jörg Doe", "- book-a-call", "body: A call? Sure."]);
    place.write("rules/mail.test.yaml", &written.out);
    place.run(&["test"]).await.assert_exit(0).assert_prints(&["1 passed, 0 failed"]);
    let refused = place.run(&["explain", "--file", "rules/mail.test.yaml", "--as-test"]).await.assert_exit(1);
    assert!(refused.err.contains("has tests already; --as-test takes a mail"), "{}", refused.err);
    place.run(&["explain", "--decision", "x", "--as-test"]).await.assert_exit(2);
}

#[tokio::test]
async fn a_file_is_explained_without_a_key_and_says_what_is_left_out() {
    let rules =
        "version: 1\nrules:\n  - { name: known, when: { lead_domain: { in: accounts } }, then: [slack: sales] }\n";
    let place = CliFixture::new(rules).await;
    place.write("accounts.csv", "domain,owner\nacme.example,Ann\n");
    place.write("reply-router.yaml", &place.configuration("lists: { accounts: { file: accounts.csv } }\n"));
    place.write("reply.txt", "A call? Sure.\n");
    let file = ["explain", "--file", "reply.txt", "--lead-email", "jane@acme.example"];
    for more in [&[][..], &["--rules", "rules"]] {
        let mut command = place.command(&[&file[..], more].concat());
        command.env_remove("COLDSEND_API_KEY");
        let ran = crate::cli_fixture::run(command).await.assert_exit(0);
        assert!(ran.out.contains("known [live] matched") && ran.out.contains("list `accounts` has"), "{}", ran.out);
        assert!(ran.err.contains("note: `COLDSEND_API_KEY` is not set"), "{}", ran.err);
        assert!(!ran.err.contains("COLDSEND_BASE_URL"), "{}", ran.err);
    }
    let ran = place.run(&file).await.assert_exit(0);
    assert_eq!(ran.err, "");
    // What is wrong otherwise is told, too.
    place.write("reply-router.yaml", "workspaces: [{ name: a, api_key: k, pol_every: 1s }]\n");
    place.run(&file).await.assert_exit(1);
    let ran = place.run(&[&file[..], &["--rules", "rules"]].concat()).await.assert_exit(0);
    assert!(
        ran.err.contains("note: the configuration is left out, so its lists, destinations and hours are not known"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("pol_every"), "{}", ran.err);
}

#[tokio::test]
async fn a_test_that_was_written_from_a_thread_passes() {
    let place = CliFixture::new(EVERYTHING).await;
    for (lead, text) in
        [("a@acme.example", "Sure, a call on Tuesday?"), ("b@acme.example", "I am out of the office until Monday.")]
    {
        let thread = place.hot_lead(lead);
        place.simulator.workspace().lead_writes(&thread, text);
        let written =
            place.run(&["explain", &thread, "--as-test"]).await.assert_exit(0).assert_prints(&["expect:", "rules:"]);
        place.write(&format!("rules/{lead}.test.yaml"), &written.out);
    }
    place.run(&["test"]).await.assert_exit(0).assert_prints(&["2 passed, 0 failed"]);
}

#[tokio::test]
async fn an_address_finds_the_threads_of_the_lead() {
    let place = CliFixture::new(EVERYTHING).await;
    let (old, _) = (place.hot_lead("jane@acme.example"), place.hot_lead("joe@acme.example"));
    let ran =
        place.run(&["explain", "Jane@acme.example"]).await.assert_exit(0).assert_prints(&[&format!("thread {old}")]);
    assert!(!ran.err.contains("threads"), "{}", ran.err);
    // A newer one of another campaign: it is explained, and the others are named.
    let thread = NewThread::new("jane@acme.example").subject("Another one").category("not_interested");
    let new = place.simulator.workspace().add_thread(thread.message("No."));
    let ran =
        place.run(&["explain", "jane@acme.example"]).await.assert_exit(0).assert_prints(&[&format!("thread {new}")]);
    assert!(
        ran.err.contains("2 threads") && ran.err.contains(&old) && ran.err.contains("To explain another one"),
        "{}",
        ran.err
    );
    // What programs read stays one document.
    let json = place.run(&["explain", "jane@acme.example", "--format", "json"]).await.assert_exit(0).json();
    assert_eq!(json["thread_id"], new);
    let nobody = place.run(&["explain", "nobody@acme.example"]).await.assert_exit(1);
    assert!(nobody.err.contains("no thread of nobody@acme.example"), "{}", nobody.err);
    assert_eq!(place.write_requests(), [""; 0]);
}

#[tokio::test]
async fn how_a_message_was_read() {
    let place = CliFixture::new(EVERYTHING).await;
    let pitch = "Hi Jane, would you like to see how our planner saves each of your drivers an hour a day?";
    let thread = NewThread::new("notifications@acme.example")
        .name("Jane Doe")
        .campaign("Q1 Product Launch")
        .category("interested")
        .message(Message::text(pitch).outgoing().with_age(std::time::Duration::from_secs(86_400)))
        .message(Message::text(format!("Yes, please give me a call on Tuesday.\n\nZorg blipte:\n{pitch}")));
    let thread = place.simulator.workspace().add_thread(thread);
    place.run(&["explain", &thread]).await.assert_exit(0).assert_prints(&[
        "auto-reply  possibly",
        "possible sender_address: The sender's address is one that programs write from: “notifications@acme.example”",
        "opt-out     no",
        "language    en",
        "| Yes, please give me a call on Tuesday.",
        "quoted: repeats your message of ",
        "→ reply: would be held (uncertain: may be automatic mail: the sender's address",
        "→ star: would be done",
    ]);
    let found = place.run(&["explain", &thread, "--format", "json"]).await.assert_exit(0).json();
    let reasons: Vec<_> = found["quoted"].as_array().unwrap().iter().map(|quoted| quoted["why"].to_string()).collect();
    assert!(reasons.iter().any(|why| why.contains("repeats your message of ")), "{reasons:?}");
    assert_eq!(found["signals"][0]["kind"], "sender_address");
    assert_eq!(found["signals"][0]["certainty"], "possible");
    assert_eq!((&found["language"], &found["auto_reply"]), (&json!("en"), &json!(false)));
    let test = place.run(&["explain", &thread, "--as-test"]).await.assert_exit(0).assert_prints(&[
        "# How the newest message was read:\n",
        "#   quoted (repeats your message of ",
        "#   possible sender_address: ",
        "#   language: en\n",
    ]);
    place.write("rules/read.test.yaml", &test.out);
    place.run(&["test"]).await.assert_exit(0).assert_prints(&["held as uncertain: "]);
    let gone = "Please remove me from your list, I am not interested.";
    let thread = place.simulator.workspace().add_thread(NewThread::new("joe@acme.example").message(gone));
    place.run(&["explain", &thread]).await.assert_exit(0).assert_prints(&["opt-out     yes, “"]);
}

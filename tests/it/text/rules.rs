//! What the rules make of it: the texts of a lead as conditions and templates see them, through the program's own `test`.

use assert_cmd::Command;

/// The return without a year is resolved by the message's day, and the signature is no part of `body`.
#[test]
fn a_return_without_a_year_is_read_at_the_time_of_the_message() {
    let rules = |now: &str, reply: &str| {
        format!(
            r#"version: 1
rules:
  - name: away
    mode: live
    when: {{ auto_reply: true }}
    then:
      - reply: {{ text: "Until {{{{ message.back_on | default('then') }}}}.", after: 3d }}
tests:
  - name: a return without a year
    thread: {{ category: out_of_office, lead_email: jana@acme.example }}
    now: {now}
    messages:
      - subject: "Automatische Antwort: Frage"
        body: "Ich bin ab Montag, 12. Januar, wieder im Büro.\n\nViele Grüße\nJana\nAcme GmbH\nTel. 030 1234567"
    expect:
      rules: [away]
      reply: "{reply}"
      body: "Ich bin ab Montag, 12. Januar, wieder im Büro.\n\nViele Grüße\nJana"
"#
        )
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    for (now, reply) in [
        ("2026-01-05T12:00:00Z", "Until 2026-01-12."),
        // Written a year earlier, the twelfth is a Sunday; written in summer, it is too far away.
        ("2025-01-05T12:00:00Z", "Until then."),
        ("2025-04-01T12:00:00Z", "Until then."),
    ] {
        std::fs::write(&file, rules(now, reply)).unwrap();
        let mut command = Command::cargo_bin("reply-router").unwrap();
        command.current_dir(folder.path()).arg("test").arg("--rules").arg(&file).assert().success();
    }
}

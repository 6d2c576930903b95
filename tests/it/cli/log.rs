//! The destination `log`: lines on standard error, of the real binary.

use crate::{
    cli_fixture::CliFixture,
    service_process::{SERVICE, ServiceProcess},
};
use serde_json::Value;

const RULES: &str = r"rules:
  - name: hot
    when: { category: interested }
    then: [log: lines]
";

fn configuration(format: &str, place: &CliFixture) -> String {
    place
        .configuration("safety: { start_from: 24h, alert: lines }\n")
        .replace("destinations:\n", &format!("destinations:\n  lines: {{ log: {format} }}\n"))
}

fn json_lines(text: &str, event: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == event).collect()
}

#[tokio::test]
async fn a_line_tells_of_each_message_and_a_dry_run_is_marked() {
    let place = CliFixture::new(RULES).await;
    place.write("reply-router.yaml", &configuration("{ format: json }", &place));
    let thread = place.hot_lead("jane@acme.example");

    let ran = place.run(&["run", "--once", "--dry-run"]).await.assert_exit(0);
    let lines = json_lines(&ran.err, "reply.matched");
    assert_eq!(lines.len(), 1, "{}", ran.err);
    assert_eq!((&lines[0]["rule"], &lines[0]["dry_run"]), (&"hot".into(), &true.into()));
    assert_eq!(place.write_requests(), [""; 0]);

    let ran = place.run(&["run", "--once"]).await.assert_exit(0);
    let lines = json_lines(&ran.err, "reply.matched");
    assert_eq!(lines.len(), 1, "{}", ran.err);
    assert_eq!((&lines[0]["lead"], &lines[0]["thread"]), (&"jane@acme.example".into(), &thread.into()));
    assert!(lines[0]["action_id"].is_string() && lines[0].get("dry_run").is_none(), "{lines:?}");
}

#[tokio::test]
async fn doctor_checks_it_and_a_text_line_names_its_fields() {
    let place = CliFixture::new(RULES).await;
    place.write("reply-router.yaml", &configuration("{}", &place));
    let ran = place.run(&["doctor", "--send", "lines"]).await.assert_exit(0);
    assert!(ran.out.contains("writes to standard error"), "{}", ran.out);
    assert!(ran.err.contains("event=test") && ran.err.contains("title=\"Test message"), "{}", ran.err);
    let text = configuration("{ format: xml }", &place);
    place.write("reply-router.yaml", &text);
    place.run(&["check"]).await.assert_exit(1).assert_prints(&["is not one of: text, json"]);
}

#[tokio::test]
async fn alerts_are_written_as_lines() {
    let place = CliFixture::new(RULES).await;
    place.write("reply-router.yaml", &configuration("{ format: json }", &place));
    let mut service = ServiceProcess::start(place.command(SERVICE)).await;
    place.write("rules/rules.yaml", "rules: [{ name: hot, when: nonsense, then: [log: lines] }]\n");
    let line = service.wait_for_log("\"event\":\"alert\"").await;
    assert!(line.contains("\"title\":"), "{line}");
    service.terminate().await.assert_exit(0);
}

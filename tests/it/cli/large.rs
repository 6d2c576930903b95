//! `check` of rules that are large: it ends, and says what it gave up.

use crate::cli_fixture::{CliFixture, PATIENCE};
use std::fmt::Write;

fn any_of(count: usize, item: impl Fn(usize) -> String, one_line: bool) -> String {
    let items: Vec<String> = (0..count).map(item).collect();
    let list = if one_line {
        format!("[{}]", items.join(", "))
    } else {
        format!("\n        - {}", items.join("\n        - "))
    };
    format!("version: 1\nrules:\n  - name: large\n    when:\n      any: {list}\n    then: [star]\n")
}

fn many_rules(count: usize) -> String {
    let mut text = "version: 1\nrules:\n".to_owned();
    for n in 0..count {
        let when = format!("{{ any: [{{ category: c{n} }}, {{ body: b{n} }}], subject: s{n} }}");
        let _ = writeln!(text, "  - name: r{n}\n    when: {when}\n    then: [{{ reply: {{ text: Hi }} }}]");
    }
    text
}

#[tokio::test]
async fn large_rules_are_checked_in_bounded_time() {
    let word = |n: usize| format!("{{ body: 'word{n}x' }}");
    let number = |n: usize| format!("{{ reply_count: {{ gt: {n} }} }}");
    let wrong = |n: usize| format!("{{ bdy: 'word{n}x' }}");
    let place = CliFixture::new("").await;
    let gave_up = Some("warning[L030]");
    for (what, text, code, told) in [
        ("a thousand texts", any_of(1_000, word, false), 0, None),
        ("ten thousand texts", any_of(10_000, word, false), 0, gave_up),
        ("all in one line", any_of(10_000, word, true), 0, gave_up),
        ("ten thousand numbers", any_of(10_000, number, false), 0, gave_up),
        ("ten thousand mistakes in one line", any_of(10_000, wrong, true), 1, Some("more; `check --format json`")),
        ("two thousand rules", many_rules(2_000), 0, gave_up),
    ] {
        place.write("rules/rules.yaml", &text);
        let began = std::time::Instant::now();
        let ran = place.run(&["check"]).await.assert_exit(code);
        assert!(began.elapsed() < PATIENCE, "{what}");
        match told {
            Some(told) => assert!(ran.out.contains(told), "{what}: {}", ran.out),
            None => assert!(!ran.out.contains("L030"), "{what}: {}", ran.out),
        }
        assert!(ran.out.len() < 200_000, "{what}: {} bytes", ran.out.len());
    }
}

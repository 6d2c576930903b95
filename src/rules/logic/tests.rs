use super::{Budget, Dnf};
use crate::rules::{LoadContext, RuleSet};

/// Whether a condition, written as YAML in a flow mapping, is proved never to hold, or always to hold.
fn proved(when: &str) -> &'static str {
    let text = format!("version: 1\nrules:\n  - {{ name: one, when: {when}, then: [star] }}\n");
    let set = RuleSet::parse(&[("rules.yaml", &text)], &LoadContext::default());
    let set = set.unwrap_or_else(|found| panic!("{when}\n{}", found.render(false)));
    let rule = &set.rules()[0];
    let none = |ways: Option<Dnf<'_>>| ways.is_some_and(|ways| ways.is_unsatisfiable());
    let budget = Budget::new(1_000_000);
    match (
        none(Dnf::from_condition(&rule.when, &rule.tests, &budget)),
        none(Dnf::from_negation(&rule.when, &rule.tests, &budget)),
    ) {
        (true, _) => "never",
        (_, true) => "always",
        _ => "open",
    }
}

#[test]
fn conditions_that_never_or_always_hold() {
    let cases = [
        // One value cannot be two.
        ("{ all: [{ category: a }, { category: b }] }", "never"),
        ("{ all: [{ category: a b }, { category: A_B }] }", "open"),
        ("{ all: [{ category: [a, b] }, { category: [b, c] }] }", "open"),
        ("{ all: [{ category: a }, { category: null }] }", "never"),
        ("{ all: [{ category: 'a*' }, { category: b }] }", "never"),
        ("{ all: [{ category: 'a*' }, { category: 'b*' }] }", "never"),
        ("{ all: [{ category: 'a*' }, { category: '*b' }] }", "open"),
        ("{ all: [{ category: '*a' }, { category: '*b' }] }", "never"),
        ("{ category: a, not: { category: 'A*' } }", "never"),
        ("{ category: 'a*', not: { category: 'a?*' } }", "open"),
        ("{ category: 'ab*', not: { category: 'a*' } }", "never"),
        ("{ category: 'a*', not: { category: 'ab*' } }", "open"),
        ("{ any: [{ category: a }, { not: { category: a } }] }", "always"),
        ("{ any: [{ category: '*' }, { category: null }] }", "always"),
        ("{ any: [{ category: '*' }, { category: a }] }", "open"),
        // Several values may be.
        ("{ all: [{ tags: a }, { tags: b }] }", "open"),
        ("{ all: [{ tags: a }, { tags: null }] }", "never"),
        ("{ tags: a, not: { tags: [a, b] } }", "never"),
        ("{ all: [{ campaign: Q1 }, { campaign: 6a1f0a52-5a5c-4c0e-9d0b-0d6b8f0f4c11 }] }", "open"),
        ("{ all: [{ campaign: Q1 }, { campaign: Q2 }] }", "never"),
        // Numbers and ages.
        ("{ all: [{ reply_count: { gt: 2 } }, { reply_count: { lt: 3 } }] }", "never"),
        ("{ all: [{ ai_confidence: { gt: 2 } }, { ai_confidence: { lt: 3 } }] }", "open"),
        ("{ all: [{ ai_confidence: { gt: 3 } }, { ai_confidence: { lt: 3 } }] }", "never"),
        ("{ any: [{ message_count: { gt: 2 } }, { message_count: { lte: 2 } }] }", "always"),
        ("{ any: [{ reply_count: { gt: 2 } }, { reply_count: { lte: 2 } }] }", "open"),
        ("{ reply_count: 2, not: { reply_count: { gte: 1 } } }", "never"),
        ("{ reply_count: { lt: 0 } }", "never"),
        ("{ all: [{ age: { gt: 2h } }, { age: { lt: 30m } }] }", "never"),
        ("{ all: [{ age: { gt: 2h } }, { age: { lt: 3h } }] }", "open"),
        // Yes and no; what may be absent is neither.
        ("{ all: [{ opt_out: true }, { opt_out: false }] }", "never"),
        ("{ any: [{ opt_out: true }, { opt_out: false }] }", "always"),
        ("{ any: [{ is_read: true }, { is_read: false }] }", "open"),
        ("{ not: { auto_reply: any } }", "never"),
        // Texts.
        ("{ body: call, not: { body: call } }", "never"),
        ("{ body: book a call, not: { body: CALL } }", "never"),
        ("{ body: call, not: { body: book a call } }", "open"),
        ("{ body: '\\bcall\\b', not: { body: call } }", "open"),
        ("{ body: call, not: { subject: call } }", "open"),
        ("{ body: call, not: { body: 'x*' } }", "never"),
        ("{ body: call, not: { body: '^$' } }", "open"),
        ("{ any: [{ body: call }, { not: { body: call } }] }", "always"),
        ("{ body: { contains: 'a.b' }, not: { body: 'a.b' } }", "open"),
        // Deeper.
        ("{ all: [{ any: [{ category: a }, { category: b }] }, { category: c }] }", "never"),
        ("{ all: [{ any: [{ category: a }, { subject: x }] }, { category: c }] }", "open"),
        ("{ not: { any: [{ category: a }, { not: { category: a } }] } }", "never"),
        ("{ not: { all: [{ category: a }, { category: b }] } }", "always"),
    ];
    for (when, expected) in cases {
        assert_eq!(proved(when), expected, "{when}");
    }
}

#[test]
fn too_many_ways_are_left_alone() {
    let any = |field: &str| {
        let items: Vec<String> = (0..20).map(|n| format!("{{ {field}: v{n} }}")).collect();
        format!("{{ any: [{}] }}", items.join(", "))
    };
    let when = format!("{{ all: [{}, {}, {}] }}", any("category"), any("campaign"), any("lead_email"));
    assert_eq!(proved(&when), "open");
}

//! Conditions on lists, and forwards that a list sends to their owner.

use super::{
    Case, context,
    lists::{with_accounts, with_lists},
};
use reply_router::{
    diagnostics::Diagnostics,
    lists::{Builtin, ListKind, ListSource},
    model::{Decision, PlannedOutcome, RowTrace, RuleTrace},
    rules::{LoadContext, RequestCost, RuleSet, WorkspaceContext},
};
use std::collections::BTreeSet;

fn load(rules: &str) -> Result<RuleSet, Diagnostics> {
    let folder = tempfile::tempdir().unwrap();
    RuleSet::parse(&[("rules/a.yaml", rules)], &with_accounts(folder.path()))
}

fn set(rules: &str) -> RuleSet {
    load(rules).unwrap_or_else(|wrong| panic!("{wrong}\n{rules}"))
}

fn rule(when: &str) -> String {
    format!("rules:\n  - name: a\n    when: {{ {when} }}\n    then: [star]\n")
}

fn of(domain: &str) -> Case {
    let mut case = Case::full("Yes");
    case.row.lead_email = Some(format!("Jane@{domain}"));
    case.newest(|message| message.from = Some(format!("Jane <jane@{domain}>")))
}

fn trace(set: &RuleSet, case: &Case) -> RuleTrace {
    case.evaluate(set).unwrap().rules.remove(0)
}

#[test]
fn a_value_is_in_a_list() {
    let check = |when: &str, domain: &str, matched: bool| {
        assert_eq!(trace(&set(&rule(when)), &of(domain)).matched, matched, "{when} {domain}");
    };
    for when in [
        "lead_domain: { in: accounts }",
        "lead_domain: { in: [accounts] }",
        "lead_domain: [other.org, { in: accounts }]",
        "lead_email: { in: accounts }",
        "from: { in: accounts }",
        "not: { lead_domain: [{ in: accounts }, 'x.example'] }, body: yes",
    ] {
        let negated = when.starts_with("not");
        check(when, "acme.example", !negated);
        check(when, "Mail.ACME.example", !negated);
        check(when, "notacme.example", negated);
    }
    check("lead_domain: [other.org, { in: accounts }]", "other.org", true);
    for written in ["bücher.example", "XN--bcher-kva.Example.", "*.xn--bcher-kva.example"] {
        let when = format!("lead_domain: '{written}'");
        let at = if written.starts_with('*') { "mail." } else { "" };
        check(&when, &format!("{at}xn--bcher-kva.example"), true);
        check(&when, &format!("{at}BÜCHER.example"), true);
        check(&when, &format!("{at}bucher.example"), false);
    }
    check("lead_email: 'jane@bücher.example'", "xn--bcher-kva.example", true);
    check("lead_domain: { in: accounts }", "", false);
    check("tags: { in: words }", "acme.example", true);
    check("category: { in: words }", "acme.example", true);
    check("body: { in: words }", "acme.example", true);
    check("body: ['never', { in: words }]", "acme.example", true);
    check("body: { any: [{ says: never }, { in: words }] }", "acme.example", true);
    check("subject: { in: words }", "acme.example", false);
    check("campaign: { in: words }", "acme.example", false);
}

#[test]
fn an_explanation_shows_the_list_and_the_key() {
    let found = trace(&set(&rule("lead_domain: { in: [words, accounts] }")), &of("mail.acme.example"));
    let condition = &found.conditions[0];
    assert_eq!((condition.wanted.as_str(), condition.held), ("in words or accounts", Some(true)));
    assert_eq!(condition.seen.as_deref(), Some("mail.acme.example"));
    assert_eq!(condition.span.map(|(start, end)| &"mail.acme.example"[start..end]), Some("acme.example"));
    let row = RowTrace { list: "accounts".to_owned(), key: "acme.example".to_owned(), line: 2 };
    assert_eq!(condition.row.as_ref(), Some(&row));
    let json = serde_json::to_value(condition).unwrap();
    assert_eq!(json["row"], serde_json::json!({ "list": "accounts", "key": "acme.example", "line": 2 }));
    assert_eq!(row.place(), "line 2");
    let free = ListSource { kind: ListKind::Builtin(Builtin::FreeMail), at: None };
    let context = LoadContext { lists: [("free".to_owned(), free)].into(), ..context() };
    let set_of_free = RuleSet::parse(&[("a.yaml", &rule("lead_domain: { in: free }"))], &context).unwrap();
    let free = trace(&set_of_free, &of("gmail.com"));
    let row = free.conditions[0].row.clone().unwrap();
    assert_eq!((row.key.as_str(), row.line, row.place().as_str()), ("gmail.com", 0, "built in"));
    let other = trace(&set(&rule("lead_domain: { in: accounts }")), &of("other.example"));
    assert_eq!((other.conditions[0].held, other.conditions[0].row.as_ref()), (Some(false), None));
    assert!(!serde_json::to_string(&other.conditions[0]).unwrap().contains("row"));
}

#[test]
fn a_list_asks_for_nothing_by_itself_and_is_looked_into_before_rules_are() {
    let rules = set(&rule("lead_domain: { in: accounts }"));
    assert_eq!(rules.request_cost(), RequestCost { at_least: 1, at_most: 1 });
    // A hundred rules on two lists, and what is evaluated of them.
    let many: String = (0..100)
        .map(|number| {
            let list = if number % 50 == 0 { "accounts" } else { "words" };
            format!("  - {{ name: r{number}, when: {{ lead_domain: {{ in: {list} }} }}, then: [star] }}\n")
        })
        .collect();
    let many = set(&format!("rules:\n{many}"));
    let mut case = of("acme.example");
    case.thorough = false;
    let mut evaluated = Vec::new();
    let fast = case.evaluate_timed(&many, &mut |place| evaluated.push(place)).unwrap();
    assert_eq!(evaluated, [0, 50]);
    let slow: Decision = case.evaluate(&many.without_index()).unwrap();
    assert_eq!(fast.matched().collect::<Vec<_>>(), slow.matched().collect::<Vec<_>>());
}

#[test]
fn what_is_wrong_or_odd_about_a_list_in_a_condition() {
    let told = |when: &str| match load(&rule(when)) {
        Err(wrong) => wrong.to_string(),
        Ok(set) => set.warnings().to_string(),
    };
    for (when, wanted) in [
        ("lead_domain: { in: acounts }", "did you mean `accounts`?"),
        ("body: { in: acounts }", "R040"),
        ("lead_domain: { on: accounts }", "did you mean `in`"),
        ("lead_domain: { in: [] }", "the list is empty"),
        ("lead_domain: {}", "missing"),
        ("reply_count: { in: accounts }", "unknown key `in`"),
        ("lead_domain: { in: accounts }, not: { lead_domain: { in: [words, accounts] } }", "no message can meet"),
    ] {
        let told = told(when);
        assert!(told.contains(wanted), "{when}: {told}");
    }
    assert_eq!(told("lead_domain: { in: accounts }, not: { lead_domain: { in: words } }"), "");
}

fn forward(action: &str) -> String {
    format!("rules:\n  - name: a\n    when: always\n    then:\n      - {action}\n")
}

/// Whom the first action is for, or why it fails.
fn recipients(action: &str, domain: &str) -> Result<Vec<String>, String> {
    let decision = of(domain).evaluate(&set(&forward(action))).unwrap();
    let action = &decision.actions[0];
    assert_eq!(decision.rules[0].actions[0].recipients, action.payload.recipients());
    match action.would {
        PlannedOutcome::Failed => Err(action.reason.clone().unwrap().text),
        _ => Ok(action.payload.recipients().to_vec()),
    }
}

const CHANNEL: &str = "slack: { to: sales-hot, channel: \"{{ (lead.domain | lookup('accounts')).channel }}\" }";

#[test]
fn a_forward_goes_where_the_list_says_or_nowhere() {
    let goes = |action: &str, wanted: &[&str]| {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(recipients(action, "mail.acme.example"), Ok(wanted), "{action}");
    };
    goes(CHANNEL, &["#ann"]);
    goes(
        "slack: { to: sales-hot, channel: \"{% set a = lead.email | lookup('accounts') %}{{ a.channel }}\" }",
        &["#ann"],
    );
    goes("slack: { to: sales-hot, channel: \"#emea\" }", &["#emea"]);
    goes("slack: sales-hot", &[]);
    goes(
        "email: { to: account-team, cc: \"{{ (lead.domain | lookup('accounts')).owner_email }}\" }",
        &["ann@us.example"],
    );
    goes(
        "email: { to: account-team, cc: [\"{{ (lead.domain | lookup('accounts')).owner_email }}\", 'Bo <bo@us.example>'] }",
        &["ann@us.example", "Bo <bo@us.example>"],
    );
    let fails = |action: &str, wanted: &str| {
        let why = recipients(action, "other.example").unwrap_err();
        assert!(why.contains(wanted), "{action}: {why}");
    };
    fails(CHANNEL, "`channel`: line 1 of the template: `(lead.domain | lookup('accounts')).channel` has no value");
    let channel = |value: &str| format!("slack: {{ to: sales-hot, channel: \"{{{{ {value} }}}}\" }}");
    fails(&channel("'Not a channel'"), "`Not a channel` is no channel of Slack");
    fails(&channel("'#x\\\\nBcc: y'"), "is no channel of Slack");
    let cc = |value: &str| format!("email: {{ to: account-team, cc: \"{{{{ {value} }}}}\" }}");
    fails(&cc("'a@b.example\\\\r\\\\nBcc: x@y.example'"), "is no e-mail address");
    fails(&cc("''"), "gives an empty text");
}

#[test]
fn rules_that_send_to_different_people_do_not_stand_in_each_others_way() {
    let slack = |name: &str, channel: &str| {
        format!(
            "  - {{ name: {name}, when: always, then: [{{ slack: {{ to: sales-hot, channel: '{channel}' }} }}] }}\n"
        )
    };
    let rules = format!("rules:\n{}{}{}", slack("a", "#one"), slack("b", "#two"), slack("c", "#one"));
    let decision = of("acme.example").evaluate(&set(&rules)).unwrap();
    let would: Vec<_> = decision.actions.iter().map(|action| action.would).collect();
    assert_eq!(would, [PlannedOutcome::Done, PlannedOutcome::Done, PlannedOutcome::Suppressed]);
}

fn refused(action: &str) -> String {
    load(&forward(action)).unwrap_err().to_string()
}

#[test]
fn recipients_are_checked_when_rules_are_loaded() {
    let check = |action: &str, wanted: &str| {
        let told = refused(action);
        assert!(told.contains("R042") && told.contains(wanted), "{action}: {told}");
    };
    check("slack: { to: sales-hot, channel: 'Sales Team' }", "`Sales Team` is no channel of Slack");
    check("email: { to: account-team, cc: nobody }", "`nobody` is no e-mail address");
    for name in ["lead.first_name", "message.body", "captures.x", "thread.subject", "vars.x"] {
        let capture = "    capture: { x: x }\n    script: '#{ matched: true, vars: #{ x: 1 } }'\n    then:";
        let rules = forward(&format!("slack: {{ to: sales-hot, channel: \"{{{{ {name} }}}}\" }}"));
        let told = load(&rules.replace("    then:", capture)).unwrap_err().to_string();
        assert!(told.contains(&format!("`{name}` would let the lead say")), "{told}");
    }
    check(
        "slack: { to: sales-hot, channel: \"{% set c = lead.domain %}{{ c }}\" }",
        "`lead.domain` would let the lead say whom this goes to",
    );
    let fine = "slack: { to: sales-hot, channel: \"{% if lead.domain == 'x' %}#x{% else %}#y{% endif %}\" }";
    assert!(load(&forward(fine)).is_ok(), "a condition may ask for what the lead writes");
    assert!(refused("webhook: { to: crm, url: x }").contains("unknown key `url`"));
    assert!(refused("slack: { to: sales-hot, channel: ['#a', '#b'] }").contains("one value, not a list"));
}

#[test]
fn what_a_lead_writes_chooses_no_row() {
    let channel = |value: &str| {
        format!("slack: {{ to: sales-hot, channel: \"{{{{ ({value} | lookup('accounts')).channel }}}}\" }}")
    };
    for name in ["message.text", "lead.name", "lead.first_name", "thread.subject", "captures.x", "message.from"] {
        let rules = forward(&channel(name)).replace("    then:", "    capture: { x: x }\n    then:");
        let told = load(&rules).unwrap_err().to_string();
        assert!(told.contains("R042") && told.contains(&format!("`{name}` would let the lead choose")), "{told}");
    }
    let told = refused(&channel("lead.name"));
    assert!(told.contains("`lead.email`, `lead.domain`") && told.contains("`workspace.vars`"), "{told}");
    for name in ["lead['name']", "(lead | items)", "lead.domain ~ message.text", "lead.domain | default(lead.name)"] {
        assert!(refused(&channel(name)).contains("would let the lead"), "{name}");
    }
    let list = "slack: { to: sales-hot, channel: \"{{ (lead.domain | lookup(message.subject)).channel }}\" }";
    assert!(refused(list).contains("`message.subject` would let the lead choose"));
    for name in [
        "lead.email",
        "lead.domain",
        "lead.language",
        "thread.inbox",
        "thread.category",
        "campaign.name",
        "workspace.name",
        "workspace.vars.owner | default('x')",
    ] {
        let told = load(&forward(&channel(name))).map(|_| ()).map_err(|wrong| wrong.to_string());
        assert!(
            told.as_ref().is_ok() || told.as_ref().is_err_and(|why| !why.contains("let the lead")),
            "{name}: {told:?}"
        );
    }
    // A script that sees nothing of it may choose.
    let script =
        |script: &str| forward(&channel("vars.x")).replace("    then:", &format!("    script: '{script}'\n    then:"));
    assert!(load(&script("#{ matched: true, vars: #{ x: lead.email.pick([`a`, `b`]) } }")).is_ok());
    for said in ["message.text", "lead.name", "thread.subject"] {
        let told = load(&script(&format!("#{{ matched: true, vars: #{{ x: {said} }} }}"))).unwrap_err().to_string();
        assert!(told.contains("`vars.x` would let the lead choose"), "{said}: {told}");
    }
}

#[test]
fn what_is_odd_about_lists_is_a_warning_that_says_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("accounts.csv", "domain,owner,channel\na.example,,#a\ngmail.com,Bo,#b\nc.example,,#c\n"),
        ("none.csv", "domain,owner\n"),
        ("free.txt", "gmail.com\n"),
    ];
    let context = with_lists(folder.path(), &files);
    let told = |rules: &str| {
        let set = RuleSet::parse(&[("a.yaml", rules)], &context).unwrap_or_else(|wrong| panic!("{wrong}"));
        let all = set.warnings().sorted().into_iter();
        let all = all.map(|found| {
            let file = found.file.rsplit('/').next().unwrap_or_default().to_owned();
            format!(
                "{} {file}:{} {} | {}",
                found.code,
                found.line,
                found.message,
                found.hint.as_deref().unwrap_or_default()
            )
        });
        all.collect::<Vec<_>>()
    };
    let always = told(&rule("category: x"));
    assert_eq!(always.len(), 2, "{always:#?}");
    assert!(always[0].starts_with("L042 accounts.csv:3 the key `gmail.com` of the list `accounts`"), "{always:#?}");
    assert!(always[1].starts_with("L041 none.csv:1 the list `none` has no rows"), "{always:#?}");
    let mine = |rules: &str| {
        let all = told(rules);
        all.into_iter().filter(|told| !always.contains(told)).collect::<Vec<_>>().join("\n")
    };
    for (when, wanted) in [
        ("lead_domain: accounts", "write `lead_domain: { in: accounts }`"),
        ("lead_domain: [x.example, accounts]", "L040 a.yaml:3 `accounts` is compared as it stands"),
        ("not: { any: [{ lead_email: accounts }, { from: x }] }", "write `lead_email: { in: accounts }`"),
        ("lead_domain: 'in: acc'", "write `lead_domain: { in: acc }`"),
        ("body: 'in: accounts'", "write `body: { in: accounts }`"),
    ] {
        let told = mine(&rule(when));
        assert!(told.contains(wanted), "{when}: {told}");
    }
    for when in ["lead_domain: { in: accounts }", "body: accounts", "lead_domain: accounts.example"] {
        assert_eq!(mine(&rule(when)), "", "{when}");
    }
    let definition =
        mine("define: { a: { lead_domain: accounts } }\nrules: [{ name: a, when: { is: a }, then: [star] }]\n");
    assert!(definition.contains("L040 a.yaml:1"), "{definition}");
    let reply = |text: &str| {
        mine(&format!(
            "rules:\n  - name: a\n    when: {{ category: x }}\n    then: [{{ reply: {{ text: \"{text}\" }} }}]\n"
        ))
    };
    let set = "{% set a = lead.domain | lookup('accounts') %}";
    let blank = reply(&format!("{set}{{{{ a.owner }}}}"));
    assert!(
        blank.contains("L043 a.yaml:4 `owner` is blank in 2 rows of the list `accounts` | nothing is sent"),
        "{blank}"
    );
    assert!(blank.contains("accounts.csv:2)"), "{blank}");
    for fine in ["{{ a.channel }}", "{{ a.owner | default('us') }}", "{% if a.owner %}{{ a.owner }}{% endif %}"] {
        assert_eq!(reply(&format!("{set}{fine}")), "", "{fine}");
    }
    for default in ["default('')", "default(\\\"\\\")", "d( ' ' )", "default()"] {
        let cc = format!(
            "email: {{ to: account-team, cc: \"{{{{ (lead.domain | lookup('accounts')).owner | {default} }}}}\" }}"
        );
        let told = mine(&forward(&cc));
        assert!(told.contains("L044 a.yaml:5 an empty `cc` fails the action"), "{default}: {told}");
    }
}

#[test]
fn every_row_must_say_whom_a_forward_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let text = "domain,channel,owner\na.example,#ok,a@us.example\nb.example,No Channel,b\nc.example,,c@us.example\n";
    let context = with_lists(folder.path(), &[("accounts.csv", text)]);
    let told = |action: &str| match RuleSet::parse(&[("a.yaml", &forward(action))], &context) {
        Err(wrong) => {
            let all = wrong.sorted().into_iter();
            all.map(|found| format!("{}:{} {}", found.file.rsplit('/').next().unwrap(), found.line, found.message))
                .collect()
        }
        Ok(_) => Vec::new(),
    };
    assert_eq!(
        told(CHANNEL),
        [
            "accounts.csv:3 the row `b.example` has `No Channel` as `channel`, which is no channel of Slack: small letters, \
             digits, `-` and `_`, at most 80, or an id",
            "accounts.csv:4 the row `c.example` has no `channel`",
        ]
    );
    let cc = "email: { to: account-team, cc: \"{% set a = lead.domain | lookup('accounts') %}{{ a.owner }}\" }";
    assert_eq!(
        told(cc),
        ["accounts.csv:3 the row `b.example` has `b` as `owner`, which is no e-mail address such as ann@acme.example"]
    );
    let shown = RuleSet::parse(&[("a.yaml", &forward(CHANNEL))], &context).unwrap_err().render(false);
    for part in ["3 | b.example,No Channel,b", "it needs a default: `| default('#hot-leads')`"] {
        assert!(shown.contains(part), "{shown}");
    }
    // A template that does something about it is not held to it.
    let kept =
        "slack: { to: sales-hot, channel: \"{{ (lead.domain | lookup('accounts')).channel | default('#all') }}\" }";
    assert_eq!(told(kept), [""; 0]);
    let around = "slack: { to: sales-hot, channel: \"#x-{{ (lead.domain | lookup('accounts')).domain }}\" }";
    assert_eq!(told(around), [""; 0]);
}

#[test]
fn an_incoming_webhook_takes_no_other_channel() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("a.yaml");
    std::fs::write(&rules, forward("slack: { to: sales-hot, channel: '#x' }")).unwrap();
    let workspace = WorkspaceContext {
        name: "acme".to_owned(),
        rules: vec![rules],
        destinations: context().destinations,
        fixed_destinations: BTreeSet::from(["sales-hot".to_owned()]),
        ..WorkspaceContext::default()
    };
    let told = RuleSet::load_workspaces(&LoadContext { workspaces: vec![workspace], ..LoadContext::default() });
    let told = told.unwrap_err().to_string();
    assert!(told.contains("`sales-hot` takes no `channel`: it is an incoming webhook"), "{told}");
}

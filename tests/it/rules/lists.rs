//! Lists in rules: templates and scripts look into them, in each workspace into its own.

use super::{Case, context};
use reply_router::{
    diagnostics::Diagnostics,
    lists::{ListKind, ListSource},
    model::{Payload, PlannedOutcome},
    rules::{LoadContext, RuleSet, RuleSources, WorkspaceContext},
};
use std::{collections::BTreeMap, fs, path::Path};

const ACCOUNTS: &str = "domain,owner,channel,owner_email,seats\nacme.example,Ann,#ann,ann@us.example,20\nglobex.example,Bo,#bo,bo@us.example,\n";

/// Files in a folder, as lists by their names.
fn lists(folder: &Path, files: &[(&str, &str)]) -> BTreeMap<String, ListSource> {
    let source = |(name, text): &(&str, &str)| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let list = name.split('.').next().unwrap().to_owned();
        (list, ListSource { kind: ListKind::File { path, key: None }, at: None })
    };
    files.iter().map(source).collect()
}

/// What rules may name, with these files as lists.
pub(super) fn with_lists(folder: &Path, files: &[(&str, &str)]) -> LoadContext {
    LoadContext { lists: lists(folder, files), ..context() }
}

pub(super) fn with_accounts(folder: &Path) -> LoadContext {
    with_lists(folder, &[("accounts.csv", ACCOUNTS), ("words.txt", "YES\nvip\nMeeting-Request\n")])
}

fn load(rules: &str) -> Result<RuleSet, Diagnostics> {
    let folder = tempfile::tempdir().unwrap();
    RuleSet::parse(&[("rules/a.yaml", rules)], &with_accounts(folder.path()))
}

/// A rule with a reply of this text.
fn replying(text: &str) -> String {
    format!("rules:\n  - name: a\n    when: always\n    then:\n      - reply:\n          text: |\n            {text}\n")
}

/// What a reply says to a lead of a domain; why it fails.
fn reply(text: &str, domain: &str) -> Result<String, String> {
    let set = load(&replying(text)).unwrap_or_else(|wrong| panic!("{wrong}"));
    let mut case = Case::full("A call?");
    case.row.lead_email = Some(format!("jane@{domain}"));
    case.newest(|message| message.from = Some(format!("jane@{domain}")))
        .evaluate(&set)
        .map(|decision| {
            let action = &decision.actions[0];
            match &action.payload {
                Payload::Reply { text: Some(text), .. } => Ok(text.clone()),
                _ => {
                    assert_eq!(action.would, PlannedOutcome::Failed, "{action:?}");
                    Err(action.reason.clone().unwrap().text)
                }
            }
        })
        .unwrap()
}

const SET: &str = "{% set account = lead.domain | lookup(\"accounts\") %}";

#[test]
fn a_template_prints_columns_of_a_row() {
    let good = |text: &str, domain: &str, wanted: &str| {
        assert_eq!(reply(text, domain).as_deref(), Ok(wanted), "{text}");
    };
    good(&format!("{SET}{{{{ account.owner }}}}"), "mail.ACME.example", "Ann");
    good("{{ (lead.email | lookup('accounts')).owner }}", "acme.example", "Ann");
    for absent in
        ["account", "account is defined", "account is not undefined", "account.owner", "not account is undefined"]
    {
        let text = format!("{SET}{{% if {absent} %}}in{{% else %}}out{{% endif %}}");
        good(&text, "acme.example", "in");
        good(&text, "other.example", "out");
    }
    good(&format!("{SET}{{{{ account.owner | default('the team') }}}}"), "other.example", "the team");
    good(&format!("{SET}{{{{ account | default('nobody') }}}}"), "other.example", "nobody");
    good(&format!("{SET}{{{{ account.seats | default('no') }}}} seats"), "globex.example", "no seats");
    good(
        &format!("{SET}{{% for name, cell in account | items %}}{{{{ cell }}}},{{% endfor %}}"),
        "globex.example",
        "globex.example,Bo,#bo,bo@us.example,",
    );
}

#[test]
fn what_is_not_there_is_not_printed() {
    let fails = |text: &str, domain: &str, wanted: &str| {
        let why = reply(text, domain).unwrap_err();
        assert!(why.contains(wanted), "{text}: {why}");
    };
    fails(&format!("{SET}{{{{ account.owner }}}}"), "other.example", "`account.owner` has no value");
    fails(&format!("{SET}{{{{ account.seats }}}}"), "globex.example", "`account.seats` has no value");
    fails(&format!("{SET}{{{{ account }}}}"), "other.example", "has no value");
    fails(&format!("{SET}{{{{ account }}}}"), "acme.example", "a whole row");
    fails("{{ (lead.domain | lookup(lead.first_name)).x }}", "acme.example", "there is no list `Jane`");
    fails("{{ (thread.tags | lookup('accounts')).owner }}", "acme.example", "finds a text");
}

fn refused(rules: &str) -> String {
    load(rules).unwrap_err().to_string()
}

#[test]
fn unknown_lists_and_columns_are_told_when_rules_are_loaded() {
    let check = |rules: &str, code: &str, place: &str, message: &str, hint: &str| {
        let told = refused(rules);
        for part in [code, place, message, hint] {
            assert!(told.contains(part), "{part:?} is missing: {told}");
        }
    };
    let text = |text: &str| replying(text);
    check(&text("{{ (lead.domain | lookup('acounts')).owner }}"), "R040", ":7:39", "no list `acounts`", "`accounts`?");
    check(&text(&format!("{SET}{{{{ account.onwer }}}}")), "R041", ":7:", "no column `onwer`", "`owner`?");
    check(
        &text("{{ (lead.domain | lookup('accounts')).x }}"),
        "R041",
        ":7:",
        "no column `x`",
        "domain, owner, channel",
    );
    let script = |script: &str| format!("rules:\n  - name: a\n    script: |\n      {script}\n    then: [star]\n");
    check(&script("lookup(\"acounts\", lead.domain) != ()"), "R040", ":4:14", "no list `acounts`", "`accounts`?");
    check(&script("lookup(\"accounts\", lead.domain)?.onwer == `Ann`"), "R041", ":4:", "no column `onwer`", "`owner`?");
    check(
        &script("let a = lookup(\"accounts\", lead.email); a != () && a.onwer == 1"),
        "R041",
        ":4:",
        "`onwer`",
        "`owner`?",
    );
    let none = RuleSet::parse(&[("a.yaml", &replying("{{ (lead.domain | lookup('accounts')).owner }}"))], &context());
    assert!(none.unwrap_err().to_string().contains("lists stand in the configuration"));
    let alone = LoadContext { without_configuration: true, ..LoadContext::default() };
    let set =
        RuleSet::parse(&[("a.yaml", &replying("{{ (lead.domain | lookup('accounts')).owner }}"))], &alone).unwrap();
    assert!(
        set.warnings().to_string().contains("there is no list `accounts` in the configuration"),
        "{}",
        set.warnings()
    );
}

#[test]
fn scripts_get_a_map_or_nothing() {
    for script in [
        "lookup(\"accounts\", lead.domain).owner == \"Ann\"",
        "let a = lookup(\"accounts\", lead.email); a.channel == `#ann` && a.domain == `acme.example`",
        "lookup(\"accounts\", \"globex.example\").seats == ()",
        "lookup(\"accounts\", \"other.example\") == () && lookup(\"accounts\", lead.id) == ()",
        "lookup(\"accounts\", \"other.example\")?.owner == ()",
        "let name = \"acc\"; name += \"ounts\"; lookup(name, lead.domain).owner == `Ann`",
        "return #{ matched: true, vars: #{ owner: lookup(\"accounts\", lead.domain).owner } };",
    ] {
        let set = load(&format!("rules:\n  - name: a\n    script: '{script}'\n    then: [star]\n")).unwrap();
        let trace = Case::full("A call?").evaluate(&set).unwrap().rules.remove(0);
        assert_eq!((trace.matched, trace.error), (true, None), "{script}");
    }
    let fails = "lookup(\"a\" + \"b\", lead.domain) == ()";
    let set = load(&format!("rules:\n  - name: a\n    script: '{fails}'\n    then: [star]\n")).unwrap();
    let trace = Case::full("A call?").evaluate(&set).unwrap().rules.remove(0);
    assert!(trace.error.unwrap().contains("there is no list `ab`"));
}

fn workspace(name: &str, rules: &Path, lists: BTreeMap<String, ListSource>) -> WorkspaceContext {
    WorkspaceContext { name: name.to_owned(), rules: vec![rules.to_owned()], lists, ..WorkspaceContext::default() }
}

#[test]
fn each_workspace_looks_into_its_own_list() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yaml");
    fs::write(
        &rules,
        replying("{{ (lead.domain | lookup('accounts')).owner }}").replace("when: always", "when: { workspace: '*' }"),
    )
    .unwrap();
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    [&one, &other].iter().for_each(|path| fs::create_dir(path).unwrap());
    let own = lists(&one, &[("accounts.csv", ACCOUNTS)]);
    let others = lists(&other, &[("accounts.csv", "domain,owner\nacme.example,Zoe\n")]);
    let set = |workspaces: Vec<WorkspaceContext>| {
        RuleSet::load_workspaces(&LoadContext { workspaces, ..LoadContext::default() })
    };
    let loaded =
        set(vec![workspace("acme", &rules, own.clone()), workspace("globex", &rules, others.clone())]).unwrap();
    let decided = Case::full("A call?").evaluate(&loaded).unwrap();
    assert_eq!(decided.actions[0].payload.preview_text(), Some("Ann"));
    assert_eq!(loaded.of_workspace("globex").lists().next().unwrap().1.len(), 1);
    let shared = set(vec![workspace("acme", &rules, own.clone()), workspace("globex", &rules, own.clone())]).unwrap();
    let list = |name: &str| std::sync::Arc::as_ptr(shared.of_workspace(name).lists().next().unwrap().1);
    assert_eq!(list("acme"), list("globex"), "a file is read once");
    let lacking = set(vec![workspace("acme", &rules, own), workspace("globex", &rules, BTreeMap::new())]).unwrap_err();
    assert!(
        lacking.to_string().contains("no list `accounts` in the configuration for the workspace `globex`"),
        "{lacking}"
    );
}

#[test]
fn the_revision_follows_the_lists_that_rules_look_into() {
    let folder = tempfile::tempdir().unwrap();
    let files =
        |accounts: &str, unused: &str| lists(folder.path(), &[("accounts.csv", accounts), ("unused.csv", unused)]);
    let set = |rules: &str, lists: BTreeMap<String, ListSource>| {
        RuleSet::parse(&[("a.yaml", rules)], &LoadContext { lists, ..context() }).unwrap()
    };
    let plain = replying("Hello");
    assert_eq!(
        set(&plain, BTreeMap::new()).revision(),
        set(&plain, files(ACCOUNTS, "a\n")).revision(),
        "no rule looks into a list"
    );
    let rules = replying("{{ (lead.domain | lookup('accounts')).owner }}");
    let first = set(&rules, files(ACCOUNTS, "a\n"));
    assert_eq!(first.revision(), set(&rules, files(ACCOUNTS, "b\n")).revision());
    let second = set(&rules, files(&ACCOUNTS.replace("Ann", "Zoe"), "a\n"));
    assert_ne!(first.revision(), second.revision());
    let any = replying("{{ (lead.domain | lookup(vars.list)).owner }}")
        .replace("when: always", "when: always\n    script: '#{ matched: true, vars: #{ list: `accounts` } }'");
    assert_ne!(set(&any, files(ACCOUNTS, "a\n")).revision(), set(&any, files(ACCOUNTS, "b\n")).revision());
    // What was kept is made again as long as the list is the same.
    let text = first.sources().to_text().unwrap();
    assert!(!text.contains("acme.example"), "rows are not kept: {text}");
    let sources = RuleSources::from_text(&text).unwrap();
    let again = RuleSet::from_sources(&sources, &first).unwrap();
    assert_eq!(again.revision(), first.revision());
    assert_eq!(Case::full("x").evaluate(&again).unwrap().actions[0].payload.preview_text(), Some("Ann"));
    let changed = RuleSet::from_sources(&sources, &second).unwrap_err();
    assert_eq!(changed.to_string(), "the list `accounts` has changed since");
}

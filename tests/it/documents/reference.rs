//! `docs/rules.md` names everything that the rule language has: compared with the program's own lists.

use super::root;
use reply_router::rules::{
    Cost, FlagField, GlobField, LoadContext, Matcher, NumberField, RuleSet, SCRIPT_FUNCTIONS, TextField, template_names,
};
use std::fs;

fn document() -> String {
    fs::read_to_string(root().join("docs/rules.md")).unwrap()
}

/// The part under a heading, up to the next one of the same or a higher level.
fn section(heading: &str) -> String {
    let document = document();
    let start = document.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no `{heading}`")) + 1;
    let level = heading.split(' ').next().unwrap().len();
    let rest = document[start..].lines().skip(1);
    let ends = |line: &str| line.starts_with('#') && line.split(' ').next().unwrap().len() <= level;
    rest.take_while(|line| !ends(line)).collect::<Vec<_>>().join("\n")
}

/// The cells of each row of the tables in a part.
fn rows(part: &str) -> Vec<Vec<String>> {
    let lines = part.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let cells = |line: &str| {
        let line = line.trim_matches('|').replace("\\|", "\u{1}");
        line.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
    };
    lines.map(cells).collect()
}

#[test]
fn the_table_of_conditions_has_every_field_with_what_it_costs() {
    let rows = rows(&section("## Conditions"));
    let mut expected: Vec<(&str, Cost)> = vec![("age", Matcher::Age(Vec::new()).cost())];
    expected.extend(GlobField::ALL.iter().map(|field| (field.as_str(), Matcher::Glob(*field, Vec::new()).cost())));
    expected.extend(TextField::ALL.iter().map(|field| (field.as_str(), Matcher::Text(*field, Vec::new()).cost())));
    expected.extend(NumberField::ALL.iter().map(|field| (field.as_str(), Matcher::Number(*field, Vec::new()).cost())));
    expected.extend(FlagField::ALL.iter().map(|field| (field.as_str(), Matcher::Flag(*field, true).cost())));
    for (field, cost) in &expected {
        let wanted = match cost {
            Cost::Row => ("list row", "none"),
            Cost::Thread => ("thread", "1"),
            Cost::Messages => ("messages", "1"),
        };
        let row = rows.iter().find(|row| row[0] == format!("`{field}`"));
        let row = row.unwrap_or_else(|| panic!("no row for `{field}`"));
        assert_eq!((row[1].as_str(), row[2].as_str()), wanted, "`{field}`");
    }
    let fields = rows.iter().filter(|row| row.len() == 5 && row[0].starts_with('`')).count();
    assert_eq!(fields, expected.len() + 1, "one row a field, and one for `campaign` by id");
}

#[test]
fn the_table_of_script_functions_is_the_programs_own() {
    let escaped = |text: &str| text.replace('|', "\\|");
    let code = |text: &str| if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") };
    let mut wanted = "| call | gives | true for the lead above |\n|---|---|---|\n".to_owned();
    for function in SCRIPT_FUNCTIONS {
        let (call, gives, example) = (function.call, escaped(function.gives), escaped(&code(function.example)));
        wanted.push_str(&format!("| `{call}` | {gives} | {example} |\n"));
    }
    assert!(document().contains(&wanted), "docs/rules.md must have this table:\n{wanted}");
}

#[test]
fn the_table_of_template_names_has_every_name() {
    let rows = rows(&section("## Templates"));
    let names = template_names();
    for (name, cost) in &names {
        let wanted = match cost {
            Cost::Row => "list row",
            Cost::Thread => "thread",
            Cost::Messages => "messages",
        };
        let row = rows.iter().find(|row| row[0].split(", ").any(|told| told == format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("no row for `{name}`"));
        assert_eq!(row[1], wanted, "`{name}`");
    }
    // And none that does not exist.
    let told = rows.iter().filter(|row| row.len() == 3).flat_map(|row| row[0].split(", ").map(str::to_owned));
    for told in told.filter(|told| told.contains('.') && !told.contains("NAME")) {
        assert!(names.iter().any(|(name, _)| format!("`{name}`") == told), "{told} does not exist");
    }
}

#[test]
fn filters_that_are_told_exist() {
    let rows = rows(&section("### Filters"));
    let uses: Vec<&str> = rows.iter().skip(1).map(|row| row[0].trim_matches('`')).collect();
    assert!(uses.len() >= 8, "{uses:?}");
    for (number, told) in uses.iter().enumerate() {
        let rule = format!(
            "rules:\n  - name: a{number}\n    when: always\n    script: '#{{ matched: true, vars: #{{ names: [1] }} }}'\n    \
             capture: {{ day: x }}\n    then:\n      - reply:\n          text: |\n            {told}\n"
        );
        RuleSet::parse(&[("a.yaml", &rule)], &LoadContext::default()).unwrap_or_else(|wrong| panic!("{told}\n{wrong}"));
    }
}

/// What the program lists where an unknown key stands.
fn known(yaml: &str) -> Vec<String> {
    let context = LoadContext { without_configuration: true, ..LoadContext::default() };
    let found = RuleSet::parse(&[("a.yaml", yaml)], &context).unwrap_err();
    let hints = found.iter().filter_map(|found| found.hint.clone());
    let list = hints.filter_map(|hint| Some(hint.split_once("known here: ")?.1.to_owned())).next();
    list.unwrap_or_else(|| panic!("{found}")).split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_stands_in_its_section() {
    let rule = |inner: &str| format!("rules:\n  - name: a\n    when: always\n    {inner}\n");
    let test = |inner: &str| format!("tests:\n  - name: a\n    {inner}\n");
    for (heading, yaml) in [
        ("## Keys of a rule", rule("zzzzzzzz: 1")),
        ("## Actions", rule("then: [{ reply: { zzzzzzzz: 1 } }]")),
        ("## Actions", rule("then: [{ slack: { zzzzzzzz: 1 } }]")),
        ("## Actions", rule("then: [{ email: { zzzzzzzz: 1 } }]")),
        ("## Actions", rule("then: [{ webhook: { zzzzzzzz: 1 } }]")),
        ("## Tests beside the rules", test("zzzzzzzz: 1")),
        ("## Tests beside the rules", test("thread: { zzzzzzzz: 1 }\n    messages: [Hi]\n    expect: { rules: [] }")),
        ("## Tests beside the rules", test("messages: [{ zzzzzzzz: 1 }]\n    expect: { rules: [] }")),
        ("## Tests beside the rules", test("messages: [Hi]\n    expect: { zzzzzzzz: 1 }")),
    ] {
        let part = section(heading);
        for key in known(&yaml) {
            assert!(part.contains(&format!("`{key}`")), "`{key}` does not stand under `{heading}`");
        }
    }
}

#[test]
fn the_table_of_signals_is_the_programs_own() {
    let document = std::fs::read_to_string(super::root().join("docs/reading.md")).unwrap();
    let mut wanted = "| signal | what it means |\n|---|---|\n".to_owned();
    for kind in reply_router::text::SignalKind::ALL {
        wanted.push_str(&format!("| `{}` | {} |\n", kind.as_str(), kind.describe()));
    }
    assert!(document.contains(&wanted), "docs/reading.md must have this table:\n{wanted}");
}

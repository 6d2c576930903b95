//! Names to greet by: `tests/text/person_name.yaml`.

use proptest::prelude::*;
use reply_router::text;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    first: Option<String>,
    #[serde(default)]
    last: Option<String>,
    /// How the last name is spelt is a matter of a language that is not known.
    #[serde(default)]
    any_last: bool,
}

#[test]
fn a_lead_is_greeted_by_what_a_person_would_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/text/person_name.yaml");
    let cases: Vec<Case> = serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let found = text::person_name(&case.name, case.email.as_deref());
        let last = if case.first.is_some() || case.last.is_some() { found.last.clone() } else { None };
        if found.first != case.first || (last != case.last && !case.any_last) {
            wrong.push(format!("{:?}: expected {:?} {:?}, found {found:?}", case.name, case.first, case.last));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a list holds, what is printed is a word that a greeting can hold.
    #[test]
    fn any_text_gives_a_word_or_nothing(
        parts in prop::collection::vec(prop::sample::select(vec![
            "Jane", "Doe", " ", ",", "(", ")", "[", "]", "<", ">", "Dr.", "@", "'", "\"", "-", "|", "\u{200b}", "e\u{301}",
            "İ", "ß", "王", "1", "{{", "}}", "von", "PhD", "GmbH", "\n", "🚀", "J.", ".", "&",
        ]), 0..14),
    ) {
        let found = text::person_name(&parts.concat(), None);
        if let Some(first) = found.first {
            prop_assert!(!first.trim().is_empty() && first.chars().all(|c| c.is_alphabetic() || "'- .\u{301}".contains(c)),
                "{first:?} of {parts:?}");
        }
    }
}

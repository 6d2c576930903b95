//! Addresses of mail: the one form in which they are kept and compared, whoever wrote them.
//!
//! Two ways to write the address of one person are one address, and no two persons become one: what stands before the `@` is
//! put into lower case and stays otherwise.

use super::{fold_domain, other_spelling};
use std::borrow::Cow;

const QUOTES: [char; 2] = ['"', '\''];
/// What some keyboards write for `@`.
const WIDE_AT: [char; 2] = ['\u{ff20}', '\u{fe6b}'];
/// What some keyboards write for the dot of a domain.
const WIDE_DOTS: [char; 3] = ['\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// The bare address in `Name <a@b>` or `a@b`, in lower case and without a dot at its end; `None` when there is no `@` in it.
pub fn address_of(text: &str) -> Option<String> {
    let inner = match (text.rfind('<'), text.rfind('>')) {
        (Some(open), Some(close)) if open < close => &text[open + 1..close],
        _ => text,
    };
    let mut address = unquoted(inner.trim()).to_lowercase();
    if !address.contains('@') {
        address = address.replace(WIDE_AT, "@");
    }
    let at = address.rfind('@')?;
    if address.is_ascii() {
        address.truncate(address.trim_end_matches('.').len().max(at + 1));
        return Some(address);
    }
    let domain = address.split_off(at + 1).replace(WIDE_DOTS, ".");
    Some(address + domain.trim_end_matches('.'))
}

/// Without the quotes around it. Those around the name of a mailbox (`"jane doe"@acme.example`) are a part of it.
fn unquoted(text: &str) -> &str {
    let text = text.trim_end_matches(QUOTES);
    let is_name = text.strip_prefix('"').is_some_and(|rest| rest.contains("\"@"));
    if is_name { text } else { text.trim_start_matches(QUOTES) }
}

/// What a lead is known by: the address, or, for one without, what stands in its place, in lower case.
pub fn known_by(text: &str) -> Option<String> {
    address_of(text).or_else(|| non_blank(Some(text)).map(|text| text.trim().to_lowercase()))
}

/// The name in `Name <a@b>`; `None` when there is none.
pub fn display_name(text: &str) -> Option<&str> {
    let (name, _) = text.rsplit_once('<')?;
    let name = name.trim().trim_matches(QUOTES).trim();
    (!name.is_empty()).then_some(name)
}

/// The domain of an address in either form, in lower case.
pub fn domain_of(text: &str) -> Option<String> {
    let address = address_of(text)?;
    let (_, domain) = address.rsplit_once('@')?;
    (!domain.is_empty()).then(|| domain.to_owned())
}

/// Whether two addresses name the same mailbox: case, display names, surrounding space, a dot at the end and the spelling of
/// an internationalized domain do not count.
pub fn same_address(left: &str, right: &str) -> bool {
    match (address_of(left), address_of(right)) {
        (Some(left), Some(right)) => left == right || fold_domain(&left) == fold_domain(&right),
        _ => false,
    }
}

/// Every form in which an address may be kept, this one first: with its domain in the other spelling, and as earlier versions
/// kept it, with the dot at its end or without its first quote.
pub fn kept_forms(address: &str) -> Vec<Cow<'_, str>> {
    let mut all = vec![Cow::Borrowed(address)];
    let add = |form: String, all: &mut Vec<Cow<'_, str>>| {
        if !form.is_empty() && !all.contains(&Cow::Borrowed(form.as_str())) {
            all.push(form.into());
        }
    };
    let folded = fold_domain(address);
    if let Some(other) = other_spelling(&folded) {
        add(other, &mut all);
    }
    add(folded.into_owned(), &mut all);
    let quoted: Vec<String> = all.iter().filter_map(|form| form.strip_prefix('"').map(str::to_owned)).collect();
    quoted.into_iter().for_each(|form| add(form, &mut all));
    let dotted = |form: &Cow<'_, str>| (form.contains('@') && !form.ends_with(['.', '@'])).then(|| format!("{form}."));
    let dotted: Vec<String> = all.iter().filter_map(dotted).collect();
    dotted.into_iter().for_each(|form| add(form, &mut all));
    all
}

/// `None` for text that is only white space.
pub(crate) fn non_blank(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_compared_without_name_and_case() {
        assert!(same_address("Jane Doe <Jane@Acme.example>", "jane@acme.example"));
        assert!(!same_address("jane@acme.example", "jane@acme.example.org"));
        assert!(!same_address("nobody", "nobody"));
        assert_eq!(domain_of("Jane <jane@ACME.example>").as_deref(), Some("acme.example"));
        assert_eq!(domain_of("jane@"), None);
    }

    #[test]
    fn an_address_is_one_however_it_is_written() {
        for written in [
            "jane@acme.example",
            " JANE@Acme.Example.. ",
            "<jane@acme.example.>",
            "\"jane@acme.example\"",
            "'jane@acme.example'",
            "\"Doe, Jane\" <jane@acme.example>",
            "jane\u{ff20}acme.example",
            "jane\u{fe6b}acme\u{3002}example\u{3002}",
            "jane@acme\u{ff0e}example",
        ] {
            assert_eq!(address_of(written).as_deref(), Some("jane@acme.example"), "{written:?}");
        }
        assert_eq!(address_of("jane@."), Some("jane@".to_owned()));
        assert!(same_address("jane@xn--bcher-kva.example.", "Jane@BÜCHER\u{3002}example"));
        for (one, other) in [
            ("jane@acme.example", "jane@acme.example.org"),
            ("jane.@acme.example", "jane@acme.example"),
            ("jane\u{3002}doe@acme.example", "jane.doe@acme.example"),
            ("\"jane doe\"@acme.example", "janedoe@acme.example"),
            ("o'hara@acme.example", "ohara@acme.example"),
            ("jane\u{ff20}x@acme.example", "jane@x@acme.example"),
        ] {
            assert!(!same_address(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_quoted_mailbox_keeps_its_quotes() {
        for written in ["\"Quo ted\"@secret.example", "Q <\"quo ted\"@secret.example>"] {
            assert_eq!(address_of(written).as_deref(), Some("\"quo ted\"@secret.example"));
        }
        assert_eq!(known_by(" N/A ").as_deref(), Some("n/a"));
        assert_eq!(known_by(" "), None);
    }

    #[test]
    fn what_earlier_versions_kept_is_found() {
        let forms = |address: &str| kept_forms(address).into_iter().map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(forms("jane@acme.example"), ["jane@acme.example", "jane@acme.example."]);
        assert_eq!(
            forms("jane@xn--bcher-kva.example"),
            [
                "jane@xn--bcher-kva.example",
                "jane@bücher.example",
                "jane@xn--bcher-kva.example.",
                "jane@bücher.example."
            ]
        );
        assert!(forms("\"quo ted\"@secret.example").contains(&"quo ted\"@secret.example".to_owned()));
        assert_eq!(forms("n/a"), ["n/a"]);
    }

    proptest! {
        #[test]
        fn an_address_stays_as_it_is_once_it_was_read(text in "[a-zA-ZäÖ@.<>\"' \u{ff20}\u{3002}]{0,24}") {
            if let Some(once) = address_of(&text) {
                let again = address_of(&once);
                prop_assert!(!once.ends_with('.'));
                // What has brackets or quotes inside is no address that anybody has.
                if !once.contains(['<', '>', '"', '\'', ' ']) {
                    prop_assert_eq!(again, Some(once));
                }
            }
        }
    }
}

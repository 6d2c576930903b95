//! How keys are compared: as addresses and domains are.

use crate::{
    model::{address_of, fold_domain},
    text::normalize,
};
use std::{borrow::Cow, iter};

/// What a value may be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The whole value alone.
    Whole,
    /// The whole value; of an address also its domain, and of a domain also those that it is a subdomain of. The longest
    /// one wins.
    Domain,
    /// As [`Match::Domain`] where the value is an address or a domain by its looks, as [`Match::Whole`] otherwise.
    Guess,
    /// The whole value, where space, `-` and `_` are one: a category.
    Words,
}

/// A key of a list in the form in which keys are compared. Empty if nothing is left of it.
///
/// Beside what [`fold_value`] does, what people write around a domain is taken off: `@acme.example`, `*.acme.example`,
/// `www.acme.example` and `https://www.acme.example/about` are `acme.example`.
pub(super) fn fold_key(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_plain(text) && !text.starts_with(['*', '@', '.']) {
        return Cow::Borrowed(without_www(text));
    }
    if let Some((scheme, rest)) = text.split_once("://")
        && ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
    {
        let host = fold_domain(rest.split(['/', '?', '#', ':']).next().unwrap_or_default());
        return Cow::Owned(without_www(&host).to_owned());
    }
    let folded = fold_value(text);
    let bare = ["*@", "*.", "@", "."].iter().find_map(|prefix| folded.strip_prefix(prefix));
    match without_www(bare.unwrap_or(&folded)) {
        bare if bare.len() < folded.len() => Cow::Owned(bare.to_owned()),
        _ => folded,
    }
}

/// A domain without its `www.`, as exports of websites have it: nobody's mail comes from there.
fn without_www(domain: &str) -> &str {
    domain.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(domain)
}

/// A value in the form in which keys are compared: in lower case, the address alone of `Jane <jane@acme.example>`, without a
/// dot at the end, each stretch of white space one space, in one spelling; a domain as [`fold_domain`] has it.
pub(super) fn fold_value(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    if text.contains('<')
        && let Some(address) = address_of(text)
    {
        return Cow::Owned(fold_domain(&address).into_owned());
    }
    let normal = normalize(text);
    let mut folded = String::with_capacity(text.len());
    for word in normal.as_str().split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded.truncate(folded.trim_end_matches('.').len());
    // An address or a domain by its looks.
    if folded.contains(['.', '@']) && !folded.contains(' ') {
        folded = fold_domain(&folded).into_owned();
    }
    Cow::Owned(folded)
}

/// A folded text as categories are compared.
pub(super) fn fold_words(folded: &str) -> String {
    folded.replace(['-', '_'], " ")
}

/// Nothing in it needs folding.
fn is_plain(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_+*@.".contains(&byte);
    text.bytes().all(fits) && !text.ends_with('.') && !text.contains("xn--")
}

/// The keys by which a folded value may be found, the longest first.
pub(super) fn candidates(folded: &str, by: Match) -> impl Iterator<Item = &str> {
    let is_walked = match by {
        Match::Domain => true,
        Match::Guess => looks_like_domain(folded),
        Match::Whole | Match::Words => false,
    };
    iter::successors(Some(folded), move |at| above(at).filter(|_| is_walked))
}

/// What an address or a domain is part of.
fn above(at: &str) -> Option<&str> {
    let rest = match at.split_once('@') {
        Some((_, domain)) => domain,
        None => at.split_once('.')?.1,
    };
    (!rest.is_empty()).then_some(rest)
}

/// An address, or something like `mail.acme.example`: no white space, and the last part has letters alone (or is an
/// internationalized one).
fn looks_like_domain(folded: &str) -> bool {
    let domain = folded.rsplit_once('@').map_or(folded, |(_, domain)| domain);
    let Some((before, last)) = domain.rsplit_once('.') else { return folded.contains('@') };
    let is_last = last.starts_with("xn--") || (!last.is_empty() && last.chars().all(char::is_alphabetic));
    is_last && !before.is_empty() && !folded.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_as_domains_and_addresses() {
        for (written, folded) in [
            ("acme.example", "acme.example"),
            (" ACME.Example. ", "acme.example"),
            ("@acme.example", "acme.example"),
            ("*@acme.example", "acme.example"),
            ("*.acme.example", "acme.example"),
            ("https://www.Acme.example/about?x=1", "acme.example"),
            ("HTTP://acme.example:8080", "acme.example"),
            ("www.acme.example", "acme.example"),
            ("WWW.Acme.example.", "acme.example"),
            ("www.example", "www.example"),
            ("Jane Doe <Jane@ACME.example>", "jane@acme.example"),
            ("Sam O\u{2019}Neil  Jr", "sam o'neil jr"),
            ("BÜCHER.example", "bücher.example"),
            ("xn--bcher-kva.example", "bücher.example"),
            ("*@XN--bcher-kva.example.", "bücher.example"),
            ("https://www.xn--bcher-kva.example:8080/x", "bücher.example"),
            ("Jane <jane@xn--bcher-kva.example>", "jane@bücher.example"),
            ("acme.example:8080", "acme.example"),
            ("Q1: 10 seats", "q1: 10 seats"),
            (" . ", ""),
            ("*", "*"),
        ] {
            assert_eq!(fold_key(written), folded, "{written:?}");
        }
    }

    #[test]
    fn a_domain_is_found_by_itself_and_by_those_above_it() {
        let all = |value: &str, by: Match| candidates(value, by).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(all("mail.acme.example", Match::Domain), ["mail.acme.example", "acme.example", "example"]);
        assert_eq!(
            all("jo@m.acme.example", Match::Guess),
            ["jo@m.acme.example", "m.acme.example", "acme.example", "example"]
        );
        assert_eq!(all("mail.acme.example", Match::Whole), ["mail.acme.example"]);
        for whole in ["q1. launch", "v1.2", "acme", "3.5", "a b.example", ""] {
            assert_eq!(all(whole, Match::Guess), [whole]);
        }
        assert_eq!(all("a.xn--p1ai", Match::Guess), ["a.xn--p1ai", "xn--p1ai"]);
        // However long and odd a value is, it ends.
        assert_eq!(candidates(&"@.".repeat(1_000), Match::Domain).count(), 1_001);
    }
}

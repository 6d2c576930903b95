//! Domains as they are compared: the same one may be written in several ways.

use std::borrow::Cow;

/// A domain, an address, or a pattern of one, as domains are compared: in lower case, without a port and a dot at the end,
/// internationalized names as people read them (`xn--bcher-kva.example` is `bücher.example`). What stands before the `@` of an
/// address is put into lower case and stays otherwise.
pub fn fold_domain(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let (name, domain) = match text.rsplit_once('@') {
        Some((name, domain)) => (Some(name), domain),
        None => (None, text),
    };
    let lower = domain.to_lowercase().replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".");
    let is_end = |last: char| last == '.' || last.is_whitespace();
    let mut host = lower.trim_end_matches(is_end);
    while let Some((before, port)) = host.rsplit_once(':')
        && port.bytes().all(|byte| byte.is_ascii_digit())
    {
        host = before.trim_end_matches(is_end);
    }
    let labels: Vec<Cow<'_, str>> = host.split('.').map(readable).collect();
    let domain = labels.join(".");
    Cow::Owned(match name {
        Some(name) => format!("{}@{domain}", name.to_lowercase()),
        None => domain,
    })
}

/// The other spelling of a folded domain or address, in ASCII, for whoever looks for what was kept as it was written.
pub fn other_spelling(folded: &str) -> Option<String> {
    if folded.is_ascii() {
        return None;
    }
    let (name, domain) = folded.rsplit_once('@').map_or((None, folded), |(name, domain)| (Some(name), domain));
    let ascii = idna::domain_to_ascii(domain).ok().filter(|ascii| ascii != domain)?;
    Some(name.map_or_else(|| ascii.clone(), |name| format!("{name}@{ascii}")))
}

/// A part of a domain as people read it, in one spelling. One that is none, such as a part of a pattern, stays.
fn readable(label: &str) -> Cow<'_, str> {
    if (label.is_ascii() && !label.starts_with("xn--")) || label.contains(['*', '?', ' ']) {
        return Cow::Borrowed(label);
    }
    match idna::domain_to_unicode(label) {
        (readable, Ok(())) if !readable.is_empty() => Cow::Owned(readable),
        _ => Cow::Borrowed(label),
    }
}

/// Nothing in it needs folding.
fn is_plain(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_+*?@.".contains(&byte);
    text.bytes().all(fits) && !text.ends_with('.') && !text.contains("xn--")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_domain_is_the_same_however_it_is_written() {
        for (written, folded) in [
            ("acme.example", "acme.example"),
            (" ACME.Example. ", "acme.example"),
            ("acme.example:8080", "acme.example"),
            ("xn--bcher-kva.example", "bücher.example"),
            ("XN--BCHER-KVA.example.", "bücher.example"),
            ("BÜCHER.example", "bücher.example"),
            ("bu\u{308}cher.example", "bücher.example"),
            ("bücher\u{3002}example", "bücher.example"),
            ("xn--fa-hia.example", "faß.example"),
            ("*.xn--bcher-kva.example", "*.bücher.example"),
            ("b*cher.Example", "b*cher.example"),
            ("Jane@XN--bcher-kva.example", "jane@bücher.example"),
            ("xn--.example", "xn--.example"),
            ("a.xn--p1ai", "a.рф"),
            ("", ""),
            ("@", "@"),
            (":80", ""),
            ("- :", "-"),
        ] {
            assert_eq!(fold_domain(written), folded, "{written:?}");
        }
        assert_eq!(other_spelling("jane@bücher.example").as_deref(), Some("jane@xn--bcher-kva.example"));
        assert_eq!(other_spelling("acme.example"), None);
    }

    proptest! {
        #[test]
        fn folding_is_done_once(text in "[a-zA-ZäÖßxn@.:*?1 -]{0,24}") {
            let once = fold_domain(&text).into_owned();
            prop_assert_eq!(fold_domain(&once).into_owned(), once);
        }
    }
}

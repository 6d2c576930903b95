//! Values that are allowed, and mean something else than what their author most likely thought.

use crate::diagnostics::{Diagnostic, Diagnostics, Location, code};
use crate::rules::{
    field::GlobField,
    pattern::{Fold, Glob, GlobText},
};
use crate::yaml::{Node, did_you_mean};
use std::collections::BTreeMap;

/// Categories that ColdSend gives; a person may make others.
const CATEGORIES: [&str; 12] = [
    "interested",
    "not_interested",
    "meeting_request",
    "meeting_booked",
    "question",
    "referral",
    "wrong_person",
    "unsubscribe",
    "out_of_office",
    "auto_reply",
    "bounced",
    "not_now",
];

/// With how many categories that are no one's but yours, each that is named once is compared: whoever has more has names that
/// differ by a number.
const MAX_OWN_CATEGORIES: usize = 100;

/// A category that a rule names, and where.
#[derive(Debug, Clone)]
pub(super) struct NamedCategory {
    pub(super) text: String,
    pub(super) at: Location,
    /// It must not be this one.
    pub(super) negated: bool,
    /// A definition names it, which the rule uses.
    pub(super) is_used: bool,
}

impl NamedCategory {
    /// The same in what uses the definition that names it.
    pub(super) fn used(&self, negated: bool) -> Self {
        Self { negated: self.negated != negated, is_used: true, ..self.clone() }
    }
}

/// Categories that nothing else names, and that are nearly one that is known: ColdSend's, or one of several places.
pub(super) fn categories(named: &[NamedCategory], out: &mut Diagnostics) {
    let plain = |text: &str| text.trim().to_lowercase().replace([' ', '-'], "_");
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for one in named {
        *uses.entry(plain(&one.text)).or_default() += 1;
    }
    let often = uses.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name.as_str());
    let often: Vec<&str> = often.take(MAX_OWN_CATEGORIES).collect();
    for one in named {
        let own = plain(&one.text);
        if own.contains(['*', '?'])
            || CATEGORIES.contains(&own.as_str())
            || uses.get(&own).is_some_and(|count| *count > 1)
        {
            continue;
        }
        let near = did_you_mean(&own, CATEGORIES.into_iter().chain(often.iter().copied()));
        let Some(near) = near.filter(|near| strsim::damerau_levenshtein(&own, near) <= 2) else { continue };
        // Who names both beside each other means both.
        if named.iter().any(|other| plain(&other.text) == near && one.at.is_on_line_of(&other.at)) {
            continue;
        }
        let message = format!("no other rule, and nothing in ColdSend, is called `{}`", one.text);
        let found = Diagnostic::error(code::NEARLY_KNOWN, &one.at, message).lint(false);
        out.push(found.hint(format!("did you mean `{near}`? A category of your own is right as it is")));
    }
}

/// A rule that asks for absence notes, which are kept from rules that do not say that they want automatic mail.
pub(super) fn absences(named: &[NamedCategory], out: &mut Diagnostics) {
    let is_absence = |text: &str| Glob::Like(GlobText::new(text, Fold::CaseAndSeparators)).matches(["out_of_office"]);
    for one in named.iter().filter(|one| !one.negated && is_absence(&one.text) && !one.text.trim().starts_with('*')) {
        let message = "out-of-office notes are auto-replies, which this rule does not ask for";
        let found = Diagnostic::error(code::UNREACHED_ABSENCE, &one.at, message).lint(false);
        out.push(found.hint("add `auto_reply: true`, or `auto_reply: any`, beside it"));
    }
}

/// A value of a field that is compared with globs.
pub(super) fn glob(field: GlobField, node: &Node, out: &mut Diagnostics) {
    let text = node.text();
    if looks_like_regex(text) {
        let message = format!("`{}` compares the whole value, and knows only `*` and `?`", field.as_str());
        let found = Diagnostic::error(code::REGEX_AS_TEXT, node, message).lint(false);
        let hint = match field {
            GlobField::Campaign => "write `'Q1*'` for names that begin so, or a list of names".to_owned(),
            _ => format!("write a list for any of several: `{}: [a, b]`", field.as_str()),
        };
        out.push(found.hint(hint));
    }
    if !node.is_null() && is_language_name(field, text) {
        let message = format!("`{text}` is no two-letter code of a language, so this fits no lead");
        let found = Diagnostic::error(code::NEVER_FITS, node, message).lint(true);
        out.push(found.hint("write for example `de` for German, `en` for English, null for unknown"));
    }
    if field == GlobField::LeadDomain && text.contains('@') {
        let message = "a domain has no `@`, so this fits no lead";
        let found = Diagnostic::error(code::NEVER_FITS, node, message).lint(true);
        let domain = text.rsplit('@').next().unwrap_or_default();
        out.push(found.hint(format!("write `lead_domain: {domain}`, or `lead_email: '{text}'`")));
    }
}

/// A language that is written in full, where only its code fits.
fn is_language_name(field: GlobField, text: &str) -> bool {
    let text = text.trim();
    field == GlobField::LeadLanguage && !text.contains(['*', '?']) && text.chars().count() != 2
}

/// What is written for an expression engine, and stands where every character is itself.
fn looks_like_regex(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('^')
        || text.ends_with('$')
        || text.contains(".*")
        || text.contains("\\b")
        || text.contains("\\d")
        || (text.starts_with('(') && text.ends_with(')') && text.contains('|'))
        || (text.contains('|') && text.contains(['(', ')', '[', ']']))
        || slashed(text)
}

/// `/call/i`, as other languages write an expression.
fn slashed(text: &str) -> bool {
    let Some((inner, flags)) = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) else { return false };
    !inner.is_empty() && flags.len() <= 3 && flags.chars().all(|flag| "gimsuxy".contains(flag))
}

/// A regular expression that is written as for another place.
pub(super) fn regex(node: &Node, text: &str, out: &mut Diagnostics) {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')).filter(|_| slashed(text)) {
        let message = "the slashes are part of what is looked for";
        let found = Diagnostic::error(code::ODD_REGEX, node, message).lint(false);
        out.push(found.hint(format!("write `{}`: case never matters unless it says `(?-i)`", inner.0)));
    }
}

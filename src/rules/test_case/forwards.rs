//! What a test expects of forwards: where they go, whom they are for, and what they say.

use super::{Mismatch, compare::folded};
use crate::{
    destinations::destination_info,
    diagnostics::{Diagnostic, Diagnostics, code},
    model::{ActionKind, DestinationKind, Payload, address_of, describe_target},
    rules::schema::FORWARD,
    yaml::{Node, Value},
};
use std::fmt;

/// One forward that a test expects. What it does not name is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedForward {
    /// The destination.
    pub to: String,
    /// Exactly these are named beside the destination's own, in any order, under this key (`channel`, `cc`).
    pub recipients: Vec<(&'static str, Vec<String>)>,
    /// Its own text holds each of these.
    pub text: Vec<String>,
    /// So does its own subject.
    pub subject: Vec<String>,
}

/// A forward that left, or that was decided and may still leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActualForward {
    /// What it is.
    pub kind: DestinationKind,
    /// The destination.
    pub target: String,
    /// Whom it names beside the destination's own.
    pub recipients: Vec<String>,
    /// Its own text.
    pub text: Option<String>,
    /// Its own subject.
    pub subject: Option<String>,
}

impl ActualForward {
    /// Of an action, if that is a forward.
    pub fn new(kind: ActionKind, target: Option<&str>, payload: &Payload) -> Option<Self> {
        let (ActionKind::Forward(kind), Some(target)) = (kind, target) else { return None };
        let (text, subject) = match payload {
            Payload::Notice(notice) => (notice.text.clone(), notice.email_subject.clone()),
            Payload::None | Payload::Reply { .. } => (None, None),
        };
        let recipients = payload.recipients().to_vec();
        Some(Self { kind, target: target.to_owned(), recipients, text, subject })
    }
}

impl fmt::Display for ActualForward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&describe_target(&self.target, &self.recipients))?;
        for (name, text) in [("subject", &self.subject), ("text", &self.text)] {
            if let Some(text) = text {
                write!(f, ", {name} “{}”", folded(text))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ExpectedForward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to)?;
        for (key, named) in &self.recipients {
            let named = if named.is_empty() { "none".to_owned() } else { named.join(" ") };
            write!(f, ", {key} {named}")?;
        }
        for (name, texts) in [("subject", &self.subject), ("text", &self.text)] {
            for text in texts {
                write!(f, ", {name} “{}”", folded(text))?;
            }
        }
        Ok(())
    }
}

impl ExpectedForward {
    fn is_met_by(&self, forward: &ActualForward) -> bool {
        let key = destination_info(forward.kind).recipient.as_ref().map(|info| info.key);
        let names = |(expected, named): &(&'static str, Vec<String>)| {
            let actual = if key == Some(*expected) { forward.recipients.as_slice() } else { &[] };
            sorted(named) == sorted(actual)
        };
        let says = |texts: &[String], actual: &Option<String>| {
            let actual = actual.as_deref().map(folded).unwrap_or_default();
            texts.iter().all(|text| actual.contains(&folded(text)))
        };
        self.to == forward.target
            && self.recipients.iter().all(names)
            && says(&self.text, &forward.text)
            && says(&self.subject, &forward.subject)
    }
}

/// Names in a form in which order, case of addresses, and the `#` of a channel do not matter.
fn sorted(names: &[String]) -> Vec<String> {
    let plain = |name: &String| address_of(name).unwrap_or_else(|| name.trim().trim_start_matches('#').to_owned());
    let mut names: Vec<String> = names.iter().map(plain).collect();
    names.sort();
    names
}

/// Where the forwards that came are not exactly those that are expected, in any order.
pub(super) fn compare(wanted: &[ExpectedForward], actual: &[ActualForward], concerned: &[String]) -> Option<Mismatch> {
    // Each that came is one that is expected: an entry that says little must not take what one that says more needs.
    let mut taken: Vec<Option<usize>> = vec![None; actual.len()];
    let are_met = wanted.len() == actual.len()
        && (0..wanted.len()).all(|number| assign(number, wanted, actual, &mut taken, &mut vec![false; actual.len()]));
    if are_met {
        return None;
    }
    let list = |items: Vec<String>| if items.is_empty() { "no forward".to_owned() } else { items.join("\n") };
    Some(Mismatch {
        what: "forwards",
        wanted: list(wanted.iter().map(ToString::to_string).collect()),
        got: list(actual.iter().map(ToString::to_string).collect()),
        concerned: concerned.to_vec(),
    })
}

/// Finds a forward for an expected one; one that has it already may take another instead.
fn assign(
    number: usize,
    wanted: &[ExpectedForward],
    actual: &[ActualForward],
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    let Some(expected) = wanted.get(number) else { return false };
    for (place, forward) in actual.iter().enumerate() {
        if tried.get(place).copied().unwrap_or(true) || !expected.is_met_by(forward) {
            continue;
        }
        if let Some(tried) = tried.get_mut(place) {
            *tried = true;
        }
        let free = match taken.get(place).copied().flatten() {
            None => true,
            Some(other) => assign(other, wanted, actual, taken, tried),
        };
        if free && let Some(taken) = taken.get_mut(place) {
            *taken = Some(number);
            return true;
        }
    }
    false
}

/// Reads `forwards`: destinations, alone or with more of what is expected.
pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Vec<ExpectedForward> {
    let items = node.list_or_one();
    if let Some(extra) = items.get(MAX_FORWARDS) {
        let message = format!("a test expects at most {MAX_FORWARDS} forwards, this one has {}", items.len());
        out.push(Diagnostic::error(code::OUT_OF_RANGE, extra, message).hint("split it into several tests"));
        return Vec::new();
    }
    items.iter().filter_map(|item| read_one(item, out)).collect()
}

/// More forwards than any message gets: comparing them takes the cube of their number.
const MAX_FORWARDS: usize = 50;

fn read_one(node: &Node, out: &mut Diagnostics) -> Option<ExpectedForward> {
    if !matches!(node.value, Value::Mapping(_)) {
        return Some(ExpectedForward { to: node.non_empty_string(out)?, ..ExpectedForward::default() });
    }
    let fields = node.fields(&FORWARD, out)?;
    let to = fields.required("to", out)?.non_empty_string(out)?;
    let texts = |node: &Node, out: &mut Diagnostics| -> Vec<String> {
        node.list_or_one().iter().filter_map(|item| item.string(out)).collect()
    };
    let mut recipients = Vec::new();
    for key in recipient_keys() {
        if let Some(node) = fields.get(key) {
            recipients.push((key, if node.is_null() { Vec::new() } else { texts(node, out) }));
        }
    }
    let mut contained = |key: &str| fields.non_null(key).map(|node| texts(node, out)).unwrap_or_default();
    Some(ExpectedForward { to, recipients, text: contained("text"), subject: contained("subject") })
}

/// The keys by which actions name whom they are for.
pub(in crate::rules) fn recipient_keys() -> impl Iterator<Item = &'static str> {
    let of_kind = |kind: &DestinationKind| Some(destination_info(*kind).recipient.as_ref()?.key);
    DestinationKind::ALL.iter().filter_map(of_kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(target: &str, recipients: &[&str], text: &str) -> ActualForward {
        ActualForward {
            kind: if target == "mail" { DestinationKind::Email } else { DestinationKind::Slack },
            target: target.to_owned(),
            recipients: recipients.iter().map(|name| (*name).to_owned()).collect(),
            text: Some(text.to_owned()).filter(|text| !text.is_empty()),
            subject: None,
        }
    }

    fn expected(to: &str, recipients: &[(&'static str, &[&str])], text: &str) -> ExpectedForward {
        let recipients = recipients.iter();
        let recipients =
            recipients.map(|(key, named)| (*key, named.iter().map(|name| (*name).to_owned()).collect())).collect();
        let text = Some(text.to_owned()).filter(|text| !text.is_empty()).into_iter().collect();
        ExpectedForward { to: to.to_owned(), recipients, text, subject: Vec::new() }
    }

    #[test]
    fn forwards_are_met_in_any_order_by_what_an_entry_names() {
        let came = [
            forward("bot", &["#ann"], "Hot: a  call"),
            forward("bot", &[], ""),
            forward("mail", &["A <a@b.example>"], ""),
        ];
        let met = |wanted: &[ExpectedForward]| compare(wanted, &came, &[]).is_none();
        let (any, mail) = (expected("bot", &[], ""), expected("mail", &[], ""));
        assert!(met(&[any.clone(), any.clone(), mail.clone()]));
        assert!(
            met(&[any.clone(), expected("bot", &[("channel", &["ann"])], "a call"), mail.clone()]),
            "the first may take the other"
        );
        assert!(met(&[
            expected("mail", &[("cc", &["a@B.example"])], ""),
            expected("bot", &[("channel", &[])], ""),
            any.clone()
        ]));
        assert!(!met(&[any.clone(), mail.clone()]), "one too many came");
        assert!(!met(&[any.clone(), any.clone(), any.clone()]));
        assert!(!met(&[any.clone(), expected("bot", &[("channel", &["#bo"])], ""), mail.clone()]));
        assert!(
            !met(&[any.clone(), any.clone(), expected("mail", &[("channel", &["a@b.example"])], "")]),
            "an e-mail has none"
        );
        let told = compare(&[expected("bot", &[("channel", &["#bo"])], "x")], &came, &["rule".to_owned()]).unwrap();
        assert_eq!(told.wanted, "bot, channel #bo, text “x”");
        assert_eq!(told.got, "bot #ann, text “Hot: a call”\nbot\nmail A <a@b.example>");
        assert!(compare(&[], &[], &[]).is_none() && compare(&[], &came, &[]).is_some());
    }
}

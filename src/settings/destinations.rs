//! `destinations`, `smtp` and `network`: read here, checked by the module that owns them.

use super::reader::ConfigReader;
use super::schema::DESTINATION;
use crate::destinations::{
    DestinationProblem, DestinationSettings, NETWORK_SCHEMA, NetworkSettings, SettingsReader, SharedSettings,
    SmtpSettings, destination_info,
};
use crate::diagnostics::{Diagnostics, code};
use crate::model::DestinationKind;
use crate::yaml::{Fields, Node, Value};
use secrecy::SecretString;
use std::{collections::BTreeMap, path::PathBuf};

/// What the three sections hold.
#[derive(Default)]
pub(super) struct Read {
    pub(super) destinations: BTreeMap<String, DestinationSettings>,
    pub(super) smtp: Option<SmtpSettings>,
    pub(super) network: NetworkSettings,
    /// The names that are written, also of destinations that cannot be used.
    pub(super) names: Vec<String>,
    /// What destinations are checked with; `None` where the mail server cannot be used, which is reported.
    shared: Option<SharedSettings>,
}

impl SettingsReader for ConfigReader<'_> {
    fn secret(&mut self, node: &Node) -> Option<SecretString> {
        ConfigReader::secret(self, node)
    }

    fn path(&mut self, node: &Node) -> Option<PathBuf> {
        ConfigReader::path(self, node)
    }

    fn out(&mut self) -> &mut Diagnostics {
        &mut self.out
    }
}

/// Reads the sections, each of which may be absent.
pub(super) fn read(root: &Fields<'_>, reading: &mut ConfigReader<'_>) -> Read {
    let mut read = Read::default();
    if let Some(fields) = root.non_null("network").and_then(|node| node.fields(&NETWORK_SCHEMA, &mut reading.out))
        && let Some(node) = fields.non_null("allow_private")
    {
        read.network.allow_private = node.bool(&mut reading.out).unwrap_or_default();
    }
    match root.non_null("smtp") {
        Some(node) => (read.smtp, read.shared) = smtp(node, read.network, reading).unzip(),
        None => read.shared = SharedSettings::new(None, read.network, None).ok(),
    }
    if let Some(node) = root.non_null("destinations") {
        read.destinations = named(node, &read, reading);
        read.names = names(node);
    }
    read
}

/// The names that are written in a section of destinations, also of those that cannot be used.
pub(super) fn names(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().map(|(key, _)| key.text().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// Reads destinations by name, which use the mail server and the network of the whole file.
pub(super) fn named(node: &Node, read: &Read, reading: &mut ConfigReader<'_>) -> BTreeMap<String, DestinationSettings> {
    let mut all = BTreeMap::new();
    let Some(entries) = node.entries(&mut reading.out) else { return all };
    // Without a mail server that works, destinations are checked as if there were none.
    let without_smtp = || SharedSettings::new(None, read.network, None).ok();
    let Some(shared) = read.shared.clone().or_else(without_smtp) else { return all };
    for (key, value) in entries.iter() {
        let name = reading.name(key, "destination");
        let Some((kind, body)) = kind_of(key, value, reading) else { continue };
        let Some(settings) = DestinationSettings::read(kind, body, reading) else { continue };
        match settings.validate(&shared) {
            Ok(()) => {
                all.insert(name.unwrap_or_else(|| key.text().to_owned()), settings);
            }
            // The mail server is reported already.
            Err(DestinationProblem::NoSmtp) if read.shared.is_none() => {}
            Err(problem) => {
                let place = problem.key().and_then(|key| body.get(key)).unwrap_or(body);
                let info = destination_info(kind);
                let (code, hint) = match problem {
                    DestinationProblem::PrivateAddress { .. } => {
                        (code::PRIVATE_ADDRESS, "`network: { allow_private: true }` allows it".to_owned())
                    }
                    _ => (code::BAD_DESTINATION, format!("write `{}`{}", info.example, info.hint)),
                };
                reading.report(code, place, problem.to_string(), &hint);
            }
        }
    }
    all
}

/// The kind of a destination, and what stands below it.
fn kind_of<'n>(key: &Node, value: &'n Node, reading: &mut ConfigReader<'_>) -> Option<(DestinationKind, &'n Node)> {
    let fields = value.fields(&DESTINATION, &mut reading.out)?;
    let given: Vec<_> = fields.iter().filter_map(|(kind, body)| Some((kind.text().parse().ok()?, body))).collect();
    if let [one] = given.as_slice() {
        return Some(*one);
    }
    // An unknown key alone has been reported; a second sentence about it would not help.
    if given.len() > 1 || fields.iter().next().is_none() {
        let kinds = DestinationKind::ALL.map(DestinationKind::as_str).join(", ");
        let message = format!("the destination `{}` needs exactly one of {kinds}", key.text());
        reading.report(code::BAD_DESTINATION, key, message, "give every address a destination of its own");
    }
    None
}

fn smtp(
    node: &Node,
    network: NetworkSettings,
    reading: &mut ConfigReader<'_>,
) -> Option<(SmtpSettings, SharedSettings)> {
    let settings = SmtpSettings::read(node, reading)?;
    match SharedSettings::new(Some(&settings), network, None) {
        Ok(shared) => Some((settings, shared)),
        Err(error) => {
            let place = error.problem().key().and_then(|key| node.get(key)).unwrap_or(node);
            let hint =
                "write `url: \"smtps://user:${SMTP_PASSWORD}@smtp.acme.example\"` and `from: \"Name <a@b.example>\"`";
            reading.report(code::BAD_SMTP, place, error.problem().to_string(), hint);
            None
        }
    }
}

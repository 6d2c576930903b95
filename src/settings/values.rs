//! Values that several sections take: names, secrets, addresses, paths.

use super::declaration::Takes;
use super::schema::HTTP;
use crate::diagnostics::code;
use crate::yaml::ValueType;
use secrecy::SecretString;
use serde_json::json;
use std::path::PathBuf;
use url::Url;

/// A name that the user chooses.
pub(super) const NAME: &str = "^[a-z0-9][a-z0-9-]{0,62}$";
/// What can stand in a header.
const HEADER: &str = "^[!-~]+$";

/// The name of such a thing.
pub(super) fn name(of: &'static str) -> Takes<String> {
    let value_type = ValueType::MatchingOrInteger(NAME.to_owned(), Some(0));
    Takes::new(value_type, move |node, reader| reader.name(node, of))
}

/// A secret that is sent in a header.
pub(super) fn header_secret() -> Takes<SecretString> {
    Takes::new(ValueType::MatchingOrNumber(HEADER.to_owned()), |node, reader| reader.header_secret(node))
}

/// An address that a key is sent to.
pub(super) fn api_url() -> Takes<Url> {
    Takes::new(ValueType::Matching(HTTP.to_owned()), |node, reader| reader.api_url(node))
        .shown(|url| json!(url.as_str()))
}

/// An address that a browser can open.
pub(super) fn public_url() -> Takes<Url> {
    Takes::new(ValueType::Matching(HTTP.to_owned()), |node, reader| reader.public_url(node))
}

/// Where rules are: a path, or a list of paths.
pub(super) fn rule_paths() -> Takes<Vec<PathBuf>> {
    Takes::new(ValueType::non_empty_list_or_one(ValueType::NonBlankText), |node, reader| {
        let items = node.list_or_one();
        if items.is_empty() {
            let hint = "write `rules: rules/`, or a list such as `rules: [rules/common/, rules/acme/]`";
            reader.report(code::MISSING_KEY, node, "no path is named", hint);
        }
        let paths: Vec<PathBuf> = items.iter().filter_map(|item| reader.path(item)).collect();
        (!items.is_empty() && paths.len() == items.len()).then_some(paths)
    })
}

/// Folders that are there: a path, or a list of paths.
pub(super) fn folders() -> Takes<Vec<PathBuf>> {
    Takes::new(ValueType::list_or_one(ValueType::NonBlankText), |node, reader| {
        let items = node.list_or_one();
        let mut found = Vec::new();
        for item in items {
            let Some(folder) = reader.path(item) else { continue };
            if folder.is_dir() {
                found.push(folder);
            } else {
                let hint = format!("looked for {}", folder.display());
                reader.report(code::NO_FOLDER, item, format!("there is no folder `{}`", item.text()), &hint);
            }
        }
        (found.len() == items.len()).then_some(found)
    })
}

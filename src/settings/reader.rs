//! Reading single values: addresses, secrets, names, paths.

use super::env::{Env, Interpolation};
use crate::diagnostics::{Diagnostic, Diagnostics, code};
use crate::model::format_duration;
use crate::yaml::Node;
use secrecy::SecretString;
use std::{
    net::IpAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};
use url::{Host, Url};

/// What every part of the configuration is read with.
pub(super) struct ConfigReader<'e> {
    pub(super) env: Env<'e>,
    pub(super) variables: Interpolation<'e>,
    /// The folder that paths are relative to.
    pub(super) folder: PathBuf,
    /// The destinations that the section being read may name.
    pub(super) destinations: Vec<String>,
    pub(super) out: Diagnostics,
}

impl ConfigReader<'_> {
    pub(super) fn report(&mut self, code: &'static str, node: &Node, message: impl Into<String>, hint: &str) {
        self.out.push(Diagnostic::error(code, node, message).hint(hint));
    }

    /// A secret that can stand in a header: printable, without white space. Its bytes in the file are never shown.
    pub(super) fn header_secret(&mut self, node: &Node) -> Option<SecretString> {
        let text = self.secret_text(node)?;
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            let message = "a key or token holds spaces or characters that cannot be sent";
            self.report(code::BAD_KEY, node, message, "copy it again, without quotes and spaces around it");
            return None;
        }
        Some(SecretString::from(text))
    }

    /// Any secret.
    pub(super) fn secret(&mut self, node: &Node) -> Option<SecretString> {
        self.secret_text(node).map(SecretString::from)
    }

    fn secret_text(&mut self, node: &Node) -> Option<String> {
        if !self.variables.is_from_env(node.span) && node.scalar().is_some() {
            node.source().redact(node.span.start..node.span.end);
        }
        node.non_empty_string(&mut self.out)
    }

    /// A path, relative to the file's folder.
    pub(super) fn path(&mut self, node: &Node) -> Option<PathBuf> {
        let text = node.non_empty_string(&mut self.out)?;
        Some(self.folder.join(text))
    }

    /// A name: lower-case letters, digits, `-`.
    pub(super) fn name(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = node.non_empty_string(&mut self.out)?;
        if is_name(&text) {
            return Some(text);
        }
        let hint = match as_name(&text) {
            Some(name) => format!("for example `{name}`"),
            None => "for example `acme`".to_owned(),
        };
        let message = format!("`{text}` is not a name for a {what}: only a-z, 0-9 and `-`, at most 63 characters");
        self.report(code::BAD_NAME, node, message, &hint);
        None
    }

    /// A duration in a range.
    pub(super) fn duration(&mut self, node: &Node, range: &RangeInclusive<Duration>) -> Option<Duration> {
        let span = node.duration(&mut self.out)?;
        if range.contains(&span) {
            return Some(span);
        }
        let [least, most, span] = [*range.start(), *range.end(), span].map(format_duration);
        let message = format!("{span} is out of range");
        self.report(code::OUT_OF_RANGE, node, message, &format!("{least} to {most} is allowed"));
        None
    }

    /// An address that a key is sent to: https, or http to this machine itself.
    pub(super) fn api_url(&mut self, node: &Node) -> Option<Url> {
        let text = node.non_empty_string(&mut self.out)?;
        match check_api_url(&text) {
            Ok(url) => Some(url),
            Err(why) => {
                let hint = "write it like https://api.coldsend.pro/api/public/v1";
                self.report(code::BAD_URL, node, format!("this address cannot be used: {why}"), hint);
                None
            }
        }
    }

    /// An address that people open in a browser.
    pub(super) fn public_url(&mut self, node: &Node) -> Option<Url> {
        let text = node.non_empty_string(&mut self.out)?;
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            let hint = "write it like https://router.acme.example";
            self.report(code::BAD_URL, node, "this is not an address that a browser can open", hint);
        }
        url
    }
}

/// An address that a key may be sent to. The reason never repeats the address, which may hold a password.
pub(super) fn check_api_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    let local = match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => return Err("it names no host"),
    };
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return Err("http:// is allowed to this machine itself only; use https://"),
        _ => return Err("it must begin with https://"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must end with its path: no `?` and no `#`");
    }
    Ok(url)
}

pub(super) fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.starts_with('-') && !text.is_empty() && text.len() <= 63 && text.bytes().all(allowed)
}

fn as_name(text: &str) -> Option<String> {
    let plain: String =
        text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    let name = plain.trim_matches('-').to_owned();
    is_name(&name).then_some(name)
}

/// The folder that the paths of a file are relative to.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    file.parent().map(Path::to_path_buf).unwrap_or_default()
}

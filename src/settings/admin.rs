//! `admin`: the pages and the API of the service.

use super::declaration::{self, ConfigKey, Takes};
use super::reader::ConfigReader;
use super::values::{header_secret, public_url};
use super::{ADMIN_TOKEN_VARIABLE, AdminSettings, users};
use crate::diagnostics::code;
use crate::yaml::{LazySchema, Node, ValueType};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What a token needs before the admin pages may be reached from other machines.
const TOKEN_BYTES: usize = 32;

/// The section.
pub(super) static ADMIN: LazySchema = LazySchema::new(|| {
    declaration::schema("admin", "The pages and the API of the service.", keys(), AdminSettings::default())
});

impl Default for AdminSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_080),
            token: None,
            public_url: None,
            users: Vec::new(),
            proxy_header: None,
            trusted_proxies: Vec::new(),
        }
    }
}

/// Its keys.
pub(super) fn keys() -> Vec<ConfigKey<AdminSettings>> {
    type Key = ConfigKey<AdminSettings>;
    let mut keys = vec![
        Key::new("listen", listen(), |admin| &mut admin.listen, "An IP address and a port."),
        Key::new(
            "token",
            header_secret().optional(),
            |admin| &mut admin.token,
            "The token of an unnamed admin of everything, for programs and for signing in. To listen on other addresses than \
             this machine's, it or `users` are needed, with tokens of 32 bytes or more.",
        )
        .example("${REPLY_ROUTER_ADMIN_TOKEN}"),
        Key::new(
            "public_url",
            public_url().optional(),
            |admin| &mut admin.public_url,
            "How people reach it, for links in what is forwarded.",
        )
        .example("https://router.acme.example"),
    ];
    keys.extend(users::keys());
    keys
}

fn listen() -> Takes<SocketAddr> {
    let form = r"^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:.]+(?:%[0-9]+)?\]):[0-9]{1,5}$";
    let read = |node: &Node, reader: &mut ConfigReader<'_>| {
        let address = node.text().parse().ok();
        if address.is_none() {
            let hint = "write it like 127.0.0.1:8080, or 0.0.0.0:8080 for every network";
            reader.report(code::BAD_LISTEN, node, "this is not an IP address and a port", hint);
        }
        address
    };
    Takes::new(ValueType::Matching(form.to_owned()), read).shown(|address| json!(address))
}

/// Takes the token from the environment where the file has none, and refuses an address that other machines reach without
/// a good one. `node` is the section.
pub(super) fn check_token(node: Option<&Node>, admin: &mut AdminSettings, reader: &mut ConfigReader<'_>) {
    let written = |key: &str| node.and_then(|node| node.get(key)).filter(|node| !node.is_null());
    let token_node = written("token");
    if token_node.is_none() {
        let value = (reader.env)(ADMIN_TOKEN_VARIABLE).filter(|value| !value.is_empty());
        admin.token = value.map(SecretString::from);
    }
    // A list that could not be read has been reported.
    let has_users = written("users").is_some_and(|node| !node.list_or_one().is_empty());
    if let Some(token) = &admin.token
        && let Some(location) = token_node.or_else(|| written("listen"))
    {
        check_length(location, token, admin, reader);
    }
    // A token that is written and could not be read has been reported.
    if token_node.is_none()
        && admin.token.is_none()
        && !has_users
        && let Some(location) = written("listen")
    {
        check_length(location, &SecretString::default(), admin, reader);
    }
}

/// Refuses a token that is too short for an address which other machines reach.
pub(super) fn check_length(
    location: &Node,
    token: &SecretString,
    admin: &AdminSettings,
    reader: &mut ConfigReader<'_>,
) {
    if admin.listen.ip().is_loopback() || token.expose_secret().len() >= TOKEN_BYTES {
        return;
    }
    let message = format!(
        "{} can be reached from other machines, which needs a token of {TOKEN_BYTES} bytes or more",
        admin.listen
    );
    let hint = format!("make one with `openssl rand -hex 32` and put it into {ADMIN_TOKEN_VARIABLE}");
    reader.report(code::WEAK_TOKEN, location, message, &hint);
}

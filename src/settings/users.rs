//! `admin.users` and single sign-on: who may use the pages and the API, and what they see.

use super::declaration::{self, ConfigKey, Takes};
use super::reader::ConfigReader;
use super::values::header_secret;
use super::{AdminSettings, WorkspaceConfig};
use crate::admin::{Network, Role, User, is_user_name};
use crate::diagnostics::{Diagnostic, code};
use crate::rules::{Fold, GlobText};
use crate::yaml::{LazySchema, Node, ValueType};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// Printable ASCII without a comma, and without spaces around it.
const USER_NAME: &str = "^[!-+\\--~](?:[ -+\\--~]{0,126}[!-+\\--~])?$";
/// Names of workspaces, with `*` and `?`.
const GLOB: &str = "^[a-z0-9*?-]{1,63}$";
const HEADER_NAME: &str = "^[A-Za-z][A-Za-z0-9-]{0,63}$";
const NETWORK: &str = "^[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?$";

/// A user.
static USER: LazySchema = LazySchema::new(|| {
    declaration::schema("user", "Somebody who uses the pages and the API.", user_keys(), Some(nobody()))
});

fn nobody() -> User {
    User { name: String::new(), token: None, role: Role::Viewer, workspaces: None }
}

fn user_keys() -> Vec<ConfigKey<User>> {
    type Key = ConfigKey<User>;
    let roles = Role::ALL.map(|role| (role.as_str(), role));
    let role_type = ValueType::OneOf(Role::ALL.map(Role::as_str).to_vec());
    vec![
        Key::new(
            "name",
            Takes::new(ValueType::MatchingOrNumber(USER_NAME.to_owned()), read_name),
            |user| &mut user.name,
            "Their name, unique, as the audit log shows it; for single sign-on, what the proxy calls them.",
        )
        .required()
        .example("sam@acme.example"),
        Key::new(
            "token",
            header_secret().optional(),
            |user| &mut user.token,
            "Their own token for programs and for signing in; 32 bytes or more to listen on other addresses than this \
             machine's. Not needed with single sign-on.",
        )
        .example("${SAM_TOKEN}"),
        Key::new(
            "role",
            Takes::new(role_type, move |node, reader| node.one_of(&roles, &mut reader.out)),
            |user| &mut user.role,
            "viewer (reads), approver (also decides about replies, pauses workspaces, keeps opt-outs) or admin.",
        )
        .required()
        .example("approver"),
        Key::new(
            "workspaces",
            Takes::new(ValueType::list_or_one(ValueType::MatchingOrInteger(GLOB.to_owned(), None)), read_globs).optional(),
            |user| &mut user.workspaces,
            "The names of the workspaces that they see, with `*` and `?`. All, if left out; what is not theirs does not exist \
             for them.",
        )
        .non_null()
        .example(json!(["acme*"])),
    ]
}

/// `users`, `proxy_header` and `trusted_proxies`.
pub(super) fn keys() -> Vec<ConfigKey<AdminSettings>> {
    type Key = ConfigKey<AdminSettings>;
    vec![
        Key::new(
            "users",
            Takes::new(ValueType::list(ValueType::Shape(&USER)), read_users),
            |admin| &mut admin.users,
            "Who may use the pages and the API, each with a role and workspaces of their own.",
        )
        .example(json!([{ "name": "sam", "token": "${SAM_TOKEN}", "role": "approver", "workspaces": ["acme*"] }])),
        Key::new(
            "proxy_header",
            Takes::new(ValueType::Matching(HEADER_NAME.to_owned()), read_header).optional(),
            |admin| &mut admin.proxy_header,
            "Single sign-on: the header in which a proxy in front names one of the `users`. It is believed only from \
             `trusted_proxies`.",
        )
        .example("X-Forwarded-User"),
        Key::new(
            "trusted_proxies",
            Takes::new(ValueType::list_or_one(ValueType::Matching(NETWORK.to_owned())), read_networks),
            |admin| &mut admin.trusted_proxies,
            "The addresses or networks (CIDR) of the proxies that `proxy_header` is believed from.",
        )
        .example(json!(["10.0.0.7", "172.18.0.0/16"])),
    ]
}

fn read_name(node: &Node, reader: &mut ConfigReader<'_>) -> Option<String> {
    let name = node.non_empty_string(&mut reader.out)?;
    if is_user_name(&name) {
        return Some(name);
    }
    let message = "this cannot name a user: printable ASCII without commas, at most 128 characters";
    reader.report(code::BAD_NAME, node, message, "write it as the proxy sends it, for example sam@acme.example");
    None
}

fn read_globs(node: &Node, reader: &mut ConfigReader<'_>) -> Option<Vec<String>> {
    let items = node.list_or_one();
    let mut globs = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = item.non_empty_string(&mut reader.out) else { continue };
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'*' | b'?');
        if text.len() <= 63 && text.bytes().all(fits) {
            globs.push(text);
        } else {
            let message = format!("`{text}` is not like the name of a workspace: only a-z, 0-9, `-`, `*` and `?`");
            reader.report(code::BAD_NAME, item, message, "for example `acme` or `acme*`");
        }
    }
    (globs.len() == items.len()).then_some(globs)
}

fn read_header(node: &Node, reader: &mut ConfigReader<'_>) -> Option<String> {
    let name = node.non_empty_string(&mut reader.out)?;
    let fits = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    // What carries a secret, or is the client's to choose, names nobody.
    let is_other = ["authorization", "cookie", "host"].iter().any(|other| name.eq_ignore_ascii_case(other));
    if fits && !is_other {
        return Some(name);
    }
    let message = format!("`{name}` is not a header that can name a user");
    reader.report(code::BAD_PROXY, node, message, "write the header that your proxy sets, such as X-Forwarded-User");
    None
}

fn read_networks(node: &Node, reader: &mut ConfigReader<'_>) -> Option<Vec<Network>> {
    let items = node.list_or_one();
    let mut networks = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = item.non_empty_string(&mut reader.out) else { continue };
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(why) => {
                let hint = "write an address such as 10.0.0.7, or a network such as 172.18.0.0/16";
                reader.report(code::BAD_PROXY, item, format!("`{text}`: {why}"), hint);
            }
        }
    }
    (networks.len() == items.len()).then_some(networks)
}

fn read_users(node: &Node, reader: &mut ConfigReader<'_>) -> Option<Vec<User>> {
    let mut users = Vec::new();
    for item in node.list(&mut reader.out)? {
        let Some(fields) = item.fields(&USER, &mut reader.out) else { continue };
        let mut user = nobody();
        let complete = declaration::read(&user_keys(), &fields, &mut user, reader);
        // Null elsewhere means as much as no key, which here would be all of them.
        if let Some(written) = item.get("workspaces").filter(|node| node.is_null()) {
            let hint = "name them, or remove the key if the user may see all";
            reader.report(code::MISSING_KEY, written, "no workspace is named", hint);
        }
        if complete {
            users.push(user);
        }
    }
    Some(users)
}

/// Reports what does not hang together. `node` is the section `admin`.
pub(super) fn check(
    node: Option<&Node>,
    admin: &AdminSettings,
    workspaces: &[WorkspaceConfig],
    reader: &mut ConfigReader<'_>,
) {
    let Some(node) = node else { return };
    let written = |key: &str| node.get(key).filter(|node| !node.is_null());
    check_proxy(admin, &written, reader);
    let Some(items) = written("users").map(Node::list_or_one) else { return };
    // A header that could not be read has been reported.
    let has_proxy = written("proxy_header").is_some();
    // One of the environment may be the user's own, for commands that ask the service.
    let admin_token = admin.token.as_ref().filter(|_| written("token").is_some());
    let mut seen: Vec<(&User, usize)> = Vec::new();
    for item in items {
        let name = item.get("name").map(Node::text).unwrap_or_default();
        // What could not be read is reported.
        let Some(user) = admin.users.iter().find(|user| user.name == name.trim()) else { continue };
        let place = item.get("name").unwrap_or(item);
        if let Some((_, line)) = seen.iter().find(|(known, _)| known.name == user.name) {
            let message = format!("there is a user `{name}` already, on line {line}");
            reader.report(code::USER_TWICE, place, message, "give each user a name of their own");
            continue;
        }
        check_user_token(item, user, admin, admin_token, has_proxy, &seen, reader);
        seen.push((user, item.span.line));
        check_workspaces(item, user, workspaces, reader);
    }
}

fn check_proxy<'n>(admin: &AdminSettings, written: &dyn Fn(&str) -> Option<&'n Node>, reader: &mut ConfigReader<'_>) {
    let (header, proxies) = (written("proxy_header"), written("trusted_proxies"));
    if let Some(node) = header.filter(|_| admin.proxy_header.is_some()) {
        // A list that could not be read has been reported.
        if admin.trusted_proxies.is_empty() && proxies.is_none_or(|node| node.list_or_one().is_empty()) {
            let message = "`proxy_header` needs `trusted_proxies`: otherwise anyone could send the header";
            reader.report(
                code::BAD_PROXY,
                node,
                message,
                "add `trusted_proxies: [\"10.0.0.7\"]`, the addresses of the proxy",
            );
        }
        if admin.users.is_empty() && written("users").is_none_or(|node| node.list_or_one().is_empty()) {
            let message = "`proxy_header` names one of the `users`, and there are none";
            reader.report(code::BAD_PROXY, node, message, "add `users: [{ name: sam@acme.example, role: viewer }]`");
        }
    }
    if let Some(node) = proxies.filter(|_| header.is_none()) {
        let message = "`trusted_proxies` has no effect without `proxy_header`";
        let hint = "add `proxy_header: X-Forwarded-User`, or remove it";
        reader.out.push(Diagnostic::warning(code::BAD_PROXY, node, message).hint(hint));
    }
}

fn check_user_token(
    item: &Node,
    user: &User,
    admin: &AdminSettings,
    admin_token: Option<&SecretString>,
    has_proxy: bool,
    seen: &[(&User, usize)],
    reader: &mut ConfigReader<'_>,
) {
    let node = item.get("token").filter(|node| !node.is_null());
    let (Some(token), Some(node)) = (&user.token, node) else {
        if node.is_none() && !has_proxy {
            let message = format!("`{}` cannot sign in: there is no `token`, and no single sign-on", user.name);
            let hint = "add `token: \"${…}\"`, or set `proxy_header` and `trusted_proxies`";
            reader.report(code::NO_SIGN_IN, item.get("name").unwrap_or(item), message, hint);
        }
        return;
    };
    let same = |other: &SecretString| other.expose_secret() == token.expose_secret();
    let other = seen.iter().find(|(known, _)| known.token.as_ref().is_some_and(same));
    let other = other.map(|(known, line)| format!("`{}` (line {line})", known.name));
    if let Some(other) = other.or_else(|| admin_token.is_some_and(same).then(|| "`admin.token`".to_owned())) {
        let message = format!("{other} has the same token: nobody could tell the two apart");
        reader.report(code::USER_TWICE, node, message, "make one for each user with `openssl rand -hex 32`");
    }
    super::admin::check_length(node, token, admin, reader);
}

fn check_workspaces(item: &Node, user: &User, workspaces: &[WorkspaceConfig], reader: &mut ConfigReader<'_>) {
    let (Some(globs), Some(node)) = (&user.workspaces, item.get("workspaces")) else { return };
    let mut warn = |place: &Node, message: String, hint: &str| {
        reader.out.push(Diagnostic::warning(code::NO_VISIBLE_WORKSPACE, place, message).hint(hint));
    };
    if globs.is_empty() {
        warn(node, format!("`{}` sees no workspace", user.name), "name some, such as `acme*`, or remove the key");
    }
    for (glob, place) in globs.iter().zip(node.list_or_one()) {
        let pattern = GlobText::new(glob, Fold::Case);
        if !workspaces.iter().any(|workspace| pattern.matches(workspace.name())) {
            warn(place, format!("no workspace is named like `{glob}`"), "write it as under `workspaces`");
        }
    }
}

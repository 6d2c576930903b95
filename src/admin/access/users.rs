//! The users, and how a token or a proxy's word becomes one of them.

use super::{Network, Role, Scope};
use crate::admin::auth::constant_time_eq;
use secrecy::{ExposeSecret, SecretString};
use std::{collections::HashMap, net::IpAddr, sync::Arc};
use tokio::sync::watch;

/// In bytes.
const MAX_NAME: usize = 128;
/// What a token needs before other machines may reach the pages.
const TOKEN_BYTES: usize = 32;

/// Somebody who uses the pages and the API.
#[derive(Debug, Clone)]
pub struct User {
    /// Unique; for single sign-on, what the proxy calls them.
    pub name: String,
    /// For programs and for signing in; `None` for somebody who comes through the proxy only.
    pub token: Option<SecretString>,
    /// What they may do.
    pub role: Role,
    /// Globs of the names of the workspaces that they see; `None` for all.
    pub workspaces: Option<Vec<String>>,
}

/// Single sign-on by a proxy in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    /// The header that names the user.
    pub header: String,
    /// Who may send it; from everybody else it is ignored.
    pub trusted: Vec<Network>,
}

/// Who may get in.
#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// The token of an unnamed admin of everything.
    pub token: Option<SecretString>,
    /// The users, by unique names and tokens.
    pub users: Vec<User>,
    /// Single sign-on.
    pub proxy: Option<ProxySettings>,
}

/// Who may get in now. Clones share it, so that a changed configuration holds for the next request.
#[derive(Debug, Clone)]
pub struct Access(watch::Sender<Arc<AccessSettings>>);

impl Access {
    /// Lets these in.
    pub fn new(settings: AccessSettings) -> Self {
        Self(watch::Sender::new(Arc::new(settings)))
    }

    /// Lets these in from now on. Sessions of users who are gone or have another token end, and so do event streams, whose
    /// readers come back.
    pub fn replace(&self, settings: AccessSettings) {
        self.0.send_replace(Arc::new(settings));
    }

    /// Ends the event streams, whose readers come back: there are other workspaces now.
    pub fn end_streams(&self) {
        self.0.send_modify(|settings| *settings = Arc::new((**settings).clone()));
    }

    /// What holds now.
    pub(in crate::admin) fn current(&self) -> Arc<AccessSettings> {
        Arc::clone(&self.0.borrow())
    }

    /// Tells when somebody else may get in.
    pub(in crate::admin) fn subscribe(&self) -> watch::Receiver<Arc<AccessSettings>> {
        self.0.subscribe()
    }
}

/// The tokens of the vendor's webhook, by workspace; one without has none. Clones share them, as with [`Access`].
#[derive(Debug, Clone, Default)]
pub struct HookTokens(watch::Sender<HashMap<String, SecretString>>);

impl HookTokens {
    /// Takes these from now on.
    pub fn replace(&self, tokens: HashMap<String, SecretString>) {
        self.0.send_replace(tokens);
    }

    /// Whether a text is the workspace's token; `None` if it has none.
    pub(in crate::admin) fn matches(&self, workspace: &str, given: Option<&str>) -> Option<bool> {
        let tokens = self.0.borrow();
        let token = tokens.get(workspace)?;
        Some(given.is_some_and(|given| constant_time_eq(given, token.expose_secret())))
    }
}

impl From<HashMap<String, SecretString>> for HookTokens {
    fn from(tokens: HashMap<String, SecretString>) -> Self {
        Self(watch::Sender::new(tokens))
    }
}

fn is_same_token(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(ExposeSecret::expose_secret) == other.map(ExposeSecret::expose_secret)
}

impl User {
    fn is_same(&self, other: &Self) -> bool {
        let is_same = self.name == other.name && self.role == other.role && self.workspaces == other.workspaces;
        is_same && is_same_token(self.token.as_ref(), other.token.as_ref())
    }
}

impl AccessSettings {
    /// Whether both let the same people in, to the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let are_users = self.users.len() == other.users.len()
            && self.users.iter().zip(&other.users).all(|(one, other)| one.is_same(other));
        are_users && self.proxy == other.proxy && is_same_token(self.token.as_ref(), other.token.as_ref())
    }

    /// Why these must not be used at an address that other machines reach; `None` if they may.
    pub fn weakness(&self) -> Option<&'static str> {
        let is_short = |token: &SecretString| token.expose_secret().len() < TOKEN_BYTES;
        let tokens = self.users.iter().filter_map(|user| user.token.as_ref()).chain(&self.token);
        match self.is_open() {
            true => Some("nobody has a token"),
            false if tokens.into_iter().any(is_short) => Some("a token is shorter than 32 bytes"),
            false => None,
        }
    }

    /// Whether everything is open to this machine, because nobody has been given a token or a name.
    pub(in crate::admin) fn is_open(&self) -> bool {
        self.token.is_none() && self.users.is_empty()
    }

    /// Whose token it is; a user's own counts before that of the unnamed admin. Every token is compared, whichever it is.
    pub(in crate::admin) fn by_token(&self, given: &str) -> Option<Principal> {
        let is = |token: &Option<SecretString>| {
            token.as_ref().is_some_and(|token| constant_time_eq(given, token.expose_secret()))
        };
        let unnamed = is(&self.token).then(Principal::everything);
        let named = self.users.iter().fold(None, |found, user| if is(&user.token) { Some(user) } else { found });
        named.map(Principal::from).or(unnamed)
    }

    /// The user of this name.
    pub(in crate::admin) fn by_name(&self, name: &str) -> Option<Principal> {
        self.users.iter().find(|user| user.name == name).map(Principal::from)
    }

    /// The header that this peer is believed in.
    pub(in crate::admin) fn believed_header(&self, peer: Option<IpAddr>) -> Option<&str> {
        let proxy = self.proxy.as_ref()?;
        let is_trusted = peer.is_some_and(|peer| proxy.trusted.iter().any(|network| network.contains(peer)));
        is_trusted.then_some(proxy.header.as_str())
    }
}

/// Whoever a request is made by: a name if they have one, what they may do, and what they see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct Principal {
    name: Option<Arc<str>>,
    role: Role,
    scope: Scope,
}

impl Principal {
    /// The unnamed admin of everything.
    pub(in crate::admin) fn everything() -> Self {
        Self { name: None, role: Role::Admin, scope: Scope::Everything }
    }

    pub(in crate::admin) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(in crate::admin) fn role(&self) -> Role {
        self.role
    }

    pub(in crate::admin) fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl From<&User> for Principal {
    fn from(user: &User) -> Self {
        Self { name: Some(user.name.as_str().into()), role: user.role, scope: Scope::new(user.workspaces.as_deref()) }
    }
}

/// Whether a text can name a user: printable ASCII, without a comma (which separates the values of a header) and without
/// spaces around it, at most 128 bytes.
pub fn is_user_name(text: &str) -> bool {
    let printable = |b: u8| (b' '..=b'~').contains(&b) && b != b',';
    !text.is_empty() && text.len() <= MAX_NAME && text.trim() == text && text.bytes().all(printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, token: Option<&str>, workspaces: Option<&[&str]>) -> User {
        User {
            name: name.to_owned(),
            token: token.map(|token| token.to_owned().into()),
            role: Role::Viewer,
            workspaces: workspaces.map(|globs| globs.iter().map(|glob| (*glob).to_owned()).collect()),
        }
    }

    #[test]
    fn a_token_is_its_owners_and_a_missing_one_nobodys() {
        let users = vec![user("sam", Some("sams"), None), user("kim", None, None), user("lee", Some("lees"), None)];
        let access = AccessSettings { token: Some("admins".to_owned().into()), users, proxy: None };
        assert_eq!(access.by_token("admins"), Some(Principal::everything()));
        assert_eq!(access.by_token("sams").unwrap().name(), Some("sam"));
        assert_eq!(access.by_token("lees").unwrap().name(), Some("lee"));
        assert_eq!(access.by_name("kim").unwrap().name(), Some("kim"));
        for nobody in ["", "sam", "kim", "sams ", "admin"] {
            assert_eq!(access.by_token(nobody), None, "{nobody}");
        }
        assert_eq!(access.by_name("Sam"), None);
        // Whoever is somebody is no admin besides.
        let access = AccessSettings { token: Some("sams".to_owned().into()), ..access };
        assert_eq!(access.by_token("sams").unwrap().name(), Some("sam"));
    }

    #[test]
    fn what_lets_in_is_compared_and_weighed() {
        let long = "a".repeat(TOKEN_BYTES);
        let access = |token: Option<&str>, users: Vec<User>| AccessSettings {
            token: token.map(|token| token.to_owned().into()),
            users,
            proxy: None,
        };
        let sam = || user("sam", Some(&long), None);
        assert!(access(None, vec![sam()]).is_same(&access(None, vec![sam()])));
        for other in [
            access(Some(&long), vec![sam()]),
            access(None, vec![]),
            access(None, vec![user("sam", Some("short"), None)]),
            access(None, vec![user("sam", None, None)]),
            access(None, vec![user("sam", Some(&long), Some(&["acme"]))]),
            access(None, vec![User { role: Role::Admin, ..sam() }]),
        ] {
            assert!(!access(None, vec![sam()]).is_same(&other), "{other:?}");
        }
        assert_eq!(access(None, vec![sam(), user("kim", None, None)]).weakness(), None);
        for weak in
            [access(None, vec![]), access(Some("short"), vec![sam()]), access(None, vec![user("x", Some("y"), None)])]
        {
            assert!(weak.weakness().is_some(), "{weak:?}");
        }
    }

    #[test]
    fn somebody_sees_the_workspaces_that_are_theirs() {
        let scope = |globs| Principal::from(&user("sam", None, globs)).scope().clone();
        assert!(scope(None).includes("acme"));
        assert!(scope(None).is_everything());
        let some = scope(Some(&["acme*", "globex"]));
        for (name, seen) in
            [("acme", true), ("acme-eu", true), ("globex", true), ("globex-eu", false), ("my-acme", false)]
        {
            assert_eq!(some.includes(name), seen, "{name}");
        }
        assert!(!some.is_everything());
        assert!(!scope(Some(&[])).includes("acme"));
    }
}

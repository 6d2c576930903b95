//! The users, and how a token or a proxy's word becomes one of them.

use super::{Network, Role, Scope};
use crate::admin::auth::constant_time_eq;
use secrecy::{ExposeSecret, SecretString};
use std::{net::IpAddr, sync::Arc};
use tokio::sync::watch;

/// In bytes.
const MAX_NAME: usize = 128;

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
#[derive(Debug, Clone)]
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

    /// What holds now.
    pub(in crate::admin) fn current(&self) -> Arc<AccessSettings> {
        Arc::clone(&self.0.borrow())
    }

    /// Tells when somebody else may get in.
    pub(in crate::admin) fn subscribe(&self) -> watch::Receiver<Arc<AccessSettings>> {
        self.0.subscribe()
    }
}

impl AccessSettings {
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

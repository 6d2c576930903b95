//! Who sent a request: how they got in, and from where.

use super::access::Principal;
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, request::Parts},
};
use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, SocketAddr},
};
use tower_http::request_id::RequestId;

/// How somebody got in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthMethod {
    /// With `Authorization: Bearer`.
    Token,
    /// Signed in with a browser.
    Session,
    /// By a proxy in front, which says who signed in there.
    Proxy,
    /// No token is configured, and the request came from this machine.
    Loopback,
    /// Not at all.
    Anonymous,
}

impl AuthMethod {
    pub(super) const ALL: [Self; 5] = [Self::Token, Self::Session, Self::Proxy, Self::Loopback, Self::Anonymous];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Proxy => "proxy",
            Self::Loopback => "loopback",
            Self::Anonymous => "nobody",
        }
    }
}

/// Who sent a request. Behind a proxy the address is the proxy's: what a header says of others is not believed.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub way: AuthMethod,
    /// As whom; `None` for anybody who did not get in.
    pub principal: Option<Principal>,
    pub remote: Option<IpAddr>,
    pub request_id: Option<String>,
}

impl Caller {
    pub(super) fn of(extensions: &Extensions) -> Self {
        let remote = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let id = extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).map(str::to_owned);
        Self {
            way: extensions.get().copied().unwrap_or(AuthMethod::Anonymous),
            principal: extensions.get().cloned(),
            remote,
            request_id: id,
        }
    }

    /// The same, having just got in.
    pub(super) fn signed_in(self, way: AuthMethod, principal: Principal) -> Self {
        Self { way, principal: Some(principal), ..self }
    }

    /// The user's name, if they have one.
    pub(super) fn name(&self) -> Option<&str> {
        self.principal.as_ref().and_then(Principal::name)
    }
}

/// As it is kept beside a switch: `sam (token) from 10.0.0.7`, or `token from 10.0.0.7` for somebody without a name.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.way.as_str())?,
            None => f.write_str(self.way.as_str())?,
        }
        self.remote.map_or(Ok(()), |remote| write!(f, " from {remote}"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

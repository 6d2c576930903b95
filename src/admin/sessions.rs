//! The sessions of browsers, and who tried too often.

use super::{
    access::{AccessSettings, Principal},
    auth::constant_time_eq,
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// After so many wrong sign-ins from one address in this time, further wrong ones from there are refused unlooked at. The
/// right token always gets in: who guesses must not lock its owner out.
const TRIES: usize = 10;
const TRY_WINDOW: Duration = Duration::from_secs(60);
/// So many addresses and sessions are remembered; beyond that the oldest are forgotten.
const MAX_ADDRESSES: usize = 1_000;
const MAX_SESSIONS: usize = 1_000;

/// The sessions of browsers. They are kept in this process only, so that a restart ends them all.
pub(super) struct Sessions {
    signed_in: Mutex<VecDeque<Session>>,
    wrong: Mutex<VecDeque<(Option<IpAddr>, Instant)>>,
}

/// One browser's. It lasts as long as the token that it was begun with is the same user's.
struct Session {
    secret: String,
    token: SecretString,
    /// `None` for the holder of `admin.token`.
    user: Option<String>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { signed_in: Mutex::default(), wrong: Mutex::default() }
    }

    /// A session of one browser, under a name that cannot be guessed.
    pub(super) fn begin(&self, token: &str, whose: &Principal) -> String {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let secret = random() + &random();
        let mut all = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_SESSIONS {
            all.pop_front();
        }
        let user = whose.name().map(str::to_owned);
        all.push_back(Session { secret: secret.clone(), token: token.to_owned().into(), user });
        secret
    }

    /// Whose session it is.
    pub(super) fn user(&self, given: &str, access: &AccessSettings) -> Option<Principal> {
        let all = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        // All are compared, whichever it is.
        let found = all.iter().fold(
            None,
            |found, session| {
                if constant_time_eq(given, &session.secret) { Some(session) } else { found }
            },
        );
        let Session { token, user, .. } = found?;
        access.by_token(token.expose_secret()).filter(|principal| principal.name() == user.as_deref())
    }

    /// From now on the session lets nobody in, wherever its cookie was copied to.
    pub(super) fn end(&self, given: &str) {
        let mut all = self.signed_in.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|session| !constant_time_eq(given, &session.secret));
    }

    /// Notes a wrong sign-in, and tells whether there were too many from that address.
    pub(super) fn record_failure(&self, from: Option<IpAddr>) -> bool {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|(_, at)| at.elapsed() < TRY_WINDOW);
        if wrong.iter().filter(|(address, _)| *address == from).count() >= TRIES {
            return true;
        }
        if wrong.len() >= MAX_ADDRESSES * TRIES {
            wrong.pop_front();
        }
        wrong.push_back((from, Instant::now()));
        false
    }
}

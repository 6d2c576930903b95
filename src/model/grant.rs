//! Places in the request budget of a key that several processes share.

use std::time::Duration;

/// How long places may be used after they were granted.
pub const GRANT_LASTS: Duration = Duration::from_secs(2);

/// Places that a process asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantRequest {
    /// How many.
    pub wanted: u32,
    /// What a rolling minute allows.
    pub per_minute: u32,
    /// What a rolling hour allows.
    pub per_hour: u32,
    /// What was granted last, and how many of those places were used.
    pub used: Option<(i64, u32)>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// So many requests may begin within [`GRANT_LASTS`].
    Granted {
        /// What to name when more are asked for.
        id: i64,
        /// How many.
        count: u32,
    },
    /// All places are taken; about when one comes back.
    Wait(Duration),
}

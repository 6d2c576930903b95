//! What the configuration says of a workspace, as far as the engine needs it.

use super::{Mode, Rate};
use jiff::Timestamp;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// How a workspace is polled and what limits its replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// Unique among the workspaces: `a-z 0-9 -`.
    pub name: String,
    /// The ceiling for all its rules.
    pub mode: Mode,
    /// The earlier name: records that the store has under it become this workspace's.
    pub was: Option<String>,
    /// The time between two polls.
    pub poll_every: Duration,
    /// The time between two sweeps, which read every page back to `safety.max_age`.
    pub sweep_every: Duration,
    /// How long a message without a category is left alone.
    pub wait_for_category: Duration,
    /// How long its records are kept; `None` for ever.
    pub retention: Option<Duration>,
    /// Limits that no rule can lift.
    pub safety: Safety,
}

impl WorkspaceSettings {
    /// A workspace with every default.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            mode: Mode::default(),
            was: None,
            poll_every: Duration::from_secs(30),
            sweep_every: Duration::from_secs(3_600),
            wait_for_category: Duration::ZERO,
            retention: None,
            safety: Safety::default(),
        }
    }
}

/// Which mail counts as new at a workspace's first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// None: what is there is recorded as known, message by message and not by the clock.
    Now,
    /// What arrived within this time before the start.
    Age(Duration),
    /// What arrived at this time or later.
    Since(Timestamp),
}

/// Whose opt-outs a workspace respects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OptOutScope {
    /// Its own.
    #[default]
    Workspace,
    /// Those of all workspaces in the store.
    Shared,
}

/// What protects the leads and domains of a workspace, whatever the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Safety {
    /// Which mail counts as new at the first start.
    pub start_from: StartFrom,
    /// Replies to one lead; more are suppressed.
    pub replies_per_lead: Rate,
    /// Replies of the workspace in an hour; more wait.
    pub replies_per_hour: u32,
    /// A reply to an older message is held.
    pub max_age: Duration,
    /// A reply to what may be automatic mail is held.
    pub hold_uncertain: bool,
    /// Whose opt-outs stop its replies.
    pub opt_outs: OptOutScope,
    /// A draft that nobody approves for this long is cancelled.
    pub drafts_expire: Duration,
    /// When to look for a reply whose outcome is unknown, counted from its sending; ascending, never empty. After the last
    /// time, you decide.
    pub verify_after: Vec<Duration>,
    /// The destination that gets alerts.
    pub alert: Option<String>,
    /// How long polls may fail before that is an alert.
    pub alert_if_failing: Duration,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            start_from: StartFrom::Now,
            replies_per_lead: Rate { count: 1, per: 7 * DAY },
            replies_per_hour: 50,
            max_age: 7 * DAY,
            hold_uncertain: true,
            opt_outs: OptOutScope::default(),
            drafts_expire: 7 * DAY,
            verify_after: [5, 15, 60, 180, 600, 900].map(Duration::from_secs).to_vec(),
            alert: None,
            alert_if_failing: Duration::from_secs(300),
        }
    }
}

//! What survives a restart: threads, decisions, action records, opt-outs, pauses and overrides.
//!
//! One small trait for each subject, so that a second database can stand behind them. Every method is one transaction: when
//! it returns `Ok`, what it wrote is on disk; when it returns an error, nothing was written. The store keeps and finds; what
//! to do is the engine's to say (see [`DecisionPolicy`]).

mod accounts;
mod actions;
mod audit;
mod changes;
mod controls;
mod counts;
mod decisions;
mod erasure;
mod events;
mod facts;
pub mod leases;
pub mod opt_out_table;
mod opt_outs;
mod played;
mod read_model;
mod records;
mod retention;
mod sql;
mod threads;

pub use accounts::AccountStore;
pub(crate) use accounts::CAMPAIGN_STEPS;
pub use actions::ActionStore;
pub use audit::AuditStore;
pub use changes::ChangeStore;
pub use controls::ControlStore;
pub use counts::CountStore;
pub use decisions::{DecisionPolicy, DecisionStore};
pub use erasure::{AfterStep, Erased, ErasureStore};
pub use events::{DecidedEvent, EventFilter, EventPage, EventPlace, EventStore, ReadLater, StoredEvent};
pub use leases::{HeldLeases, LeaseStore, Share, WorkspaceReport};
pub use opt_outs::OptOutStore;
pub(crate) use threads::MAX_INBOUND_SEEN;
pub use threads::{Renaming, ThreadStore};

pub use facts::{
    ActionUnderControl, AtIntent, DueAction, IntentResult, LeadFacts, ReplyFacts, ReplyQuestion, SentFilter,
    SentWindow, WHOLE_HISTORY,
};
pub use played::PlayedStore;
pub use read_model::{
    ActionSummary, ActionTotal, AuditEntry, AuditFilter, Change, ChangeKind, DayCount, MatchTotal, ModeOverride,
    StoreMetrics, WorkspaceQueue,
};
pub use records::{
    ActionCount, ActionFilter, CampaignStep, Claim, DecisionFilter, DecisionRecord, DecisionTrace, EventKind,
    EventValues, ForeignUse, KnownThread, Lane, OptOut, Pause, PendingThread, ReadyAt, ReadyThread, RecordedDecision,
    SettledThread, ThreadOwner, WorkspaceState,
};
pub use retention::{RemovalMark, RemovalStep, RemoveBefore, RetentionStore};
pub use sql::{Copied, SqlStore};

use crate::model::ActionId;

/// Why the store could not do what was asked; nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("another `reply-router run` uses the store {path}: stop it first, or give this one a store of its own")]
    InUse {
        /// The database file.
        path: String,
    },
    /// The file or its folder cannot be opened or written.
    #[error("the store {path} cannot be opened: {detail}: check that the folder exists and may be written")]
    Open {
        /// The database file.
        path: String,
        /// What the system says.
        detail: String,
    },
    /// The server of the database cannot be reached, refuses, or its address cannot be read.
    #[error("the store {path} cannot be opened: {detail}")]
    Server {
        /// Its address, without the password.
        path: String,
        /// What the server says, or what is wrong with the address.
        detail: String,
    },
    /// It is no database, or a damaged one. It is never replaced by an empty one.
    #[error("the store {path} is damaged ({detail}): restore it from a backup, or move it away to start anew")]
    Corrupt {
        /// The database file.
        path: String,
        /// What the database says.
        detail: String,
    },
    /// A newer version of the program wrote it.
    #[error("the store {path} was written by a newer version of reply-router ({detail}): use that version")]
    NewerSchema {
        /// The database file.
        path: String,
        /// Which migration is unknown.
        detail: String,
    },
    /// Another living action of the same message, kind and target exists.
    #[error("another action already does this for the same message")]
    Duplicate,
    /// The record changed, or was never there.
    #[error("the action {0} does not exist, or has changed in the meantime")]
    Changed(ActionId),
    /// Another process runs the workspace, or nobody does yet.
    #[error("another process runs the workspace {workspace} now: nothing of it is written here")]
    NotHeld {
        /// The workspace.
        workspace: String,
    },
    /// The thread is one of a person who was erased since it was read: nothing of it may be written any more.
    #[error("the person was erased meanwhile")]
    Forgotten,
    /// A store is copied into an empty one alone.
    #[error("the store that is copied into has records already: name an empty one")]
    NotEmpty,
    /// The store of a play does not keep it.
    #[error("a play does not keep {0}")]
    NotInAPlay(&'static str),
    /// A stored value that this version cannot read.
    #[error("the store holds a value that cannot be read: {0}")]
    Unreadable(String),
    /// Anything else that the database says: disk full, locked, read-only, I/O.
    #[error("the store failed: {0}")]
    Database(String),
}

/// The durable memory of the service: all its subjects.
pub trait Store:
    ThreadStore
    + DecisionStore
    + EventStore
    + ActionStore
    + OptOutStore
    + ControlStore
    + AccountStore
    + CountStore
    + ChangeStore
    + AuditStore
    + RetentionStore
    + LeaseStore
    + ErasureStore
{
}

impl<T> Store for T where
    T: ThreadStore
        + DecisionStore
        + EventStore
        + ActionStore
        + OptOutStore
        + ControlStore
        + AccountStore
        + CountStore
        + ChangeStore
        + AuditStore
        + RetentionStore
        + LeaseStore
        + ErasureStore
{
}

/// The traits, for `use reply_router::store::prelude::*`.
pub mod prelude {
    pub use super::{
        AccountStore as _, ActionStore as _, AuditStore as _, ChangeStore as _, ControlStore as _, CountStore as _,
        DecisionStore as _, ErasureStore as _, EventStore as _, LeaseStore as _, OptOutStore as _, RetentionStore as _,
        ThreadStore as _,
    };
}

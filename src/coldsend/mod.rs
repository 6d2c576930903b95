//! The ColdSend Replies API: a typed client, its errors, and the request budget.
//!
//! [`Client`] speaks all six endpoints. What comes back is converted to the types of [`crate::model`] at once; the wire's
//! own shapes stay in here. Two things are this module's to guarantee:
//!
//! - A write is sent once, on a connection of its own, and [`WriteError::certainty`] says what became of it.
//! - Every request first takes a place in the key's budget of requests; see [`Priority`] and [`Budget`].

mod account;
mod budget;
mod client;
mod endpoints;
mod error;
mod fields;
mod key_use;
mod ledger;
mod pages;
mod rate_limit_headers;
mod reply;
mod requests;
mod response;
mod shared_budget;
mod transport;

pub use account::Account;
pub use budget::Budget;
pub use client::{Client, ClientSettings};
pub use error::{ApiError, ClientError, Remedy, Scope, WriteError, WriteOutcome};
pub use ledger::{Priority, Usage};
pub use pages::{ListPage, ListQuery, MAX_LIST_PAGES, MessagePage};
pub use reply::{ReplyAttachment, ReplyBody, ReplyReceipt};
pub use shared_budget::SharedBudget;
pub use transport::TimeLimits;

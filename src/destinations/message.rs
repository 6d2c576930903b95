//! What is delivered: a forward's notice, or a message of the service about itself.

use crate::model::Notice;
use jiff::Timestamp;

/// A message of the service about itself: something that you should look at, or a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// One line that says what happened.
    pub title: String,
    /// What it means and what to do, in plain text.
    pub text: String,
}

/// What a delivery says.
#[derive(Debug)]
pub enum Content<'a> {
    /// A forward.
    Notice(&'a Notice),
    /// A message about the service.
    Alert {
        /// `alert` or `test`.
        kind: &'static str,
        /// What it says.
        alert: &'a Alert,
    },
}

/// One message to deliver.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The same on every attempt, so that the receiver can recognise a repeated delivery.
    pub id: &'a str,
    /// When the action was decided.
    pub created_at: Timestamp,
    /// What it says.
    pub content: Content<'a>,
    /// Where the thread can be seen.
    pub link: Option<&'a str>,
    /// The time of this attempt.
    pub now: Timestamp,
    /// Whether this is a dry run, in which only destinations on this machine are told.
    pub dry_run: bool,
}

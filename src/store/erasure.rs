//! Erasing a person.

use super::{AuditEntry, StoreError};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What was erased of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// In which workspaces something was; their names, in order.
    pub workspaces: Vec<String>,
    /// So many threads were theirs.
    pub threads: u64,
    /// So many decisions went, with their events and actions.
    pub decisions: u64,
    /// In so many threads a message had come that was not decided on. It is old mail now, which stays in ColdSend.
    pub undecided: u64,
    /// So many actions had not left, and never will.
    pub cancelled: u64,
    /// So many were on their way or not confirmed: nobody repeats them.
    pub unconfirmed: u64,
    /// So many opt-outs hold on without the address.
    pub opt_outs: u64,
    /// So many lines of the audit log named the address.
    pub audit: u64,
    /// What stands for the person from now on: a keyed hash of the address.
    pub stands_for: Option<String>,
    /// The threads, each with its workspace.
    pub thread_ids: Vec<(String, String)>,
}

impl Erased {
    /// What the audit log keeps of it, and what whoever asked is told.
    pub fn report(&self) -> Map<String, Value> {
        let counts = [
            ("threads", self.threads),
            ("decisions", self.decisions),
            ("undecided", self.undecided),
            ("cancelled", self.cancelled),
            ("unconfirmed", self.unconfirmed),
            ("opt_outs", self.opt_outs),
            ("audit", self.audit),
        ];
        let mut report = Map::new();
        report.insert("workspaces".to_owned(), self.workspaces.clone().into());
        report.extend(counts.map(|(name, count)| (name.to_owned(), count.into())));
        report
    }

    /// Whether nothing was known of them.
    pub fn is_nothing(&self) -> bool {
        self.workspaces.is_empty() && self.audit == 0
    }
}

/// Called after each transaction of an erasure; the next one waits for it.
pub type AfterStep<'a> = &'a (dyn Fn() -> BoxFuture<'a, ()> + Send + Sync);

/// Nothing between two steps.
fn at_once<'a>() -> BoxFuture<'a, ()> {
    Box::pin(std::future::ready(()))
}

/// Erasing a person.
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// Erases all that is known of an address in these workspaces, or in all: threads keep their ids and counts, which show
    /// that old mail is old; opt-outs and what keeps anything from being sent twice hold on by a keyed hash. Nothing of it
    /// can be read in the store's file afterwards.
    ///
    /// It takes many small transactions, so that whatever else is written does not wait. What is asked for is on disk first:
    /// whoever is interrupted, or another process, finishes it ([`ErasureStore::finish_erasures`]). What is on its way
    /// meanwhile ends, and what became of it is kept without its text; what is being evaluated is not recorded
    /// ([`StoreError::Forgotten`]).
    ///
    /// # Errors
    /// The store fails, or somebody reads it for so long that its log cannot be emptied.
    async fn erase(&self, address: &str, workspaces: Option<&[String]>, now: Timestamp) -> Result<Erased, StoreError> {
        self.erase_in_steps(address, workspaces, None, now, &at_once).await
    }

    /// The same, with a line of the audit log that says who asks.
    ///
    /// # Errors
    /// See [`ErasureStore::erase`].
    async fn erase_for(
        &self,
        asked: AuditEntry,
        address: &str,
        workspaces: Option<&[String]>,
    ) -> Result<Erased, StoreError> {
        let now = asked.at;
        self.erase_in_steps(address, workspaces, Some(asked), now, &at_once).await
    }

    /// The same, with something to be done after each of its transactions. The line of the audit log is written with what is
    /// asked for, so that whoever is interrupted leaves it; it gets what was erased at the end. Its id, and the hash that
    /// stands for the person, are the store's to give.
    ///
    /// # Errors
    /// See [`ErasureStore::erase`].
    async fn erase_in_steps(
        &self,
        address: &str,
        workspaces: Option<&[String]>,
        asked: Option<AuditEntry>,
        now: Timestamp,
        after_step: AfterStep<'_>,
    ) -> Result<Erased, StoreError>;

    /// Finishes what was begun and interrupted: by this process, or by one that is gone. What of it was left to erase comes
    /// back.
    ///
    /// # Errors
    /// See [`ErasureStore::erase`].
    async fn finish_erasures(&self, now: Timestamp, after_step: AfterStep<'_>) -> Result<Vec<Erased>, StoreError>;
}

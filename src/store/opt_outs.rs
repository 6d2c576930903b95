//! Leads who want no more mail.

use super::{OptOut, StoreError};
use crate::model::{OptOutScope, kept_forms};
use async_trait::async_trait;
use std::borrow::Cow;

/// A domain with more names than this is none.
const MAX_DOMAINS: usize = 16;

/// One way to write an address.
pub(super) struct Spelling<'a> {
    pub(super) address: Cow<'a, str>,
}

impl Spelling<'_> {
    /// What stands for all addresses of its domain, and of those above it: whoever speaks for a company speaks for its parts.
    pub(super) fn domains(&self) -> impl Iterator<Item = String> {
        // One with a dot at its end is the domain of another form.
        let own = self.address.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.ends_with('.'));
        let names = std::iter::successors(own, |name| {
            name.split_once('.').map(|(_, above)| above).filter(|above| above.contains('.'))
        });
        names.take(MAX_DOMAINS).map(|name| format!("*@{name}"))
    }
}

/// An address as it is given, in lower case, and every other form in which it may be kept.
pub(super) fn spellings(email: &str) -> Vec<Spelling<'_>> {
    kept_forms(email).into_iter().map(|address| Spelling { address }).collect()
}

/// Who wants no more mail.
#[async_trait]
pub trait OptOutStore: Send + Sync {
    /// Remembers that a lead wants no more mail; an earlier entry stays.
    async fn add_opt_out(&self, opt_out: &OptOut) -> Result<(), StoreError>;

    /// The same of many in one transaction; how many there were none of before comes back.
    async fn add_opt_outs(&self, opt_outs: Vec<OptOut>) -> Result<u64, StoreError>;

    /// Forgets it; whether there was one.
    async fn remove_opt_out(&self, workspace: Option<&str>, email: &str) -> Result<bool, StoreError>;

    /// The lead's opt-out, if there is one in that scope: of the address, of its domain or a domain above it
    /// (`*@acme.example`), or of an address that was erased.
    async fn opt_out(&self, workspace: &str, email: &str, scope: OptOutScope) -> Result<Option<OptOut>, StoreError>;

    /// Opt-outs of these workspaces or of all, newest first, so many behind the first ones.
    async fn opt_outs(&self, workspaces: Option<&[String]>, offset: u32, limit: u32)
    -> Result<Vec<OptOut>, StoreError>;

    /// Opt-outs of these workspaces or of all by workspace and address, behind this one. Those of addresses that were erased
    /// are left out: nobody can read whose they are.
    async fn opt_outs_after(
        &self,
        workspaces: Option<&[String]>,
        after: Option<&OptOut>,
        limit: u32,
    ) -> Result<Vec<OptOut>, StoreError>;

    /// How many of these are left out there.
    async fn erased_opt_outs(&self, workspaces: Option<&[String]>) -> Result<u64, StoreError>;
}

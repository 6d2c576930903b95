//! Commands that act beside the service, on a store that processes share: they take the workspaces they need first, or say
//! who has them.

use super::AppError;
use crate::store::{
    Share, Store, StoreError,
    leases::{LEASE, RENEW_EVERY},
};
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::Instant};

/// A process that ended without releasing what it held is waited for so long.
const PATIENCE: Duration = LEASE.saturating_add(RENEW_EVERY);

/// Workspaces that this command holds until it is released.
#[must_use]
pub struct Claim {
    store: Arc<dyn Store>,
    renewing: Option<JoinHandle<()>>,
}

impl Claim {
    /// Takes the workspaces. In a file's store they are the process's already.
    ///
    /// # Errors
    /// Another process runs one of them; the store fails.
    pub async fn take(store: Arc<dyn Store>, names: Vec<String>) -> Result<Self, AppError> {
        if !store.is_shared() {
            return Ok(Self { store, renewing: None });
        }
        let began = Instant::now();
        loop {
            let held = store.renew_leases(&names, Share::All).await?;
            let Some(missing) = names.iter().find(|name| !held.workspaces.contains(*name)) else { break };
            if began.elapsed() > PATIENCE {
                let missing = missing.clone();
                store.leave().await?;
                return Err(StoreError::NotHeld { workspace: missing }.into());
            }
            tokio::time::sleep(RENEW_EVERY).await;
        }
        let renewing = tokio::spawn({
            let store = Arc::clone(&store);
            async move {
                loop {
                    tokio::time::sleep(RENEW_EVERY).await;
                    if let Err(error) = store.renew_leases(&names, Share::All).await {
                        tracing::warn!(%error, "the leases of workspaces could not be renewed");
                    }
                }
            }
        });
        Ok(Self { store, renewing: Some(renewing) })
    }

    /// Lets others have them at once.
    ///
    /// # Errors
    /// The store fails; then they are free a little later.
    pub async fn release(mut self) -> Result<(), AppError> {
        if let Some(renewing) = self.renewing.take() {
            renewing.abort();
        }
        Ok(self.store.leave().await?)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(renewing) = &self.renewing {
            renewing.abort();
        }
    }
}

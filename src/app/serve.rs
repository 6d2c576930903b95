//! The service: runs the engine and the admin server until shutdown.

use super::{AppError, RulesSource, watch::watch};
use crate::{
    admin::{self, AdminSettings},
    engine::Engine,
    settings::{Settings, StoreSettings},
    store::{SqlStore, StoreError},
};
use secrecy::ExposeSecret;
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a write in flight may take at shutdown.
const GRACE: Duration = Duration::from_secs(9);

/// How the store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreMode {
    /// By the service: created if it is not there, locked against others.
    ReadWrite,
    /// A copy in memory; the file is only read.
    Scratch,
    /// Read-only; an empty one in memory if there is no file.
    ReadOnly,
}

/// Opens the configured store.
///
/// # Errors
/// It is in use, damaged, newer, or cannot be written.
pub async fn open_store(settings: &Settings, how: StoreMode) -> Result<Arc<SqlStore>, AppError> {
    open_store_of(&settings.store, how).await
}

/// Opens a store.
///
/// # Errors
/// As [`open_store`].
pub async fn open_store_of(store: &StoreSettings, how: StoreMode) -> Result<Arc<SqlStore>, AppError> {
    Ok(Arc::new(match store {
        StoreSettings::Sqlite(path) => open_file(path, how).await?,
        StoreSettings::Postgres(address) => open_database(address.expose_secret(), how).await?,
    }))
}

async fn open_file(path: &Path, how: StoreMode) -> Result<SqlStore, StoreError> {
    match how {
        StoreMode::ReadWrite => SqlStore::open(path).await,
        StoreMode::ReadOnly if path.exists() => SqlStore::open_snapshot(path).await,
        StoreMode::ReadOnly => SqlStore::in_memory_copy(None).await,
        StoreMode::Scratch => SqlStore::in_memory_copy(Some(path).filter(|path| path.exists())).await,
    }
}

async fn open_database(address: &str, how: StoreMode) -> Result<SqlStore, StoreError> {
    match how {
        StoreMode::ReadWrite => SqlStore::connect(address).await,
        StoreMode::ReadOnly => SqlStore::connect_read_only(address).await,
        StoreMode::Scratch => {
            let scratch = SqlStore::in_memory_copy(None).await?;
            scratch.copy_from(&SqlStore::connect_read_only(address).await?).await?;
            Ok(scratch)
        }
    }
}

/// The service, bound to its port and not yet running.
pub struct Service {
    engine: Arc<Engine>,
    listener: TcpListener,
    router: axum::Router,
    rules: Arc<RulesSource>,
}

impl Service {
    /// Binds the admin server.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn bind(engine: Arc<Engine>, settings: &Settings) -> Result<Self, AppError> {
        let address = settings.admin.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| AppError::Listen { address, detail: error.to_string() })?;
        let address = listener.local_addr().unwrap_or(address);
        let rules = Arc::new(RulesSource::new(Arc::clone(&engine), settings));
        let admin = AdminSettings {
            listen: address,
            access: rules.access().clone(),
            public_url: settings.admin.public_url.as_ref().map(ToString::to_string),
            hook_tokens: rules.hook_tokens().clone(),
        };
        let router = admin::router(Arc::clone(&engine), admin, Some(Arc::clone(&rules) as Arc<dyn admin::Reload>));
        Ok(Self { engine, listener, router, rules })
    }

    /// Where the pages are.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Runs until `shutdown`. Then nothing new starts; writes in flight get a few seconds to finish, and the next start
    /// verifies the rest.
    ///
    /// # Errors
    /// The store fails before anything runs.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), AppError> {
        self.engine.alerts().alert_if_paused().await?;
        let pages = tokio::spawn(admin::serve(self.listener, self.router, shutdown.clone()));
        let watching = tokio::spawn(watch(self.rules, shutdown.clone()));
        let engine = Arc::clone(&self.engine);
        let stop = shutdown.clone();
        let work = tokio::spawn(async move { engine.run(stop).await });
        let abort = work.abort_handle();
        let ended = async {
            shutdown.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            _ = work => {}
            () = ended => {
                tracing::warn!("actions still in flight; the next start verifies them");
                abort.abort();
            }
        }
        shutdown.cancel();
        // They end by themselves within a few seconds, once the changes that people asked for are carried out and noted.
        let _ = pages.await;
        watching.abort();
        Ok(())
    }
}

//! What other processes tell: the server passes on that one of them has written. Behind a pooler it cannot, and time alone
//! tells. What this process has written itself is no news.

use super::database::Database;
use futures_util::future::poll_fn;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_postgres::AsyncMessage;

/// The channel's name, which other databases on the server do not hear.
pub(in crate::store::sql) const CHANNEL: &str = "reply_router";
/// How long to wait before a lost connection is made anew.
const AGAIN: Duration = Duration::from_secs(1);

/// Hears that something was written.
#[derive(Debug)]
pub(in crate::store::sql) struct News {
    written: Arc<Notify>,
    listening: Option<JoinHandle<()>>,
}

impl News {
    /// Must be called where a runtime is.
    pub(super) fn listen(database: &Arc<Database>) -> Self {
        let written = Arc::new(Notify::new());
        let listening = (!database.is_pooled()).then(|| {
            let (database, written) = (Arc::clone(database), Arc::clone(&written));
            let runtime = database.runtime().clone();
            runtime.spawn(async move {
                loop {
                    if let Err(error) = hear(&database, &written).await {
                        tracing::debug!(error, "the server tells no news; time does");
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            })
        });
        Self { written, listening }
    }

    /// Ends when something was written, at the latest after `longest`.
    pub(in crate::store::sql) async fn wait(&self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.written.notified()).await;
    }
}

impl Drop for News {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

/// Until the connection ends.
async fn hear(database: &Arc<Database>, written: &Arc<Notify>) -> Result<(), String> {
    let (client, mut messages) = database.connect_to_hear().await.map_err(|error| error.to_string())?;
    let listen = client.batch_execute("LISTEN reply_router");
    let hearing = async {
        loop {
            match poll_fn(|context| messages.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(told))) if told.payload() == database.teller() => {}
                Some(Ok(AsyncMessage::Notification(_))) => written.notify_one(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.to_string()),
                None => return Ok(()),
            }
        }
    };
    tokio::pin!(hearing);
    tokio::select! {
        ended = &mut hearing => return ended,
        listening = listen => listening.map_err(|error| error.to_string())?,
    }
    hearing.await
}

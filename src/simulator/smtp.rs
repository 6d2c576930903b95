//! The mail sink.
use super::state::Shared;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(super) async fn serve(listener: TcpListener, _shared: Arc<Shared>, stop: CancellationToken) {
    stop.cancelled().await;
    drop(listener);
}

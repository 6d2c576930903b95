//! Requests that change something are carried out to their end, whatever becomes of the connection.
//!
//! What a client sends is carried out inside its connection, which ends as soon as the client hangs up. For a reader that
//! saves work; a change would stop between two of its steps: made, but not in the audit log, and nobody told of it.

use super::{connections::Places, problem::Problem};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{Extensions, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{future::Future, panic::resume_unwind};
use tokio::time::{Instant, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// The changes that a server carries out now, also for clients that are gone.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay {
    tasks: TaskTracker,
    /// The server does not wait for them any longer.
    cut: CancellationToken,
}

impl UnderWay {
    /// Those of the server that a request came to.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Carries something out to its end, also if nobody waits for it any more; `None` if the server ended before.
    pub(super) async fn carry_out<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let work = self.cut.clone().run_until_cancelled_owned(work.in_current_span());
        match self.tasks.spawn(work).await {
            Ok(done) => done,
            Err(error) => error.try_into_panic().map_or(None, |panic| resume_unwind(panic)),
        }
    }

    /// Waits for all of them, but no longer than this; then they stop where they are.
    pub(super) async fn end(&self, by: Instant) {
        self.tasks.close();
        if timeout_at(by, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                count = self.tasks.len(),
                "changes by operators were still under way; they may be incomplete"
            );
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

/// Carries out what changes something to its end. Its body is read before, while the client is there to send it.
pub(super) async fn to_its_end(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let under_way = UnderWay::of(request.extensions());
    // It counts as served until it ends, so that hanging up makes no room for more.
    let places = request.extensions().get::<Places>().cloned();
    let request = match with_whole_body(request).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let work = async move {
        let response = next.run(request).await;
        drop(places);
        response
    };
    under_way.carry_out(work).await.unwrap_or_else(|| {
        let text = "the service ended before this did: look into the audit log for what was done";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    })
}

/// The same request with its whole body in memory, or the refusal of one that cannot be read or is too large.
async fn with_whole_body(request: Request) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let whole = Bytes::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let whole = whole.map_err(IntoResponse::into_response)?;
    Ok(Request::from_parts(parts, Body::from(whole)))
}

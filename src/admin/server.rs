//! The server itself: connections, and what they may cost. What a request may cost stands with the routes.

use super::{
    connections::{Connections, Place},
    events::ShutdownToken,
    under_way::UnderWay,
};
use axum::{Extension, Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// A connection that does not send a request's head within this time ends, also between two requests.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// After the system could not take a connection (no file handle is left), which another try at once would meet again.
const REST: Duration = Duration::from_millis(500);

/// How long requests under way may take to end after a shutdown.
const END_TIME: Duration = Duration::from_secs(5);

/// Serves until `shutdown`; requests under way end first, also changes of clients that are gone, and whoever follows the events
/// is sent away.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    serve_within(HEAD_TIME, listener, router, shutdown).await;
}

/// As [`serve`], with another time for the head of a request: a connection on which none has arrived in it ends.
pub async fn serve_within(head_time: Duration, listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let under_way = UnderWay::default();
    let router = router.layer(Extension(ShutdownToken(shutdown.clone()))).layer(Extension(under_way.clone()));
    let connections = Connections::new();
    let open = TaskTracker::new();
    loop {
        let (stream, remote) = match shutdown.run_until_cancelled(listener.accept()).await {
            None => break,
            Some(Ok(accepted)) => accepted,
            Some(Err(error)) => {
                tracing::warn!(%error, "cannot accept a connection to the admin server");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let (router, shutdown, place) = (router.clone(), shutdown.clone(), connections.join());
        open.spawn(async move {
            tokio::select! {
                () = connection(stream, remote, router, head_time, &shutdown, &place) => {}
                () = place.ended() => tracing::debug!("closing an idle connection to accept a newer one"),
            }
        });
    }
    let by = Instant::now() + END_TIME;
    drop(listener);
    open.close();
    open.wait().await;
    under_way.end(by).await;
}

async fn connection(
    stream: TcpStream,
    remote: SocketAddr,
    router: Router,
    head_time: Duration,
    shutdown: &CancellationToken,
    place: &Arc<Place>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(remote));
        let (router, admitted) = (router.clone(), place.admit(&request));
        async move {
            let served = match admitted {
                Ok(served) => served,
                Err(refusal) => return Ok::<_, Infallible>(*refusal),
            };
            request.extensions_mut().insert(served.places());
            let response = router.oneshot(request).await?;
            Ok(served.hold(response))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_time);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = match shutdown.run_until_cancelled(connection.as_mut()).await {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(END_TIME, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the admin server ended early");
    }
}

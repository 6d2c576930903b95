//! How many connections and requests are served at once, so that who is slow holds up nobody else.
//!
//! A connection that has sent no whole head costs little and proves nothing: of very many the oldest goes. A request that
//! is served has a place until its answer has been sent. Probes need none: they are quick, and matter most when all places
//! are taken.

use super::problem::Problem;
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// So many connections may wait for the head of a request.
const MAX_WAITING: usize = 256;
/// So many requests are served at once, and so many of them without asking for a token first.
const MAX_SERVED: usize = 256;
const MAX_OPEN: usize = 64;

/// All connections of a server.
#[derive(Debug)]
pub(super) struct Connections {
    waiting: Mutex<Waiting>,
    served: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

/// The connections that wait for a head, by when they began to.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    by_age: BTreeMap<u64, CancellationToken>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<Connections>,
    ended: CancellationToken,
    /// Its number while it waits.
    number: Mutex<Option<u64>>,
}

impl Connections {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            served: Arc::new(Semaphore::new(MAX_SERVED)),
            open: Arc::new(Semaphore::new(MAX_OPEN)),
        })
    }

    /// Takes in a connection, which waits from now on.
    pub(super) fn join(self: &Arc<Self>) -> Arc<Place> {
        let place = Place { all: Arc::clone(self), ended: CancellationToken::new(), number: Mutex::default() };
        place.wait();
        Arc::new(place)
    }
}

impl Place {
    /// When it must go for another one.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    fn wait(&self) {
        let mut waiting = self.all.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waiting.next;
        waiting.next += 1;
        waiting.by_age.insert(number, self.ended.clone());
        *self.number.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
        if waiting.by_age.len() > MAX_WAITING
            && let Some((_, oldest)) = waiting.by_age.pop_first()
        {
            oldest.cancel();
        }
    }

    fn wait_no_more(&self) {
        let mut waiting = self.all.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = self.number.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waiting.by_age.remove(&number);
        }
    }

    /// A request has come: what it holds while it is served, or the refusal.
    pub(super) fn admit(self: &Arc<Self>, request: &Request<Body>) -> Result<Served, Box<Response>> {
        self.wait_no_more();
        let mut places = Vec::new();
        for kind in self.kinds(request) {
            let Ok(place) = Arc::clone(kind).try_acquire_owned() else {
                self.wait();
                let text = "too many requests at once: try again in a moment";
                let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, text).into_response();
                // What was sent with the request is not waited for.
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                return Err(Box::new(response));
            };
            places.push(place);
        }
        Ok(Served { place: Arc::clone(self), places: Places { _permits: places.into() } })
    }

    fn kinds(&self, request: &Request<Body>) -> Vec<&Arc<Semaphore>> {
        let path = request.uri().path();
        if matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return Vec::new();
        }
        // Their bodies are read before anything is proved.
        let open = request.method() == Method::POST && (path == "/login" || path.starts_with("/hooks/"));
        let more = open.then_some(&self.all.open);
        std::iter::once(&self.all.served).chain(more).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.wait_no_more();
    }
}

/// A request that is served; afterwards its connection waits again.
#[derive(Debug)]
pub(super) struct Served {
    place: Arc<Place>,
    places: Places,
}

/// The places that a request has while it is served. Clones share them: what goes on without its client keeps them.
#[derive(Debug, Clone)]
pub(super) struct Places {
    _permits: Arc<[OwnedSemaphorePermit]>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.place.wait();
    }
}

impl Served {
    pub(super) fn places(&self) -> Places {
        self.places.clone()
    }

    /// The answer, which holds the place until it is sent.
    pub(super) fn hold(self, response: Response) -> Response {
        response.map(|body| Body::new(Held { body, _served: self }))
    }
}

struct Held {
    body: Body,
    _served: Served,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! A TCP listener whose connections can be ended in the middle of anything.
//!
//! A handler inside an HTTP server cannot drop its connection; the stream under the server can refuse to go on.

use super::fault::ConnectionFault;
use super::state::Shared;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// No bound on the bytes of a direction.
const UNBOUNDED: usize = usize::MAX;

/// What a handler has of its connection.
#[derive(Debug, Clone)]
pub(super) struct ConnectionHandle {
    cut: CancellationToken,
    writes: Arc<AtomicUsize>,
}

impl ConnectionHandle {
    /// Ends the connection; nothing more is written.
    pub(super) fn cut(&self) {
        self.writes.store(0, Ordering::SeqCst);
        self.cut.cancel();
    }

    /// Lets `bytes` more through to the client, then ends the connection.
    pub(super) fn cut_after(&self, bytes: usize) {
        self.writes.store(bytes, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, FaultyListener>> for ConnectionHandle {
    fn connect_info(stream: IncomingStream<'_, FaultyListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// The listener.
#[derive(Debug)]
pub(super) struct FaultyListener {
    inner: TcpListener,
    shared: Arc<Shared>,
    cut: CancellationToken,
}

impl FaultyListener {
    /// Connections end when `cut` is cancelled.
    pub(super) fn new(inner: TcpListener, shared: Arc<Shared>, cut: CancellationToken) -> Self {
        Self { inner, shared, cut }
    }
}

impl Listener for FaultyListener {
    type Io = FaultyStream;
    type Addr = ConnectionHandle;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, _)) = self.inner.accept().await else {
                // Out of file descriptors, mostly: they come back.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let fault = self.shared.write(|state| state.faults.take_connection());
            let (reads, writes) = match fault {
                None => (UNBOUNDED, UNBOUNDED),
                Some(ConnectionFault::CloseOnAccept) => continue,
                Some(ConnectionFault::CloseAfterReading(bytes) | ConnectionFault::StallAfterReading(bytes)) => {
                    (bytes, UNBOUNDED)
                }
                Some(ConnectionFault::CloseAfterWriting(bytes)) => (UNBOUNDED, bytes),
            };
            let stalls = matches!(fault, Some(ConnectionFault::StallAfterReading(_)));
            let stall = if stalls { Stall::Ahead(Arc::clone(&self.shared)) } else { Stall::Never };
            let handle = ConnectionHandle { cut: self.cut.child_token(), writes: Arc::new(AtomicUsize::new(writes)) };
            let cut = Mutex::new(Box::pin(handle.cut.clone().cancelled_owned()));
            let writes = Arc::clone(&handle.writes);
            return (FaultyStream { inner: stream, reads, writes, stall, cut }, handle);
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(ConnectionHandle { cut: self.cut.clone(), writes: Arc::new(AtomicUsize::new(UNBOUNDED)) })
    }
}

/// What happens when no more bytes may be read.
#[derive(Debug)]
enum Stall {
    /// The connection ends.
    Never,
    /// The connection stalls, and `Faults` records it.
    Ahead(Arc<Shared>),
    /// It stands still.
    Now,
}

/// A TCP stream with a bound on the bytes of each direction and a way to end it.
#[derive(Debug)]
pub(super) struct FaultyStream {
    inner: TcpStream,
    reads: usize,
    writes: Arc<AtomicUsize>,
    stall: Stall,
    cut: Mutex<Pin<Box<WaitForCancellationFutureOwned>>>,
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "ended on purpose")
}

impl FaultyStream {
    fn is_cut(&self, cx: &mut Context<'_>) -> bool {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        cut.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // The server reads while a handler works, to notice that the client has left: this is where a cut shows.
        if self.is_cut(cx) {
            // A connection that has ended carries no answer either, not even that a request broke off.
            self.writes.store(0, Ordering::SeqCst);
            return Poll::Ready(Err(ended()));
        }
        if self.reads == 0 {
            if matches!(self.stall, Stall::Never) {
                self.writes.store(0, Ordering::SeqCst);
                return Poll::Ready(Err(ended()));
            }
            if let Stall::Ahead(shared) = std::mem::replace(&mut self.stall, Stall::Now) {
                shared.write(|state| state.faults.record_stalled());
            }
            // The look at the cut has left its waker.
            return Poll::Pending;
        }
        let bound = self.reads.min(buf.remaining());
        let mut part = buf.take(bound);
        let polled = Pin::new(&mut self.inner).poll_read(cx, &mut part);
        let filled = part.filled().len();
        // `part` borrows the room behind what is filled and starts empty: its bytes are `buf`'s next ones.
        let bytes = part.filled().to_vec();
        if filled > 0 {
            buf.put_slice(&bytes);
            if self.reads != UNBOUNDED {
                self.reads -= filled;
            }
        }
        polled
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.writes.load(Ordering::SeqCst);
        if left == 0 || self.is_cut(cx) {
            return Poll::Ready(Err(ended()));
        }
        let part = buf.get(..left.min(buf.len())).unwrap_or(buf);
        let polled = Pin::new(&mut self.inner).poll_write(cx, part);
        if let Poll::Ready(Ok(written)) = polled
            && left != UNBOUNDED
        {
            self.writes.store(left.saturating_sub(written), Ordering::SeqCst);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

//! A door in front of a server: it counts what passes, can be shut so that nobody listens there, and can end a connection
//! after any byte.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The bytes that went in and those that came out.
#[derive(Debug, Default)]
struct Passed(AtomicUsize, AtomicUsize);

#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    to: Arc<Mutex<SocketAddr>>,
    passed: Arc<Passed>,
    doorman: Mutex<Option<JoinHandle<()>>>,
    carriers: Arc<Mutex<Vec<JoinHandle<()>>>>,
    limits: Arc<Mutex<VecDeque<(usize, usize)>>>,
    held: Arc<AtomicBool>,
}

impl Proxy {
    /// An open door before `to`, on an address of its own.
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let listener = bound().await;
        let address = listener.local_addr().unwrap();
        let door = Self {
            address,
            to: Arc::new(Mutex::new(to)),
            passed: Arc::default(),
            doorman: Mutex::default(),
            carriers: Arc::default(),
            limits: Arc::default(),
            held: Arc::default(),
        };
        door.attend(listener);
        door
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on connections are refused; those that stand go on.
    pub(crate) async fn refuse(&self) {
        let doorman = self.doorman.lock().unwrap().take();
        if let Some(doorman) = doorman {
            doorman.abort();
            // The listener is closed when the task is gone.
            let _ = doorman.await;
        }
    }

    /// From now on connections lead elsewhere; those that stand go on.
    pub(crate) fn lead_to(&self, to: SocketAddr) {
        *self.to.lock().unwrap() = to;
    }

    /// Ends the connections that stand.
    pub(crate) fn cut(&self) {
        self.carriers.lock().unwrap().drain(..).for_each(|carrier| carrier.abort());
    }

    /// Carries nothing more; the connections stand, as those of a process that was stopped do.
    pub(crate) fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    pub(crate) async fn accept(&self) {
        self.attend(TcpListener::bind(self.address).await.unwrap());
    }

    /// How many bytes went in and came out since the last call.
    pub(crate) fn take_byte_counts(&self) -> (usize, usize) {
        (self.passed.0.swap(0, Ordering::SeqCst), self.passed.1.swap(0, Ordering::SeqCst))
    }

    /// The connections to come end, one after the other, after so many bytes in and out.
    pub(crate) fn limit(&self, limits: impl IntoIterator<Item = (usize, usize)>) {
        self.limits.lock().unwrap().extend(limits);
    }

    /// How many of these limits are not used.
    pub(crate) fn remaining_limits(&self) -> usize {
        self.limits.lock().unwrap().len()
    }

    fn attend(&self, listener: TcpListener) {
        let (to, passed, limits) = (Arc::clone(&self.to), Arc::clone(&self.passed), Arc::clone(&self.limits));
        let (carriers, held) = (Arc::clone(&self.carriers), Arc::clone(&self.held));
        let doorman = tokio::spawn(async move {
            while let Ok((outside, _)) = listener.accept().await {
                let limit = limits.lock().unwrap().pop_front().unwrap_or((usize::MAX, usize::MAX));
                let to = *to.lock().unwrap();
                let Ok(inside) = TcpStream::connect(to).await else { continue };
                // A dialogue of many small pieces must not wait for acknowledgements at each.
                let _ = (outside.set_nodelay(true), inside.set_nodelay(true));
                let (passed, held) = (Arc::clone(&passed), Arc::clone(&held));
                let carrier = tokio::spawn(async move {
                    let ((from_client, to_client), (from_server, to_server)) =
                        (outside.into_split(), inside.into_split());
                    // A side that has said all still listens; at its limit a connection ends both ways.
                    tokio::select! {
                        true = carry(from_client, to_server, &passed.0, limit.0, &held) => {}
                        true = carry(from_server, to_client, &passed.1, limit.1, &held) => {}
                        else => {}
                    }
                });
                let mut carriers = carriers.lock().unwrap();
                carriers.retain(|carrier| !carrier.is_finished());
                carriers.push(carrier);
            }
        });
        *self.doorman.lock().unwrap() = Some(doorman);
    }
}

/// On a port that the system gives to nobody who only connects: while the door is shut, no client of another test may
/// come to sit on it.
async fn bound() -> TcpListener {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let first = std::process::id() as usize * 64;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::SeqCst)) % 12_000;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())).await {
            return listener;
        }
    }
}

/// Carries bytes until there are no more; says whether that was for the limit.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: &AtomicUsize,
    mut limit: usize,
    held: &AtomicBool,
) -> bool {
    let mut room = vec![0; 16 * 1024];
    while limit > 0 {
        let most = limit.min(room.len());
        let Ok(read @ 1..) = from.read(&mut room[..most]).await else {
            let _ = to.shutdown().await;
            return false;
        };
        if held.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        count.fetch_add(read, Ordering::SeqCst);
        limit -= read;
        if to.write_all(&room[..read]).await.is_err() {
            return false;
        }
    }
    true
}

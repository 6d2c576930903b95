//! A door in front of a server: it counts what passes, and can be shut so that nobody listens there.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
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
pub(crate) struct Door {
    address: SocketAddr,
    to: SocketAddr,
    passed: Arc<Passed>,
    doorman: Mutex<Option<JoinHandle<()>>>,
    carriers: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Door {
    /// An open door before `to`, on an address of its own.
    pub(crate) async fn before(to: SocketAddr) -> Self {
        let listener = bound().await;
        let address = listener.local_addr().unwrap();
        let door = Self { address, to, passed: Arc::default(), doorman: Mutex::default(), carriers: Arc::default() };
        door.attend(listener);
        door
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on connections are refused; those that stand go on.
    pub(crate) async fn shut(&self) {
        let doorman = self.doorman.lock().unwrap().take();
        if let Some(doorman) = doorman {
            doorman.abort();
            // The listener is closed when the task is gone.
            let _ = doorman.await;
        }
    }

    /// Ends the connections that stand.
    pub(crate) fn cut(&self) {
        self.carriers.lock().unwrap().drain(..).for_each(|carrier| carrier.abort());
    }

    pub(crate) async fn open(&self) {
        self.attend(TcpListener::bind(self.address).await.unwrap());
    }

    /// How many bytes went in and came out since the last call.
    pub(crate) fn take_passed(&self) -> (usize, usize) {
        (self.passed.0.swap(0, Ordering::SeqCst), self.passed.1.swap(0, Ordering::SeqCst))
    }

    fn attend(&self, listener: TcpListener) {
        let (to, passed, carriers) = (self.to, Arc::clone(&self.passed), Arc::clone(&self.carriers));
        let doorman = tokio::spawn(async move {
            while let Ok((outside, _)) = listener.accept().await {
                let Ok(inside) = TcpStream::connect(to).await else { continue };
                let ((from_client, to_client), (from_server, to_server)) = (outside.into_split(), inside.into_split());
                let (one, other) = (Arc::clone(&passed), Arc::clone(&passed));
                let carry_in = tokio::spawn(async move { carry(from_client, to_server, &one.0).await });
                let carry_out = tokio::spawn(async move { carry(from_server, to_client, &other.1).await });
                let mut carriers = carriers.lock().unwrap();
                carriers.retain(|carrier| !carrier.is_finished());
                carriers.extend([carry_in, carry_out]);
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

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, count: &AtomicUsize) {
    let mut room = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut room).await {
        count.fetch_add(read, Ordering::SeqCst);
        if to.write_all(&room[..read]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

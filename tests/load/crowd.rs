//! Clients that take and do not give: heads that do not end, bodies that do not come, handshakes
//! that stop half-way, answers that nobody reads. Whoever is thrown out comes again.

use std::fmt;
use std::io;
use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Form;
use crate::client::Client;
use crate::reviews;

/// From one byte of a slow head to the next.
const DRIP: Duration = Duration::from_secs(2);
/// Who cannot send for so long is not read from any more.
const STUCK: Duration = Duration::from_millis(500);
/// From one look at whether the other side has closed a stuck connection to the next.
const LOOK: Duration = Duration::from_secs(2);
/// From a connection's end to its client's next.
const AGAIN: Duration = Duration::from_secs(1);
/// Length of an answer that nobody reads, in bytes.
const UNREAD: usize = 48 * 1_024;
/// The first bytes of a TLS handshake record of 512 bytes.
const HALF_OPEN: [u8; 9] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc];
/// The head of a review whose body does not come. Small: the room for bodies is another matter.
const ANNOUNCED: &[u8] = b"POST /validate?timeout=30s HTTP/1.1\r\nHost: localhost\r\n\
    Content-Type: application/json\r\nContent-Length: 4096\r\n\r\n{";
/// Open files that this program needs besides the crowd's.
const OWN_FILES: usize = 100;

/// How many there are of each kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    slow_heads: usize,
    no_body: usize,
    half_open: usize,
    unread: usize,
}

impl Crowd {
    pub(crate) fn wanted(form: Form) -> Self {
        form.choose(
            Self {
                slow_heads: 400,
                no_body: 200,
                half_open: 400,
                unread: 50,
            },
            Self {
                slow_heads: 2_000,
                no_body: 1_000,
                half_open: 2_000,
                unread: 500,
            },
        )
    }

    /// As many of them as there may be open files.
    pub(crate) fn scaled_to(self, files: usize) -> Self {
        let (total, room) = (self.total(), files.saturating_sub(OWN_FILES));
        if total <= room {
            return self;
        }
        println!("  {room} hostile clients and not {total}: {files} files may be open");
        let scaled = |count: usize| count * room / total;
        Self {
            slow_heads: scaled(self.slow_heads),
            no_body: scaled(self.no_body),
            half_open: scaled(self.half_open),
            unread: scaled(self.unread),
        }
    }

    pub(crate) fn total(self) -> usize {
        self.slow_heads + self.no_body + self.half_open + self.unread
    }

    /// Sends them all, evenly over so much time, as one burst of handshakes would be another
    /// attack; those that need a whole handshake first. They go with the set.
    pub(crate) fn attack(self, attacker: &Attacker, time: Duration) -> JoinSet<()> {
        let Self {
            slow_heads,
            no_body,
            half_open,
            unread,
        } = self;
        let attacks = iter::repeat_n(Attack::Unread, unread)
            .chain(iter::repeat_n(Attack::SlowHead, slow_heads))
            .chain(iter::repeat_n(Attack::NoBody, no_body))
            .chain(iter::repeat_n(Attack::HalfOpen, half_open));
        let apart = time / u32::try_from(self.total()).unwrap_or(u32::MAX).max(1);
        let mut tasks = JoinSet::new();
        for (attack, number) in attacks.zip(0..) {
            let attacker = attacker.clone();
            tasks.spawn(async move {
                sleep(apart * number).await;
                loop {
                    // An error is that the server has had enough.
                    attacker.attack(attack).await.ok();
                    sleep(AGAIN).await;
                }
            });
        }
        tasks
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            slow_heads,
            no_body,
            half_open,
            unread,
        } = self;
        write!(
            f,
            "{slow_heads} slow heads, {no_body} without a body, {half_open} half-open handshakes and {unread} that do not read"
        )
    }
}

/// How many of each kind have got as far as they want to.
#[derive(Debug, Default)]
pub(crate) struct Held {
    slow_heads: AtomicUsize,
    no_body: AtomicUsize,
    half_open: AtomicUsize,
    unread: AtomicUsize,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            slow_heads,
            no_body,
            half_open,
            unread,
        } = self;
        let [slow_heads, no_body, half_open, unread] =
            [slow_heads, no_body, half_open, unread].map(|count| count.load(Ordering::Relaxed));
        write!(f, "{slow_heads}, {no_body}, {half_open} and {unread}")
    }
}

/// One that is counted.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, Debug)]
enum Attack {
    SlowHead,
    NoBody,
    HalfOpen,
    Unread,
}

/// What every hostile client has.
#[derive(Clone)]
pub(crate) struct Attacker {
    client: Client,
    address: SocketAddr,
    /// With an answer that fills buffers.
    request: Arc<[u8]>,
    held: Arc<Held>,
}

impl Attacker {
    pub(crate) fn new(
        client: &Client,
        address: SocketAddr,
        held: &Arc<Held>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            client: client.clone(),
            address,
            request: reviews::with_long_answer(UNREAD)?.into(),
            held: Arc::clone(held),
        })
    }

    /// Ends with the connection.
    async fn attack(&self, attack: Attack) -> io::Result<()> {
        match attack {
            Attack::SlowHead => self.send_slowly().await,
            Attack::NoBody => self.announce_and_wait().await,
            Attack::HalfOpen => self.stop_half_way().await,
            Attack::Unread => self.read_nothing().await,
        }
    }

    async fn send_slowly(&self) -> io::Result<()> {
        let connecting = self.client.connect(self.address);
        let mut connection = connecting.await.map_err(io::Error::other)?;
        connection.send(b"POST /validate HTTP/1.1\r\nX: ").await?;
        let _held = Counted::new(&self.held.slow_heads);
        while timeout(DRIP, connection.closed()).await.is_err() {
            connection.send(b"x").await?;
        }
        Ok(())
    }

    async fn announce_and_wait(&self) -> io::Result<()> {
        let connecting = self.client.connect(self.address);
        let mut connection = connecting.await.map_err(io::Error::other)?;
        connection.send(ANNOUNCED).await?;
        let _held = Counted::new(&self.held.no_body);
        connection.closed().await;
        Ok(())
    }

    async fn stop_half_way(&self) -> io::Result<()> {
        let mut socket = TcpStream::connect(self.address).await?;
        socket.write_all(&HALF_OPEN).await?;
        let _held = Counted::new(&self.held.half_open);
        // Nothing comes but the end.
        socket.read(&mut [0]).await.map(drop)
    }

    /// Sends requests until nothing more can be sent.
    async fn read_nothing(&self) -> io::Result<()> {
        let mut connection = self.client.connect_narrow(self.address).await?;
        while let Ok(sent) = timeout(STUCK, connection.send(&self.request)).await {
            sent?;
        }
        let _held = Counted::new(&self.held.unread);
        loop {
            sleep(LOOK).await;
            // Fails when the connection is gone.
            if let Ok(sent) = timeout(STUCK, connection.send(&self.request)).await {
                sent?;
            }
        }
    }
}

//! Twice as much as can be answered: as much is answered as at the peak, the rest is told at once
//! to ask again.
//!
//! Large reviews, as these are what the server admits by: small ones are through before a second
//! one can wait. Meanwhile some small ones are sent, which nothing may hold up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::ensure;
use distrogate::server::Limits;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::client::{Client, Connection, Failure, Reply};
use crate::pool::Pool;
use crate::process::World;
use crate::tally::Tally;
use crate::{Form, Report, best_of_three, reviews};

/// Length of a review, in bytes: a large one, of which two may be at work at a time.
const BYTES: usize = 400 * 1_024;
/// Clients that send one review after the other, to find the peak.
const CLIENTS: usize = 6;
/// Connections at a time when more is sent than can be answered.
const CONNECTIONS: usize = 600;
/// From one small review to the next.
const SMALL: Duration = Duration::from_millis(100);
/// Who waits in a full server of a slow machine needs time: the most that a webhook can have.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) async fn run(form: Form, world: &World) -> anyhow::Result<Report> {
    best_of_three(async || measure(form, world).await).await
}

async fn measure(form: Form, world: &World) -> anyhow::Result<Report> {
    let window = form.choose(Duration::from_secs(3), Duration::from_secs(15));
    let rounds = form.choose(1, 3);
    // A window of seconds on cores that others use, too, is no exact measure.
    let least_percent = form.choose(75, 90);
    let certificate = world.certificate()?;
    let server = world.serve(&certificate, &[])?;
    let sender = Arc::new(Sender {
        client: world.client()?,
        address: server.address,
        request: reviews::large(BYTES, TIMEOUT)?,
        idle: Mutex::default(),
        tally: Tally::default(),
        shed: AtomicUsize::new(0),
    });
    let small = Arc::<Tally>::default();
    let trickle = tokio::spawn(trickle(world.client()?, server.address, Arc::clone(&small)));

    let (mut peak, mut overload, mut offered) = (0, 0, 0);
    for _ in 0..rounds {
        let at_peak = sender.closed_loop(window).await?;
        let twice = window / u32::try_from(2 * at_peak)?;
        let (sent, answered) = sender.open_loop(twice, window).await;
        peak += at_peak;
        overload += answered;
        offered += sent;
    }
    trickle.abort();

    let shed = sender.shed.load(Ordering::Relaxed);
    let percent = overload * 100 / peak;
    let mut failures = sender.tally.counts().failures();
    let small = small.counts();
    failures.extend(small.failures());
    if percent < least_percent {
        failures.push(format!(
            "less than {least_percent} % of the peak was answered"
        ));
    }
    if shed == 0 {
        failures.push("nobody was told to ask again".to_owned());
    }
    let (seconds, kib) = (window.as_secs(), sender.request.len() / 1_024);
    Ok(Report {
        measured: format!(
            "reviews of {kib} KiB, {rounds} times {seconds} s: {peak} at the peak, {overload} \
             ({percent} %) of {offered} offered, {shed} told to ask again, 1 small one every {} ms: {small}",
            SMALL.as_millis(),
        ),
        failures,
    })
}

/// Sends small reviews, for ever.
async fn trickle(client: Client, address: SocketAddr, tally: Arc<Tally>) {
    let pool = Pool::new(client, address);
    let request = reviews::small();
    loop {
        match pool.review(&request).await {
            Ok(_) => tally.answered(),
            Err(failure) => tally.failed(&failure),
        }
        sleep(SMALL).await;
    }
}

/// Sends large reviews and counts what becomes of them.
struct Sender {
    client: Client,
    address: SocketAddr,
    request: Vec<u8>,
    idle: Mutex<Vec<Connection>>,
    tally: Tally,
    shed: AtomicUsize,
}

impl Sender {
    /// As much as is answered in so much time if everybody waits for the answer.
    async fn closed_loop(self: &Arc<Self>, window: Duration) -> anyhow::Result<usize> {
        let mut tasks = JoinSet::new();
        for _ in 0..CLIENTS {
            let sender = Arc::clone(self);
            tasks.spawn(async move {
                loop {
                    sender.review().await;
                }
            });
        }
        let answered = self.answered_in(sleep(window)).await;
        tasks.shutdown().await;
        ensure!(answered > 0, "nothing was answered");
        Ok(answered)
    }

    /// One review at each tick, whatever becomes of those before: how many were sent in so much
    /// time, and how many answered. The server is full from the start.
    async fn open_loop(self: &Arc<Self>, tick: Duration, window: Duration) -> (usize, usize) {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let mut tasks = JoinSet::new();
        let mut offer = async || {
            let sender = Arc::clone(self);
            let connection = Arc::clone(&connections).acquire_owned().await;
            tasks.spawn(async move {
                sender.review().await;
                drop(connection);
            });
        };
        let full = Limits::DEFAULT.flight_bytes / self.request.len();
        for _ in 0..full {
            offer().await;
        }
        let mut sent = 0;
        let sending = async {
            let mut ticks = interval(tick);
            let start = Instant::now();
            while start.elapsed() < window {
                ticks.tick().await;
                offer().await;
                sent += 1;
            }
        };
        let answered = self.answered_in(sending).await;
        // Whoever was let in is answered.
        tasks.join_all().await;
        (sent, answered)
    }

    async fn answered_in(&self, time: impl Future<Output = ()>) -> usize {
        let before = self.tally.counts().answered;
        time.await;
        self.tally.counts().answered - before
    }

    async fn review(&self) {
        let reply = timeout(TIMEOUT, self.send()).await;
        match reply.unwrap_or(Err(Failure::Late)) {
            Ok(reply) if reply.code == 200 => self.tally.answered(),
            Ok(reply) if reply.code == 429 && reply.retry_after == Some(1) => {
                self.shed.fetch_add(1, Ordering::Relaxed);
            }
            Ok(reply) => self.tally.failed(&Failure::Code(reply.code)),
            Err(failure) => self.tally.failed(&failure),
        }
    }

    async fn send(&self) -> Result<Reply, Failure> {
        let idle = self.idle.lock().await.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.client.connect(self.address).await?,
        };
        let reply = connection.exchange(&self.request).await?;
        if !reply.closes {
            self.idle.lock().await.push(connection);
        }
        Ok(reply)
    }
}

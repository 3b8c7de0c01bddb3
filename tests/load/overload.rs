//! Twice as much as can be answered: as much is answered as at the peak, the rest is told at once
//! to ask again.
//!
//! Large reviews, as these are what the server admits by: small ones are through before a second
//! one can wait. Meanwhile some small ones are sent, which nothing may hold up. The server has a core
//! of its own, so that what the load costs is not taken from it.

use std::net::SocketAddr;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use distrogate::server::Limits;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::client::{Client, Connection, Failure, Reply};
use crate::pool::Pool;
use crate::process::{Server, World};
use crate::tally::Tally;
use crate::{Form, PATIENCE, Report, best_of_three, reviews};

/// Clients that send one review after the other, to find the peak.
const CLIENTS: usize = 6;
/// Connections at a time when more is sent than can be answered.
const CONNECTIONS: usize = 600;
/// From one small review to the next.
const SMALL: Duration = Duration::from_millis(100);
/// Who waits in a full server of a slow machine needs time: the most that a webhook can have.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What is sent, and how much of the peak has to be answered when it is twice as much.
struct Kind {
    name: &'static str,
    request: Vec<u8>,
    /// In hundredths, for the same time of the cores that the server gets: whoever else uses them
    /// has less of a say in it.
    least_by_work: usize,
    /// In hundredths, by the clock: nothing stands still meanwhile.
    least_by_time: usize,
}

pub(crate) async fn run(form: Form, world: &World) -> anyhow::Result<Report> {
    let configs = Kind {
        name: "configs",
        request: reviews::large(100 * 1_024, TIMEOUT)?,
        // Seconds on cores that others use too are no exact measure.
        least_by_work: form.choose(85, 90),
        least_by_time: form.choose(80, 90),
    };
    // So cheap that the handshake after each refusal counts: what that leaves is in `docs/load.md`.
    let hollow = Kind {
        name: "hollow ones",
        request: reviews::hollow(400 * 1_024, TIMEOUT)?,
        least_by_work: 70,
        least_by_time: 60,
    };
    let kinds = match form {
        Form::Short => vec![configs],
        Form::Long => vec![configs, hollow],
    };
    let (mut measured, mut failures) = (Vec::new(), Vec::new());
    for kind in kinds {
        let report = best_of_three(async || measure(form, world, &kind).await).await?;
        measured.push(format!("{}: {}", kind.name, report.measured));
        failures.extend(report.failures);
    }
    Ok(Report {
        measured: measured.join("; "),
        failures,
    })
}

async fn measure(form: Form, world: &World, kind: &Kind) -> anyhow::Result<Report> {
    let window = form.choose(Duration::from_secs(5), Duration::from_secs(15));
    let rounds = form.choose(1, 3);
    let certificate = world.certificate()?;
    let server = world.serve_apart(&certificate)?;
    let sender = Arc::new(Sender {
        client: world.client()?,
        address: server.address,
        request: kind.request.clone(),
        idle: Mutex::default(),
        tally: Tally::default(),
        shed: AtomicUsize::new(0),
    });
    let small = Arc::<Tally>::default();
    let trickle = tokio::spawn(trickle(world.client()?, server.address, Arc::clone(&small)));

    let (mut peak, mut overload, mut offered) = (Answered::default(), Answered::default(), 0);
    for _ in 0..rounds {
        let at_peak = sender.closed_loop(&server, window).await?;
        let twice = window / u32::try_from(2 * at_peak.reviews)?;
        let (sent, answered) = sender.open_loop(&server, twice, window).await?;
        peak += at_peak;
        overload += answered;
        offered += sent;
    }
    trickle.abort();

    let shed = sender.shed.load(Ordering::Relaxed);
    let by_time = overload.reviews * 100 / peak.reviews;
    let by_work = overload.reviews * peak.ticks * 100 / (peak.reviews * overload.ticks.max(1));
    let mut failures = sender.tally.counts().failures();
    let small = small.counts();
    failures.extend(small.failures());
    let Kind {
        least_by_work,
        least_by_time,
        ..
    } = kind;
    if by_work < *least_by_work {
        failures.push(format!(
            "less than {least_by_work} % of the peak was answered for the same work"
        ));
    }
    if by_time < *least_by_time {
        failures.push(format!(
            "less than {least_by_time} % of the peak was answered"
        ));
    }
    if shed == 0 {
        failures.push("nobody was told to ask again".to_owned());
    }
    let (seconds, kib) = (window.as_secs(), sender.request.len() / 1_024);
    Ok(Report {
        measured: format!(
            "reviews of {kib} KiB, {rounds} times {seconds} s: {} at the peak, {} ({by_time} %, \
             {by_work} % for the same work) of {offered} offered, {shed} told to ask again, 1 small \
             one every {} ms: {small}",
            peak.reviews,
            overload.reviews,
            SMALL.as_millis(),
        ),
        failures,
    })
}

/// What was answered in some time.
#[derive(Clone, Copy, Debug, Default)]
struct Answered {
    reviews: usize,
    /// The server's time of all cores meanwhile, in ticks.
    ticks: usize,
}

impl AddAssign for Answered {
    fn add_assign(&mut self, other: Self) {
        self.reviews += other.reviews;
        self.ticks += other.ticks;
    }
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
    async fn closed_loop(
        self: &Arc<Self>,
        server: &Server,
        window: Duration,
    ) -> anyhow::Result<Answered> {
        let mut tasks = JoinSet::new();
        for _ in 0..CLIENTS {
            let sender = Arc::clone(self);
            tasks.spawn(async move {
                loop {
                    sender.review().await;
                }
            });
        }
        self.settled(CLIENTS).await?;
        let answered = self.answered_in(server, sleep(window)).await?;
        tasks.shutdown().await;
        ensure!(answered.reviews > 0, "nothing was answered");
        Ok(answered)
    }

    /// One review at each tick, whatever becomes of those before: how many were sent in so much
    /// time, and how many answered. The time begins when the server is full: what it takes in
    /// before is no answer yet.
    async fn open_loop(
        self: &Arc<Self>,
        server: &Server,
        tick: Duration,
        window: Duration,
    ) -> anyhow::Result<(usize, Answered)> {
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
        let mut ticks = interval(tick);
        let mut send = async || {
            ticks.tick().await;
            offer().await;
        };
        let shed = self.shed.load(Ordering::Relaxed);
        let filling = async {
            while self.shed.load(Ordering::Relaxed) == shed {
                send().await;
            }
            // Those that were let in at once are still being read.
            tokio::select! {
                settled = self.settled(full / 4) => settled,
                () = async { loop { send().await } } => Ok(()),
            }
        };
        let filled = timeout(PATIENCE, filling).await;
        filled.context("nobody was told to ask again")??;
        let mut offered = 0;
        let sending = async {
            let start = Instant::now();
            while start.elapsed() < window {
                send().await;
                offered += 1;
            }
        };
        let answered = self.answered_in(server, sending).await?;
        // Whoever was let in is answered.
        tasks.join_all().await;
        Ok((offered, answered))
    }

    /// Waits until so many more were answered.
    async fn settled(&self, answers: usize) -> anyhow::Result<()> {
        let enough = self.tally.counts().answered + answers;
        let start = Instant::now();
        while self.tally.counts().answered < enough {
            ensure!(start.elapsed() < PATIENCE, "too little is answered");
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn answered_in(
        &self,
        server: &Server,
        time: impl Future<Output = ()>,
    ) -> anyhow::Result<Answered> {
        let (before, ticks) = (self.tally.counts().answered, server.cpu_ticks()?);
        time.await;
        Ok(Answered {
            reviews: self.tally.counts().answered - before,
            ticks: server.cpu_ticks()? - ticks,
        })
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

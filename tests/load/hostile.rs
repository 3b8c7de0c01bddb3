//! Clients that hold connections and give nothing: a healthy client hardly notices, newcomers get
//! in, and memory stays within its bound.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use distrogate::server::Limits;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Client, Connection, Failure};
use crate::crowd::{Attacker, Crowd, Held};
use crate::process::{Server, World};
use crate::tally::{Tally, p99};
use crate::{Form, PATIENCE, Report, best_of_three, reviews};

/// How much slower the healthy clients' 99th percentile may be under attack.
const SLOWER: u32 = 3;
/// Healthy clients, each with a connection that it keeps.
const HEALTHY: usize = 4;
/// From one review of a healthy client to its next.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) async fn run(form: Form, world: &World) -> anyhow::Result<Report> {
    let crowd = Crowd::wanted(form).scaled_to(world.files);
    best_of_three(async || attack(form, world, crowd).await).await
}

async fn attack(form: Form, world: &World, crowd: Crowd) -> anyhow::Result<Report> {
    let window = form.choose(Duration::from_secs(2), Duration::from_secs(25));
    // As long as a head or handshake may take: later they are thrown out as evenly.
    let arrival = form.choose(Duration::from_secs(3), Limits::DEFAULT.head);
    let certificate = world.certificate()?;
    let server = world.serve(&certificate, &[])?;
    let client = world.client()?;
    let tally = Arc::<Tally>::default();
    let mut healthy = Healthy::connect(&client, server.address).await?;

    let mut alone = healthy.review_for(window, &tally).await;
    let held = Arc::<Held>::default();
    let attacker = Attacker::new(&client, server.address, &held)?;
    let attackers = crowd.attack(&attacker, arrival);
    sleep(arrival).await;
    let full = crowd.total().min(Limits::DEFAULT.connections - HEALTHY);
    come(&server, full).await?;
    let newcomers = newcomers(&client, server.address, window);
    let (besieged, newcomers) = tokio::join!(healthy.review_for(window, &tally), newcomers);
    let there = held.to_string();
    drop(attackers);
    // Afterwards there is room again.
    let mut next = timeout(PATIENCE, client.connect(server.address)).await??;
    let reply = next.exchange(&reviews::small()).await?;
    ensure!(reply.code == 200, "answered with {} afterwards", reply.code);
    alone.extend(healthy.review_for(window / 2, &tally).await);

    let (alone, besieged) = (p99(alone), p99(besieged));
    let (memory, bound) = (server.peak_memory()?, memory_bound(&Limits::DEFAULT));
    let counts = tally.counts();
    let mut failures = counts.failures();
    // In seconds on cores that others use too there are too few reviews for a percentile.
    if form == Form::Long && besieged > alone * SLOWER {
        failures.push(format!("p99 is more than {SLOWER} times p99 alone"));
    }
    let longest = newcomers.iter().flatten().max();
    let kept_out = newcomers.iter().filter(|took| took.is_none()).count();
    if kept_out > 0 {
        failures.push(format!(
            "{kept_out} newcomers were not answered in their time"
        ));
    }
    if memory > bound {
        failures.push("more memory than its bound".to_owned());
    }
    let (mebibytes, of) = (memory >> 20, bound >> 20);
    Ok(Report {
        measured: format!(
            "of {crowd} there were {there}; p99 {besieged:.2?}, alone {alone:.2?}, {counts}; \
             {} newcomers, answered after at most {:.1?}; {mebibytes} MiB of {of}",
            newcomers.len(),
            longest.copied().unwrap_or_default(),
        ),
        failures,
    })
}

/// The sum of the table in `src/server/limits.rs`, in bytes.
fn memory_bound(limits: &Limits) -> usize {
    let program = 16 << 20;
    let bodies = limits.flight_bytes + limits.flight_reserve;
    let small = 2 * limits.inline_bytes * limits.work_factor;
    let connections = limits.connections * 4 * limits.head_bytes;
    program + bodies + limits.work_bytes + small + connections
}

/// Waits until the server has so many connections.
async fn come(server: &Server, connections: usize) -> anyhow::Result<()> {
    let start = Instant::now();
    while server.open_files()? < connections {
        ensure!(start.elapsed() < PATIENCE, "the crowd does not come in");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// How long each of some clients without a connection waits for the answer to its first review,
/// one client after the other; nothing where that is more than an API server waits.
async fn newcomers(
    client: &Client,
    address: SocketAddr,
    window: Duration,
) -> Vec<Option<Duration>> {
    let mut waited = Vec::new();
    let start = Instant::now();
    while start.elapsed() < window {
        let sent = Instant::now();
        let review = async {
            let mut connection = client.connect(address).await?;
            connection.exchange(&reviews::small()).await
        };
        let reply = timeout(reviews::TIMEOUT, review).await;
        let is_answered = matches!(reply, Ok(Ok(reply)) if reply.code == 200);
        waited.push(is_answered.then(|| sent.elapsed()));
        sleep(PAUSE).await;
    }
    waited
}

/// Clients that do nothing wrong.
struct Healthy(Vec<Connection>);

impl Healthy {
    async fn connect(client: &Client, address: SocketAddr) -> Result<Self, Failure> {
        let mut connections = Vec::new();
        for _ in 0..HEALTHY {
            connections.push(client.connect(address).await?);
        }
        Ok(Self(connections))
    }

    /// How long each review took.
    async fn review_for(&mut self, window: Duration, tally: &Arc<Tally>) -> Vec<Duration> {
        let mut tasks = JoinSet::new();
        for mut connection in self.0.drain(..) {
            let tally = Arc::clone(tally);
            tasks.spawn(async move {
                let request = reviews::small();
                let mut times = Vec::new();
                let start = Instant::now();
                while start.elapsed() < window {
                    let sent = Instant::now();
                    match connection.exchange(&request).await {
                        Ok(reply) if reply.code == 200 => tally.answered(),
                        Ok(reply) => tally.failed(&Failure::Code(reply.code)),
                        Err(failure) => {
                            tally.failed(&failure);
                            break;
                        }
                    }
                    times.push(sent.elapsed());
                    sleep(PAUSE).await;
                }
                (connection, times)
            });
        }
        let mut times = Vec::new();
        for (connection, own) in tasks.join_all().await {
            self.0.push(connection);
            times.extend(own);
        }
        times
    }
}

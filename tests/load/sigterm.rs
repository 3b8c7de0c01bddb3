//! SIGTERM while an API server's clients are at work: no review fails.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::balancer::Balancer;
use crate::client::Failure;
use crate::pool::{IDLE, Pool};
use crate::process::{Server, World};
use crate::tally::{Counts, Tally};
use crate::{Form, Report, reviews};

/// Long enough for every client to have a connection, and reviews on their way at any time.
const WARM_UP: Duration = Duration::from_millis(500);

/// One server: reviews are answered until nobody listens, and that is not before the delay is over.
pub(crate) async fn alone(form: Form, world: &World) -> anyhow::Result<Report> {
    let rounds = form.choose(2, 10);
    let delay = form.choose(Duration::from_secs(1), Duration::from_secs(3));
    let certificate = world.certificate()?;
    let mut failures = Vec::new();
    let tally = Arc::<Tally>::default();
    let mut answered_after = 0;
    for round in 1..=rounds {
        let mut server = world.serve(&certificate, &["--shutdown-delay", &seconds(delay)])?;
        let pool = Arc::new(Pool::new(world.client()?, server.address));
        let clients = Clients::start(&pool, &tally, WhenRefused::Leave);
        sleep(WARM_UP).await;

        let before = tally.counts().answered;
        let signalled = Instant::now();
        server.terminate()?;
        clients.refused().await;
        let refused_after = signalled.elapsed();
        clients.left().await;
        answered_after += tally.counts().answered - before;
        if refused_after < delay {
            failures.push(format!("round {round}: refused before the delay was over"));
        }
        failures.extend(ended_badly(&mut server, &format!("round {round}")).await?);
    }
    let counts = tally.counts();
    failures.extend(counts.failures());
    if answered_after == 0 {
        failures.push("no review was answered after the signal".to_owned());
    }
    Ok(Report {
        measured: format!(
            "{rounds} times SIGTERM with {IDLE} clients, {counts}, {answered_after} of them after \
             the signal"
        ),
        failures,
    })
}

/// Two servers behind a Service, replaced one after the other while reviews are sent.
pub(crate) async fn rolling(form: Form, world: &World) -> anyhow::Result<Report> {
    let restarts = form.choose(1, 5);
    let delay = form.choose(Duration::from_secs(1), Duration::from_secs(3));
    // Nodes hear late of a Pod that leaves: until then they send connections to it.
    let late = delay / 2;
    let certificate = world.certificate()?;
    let delay = seconds(delay);
    let serve = || world.serve(&certificate, &["--shutdown-delay", &delay]);
    let mut replicas = [serve()?, serve()?];
    let balancer = Balancer::start().await?;
    for replica in &replicas {
        balancer.add(replica.address);
    }
    let pool = Arc::new(Pool::new(world.client()?, balancer.address));
    let tally = Arc::<Tally>::default();
    let clients = Clients::start(&pool, &tally, WhenRefused::Fail);
    sleep(WARM_UP).await;
    let mut failures = Vec::new();
    let mut least = usize::MAX;
    for restart in 1..=restarts {
        for replica in &mut replicas {
            let before = tally.counts().answered;
            let new = serve()?;
            balancer.add(new.address);
            let mut old = std::mem::replace(replica, new);
            old.terminate()?;
            sleep(late).await;
            balancer.remove(old.address);
            failures.extend(ended_badly(&mut old, &format!("restart {restart}")).await?);
            least = least.min(tally.counts().answered - before);
        }
    }
    let Counts { answered, .. } = clients.stop().await;
    ensure!(answered > 0, "no review was answered");
    failures.extend(tally.counts().failures());
    let counts = tally.counts();
    Ok(Report {
        measured: format!(
            "{restarts} rolling restarts of 2 replicas with {IDLE} clients, {counts}, at least \
             {least} during each replica's end"
        ),
        failures,
    })
}

fn seconds(delay: Duration) -> String {
    format!("{}s", delay.as_secs())
}

async fn ended_badly(server: &mut Server, what: &str) -> anyhow::Result<Option<String>> {
    let status = server.ended().await?;
    let words = server.last_words();
    Ok((!status.success()).then(|| format!("{what}: the server ended with {status}\n  {words}")))
}

/// What a refused connection means to a client.
#[derive(Clone, Copy, Eq, PartialEq)]
enum WhenRefused {
    /// The only server is gone, and with it the client's work.
    Leave,
    /// There should have been a server.
    Fail,
}

/// As many clients as a pool keeps connections, each with a pace of its own, so that at any time
/// some connections are in use and some have been idle for a while.
struct Clients {
    tasks: JoinSet<()>,
    tally: Arc<Tally>,
    /// Whether somebody was refused.
    refused: watch::Receiver<bool>,
    stop: watch::Sender<bool>,
}

impl Clients {
    fn start(pool: &Arc<Pool>, tally: &Arc<Tally>, when_refused: WhenRefused) -> Self {
        let (refuse, refused) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for number in 0..IDLE as u64 {
            let pause = Duration::from_millis(10 + 3 * number);
            let (pool, tally) = (Arc::clone(pool), Arc::clone(tally));
            let (refuse, stopped) = (refuse.clone(), stopped.clone());
            tasks.spawn(async move {
                let request = reviews::small();
                while !*stopped.borrow() {
                    match pool.review(&request).await {
                        Ok(_) => tally.answered(),
                        Err(Failure::Refused) if when_refused == WhenRefused::Leave => {
                            refuse.send_replace(true);
                            return;
                        }
                        Err(failure) => tally.failed(&failure),
                    }
                    sleep(pause).await;
                }
            });
        }
        Self {
            tasks,
            tally: Arc::clone(tally),
            refused,
            stop,
        }
    }

    /// Waits until somebody is refused.
    async fn refused(&self) {
        // An error is the end of all clients.
        self.refused.clone().wait_for(|refused| *refused).await.ok();
    }

    /// Waits until all have left by themselves.
    async fn left(self) {
        self.tasks.join_all().await;
    }

    /// Lets everybody finish.
    async fn stop(self) -> Counts {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
        self.tally.counts()
    }
}

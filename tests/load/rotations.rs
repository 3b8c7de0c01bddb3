//! Certificates and policies change under load: each change is seen, no review fails.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustls::pki_types::CertificateDer;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::client::Failure;
use crate::pool::Pool;
use crate::process::{Folder, Server, World};
use crate::tally::Tally;
use crate::{Form, PATIENCE, Report, reviews};

/// Clients at a time.
const CLIENTS: usize = 10;
/// From one review of a client to its next: load, but no overload.
const PAUSE: Duration = Duration::from_millis(20);
/// From one look at the server to the next.
const LOOK: Duration = Duration::from_millis(100);

/// A policy that does this about two distros.
fn policy(action: &str) -> String {
    format!(
        "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: load}}\n\
         spec: {{rules: {{only-one-distro: {{action: {action}}}}}}}\n"
    )
}

pub(crate) async fn run(form: Form, world: &World) -> anyhow::Result<Report> {
    let (rotations, reloads) = form.choose((4, 3), (30, 20));
    let mut certificate = world.certificate()?;
    let mut policies = Folder::new()?;
    policies.put(&[("policy.yaml", &policy("Deny"))])?;
    let arguments = [
        "--reload-interval",
        "1s",
        "--policy",
        &policies.path().display().to_string(),
    ];
    let server = world.serve(&certificate, &arguments)?;
    let pool = Arc::new(Pool::new(world.client()?, server.address));
    let tally = Arc::<Tally>::default();
    let mut load = JoinSet::new();
    for _ in 0..CLIENTS {
        let (pool, tally) = (Arc::clone(&pool), Arc::clone(&tally));
        load.spawn(async move {
            let request = reviews::two_distros();
            loop {
                match pool.review(&request).await {
                    Ok(_) => tally.answered(),
                    Err(failure) => tally.failed(&failure),
                }
                sleep(PAUSE).await;
            }
        });
    }

    let rotate = async {
        for number in 1..=rotations {
            let leaf = world.leaf()?;
            certificate.put_leaf(&leaf)?;
            let chain = leaf.chain();
            let own = chain.first().context("a chain without certificate")?;
            wait_for(&format!("certificate {number}"), async || {
                shown(world, &server, own, &tally).await
            })
            .await?;
        }
        anyhow::Ok(())
    };
    let reload = async {
        for number in 1..=reloads {
            let denies = number % 2 == 0;
            let action = if denies { "Deny" } else { "Warn" };
            policies.put(&[("policy.yaml", &policy(action))])?;
            wait_for(&format!("policy {number}"), async || {
                match pool.review(&reviews::two_distros()).await {
                    Ok(reply) => Ok(reviews::is_allowed(&reply.body)? != denies),
                    Err(failure) => {
                        tally.failed(&failure);
                        Ok(false)
                    }
                }
            })
            .await?;
        }
        anyhow::Ok(())
    };
    let (rotated, reloaded) = tokio::join!(rotate, reload);
    load.shutdown().await;

    let counts = tally.counts();
    let mut failures = counts.failures();
    for followed in [rotated, reloaded] {
        failures.extend(followed.err().map(|error| error.to_string()));
    }
    if !failures.is_empty() {
        failures.push(server.last_words());
    }
    Ok(Report {
        measured: format!("{rotations} certificates and {reloads} policies followed, {counts}"),
        failures,
    })
}

/// Whether a new connection is shown this certificate.
async fn shown(
    world: &World,
    server: &Server,
    leaf: &CertificateDer<'static>,
    tally: &Tally,
) -> anyhow::Result<bool> {
    let mut connection = match world.client()?.connect(server.address).await {
        Ok(connection) => connection,
        Err(failure) => {
            tally.failed(&failure);
            return Ok(false);
        }
    };
    match connection.exchange(&reviews::small()).await {
        Ok(reply) if reply.code == 200 => tally.answered(),
        Ok(reply) => tally.failed(&Failure::Code(reply.code)),
        Err(failure) => tally.failed(&failure),
    }
    Ok(connection.certificate() == Some(leaf))
}

async fn wait_for(
    what: &str,
    mut is_there: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    while !is_there().await? {
        ensure!(start.elapsed() < PATIENCE, "{what} is not followed");
        sleep(LOOK).await;
    }
    Ok(())
}

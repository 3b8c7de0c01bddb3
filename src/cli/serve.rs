//! `distrogate serve`: answers reviews over HTTPS until told to stop.
//!
//! Owns how its parts are put together and what is printed at the start. The first line on standard
//! output is `listening on https://ADDRESS:PORT`, with the real port: scripts wait for it.

mod args;
mod readiness;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tracing::{info, warn};

pub use self::args::ServeArgs;
use self::readiness::{Shown, checks};
use super::dev_ca::DevCaFile;
use super::handler::handler;
use super::output;
use super::policy_files::LivePolicy;
use super::tls_args::Tls;
use crate::cluster::Keeper;
use crate::server::{Admin, Outcome, Refresh, Server, ServerOptions, Shutdown, tls, watch};
use crate::telemetry::{self, Metrics};

/// Serves until a signal, and then until what is under way is answered.
pub async fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let ServeArgs {
        tls,
        dev_ca_file,
        self_managed,
        gate,
        watch: watches,
        cluster,
        log,
        ..
    } = args;
    let limits = args.limits();
    let listen = args.listen();
    log.init()?;
    let metrics = Metrics::new();
    let (paths, cap) = (gate.policy.clone(), gate.cap());
    let policy = LivePolicy::load(paths, cap, gate.today, metrics.clone())?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        policy = policy.names(),
        revision = policy.revision(),
        enforcement = %gate.cap(),
        "Starting."
    );
    let followed = Arc::clone(&policy);
    let surroundings = watches.surroundings(gate.cluster()?, cluster, &metrics);
    let surroundings = surroundings.await?;
    let handler = handler(followed, surroundings.clone(), gate.today, metrics.clone());
    telemetry::withhold_panic_messages(metrics.clone());
    tls::install_default_provider();
    let shutdown = Shutdown::on_signals(args.shutdown_delay());
    let shutdown = shutdown.context("cannot watch for signals")?;
    let Tls {
        config,
        clients,
        certificate,
        issued,
        dev_authority,
    } = tls.load(&listen, &metrics)?;
    let keeper = self_managed
        .keeper(cluster, issued.as_ref(), &policy, &metrics)
        .await?;
    let shown = Shown {
        files: certificate.clone(),
        issued,
        standing: keeper.as_ref().map(Keeper::standing),
    };
    let checks = checks(&policy, shown, &surroundings, &shutdown);
    let options = ServerOptions {
        listen,
        tls: config,
        clients: clients.clone(),
        handler,
        limits,
        metrics: metrics.clone(),
        checks: Arc::clone(&checks),
    };
    let server = Server::bind(options)?;
    let admin = Admin::bind(args.admin_listen(), limits, checks, metrics)?;

    // Removed when the server is gone.
    let dev_ca_file = dev_authority
        .map(|authority| DevCaFile::offer(dev_ca_file.as_deref(), &authority))
        .transpose()?
        .flatten();
    greet(
        server.local_addr(),
        admin.local_addr(),
        dev_ca_file.as_ref(),
    );

    let outcome = tokio::select! {
        outcome = server.run(shutdown) => outcome,
        never = follow(certificate, limits.certificate_check) => match never {},
        never = follow(clients, limits.certificate_check) => match never {},
        never = watch(policy, limits.policy_check) => match never {},
        never = keep(keeper) => match never {},
        never = surroundings.follow() => match never {},
        never = admin.run() => match never {},
    };
    drop(dev_ca_file);
    match outcome {
        Outcome::Drained => {
            info!("Stopped; everything under way was answered.");
            Ok(())
        }
        Outcome::Cut { connections } => {
            bail!("stopped with {connections} connections still open")
        }
    }
}

/// Watches what there may be to watch.
async fn follow<R: Refresh>(files: Option<Arc<R>>, interval: Duration) -> Infallible {
    match files {
        Some(files) => watch(files, interval).await,
        None => std::future::pending().await,
    }
}

/// Says where it is listened, for people and scripts.
fn greet(address: SocketAddr, admin: SocketAddr, dev_ca_file: Option<&DevCaFile>) {
    let mut text = format!("listening on https://{address}\n");
    if let Some(file) = dev_ca_file {
        text += &file.hints(address);
    }
    text.extend(["probes and metrics: http://", &admin.to_string(), "\n"]);
    info!(%address, %admin, "Listening.");
    if let Err(error) = output::print(&text) {
        warn!(%error, "Cannot write to standard output.");
    }
}

/// Looks after what there may be in the cluster.
async fn keep(keeper: Option<Keeper>) -> Infallible {
    match keeper {
        Some(keeper) => Box::pin(keeper.run()).await,
        None => std::future::pending().await,
    }
}

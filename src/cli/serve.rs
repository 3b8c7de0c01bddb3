//! `distrogate serve`: answers reviews over HTTPS until told to stop.
//!
//! Owns the flags, the certificate's choice and what is printed at the start. The first line on
//! standard output is `listening on https://ADDRESS:PORT`, with the real port: scripts wait for it.

use std::convert::Infallible;
use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use time::OffsetDateTime;
use tracing::{info, warn};

use crate::certs::Validity;
use crate::cluster::{Keeper, Standing};
use crate::server::{
    Admin, Check, Checks, FileCertificate, IssuedCertificate, Limits, Outcome, Refresh, Server,
    ServerOptions, Shutdown, go_duration, tls, watch,
};
use crate::telemetry::{self, LogArgs, Metrics};

use super::cluster_args::ClusterArgs;
use super::dev_ca::DevCaFile;
use super::gate_args::GateArgs;
use super::handler::handler;
use super::output;
use super::policy_files::LivePolicy;
use super::self_managed::SelfManagedArgs;
use super::tls_args::{Tls, TlsArgs};
use super::watch_args::{Surroundings, WatchArgs};

/// Where to listen, in this order, unless someone says where: all addresses, IPv6 and IPv4 alike,
/// so that it works in Pods of either family; IPv4 alone where the kernel has no IPv6.
const LISTEN: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), PORT),
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT),
];

/// Where to listen with `--dev`: reachable from this machine only.
const LISTEN_DEV: [SocketAddr; 1] = [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT)];

/// Free for a user who is not root, and customary for HTTPS.
const PORT: u16 = 8443;

/// Where the admin port is unless someone says where: the kubelet and Prometheus come from outside
/// the Pod.
const ADMIN_LISTEN: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), ADMIN_PORT),
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), ADMIN_PORT),
];

/// Where it is with `--dev`: at a free port, as nobody has to know it beforehand.
const ADMIN_LISTEN_DEV: [SocketAddr; 1] = [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)];

/// Customary for probes and metrics.
const ADMIN_PORT: u16 = 8080;

/// What `--reload-interval` can be.
const RELOAD_INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);

/// The flags of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Serve with a certificate made for the occasion, on this machine only unless --listen says more
    #[arg(long)]
    pub dev: bool,

    /// Address and port to listen on; port 0 takes a free one
    ///
    /// Without it: port 8443 of all addresses, IPv6 and IPv4 alike; with --dev of 127.0.0.1 only.
    #[arg(long, value_name = "ADDRESS:PORT", env = "DISTROGATE_LISTEN")]
    pub listen: Option<SocketAddr>,

    /// Address and port for probes and metrics over plain HTTP; port 0 takes a free one
    ///
    /// Without it: port 8080 of all addresses; with --dev a free port of 127.0.0.1.
    #[arg(long, value_name = "ADDRESS:PORT", env = "DISTROGATE_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,

    /// How TLS is spoken, and with whom.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// Where --dev writes the certificate that clients have to trust
    ///
    /// An existing file is replaced. Without it: a new file in the system's temporary directory,
    /// removed at the end.
    #[arg(long, value_name = "FILE", requires = "dev")]
    pub dev_ca_file: Option<PathBuf>,

    /// How long to serve on after the first signal, as 10s: until no node sends reviews here any
    /// more; 0 with --dev
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_duration,
        env = "DISTROGATE_SHUTDOWN_DELAY"
    )]
    pub shutdown_delay: Option<Duration>,

    /// How often to look at the certificate and at the policies again, 1s to 1h
    ///
    /// Without it: at the certificate every 10s, at the policies every 2s. A changed policy counts
    /// when it was seen twice.
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_reload_interval,
        env = "DISTROGATE_RELOAD_INTERVAL"
    )]
    pub reload_interval: Option<Duration>,

    /// What is kept in the cluster.
    #[command(flatten)]
    pub self_managed: SelfManagedArgs,

    /// What reviews are judged by.
    #[command(flatten)]
    pub gate: GateArgs,

    /// What to find out in the cluster.
    #[command(flatten)]
    pub watch: WatchArgs,

    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// What to log, and how.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Serves until a signal, and then until what is under way is answered.
pub async fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let ServeArgs {
        dev: _,
        listen,
        admin_listen,
        tls,
        dev_ca_file,
        shutdown_delay,
        reload_interval,
        self_managed,
        gate,
        watch: watches,
        cluster,
        log,
    } = args;
    let limits = limits(*reload_interval);
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
    let shutdown_delay = shutdown_delay.unwrap_or_else(|| shutdown_delay_of(args.dev, &limits));
    let shutdown = Shutdown::on_signals(shutdown_delay).context("cannot watch for signals")?;

    let addresses =
        |asked: &Option<SocketAddr>, dev: &[SocketAddr], otherwise: &[SocketAddr]| match asked {
            Some(address) => vec![*address],
            None if args.dev => dev.to_vec(),
            None => otherwise.to_vec(),
        };
    let listen = addresses(listen, &LISTEN_DEV, &LISTEN);
    let admin_listen = addresses(admin_listen, &ADMIN_LISTEN_DEV, &ADMIN_LISTEN);
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
    let server = Server::bind(options).await?;
    let admin = Admin::bind(admin_listen, limits, checks, metrics).await?;

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

/// How long to serve on with `--dev`, or without.
fn shutdown_delay_of(dev: bool, limits: &Limits) -> Duration {
    if dev {
        Duration::ZERO
    } else {
        limits.shutdown_delay
    }
}

/// The server's own limits, but for how often files are looked at.
fn limits(reload_interval: Option<Duration>) -> Limits {
    let limits = Limits::DEFAULT;
    Limits {
        certificate_check: reload_interval.unwrap_or(limits.certificate_check),
        policy_check: reload_interval.unwrap_or(limits.policy_check),
        ..limits
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    go_duration(text).ok_or_else(|| "has to be a duration as 10s, 1m30s or 500ms".to_owned())
}

/// Not so often that it is work, not so seldom that a certificate's last day goes by.
fn parse_reload_interval(text: &str) -> Result<Duration, String> {
    go_duration(text)
        .filter(|interval| RELOAD_INTERVALS.contains(interval))
        .ok_or_else(|| "has to be a duration from 1s to 1h".to_owned())
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

/// The certificate of the moment, and how what is kept in the cluster stands.
struct Shown {
    files: Option<Arc<FileCertificate>>,
    issued: Option<Arc<IssuedCertificate>>,
    standing: Option<Arc<Standing>>,
}

/// What has to be true for the server to be ready. Policy and a certificate in files are there
/// before anybody can ask; one that is issued comes with the first answer of the API server. Later
/// nothing here depends on that: how it stands is told, and changes nothing.
fn checks(
    policy: &Arc<LivePolicy>,
    shown: Shown,
    surroundings: &Surroundings,
    shutdown: &Shutdown,
) -> Checks {
    let (policy, shutdown) = (Arc::clone(policy), shutdown.clone());
    let surroundings = surroundings.clone();
    Arc::new(move || {
        let Shown {
            files,
            issued,
            standing,
        } = &shown;
        let is_leaving = shutdown.is_leaving();
        let mut checks = vec![Check {
            name: "policy",
            passed: true,
            says: format!("revision {}", policy.revision()),
        }];
        let now = OffsetDateTime::now_utc();
        let validity = files.as_ref().and_then(|files| files.validity());
        checks.extend(validity.map(|validity| is_taken(validity, now)));
        let says = standing.as_ref().map(|standing| standing.says());
        if let Some(issued) = issued {
            checks.push(match issued.validity() {
                Some(validity) => is_taken(validity, now),
                None => Check {
                    name: "certificate",
                    passed: false,
                    says: "none before the CA could be read or made".to_owned(),
                },
            });
        }
        checks.extend(says.map(|says| Check {
            name: "cluster",
            passed: true,
            says,
        }));
        checks.extend(surroundings.checks());
        checks.push(Check {
            name: "draining",
            passed: !is_leaving,
            says: if is_leaving { "about to stop" } else { "no" }.to_owned(),
        });
        checks
    })
}

/// Whether a certificate is good now: clients refuse one that is not.
fn is_taken(validity: Validity, now: OffsetDateTime) -> Check {
    let Validity {
        not_before,
        not_after,
    } = validity;
    if !validity.has_begun(now) {
        return Check {
            name: "certificate",
            passed: false,
            says: format!("not good before {not_before}: is this machine's clock right?"),
        };
    }
    let left = not_after - now;
    let (passed, said) = if left.is_negative() {
        (false, "expired")
    } else {
        (true, "good until")
    };
    Check {
        name: "certificate",
        passed,
        says: format!(
            "{said} {}, {} days left",
            not_after.date(),
            left.whole_days()
        ),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser, error::ErrorKind};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: ServeArgs,
    }

    #[test]
    fn a_certificate_that_is_over_or_has_not_begun_is_not_ready() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let day = |days| now + time::Duration::days(days);
        let check = |days| {
            let validity = Validity {
                not_before: day(-9),
                not_after: day(days),
            };
            is_taken(validity, now)
        };
        assert!(check(3).passed);
        assert_eq!(check(3).says, "good until 1970-01-04, 3 days left");
        assert!(!check(-2).passed);
        assert_eq!(check(-2).says, "expired 1969-12-30, -2 days left");
        let early = is_taken(Validity::starting(day(2), 9), now);
        assert!(!early.passed);
        assert!(
            early.says.starts_with("not good before 1970-01-02"),
            "{}",
            early.says
        );
    }

    #[test]
    fn a_certificate_or_dev_but_not_both() {
        Cli::command().debug_assert();
        let parse = |args: &[&str]| {
            Cli::try_parse_from([&["serve"], args].concat()).map_err(|error| error.kind())
        };
        parse(&["--dev"]).unwrap();
        parse(&["--tls-cert", "a", "--tls-key", "b"]).unwrap();
        parse(&[
            "--dev",
            "--tls-cipher-suites",
            "TLS_AES_128_GCM_SHA256",
            "--tls-min-version=1.3",
        ])
        .unwrap();
        parse(&[
            "--dev",
            "--client-ca-file",
            "c",
            "--client-allowed-names",
            "a,b*",
        ])
        .unwrap();
        parse(&["--dev", "--shutdown-delay", "1m30s"]).unwrap();
        for (args, expected) in [
            (&[][..], ErrorKind::MissingRequiredArgument),
            (&["--tls-cert", "a"], ErrorKind::MissingRequiredArgument),
            (&["--tls-key", "b"], ErrorKind::MissingRequiredArgument),
            (
                &["--dev", "--tls-cert", "a", "--tls-key", "b"],
                ErrorKind::ArgumentConflict,
            ),
            (&["--dev-ca-file", "c"], ErrorKind::MissingRequiredArgument),
            (
                &["--dev", "--client-allowed-names", "a"],
                ErrorKind::MissingRequiredArgument,
            ),
            (
                &["--dev", "--shutdown-delay", "10"],
                ErrorKind::ValueValidation,
            ),
            (
                &["--dev", "--tls-min-version", "1.1"],
                ErrorKind::ValueValidation,
            ),
            (
                &["--dev", "--tls-cipher-suites", "TLS_AES_128_GCM_SHA256,RC4"],
                ErrorKind::ValueValidation,
            ),
        ] {
            assert_eq!(parse(args).unwrap_err(), expected, "{args:?}");
        }
    }

    #[test]
    fn a_reload_interval_is_for_certificate_and_policies() {
        assert_eq!(limits(None), Limits::DEFAULT);
        let second = Duration::from_secs(1);
        let expected = Limits {
            certificate_check: second,
            policy_check: second,
            ..Limits::DEFAULT
        };
        assert_eq!(limits(Some(second)), expected);
    }

    #[test]
    fn a_reload_interval_is_neither_work_nor_never() {
        for (text, seconds) in [("1s", 1), ("1m30s", 90), ("1h", 3_600)] {
            let read = parse_reload_interval(text);
            assert_eq!(read, Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["0", "999ms", "1h1ns", "5", ""] {
            let read = parse_reload_interval(text);
            assert_eq!(
                read,
                Err("has to be a duration from 1s to 1h".to_owned()),
                "{text}"
            );
        }
    }
}

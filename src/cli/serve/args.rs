//! The flags of `distrogate serve`, and what holds without them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::cluster_args::ClusterArgs;
use crate::cli::gate_args::GateArgs;
use crate::cli::self_managed::SelfManagedArgs;
use crate::cli::tls_args::TlsArgs;
use crate::cli::watch_args::WatchArgs;
use crate::server::{Limits, go_duration};
use crate::telemetry::LogArgs;

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

impl ServeArgs {
    /// Where to listen, the first that can be had.
    pub(super) fn listen(&self) -> Vec<SocketAddr> {
        self.first(self.listen, &LISTEN_DEV, &LISTEN)
    }

    /// The same for the admin port.
    pub(super) fn admin_listen(&self) -> Vec<SocketAddr> {
        self.first(self.admin_listen, &ADMIN_LISTEN_DEV, &ADMIN_LISTEN)
    }

    fn first(
        &self,
        asked: Option<SocketAddr>,
        dev: &[SocketAddr],
        otherwise: &[SocketAddr],
    ) -> Vec<SocketAddr> {
        match asked {
            Some(address) => vec![address],
            None if self.dev => dev.to_vec(),
            None => otherwise.to_vec(),
        }
    }

    /// How long to serve on after the first signal.
    pub(super) fn shutdown_delay(&self) -> Duration {
        let otherwise = if self.dev {
            Duration::ZERO
        } else {
            Limits::DEFAULT.shutdown_delay
        };
        self.shutdown_delay.unwrap_or(otherwise)
    }

    /// The server's own limits, but for how often files are looked at.
    pub(super) fn limits(&self) -> Limits {
        let limits = Limits::DEFAULT;
        Limits {
            certificate_check: self.reload_interval.unwrap_or(limits.certificate_check),
            policy_check: self.reload_interval.unwrap_or(limits.policy_check),
            ..limits
        }
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
        let limits = |args: &[&str]| {
            let args = [&["serve", "--dev"], args].concat();
            Cli::try_parse_from(args).unwrap().args.limits()
        };
        assert_eq!(limits(&[]), Limits::DEFAULT);
        let second = Duration::from_secs(1);
        let expected = Limits {
            certificate_check: second,
            policy_check: second,
            ..Limits::DEFAULT
        };
        assert_eq!(limits(&["--reload-interval=1s"]), expected);
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

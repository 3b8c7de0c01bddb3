//! `distrogate serve`: answers reviews over HTTPS until told to stop.
//!
//! Owns the flags, the certificate's choice and what is printed at the start. The first line on
//! standard output is `listening on https://ADDRESS:PORT`, with the real port: scripts wait for it.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use tracing::{debug, info};

use crate::certs::DevCertificate;
use crate::certs::files::{self, Access};
use crate::server::{
    Admin, Check, Checks, FileCertificate, Limits, Outcome, Server, ServerOptions, Shutdown, tls,
    watch,
};
use crate::telemetry::{self, LogArgs, Metrics};

use super::gate_args::GateArgs;
use super::handler::handler;
use super::output;
use super::policy_files::LivePolicy;

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

/// What the printed command posts, from the root of the source tree.
const SAMPLE_REVIEW: &str = "tests/fixtures/helmrelease-two-distros-k3s-k8s-0.30/request.json";

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

    /// Certificate chain to serve, PEM, the server's own certificate first
    #[arg(
        long,
        value_name = "FILE",
        env = "DISTROGATE_TLS_CERT",
        required_unless_present = "dev",
        conflicts_with = "dev",
        requires = "tls_key"
    )]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "DISTROGATE_TLS_KEY",
        required_unless_present = "dev",
        conflicts_with = "dev",
        requires = "tls_cert"
    )]
    pub tls_key: Option<PathBuf>,

    /// Where --dev writes the certificate that clients have to trust
    ///
    /// An existing file is replaced. Without it: a new file in the system's temporary directory,
    /// removed at the end.
    #[arg(long, value_name = "FILE", requires = "dev")]
    pub dev_ca_file: Option<PathBuf>,

    /// What reviews are judged by.
    #[command(flatten)]
    pub gate: GateArgs,

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
        tls_cert: _,
        tls_key: _,
        dev_ca_file,
        gate,
        log,
    } = args;
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
    let handler = handler(followed, gate.cluster()?, gate.today, metrics.clone());
    telemetry::withhold_panic_messages(metrics.clone());
    tls::install_default_provider();
    let shutdown = Shutdown::on_signals().context("cannot watch for signals")?;

    let addresses =
        |asked: &Option<SocketAddr>, dev: &[SocketAddr], otherwise: &[SocketAddr]| match asked {
            Some(address) => vec![*address],
            None if args.dev => dev.to_vec(),
            None => otherwise.to_vec(),
        };
    let listen = addresses(listen, &LISTEN_DEV, &LISTEN);
    let admin_listen = addresses(admin_listen, &ADMIN_LISTEN_DEV, &ADMIN_LISTEN);
    let limits = Limits::DEFAULT;
    let Certificate {
        tls,
        dev_authority,
        renewed,
    } = certificate(args, &listen)?;
    let options = ServerOptions {
        listen,
        tls,
        handler,
        limits,
        metrics: metrics.clone(),
    };
    let server = Server::bind(options).await?;
    let checks = checks(Arc::clone(&policy), shutdown.clone());
    let admin = Admin::bind(admin_listen, limits, checks, metrics).await?;

    let address = server.local_addr();
    let mut text = format!("listening on https://{address}\n");
    // Removed when the server is gone.
    let _dev_ca_file = if let Some(authority) = dev_authority {
        let file = DevCaFile::write(dev_ca_file.as_deref(), &authority)?;
        text += &dev_hints(&file.path, address);
        Some(file)
    } else {
        None
    };
    let admin_address = admin.local_addr();
    text.extend([
        "probes and metrics: http://",
        &admin_address.to_string(),
        "\n",
    ]);
    output::print(&text).context("cannot write to standard output")?;

    let follow_certificate = async {
        match renewed {
            Some(certificate) => watch(certificate, limits.certificate_check).await,
            None => std::future::pending().await,
        }
    };
    let follow_policy = watch(policy, limits.policy_check);
    let outcome = tokio::select! {
        outcome = server.run(shutdown) => outcome,
        never = follow_certificate => match never {},
        never = follow_policy => match never {},
        never = admin.run() => match never {},
    };
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

/// What has to be true for the server to be ready. Policy and certificate are there before anybody
/// can ask.
fn checks(policy: Arc<LivePolicy>, shutdown: Shutdown) -> Checks {
    Arc::new(move || {
        let is_draining = shutdown.is_draining();
        vec![
            Check {
                name: "policy",
                passed: true,
                says: format!("revision {}", policy.revision()),
            },
            Check {
                name: "draining",
                passed: !is_draining,
                says: if is_draining { "about to stop" } else { "no" }.to_owned(),
            },
        ]
    })
}

/// What the server shows to clients.
struct Certificate {
    tls: ServerConfig,
    /// With `--dev`: the authority's certificate that clients have to trust.
    dev_authority: Option<String>,
    /// Without: the files to look at again.
    renewed: Option<Arc<FileCertificate>>,
}

fn certificate(args: &ServeArgs, listen: &[SocketAddr]) -> anyhow::Result<Certificate> {
    if let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) {
        let files = FileCertificate::load(certificate.clone(), key.clone())?;
        let tls = tls::server_config_with(Arc::clone(&files) as Arc<dyn ResolvesServerCert>)?;
        return Ok(Certificate {
            tls,
            dev_authority: None,
            renewed: Some(files),
        });
    }
    let ip = listen
        .first()
        .map_or(Ipv4Addr::LOCALHOST.into(), SocketAddr::ip);
    let DevCertificate {
        authority_pem,
        leaf,
    } = DevCertificate::generate(OffsetDateTime::now_utc(), ip)?;
    let certified_key = CertifiedKey::from_der(leaf.chain(), leaf.key(), &tls::provider())
        .context("cannot use the certificate just made")?;
    let tls = tls::server_config(certified_key)?;
    Ok(Certificate {
        tls,
        dev_authority: Some(authority_pem),
        renewed: None,
    })
}

/// The file with the certificate that clients have to trust.
struct DevCaFile {
    path: PathBuf,
    /// Whether nobody asked for it by name.
    temporary: bool,
}

impl DevCaFile {
    fn write(wanted: Option<&Path>, authority_pem: &str) -> anyhow::Result<Self> {
        if let Some(path) = wanted {
            files::replace(path, Access::Public, authority_pem)?;
            return Ok(Self {
                path: path.to_owned(),
                temporary: false,
            });
        }
        // A name that nobody can have taken before.
        let mut random = [0; 8];
        if tls::provider().secure_random.fill(&mut random).is_err() {
            bail!("no random numbers for the name of a file");
        }
        let name = format!("distrogate-dev-ca-{:016x}.crt", u64::from_be_bytes(random));
        let path = env::temp_dir().join(name);
        files::create(&path, Access::Public, authority_pem)?;
        Ok(Self {
            path,
            temporary: true,
        })
    }
}

impl Drop for DevCaFile {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_file(&self.path)
        {
            debug!(%error, "Cannot remove the file with the development CA.");
        }
    }
}

/// What to do with a development server.
fn dev_hints(ca_file: &Path, address: SocketAddr) -> String {
    // An unspecified address is none to connect to.
    let mut target = address;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => target.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => target.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    let ca_file = ca_file.to_string_lossy();
    format!(
        "certificate to trust: {ca_file}\n\
         to post a review:\n  \
         curl --cacert {} -H 'Content-Type: application/json' --data-binary @{SAMPLE_REVIEW} \
         'https://{target}/validate'\n",
        quoted(&ca_file),
    )
}

/// For a POSIX shell.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
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
    fn a_certificate_or_dev_but_not_both() {
        Cli::command().debug_assert();
        let parse = |args: &[&str]| {
            Cli::try_parse_from([&["serve"], args].concat()).map_err(|error| error.kind())
        };
        parse(&["--dev"]).unwrap();
        parse(&["--tls-cert", "a", "--tls-key", "b"]).unwrap();
        for (args, expected) in [
            (&[][..], ErrorKind::MissingRequiredArgument),
            (&["--tls-cert", "a"], ErrorKind::MissingRequiredArgument),
            (&["--tls-key", "b"], ErrorKind::MissingRequiredArgument),
            (
                &["--dev", "--tls-cert", "a", "--tls-key", "b"],
                ErrorKind::ArgumentConflict,
            ),
            (&["--dev-ca-file", "c"], ErrorKind::MissingRequiredArgument),
        ] {
            assert_eq!(parse(args).unwrap_err(), expected, "{args:?}");
        }
    }

    #[test]
    fn the_command_can_be_pasted() {
        let hints =
            |file: &str, address: &str| dev_hints(Path::new(file), address.parse().unwrap());
        assert_eq!(
            hints("/run/ca.crt", "127.0.0.1:4433"),
            "certificate to trust: /run/ca.crt\n\
             to post a review:\n  \
             curl --cacert /run/ca.crt -H 'Content-Type: application/json' \
             --data-binary @tests/fixtures/helmrelease-two-distros-k3s-k8s-0.30/request.json \
             'https://127.0.0.1:4433/validate'\n",
        );
        let hints = hints("/run/it's.crt", "[::]:4433");
        assert!(hints.contains(r"--cacert '/run/it'\''s.crt' "), "{hints}");
        assert!(
            hints.ends_with("'https://[::1]:4433/validate'\n"),
            "{hints}"
        );
    }

    #[test]
    fn the_authority_is_in_a_new_file_that_goes_away() {
        let file = DevCaFile::write(None, "PEM").unwrap();
        let path = file.path.clone();
        assert_eq!(path.parent(), Some(env::temp_dir().as_path()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "PEM");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_asked_for_is_replaced_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.crt");
        for content in ["one", "two"] {
            drop(DevCaFile::write(Some(&path), content).unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }
}

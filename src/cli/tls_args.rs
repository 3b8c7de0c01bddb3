//! The flags that say how TLS is spoken, and with whom.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use time::OffsetDateTime;

use crate::certs::DevCertificate;
use crate::globs::Globs;
use crate::server::{
    CipherSuite, FileCertificate, FileClients, IssuedCertificate, MinVersion, TlsOptions, tls,
};
use crate::telemetry::Metrics;

/// How TLS is spoken, and with whom.
#[derive(Args, Clone, Debug)]
pub struct TlsArgs {
    /// Where the served certificate comes from; files, unless said otherwise
    #[arg(
        long,
        value_enum,
        value_name = "SOURCE",
        env = "DISTROGATE_CERTIFICATES",
        conflicts_with = "dev"
    )]
    pub certificates: Option<Certificates>,

    /// Certificate chain to serve, PEM, the server's own certificate first
    #[arg(
        long,
        value_name = "FILE",
        env = "DISTROGATE_TLS_CERT",
        required_unless_present_any = ["dev", "certificates"],
        required_if_eq("certificates", "files"),
        conflicts_with = "dev",
        requires = "tls_key"
    )]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "DISTROGATE_TLS_KEY",
        required_unless_present_any = ["dev", "certificates"],
        required_if_eq("certificates", "files"),
        conflicts_with = "dev",
        requires = "tls_cert"
    )]
    pub tls_key: Option<PathBuf>,

    /// Oldest TLS version to speak: 1.2 or 1.3
    #[arg(
        long,
        value_name = "VERSION",
        default_value_t,
        env = "DISTROGATE_TLS_MIN_VERSION"
    )]
    pub tls_min_version: MinVersion,

    /// Cipher suites to offer, by IANA's names, separated by commas; without it all that there are
    ///
    /// Those of TLS 1.3 too: a list without any of them leaves TLS 1.3 out.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        env = "DISTROGATE_TLS_CIPHER_SUITES"
    )]
    pub tls_cipher_suites: Vec<CipherSuite>,

    /// Take reviews only from clients with a certificate of a CA in this file, PEM
    #[arg(long, value_name = "FILE", env = "DISTROGATE_CLIENT_CA_FILE")]
    pub client_ca_file: Option<PathBuf>,

    /// And only if it has one of these names as common name or alternative name, separated by
    /// commas; * stands for any text
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        requires = "client_ca_file",
        env = "DISTROGATE_CLIENT_ALLOWED_NAMES"
    )]
    pub client_allowed_names: Vec<String>,
}

/// Where the served certificate comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Certificates {
    /// --tls-cert and --tls-key, followed as they change
    Files,
    /// A CA of the servers' own, kept in a Secret, renewed, and written into the webhooks' caBundle
    SelfManaged,
}

/// What comes of the flags.
pub(super) struct Tls {
    pub(super) config: ServerConfig,
    /// Whom reviews are taken from.
    pub(super) clients: Option<Arc<FileClients>>,
    /// The certificate in files, if it is in files.
    pub(super) certificate: Option<Arc<FileCertificate>>,
    /// The one that is issued while the server runs, if it is self-managed.
    pub(super) issued: Option<Arc<IssuedCertificate>>,
    /// With `--dev`: the authority's certificate that clients have to trust.
    pub(super) dev_authority: Option<String>,
}

impl TlsArgs {
    /// Reads the files, or makes a certificate for where it is listened.
    pub(super) fn load(&self, listen: &[SocketAddr], metrics: &Metrics) -> anyhow::Result<Tls> {
        let Self {
            certificates: source,
            tls_cert,
            tls_key,
            tls_min_version,
            tls_cipher_suites,
            client_ca_file: _,
            client_allowed_names: _,
        } = self;
        let clients = self.clients(metrics)?;
        let options = TlsOptions {
            min_version: *tls_min_version,
            cipher_suites: tls_cipher_suites.clone(),
            clients: clients.clone(),
        };
        let certificates: Arc<dyn ResolvesServerCert>;
        let (mut certificate, mut issued, mut dev_authority) = (None, None, None);
        if *source == Some(Certificates::SelfManaged) {
            if tls_cert.is_some() {
                bail!("--certificates=self-managed and --tls-cert cannot both be");
            }
            let awaited = IssuedCertificate::awaited(metrics.clone());
            certificates = Arc::clone(&awaited) as _;
            issued = Some(awaited);
        } else if let (Some(chain), Some(key)) = (tls_cert, tls_key) {
            let files = FileCertificate::load(chain.clone(), key.clone(), metrics.clone())?;
            certificates = Arc::clone(&files) as _;
            certificate = Some(files);
        } else {
            let (key, authority) = dev_certificate(listen, metrics)?;
            certificates = Arc::new(SingleCertAndKey::from(key));
            dev_authority = Some(authority);
        }
        Ok(Tls {
            config: tls::server_config_with(certificates, &options)?,
            clients,
            certificate,
            issued,
            dev_authority,
        })
    }

    fn clients(&self, metrics: &Metrics) -> anyhow::Result<Option<Arc<FileClients>>> {
        let Some(file) = &self.client_ca_file else {
            return Ok(None);
        };
        let names = &self.client_allowed_names;
        let allowed = Globs::parse(names.iter().map(String::as_str)).map_err(|(at, error)| {
            let name = names.get(at).map_or("", String::as_str);
            anyhow!("--client-allowed-names: {name} is no pattern: {error}")
        })?;
        let allowed = (!names.is_empty()).then_some(allowed);
        let clients = FileClients::load(file.clone(), allowed, metrics.clone())?;
        Ok(Some(clients))
    }
}

/// A certificate for the occasion, and what clients have to trust.
fn dev_certificate(
    listen: &[SocketAddr],
    metrics: &Metrics,
) -> anyhow::Result<(CertifiedKey, String)> {
    let ip = listen
        .first()
        .map_or(Ipv4Addr::LOCALHOST.into(), SocketAddr::ip);
    let DevCertificate {
        authority_pem,
        leaf,
    } = DevCertificate::generate(OffsetDateTime::now_utc(), ip)?;
    metrics.certificate(leaf.validity().not_after.unix_timestamp());
    let key = CertifiedKey::from_der(leaf.chain(), leaf.key(), &tls::provider())
        .context("cannot use the certificate just made")?;
    Ok((key, authority_pem))
}

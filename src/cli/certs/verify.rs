//! `distrogate certs verify`: whether what a server shows is trusted by those that call it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use hyper::Uri;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::time::timeout;

use crate::certs::Certificate;
use crate::cli::cluster_args::ClusterArgs;
use crate::cli::probe::{Target, trusting, trusting_pem};
use crate::cli::{FOUND, output};
use crate::cluster::{Store, trusted};

/// As long as the API server waits.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// The arguments of `certs verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// Address of the server, without a path
    #[arg(long, value_name = "URL")]
    pub url: Uri,

    /// Name that the certificate has to have, such as distrogate.distrogate-system.svc; without it
    /// the host of the address
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,

    /// Certificates to trust, PEM, instead of those that the webhooks trust
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Where the API server is.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

pub(super) async fn run(args: &VerifyArgs) -> anyhow::Result<u8> {
    let VerifyArgs {
        url,
        server_name,
        ca_file,
        cluster,
    } = args;
    let mut target = Target::of(url)?;
    if let Some(name) = server_name {
        target.name = ServerName::try_from(name.clone())
            .with_context(|| format!("--server-name: {name} is no name of a server"))?;
    }
    let mut code = 0;
    for (who, tls) in trusters(ca_file.as_ref(), cluster).await? {
        let trusts = match tls {
            Some(tls) => trusts(&target, tls).await?,
            None => Err("it trusts nobody".to_owned()),
        };
        let words = match trusts {
            Ok(()) => format!("{who} trusts {url}\n"),
            Err(why) => {
                code = FOUND;
                format!("{who} does not trust {url}: {why}\n")
            }
        };
        output::print(&words).context("cannot write to standard output")?;
    }
    Ok(code)
}

/// Who is to trust the server, and how they do.
async fn trusters(
    ca_file: Option<&PathBuf>,
    cluster: &ClusterArgs,
) -> anyhow::Result<Vec<(String, Option<ClientConfig>)>> {
    if let Some(file) = ca_file {
        return Ok(vec![(file.display().to_string(), Some(trusting(file)?))]);
    }
    // nothing in the namespace is asked for
    let store = Store::new(&cluster.client().await?, "default");
    let live = store.configurations().await?;
    let mut all = Vec::new();
    for live in live.iter().flatten() {
        let name = live.metadata.name.clone().unwrap_or_default();
        let pem: String = trusted(live).iter().map(Certificate::pem).collect();
        let tls = (!pem.is_empty()).then(|| trusting_pem(pem.as_bytes(), &name));
        all.push((name, tls.transpose()?));
    }
    if all.is_empty() {
        bail!("no webhook configuration of distrogate is registered");
    }
    Ok(all)
}

/// A handshake: the outer error is one of the way there.
async fn trusts(target: &Target, tls: ClientConfig) -> anyhow::Result<Result<(), String>> {
    let connected = timeout(HANDSHAKE, target.connect(tls)).await;
    let connected = connected.map_err(|_elapsed| anyhow!("no answer in time"))?;
    let Err(error) = connected else {
        return Ok(Ok(()));
    };
    let source = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    let source = source.and_then(|source| source.downcast_ref::<rustls::Error>());
    match source {
        Some(rustls::Error::InvalidCertificate(why)) => Ok(Err(why.to_string())),
        _ => Err(error),
    }
}

//! `distrogate probe`: asks a server as the API server would, and says what it answers.
//!
//! A review of a config that no virtual cluster can start with goes the whole way: name, address,
//! TLS with the CA that the webhooks trust, answer. Which answer that is depends on the policy.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Uri;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{FOUND, output};
use crate::server::tls;

/// As long as the API server waits.
const ANSWER: Duration = Duration::from_secs(5);
/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// An answer is far smaller.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// What the answer has to bring back.
const UID: &str = "6d1f7a52-6c5e-4f0b-9d0e-5f6a1f0d7c11";

/// The arguments of `probe`.
#[derive(Args, Clone, Debug)]
pub struct ProbeArgs {
    /// Address of the server, without a path
    #[arg(long, value_name = "URL")]
    pub url: Uri,

    /// Certificates that the server is trusted by, PEM: those in the webhooks' `caBundle`
    #[arg(long, value_name = "FILE")]
    pub ca_file: PathBuf,

    /// Seconds in which it has to answer; without it there is one attempt
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u16,
}

/// Asks until there is an answer or no time left.
pub async fn run(args: &ProbeArgs) -> anyhow::Result<u8> {
    let ProbeArgs { url, ca_file, wait } = args;
    let target = Target::of(url)?;
    let url = url.to_string();
    let url = url.trim_end_matches('/');
    let until = Instant::now() + Duration::from_secs((*wait).into());
    let answer = loop {
        // read each time: what is mounted may come late, and be renewed
        let attempt = async { target.ask(trusting(ca_file)?).await };
        let attempt = timeout(ANSWER, attempt).await;
        match attempt.unwrap_or_else(|_| Err(anyhow!("no answer in {} s", ANSWER.as_secs()))) {
            Err(_) if Instant::now() + PAUSE < until => sleep(PAUSE).await,
            attempt => break attempt.with_context(|| url.to_owned())?,
        }
    };
    let (code, words) = judge(&answer);
    output::print(&format!("{url} {words}\n")).context("cannot write to standard output")?;
    Ok(code)
}

/// Exit code and words for an answer.
fn judge(answer: &Value) -> (u8, String) {
    let response = &answer.get("response").unwrap_or(&Value::Null);
    let uid = response.get("uid").and_then(Value::as_str);
    let allowed = response.get("allowed").and_then(Value::as_bool);
    match (uid, allowed) {
        (Some(UID), Some(false)) => (0, "answers: two distros are refused".to_owned()),
        (Some(UID), Some(true)) => (0, "answers: two distros are let through".to_owned()),
        _ => (
            FOUND,
            "answers something that is no review of what was asked".to_owned(),
        ),
    }
}

/// Where to ask.
pub(super) struct Target {
    host: String,
    port: u16,
    /// What the certificate has to name.
    pub(super) name: ServerName<'static>,
}

impl Target {
    /// At an address without a path.
    pub(super) fn of(url: &Uri) -> anyhow::Result<Self> {
        let host = url.host().filter(|_| url.scheme_str() == Some("https"));
        let Some(host) = host.filter(|_| ["", "/"].contains(&url.path())) else {
            bail!("--url has to be https://HOST or https://HOST:PORT");
        };
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(host.clone())
            .with_context(|| format!("--url: {host} is no name of a server"))?;
        let port = url.port_u16().unwrap_or(443);
        Ok(Self { host, port, name })
    }

    /// A connection, once the handshake is done.
    pub(super) async fn connect(&self, tls: ClientConfig) -> anyhow::Result<TlsStream<TcpStream>> {
        let Self { host, port, name } = self;
        let stream = TcpStream::connect((&**host, *port))
            .await
            .context("cannot connect")?;
        let connector = TlsConnector::from(Arc::new(tls));
        Ok(connector.connect(name.clone(), stream).await?)
    }

    /// One review.
    async fn ask(&self, tls: ClientConfig) -> anyhow::Result<Value> {
        let stream = self.connect(tls).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = hyper::Request::post("/validate?timeout=5s")
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(review().to_string())))?;
        let answer = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
                .collect()
                .await;
            let body = body.map_err(|error| anyhow!(error))?.to_bytes();
            if !status.is_success() {
                bail!("answers {status}");
            }
            serde_json::from_slice(&body).context("answers what is no JSON")
        };
        tokio::select! {
            answer = answer => answer,
            // ended before there was an answer
            ended = connection => {
                ended?;
                bail!("ends the connection without an answer")
            }
        }
    }
}

/// TLS that trusts these certificates and no others.
pub(super) fn trusting(file: &Path) -> anyhow::Result<ClientConfig> {
    let shown = file.display();
    let pem = std::fs::read(file).with_context(|| shown.to_string())?;
    trusting_pem(&pem, &shown.to_string())
}

/// The same with a text from somewhere.
pub(super) fn trusting_pem(pem: &[u8], shown: &str) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| anyhow!("{shown}: is no PEM"))?;
        roots.add(certificate).with_context(|| shown.to_string())?;
    }
    if roots.is_empty() {
        bail!("{shown}: has to hold certificates in PEM");
    }
    Ok(ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// A config that no virtual cluster can start with.
fn review() -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": "helm.toolkit.fluxcd.io", "version": "v2", "kind": "HelmRelease"},
            "resource": {
                "group": "helm.toolkit.fluxcd.io",
                "version": "v2",
                "resource": "helmreleases",
            },
            "namespace": "distrogate-probe",
            "name": "probe",
            "operation": "CREATE",
            "userInfo": {"username": "distrogate-probe"},
            "object": {
                "apiVersion": "helm.toolkit.fluxcd.io/v2",
                "kind": "HelmRelease",
                "metadata": {"namespace": "distrogate-probe", "name": "probe"},
                "spec": {
                    "chart": {"spec": {"chart": "vcluster", "version": "0.30.4"}},
                    "values": {"controlPlane": {"distro": {
                        "k3s": {"enabled": true},
                        "k8s": {"enabled": true},
                    }}},
                },
            },
            "oldObject": null,
            "dryRun": true,
            "options": null,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_webhooks() {
        for (url, host, port) in [
            (
                "https://distrogate.distrogate-system.svc",
                "distrogate.distrogate-system.svc",
                443,
            ),
            ("https://localhost:8443/", "localhost", 8443),
            ("https://[::1]:8443", "::1", 8443),
        ] {
            let target = Target::of(&url.parse().unwrap()).unwrap();
            assert_eq!((&*target.host, target.port), (host, port));
        }
        for url in [
            "http://localhost",
            "localhost:8443",
            "https://localhost/validate",
        ] {
            let error = Target::of(&url.parse().unwrap()).err().unwrap();
            assert_eq!(
                error.to_string(),
                "--url has to be https://HOST or https://HOST:PORT"
            );
        }
    }

    #[test]
    fn only_an_answer_to_what_was_asked_counts() {
        let refused = "answers: two distros are refused";
        let let_through = "answers: two distros are let through";
        let other = "answers something that is no review of what was asked";
        for (answer, code, words) in [
            (
                json!({"response": {"uid": UID, "allowed": false}}),
                0,
                refused,
            ),
            (
                json!({"response": {"uid": UID, "allowed": true}}),
                0,
                let_through,
            ),
            (
                json!({"response": {"uid": "1", "allowed": true}}),
                FOUND,
                other,
            ),
            (json!({"response": {"uid": UID}}), FOUND, other),
            (json!([]), FOUND, other),
        ] {
            assert_eq!(judge(&answer), (code, words.to_owned()), "{answer}");
        }
    }
}

//! The program itself: `distrogate serve --dev`, from its first line to its exit code.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use distrogate::server::tls;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::support::file;

/// Ended with the test, however that ends.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_development_server_says_where_it_is_and_ends_cleanly() {
    let command = Command::new(env!("CARGO_BIN_EXE_distrogate"))
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running(command.unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);

    let first = lines.next().unwrap();
    let address = first.strip_prefix("listening on https://").unwrap();
    let address: SocketAddr = address.parse().unwrap();
    assert_ne!(address.port(), 0);
    let second = lines.next().unwrap();
    let ca_file = second.strip_prefix("certificate to trust: ").unwrap();
    assert_eq!(lines.next().unwrap(), "to post a review:");
    let command = lines.next().unwrap();
    assert!(
        command.starts_with(&format!("  curl --cacert {ca_file} -H ")),
        "{command}"
    );
    assert!(
        command.ends_with(&format!(" 'https://{address}/validate'")),
        "{command}"
    );

    let admin = lines.next().unwrap();
    assert!(
        admin.starts_with("probes and metrics: http://127.0.0.1:"),
        "{admin}"
    );

    assert!(get(address, ca_file, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));

    let refused = post(
        address,
        ca_file,
        "/validate",
        "helmrelease-two-distros-k3s-k8s-0.30",
    );
    assert_eq!(refused["allowed"], false);
    assert_eq!(
        refused["uid"].as_str().map(str::len),
        Some(36),
        "the request's own"
    );
    assert_eq!(
        refused["status"]["message"],
        "HelmRelease team-a/dev (vCluster chart 0.30.4) refused:\n  \
         spec.values.controlPlane.distro: only one distro can be enabled at the same time, \
         found k3s and k8s [only-one-distro]\n    \
         fix: set controlPlane.distro.k3s.enabled to false",
    );
    let documented = post(
        address,
        ca_file,
        "/mutate",
        "helmrelease-documented-k8s-0.20",
    );
    assert_eq!(documented["patchType"], "JSONPatch");
    post(address, ca_file, "/validate", "secret-untouched-annotate");

    let pid = running.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert_eq!(lines.next(), None);
    fs::metadata(ca_file).unwrap_err();
    let mut log = String::new();
    running
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(log.contains("INFO"), "{log}");
    for line in [
        "decision=\"denied\" rules=only-one-distro=deny at spec.values.controlPlane.distro",
        "decision=\"patched\"",
        "decision=\"unchanged\"",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains('\u{1b}'), "no colour for a pipe: {log}");
}

/// Everything that the server says to a request without a body.
fn get(address: SocketAddr, ca_file: &str, path: &str) -> String {
    exchange(address, ca_file, &format!("GET {path} HTTP/1.1\r\n"), "")
}

/// The response to the review of a fixture.
pub(crate) fn post(address: SocketAddr, ca_file: &str, path: &str, case: &str) -> Value {
    let body = fs::read_to_string(file(&format!("tests/fixtures/{case}/request.json"))).unwrap();
    let head = format!(
        "POST {path}?timeout=5s HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len(),
    );
    let answer = exchange(address, ca_file, &head, &body);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["response"].take()
}

/// Everything that the server says to a request, trusting what is in the file.
pub(crate) fn exchange(address: SocketAddr, ca_file: &str, head: &str, body: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca_file).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    let request = format!("{head}Host: localhost\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

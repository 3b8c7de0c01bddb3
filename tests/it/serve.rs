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

use crate::support::{distrogate, file};

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

/// Runs a development server; gives its address and the file with the certificate to trust.
fn development_server(arguments: &[&str]) -> (Running, SocketAddr, String) {
    let command = distrogate()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(command.unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut after = |start: &str| {
        let line = lines.next().unwrap().unwrap();
        line.strip_prefix(start).unwrap().to_owned()
    };
    let address = after("listening on https://").parse().unwrap();
    (running, address, after("certificate to trust: "))
}

fn signal(running: &Running, name: &str) {
    let pid = running.0.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn between_signal_and_end_reviews_are_answered() {
    let (mut running, address, ca_file) = development_server(&["--shutdown-delay", "1h"]);
    signal(&running, "-TERM");
    // until the signal has come
    while !get(address, &ca_file, "/readyz").starts_with("HTTP/1.1 503 ") {}
    post(address, &ca_file, "/validate", "secret-untouched-annotate");
    assert!(get(address, &ca_file, "/livez").starts_with("HTTP/1.1 200 "));
    signal(&running, "-TERM");
    // at once, and not in an hour; a connection that it has not seen closed yet is cut, which is 3
    let code = running.0.wait().unwrap().code();
    assert!(matches!(code, Some(0 | 3)), "{code:?}");
}

/// What stands behind a word of the log, up to the next blank.
fn logged(line: &str, word: &str) -> Option<String> {
    let (_, rest) = line.split_once(word)?;
    rest.split_whitespace().next().map(str::to_owned)
}

#[test]
fn a_full_disk_and_a_read_only_one_do_not_stop_the_server() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let command = distrogate()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        // nobody can make a file there
        .env("TMPDIR", "/proc")
        .stdout(full.unwrap())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running(command.unwrap());
    let mut lines = BufReader::new(running.0.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut next = |word: &str| lines.find_map(|line| logged(&line, word)).unwrap();
    assert_eq!(next("No file with the certificate to "), "trust:");
    let address: SocketAddr = next("Listening. address=").parse().unwrap();
    assert_eq!(next("Cannot write to standard "), "output.");
    TcpStream::connect(address).unwrap();
    signal(&running, "-TERM");
    assert_eq!(running.0.wait().unwrap().code(), Some(0));

    let output = distrogate()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .args(["--dev-ca-file", "/proc/ca.crt"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("error: cannot write /proc/ca.crt: "),
        "{said}"
    );
}

#[test]
fn a_log_that_nobody_takes_does_not_stop_the_server() {
    let full_disk = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    for log in [Stdio::piped(), full_disk.into()] {
        let command = distrogate()
            .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
            .args(["--log-level", "trace"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut running = Running(command.unwrap());
        drop(running.0.stderr.take());
        let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        let mut after = |start: &str| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(start).unwrap().to_owned()
        };
        let address = after("listening on https://").parse().unwrap();
        let ca_file = after("certificate to trust: ");
        drop(lines);
        for _ in 0..2 {
            post(address, &ca_file, "/validate", "secret-untouched-annotate");
        }
        signal(&running, "-TERM");
        assert_eq!(running.0.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_server_with_few_files_keeps_some_for_itself() {
    let command = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_distrogate"))
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(command.unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut after = |start: &str| {
        let line = lines.next().unwrap().unwrap();
        line.strip_prefix(start).unwrap().to_owned()
    };
    let address: SocketAddr = after("listening on https://").parse().unwrap();
    let ca_file = after("certificate to trust: ");

    let mut early = connect(address, &ca_file);
    let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut ask = |what: &str| {
        early.write_all(request.as_bytes()).unwrap();
        let mut start = [0; 15];
        early.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK", "{what}");
        let mut byte = [0; 1];
        let mut rest = Vec::new();
        while !rest.ends_with(b"\r\n\r\nok") {
            early.read_exact(&mut byte).unwrap();
            rest.push(byte[0]);
        }
    };
    ask("alone");
    let others: Vec<_> = (0..100).map(|_| TcpStream::connect(address)).collect();
    ask("among many");
    let open = fs::read_dir(format!("/proc/{}/fd", running.0.id())).unwrap();
    assert!(open.count() < 60, "some files are left");
    drop(others);
    assert!(get(address, &ca_file, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_server_that_runs_out_of_files_goes_on_when_there_are_some() {
    // Its own are more than half of these, which are kept for connections.
    let command = Command::new("sh")
        .args(["-c", "ulimit -n 24 && exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_distrogate"))
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running(command.unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut after = |start: &str| {
        let line = lines.next().unwrap().unwrap();
        line.strip_prefix(start).unwrap().to_owned()
    };
    let address: SocketAddr = after("listening on https://").parse().unwrap();
    let ca_file = after("certificate to trust: ");
    let log = BufReader::new(running.0.stderr.take().unwrap());
    let mut log = log.lines().map(Result::unwrap);

    let others: Vec<_> = (0..40).map(|_| TcpStream::connect(address)).collect();
    let said = log.find(|line| line.contains("Cannot accept a connection."));
    let said = said.expect("an end of files");
    assert!(said.contains("Too many open files"), "{said}");
    drop(others);
    assert!(get(address, &ca_file, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
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
    let mut stream = connect(address, ca_file);
    let request = format!("{head}Host: localhost\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A connection that trusts what is in the file.
pub(crate) fn connect(
    address: SocketAddr,
    ca_file: &str,
) -> StreamOwned<ClientConnection, TcpStream> {
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
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

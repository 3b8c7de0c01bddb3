//! `distrogate serve --dev` as a process of its own, for tests of what it says about itself.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use distrogate::server::tls;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::process::until;
use crate::support::{distrogate, file};

/// How long anything may take that is waited for.
const DEADLINE: Duration = Duration::from_mins(1);

/// A running development server. It is killed when this is dropped.
pub(crate) struct DevServer {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
    printed: Vec<String>,
    ca_file: String,
    /// Where reviews go.
    pub(crate) address: SocketAddr,
    /// Where probes and scrapers go.
    pub(crate) admin: SocketAddr,
    home: TempDir,
    /// How many bytes of the log [`line`](Self::line) has looked at.
    read: usize,
}

impl DevServer {
    /// Starts it with these flags.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = distrogate();
        command
            .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
            .args(arguments);
        Self::start_by(command)
    }

    /// Starts it by a command that comes down to `distrogate serve --dev`.
    pub(crate) fn start_by(command: Command) -> Self {
        let home = tempfile::tempdir().unwrap();
        let log = File::create(home.path().join("log")).unwrap();
        Self::start_at(home, command, log.into())
    }

    /// Starts it with its log going elsewhere: [`log`](Self::log) finds nothing.
    pub(crate) fn start_logging_to(log: Stdio, command: Command) -> Self {
        let home = tempfile::tempdir().unwrap();
        File::create(home.path().join("log")).unwrap();
        Self::start_at(home, command, log)
    }

    fn start_at(home: TempDir, mut command: Command, log: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = stdout.lines().map(Result::unwrap);
        let mut printed = Vec::new();
        let mut said = |before: &str| -> String {
            for line in lines.by_ref() {
                printed.push(line.clone());
                if let Some(rest) = line.strip_prefix(before) {
                    return rest.to_owned();
                }
            }
            let log = fs::read_to_string(home.path().join("log")).unwrap();
            panic!("it does not say: {before}\n{log}");
        };
        let address = said("listening on https://").parse().unwrap();
        let ca_file = said("certificate to trust: ");
        let admin = said("probes and metrics: http://").parse().unwrap();
        Self {
            child,
            lines: Box::new(lines),
            printed,
            ca_file,
            address,
            admin,
            home,
            read: 0,
        }
    }

    /// The file with the certificate to trust.
    pub(crate) fn ca_file(&self) -> &str {
        &self.ca_file
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the admin port answers to a request: head and body.
    pub(crate) fn admin(&self, request: &str) -> String {
        ask(self.admin, request)
    }

    /// What a scrape without wishes finds.
    pub(crate) fn scrape(&self) -> String {
        let answer = self.admin("GET /metrics HTTP/1.1\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        body.to_owned()
    }

    /// The response to a review, and the whole answer's text.
    pub(crate) fn post(&self, path: &str, body: &str) -> (Value, String) {
        let head = format!(
            "POST {path}?timeout=10s HTTP/1.1\r\nContent-Type: application/json\r\n\
             Authorization: Bearer hunter2canary\r\nContent-Length: {}\r\n",
            body.len(),
        );
        let answer = exchange(self.address, &self.ca_file, &head, body);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let review: Value = serde_json::from_str(body).unwrap_or_default();
        (review["response"].clone(), answer)
    }

    /// The response to the review of a fixture.
    pub(crate) fn review(&self, path: &str, case: &str) -> Value {
        post(self.address, &self.ca_file, path, case)
    }

    /// Everything that it says to a request without a body.
    pub(crate) fn get(&self, path: &str) -> String {
        get(self.address, &self.ca_file, path)
    }

    /// The next line of its log with these words, as soon as there is one.
    pub(crate) fn line(&mut self, words: &str) -> String {
        let (line, read) = until(words, DEADLINE, || {
            let log = self.log();
            let (mut read, mut last) = (self.read, "");
            for line in log.get(read..).unwrap_or_default().split_inclusive('\n') {
                read += line.len();
                if line.ends_with('\n') && line.contains(words) {
                    return Ok((line.trim_end().to_owned(), read));
                }
                last = line;
            }
            Err(format!("the log ends with: {last}"))
        });
        self.read = read;
        line
    }

    /// Sends it a signal, as `kill` names it.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// How it ended, as soon as it has.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        until("its end", DEADLINE, || {
            let status = self.child.try_wait().unwrap();
            status.map(|status| status.code()).ok_or_else(|| self.log())
        })
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap()
    }

    fn log_file(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// Ends it, and gives all that it wrote: the lines of standard output, and the log.
    pub(crate) fn stop(mut self) -> (Vec<String>, String) {
        self.signal("-TERM");
        assert_eq!(self.exit_code(), Some(0), "{}", self.log());
        let mut printed = std::mem::take(&mut self.printed);
        printed.extend(self.lines.by_ref());
        (printed, self.log())
    }
}

impl Drop for DevServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What an admin port answers to a request: head and body.
pub(crate) fn ask(admin: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    let request = format!("{request}Host: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Sends a child a signal, as `kill` names it.
pub(crate) fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status();
    assert!(sent.unwrap().success());
}

/// Everything that the server says to a request without a body.
pub(crate) fn get(address: SocketAddr, ca_file: &str, path: &str) -> String {
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

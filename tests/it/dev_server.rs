//! `distrogate serve --dev` as a process of its own, for tests of what it says about itself.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::serve::exchange;
use crate::support::distrogate;

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
}

impl DevServer {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let log = File::create(home.path().join("log")).unwrap();
        let mut child = distrogate()
            .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
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

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap()
    }

    fn log_file(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// Ends it, and gives all that it wrote: standard output, then standard error.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        let kill = std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.log());
        let mut printed = std::mem::take(&mut self.printed);
        printed.extend(self.lines.by_ref());
        printed.join("\n") + &self.log()
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

//! The program itself: `distrogate serve --dev`, from its first line to its exit code.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::dev_server::{DevServer, connect, signal};
use crate::support::distrogate;

#[test]
fn a_development_server_says_where_it_is_and_ends_cleanly() {
    let server = DevServer::start(&[]);
    let (address, ca_file) = (server.address, server.ca_file().to_owned());
    assert_ne!(address.port(), 0);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200 OK\r\n"));

    let refused = server.review("/validate", "helmrelease-two-distros-k3s-k8s-0.30");
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
    let documented = server.review("/mutate", "helmrelease-documented-k8s-0.20");
    assert_eq!(documented["patchType"], "JSONPatch");
    server.review("/validate", "secret-untouched-annotate");

    let admin = server.admin;
    let (printed, log) = server.stop();
    let [listening, certificate, post, command, probes] = printed.as_slice() else {
        panic!("{printed:?}");
    };
    assert_eq!(*listening, format!("listening on https://{address}"));
    assert_eq!(*certificate, format!("certificate to trust: {ca_file}"));
    assert_eq!(post, "to post a review:");
    assert!(
        command.starts_with(&format!("  curl --cacert {ca_file} -H ")),
        "{command}"
    );
    assert!(
        command.ends_with(&format!(" 'https://{address}/validate'")),
        "{command}"
    );
    assert_eq!(*probes, format!("probes and metrics: http://{admin}"));
    fs::metadata(ca_file).unwrap_err();
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

#[test]
fn between_signal_and_end_reviews_are_answered() {
    let mut server = DevServer::start(&["--shutdown-delay", "1h"]);
    server.signal("-TERM");
    // until the signal has come
    while !server.get("/readyz").starts_with("HTTP/1.1 503 ") {}
    server.review("/validate", "secret-untouched-annotate");
    assert!(server.get("/livez").starts_with("HTTP/1.1 200 "));
    server.signal("-TERM");
    // at once, and not in an hour; a connection that it has not seen closed yet is cut, which is 3
    let code = server.exit_code();
    assert!(matches!(code, Some(0 | 3)), "{code:?}");
}

/// Ended with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
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
    signal(&running.0, "-TERM");
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
    let (nobody, pipe) = io::pipe().unwrap();
    drop(nobody);
    for log in [pipe.into(), full_disk.into()] {
        let mut command = distrogate();
        command.args(["serve", "--dev", "--listen", "127.0.0.1:0"]);
        command.args(["--log-level", "trace"]);
        let server = DevServer::start_logging_to(log, command);
        for _ in 0..2 {
            server.review("/validate", "secret-untouched-annotate");
        }
        server.stop();
    }
}

#[test]
fn a_server_with_few_files_keeps_some_for_itself() {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 64 && exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_distrogate"))
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"]);
    let server = DevServer::start_by(command);

    let mut early = connect(server.address, server.ca_file());
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
    let others: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(server.address))
        .collect();
    ask("among many");
    assert!(open_files(&server) < 60, "some files are left");
    drop(others);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn a_server_that_runs_out_of_files_goes_on_when_there_are_some() {
    let mut server = DevServer::start(&[]);
    // less than it was promised when it started: it cannot know
    let few = open_files(&server) + 4;
    let changed = Command::new("prlimit")
        .args([
            "--pid",
            &server.id().to_string(),
            &format!("--nofile={few}:"),
        ])
        .status();
    assert!(changed.unwrap().success());
    let others: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(server.address))
        .collect();
    let said = server.line("Cannot accept a connection.");
    assert!(said.contains("Too many open files"), "{said}");
    drop(others);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
}

fn open_files(server: &DevServer) -> usize {
    let files = fs::read_dir(format!("/proc/{}/fd", server.id()));
    files.unwrap().count()
}

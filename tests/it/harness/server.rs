//! Our own binary, serving.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::certificates::Certificates;
use super::process::Process;

/// From start to the line that says where it listens.
const LISTENING_WITHIN: Duration = Duration::from_secs(30);

/// What stands before the address in that line.
const GREETING: &str = "listening on ";

/// A running `distrogate serve`.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    url: String,
    admin: String,
}

/// What stands before the admin port's address in the line after that.
const ADMIN: &str = "probes and metrics: ";

impl Server {
    /// Starts it with the built-in policy, on a port of its own choice.
    pub(crate) fn start(certificates: &Certificates, dir: &Path) -> Self {
        Self::start_also(certificates, dir, &[])
    }

    /// The same with more flags.
    pub(crate) fn start_also(certificates: &Certificates, dir: &Path, flags: &[&str]) -> Self {
        let files = [certificates.certificate(), certificates.key()];
        Self::start_at("127.0.0.1:0", &files, flags, dir)
    }

    /// Starts it at an address, with a certificate and its key, and with more flags.
    pub(crate) fn start_at(
        listen: &str,
        [certificate, key]: &[PathBuf; 2],
        flags: &[&str],
        dir: &Path,
    ) -> Self {
        let mut arguments: Vec<OsString> = vec![
            "--listen".into(),
            listen.into(),
            "--tls-cert".into(),
            certificate.into(),
            "--tls-key".into(),
            key.into(),
        ];
        arguments.extend(flags.iter().map(OsString::from));
        Self::start_with(&arguments, dir)
    }

    /// Starts it with these arguments after `serve`; `dir` takes its log.
    pub(crate) fn start_with(arguments: &[OsString], dir: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distrogate"));
        command
            .env_clear()
            // Set when coverage is measured.
            .envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)))
            .args(["serve", "--admin-listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped());
        let mut process = Process::start("distrogate", &mut command, dir);
        let lines = lines_of(process.take_stdout().expect("a piped standard output"));
        let [url, admin] = [GREETING, ADMIN].map(|greeting| {
            let line = lines.recv_timeout(LISTENING_WITHIN).unwrap_or_else(|_| {
                panic!("distrogate serve says nothing:\n{}", process.log_tail());
            });
            line.strip_prefix(greeting)
                .unwrap_or_else(|| panic!("distrogate serve says instead of {greeting}: {line}"))
                .to_owned()
        });
        Self {
            process,
            url,
            admin,
        }
    }

    /// Where its probes and metrics are: `http://127.0.0.1:PORT`.
    pub(crate) fn admin(&self) -> &str {
        &self.admin
    }

    /// A page of its admin port, with its head.
    pub(crate) fn admin_page(&self, path: &str) -> String {
        let address = self.admin.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("the admin port");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("an answer");
        page
    }

    /// Where it listens: `https://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The last lines of its log.
    pub(crate) fn log_tail(&self) -> String {
        self.process.log_tail()
    }
}

/// Lines as they come. Read to the end even if nobody listens any more, so that
/// the writer never waits for a full pipe.
fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            drop(sender.send(line));
        }
    });
    receiver
}

//! Our own binary, serving.

use std::io::{BufRead as _, BufReader};
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
}

impl Server {
    /// Starts it with the built-in policy, on a port of its own choice.
    pub(crate) fn start(certificates: &Certificates, dir: &Path) -> Self {
        let files = [certificates.certificate(), certificates.key()];
        Self::start_at("127.0.0.1:0", &files, &[], dir)
    }

    /// Starts it at an address, with a certificate and its key, and with more arguments.
    pub(crate) fn start_at(
        listen: &str,
        [certificate, key]: &[PathBuf; 2],
        arguments: &[&str],
        dir: &Path,
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_distrogate"));
        command
            .env_clear()
            // Set when coverage is measured.
            .envs(std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file)))
            .args(["serve", "--listen", listen])
            .args(["--admin-listen", "127.0.0.1:0", "--tls-cert"])
            .arg(certificate)
            .arg("--tls-key")
            .arg(key)
            .args(arguments)
            .stdout(Stdio::piped());
        let mut process = Process::start("distrogate", &mut command, dir);
        let lines = lines_of(process.take_stdout().expect("a piped standard output"));
        let line = lines.recv_timeout(LISTENING_WITHIN).unwrap_or_else(|_| {
            panic!("distrogate serve says nothing:\n{}", process.log_tail());
        });
        let url = line
            .strip_prefix(GREETING)
            .unwrap_or_else(|| panic!("distrogate serve starts with: {line}"))
            .to_owned();
        Self { process, url }
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

//! Child processes, and waiting with an end.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long [`until`] sleeps between two questions.
const PAUSE: Duration = Duration::from_millis(100);

/// How many lines of a log make it into a panic message.
const LOG_LINES: usize = 20;

/// A running program. It is killed when this is dropped, in a panic too.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; standard error goes to `NAME.log` in `dir`.
    pub(crate) fn start(name: &'static str, command: &mut Command, dir: &Path) -> Self {
        let log = dir.join(format!("{name}.log"));
        let file = File::create(&log).expect("a log file in our own folder");
        let child = command
            .stdin(Stdio::null())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { name, child, log }
    }

    /// Standard output, if it was piped and not taken before.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("the end of our own child");
    }

    /// Panics with the end of the log if the program has ended by itself.
    pub(crate) fn assert_running(&mut self) {
        let status = self.child.try_wait().expect("the state of our own child");
        if let Some(status) = status {
            panic!(
                "{} has ended with {status}:\n{}",
                self.name,
                self.log_tail()
            );
        }
    }

    /// The last lines that the program wrote to standard error.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines
            .get(lines.len().saturating_sub(LOG_LINES)..)
            .unwrap_or_default()
            .join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended before; there is nobody to tell in a drop.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `N` different free ports on 127.0.0.1. All are held until the last is found,
/// then let go: whoever wants one should take it at once.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("a bound socket").port())
}

/// Asks until the answer is yes. Panics with the last no after `limit`.
pub(crate) fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Result<T, String>,
) -> T {
    let end = Instant::now() + limit;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(why) if Instant::now() >= end => panic!("{what}: not within {limit:?}: {why}"),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

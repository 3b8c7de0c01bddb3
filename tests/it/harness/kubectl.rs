//! `kubectl` as one user, with nothing of this machine's own configuration.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// No call takes longer; a webhook's own limit is far below.
const REQUEST_TIMEOUT: &str = "--request-timeout=20s";

/// A user's `kubectl`.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    binary: PathBuf,
    home: PathBuf,
    config: Option<PathBuf>,
    user: String,
}

/// What one call said.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether it exited with 0.
    pub(crate) ok: bool,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error: where a refusal is.
    pub(crate) stderr: String,
}

impl Kubectl {
    /// For commands that need no cluster. `home` takes kubectl's caches.
    pub(crate) fn offline(assets: Option<&Path>, home: &Path) -> Self {
        let bundled = assets
            .map(|assets| assets.join("kubectl"))
            .filter(|path| path.exists());
        Self {
            binary: bundled.unwrap_or_else(|| PathBuf::from("kubectl")),
            home: home.to_owned(),
            config: None,
            user: String::new(),
        }
    }

    /// The same program as a user of a kubeconfig whose contexts are called as its
    /// users (some commands have a `--user` of their own).
    pub(crate) fn as_user(&self, config: &Path, user: &str) -> Self {
        Self {
            config: Some(config.to_owned()),
            user: user.to_owned(),
            ..self.clone()
        }
    }

    /// Runs kubectl with `input` on its standard input.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Outcome {
        let Self {
            binary,
            home,
            config,
            user,
        } = self;
        let mut command = Command::new(binary);
        command.env_clear().env("HOME", home).args(arguments);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        if let Some(config) = config {
            command
                .arg("--kubeconfig")
                .arg(config)
                .args(["--context", user, REQUEST_TIMEOUT]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", binary.display()));
        // Dropped at the end of the statement: kubectl sees the end of its input.
        // One that never reads has closed the pipe, and its exit code says why.
        drop(
            child
                .stdin
                .take()
                .map(|mut stdin| stdin.write_all(input.as_bytes())),
        );
        let output = child.wait_with_output().expect("the end of our own child");
        Outcome {
            ok: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it and insists on success.
    pub(crate) fn must(&self, arguments: &[&str], input: &str) -> String {
        let outcome = self.run(arguments, input);
        assert!(
            outcome.ok,
            "kubectl {}: {}",
            arguments.join(" "),
            outcome.stderr
        );
        outcome.stdout
    }

    /// One object as the API server stores it.
    pub(crate) fn stored(&self, arguments: &[&str]) -> Value {
        let json = self.must(&[&["get", "-o", "json"], arguments].concat(), "");
        serde_json::from_str(&json).expect("kubectl's own JSON")
    }
}

//! Certificates for everything that listens, from `distrogate certs init`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a CA and a certificate for this machine's loopback names.
#[derive(Debug)]
pub(crate) struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Makes them in `dir`.
    pub(crate) fn make(dir: &Path) -> Self {
        let output = Command::new(env!("CARGO_BIN_EXE_distrogate"))
            .args([
                "certs",
                "init",
                "--dns",
                "localhost",
                "--ip",
                "127.0.0.1",
                "--out",
            ])
            .arg(dir)
            .output()
            .expect("our own binary");
        assert!(
            output.status.success(),
            "distrogate certs init: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self {
            dir: dir.to_owned(),
        }
    }

    /// The CA's certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// The server's certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.dir.join("tls.crt")
    }

    /// The server's private key.
    pub(crate) fn key(&self) -> PathBuf {
        self.dir.join("tls.key")
    }
}

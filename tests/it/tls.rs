//! Key material from files: what can be read, and what is said about the rest.

use std::fs;
use std::path::PathBuf;

use distrogate::certs::{Authority, Leaf, Names};
use distrogate::server::tls;
use tempfile::TempDir;
use time::OffsetDateTime;

struct Files {
    directory: TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What is said about a pair, with `DIR` for the directory.
    fn error(&self, certificate: &str, key: &str) -> String {
        let error = tls::load(&self.path(certificate), &self.path(key)).unwrap_err();
        let text = format!("{:#}", anyhow::Error::from(error));
        text.replace(self.directory.path().to_str().unwrap(), "DIR")
    }
}

fn leaf() -> Leaf {
    let now = OffsetDateTime::now_utc();
    let names = Names {
        dns: vec!["localhost".parse().unwrap()],
        ip: Vec::new(),
    };
    Authority::generate(now)
        .unwrap()
        .issue(&names, now, 1)
        .unwrap()
}

#[test]
fn a_chain_and_its_key_are_read_among_other_text() {
    let (files, leaf) = (Files::new(), leaf());
    let chain = files.write("tls.crt", &format!("subject=x\n{}", leaf.chain_pem()));
    let key = files.write("tls.key", &format!("# mine\n\n{}\n", leaf.key_pem()));
    assert_eq!(tls::load(&chain, &key).unwrap().cert, leaf.chain());
}

#[test]
fn what_is_wrong_is_said_with_the_file() {
    let (files, leaf) = (Files::new(), leaf());
    files.write("tls.crt", &leaf.chain_pem());
    files.write("tls.key", &leaf.key_pem());
    files.write("other.key", &self::leaf().key_pem());
    files.write("empty", "");
    files.write("open", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    files.write(
        "garbled",
        "-----BEGIN PRIVATE KEY-----\n?secret?\n-----END PRIVATE KEY-----\n",
    );
    files.write(
        "der.crt",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    files.write(
        "der.key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    );
    for (certificate, key, expected) in [
        (
            "none",
            "tls.key",
            "cannot read DIR/none: No such file or directory (os error 2)",
        ),
        (
            "tls.crt",
            "none",
            "cannot read DIR/none: No such file or directory (os error 2)",
        ),
        (
            "tls.crt",
            ".",
            "cannot read DIR/.: Is a directory (os error 21)",
        ),
        (
            "empty",
            "tls.key",
            "no certificate in DIR/empty: expected a section BEGIN CERTIFICATE",
        ),
        (
            "tls.key",
            "tls.key",
            "no certificate in DIR/tls.key: expected a section BEGIN CERTIFICATE",
        ),
        (
            "tls.crt",
            "tls.crt",
            "no private key in DIR/tls.crt: expected a section BEGIN PRIVATE KEY, BEGIN EC PRIVATE KEY or BEGIN RSA PRIVATE KEY",
        ),
        (
            "open",
            "tls.key",
            "DIR/open is not valid PEM: a section has no END line",
        ),
        (
            "tls.crt",
            "garbled",
            "DIR/garbled is not valid PEM: a section is not valid base64",
        ),
        (
            "der.crt",
            "tls.key",
            "the first certificate in DIR/der.crt is malformed",
        ),
        (
            "tls.crt",
            "der.key",
            "the private key in DIR/der.key is malformed or of an unknown kind: expected RSA, ECDSA or Ed25519",
        ),
        (
            "tls.crt",
            "other.key",
            "the private key in DIR/other.key does not match the first certificate in DIR/tls.crt",
        ),
    ] {
        assert_eq!(
            files.error(certificate, key),
            expected,
            "{certificate} {key}"
        );
    }
}

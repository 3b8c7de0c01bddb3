//! Key material from files: what can be read, and what is said about the rest.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use distrogate::certs::{Authority, Leaf, Names};
use distrogate::server::{FileCertificate, Refresh, TlsOptions, tls};
use distrogate::telemetry::Metrics;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
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

/// A folder as the kubelet mounts a Secret: the files are links through `..data`, and another
/// content comes by another link.
struct Mounted {
    files: Files,
    swaps: usize,
}

impl Mounted {
    fn new(certificate: &str, key: &str) -> Self {
        let mut mounted = Self {
            files: Files::new(),
            swaps: 0,
        };
        mounted.swap(certificate, key);
        for name in ["tls.crt", "tls.key"] {
            symlink(format!("..data/{name}"), mounted.files.path(name)).unwrap();
        }
        mounted
    }

    fn swap(&mut self, certificate: &str, key: &str) {
        self.swaps += 1;
        let folder = format!("..{}", self.swaps);
        fs::create_dir(self.files.path(&folder)).unwrap();
        self.files.write(&format!("{folder}/tls.crt"), certificate);
        self.files.write(&format!("{folder}/tls.key"), key);
        symlink(&folder, self.files.path("..data_tmp")).unwrap();
        fs::rename(self.files.path("..data_tmp"), self.files.path("..data")).unwrap();
        if self.swaps > 1 {
            fs::remove_dir_all(self.files.path(&format!("..{}", self.swaps - 1))).unwrap();
        }
    }
}

/// The certificate that a client gets to see.
fn served(certificates: &Arc<FileCertificate>, authority: &Authority) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes()).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(tls::provider())
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server =
        tls::server_config_with(Arc::clone(certificates) as _, &TlsOptions::default()).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets().unwrap();
    }
    client.peer_certificates().unwrap()[0].clone().into_owned()
}

#[test]
fn a_renewed_certificate_is_served_once_its_key_fits() {
    let now = OffsetDateTime::now_utc();
    let authority = Authority::generate(now).unwrap();
    let names = Names {
        dns: vec!["localhost".parse().unwrap()],
        ip: Vec::new(),
    };
    let [first, second, third] = [1, 2, 3].map(|days| authority.issue(&names, now, days).unwrap());
    let mut mounted = Mounted::new(&first.chain_pem(), &first.key_pem());
    let path = |name| mounted.files.path(name);
    let certificates =
        FileCertificate::load(path("tls.crt"), path("tls.key"), Metrics::new()).unwrap();
    assert_eq!(served(&certificates, &authority), first.chain()[0]);
    assert!(!certificates.refresh().unwrap(), "nothing changed");

    mounted.swap(&second.chain_pem(), &second.key_pem());
    assert!(certificates.refresh().unwrap());
    assert_eq!(served(&certificates, &authority), second.chain()[0]);

    // cert-manager and hand-made copies may write one file before the other
    mounted.swap(&third.chain_pem(), &second.key_pem());
    certificates.refresh().unwrap_err();
    assert!(!certificates.refresh().unwrap(), "told once");
    assert_eq!(served(&certificates, &authority), second.chain()[0]);
    mounted.swap(&third.chain_pem(), &third.key_pem());
    assert!(certificates.refresh().unwrap());
    assert_eq!(served(&certificates, &authority), third.chain()[0]);
}

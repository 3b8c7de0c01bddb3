//! TLS as clients meet it: versions, cipher suites, keys, resumption, rotation.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use distrogate::certs::{Authority, Leaf, Names};
use distrogate::server::{FileCertificate, Limits, MinVersion, Refresh as _, TlsOptions, tls};
use distrogate::telemetry::Metrics;
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::client::{Connection, PATIENCE, TestServer, echo, post};

fn client(
    versions: &[&'static SupportedProtocolVersion],
    roots: Arc<RootCertStore>,
) -> Arc<ClientConfig> {
    Arc::new(
        ClientConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

fn start(options: TlsOptions) -> TestServer {
    TestServer::start_with(Limits::DEFAULT, Arc::new(echo), options)
}

#[tokio::test]
async fn older_versions_can_be_left_out() {
    let server = start(TlsOptions {
        min_version: MinVersion::Tls13,
        ..TlsOptions::default()
    });
    let error = server.connect(client(&[&TLS12], server.roots())).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "received fatal alert: ProtocolVersion"
    );
    server
        .connect(client(&[&TLS13], server.roots()))
        .await
        .unwrap();
    server.assert_metric("tls_handshake_failures_total{kind=\"protocol\"} 1");
}

#[tokio::test]
async fn only_the_wanted_cipher_suites_are_offered() {
    let names = [
        "TLS_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    ];
    let server = start(TlsOptions {
        cipher_suites: names.map(|name| name.parse().unwrap()).to_vec(),
        ..TlsOptions::default()
    });
    for (version, expected) in [
        (&TLS13, CipherSuite::TLS13_AES_128_GCM_SHA256),
        (
            &TLS12,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        ),
    ] {
        let stream = server.connect(client(&[version], server.roots())).await;
        let suite = stream.unwrap().get_ref().1.negotiated_cipher_suite();
        assert_eq!(suite.unwrap().suite(), expected);
    }
}

#[test]
fn settings_without_any_suite_are_refused() {
    let options = TlsOptions {
        min_version: MinVersion::Tls13,
        cipher_suites: vec!["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".parse().unwrap()],
        clients: None,
    };
    let resolver = rustls::server::ResolvesServerCertUsingSni::new();
    let error = tls::server_config_with(Arc::new(resolver), &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "none of the cipher suites is of TLS 1.3, and no older version is allowed: add one"
    );
}

#[tokio::test]
async fn sessions_are_resumed() {
    let server = TestServer::echo(Limits::DEFAULT);
    for version in [&TLS12, &TLS13] {
        let client = client(&[version], server.roots());
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let stream = server.connect(Arc::clone(&client)).await.unwrap();
            kinds.push(stream.get_ref().1.handshake_kind());
            let mut connection = Connection::over(stream);
            // tickets come with the first bytes
            connection.send(&post("/validate", "{}")).await;
            assert_eq!(connection.response().await.code(), 200);
        }
        assert_eq!(
            kinds,
            [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)],
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn an_rsa_key_with_a_chain_is_served() {
    let authority = |names: &[String]| {
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let key = || KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let root_key = key();
    let root = authority(&[]).self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(authority(&[]), root_key);
    let between_key = key();
    let between = authority(&[])
        .signed_by(&between_key, &root_issuer)
        .unwrap();
    let between_issuer = Issuer::new(authority(&[]), between_key);
    let leaf_key = key();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &between_issuer).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let [chain, key] = ["tls.crt", "tls.key"].map(|name| folder.path().join(name));
    fs::write(&chain, leaf.pem() + &between.pem()).unwrap();
    fs::write(&key, leaf_key.serialize_pem()).unwrap();
    let certificate = FileCertificate::load(chain, key, Metrics::new()).unwrap();
    assert!(certificate.validity().is_some());
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let options = TlsOptions::default();
    let server = TestServer::serve(Limits::DEFAULT, Arc::new(echo), options, certificate, roots);
    for version in [&TLS12, &TLS13] {
        let stream = server.connect(client(&[version], server.roots())).await;
        assert_eq!(
            stream
                .unwrap()
                .get_ref()
                .1
                .peer_certificates()
                .unwrap()
                .len(),
            2
        );
    }
}

/// The kubelet's way to bring another content: the files are links through `..data`.
fn swap(folder: &std::path::Path, number: usize, leaf: &Leaf) {
    let target = format!("..{number}");
    fs::create_dir(folder.join(&target)).unwrap();
    fs::write(folder.join(&target).join("tls.crt"), leaf.chain_pem()).unwrap();
    fs::write(folder.join(&target).join("tls.key"), leaf.key_pem()).unwrap();
    symlink(&target, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    if number == 0 {
        for name in ["tls.crt", "tls.key"] {
            symlink(format!("..data/{name}"), folder.join(name)).unwrap();
        }
    } else {
        fs::remove_dir_all(folder.join(format!("..{}", number - 1))).unwrap();
    }
}

#[tokio::test]
async fn thirty_rotations_fail_no_review() {
    let now = OffsetDateTime::now_utc();
    let authority = Authority::generate(now).unwrap();
    let names = Names {
        dns: vec!["localhost".parse().unwrap()],
        ip: Vec::new(),
    };
    let folder = tempfile::tempdir().unwrap();
    let leaf = || authority.issue(&names, now, 90).unwrap();
    swap(folder.path(), 0, &leaf());
    let [chain, key] = ["tls.crt", "tls.key"].map(|name| folder.path().join(name));
    let metrics = Metrics::new();
    let certificate = FileCertificate::load(chain, key, metrics.clone()).unwrap();
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes()).unwrap();
    roots.add(root).unwrap();
    let options = TlsOptions::default();
    let resolver = Arc::clone(&certificate) as _;
    let server = TestServer::serve(Limits::DEFAULT, Arc::new(echo), options, resolver, roots);

    let mut kept = server.tls().await;
    for number in 1..=30 {
        let leaf = leaf();
        swap(folder.path(), number, &leaf);
        kept.send(&post("/validate", "{}")).await;
        assert!(certificate.refresh().unwrap());
        assert_eq!(kept.response().await.code(), 200);
        let mut fresh = server.tls().await;
        let shown = fresh.stream.get_ref().1.peer_certificates().unwrap();
        assert_eq!(shown[0], leaf.chain()[0], "{number}");
        fresh.send(&post("/validate", "{}")).await;
        assert_eq!(fresh.response().await.code(), 200);
    }
    let counted = metrics.encode();
    let line = "distrogate_reloads_total{files=\"certificate\",outcome=\"taken\"} 30";
    assert!(counted.lines().any(|found| found == line), "{counted}");
}

#[tokio::test]
async fn failed_handshakes_are_counted_by_kind() {
    let server = TestServer::echo(Limits::DEFAULT);
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x17\x03\x03\x00\x02hi",
        b"\x16\x03",
    ] {
        let mut tcp = server.tcp().await;
        tcp.write_all(bytes).await.unwrap();
        tcp.shutdown().await.unwrap();
        // an alert or an end
        drop(
            timeout(PATIENCE, tcp.read_to_end(&mut Vec::new()))
                .await
                .unwrap(),
        );
    }
    let nobody = RootCertStore { roots: Vec::new() };
    let stranger = Authority::generate(OffsetDateTime::now_utc()).unwrap();
    let mut other = nobody.clone();
    other.add(stranger.certificate().clone()).unwrap();
    server
        .connect(client(&[&TLS13], Arc::new(other)))
        .await
        .unwrap_err();
    // the next review works; the server has seen all of them by then or soon
    assert_eq!(server.fetch(&post("/validate", "{}")).await.code(), 200);
    let kinds = ["plain_http", "protocol", "other", "unknown_ca"];
    let counted = |kind: &str| {
        let line = format!("distrogate_tls_handshake_failures_total{{kind=\"{kind}\"}} 0");
        !server.metrics.encode().lines().any(|found| found == line)
    };
    let all = async {
        while !kinds.iter().all(|kind| counted(kind)) {
            tokio::task::yield_now().await;
        }
    };
    let counted = timeout(PATIENCE, all).await;
    assert!(counted.is_ok(), "{}", server.metrics.encode());
}

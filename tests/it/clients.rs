//! Clients with certificates: whom reviews are taken from.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use distrogate::globs::Globs;
use distrogate::server::{FileClients, Limits, Refresh as _, TlsOptions, tls};
use distrogate::telemetry::Metrics;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, HandshakeKind};

use crate::client::{Connection, TestServer, echo, post};

const NONE: &str = "reviews are taken only from clients with a certificate, and none was shown: \
                    configure one for the API server (AdmissionConfiguration, kubeConfigFile)";
const UNTRUSTED: &str =
    "the client's certificate is not one that the admission server trusts (any more)";
const OTHER_NAME: &str =
    "the client's certificate has none of the names that the admission server allows";
const PROBE: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// An authority that signs clients.
struct ClientCa {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl ClientCa {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A client of this server with a certificate of this authority.
    fn client(&self, server: &TestServer, common_name: &str, dns: &[&str]) -> Arc<ClientConfig> {
        let dns: Vec<_> = dns.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(dns).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![CertificateDer::from(certificate)];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ClientConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_root_certificates(server.roots())
            .with_client_auth_cert(chain, key.into())
            .unwrap();
        Arc::new(config)
    }
}

/// A server that takes reviews from clients of the CA in a file, and the names allowed.
fn start(file: &Path, names: &[&str]) -> (TestServer, Arc<FileClients>) {
    let allowed = (!names.is_empty()).then(|| Globs::parse(names.iter().copied()).unwrap());
    let clients = FileClients::load(file.to_owned(), allowed, Metrics::new()).unwrap();
    let options = TlsOptions {
        clients: Some(Arc::clone(&clients)),
        ..TlsOptions::default()
    };
    let server = TestServer::start_with(Limits::DEFAULT, Arc::new(echo), options);
    (server, clients)
}

/// A review over a connection of its own.
async fn review(server: &TestServer, client: &Arc<ClientConfig>) -> crate::client::Response {
    let stream = server.connect(Arc::clone(client)).await.unwrap();
    let mut connection = Connection::over(stream);
    connection.send(&post("/validate", "{}")).await;
    connection.response().await
}

#[tokio::test]
async fn who_may_ask_is_told_from_who_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    let ca = ClientCa::new("one");
    fs::write(&file, &ca.pem).unwrap();
    let (server, _) = start(&file, &["kube-apiserver", "*.control.example"]);

    for (common_name, dns) in [
        ("kube-apiserver", &[][..]),
        ("someone", &["api-1.control.example"]),
    ] {
        let client = ca.client(&server, common_name, dns);
        assert_eq!(review(&server, &client).await.code(), 200, "{common_name}");
    }
    for (common_name, dns) in [
        ("someone", &[][..]),
        ("kube-apiserver-2", &["control.example"]),
        ("x kube-apiserver", &["api.control.example.org"]),
    ] {
        let client = ca.client(&server, common_name, dns);
        let response = review(&server, &client).await;
        response.assert_status(403, "Forbidden", OTHER_NAME);
        assert_eq!(response.header("connection"), Some("close"));
    }
    // without a certificate there are only probes
    server
        .fetch(&post("/mutate", "{}"))
        .await
        .assert_status(403, "Forbidden", NONE);
    assert_eq!(server.fetch(PROBE).await.code(), 200);
    server.assert_metric("tls_handshake_failures_total{kind=\"client_certificate\"} 4");

    // of another authority there is not even a handshake
    let stranger = ClientCa::new("two").client(&server, "kube-apiserver", &[]);
    let outcome = match server.connect(stranger).await {
        Err(error) => error.to_string(),
        // with TLS 1.3 it shows at the first read
        Ok(mut stream) => tokio::io::AsyncReadExt::read(&mut stream, &mut [0])
            .await
            .unwrap_err()
            .to_string(),
    };
    assert_eq!(outcome, "received fatal alert: UnknownCA");
    server.assert_metric("tls_handshake_failures_total{kind=\"client_certificate\"} 5");
}

#[tokio::test]
async fn another_authority_counts_for_open_connections_and_sessions_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    let [old, new] = ["one", "two"].map(ClientCa::new);
    fs::write(&file, &old.pem).unwrap();
    let (server, clients) = start(&file, &[]);
    let old_client = old.client(&server, "a", &[]);
    let new_client = new.client(&server, "a", &[]);
    let stream = server.connect(Arc::clone(&old_client)).await.unwrap();
    let mut kept = Connection::over(stream);
    kept.send(&post("/validate", "{}")).await;
    assert_eq!(kept.response().await.code(), 200);

    // both at a time, as one does it
    fs::write(&file, new.pem.clone() + &old.pem).unwrap();
    assert!(clients.refresh().unwrap());
    for client in [&old_client, &new_client] {
        assert_eq!(review(&server, client).await.code(), 200);
    }
    kept.send(&post("/validate", "{}")).await;
    assert_eq!(kept.response().await.code(), 200);

    // what cannot be used changes nothing
    let half = new.pem.get(..new.pem.len() / 2).unwrap();
    for wrong in ["", half, "nothing"] {
        fs::write(&file, wrong).unwrap();
        clients.refresh().unwrap_err();
        assert!(!clients.refresh().unwrap(), "told once");
        assert_eq!(review(&server, &old_client).await.code(), 200);
    }

    fs::write(&file, &new.pem).unwrap();
    assert!(clients.refresh().unwrap());
    kept.send(&post("/validate", "{}")).await;
    let response = kept.response().await;
    response.assert_status(403, "Forbidden", UNTRUSTED);
    kept.closed().await;
    // a session from before is resumed without another look at the certificate
    let stream = server.connect(Arc::clone(&old_client)).await.unwrap();
    assert_eq!(
        stream.get_ref().1.handshake_kind(),
        Some(HandshakeKind::Resumed)
    );
    let mut resumed = Connection::over(stream);
    resumed.send(&post("/validate", "{}")).await;
    resumed
        .response()
        .await
        .assert_status(403, "Forbidden", UNTRUSTED);
    assert_eq!(review(&server, &new_client).await.code(), 200);
}

#[test]
fn what_is_wrong_with_the_authority_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    let mut errors = Vec::new();
    for content in [
        None,
        Some(""),
        Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let error = FileClients::load(file.clone(), None, Metrics::new()).unwrap_err();
        let error = format!("{:#}", anyhow::Error::from(error));
        errors.push(error.replace(folder.path().to_str().unwrap(), "DIR"));
    }
    assert_eq!(
        errors,
        [
            "cannot read DIR/ca.crt: No such file or directory (os error 2)",
            "no certificate in DIR/ca.crt: expected a section BEGIN CERTIFICATE",
            "a certificate in DIR/ca.crt is malformed or no authority's",
        ]
    );
}

//! A server on a free port and clients for it, down to single bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use distrogate::admission::{Answer, Endpoint};
use distrogate::certs::DevCertificate;
use distrogate::server::{
    Check, Checks, Handler, Limits, Outcome, Server, ServerOptions, Shutdown, TlsOptions, tls,
};
use distrogate::telemetry::Metrics;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    pub(crate) metrics: Metrics,
    running: JoinHandle<Outcome>,
    roots: Arc<RootCertStore>,
}

impl TestServer {
    #[expect(
        clippy::large_types_passed_by_value,
        reason = "every test makes its own"
    )]
    pub(crate) fn start(limits: Limits, handler: Handler) -> Self {
        Self::start_with(limits, handler, TlsOptions::default())
    }

    #[expect(
        clippy::large_types_passed_by_value,
        reason = "every test makes its own"
    )]
    pub(crate) fn start_with(limits: Limits, handler: Handler, tls_options: TlsOptions) -> Self {
        let dev = DevCertificate::generate(OffsetDateTime::now_utc(), [127, 0, 0, 1].into());
        let dev = dev.unwrap();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(dev.authority_pem.as_bytes()).unwrap())
            .unwrap();
        let key = dev.leaf.key();
        let key = CertifiedKey::from_der(dev.leaf.chain(), key, &tls::provider()).unwrap();
        let certificates = Arc::new(SingleCertAndKey::from(key));
        Self::serve(limits, handler, tls_options, certificates, roots)
    }

    /// With any certificates, and what trusts them.
    #[expect(
        clippy::large_types_passed_by_value,
        reason = "every test makes its own"
    )]
    pub(crate) fn serve(
        limits: Limits,
        handler: Handler,
        tls_options: TlsOptions,
        certificates: Arc<dyn ResolvesServerCert>,
        roots: RootCertStore,
    ) -> Self {
        let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let tls = tls::server_config_with(certificates, &tls_options).unwrap();
        let shutdown = Shutdown::new();
        let metrics = Metrics::new();
        let options = ServerOptions {
            listen: vec![listen],
            tls,
            clients: tls_options.clients,
            handler,
            limits,
            metrics: metrics.clone(),
            checks: ready_unless_leaving(&shutdown),
        };
        let server = Server::bind(options).unwrap();
        Self {
            address: server.local_addr(),
            shutdown: shutdown.clone(),
            metrics,
            running: tokio::spawn(server.run(shutdown)),
            roots: Arc::new(roots),
        }
    }

    /// With a handler that says what it was given.
    #[expect(
        clippy::large_types_passed_by_value,
        reason = "every test makes its own"
    )]
    pub(crate) fn echo(limits: Limits) -> Self {
        Self::start(limits, Arc::new(echo))
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What trusts the server.
    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.roots)
    }

    /// A TLS connection with exactly these settings.
    pub(crate) async fn tls_with(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        alpn: &[&[u8]],
    ) -> TlsStream<TcpStream> {
        self.connect(self.config(versions, alpn)).await.unwrap()
    }

    fn config(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        alpn: &[&[u8]],
    ) -> Arc<ClientConfig> {
        let mut config = ClientConfig::builder_with_provider(tls::provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }

    /// A TLS connection of any client.
    pub(crate) async fn connect(
        &self,
        config: Arc<ClientConfig>,
    ) -> io::Result<TlsStream<TcpStream>> {
        connect_over(self.tcp().await, config).await
    }

    /// An HTTP/1.1 connection over this socket.
    pub(crate) async fn tls_on(&self, socket: TcpStream) -> Connection {
        let config = self.config(rustls::ALL_VERSIONS, &[b"http/1.1"]);
        Connection::over(connect_over(socket, config).await.unwrap())
    }

    pub(crate) async fn tls(&self) -> Connection {
        Connection::over(self.tls_with(rustls::ALL_VERSIONS, &[b"http/1.1"]).await)
    }

    /// One request on a connection of its own.
    pub(crate) async fn fetch(&self, request: &str) -> Response {
        let mut connection = self.tls().await;
        connection.send(request).await;
        connection.response().await
    }

    /// Asserts that the metrics have this line.
    #[track_caller]
    pub(crate) fn assert_metric(&self, line: &str) {
        let metrics = self.metrics.encode();
        let line = format!("distrogate_{line}");
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}\n{metrics}"
        );
    }

    /// How the server came to its end.
    pub(crate) async fn outcome(self) -> Outcome {
        timeout(PATIENCE, self.running).await.unwrap().unwrap()
    }
}

fn ready_unless_leaving(shutdown: &Shutdown) -> Checks {
    let shutdown = shutdown.clone();
    Arc::new(move || {
        vec![Check {
            name: "draining",
            passed: !shutdown.is_leaving(),
            says: "about to stop".to_owned(),
        }]
    })
}

async fn connect_over(
    socket: TcpStream,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = TlsConnector::from(config).connect(name, socket);
    timeout(PATIENCE, connecting).await.unwrap()
}

/// What the handler was given.
pub(crate) fn echo(endpoint: Endpoint, body: &[u8]) -> Answer {
    Answer {
        status: 200,
        body: echoed(endpoint, body.len()).into_bytes(),
    }
}

pub(crate) fn echoed(endpoint: Endpoint, bytes: usize) -> String {
    format!(r#"{{"endpoint":"{endpoint:?}","bytes":{bytes}}}"#)
}

/// A request that posts a body.
pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// The v1 `Status` of a refusal.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","code":{code},"kind":"Status","message":"{message}","metadata":{{}},"reason":"{reason}","status":"Failure"}}"#
    )
}

/// An HTTP/1.1 connection.
pub(crate) struct Connection {
    pub(crate) stream: TlsStream<TcpStream>,
    input: Vec<u8>,
}

impl Connection {
    pub(crate) fn over(stream: TlsStream<TcpStream>) -> Self {
        Self {
            stream,
            input: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next answer.
    pub(crate) async fn response(&mut self) -> Response {
        timeout(PATIENCE, self.read_response())
            .await
            .expect("an answer in time")
    }

    /// Waits until the server closes the connection, saying nothing more.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1];
        let read = timeout(PATIENCE, self.stream.read(&mut rest))
            .await
            .expect("a close in time");
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }

    async fn read_response(&mut self) -> Response {
        let end = loop {
            if let Some(end) = self.input.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await;
        };
        let head = String::from_utf8(self.input.drain(..end).collect())
            .unwrap()
            .to_lowercase();
        let response = Response {
            head,
            body: String::new(),
        };
        let length: usize = response.header("content-length").unwrap().parse().unwrap();
        while self.input.len() < length {
            self.read_more().await;
        }
        let body = String::from_utf8(self.input.drain(..length).collect()).unwrap();
        Response { body, ..response }
    }

    async fn read_more(&mut self) {
        let read = self.stream.read_buf(&mut self.input).await.unwrap();
        assert_ne!(
            read, 0,
            "the connection ended within an answer: {:?}",
            self.input
        );
    }
}

/// An answer; its head in lower case.
#[derive(Debug)]
pub(crate) struct Response {
    head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn code(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Asserts a refusal, all of it.
    #[track_caller]
    pub(crate) fn assert_status(&self, code: u16, reason: &str, message: &str) {
        assert_eq!(self.code(), code, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        assert_eq!(self.body, status(code, reason, message));
    }
}

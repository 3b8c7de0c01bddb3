//! One HTTP/1.1 connection over TLS, as an API server makes it, by hand: so that every way in
//! which a review can fail is seen.
//!
//! Like Go's client it reads while it writes, and where the answer is there before the request is
//! out it sends no more: that connection has come to its end (`net/http`, `transport.go`:
//! `readLoop`, `wroteRequest`).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use anyhow::Context as _;
use distrogate::server::tls;
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CipherSuite, ClientConfig, RootCertStore};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf, split};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{unconstrained, yield_now};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What is written at a time, in bytes: a record of TLS.
const RECORD: usize = 16 * 1_024;

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Client {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Client {
    pub(crate) fn trusting(authority: &CertificateDer<'static>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone())?;
        let mut provider = (*tls::provider()).clone();
        // Go's first choice, too.
        let is_other = |suite: CipherSuite| suite != CipherSuite::TLS13_AES_128_GCM_SHA256;
        provider
            .cipher_suites
            .sort_by_key(|suite| is_other(suite.suite()));
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // As an API server: every handshake is a whole one.
        config.resumption = Resumption::disabled();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name: ServerName::try_from("localhost")?,
        })
    }

    pub(crate) async fn connect(&self, address: SocketAddr) -> Result<Connection, Failure> {
        let socket = TcpStream::connect(address).await.map_err(Failure::dial)?;
        self.over(socket).await.map_err(Failure::Handshake)
    }

    /// A connection that takes few bytes which nobody reads. With the segments of an Ethernet: by
    /// those of loopback, each would fill megabytes of the kernel's memory before it is full.
    pub(crate) async fn connect_narrow(&self, address: SocketAddr) -> io::Result<Connection> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_recv_buffer_size(4_096)?;
        socket.set_tcp_mss(1_460)?;
        socket.set_nonblocking(true)?;
        let socket = TcpSocket::from_std_stream(socket.into());
        self.over(socket.connect(address).await?).await
    }

    async fn over(&self, socket: TcpStream) -> io::Result<Connection> {
        socket.set_nodelay(true)?;
        let connecting = self.connector.connect(self.name.clone(), socket);
        Ok(Connection {
            stream: connecting.await?,
            input: Vec::new(),
        })
    }
}

/// Why a review was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nobody listens.
    #[error("connection refused")]
    Refused,
    #[error("cannot connect: {0}")]
    Dial(io::Error),
    #[error("no handshake: {0}")]
    Handshake(io::Error),
    #[error("no answer: {0}")]
    Exchange(io::Error),
    #[error("no answer in time")]
    Late,
    #[error("answered with {0}")]
    Code(u16),
}

impl Failure {
    fn dial(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            Self::Refused
        } else {
            Self::Dial(error)
        }
    }
}

/// A connection, with what came in and was not asked for yet.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    input: Vec<u8>,
}

impl Connection {
    /// Sends a request, as much of it as is asked for, and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Reply, Failure> {
        let Self { stream, input } = self;
        let (mut reader, mut writer) = split(stream);
        let mut is_sent = false;
        let sending = async {
            for record in request.chunks(RECORD) {
                writer.write_all(record).await?;
                yield_now().await;
            }
            writer.flush().await?;
            is_sent = true;
            std::future::pending::<io::Result<Reply>>().await
        };
        let reply = tokio::select! {
            biased;
            reply = reply(&mut reader, input) => reply,
            failed = sending => failed,
        };
        let mut reply = reply.map_err(Failure::Exchange)?;
        reply.closes |= !is_sent;
        Ok(reply)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Whether the other side has closed it, as far as is known here: Go's client looks, too,
    /// before it sends a review on an idle connection.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let stream = &mut self.stream;
        unconstrained(std::future::poll_fn(|context| {
            let read = Pin::new(&mut *stream).poll_read(context, &mut ReadBuf::new(&mut byte));
            Poll::Ready(read.is_ready())
        }))
        .await
    }

    /// Waits until the other side closes it, discarding nothing but its last words.
    pub(crate) async fn closed(&mut self) {
        let mut byte = [0; 64];
        while matches!(self.stream.read(&mut byte).await, Ok(1..)) {}
    }

    /// The certificate that the server showed.
    pub(crate) fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.stream.get_ref().1.peer_certificates()?.first()
    }
}

async fn reply(stream: &mut (impl AsyncRead + Unpin), input: &mut Vec<u8>) -> io::Result<Reply> {
    let end = loop {
        let ends = input.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = ends {
            break end + 4;
        }
        read_more(stream, input).await?;
    };
    let head: Vec<_> = input.drain(..end).collect();
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let mut reply = Reply::parse(&head).map_err(|error| io::Error::other(format!("{error:#}")))?;
    while input.len() < reply.length {
        read_more(stream, input).await?;
    }
    reply.body = input.drain(..reply.length).collect();
    Ok(reply)
}

async fn read_more(stream: &mut (impl AsyncRead + Unpin), input: &mut Vec<u8>) -> io::Result<()> {
    if stream.read_buf(input).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u16,
    /// Whether the connection ends with it, as it says so or the request was not sent to its end.
    pub(crate) closes: bool,
    /// Seconds to wait before asking again.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Vec<u8>,
    length: usize,
}

impl Reply {
    /// From a head in lower case.
    fn parse(head: &str) -> anyhow::Result<Self> {
        let header = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        Ok(Self {
            code: head.split(' ').nth(1).context("no code")?.parse()?,
            closes: header("connection") == Some("close"),
            retry_after: header("retry-after").map(str::parse).transpose()?,
            body: Vec::new(),
            length: header("content-length").context("no length")?.parse()?,
        })
    }
}

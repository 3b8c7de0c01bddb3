//! One connection, from its TLS handshake to its close.
//!
//! Owns the handshake's timer, the choice of HTTP version (by ALPN alone, so that no byte waits to
//! be recognised) and the ways in which a connection ends. What a request gets for an answer is
//! the router's affair.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::{AlertDescription, Error};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::debug;

use crate::telemetry::Metrics;
use crate::telemetry::metrics::Handshake;

use super::activity::{Activity, Answering, Expired};
use super::clients::{Client, FileClients};
use super::limits::Limits;
use super::room::{Place, Room};
use super::shutdown::Shutdown;
use super::stream::Stream;
use super::{ServerOptions, reply, routes, tls};

/// What all connections of a server share.
pub(super) struct Connections {
    acceptor: TlsAcceptor,
    http1: Builder<TokioExecutor>,
    http2: Builder<TokioExecutor>,
    router: Router,
    clients: Option<Arc<FileClients>>,
    limits: Limits,
    shutdown: Shutdown,
    metrics: Metrics,
    /// Cancelled when the server is gone.
    cut: CancellationToken,
}

impl Connections {
    pub(super) fn new(
        options: &ServerOptions,
        shutdown: Shutdown,
        room: Arc<Room>,
        cut: CancellationToken,
    ) -> Self {
        let limits = options.limits;
        let mut http1 = Builder::new(TokioExecutor::new()).http1_only();
        // `Activity` has this timer instead.
        http1
            .http1()
            .header_read_timeout(None)
            .max_buf_size(limits.head_bytes);
        let mut http2 = Builder::new(TokioExecutor::new()).http2_only();
        http2
            .http2()
            .max_concurrent_streams(limits.streams)
            .initial_stream_window_size(limits.window_bytes)
            .initial_connection_window_size(limits.window_bytes)
            .max_send_buf_size(limits.send_bytes);
        Self {
            acceptor: TlsAcceptor::from(Arc::new(options.tls.clone())),
            http1,
            http2,
            router: routes::router(options, &shutdown, room),
            clients: options.clients.clone(),
            limits,
            shutdown,
            metrics: options.metrics.clone(),
            cut,
        }
    }

    /// Serves a connection to its end. Its failures are the client's affair and logged for
    /// debugging only: scanners and health checks without TLS would fill the log.
    pub(super) async fn serve(&self, socket: TcpStream, mut place: Place) {
        if let Err(error) = socket.set_nodelay(true) {
            debug!(%error, "Cannot switch off Nagle's algorithm.");
        }
        let closing = async {
            self.shutdown.draining().await;
            sleep(self.limits.drain_idle).await;
        };
        let _open = self.metrics.connection();
        let mut first_byte = [0];
        let accepting = async {
            socket.peek(&mut first_byte).await?;
            self.acceptor.accept(socket).await
        };
        let handshake = tokio::select! {
            biased;
            handshake = accepting => handshake,
            expired = place.watchdog.expired() => {
                debug!(?expired, "A TLS handshake took too long.");
                self.metrics.handshake_failed(Handshake::Timeout);
                return;
            }
            // No request can be under way yet.
            () = closing => return,
        };
        match handshake {
            Ok(stream) => {
                place.activity.greeted();
                tokio::select! {
                    biased;
                    () = self.cut.cancelled() => {}
                    () = self.serve_http(stream, &mut place) => {}
                }
            }
            Err(error) => {
                debug!(%error, "A TLS handshake failed.");
                self.metrics.handshake_failed(kind_of(&error, first_byte));
            }
        }
    }

    async fn serve_http(&self, stream: TlsStream<TcpStream>, place: &mut Place) {
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::ALPN_HTTP2);
        let Place {
            activity, watchdog, ..
        } = place;
        let builder = if is_http2 { &self.http2 } else { &self.http1 };
        let chain = stream.get_ref().1.peer_certificates();
        let client = self
            .clients
            .as_ref()
            .map(|clients| Client::new(Arc::clone(clients), chain));
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            if let Some(client) = &client {
                request.extensions_mut().insert(Arc::clone(client));
            }
            // Where the body is read it is told of.
            request.extensions_mut().insert(activity.clone());
            let under_way = activity.request();
            let router = self.router.clone();
            let shutdown = self.shutdown.clone();
            let activity = activity.clone();
            async move {
                let response = router.oneshot(request.map(Body::new)).await;
                drop(under_way);
                response.map(|mut response| {
                    if is_http2 {
                        return watched(response, &activity);
                    }
                    if shutdown.is_leaving() {
                        reply::close(&mut response);
                    }
                    response
                })
            }
        });
        // Over HTTP/2 bytes come without requests too (pings), and a stalled head is bounded by the
        // idle time.
        let stream = Stream::new(stream, activity.clone(), !is_http2, self.limits.linger);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut last_request = pin!(self.last_request(activity, is_http2));

        let mut is_ending = false;
        loop {
            tokio::select! {
                biased;
                // First: what has come in is a request, whatever else is the case.
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        debug!(%error, "A connection failed.");
                    }
                    return;
                }
                () = last_request.as_mut(), if !is_ending => {
                    is_ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                expired = watchdog.expired() => {
                    debug!(?expired, "Closing a connection.");
                    if let Expired::Idle | Expired::Evicted { is_idle: true } = expired {
                        connection.as_mut().graceful_shutdown();
                        drop(timeout(self.limits.close, connection).await);
                    }
                    return;
                }
            }
        }
    }

    /// Waits until no request should come after those that are there.
    ///
    /// An HTTP/1.1 client is told with every answer, so that an idle connection stays open as long
    /// as may be: a review that is sent while it is closed fails. An HTTP/2 client is told at once,
    /// as it can still be answered then; but not before its first request, or it would never come
    /// to send one.
    async fn last_request(&self, activity: &Activity, is_http2: bool) {
        let told = async {
            if !is_http2 {
                return std::future::pending().await;
            }
            self.shutdown.leaving().await;
            activity.used().await;
        };
        let closed = async {
            self.shutdown.draining().await;
            sleep(self.limits.drain_idle).await;
            activity.idle().await;
        };
        tokio::select! {
            () = told => {}
            () = closed => {}
        }
    }
}

/// The response, with the activity knowing how long it takes the client to take it.
fn watched(response: Response<Body>, activity: &Activity) -> Response<Body> {
    let answering = Arc::new(activity.answer());
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            frame.map_data(|bytes| {
                Bytes::from_owner(Untaken {
                    bytes,
                    _answering: Arc::clone(&answering),
                })
            })
        }))
    })
}

/// Bytes of an answer, until the connection needs them no more: it holds what the client's window
/// has no room for when the body is long gone.
struct Untaken {
    bytes: Bytes,
    _answering: Arc<Answering>,
}

impl AsRef<[u8]> for Untaken {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why a handshake failed, as far as can be told. The first byte is that of a record in TLS, and a
/// capital in HTTP.
fn kind_of(error: &io::Error, first_byte: [u8; 1]) -> Handshake {
    if first_byte[0].is_ascii_uppercase() {
        return Handshake::PlainHttp;
    }
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    match error {
        Some(Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            // A CA of the same name with another key.
            | AlertDescription::DecryptError,
        )) => Handshake::UnknownCa,
        Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented) => {
            Handshake::ClientCertificate
        }
        Some(
            Error::AlertReceived(_)
            | Error::InappropriateHandshakeMessage { .. }
            | Error::InappropriateMessage { .. }
            | Error::InvalidMessage(_)
            | Error::NoApplicationProtocol
            | Error::PeerIncompatible(_)
            | Error::PeerMisbehaved(_)
            | Error::PeerSentOversizedRecord
            | Error::DecryptError,
        ) => Handshake::Protocol,
        _ => Handshake::Other,
    }
}

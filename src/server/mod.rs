//! The HTTPS server in front of the API server.
//!
//! Owns sockets, TLS, HTTP, timers and bounds, and stopping; it must not know what a review says.
//! It hands the body of one to a [`Handler`] and sends back the answer. Nothing here logs a body.
//!
//! | file | owns |
//! |---|---|
//! | `limits` | every bound and timer |
//! | `tls` | key material from files, the TLS settings |
//! | `suites` | versions and cipher suites by name |
//! | `reload` | the certificate, followed and watched for its end |
//! | `issued` | the certificate that the server is issued while it runs |
//! | `clients` | whom reviews are taken from |
//! | `room` | who may be connected, and who goes for another |
//! | `shutdown` | signals, the stages of stopping |
//! | `connection` | one connection, from handshake to close |
//! | `admin` | the other port: probes and metrics |
//! | `activity`, `stream` | what a connection is doing, for its timers |
//! | `routes` | paths, methods, probes |
//! | `flight` | room for bodies and for work on them |
//! | `deadline` | until when an answer is of use |
//! | `body` | reading a review within its bounds |
//! | `review` | running the handler where it belongs |
//! | `reply` | answers of all kinds |
//!
//! Every answer that is no success carries a v1 `Status`, which the API server shows to its user;
//! the one exception is what hyper itself answers to bytes that are not HTTP.

mod activity;
mod admin;
mod body;
mod clients;
mod connection;
mod deadline;
mod flight;
mod issued;
mod limits;
mod reload;
mod reply;
mod review;
mod room;
mod routes;
mod shutdown;
mod stream;
mod suites;
pub mod tls;

use std::fmt;
use std::io;
use std::iter;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::admission::{Answer, Endpoint};
use crate::telemetry::Metrics;

pub use self::admin::{Admin, Check, Checks};
pub use self::clients::FileClients;
use self::connection::Connections;
pub use self::deadline::go_duration;
pub use self::issued::IssuedCertificate;
pub use self::limits::Limits;
pub use self::reload::{FileCertificate, Refresh, watch};
use self::room::Room;
pub use self::shutdown::Shutdown;
pub use self::suites::{CipherSuite, MinVersion};
pub use self::tls::TlsOptions;

/// What answers a review: synchronous work on the bytes of its body, no I/O.
pub type Handler = Arc<dyn Fn(Endpoint, &[u8]) -> Answer + Send + Sync>;

/// What a [`Server`] is made of.
#[derive(Clone)]
pub struct ServerOptions {
    /// Where to listen: the first of these addresses that can be had.
    pub listen: Vec<SocketAddr>,
    /// Made by [`tls::server_config`].
    pub tls: rustls::ServerConfig,
    /// Whom reviews are taken from, as in [`TlsOptions`].
    pub clients: Option<Arc<FileClients>>,
    /// What answers the reviews.
    pub handler: Handler,
    /// Bounds and timers.
    pub limits: Limits,
    /// Who is told of what happens.
    pub metrics: Metrics,
    /// What `/readyz` asks.
    pub checks: Checks,
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            listen,
            tls: _,
            clients,
            handler: _,
            limits,
            metrics: _,
            checks: _,
        } = self;
        f.debug_struct("ServerOptions")
            .field("listen", listen)
            .field("clients", clients)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}

/// A server that has its socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    options: ServerOptions,
}

impl Server {
    /// Takes the socket: from here on clients can connect, and wait for [`run`](Self::run). Belongs into a
    /// runtime.
    pub fn bind(options: ServerOptions) -> Result<Self, BindError> {
        let (listener, local_addr) = listen_on(options.listen.clone(), &options.limits)?;
        Ok(Self {
            listener,
            local_addr,
            options,
        })
    }

    /// Where the server listens, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until told to stop, and then until the last request under way is answered or
    /// [`Limits::drain`] is over. Dropping the future closes every connection.
    pub async fn run(self, shutdown: Shutdown) -> Outcome {
        let Self {
            listener,
            local_addr: _,
            options,
        } = self;
        let Limits {
            drain, close, stop, ..
        } = options.limits;
        let tasks = TaskTracker::new();
        let cut = CancellationToken::new();
        let _cut_on_drop = cut.clone().drop_guard();

        let limits = &options.limits;
        let allowed = room::allowed(limits);
        options.metrics.bounds(flight::bound(limits), allowed);
        let room = Room::new(allowed, limits, options.metrics.clone());
        let connections = Connections::new(&options, shutdown.clone(), Arc::clone(&room), cut);
        let connections = Arc::new(connections);
        accept(listener, &room, limits, &shutdown, &tasks, &connections).await;

        tasks.close();
        info!(
            connections = tasks.len(),
            "Not accepting connections any more."
        );
        tokio::select! {
            biased;
            () = tasks.wait() => return Outcome::Drained,
            () = shutdown.stopping() => {}
            () = sleep(drain) => {}
        }
        let connections = tasks.len();
        shutdown.give_up();
        let stopped = async {
            shutdown.stopping().await;
            sleep(stop).await;
        };
        tokio::select! {
            biased;
            () = tasks.wait() => {}
            () = stopped => {}
            () = sleep(close) => {}
        }
        Outcome::Cut { connections }
    }
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Every request under way was answered.
    Drained,
    /// Some connections were closed with a request under way, which was told to be sent elsewhere
    /// if there was time for that.
    Cut {
        /// How many.
        connections: usize,
    },
}

/// The socket could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {}", list(addresses))]
pub struct BindError {
    addresses: Vec<SocketAddr>,
    source: io::Error,
}

/// Takes the first of these addresses that can be had; with the real port.
fn listen_on(
    addresses: Vec<SocketAddr>,
    limits: &Limits,
) -> Result<(TcpListener, SocketAddr), BindError> {
    let mut source = io::ErrorKind::AddrNotAvailable.into();
    for address in &addresses {
        match listen(*address, limits.backlog) {
            Ok(bound) => return Ok(bound),
            Err(error) => source = error,
        }
    }
    Err(BindError { addresses, source })
}

fn listen(address: SocketAddr, backlog: u32) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // else a server could not come back while connections of the one before it fade away
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(backlog)?;
    let local_addr = listener.local_addr()?;
    Ok((listener, local_addr))
}

/// Accepts connections until draining begins; the listener is closed on return.
async fn accept(
    listener: TcpListener,
    room: &Arc<Room>,
    limits: &Limits,
    shutdown: &Shutdown,
    tasks: &TaskTracker,
    connections: &Arc<Connections>,
) {
    let serve = |socket, place| {
        let connections = Arc::clone(connections);
        tasks.spawn(async move { connections.serve(socket, place).await });
    };
    let last = loop {
        let socket = tokio::select! {
            biased;
            () = shutdown.draining() => break None,
            socket = accept_socket(&listener, limits) => socket,
        };
        // One waits here for its place, the others in the kernel's queue.
        let place = tokio::select! {
            biased;
            place = room.enter() => place,
            () = shutdown.draining() => break Some(socket),
        };
        let Some(place) = place else {
            return;
        };
        serve(socket, place);
    };
    for socket in last.into_iter().chain(waiting(listener)) {
        let Some(place) = room.try_enter() else {
            return;
        };
        serve(socket, place);
    }
}

/// Whoever has connected but was not accepted yet: they may be sending a review already, and
/// closing the listener would reset them.
fn waiting(listener: TcpListener) -> impl Iterator<Item = TcpStream> {
    let listener = listener.into_std().ok();
    iter::from_fn(move || {
        // Any error, as that nobody waits, is the end: the server stops.
        let (socket, _) = listener.as_ref()?.accept().ok()?;
        socket.set_nonblocking(true).ok()?;
        TcpStream::from_std(socket).ok()
    })
}

/// Accepts one connection, however often that fails.
async fn accept_socket(listener: &TcpListener, limits: &Limits) -> TcpStream {
    let mut is_told = false;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                debug!(%peer, "Accepted a connection.");
                return socket;
            }
            Err(error) if is_of_one_connection(&error) => {
                debug!(%error, "A connection was lost before it was accepted.");
            }
            Err(error) => {
                // Short of file descriptors or memory: trying again at once would only spin.
                if is_told {
                    debug!(%error, "Still cannot accept a connection.");
                } else {
                    warn!(%error, "Cannot accept a connection.");
                    is_told = true;
                }
                sleep(limits.accept_backoff).await;
            }
        }
    }
}

/// Whether this error of `accept` concerns only the connection that was to be accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

fn list(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(" or ")
}

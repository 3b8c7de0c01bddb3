//! Every bound and timer of the server, each with its unit and its reason; no other file of this
//! room holds such a number.

use std::time::Duration;

/// How much a client may ask of the server, and for how long. Tests set their own; production
/// runs with [`Limits::DEFAULT`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Largest review, in bytes.
    pub body_bytes: usize,
    /// Largest review that is answered on the connection's own thread, in bytes.
    pub inline_bytes: usize,
    /// Largest HTTP/1.1 request head and read buffer, in bytes.
    pub head_bytes: usize,
    /// Connections open at a time; the next one waits in the kernel's queue.
    pub connections: usize,
    /// Requests under way on one HTTP/2 connection.
    pub streams: u32,
    /// From the accepted connection to the end of its TLS handshake.
    pub handshake: Duration,
    /// From the first byte of an HTTP/1.1 request to the end of its head.
    pub head: Duration,
    /// From one piece of a body to the next.
    pub body_progress: Duration,
    /// From the end of a request's head to the end of its body.
    pub body_total: Duration,
    /// How long a connection may stay open without a request under way.
    pub idle: Duration,
    /// How long closing an idle connection may take, [`linger`](Self::linger) included.
    pub close: Duration,
    /// How long a closed connection goes on discarding what the client still sends.
    pub linger: Duration,
    /// Pause after the system refused to accept a connection.
    pub accept_backoff: Duration,
    /// From one look at the certificate's files to the next.
    pub certificate_check: Duration,
    /// From one look at the policy's files to the next; a change has to be seen twice.
    pub policy_check: Duration,
    /// From the first signal to the end of the last request under way.
    pub drain: Duration,
    /// Connections to the admin port open at a time; with one more the oldest is closed.
    pub admin_connections: usize,
    /// From an accepted connection to the admin port to the end of its one answer.
    pub admin_exchange: Duration,
    /// Largest request to the admin port, in bytes.
    pub admin_head_bytes: usize,
}

impl Limits {
    /// What a server in front of an API server needs.
    pub const DEFAULT: Self = Self {
        // `object` and `oldObject` of at most 3 MiB each (the API server's own request limit),
        // and the envelope.
        body_bytes: 7 * 1_024 * 1_024,
        // A larger review can take milliseconds: too long to hold up the other connections of an
        // async worker. Below it, moving to another thread costs more than the answer.
        inline_bytes: 64 * 1_024,
        // The API server sends well under 1 KiB of head. Larger than 8 KiB because the same
        // buffer reads bodies.
        head_bytes: 64 * 1_024,
        // Below 1024, the usual soft limit on open files, with room for the program's own. Far
        // above the 25 idle connections that each API server keeps.
        connections: 900,
        // RFC 9113 advises no less than 100. An API server speaks HTTP/2 only to loopback.
        streams: 100,
        // The API server itself gives up after 10 s; anyone slower is not it.
        handshake: Duration::from_secs(10),
        // The API server writes a head at once. Leaves time to send a lost packet thrice.
        head: Duration::from_secs(10),
        // As for the head: a body that stands still is not coming.
        body_progress: Duration::from_secs(10),
        // The longest `timeoutSeconds` of a webhook: nobody waits for the answer after it.
        body_total: Duration::from_secs(30),
        // Above the 90 s after which Go's client drops an idle connection. Were the server the
        // first to close, a review sent at that moment would fail: a POST is not sent again.
        idle: Duration::from_mins(2),
        // The farewell of TLS or HTTP/2 into a full buffer, and the lingering.
        close: Duration::from_secs(5),
        // Time to read an early refusal (413) before the connection is reset: a reset discards
        // what the client has not read yet.
        linger: Duration::from_secs(2),
        // Long enough not to spin while file descriptors are short, short enough to go unnoticed.
        accept_backoff: Duration::from_millis(100),
        // Kubernetes kills after 30 s (`terminationGracePeriodSeconds`); keeps 5 s for the rest.
        drain: Duration::from_secs(25),
        // The kubelet takes up to a minute to bring a renewed Secret; certificates are renewed
        // weeks before their end. A look reads a few kilobytes.
        certificate_check: Duration::from_secs(10),
        // Somebody waits for what they have just written; it counts at the second look.
        policy_check: Duration::from_secs(2),
        // The kubelet, some scrapers, somebody's curl: a handful. Kept out of `connections`, and
        // with it below 1024.
        admin_connections: 32,
        // What Prometheus waits for a scrape unless told otherwise; kubelets wait less.
        admin_exchange: Duration::from_secs(10),
        // hyper's least. Scrapers send some hundred bytes.
        admin_head_bytes: 8 * 1_024,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

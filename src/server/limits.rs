//! Every bound and timer of the server, each with its unit and its reason; no other file of this
//! room holds such a number.
//!
//! # Memory
//!
//! What the program takes at most, of the 256 MiB that `deploy/base/deployment.yaml` gives it:
//!
//! | what | MiB |
//! |---|---|
//! | program, policy, charts, threads | 16 |
//! | bodies and answers: `flight_bytes` and `flight_reserve` | 48 |
//! | reviewing large reviews: `work_bytes` | 96 |
//! | reviewing a small one on each of two cores: `inline_bytes` × `work_factor` | 14 |
//! | `connections`, each with buffers of HTTP and TLS: 4 × `head_bytes` | 56 |
//! | with `--watch-live`, virtual clusters: `cluster::ledger` | 11 |
//! | with `--watch-namespaces`, labels: `cluster::namespaces` | 11 |
//! | reading what is watched, as it comes: `cluster::metadata` | 4 |
//!
//! One review alone takes no more than `work_bytes`, whatever it holds: what is read of an object is
//! bounded by `values::Limits::OBJECT`, and `tests/it/memory.rs` measures the dearest.

use std::time::Duration;

/// How much a client may ask of the server, and for how long. Tests set their own; production
/// runs with [`Limits::DEFAULT`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Largest review, in bytes.
    pub body_bytes: usize,
    /// Largest small review, in bytes: it is answered on the connection's own thread, and counted
    /// apart from the large ones.
    pub inline_bytes: usize,
    /// Bodies of large reviews that are being read, waiting, reviewed or answered, in bytes; beyond
    /// it the client is told to ask again.
    pub flight_bytes: usize,
    /// The same for small reviews, which large ones cannot take.
    pub flight_reserve: usize,
    /// Largest body that is read and dropped if there is no room for it, in bytes; a client with a
    /// larger one is told at once, and has to connect anew.
    pub dropped_bytes: usize,
    /// What reviewing takes beyond the body, in bytes for each byte of it, at worst.
    pub work_factor: usize,
    /// Memory for reviewing large reviews, in bytes; beyond it they wait for each other.
    pub work_bytes: usize,
    /// Largest HTTP/1.1 request head, and read and write buffer of a connection, in bytes.
    pub head_bytes: usize,
    /// What the other side may send ahead over one HTTP/2 connection, in bytes.
    pub window_bytes: u32,
    /// Answers waiting to be sent on one HTTP/2 stream, in bytes.
    pub send_bytes: usize,
    /// Connections open at a time; for the next one another is closed that gives less, or it waits.
    pub connections: usize,
    /// Clients that the kernel keeps waiting to be accepted; what comes beyond tries again by itself,
    /// after one second, then after three.
    pub backlog: u32,
    /// Connections that have asked nothing yet, or owe something, up to which one that has asked
    /// before is closed to make room; if there are more, one of them has to go.
    pub unproven: usize,
    /// How long a connection may give nothing, or too little of a body, before it can be closed to
    /// make room.
    pub grace: Duration,
    /// Open files that are not connections; where the system allows few, at most half of them.
    pub own_files: usize,
    /// Requests under way on one HTTP/2 connection.
    pub streams: u32,
    /// From the accepted connection to the end of its TLS handshake.
    pub handshake: Duration,
    /// From the first byte of an HTTP/1.1 request to the end of its head.
    pub head: Duration,
    /// From the moment that the system takes no more of an answer, as nobody reads it, until it
    /// has taken all.
    pub unread: Duration,
    /// From one piece of a body to the next.
    pub body_progress: Duration,
    /// How fast a body has to come, in bytes a second, to be waited for where others wait for its
    /// room; slower for longer than [`grace`](Self::grace), and its connection is closed for them.
    pub body_rate: u32,
    /// From the end of a request's head to the end of its body.
    pub body_total: Duration,
    /// The longest that a review may take, and the time that it has if the request names none.
    pub review: Duration,
    /// What is kept back of the time that a request names, to bring the answer back; at most a
    /// tenth of it.
    pub margin: Duration,
    /// How long a client that is told to ask again waits before it does, in whole seconds; it is
    /// told so only where more than that is left of its time.
    pub retry_after: u16,
    /// How long a connection may stay open without a request under way.
    pub idle: Duration,
    /// How long closing an idle connection may take, [`linger`](Self::linger) included.
    pub close: Duration,
    /// How long a closed connection goes on discarding what the client still sends.
    pub linger: Duration,
    /// Pause after the system refused to accept a connection, or where there is no room for it.
    pub accept_backoff: Duration,
    /// From one look at the certificate's files to the next.
    pub certificate_check: Duration,
    /// From one look at the policy's files to the next; a change has to be seen twice.
    pub policy_check: Duration,
    /// From the first signal to the end of the listener, unless the command line says otherwise.
    pub shutdown_delay: Duration,
    /// How long a connection without a request stays open after the listener.
    pub drain_idle: Duration,
    /// From the end of the listener until those still under way are told to ask elsewhere; they
    /// have [`close`](Self::close) to hear it.
    pub drain: Duration,
    /// From the second signal to the end: to hear where to ask, for those still under way.
    pub stop: Duration,
    /// Connections to the admin port open at a time; with one more the oldest is closed.
    pub admin_connections: usize,
    /// From an accepted connection to the admin port to the end of its one answer.
    pub admin_exchange: Duration,
    /// Largest request to the admin port, in bytes.
    pub admin_head_bytes: usize,
}

/// Days before the end of a certificate on which that is told: time to find out why it was not
/// renewed, time to renew it by hand, and no time.
pub(super) const EXPIRY_NOTICES: [i64; 3] = [30, 7, 1];

impl Limits {
    /// What a server in front of an API server needs.
    pub const DEFAULT: Self = Self {
        // `object` and `oldObject` of at most 3 MiB each (the API server's own request limit),
        // and the envelope.
        body_bytes: 7 * 1_024 * 1_024,
        // A larger review can take milliseconds: too long to hold up the other connections of an
        // async worker. Below it, moving to another thread costs more than the answer.
        inline_bytes: 64 * 1_024,
        // Four of the largest. What an API server sends is mostly below 20 KiB.
        flight_bytes: 32 * 1_024 * 1_024,
        // As many of the largest small ones as 256, or all connections with 18 KiB each.
        flight_reserve: 16 * 1_024 * 1_024,
        // Measured: to read and drop 170 KiB costs the server as much as a handshake, which the client
        // has to pay as well.
        dropped_bytes: 128 * 1_024,
        // Measured: a list in a text takes 220 bytes of memory for each value of 2 bytes, of the
        // old and the new object alike (0.76 MiB took 81 MiB); usual values take 3 to 45.
        work_factor: 110,
        // The dearest review, a map of as many keys as may be read before and after, takes 90 MiB
        // (`values::Limits::OBJECT`).
        work_bytes: 96 * 1_024 * 1_024,
        // The API server sends well under 1 KiB of head. As large as a TLS record because the same
        // buffer reads bodies.
        head_bytes: 16 * 1_024,
        // HTTP/2's own default. An API server speaks it only to loopback, where more gains nothing.
        window_bytes: 65_535,
        // An answer is mostly below 1 KiB.
        send_bytes: 16 * 1_024,
        // Below 1024, the usual soft limit on open files, with room for the program's own. Far
        // above the 25 idle connections that each API server keeps.
        connections: 900,
        // As many as get in within the grace of those that they push out, and no more: who waits
        // longer waits for nothing. The kernel's own bound is mostly 4096.
        backlog: 1_024,
        // A quarter: a burst of newcomers, whoever sends it, leaves API servers their connections.
        unproven: 225,
        // A handshake, or a pause between two reviews, on a busy node. Whoever comes in has so long
        // to show what for, however many come; and more than a hundred a second get in.
        grace: Duration::from_secs(2),
        // Standard streams, sockets that listen, the runtime's own, files that are looked at: about
        // twenty.
        own_files: 100,
        // RFC 9113 advises no less than 100. An API server speaks HTTP/2 only to loopback.
        streams: 100,
        // The API server itself gives up after 10 s; anyone slower is not it.
        handshake: Duration::from_secs(10),
        // The API server writes a head at once. Leaves time to send a lost packet thrice.
        head: Duration::from_secs(10),
        // As for the head. Most answers fit into the system's own buffers: one that does not is
        // somebody's who asks on and does not read.
        unread: Duration::from_secs(10),
        // As for the head: a body that stands still is not coming.
        body_progress: Duration::from_secs(10),
        // An API server sends a body in one go; a thousand of them together still come at this rate
        // through 64 MiB a second.
        body_rate: 64 * 1_024,
        // The longest `timeoutSeconds` of a webhook: nobody waits for the answer after it.
        body_total: Duration::from_secs(30),
        // The longest `timeoutSeconds` that a webhook can have.
        review: Duration::from_secs(30),
        // A busy node's round trip, and a thread that has to wait for its turn.
        margin: Duration::from_millis(500),
        // An API server sleeps whole seconds and asks up to ten times (`client-go`, `with_retry.go`).
        retry_after: 1,
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
        // A Pod's end reaches all nodes within a few seconds; until then reviews are sent here.
        shutdown_delay: Duration::from_secs(10),
        // A request that was on its way to us when the listener closed. Several round trips.
        drain_idle: Duration::from_secs(1),
        // Most webhooks' `timeoutSeconds` is 10 or less. With the delay before and the farewell
        // after it 30 s in all, which `terminationGracePeriodSeconds` has to be above.
        drain: Duration::from_secs(15),
        // The kubelet takes up to a minute to bring a renewed Secret; certificates are renewed
        // weeks before their end. A look reads a few kilobytes.
        certificate_check: Duration::from_secs(10),
        // Somebody waits for what they have just written; it counts at the second look.
        policy_check: Duration::from_secs(2),
        // Several round trips; whoever sends a second signal waits for it.
        stop: Duration::from_secs(1),
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

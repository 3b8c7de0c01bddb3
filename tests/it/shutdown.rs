//! How the server stops.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use distrogate::admission::Endpoint;
use distrogate::server::{Handler, Limits, Outcome};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::mpsc as async_mpsc;
use tokio::time::timeout;

use crate::client::{PATIENCE, TestServer, echo, echoed, post};

/// Every review on a thread of its own: these handlers block. A handshake that never ends must not
/// hold up the end.
const LIMITS: Limits = Limits {
    inline_bytes: 0,
    handshake: Duration::from_hours(1),
    drain_idle: Duration::ZERO,
    linger: Duration::from_millis(50),
    ..Limits::DEFAULT
};

/// A handler that says when it begins and ends when it is told.
fn held() -> (Handler, async_mpsc::UnboundedReceiver<()>, mpsc::Sender<()>) {
    let (begun, begins) = async_mpsc::unbounded_channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let handler = move |endpoint, body: &[u8]| {
        begun.send(()).unwrap();
        // An error is the end of a test that leaves the handler alone.
        released.lock().unwrap().recv().ok();
        echo(endpoint, body)
    };
    (Arc::new(handler), begins, release)
}

#[tokio::test]
async fn what_is_under_way_is_answered() {
    let (handler, mut begins, release) = held();
    let server = TestServer::start(LIMITS, handler);
    let mut idle = server.tls().await;
    let _silent = server.tcp().await;
    let mut busy = server.tls().await;
    busy.send(&post("/validate", "{}")).await;
    begins.recv().await.unwrap();

    server.shutdown.drain();
    // Idle connections are closed; that this has happened also says that draining has begun.
    idle.closed().await;
    drop(idle);
    release.send(()).unwrap();
    let response = busy.response().await;
    assert_eq!(response.body, echoed(Endpoint::Validate, 2));
    assert_eq!(response.header("connection"), Some("close"));
    busy.closed().await;
    drop(busy);

    let address = server.address;
    assert_eq!(server.outcome().await, Outcome::Drained);
    TcpStream::connect(address)
        .await
        .expect_err("nobody listens any more");
}

#[tokio::test]
async fn who_has_connected_but_was_not_accepted_is_answered() {
    let limits = Limits {
        drain_idle: Duration::from_secs(20),
        ..LIMITS
    };
    let server = TestServer::echo(limits);
    // Nothing else runs between this and the order to drain.
    let socket = std::net::TcpStream::connect(server.address).unwrap();
    server.shutdown.drain();
    socket.set_nonblocking(true).unwrap();
    let mut connection = server.tls_on(TcpStream::from_std(socket).unwrap()).await;
    connection.send(&post("/validate", "{}")).await;
    let response = connection.response().await;
    assert_eq!(response.body, echoed(Endpoint::Validate, 2));
    connection.closed().await;
    drop(connection);
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn what_is_under_way_over_http2_is_answered() {
    let (handler, mut begins, release) = held();
    let server = TestServer::start(LIMITS, handler);
    let io = TokioIo::new(server.tls_with(rustls::ALL_VERSIONS, &[b"h2"]).await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post("https://localhost/mutate")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(b"{}")))
        .unwrap();
    let answer = tokio::spawn(sender.send_request(request));
    begins.recv().await.unwrap();
    let mut idle = server.tls().await;

    server.shutdown.drain();
    idle.closed().await;
    drop(idle);
    release.send(()).unwrap();
    let response = timeout(PATIENCE, answer).await.unwrap().unwrap().unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, echoed(Endpoint::Mutate, 2));
    timeout(PATIENCE, connection)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn draining_has_an_end_at_which_reviews_are_sent_elsewhere() {
    let (handler, mut begins, _release) = held();
    let limits = Limits {
        drain: Duration::from_millis(100),
        ..LIMITS
    };
    let server = TestServer::start(limits, handler);
    let mut busy = server.tls().await;
    busy.send(&post("/validate", "{}")).await;
    begins.recv().await.unwrap();

    server.shutdown.drain();
    let response = busy.response().await;
    let message = "the admission server stops: ask again";
    response.assert_status(503, "ServiceUnavailable", message);
    assert_eq!(response.header("retry-after"), Some("1"));
    assert_eq!(response.header("connection"), Some("close"));
    busy.closed().await;
    assert_eq!(server.outcome().await, Outcome::Cut { connections: 1 });
}

#[tokio::test]
async fn a_server_that_leaves_serves_on_and_ends_its_connections() {
    let server = TestServer::echo(LIMITS);
    let mut old = server.tls().await;
    old.send(&post("/validate", "{}")).await;
    assert_eq!(old.response().await.header("connection"), None);
    let mut early = server.tls().await;

    server.shutdown.leave();
    let ready = server
        .fetch("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    ready.assert_status(
        503,
        "ServiceUnavailable",
        "not ready: draining: about to stop",
    );
    assert_eq!(ready.header("retry-after"), Some("1"));
    for connection in [&mut old, &mut early, &mut server.tls().await] {
        connection.send(&post("/validate", "{}")).await;
        let response = connection.response().await;
        assert_eq!(response.body, echoed(Endpoint::Validate, 2));
        assert_eq!(response.header("connection"), Some("close"));
        connection.closed().await;
    }
    server.shutdown.drain();
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn a_server_that_leaves_tells_http2_clients_to_go() {
    let server = TestServer::echo(LIMITS);
    let request = || {
        Request::post("https://localhost/mutate")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(b"{}")))
            .unwrap()
    };
    let connect = async || {
        let io = TokioIo::new(server.tls_with(rustls::ALL_VERSIONS, &[b"h2"]).await);
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
            .await
            .unwrap()
    };
    let (mut sender, connection) = connect().await;
    let old = tokio::spawn(connection);
    let answer = timeout(PATIENCE, sender.send_request(request())).await;
    assert_eq!(answer.unwrap().unwrap().status(), 200);

    server.shutdown.leave();
    timeout(PATIENCE, old).await.unwrap().unwrap().unwrap();

    // one that comes now can still send its first request
    let (mut sender, connection) = connect().await;
    let new = tokio::spawn(connection);
    let answer = timeout(PATIENCE, sender.send_request(request())).await;
    assert_eq!(answer.unwrap().unwrap().status(), 200);
    timeout(PATIENCE, new).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_request_on_its_way_when_the_listener_closes_is_answered() {
    let limits = Limits {
        drain_idle: Duration::from_hours(1),
        ..LIMITS
    };
    let server = TestServer::echo(limits);
    let mut used = server.tls().await;
    used.send(&post("/validate", "{}")).await;
    assert_eq!(used.response().await.code(), 200);
    let mut fresh = server.tls().await;
    let mut begun = server.tls().await;
    begun.send("POST /validate HTTP/1.1\r\n").await;

    server.shutdown.drain();
    let address = server.address;
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let rest = post("/validate", "{}").replace("POST /validate HTTP/1.1\r\n", "");
    begun.send(&rest).await;
    for connection in [&mut used, &mut fresh] {
        connection.send(&post("/validate", "{}")).await;
    }
    for connection in [&mut used, &mut fresh, &mut begun] {
        let response = connection.response().await;
        assert_eq!(response.body, echoed(Endpoint::Validate, 2));
        assert_eq!(response.header("connection"), Some("close"));
        connection.closed().await;
    }
    assert_eq!(server.outcome().await, Outcome::Drained);
}

#[tokio::test]
async fn a_second_order_sends_reviews_elsewhere_and_stops() {
    let (handler, mut begins, _release) = held();
    let limits = Limits {
        drain: Duration::from_hours(1),
        close: Duration::from_hours(1),
        stop: Duration::from_millis(500),
        ..LIMITS
    };
    let server = TestServer::start(limits, handler);
    let [mut busy, mut silent] = [server.tls().await, server.tls().await];
    silent
        .send(&post("/validate", "").replace("Length: 0", "Length: 2"))
        .await;
    busy.send(&post("/validate", "{}")).await;
    begins.recv().await.unwrap();

    server.shutdown.drain();
    server.shutdown.stop();
    for connection in [&mut busy, &mut silent] {
        let response = connection.response().await;
        let message = "the admission server stops: ask again";
        response.assert_status(503, "ServiceUnavailable", message);
        assert_eq!(response.header("retry-after"), Some("1"));
        connection.closed().await;
    }
    assert_eq!(server.outcome().await, Outcome::Cut { connections: 2 });
}

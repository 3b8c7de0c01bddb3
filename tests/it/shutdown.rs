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
    let server = TestServer::start(LIMITS, handler).await;
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
async fn what_is_under_way_over_http2_is_answered() {
    let (handler, mut begins, release) = held();
    let server = TestServer::start(LIMITS, handler).await;
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
async fn draining_has_an_end() {
    let (handler, mut begins, _release) = held();
    let limits = Limits {
        drain: Duration::from_millis(100),
        ..LIMITS
    };
    let server = TestServer::start(limits, handler).await;
    let mut busy = server.tls().await;
    busy.send(&post("/validate", "{}")).await;
    begins.recv().await.unwrap();

    server.shutdown.drain();
    busy.closed().await;
    assert_eq!(server.outcome().await, Outcome::Cut { connections: 1 });
}

#[tokio::test]
async fn a_second_order_stops_at_once() {
    let (handler, mut begins, _release) = held();
    let server = TestServer::start(LIMITS, handler).await;
    let mut busy = server.tls().await;
    busy.send(&post("/validate", "{}")).await;
    begins.recv().await.unwrap();

    server.shutdown.drain();
    server.shutdown.stop();
    busy.closed().await;
    assert_eq!(server.outcome().await, Outcome::Cut { connections: 1 });
}

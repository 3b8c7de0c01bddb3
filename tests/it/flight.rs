//! Bytes in flight and deadlines: what is answered when there is no room, or no time.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use distrogate::admission::Endpoint;
use distrogate::server::{Handler, Limits};
use tokio::sync::mpsc as async_mpsc;

use crate::client::{TestServer, echo, echoed, post};

/// Room for one large review and two small ones.
const TIGHT: Limits = Limits {
    body_bytes: 1_000,
    inline_bytes: 10,
    flight_bytes: 1_000,
    flight_reserve: 20,
    dropped_bytes: 10,
    ..Limits::DEFAULT
};

const SHED: &str =
    "the admission server has as much to do as its memory bears: ask again in a second";

fn large(timeout: &str) -> String {
    post(&format!("/validate?timeout={timeout}"), &"x".repeat(600))
}

/// A head that announces a body, of which nothing comes.
fn announced(bytes: usize, timeout: &str) -> String {
    post(&format!("/validate?timeout={timeout}"), "")
        .replace("Length: 0", &format!("Length: {bytes}"))
}

/// A handler that says when it begins a large review and ends it when it is told.
pub(crate) fn held() -> (Handler, async_mpsc::UnboundedReceiver<()>, mpsc::Sender<()>) {
    let (begun, begins) = async_mpsc::unbounded_channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let handler = move |endpoint, body: &[u8]| {
        if body.len() > TIGHT.inline_bytes {
            begun.send(()).ok();
            released.lock().unwrap().recv().ok();
        }
        echo(endpoint, body)
    };
    (Arc::new(handler), begins, release)
}

#[tokio::test]
async fn beyond_the_budget_clients_are_told_to_ask_again() {
    let (handler, mut begins, release) = held();
    let server = TestServer::start(TIGHT, handler);
    let mut first = server.tls().await;
    first.send(&large("30s")).await;
    begins.recv().await.unwrap();

    // at once, before the body comes, on a connection that ends
    let mut shed = server.tls().await;
    shed.send(&announced(600, "10s")).await;
    let response = shed.response().await;
    response.assert_status(429, "TooManyRequests", SHED);
    assert_eq!(response.header("retry-after"), Some("1"));
    assert_eq!(response.header("connection"), Some("close"));
    shed.closed().await;

    // small ones have room of their own
    let mut small = server.tls().await;
    small.send(&post("/validate?timeout=10s", "{}")).await;
    assert_eq!(small.response().await.body, echoed(Endpoint::Validate, 2));

    release.send(()).unwrap();
    assert_eq!(first.response().await.body, echoed(Endpoint::Validate, 600));
    release.send(()).unwrap();
    first.send(&large("30s")).await;
    assert_eq!(first.response().await.code(), 200);
}

#[tokio::test]
async fn a_review_that_is_shed_and_not_too_long_keeps_its_connection() {
    let server = TestServer::echo(Limits {
        grace: Duration::from_hours(1),
        ..TIGHT
    });
    let mut slow = [server.tls().await, server.tls().await];
    for connection in &mut slow {
        connection.send(&announced(10, "30s")).await;
    }
    let mut connection = server.tls().await;
    // until both heads before have been read
    let response = loop {
        connection
            .send(&post("/validate?timeout=10s", "0123456789"))
            .await;
        let response = connection.response().await;
        if response.code() != 200 {
            break response;
        }
    };
    response.assert_status(429, "TooManyRequests", SHED);
    assert_eq!(response.header("retry-after"), Some("1"));
    assert_eq!(response.header("connection"), None);
    for connection in &mut slow {
        connection.send("0123456789").await;
        assert_eq!(connection.response().await.code(), 200);
    }
    connection
        .send(&post("/validate?timeout=10s", "0123456789"))
        .await;
    assert_eq!(connection.response().await.code(), 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_leaves_its_room_to_the_next() {
    let server = TestServer::echo(Limits {
        grace: Duration::ZERO,
        accept_backoff: Duration::ZERO,
        ..TIGHT
    });
    let mut stalled = server.tls().await;
    stalled.send(&announced(600, "30s")).await;
    while !server.metrics.encode().contains("in_flight_bytes 600\n") {
        tokio::task::yield_now().await;
    }
    server
        .fetch(&large("10s"))
        .await
        .assert_status(429, "TooManyRequests", SHED);
    stalled.closed().await;
    let response = server.fetch(&large("10s")).await;
    assert_eq!(response.body, echoed(Endpoint::Validate, 600));
    server.assert_metric("connections_evicted_total 1");
}

#[tokio::test]
async fn who_has_no_time_to_ask_again_waits_to_the_end_of_it() {
    let (handler, mut begins, release) = held();
    let server = TestServer::start(TIGHT, handler);
    let mut first = server.tls().await;
    first.send(&large("30s")).await;
    begins.recv().await.unwrap();

    let mut waiting = server.tls().await;
    waiting.send(&large("1s")).await;
    let response = waiting.response().await;
    let message =
        "the review did not reach the admission server's turn within its timeout of 1s: try again";
    response.assert_status(504, "Timeout", message);
    assert_eq!(response.header("retry-after"), None);

    release.send(()).unwrap();
    assert_eq!(first.response().await.code(), 200);
}

#[tokio::test]
async fn a_review_that_is_not_done_in_time_is_answered_and_keeps_its_room() {
    let (handler, mut begins, release) = held();
    let server = TestServer::start(TIGHT, handler);
    let mut late = server.tls().await;
    late.send(&large("200ms")).await;
    begins.recv().await.unwrap();
    let message = "the review was not done within its timeout of 200ms: try again; if it lasts, \
                   give the admission server more CPU or the webhook more timeoutSeconds";
    late.response().await.assert_status(504, "Timeout", message);

    // the work goes on, and its bytes are not given to anybody else
    let response = server.fetch(&announced(600, "10s")).await;
    response.assert_status(429, "TooManyRequests", SHED);
    release.send(()).unwrap();
    release.send(()).unwrap();
    let mut next = server.tls().await;
    next.send(&large("1s")).await;
    assert_eq!(next.response().await.body, echoed(Endpoint::Validate, 600));
    // its connection was kept
    late.send(&post("/validate", "{}")).await;
    assert_eq!(late.response().await.code(), 200);
}

#[tokio::test]
async fn a_body_without_a_length_is_counted_as_it_grows() {
    let (handler, mut begins, release) = held();
    let server = TestServer::start(TIGHT, handler);
    let chunked = |path: &str| {
        post(path, "").replace("Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n")
    };
    let chunk = |bytes: usize| format!("{bytes:x}\r\n{}\r\n", "x".repeat(bytes));

    let mut growing = server.tls().await;
    let head = chunked("/validate?timeout=10s");
    growing.send(&(head.clone() + &chunk(8))).await;
    let mut first = server.tls().await;
    first.send(&large("30s")).await;
    begins.recv().await.unwrap();
    growing.send(&chunk(400)).await;
    let response = growing.response().await;
    response.assert_status(429, "TooManyRequests", SHED);
    assert_eq!(response.header("connection"), Some("close"));

    release.send(()).unwrap();
    assert_eq!(first.response().await.code(), 200);
    release.send(()).unwrap();
    let mut whole = server.tls().await;
    whole.send(&head).await;
    for bytes in [1, 8, 1, 300] {
        whole.send(&chunk(bytes)).await;
    }
    whole.send("0\r\n\r\n").await;
    assert_eq!(whole.response().await.body, echoed(Endpoint::Validate, 310));
}

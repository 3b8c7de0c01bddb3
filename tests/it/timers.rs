//! When the server closes a connection, and when it does not.

use std::time::{Duration, Instant};

use distrogate::admission::Endpoint;
use distrogate::server::Limits;
use tokio::io::AsyncReadExt as _;
use tokio::time::{sleep, timeout};

use crate::client::{PATIENCE, TestServer, echoed, post};

/// One timer is short, the others are far longer than a test waits: what closes is that timer.
const SHORT: Duration = Duration::from_millis(300);
const LONG: Limits = Limits {
    handshake: Duration::from_hours(1),
    head: Duration::from_hours(1),
    body_progress: Duration::from_hours(1),
    body_total: Duration::from_hours(1),
    idle: Duration::from_hours(1),
    ..Limits::DEFAULT
};

#[tokio::test]
async fn a_slow_handshake_is_closed() {
    let server = TestServer::echo(Limits {
        handshake: SHORT,
        ..LONG
    })
    .await;
    let mut silent = server.tcp().await;
    let read = timeout(PATIENCE, silent.read(&mut [0; 1]))
        .await
        .expect("a close in time");
    assert_eq!(read.unwrap(), 0);
}

#[tokio::test]
async fn a_slow_head_is_closed_on_a_fresh_and_on_a_used_connection() {
    let server = TestServer::echo(Limits {
        head: SHORT,
        ..LONG
    })
    .await;
    let mut fresh = server.tls().await;
    fresh.send("POST /validate HTTP/1.1\r\nHost: ").await;
    fresh.closed().await;

    let mut used = server.tls().await;
    used.send(&post("/validate", "{}")).await;
    assert_eq!(used.response().await.code(), 200);
    used.send("P").await;
    used.closed().await;
}

#[tokio::test]
async fn an_idle_connection_outlives_the_timers_of_a_request() {
    let limits = Limits {
        head: SHORT,
        body_progress: SHORT,
        body_total: SHORT,
        ..LONG
    };
    let server = TestServer::echo(limits).await;
    let mut connection = server.tls().await;
    for bytes in 1..=3 {
        // Before the first request, too. The time itself is what is tested.
        sleep(3 * SHORT).await;
        connection
            .send(&post("/validate", &"x".repeat(bytes)))
            .await;
        assert_eq!(
            connection.response().await.body,
            echoed(Endpoint::Validate, bytes)
        );
    }
}

#[tokio::test]
async fn a_slow_head_in_time_is_read() {
    let server = TestServer::echo(LONG).await;
    let mut connection = server.tls().await;
    for piece in post("/validate", "{}").split_inclusive('\n') {
        connection.send(piece).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(connection.response().await.code(), 200);
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let server = TestServer::echo(Limits {
        idle: SHORT,
        ..LONG
    })
    .await;
    let mut used = server.tls().await;
    used.send(&post("/validate", "{}")).await;
    assert_eq!(used.response().await.code(), 200);
    let mut fresh = server.tls().await;
    // With TLS's own farewell: anything else is an error here.
    for connection in [&mut used, &mut fresh] {
        let read = timeout(PATIENCE, connection.stream.read(&mut [0; 1])).await;
        assert_eq!(read.expect("a close in time").unwrap(), 0);
    }
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed_in_the_end() {
    let server = TestServer::echo(Limits {
        idle: SHORT,
        ..LONG
    })
    .await;
    let stream = server.tls_with(rustls::ALL_VERSIONS, &[b"h2"]).await;
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (_sender, connection) =
        hyper::client::conn::http2::handshake::<_, _, http_body_util::Empty<hyper::body::Bytes>>(
            executor, io,
        )
        .await
        .unwrap();
    timeout(PATIENCE, connection)
        .await
        .expect("a close in time")
        .unwrap();
}

#[tokio::test]
async fn a_body_that_stands_still_is_refused() {
    let server = TestServer::echo(Limits {
        body_progress: SHORT,
        ..LONG
    })
    .await;
    let mut connection = server.tls().await;
    connection
        .send(&post("/validate", "{}").replace("Length: 2", "Length: 20"))
        .await;
    let response = connection.response().await;
    response.assert_status(400, "BadRequest", "the body stood still for 300ms");
    connection.closed().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_refused() {
    let limits = Limits {
        body_total: SHORT,
        ..LONG
    };
    let server = TestServer::echo(limits).await;
    let mut connection = server.tls().await;
    connection
        .send(&post("/validate", "").replace("Length: 0", "Length: 7000000"))
        .await;
    let start = Instant::now();
    let response = loop {
        tokio::select! {
            biased;
            response = connection.response() => break response,
            // Always some progress.
            () = sleep(SHORT / 30) => {}
        }
        assert!(start.elapsed() < PATIENCE, "no answer");
        connection.send("x").await;
    };
    response.assert_status(400, "BadRequest", "the body took longer than 300ms");
}

#[tokio::test]
async fn connections_over_the_bound_wait() {
    let server = TestServer::echo(Limits {
        connections: 1,
        ..LONG
    })
    .await;
    let mut first = server.tls().await;
    first.send(&post("/validate", "{}")).await;
    assert_eq!(first.response().await.code(), 200);

    let mut second = std::pin::pin!(server.fetch("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    timeout(SHORT, second.as_mut())
        .await
        .expect_err("nobody accepts a second connection");
    drop(first);
    assert_eq!(timeout(PATIENCE, second).await.unwrap().code(), 200);
}

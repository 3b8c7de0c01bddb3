//! When the server closes a connection, and when it does not.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::Request;
use distrogate::admission::Endpoint;
use distrogate::server::Limits;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use crate::client::{PATIENCE, TestServer, echoed, post};
use crate::flight::held;

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
    });
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
    });
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
    let server = TestServer::echo(limits);
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
    let server = TestServer::echo(LONG);
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
    });
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
    });
    let stream = server.tls_with(rustls::ALL_VERSIONS, &[b"h2"]).await;
    let io = TokioIo::new(stream);
    let (_sender, connection) = http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), io)
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
    });
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
    let server = TestServer::echo(limits);
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
async fn an_answer_that_nobody_reads_ends_its_connection() {
    let server = TestServer::echo(Limits {
        unread: SHORT,
        ..LONG
    });
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let socket = socket.connect(server.address).await.unwrap();
    let mut connection = server.tls_on(socket).await;
    let requests = post("/validate", "{}").repeat(100);
    // until one of these writes meets the end
    let asking = async {
        while connection
            .stream
            .write_all(requests.as_bytes())
            .await
            .is_ok()
        {}
    };
    timeout(PATIENCE, asking).await.expect("an end in time");
}

#[tokio::test]
async fn an_http2_answer_that_nobody_takes_ends_its_connection() {
    let limits = Limits {
        unread: SHORT,
        ..LONG
    };
    let server = TestServer::echo(limits);
    // not one byte of an answer, or one
    for window in [0, 1] {
        let io = TokioIo::new(server.tls_with(rustls::ALL_VERSIONS, &[b"h2"]).await);
        let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(io)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::post("https://localhost/validate")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(b"{}")))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200, "the head comes");
        let ended = timeout(PATIENCE, connection).await;
        ended.expect("an end in time").unwrap().ok();
        // read only now: whoever reads makes room for more
        response.into_body().collect().await.unwrap_err();
    }
}

const PROBE: &str = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Room for so many, who have no grace.
const fn room_for(connections: usize) -> Limits {
    Limits {
        connections,
        grace: Duration::ZERO,
        ..LONG
    }
}

#[tokio::test]
async fn who_gives_nothing_makes_room_the_least_first() {
    let server = TestServer::echo(room_for(4));
    let mut idle = server.tls().await;
    idle.send(&post("/validate", "{}")).await;
    assert_eq!(idle.response().await.code(), 200);
    let mut unused = server.tls().await;
    let mut head = server.tls().await;
    head.send("POST /validate HTTP/1.1\r\n").await;
    let mut silent = server.tcp().await;
    let mut byte = [0];

    // Each answer is on a connection that stays, so that there is no room for the next one.
    let mut newcomers = Vec::new();
    let mut come = async || {
        let mut newcomer = server.tls().await;
        newcomer.send(&post("/validate", "{}")).await;
        assert_eq!(newcomer.response().await.code(), 200);
        newcomers.push(newcomer);
    };
    come().await;
    // One of these two, as who is so for longer is not told from here.
    let gone = tokio::select! {
        _ = silent.read(&mut byte) => "silent",
        () = head.closed() => "head",
    };
    come().await;
    if gone == "silent" {
        head.closed().await;
    } else {
        let read = timeout(PATIENCE, silent.read(&mut byte)).await;
        assert!(matches!(read.expect("a close in time"), Ok(0) | Err(_)));
    }
    come().await;
    unused.closed().await;
    idle.send(&post("/validate", "{}")).await;
    assert_eq!(idle.response().await.code(), 200);
    server.assert_metric("connections_evicted_total 3");
}

#[tokio::test]
async fn who_is_idle_for_longest_makes_room_with_a_farewell() {
    let server = TestServer::echo(room_for(2));
    let [mut first, mut second] = [server.tls().await, server.tls().await];
    for connection in [&mut first, &mut second] {
        connection.send(&post("/validate", "{}")).await;
        assert_eq!(connection.response().await.code(), 200);
    }
    assert_eq!(server.fetch(PROBE).await.code(), 200);
    // TLS's own: anything else is an error here.
    let read = timeout(PATIENCE, first.stream.read(&mut [0; 1])).await;
    assert_eq!(read.expect("a close in time").unwrap(), 0);
    second.send(&post("/validate", "{}")).await;
    assert_eq!(second.response().await.code(), 200);
}

#[tokio::test]
async fn nobody_goes_whose_request_has_come_in_whole() {
    let (handler, mut begins, release) = held();
    let limits = Limits {
        inline_bytes: 10,
        ..room_for(1)
    };
    let server = TestServer::start(limits, handler);
    let mut first = server.tls().await;
    first.send(&post("/validate", "longer than ten")).await;
    begins.recv().await.unwrap();

    let mut second = std::pin::pin!(server.fetch(PROBE));
    timeout(SHORT, second.as_mut())
        .await
        .expect_err("the first one stays");
    release.send(()).unwrap();
    assert_eq!(first.response().await.code(), 200);
    assert_eq!(timeout(PATIENCE, second).await.unwrap().code(), 200);
    first.closed().await;
}

#[tokio::test]
async fn who_does_not_send_its_body_makes_room() {
    let server = TestServer::echo(room_for(1));
    let mut first = server.tls().await;
    let request = post("/validate", "{}");
    let (start, _end) = request.split_at(request.len() - 1);
    first.send(start).await;
    while !server
        .metrics
        .encode()
        .contains("distrogate_in_flight_reviews 1\n")
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.fetch(PROBE).await.code(), 200);
    first.closed().await;
    server.assert_metric("connections_evicted_total 1");
}

#[tokio::test]
async fn who_has_just_come_has_its_grace() {
    let server = TestServer::echo(Limits {
        grace: Duration::from_hours(1),
        ..room_for(1)
    });
    let first = server.tls().await;
    let mut second = std::pin::pin!(server.fetch(PROBE));
    timeout(SHORT, second.as_mut())
        .await
        .expect_err("nobody has given nothing for an hour");
    drop(first);
    assert_eq!(timeout(PATIENCE, second).await.unwrap().code(), 200);
}

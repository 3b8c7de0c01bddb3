//! What the server answers, over real TLS connections.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use distrogate::admission::{Answer, Endpoint};
use distrogate::server::Limits;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::{Body, Bytes, Frame};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::client::{PATIENCE, TestServer, echoed, post, status};
use crate::support::file;

#[tokio::test]
async fn probes_answer() {
    let server = TestServer::echo(Limits::DEFAULT);
    for path in ["/livez", "/readyz", "/readyz?verbose"] {
        let response = server
            .fetch(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
            .await;
        assert_eq!(
            (response.code(), response.body.as_str()),
            (200, "ok"),
            "{path}"
        );
        assert_eq!(
            response.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }
}

#[test]
fn the_readme_has_the_bounds() {
    let limits = Limits::DEFAULT;
    let readme = std::fs::read_to_string(file("README.md")).unwrap();
    let mib = |bytes: usize| bytes / (1_024 * 1_024);
    let small = limits.inline_bytes / 1_024;
    for text in [
        format!("| {} MiB, beyond it 413 |", mib(limits.body_bytes)),
        format!(
            "| {} MiB of large reviews, {} MiB of small ones (up to {small} KiB); ",
            mib(limits.flight_bytes),
            mib(limits.flight_reserve)
        ),
        format!("`Retry-After: {}`", limits.retry_after),
        format!(
            "| {} MiB; they wait for each other |",
            mib(limits.work_bytes)
        ),
        format!("less a tenth, at most {} ms; ", limits.margin.as_millis()),
        format!("| connections | {}, or fewer ", limits.connections),
        format!("given nothing for {} s: ", limits.grace.as_secs()),
        format!(
            "| handshake, head, piece of a body, reading of an answer | {} s each |",
            limits.handshake.as_secs()
        ),
        format!("| idle connection | {} s, ", limits.idle.as_secs()),
        format!("| {} s serving on, ", limits.shutdown_delay.as_secs()),
        format!(
            "then at most {} s to finish and {} s to send ",
            limits.drain.as_secs(),
            limits.close.as_secs()
        ),
        format!(
            "looked at every {} s and",
            limits.certificate_check.as_secs()
        ),
    ] {
        assert!(readme.contains(&text), "{text}");
    }
    assert_eq!(
        [limits.head, limits.body_progress, limits.unread],
        [limits.handshake; 3]
    );
}

#[tokio::test]
async fn a_review_reaches_the_handler_and_its_answer_the_client() {
    let server = TestServer::echo(Limits::DEFAULT);
    let mut connection = server.tls().await;
    for (path, endpoint, bytes) in [
        ("/validate?timeout=10s", Endpoint::Validate, 1),
        ("/mutate", Endpoint::Mutate, Limits::DEFAULT.inline_bytes),
        (
            "/mutate",
            Endpoint::Mutate,
            Limits::DEFAULT.inline_bytes + 1,
        ),
        ("/validate", Endpoint::Validate, Limits::DEFAULT.body_bytes),
    ] {
        connection.send(&post(path, &"x".repeat(bytes))).await;
        let response = connection.response().await;
        assert_eq!(
            (response.code(), response.body.as_str()),
            (200, &*echoed(endpoint, bytes))
        );
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.header("connection"), None);
    }
}

#[tokio::test]
async fn the_handler_decides_the_code() {
    let handler = |_, _: &[u8]| Answer {
        status: 422,
        body: b"{}".to_vec(),
    };
    let server = TestServer::start(Limits::DEFAULT, Arc::new(handler));
    let response = server.fetch(&post("/validate", "{}")).await;
    assert_eq!((response.code(), response.body.as_str()), (422, "{}"));

    let handler = |_, _: &[u8]| Answer {
        status: 7,
        body: b"{}".to_vec(),
    };
    let server = TestServer::start(Limits::DEFAULT, Arc::new(handler));
    let response = server.fetch(&post("/validate", "{}")).await;
    response.assert_status(500, "InternalError", "the review could not be answered");
}

#[tokio::test]
async fn the_http_version_is_negotiated() {
    let server = TestServer::echo(Limits::DEFAULT);
    for (version, offered, expected) in [
        (&TLS13, &[&b"h2"[..], b"http/1.1"][..], Some(&b"h2"[..])),
        (&TLS12, &[b"h2", b"http/1.1"], Some(b"h2")),
        (&TLS13, &[b"http/1.1"], Some(b"http/1.1")),
        (&TLS13, &[], None),
        (&TLS12, &[], None),
    ] {
        let stream = server.tls_with(&[version], offered).await;
        let connection = stream.get_ref().1;
        assert_eq!(connection.alpn_protocol(), expected);
        assert_eq!(connection.protocol_version(), Some(version.version));

        let io = TokioIo::new(stream);
        let request = Request::post("https://localhost/mutate")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(b"{}")))
            .unwrap();
        let answer = async {
            if expected == Some(b"h2") {
                let (mut sender, connection) =
                    hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                        .await
                        .unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            } else {
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            }
        };
        let response = timeout(PATIENCE, answer).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, echoed(Endpoint::Mutate, 2));
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let server = TestServer::echo(Limits::DEFAULT);
    for request in [
        "GET / HTTP/1.1",
        "POST /validate/ HTTP/1.1",
        "DELETE /metrics HTTP/1.1",
    ] {
        let response = server
            .fetch(&format!("{request}\r\nHost: localhost\r\n\r\n"))
            .await;
        let message = "no such path: there are /validate, /mutate, /livez and /readyz";
        response.assert_status(404, "NotFound", message);
        assert_eq!(response.header("allow"), None);
    }
    for (request, allowed) in [
        ("GET /validate HTTP/1.1", "post"),
        ("PUT /mutate HTTP/1.1", "post"),
        ("POST /livez HTTP/1.1", "get,head"),
        ("POST /readyz HTTP/1.1", "get,head"),
    ] {
        let response = server
            .fetch(&format!("{request}\r\nHost: localhost\r\n\r\n"))
            .await;
        let message = "wrong method: reviews are posted, probes are fetched with GET";
        response.assert_status(405, "MethodNotAllowed", message);
        assert_eq!(response.header("allow"), Some(allowed));
    }
}

#[tokio::test]
async fn only_json_is_read() {
    let server = TestServer::echo(Limits::DEFAULT);
    for header in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/yaml\r\n",
    ] {
        let response = server
            .fetch(&format!(
                "POST /validate HTTP/1.1\r\nHost: localhost\r\n{header}Content-Length: 2\r\n\r\n{{}}"
            ))
            .await;
        let message = "the content type must be application/json";
        response.assert_status(415, "UnsupportedMediaType", message);
    }
    let with_charset = post("/validate", "{}").replace("json\r\n", "json; charset=utf-8\r\n");
    assert_eq!(server.fetch(&with_charset).await.code(), 200);
}

#[tokio::test]
async fn an_empty_body_is_refused() {
    let server = TestServer::echo(Limits::DEFAULT);
    for request in [
        post("/validate", ""),
        post("/validate", "").replace("Content-Length: 0\r\n", ""),
        post("/validate", "0\r\n\r\n")
            .replace("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"),
    ] {
        let response = server.fetch(&request).await;
        let message = "the body is empty: expected an AdmissionReview";
        response.assert_status(400, "BadRequest", message);
    }
}

#[tokio::test]
async fn a_body_announced_as_too_large_is_refused_before_it_comes() {
    let server = TestServer::echo(Limits::DEFAULT);
    let request = post("/validate", "").replace("Length: 0", "Length: 7340033");
    let response = server.fetch(&request).await;
    let message = "the body is larger than 7340032 bytes";
    response.assert_status(413, "RequestEntityTooLarge", message);
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_refused_while_the_client_still_sends() {
    const CHUNK: usize = 64 * 1_024;
    let server = TestServer::echo(Limits {
        body_bytes: 1_024,
        ..Limits::DEFAULT
    });
    let mut connection = server.tls().await;
    let head =
        post("/validate", "").replace("Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n");
    connection.send(&head).await;
    // More than the buffers of both sockets hold: without someone who reads on, this side would
    // be reset before it comes to reading the answer.
    let chunk = format!("{CHUNK:x}\r\n{}\r\n", "x".repeat(CHUNK));
    for _ in 0..256 {
        connection.send(&chunk).await;
    }
    let response = connection.response().await;
    response.assert_status(
        413,
        "RequestEntityTooLarge",
        "the body is larger than 1024 bytes",
    );
    connection.closed().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_over_http2() {
    let server = TestServer::echo(Limits {
        body_bytes: 1_024,
        ..Limits::DEFAULT
    });
    let io = TokioIo::new(server.tls_with(&[&TLS13], &[b"h2"]).await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    for announced in [true, false] {
        // More than the window: the client still sends when it is answered.
        let body = Full::new(Bytes::from(vec![b'x'; 4 << 20]));
        let body = if announced {
            body.boxed()
        } else {
            Unannounced(body).boxed()
        };
        let request = Request::post("https://localhost/mutate")
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let answer = timeout(PATIENCE, sender.send_request(request))
            .await
            .unwrap();
        let response = answer.unwrap();
        assert_eq!(response.status(), 413);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let message = "the body is larger than 1024 bytes";
        assert_eq!(body, status(413, "RequestEntityTooLarge", message));
    }
}

#[tokio::test]
async fn a_body_longer_than_announced_is_cut_there() {
    let server = TestServer::echo(Limits::DEFAULT);
    let mut connection = server.tls().await;
    connection
        .send(&post("/validate", "0123456789").replace("Length: 10", "Length: 4"))
        .await;
    assert_eq!(
        connection.response().await.body,
        echoed(Endpoint::Validate, 4)
    );
}

#[tokio::test]
async fn a_malformed_body_is_refused() {
    let server = TestServer::echo(Limits::DEFAULT);
    let request = post("/validate", "zz\r\n{}\r\n0\r\n\r\n")
        .replace("Content-Length: 13\r\n", "Transfer-Encoding: chunked\r\n");
    let response = server.fetch(&request).await;
    response.assert_status(
        400,
        "BadRequest",
        "the body ended too early or was malformed",
    );
}

#[tokio::test]
async fn a_truncated_body_is_refused() {
    let server = TestServer::echo(Limits::DEFAULT);
    let mut connection = server.tls().await;
    connection
        .send(&post("/validate", "{}").replace("Length: 2", "Length: 20"))
        .await;
    connection.stream.shutdown().await.unwrap();
    let response = connection.response().await;
    response.assert_status(
        400,
        "BadRequest",
        "the body ended too early or was malformed",
    );
}

#[tokio::test]
async fn bytes_that_are_not_http_end_only_their_connection() {
    let server = TestServer::echo(Limits::DEFAULT);
    let mut connection = server.tls().await;
    connection.send("\0\x01\x02 nonsense\r\n\r\n").await;
    let mut answer = Vec::new();
    timeout(PATIENCE, connection.stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 400 "),
        "{}",
        answer.escape_ascii()
    );
    assert_eq!(server.fetch(&post("/validate", "{}")).await.code(), 200);
}

#[tokio::test]
async fn plain_http_ends_only_its_connection() {
    let server = TestServer::echo(Limits::DEFAULT);
    let mut tcp = server.tcp().await;
    tcp.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    // An end or a reset, but no answer in the clear.
    drop(
        timeout(PATIENCE, tcp.read_to_end(&mut answer))
            .await
            .unwrap(),
    );
    assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
    assert_eq!(server.fetch(&post("/validate", "{}")).await.code(), 200);
}

#[tokio::test]
async fn a_panic_is_answered_and_the_next_request_works() {
    let handler = |endpoint, body: &[u8]| {
        assert!(!body.starts_with(b"panic"), "a secret");
        crate::client::echo(endpoint, body)
    };
    let limits = Limits {
        inline_bytes: 8,
        ..Limits::DEFAULT
    };
    let server = TestServer::start(limits, Arc::new(handler));
    let mut connection = server.tls().await;
    for (body, length) in [("panic", 5), ("panic in a thread of its own", 28)] {
        assert_eq!(body.len(), length);
        connection.send(&post("/validate", body)).await;
        let message =
            "the review could not be answered because of a defect in the admission server";
        let response = connection.response().await;
        response.assert_status(500, "InternalError", message);
        // Asked again it would panic again: `failurePolicy` is to decide at once.
        assert_eq!(response.header("retry-after"), None);
        connection
            .send(&post("/validate", &"x".repeat(length)))
            .await;
        assert_eq!(
            connection.response().await.body,
            echoed(Endpoint::Validate, length)
        );
    }
}

/// A body that keeps its length to itself.
struct Unannounced(Full<Bytes>);

impl Body for Unannounced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }
}

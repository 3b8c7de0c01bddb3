//! Malformed HTTP, TLS and JSON: the right answer, and the next good review works.

use std::sync::Arc;

use distrogate::admission::{Answer, Endpoint, RequestError};
use distrogate::server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::client::{PATIENCE, TestServer, post};

/// As the program answers: by the contract, with nothing judged.
fn handler(_: Endpoint, body: &[u8]) -> Answer {
    match distrogate::admission::Request::parse(body) {
        Ok(_) => Answer {
            status: 200,
            body: b"{}".to_vec(),
        },
        Err(error) => RequestError::answer(&error),
    }
}

const GOOD: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"0f3d0c5e-6a4f-4b3e-9a43-3f0f5a3b7b52","kind":{"group":"","version":"v1","kind":"Secret"},"operation":"CREATE","object":null}}"#;

/// Sends bytes over TLS and closes its side; what comes back until the server closes, too.
async fn exchange(server: &TestServer, bytes: &[u8]) -> String {
    let mut connection = server.tls().await;
    connection.stream.write_all(bytes).await.unwrap();
    connection.stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, connection.stream.read_to_end(&mut answer));
    drop(read.await.unwrap());
    String::from_utf8(answer).unwrap()
}

/// Asserts that a good review is answered as ever.
async fn assert_works(server: &TestServer, after: &str) {
    let response = server.fetch(&post("/validate?timeout=10s", GOOD)).await;
    assert_eq!((response.code(), &*response.body), (200, "{}"), "{after}");
}

fn start() -> TestServer {
    TestServer::start(Limits::DEFAULT, Arc::new(handler))
}

#[tokio::test]
async fn bytes_that_are_not_http_get_a_code_and_an_end() {
    let server = start();
    let long = "x".repeat(Limits::DEFAULT.head_bytes);
    let many = "h: v\r\n".repeat(200);
    for (what, bytes, code) in [
        ("no request line", "\r\n \r\n\r\n".to_owned(), "400 "),
        ("binary", "\0\x01\x02 nonsense\r\n\r\n".to_owned(), "400 "),
        ("no version", "POST /validate\r\n\r\n".to_owned(), "400 "),
        (
            "another version",
            "POST /validate HTTP/3.7\r\n\r\n".to_owned(),
            "400 ",
        ),
        (
            "a space in the path",
            "POST /vali date HTTP/1.1\r\n\r\n".to_owned(),
            "400 ",
        ),
        (
            "a header without colon",
            "POST /validate HTTP/1.1\r\nHost localhost\r\n\r\n".to_owned(),
            "400 ",
        ),
        (
            "a control character in a header",
            "POST /validate HTTP/1.1\r\nHost: \x01\r\n\r\n".to_owned(),
            "400 ",
        ),
        (
            "a head that is too large",
            format!("POST /validate HTTP/1.1\r\nX: {long}\r\n\r\n"),
            "431 ",
        ),
        (
            "too many headers",
            format!("POST /validate HTTP/1.1\r\n{many}\r\n"),
            "431 ",
        ),
        (
            "a length that is no number",
            "POST /validate HTTP/1.1\r\nContent-Length: ten\r\n\r\n".to_owned(),
            "400 ",
        ),
        (
            "two lengths",
            "POST /validate HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
                .to_owned(),
            "400 ",
        ),
        (
            "a coding that is not chunked",
            "POST /validate HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n{}".to_owned(),
            "400 ",
        ),
        (
            "HTTP/2 without having agreed on it",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            "",
        ),
    ] {
        let answer = exchange(&server, bytes.as_bytes()).await;
        let found = answer.strip_prefix("HTTP/1.1 ").unwrap_or(&answer);
        assert!(found.starts_with(code), "{what}: {answer}");
        assert_works(&server, what).await;
    }
}

#[tokio::test]
async fn http_that_is_understood_is_answered_with_a_status() {
    let server = start();
    let chunked = |rest: &str| {
        post("/validate", "").replace("Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n")
            + rest
    };
    let cut = "the body ended too early or was malformed";
    for (what, request, code, reason, message) in [
        (
            "a chunk without a size",
            chunked("zz\r\n"),
            400,
            "BadRequest",
            cut,
        ),
        (
            "a chunk of more than all memory",
            chunked("ffffffffffffffffff\r\n"),
            400,
            "BadRequest",
            cut,
        ),
        (
            "a body that is cut",
            post("/validate", "{}").replace("Length: 2", "Length: 20"),
            400,
            "BadRequest",
            cut,
        ),
        (
            "a body without length",
            post("/validate", "").replace("Content-Length: 0\r\n", ""),
            400,
            "BadRequest",
            "the body is empty: expected an AdmissionReview",
        ),
        (
            "a body that is too large",
            post("/validate", "").replace("Length: 0", "Length: 99999999999"),
            413,
            "RequestEntityTooLarge",
            "the body is larger than 7340032 bytes",
        ),
        (
            "a body that is compressed",
            post("/validate", "{}").replace("Host:", "Content-Encoding: gzip\r\nHost:"),
            415,
            "UnsupportedMediaType",
            "the body must not have a content encoding",
        ),
        (
            "another content type",
            post("/validate", "{}").replace("application/json", "application/yaml"),
            415,
            "UnsupportedMediaType",
            "the content type must be application/json",
        ),
        (
            "another path",
            post("/validate/../metrics", "{}"),
            404,
            "NotFound",
            "no such path: there are /validate, /mutate, /livez and /readyz",
        ),
        (
            "another method",
            post("/validate", "{}").replace("POST", "PATCH"),
            405,
            "MethodNotAllowed",
            "wrong method: reviews are posted, probes are fetched with GET",
        ),
    ] {
        let mut connection = server.tls().await;
        connection.send(&request).await;
        if what == "a body that is cut" {
            connection.stream.shutdown().await.unwrap();
        }
        let response = connection.response().await;
        response.assert_status(code, reason, message);
        assert_works(&server, what).await;
    }
}

#[tokio::test]
async fn json_that_is_no_review_is_answered_with_a_status() {
    let server = start();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut codes = Vec::new();
    for (what, body, code) in [
        ("no JSON", "hello".to_owned(), 400),
        ("cut JSON", GOOD.trim_end_matches('}').to_owned(), 400),
        ("more than JSON", format!("{GOOD}}}"), 400),
        ("no UTF-8 text", "\"\\ud800\"".to_owned(), 400),
        ("nested too deep", deep, 422),
        ("a list", "[]".to_owned(), 422),
        ("null", "null".to_owned(), 422),
        (
            "another kind",
            GOOD.replace("AdmissionReview", "TokenReview"),
            422,
        ),
        (
            "another version",
            GOOD.replace("k8s.io/v1\"", "k8s.io/v2\""),
            422,
        ),
        (
            "no request",
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#.to_owned(),
            422,
        ),
        ("no uid", GOOD.replace("\"uid\"", "\"did\""), 422),
        ("a number for a name", GOOD.replace("\"Secret\"", "7"), 422),
    ] {
        let response = server.fetch(&post("/validate", &body)).await;
        codes.push((what, response.code(), code));
        assert!(
            response.body.contains(r#""kind":"Status""#),
            "{what}: {response:?}"
        );
        assert!(
            response.body.contains(r#""status":"Failure""#),
            "{what}: {response:?}"
        );
        assert_works(&server, what).await;
    }
    let wrong: Vec<_> = codes
        .iter()
        .filter(|(_, found, expected)| found != expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn malformed_tls_ends_only_its_connection() {
    let server = start();
    let hello: &[u8] = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
    let oversized = [&b"\x16\x03\x03\xff\xff"[..], &[0; 100]].concat();
    for (what, bytes) in [
        ("nothing", &b""[..]),
        ("half a record", b"\x16\x03\x01"),
        ("a hello without content", hello),
        ("a record that is too large", &oversized),
        ("data before the handshake", b"\x17\x03\x03\x00\x02hi"),
        ("an alert", b"\x15\x03\x03\x00\x02\x02\x28"),
        ("SSL 2", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"),
        ("plain HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ] {
        let mut tcp = server.tcp().await;
        tcp.write_all(bytes).await.unwrap();
        tcp.shutdown().await.unwrap();
        let mut answer = Vec::new();
        drop(
            timeout(PATIENCE, tcp.read_to_end(&mut answer))
                .await
                .unwrap(),
        );
        // an alert or nothing
        assert!(
            answer.is_empty() || answer.starts_with(b"\x15\x03"),
            "{what}: {answer:?}"
        );
        assert_works(&server, what).await;
    }
}

//! Answers of all kinds: a probe's word, an answer of the handler, a refusal with a v1 `Status`.

use axum::body::{Body, Bytes};
use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use tracing::error;

use crate::admission::{Answer, status};

use super::flight::Held;
use super::limits::Limits;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// 200 with a word for a probe or a person.
pub(super) fn ok(word: &'static str) -> Response<Body> {
    response(StatusCode::OK, TEXT, Body::from(word))
}

/// A refusal. The message is shown to the API server's user and must not quote the request.
pub(super) fn refusal(code: StatusCode, message: &str) -> Response<Body> {
    response(code, JSON, Body::from(status::body(code.as_u16(), message)))
}

/// A refusal after which the client is to ask again, here or elsewhere.
pub(super) fn retry(code: StatusCode, message: &str, limits: &Limits) -> Response<Body> {
    let mut response = refusal(code, message);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(limits.retry_after));
    response
}

/// Tells the client that the connection ends with this answer. HTTP/2 does not have that, and
/// hyper leaves it out.
pub(super) fn close(response: &mut Response<Body>) {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
}

/// The handler's answer, counted until the system has it.
pub(super) fn answer(answer: Answer, mut held: Held) -> Response<Body> {
    let Answer { status, body } = answer;
    if let Ok(code) = StatusCode::from_u16(status) {
        held.shrink_to(body.len());
        let body = Counted { body, _held: held };
        response(code, JSON, Body::from(Bytes::from_owner(body)))
    } else {
        error!(
            status,
            "The handler answered with a status code that HTTP does not have."
        );
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the review could not be answered",
        )
    }
}

/// An answer's bytes with what is counted for them.
struct Counted {
    body: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

fn response(code: StatusCode, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

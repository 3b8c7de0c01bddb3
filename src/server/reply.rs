//! Answers of all kinds: a probe's word, an answer of the handler, a refusal with a v1 `Status`.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response, StatusCode};
use tracing::error;

use crate::admission::{Answer, status};

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

/// The handler's answer.
pub(super) fn answer(answer: Answer) -> Response<Body> {
    let Answer { status, body } = answer;
    if let Ok(code) = StatusCode::from_u16(status) {
        response(code, JSON, Body::from(body))
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

fn response(code: StatusCode, content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

//! Reads the body of a review within its bounds.
//!
//! Owns what a request must be before a handler sees it: its content type, size, and the time that
//! its body may take. What the bytes mean is not looked at.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::limits::Limits;

/// The body of a request, all of it.
pub(super) async fn read(request: Request, limits: &Limits) -> Result<Vec<u8>, BodyError> {
    check_type(request.headers())?;
    let body = request.into_body();
    // The body's own hint is its Content-Length: a body that announces too much is not read.
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(BodyError::TooLarge {
            limit: limits.body_bytes,
        });
    }
    collect(body, limits).await
}

/// Reads to the end, never more than one piece beyond the bound. Memory grows with what has come
/// in, not with what was announced.
async fn collect(mut body: Body, limits: &Limits) -> Result<Vec<u8>, BodyError> {
    let end = Instant::now() + limits.body_total;
    let mut bytes = Vec::new();
    loop {
        let deadline = end.min(Instant::now() + limits.body_progress);
        let frame = match timeout_at(deadline, body.frame()).await {
            Err(_elapsed) if deadline == end => {
                return Err(BodyError::TooSlow {
                    limit: limits.body_total,
                });
            }
            Err(_elapsed) => {
                return Err(BodyError::Stalled {
                    limit: limits.body_progress,
                });
            }
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                debug!(%error, "A body could not be read.");
                return Err(BodyError::Broken);
            }
            Ok(Some(Ok(frame))) => frame,
        };
        // Anything but data is trailers, which say nothing here.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > limits.body_bytes.saturating_sub(bytes.len()) {
            return Err(BodyError::TooLarge {
                limit: limits.body_bytes,
            });
        }
        bytes.extend_from_slice(&data);
    }
    if bytes.is_empty() {
        Err(BodyError::Empty)
    } else {
        Ok(bytes)
    }
}

/// Only plain JSON. Parameters do not matter: JSON is UTF-8 whatever `charset` says.
fn check_type(headers: &HeaderMap) -> Result<(), BodyError> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = media_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Err(BodyError::NotJson);
    }
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(BodyError::Encoded)
        }
        _ => Ok(()),
    }
}

/// Why a body does not reach the handler. The messages go to the API server's user.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum BodyError {
    /// Another content type, or none.
    #[error("the content type must be application/json")]
    NotJson,
    /// A content encoding.
    #[error("the body must not have a content encoding")]
    Encoded,
    /// Over [`Limits::body_bytes`], announced or read.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
    },
    /// Nothing came for [`Limits::body_progress`].
    #[error("the body stood still for {limit:?}")]
    Stalled {
        /// The bound.
        limit: Duration,
    },
    /// Over [`Limits::body_total`].
    #[error("the body took longer than {limit:?}")]
    TooSlow {
        /// The bound.
        limit: Duration,
    },
    /// Ended before its announced end, or was not framed as HTTP demands.
    #[error("the body ended too early or was malformed")]
    Broken,
    /// No bytes at all.
    #[error("the body is empty: expected an AdmissionReview")]
    Empty,
}

impl BodyError {
    /// The HTTP code to refuse with.
    pub(super) const fn code(self) -> StatusCode {
        match self {
            Self::NotJson | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Stalled { .. } | Self::TooSlow { .. } | Self::Broken | Self::Empty => {
                StatusCode::BAD_REQUEST
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)], body: Body) -> Request {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).unwrap()
    }

    async fn read_with(headers: &[(&str, &str)], body: &'static str) -> Result<Vec<u8>, BodyError> {
        let limits = Limits {
            body_bytes: 8,
            ..Limits::DEFAULT
        };
        read(request(headers, Body::from(body)), &limits).await
    }

    #[tokio::test]
    async fn json_is_read_whatever_the_parameters_and_the_case() {
        for media_type in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON ;v=1",
        ] {
            assert_eq!(
                read_with(&[("content-type", media_type)], "{}").await,
                Ok(b"{}".to_vec())
            );
        }
    }

    #[tokio::test]
    async fn other_types_and_encodings_are_refused() {
        for headers in [
            &[][..],
            &[("content-type", "text/plain")],
            &[("content-type", "application/jsonx")],
            &[("content-type", "")],
        ] {
            assert_eq!(
                read_with(headers, "{}").await,
                Err(BodyError::NotJson),
                "{headers:?}"
            );
        }
        let json = ("content-type", "application/json");
        assert_eq!(
            read_with(&[json, ("content-encoding", "identity")], "1").await,
            Ok(vec![b'1'])
        );
        assert_eq!(
            read_with(&[json, ("content-encoding", "gzip")], "1").await,
            Err(BodyError::Encoded)
        );
    }

    #[tokio::test]
    async fn the_bound_is_exact() {
        let json = [("content-type", "application/json")];
        assert_eq!(read_with(&json, "12345678").await, Ok(b"12345678".to_vec()));
        let too_large = Err(BodyError::TooLarge { limit: 8 });
        assert_eq!(read_with(&json, "123456789").await, too_large);
        assert_eq!(read_with(&json, "").await, Err(BodyError::Empty));
    }
}

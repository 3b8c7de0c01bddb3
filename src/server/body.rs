//! Reads the body of a review within its bounds.
//!
//! Owns what a request must be before a handler sees it: its content type, size, room for it, and
//! the time that its body may take. What the bytes mean is not looked at.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::debug;

use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Refused, Shed};

use super::activity::{Activity, Reading};
use super::deadline::Deadline;
use super::flight::{self, Flight, Held};
use super::limits::Limits;

/// The body of a review, and what is counted for it.
#[derive(Debug)]
pub(super) struct Review {
    pub(super) bytes: Vec<u8>,
    pub(super) held: Held,
}

/// The body of a request, all of it, as soon as there is room for it.
pub(super) async fn read(
    request: Request,
    deadline: Deadline,
    flight: &Flight,
    limits: &Limits,
) -> Result<Review, BodyError> {
    check_type(request.headers())?;
    let activity = request.extensions().get::<Activity>().cloned();
    let mut body = Pieces {
        body: request.into_body(),
        reading: None,
        progress: limits.body_progress,
    };
    // The body's own hint is its Content-Length: a body that announces too much is not read.
    let hint = body.body.size_hint();
    if hint.lower() > limits.body_bytes as u64 {
        return Err(BodyError::TooLarge {
            limit: limits.body_bytes,
        });
    }
    let announced = hint.exact().and_then(|bytes| usize::try_from(bytes).ok());
    let reading = async {
        let first = announced.unwrap_or(limits.head_bytes.min(limits.inline_bytes));
        let admitted = flight.admit(first, deadline).await;
        body.reading = activity.map(|activity| activity.body(limits));
        let held = match admitted {
            Err(flight::Refused::Shed)
                if announced.is_some_and(|bytes| bytes <= limits.dropped_bytes) =>
            {
                // Cheaper than the new connection that not reading it would cost.
                while let Some(_data) = body.next().await? {}
                return Err(BodyError::Shed { is_read: true });
            }
            admitted => admitted.map_err(|refused| BodyError::refused(refused, deadline))?,
        };
        let mut review = Review {
            bytes: Vec::with_capacity(first),
            held,
        };
        let end = Instant::now() + limits.body_total;
        let total = async {
            while let Some(data) = body.next().await? {
                review.append(&data, deadline, flight, limits).await?;
            }
            Ok(())
        };
        match timeout_at(end, total).await {
            Ok(outcome) => outcome?,
            Err(_elapsed) => {
                return Err(BodyError::TooSlow {
                    limit: limits.body_total,
                });
            }
        }
        if review.bytes.is_empty() {
            return Err(BodyError::Empty);
        }
        Ok(review)
    };
    match timeout_at(deadline.at(), reading).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(BodyError::Late {
            timeout: deadline.timeout(),
        }),
    }
}

impl Review {
    /// Takes in a piece. A body that did not announce its length is counted by the memory that it
    /// has, which doubles with what comes in; for a moment by the new and the old.
    async fn append(
        &mut self,
        data: &[u8],
        deadline: Deadline,
        flight: &Flight,
        limits: &Limits,
    ) -> Result<(), BodyError> {
        let Self { bytes, held } = self;
        let needed = bytes.len().saturating_add(data.len());
        if needed > limits.body_bytes {
            return Err(BodyError::TooLarge {
                limit: limits.body_bytes,
            });
        }
        if needed > held.bytes() {
            let wanted = needed
                .max(held.bytes().saturating_mul(2))
                .min(limits.body_bytes);
            let more = flight.admit(wanted, deadline).await;
            *held = more.map_err(|refused| BodyError::refused(refused, deadline))?;
            bytes.reserve_exact(wanted.saturating_sub(bytes.len()));
        }
        bytes.extend_from_slice(data);
        Ok(())
    }
}

/// What comes of a body.
struct Pieces {
    body: Body,
    /// Told of it, where there is a connection.
    reading: Option<Reading>,
    /// From one piece to the next.
    progress: Duration,
}

impl Pieces {
    /// The next piece, nothing at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            match timeout(self.progress, self.body.frame()).await {
                Err(_elapsed) => {
                    return Err(BodyError::Stalled {
                        limit: self.progress,
                    });
                }
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    debug!(%error, "A body could not be read.");
                    return Err(BodyError::Broken);
                }
                // Anything but data is trailers, which say nothing here.
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        if let Some(reading) = &self.reading {
                            reading.received(data.len());
                        }
                        return Ok(Some(data));
                    }
                }
            }
        }
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
    /// No room for it now.
    #[error("the admission server has as much to do as its memory bears: ask again in a second")]
    Shed {
        /// Whether the body was read to its end all the same.
        is_read: bool,
    },
    /// Not here, or no room for it, until the time was up.
    #[error(
        "the review did not reach the admission server's turn within its timeout of {timeout:?}: try again"
    )]
    Late {
        /// How long the client waits.
        timeout: Duration,
    },
}

impl BodyError {
    const fn refused(refused: flight::Refused, deadline: Deadline) -> Self {
        match refused {
            flight::Refused::Shed => Self::Shed { is_read: false },
            flight::Refused::Late => Self::Late {
                timeout: deadline.timeout(),
            },
        }
    }

    /// Whether the body was not read to its end: the connection cannot serve another request, and
    /// a client that does not know would send one into its end.
    pub(super) const fn leaves_rest(self) -> bool {
        !matches!(self, Self::Empty | Self::Shed { is_read: true })
    }

    /// Whether the client is to ask again.
    pub(super) const fn may_retry(self) -> bool {
        matches!(self, Self::Shed { .. })
    }

    /// What is counted.
    pub(super) fn count(self, metrics: &Metrics) {
        let reason = match self {
            Self::Shed { .. } => return metrics.shed(Shed::Bytes),
            Self::NotJson | Self::Encoded => Refused::MediaType,
            Self::TooLarge { .. } => Refused::TooLarge,
            Self::Stalled { .. } | Self::TooSlow { .. } => Refused::Slow,
            Self::Broken | Self::Empty => Refused::Http,
            Self::Late { .. } => Refused::Deadline,
        };
        metrics.refused(reason);
    }

    /// The HTTP code to refuse with.
    pub(super) const fn code(self) -> StatusCode {
        match self {
            Self::NotJson | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Shed { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Late { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Stalled { .. } | Self::TooSlow { .. } | Self::Broken | Self::Empty => {
                StatusCode::BAD_REQUEST
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::room::Room;
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
        let request = request(headers, Body::from(body));
        let room = Room::new(1, &limits, Metrics::new());
        let flight = Flight::new(&limits, Metrics::new(), room);
        let deadline = Deadline::of(request.uri(), &limits);
        let read = read(request, deadline, &flight, &limits).await?;
        Ok(read.bytes)
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

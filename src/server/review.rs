//! Runs the handler where it belongs and survives it.
//!
//! A handler is synchronous: a small review is answered on the spot, a large one on a thread of
//! its own so that the other connections of the worker do not wait for it. A panic is one review's
//! failure: it is answered with 500, and the API server's `failurePolicy` decides.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::available_parallelism;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{debug, error};

use crate::admission::{Answer, Endpoint};

use super::limits::Limits;
use super::{Handler, body, reply};

/// Answers reviews.
pub(super) struct Reviewer {
    handler: Handler,
    limits: Limits,
    /// One permit a core: more threads at once would only slow each other down.
    large: Arc<Semaphore>,
}

impl Reviewer {
    pub(super) fn new(handler: Handler, limits: Limits) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            handler,
            limits,
            large: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The answer to a request, whatever is in it.
    pub(super) async fn answer(&self, endpoint: Endpoint, request: Request) -> Response<Body> {
        let start = Instant::now();
        let bytes = match body::read(request, &self.limits).await {
            Ok(bytes) => bytes,
            Err(error) => {
                debug!(?endpoint, %error, "Refused a request.");
                return reply::refusal(error.code(), &error.to_string());
            }
        };
        let request_bytes = bytes.len();
        let Some(answer) = self.run(endpoint, bytes).await else {
            error!(?endpoint, request_bytes, "The handler panicked.");
            return reply::refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the review could not be answered because of a defect in the admission server",
            );
        };
        debug!(
            ?endpoint,
            request_bytes,
            status = answer.status,
            response_bytes = answer.body.len(),
            elapsed = ?start.elapsed(),
            "Answered a request."
        );
        reply::answer(answer)
    }

    /// The handler's answer, or nothing if it panicked.
    async fn run(&self, endpoint: Endpoint, bytes: Vec<u8>) -> Option<Answer> {
        if bytes.len() <= self.limits.inline_bytes {
            return run_caught(&self.handler, endpoint, &bytes);
        }
        let permit = Arc::clone(&self.large).acquire_owned().await.ok()?;
        let handler = Arc::clone(&self.handler);
        let answer = spawn_blocking(move || {
            let answer = run_caught(&handler, endpoint, &bytes);
            // Here and not by the waiting side, which may be gone with its connection.
            drop(permit);
            answer
        });
        answer.await.ok().flatten()
    }
}

/// Nothing of a review outlives it, so a panic leaves nothing broken behind.
fn run_caught(handler: &Handler, endpoint: Endpoint, bytes: &[u8]) -> Option<Answer> {
    catch_unwind(AssertUnwindSafe(|| handler(endpoint, bytes))).ok()
}

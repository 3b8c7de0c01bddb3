//! Runs the handler where it belongs and survives it.
//!
//! A handler is synchronous: a small review is answered on the spot, a large one on a thread of
//! its own so that the other connections of the worker do not wait for it. Who has no time left is
//! told so, and the work, which cannot be stopped, is waited for by nobody. A panic is one review's
//! failure: it is answered with 500, and the API server's `failurePolicy` decides.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::available_parallelism;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, error, info, warn};

use crate::admission::{Answer, Endpoint};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Handshake, Refused, Shed};

use super::body::Review;
use super::clients::Client;
use super::deadline::Deadline;
use super::flight::{Flight, Held};
use super::limits::Limits;
use super::room::Room;
use super::shutdown::Shutdown;
use super::{Handler, ServerOptions, body, reply};

/// Answers reviews.
pub(super) struct Reviewer {
    handler: Handler,
    limits: Limits,
    flight: Flight,
    metrics: Metrics,
    shutdown: Shutdown,
    /// One permit a core: more threads at once would only slow each other down.
    large: Arc<Semaphore>,
}

impl Reviewer {
    pub(super) fn new(options: &ServerOptions, shutdown: Shutdown, room: Arc<Room>) -> Self {
        let limits = &options.limits;
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            handler: Arc::clone(&options.handler),
            limits: *limits,
            flight: Flight::new(limits, options.metrics.clone(), room),
            metrics: options.metrics.clone(),
            shutdown,
            large: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The answer to a request, whatever is in it.
    pub(super) async fn answer(&self, endpoint: Endpoint, request: Request) -> Response<Body> {
        let start = Instant::now();
        let deadline = Deadline::of(request.uri(), &self.limits);
        let _under_way = self.metrics.in_flight();
        let response = tokio::select! {
            biased;
            response = self.answer_by(deadline, endpoint, request) => response,
            () = self.shutdown.giving_up() => {
                self.metrics.shed(Shed::Draining);
                debug!(?endpoint, "Sent a review elsewhere: the server stops.");
                let mut response = reply::retry(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the admission server stops: ask again",
                    &self.limits,
                );
                reply::close(&mut response);
                response
            }
        };
        self.metrics.answered(endpoint, start.elapsed());
        response
    }

    async fn answer_by(
        &self,
        deadline: Deadline,
        endpoint: Endpoint,
        request: Request,
    ) -> Response<Body> {
        let start = Instant::now();
        if let Some(client) = request.extensions().get::<Arc<Client>>()
            && let Err(error) = client.check()
        {
            info!(?endpoint, %error, "Refused a client.");
            self.metrics.handshake_failed(Handshake::ClientCertificate);
            let mut response = reply::refusal(StatusCode::FORBIDDEN, &error.to_string());
            reply::close(&mut response);
            return response;
        }
        let review = match body::read(request, deadline, &self.flight, &self.limits).await {
            Ok(review) => review,
            Err(error) => {
                debug!(?endpoint, %error, "Refused a request.");
                error.count(&self.metrics);
                let message = error.to_string();
                let mut response = if error.may_retry() {
                    reply::retry(error.code(), &message, &self.limits)
                } else {
                    reply::refusal(error.code(), &message)
                };
                if error.leaves_rest() {
                    reply::close(&mut response);
                }
                return response;
            }
        };
        let request_bytes = review.bytes.len();
        let run = self.run(endpoint, review);
        let (answer, held) = match timeout_at(deadline.at(), run).await {
            Ok(Some(answered)) => answered,
            Ok(None) => {
                error!(?endpoint, request_bytes, "The handler panicked.");
                self.metrics.refused(Refused::Defect);
                return reply::refusal(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the review could not be answered because of a defect in the admission server",
                );
            }
            Err(_elapsed) => {
                warn!(?endpoint, request_bytes, "A review was not done in time.");
                self.metrics.refused(Refused::Deadline);
                let timeout = deadline.timeout();
                return reply::refusal(
                    StatusCode::GATEWAY_TIMEOUT,
                    &format!(
                        "the review was not done within its timeout of {timeout:?}: try again; if \
                         it lasts, give the admission server more CPU or the webhook more \
                         timeoutSeconds"
                    ),
                );
            }
        };
        debug!(
            ?endpoint,
            request_bytes,
            status = answer.status,
            response_bytes = answer.body.len(),
            elapsed = ?start.elapsed(),
            "Answered a request."
        );
        reply::answer(answer, held)
    }

    /// The handler's answer, or nothing if it panicked. What it holds is held until the handler
    /// ends, whether somebody still waits for it or not.
    async fn run(&self, endpoint: Endpoint, review: Review) -> Option<(Answer, Held)> {
        let Review { bytes, held } = review;
        if bytes.len() <= self.limits.inline_bytes {
            return Some((run_caught(&self.handler, endpoint, &bytes)?, held));
        }
        let core = Arc::clone(&self.large).acquire_owned().await.ok()?;
        let work = self.flight.work(bytes.len()).await?;
        let handler = Arc::clone(&self.handler);
        let answer = spawn_blocking(move || {
            let answer = run_caught(&handler, endpoint, &bytes);
            // Here and not by the waiting side, which may be gone with its connection.
            drop((bytes, work, core));
            Some((answer?, held))
        });
        answer.await.ok().flatten()
    }
}

/// Nothing of a review outlives it, so a panic leaves nothing broken behind.
fn run_caught(handler: &Handler, endpoint: Endpoint, bytes: &[u8]) -> Option<Answer> {
    catch_unwind(AssertUnwindSafe(|| handler(endpoint, bytes))).ok()
}

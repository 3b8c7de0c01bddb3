//! Which path answers what.
//!
//! Owns paths, methods and probes. The kubelet asks the admin port; these are for whoever wants to
//! know whether this very port answers, through TLS. A probe answers from memory at once: whether
//! the process lives must not depend on anything that a restart does not mend.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};

use crate::admission::Endpoint;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Refused;

use super::limits::Limits;
use super::review::Reviewer;
use super::room::Room;
use super::shutdown::Shutdown;
use super::{Checks, ServerOptions, reply};

/// All that the server answers.
pub(super) fn router(options: &ServerOptions, shutdown: &Shutdown, room: Arc<Room>) -> Router {
    let reviewer = Arc::new(Reviewer::new(options, shutdown.clone(), room));
    let (checks, limits) = (Arc::clone(&options.checks), options.limits);
    let [wrong_method, wrong_path] = [options.metrics.clone(), options.metrics.clone()];
    Router::new()
        .route("/mutate", review(Endpoint::Mutate, &reviewer))
        .route("/validate", review(Endpoint::Validate, &reviewer))
        .route("/livez", get(async || reply::ok("ok")))
        .route("/readyz", get(async move || ready(&checks, &limits)))
        .method_not_allowed_fallback(async move || method_not_allowed(&wrong_method))
        .fallback(async move || not_found(&wrong_path))
}

fn review(endpoint: Endpoint, reviewer: &Arc<Reviewer>) -> axum::routing::MethodRouter {
    let reviewer = Arc::clone(reviewer);
    post(async move |request: Request| reviewer.answer(endpoint, request).await)
}

fn ready(checks: &Checks, limits: &Limits) -> Response<Body> {
    let Some(failed) = checks().into_iter().find(|check| !check.passed) else {
        return reply::ok("ok");
    };
    let message = format!("not ready: {}: {}", failed.name, failed.says);
    reply::retry(StatusCode::SERVICE_UNAVAILABLE, &message, limits)
}

fn method_not_allowed(metrics: &Metrics) -> Response<Body> {
    metrics.refused(Refused::Method);
    reply::refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong method: reviews are posted, probes are fetched with GET",
    )
}

fn not_found(metrics: &Metrics) -> Response<Body> {
    metrics.refused(Refused::Path);
    reply::refusal(
        StatusCode::NOT_FOUND,
        "no such path: there are /validate, /mutate, /livez and /readyz",
    )
}

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

use super::limits::Limits;
use super::review::Reviewer;
use super::shutdown::Shutdown;
use super::{Checks, ServerOptions, reply};

/// All that the server answers.
pub(super) fn router(options: &ServerOptions, shutdown: &Shutdown) -> Router {
    let ServerOptions {
        listen: _,
        tls: _,
        handler,
        limits,
        metrics: _,
        checks,
    } = options;
    let reviewer = Reviewer::new(Arc::clone(handler), limits, shutdown.clone());
    let reviewer = Arc::new(reviewer);
    let (checks, limits) = (Arc::clone(checks), *limits);
    Router::new()
        .route("/mutate", review(Endpoint::Mutate, &reviewer))
        .route("/validate", review(Endpoint::Validate, &reviewer))
        .route("/livez", get(async || reply::ok("ok")))
        .route("/readyz", get(async move || ready(&checks, &limits)))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
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

async fn method_not_allowed() -> Response<Body> {
    reply::refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong method: reviews are posted, probes are fetched with GET",
    )
}

async fn not_found() -> Response<Body> {
    reply::refusal(
        StatusCode::NOT_FOUND,
        "no such path: there are /validate, /mutate, /livez and /readyz",
    )
}

//! Which path answers what.
//!
//! Owns paths, methods and probes. The kubelet asks the admin port; these are for whoever wants to
//! know whether this very port answers, through TLS. A probe answers from memory at once: whether the process lives
//! must not depend on anything that a restart does not mend.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};

use crate::admission::Endpoint;

use super::limits::Limits;
use super::review::Reviewer;
use super::shutdown::Shutdown;
use super::{Handler, reply};

/// All that the server answers.
pub(super) fn router(handler: Handler, limits: Limits, shutdown: Shutdown) -> Router {
    let reviewer = Arc::new(Reviewer::new(handler, limits));
    Router::new()
        .route("/mutate", review(Endpoint::Mutate, &reviewer))
        .route("/validate", review(Endpoint::Validate, &reviewer))
        .route("/livez", get(async || reply::ok("ok")))
        .route("/readyz", get(ready).with_state(shutdown))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
}

fn review(endpoint: Endpoint, reviewer: &Arc<Reviewer>) -> axum::routing::MethodRouter {
    let reviewer = Arc::clone(reviewer);
    post(async move |request: Request| reviewer.answer(endpoint, request).await)
}

async fn ready(State(shutdown): State<Shutdown>) -> Response<Body> {
    if shutdown.is_draining() {
        reply::refusal(StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else {
        reply::ok("ok")
    }
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

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn readiness(shutdown: &Shutdown) -> (StatusCode, String) {
        let handler: Handler = Arc::new(|_, _| unreachable!("no review is sent"));
        let router = router(handler, Limits::DEFAULT, shutdown.clone());
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let code = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (code, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_draining_server_is_not_ready() {
        let shutdown = Shutdown::new();
        assert_eq!(
            readiness(&shutdown).await,
            (StatusCode::OK, "ok".to_owned())
        );
        shutdown.drain();
        assert_eq!(
            readiness(&shutdown).await,
            (
                StatusCode::SERVICE_UNAVAILABLE,
                r#"{"apiVersion":"v1","code":503,"kind":"Status","message":"draining","metadata":{},"reason":"ServiceUnavailable","status":"Failure"}"#.to_owned(),
            )
        );
    }
}

//! The admin port: probes and metrics over plain HTTP, beside the port of the API server.
//!
//! Probes that share a port with reviews would fail when it is full, and take a server away that
//! works. An exchange here is done in milliseconds, so every connection has one request and a
//! short time, and where there are too many the oldest goes: nobody who holds connections open
//! keeps the kubelet out.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tracing::debug;

use crate::telemetry::Metrics;

use super::limits::Limits;
use super::{BindError, accept_socket, listen_on, reply};

/// What has to be true for the server to be ready, as it is now.
pub type Checks = Arc<dyn Fn() -> Vec<Check> + Send + Sync>;

/// One thing that has to be true.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// What it is called.
    pub name: &'static str,
    /// Whether it is true.
    pub passed: bool,
    /// What there is to say about it.
    pub says: String,
}

/// An admin port that has its socket.
pub struct Admin {
    listener: TcpListener,
    local_addr: SocketAddr,
    limits: Limits,
    panel: Arc<Panel>,
}

/// What there is to see.
struct Panel {
    checks: Checks,
    metrics: Metrics,
}

impl Admin {
    /// Takes the first of these addresses that can be had. Belongs into a runtime.
    pub fn bind(
        listen: Vec<SocketAddr>,
        limits: Limits,
        checks: Checks,
        metrics: Metrics,
    ) -> Result<Self, BindError> {
        let (listener, local_addr) = listen_on(listen, &limits)?;
        Ok(Self {
            listener,
            local_addr,
            limits,
            panel: Arc::new(Panel { checks, metrics }),
        })
    }

    /// Where it listens, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Answers for ever, while the server drains too. Dropping the future closes every connection.
    pub async fn run(self) -> Infallible {
        let Self {
            listener,
            local_addr: _,
            limits,
            panel,
        } = self;
        let limits = Arc::new(limits);
        let mut open = Open::default();
        loop {
            let socket = accept_socket(&listener, &limits).await;
            let exchange = exchange(socket, Arc::clone(&panel), Arc::clone(&limits));
            open.add(
                tokio::spawn(exchange).abort_handle(),
                limits.admin_connections,
            );
        }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}

/// The connections that are open, the oldest in front.
#[derive(Default)]
struct Open(VecDeque<AbortHandle>);

impl Open {
    /// Takes one in, and closes the oldest if there are too many.
    fn add(&mut self, connection: AbortHandle, bound: usize) {
        let Self(open) = self;
        open.retain(|connection| !connection.is_finished());
        if open.len() >= bound
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        open.push_back(connection);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

/// One request and its answer.
async fn exchange(socket: TcpStream, panel: Arc<Panel>, limits: Arc<Limits>) {
    let service =
        service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(panel.answer(&request)));
    let connection = http1::Builder::new()
        // the whole exchange has a time instead
        .header_read_timeout(None)
        .keep_alive(false)
        .max_buf_size(limits.admin_head_bytes)
        .serve_connection(TokioIo::new(socket), service);
    match timeout(limits.admin_exchange, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "A connection to the admin port failed."),
        Err(_elapsed) => debug!("A connection to the admin port took too long."),
    }
}

impl Panel {
    fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        let uri = request.uri();
        let found = match uri.path() {
            "/livez" => text("text/plain; charset=utf-8", "ok".to_owned()),
            "/readyz" => self.ready(uri.query().is_some_and(is_verbose)),
            "/metrics" if wants_open_metrics(request.headers()) => text(
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                self.metrics.encode(),
            ),
            "/metrics" => text(
                "text/plain; version=0.0.4; charset=utf-8",
                self.metrics.encode_classic(),
            ),
            _ => {
                return reply::refusal(
                    StatusCode::NOT_FOUND,
                    "no such path: the admin port has /livez, /readyz and /metrics",
                );
            }
        };
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return found;
        }
        let mut refused = reply::refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong method: the admin port answers GET and HEAD only",
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, allowed);
        refused
    }

    /// In the form of the API server's own `/readyz`.
    fn ready(&self, verbose: bool) -> Response<Body> {
        let checks = (self.checks)();
        let failed: Vec<_> = checks.iter().filter(|check| !check.passed).collect();
        if !verbose {
            if failed.is_empty() {
                return text("text/plain; charset=utf-8", "ok".to_owned());
            }
            let failed: Vec<_> = failed
                .iter()
                .map(|check| format!("{}: {}", check.name, check.says))
                .collect();
            let message = format!("not ready: {}", failed.join("; "));
            return reply::refusal(StatusCode::SERVICE_UNAVAILABLE, &message);
        }
        let mut page = String::new();
        for Check { name, passed, says } in &checks {
            let (sign, word) = if *passed {
                ('+', "ok")
            } else {
                ('-', "failed")
            };
            // a String takes everything
            let _written = writeln!(page, "[{sign}]{name} {word}: {says}");
        }
        let is_ready = failed.is_empty();
        page.push_str(if is_ready {
            "readyz check passed\n"
        } else {
            "readyz check failed\n"
        });
        let mut response = text("text/plain; charset=utf-8", page);
        if !is_ready {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        response
    }
}

fn text(content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// `?verbose`, with or without a value, as the API server takes it.
fn is_verbose(query: &str) -> bool {
    query
        .split('&')
        .any(|pair| pair.split('=').next() == Some("verbose"))
}

/// Whether a scraper asks for OpenMetrics. Prometheus does; who says nothing gets the older format.
fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next() == Some("application/openmetrics-text");
            named && !parts.any(|parameter| parameter == "q=0")
        })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn panel(passed: bool) -> Panel {
        let check = |name, passed, says: &str| Check {
            name,
            passed,
            says: says.to_owned(),
        };
        Panel {
            checks: Arc::new(move || {
                vec![
                    check("policy", true, "revision 00ff"),
                    check(
                        "draining",
                        passed,
                        if passed { "no" } else { "about to stop" },
                    ),
                ]
            }),
            metrics: Metrics::new(),
        }
    }

    /// Code, content type and body.
    async fn get(panel: &Panel, request: axum::http::request::Builder) -> (u16, String, String) {
        let response = panel.answer(&request.body(()).unwrap());
        let code = response.status().as_u16();
        let content_type = response.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (
            code,
            content_type,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    #[tokio::test]
    async fn readiness_names_every_check() {
        let ready = |passed, path: &'static str| async move {
            let (code, _, body) = get(&panel(passed), Request::get(path)).await;
            (code, body)
        };
        assert_eq!(ready(true, "/readyz").await, (200, "ok".to_owned()));
        assert_eq!(
            ready(true, "/readyz?verbose").await,
            (
                200,
                "[+]policy ok: revision 00ff\n[+]draining ok: no\nreadyz check passed\n".to_owned()
            )
        );
        assert_eq!(
            ready(false, "/readyz?verbose=1").await,
            (
                503,
                "[+]policy ok: revision 00ff\n[-]draining failed: about to stop\n\
                 readyz check failed\n"
                    .to_owned()
            )
        );
        let (code, body) = ready(false, "/readyz").await;
        assert_eq!(code, 503);
        assert!(
            body.contains(r#""message":"not ready: draining: about to stop""#),
            "{body}"
        );
    }

    #[tokio::test]
    async fn metrics_come_in_the_format_that_is_asked_for() {
        let asked = |accept: &'static str| async move {
            let request = Request::get("/metrics").header(ACCEPT, accept);
            let (code, content_type, body) = get(&panel(true), request).await;
            assert_eq!(code, 200);
            (content_type, body.ends_with("# EOF\n"))
        };
        let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let classic = "text/plain; version=0.0.4; charset=utf-8";
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2,*/*;q=0.1";
        assert_eq!(asked(prometheus).await, (open.to_owned(), true));
        for accept in ["*/*", "text/plain", "application/openmetrics-text; q=0"] {
            assert_eq!(asked(accept).await, (classic.to_owned(), false), "{accept}");
        }
    }

    #[tokio::test]
    async fn there_is_nothing_else() {
        let panel = panel(true);
        for path in ["/", "/validate", "/livez/", "/metrics/x", "/debug/pprof"] {
            let (code, content_type, body) = get(&panel, Request::get(path)).await;
            assert_eq!((code, &*content_type), (404, "application/json"), "{path}");
            assert!(body.contains(r#""kind":"Status""#), "{body}");
        }
        let (code, _, body) = get(&panel, Request::post("/livez")).await;
        assert_eq!(code, 405);
        assert!(body.contains("answers GET and HEAD only"), "{body}");
        assert_eq!(get(&panel, Request::head("/metrics")).await.0, 200);
    }
}

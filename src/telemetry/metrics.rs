//! What Prometheus is told: every metric, typed, in this one file.
//!
//! Callers say what happened; names, labels and buckets are known here only. `docs/metrics.md` is
//! written from what is registered here.

mod classic;
mod held;
mod labels;
mod page;
mod sets;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Series;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use self::held::Held;
use self::held::number;
use self::labels::{Carrier, Closed as _, Family, Outcome, Rule, Term};
pub use self::labels::{Files, Handshake, Refused, Shed, Trouble, Watch};
use self::page::{Book, Entry};
use self::sets::{
    ByEndpoint, ByFamily, ByFiles, ByFinding, ByHandshake, ByRefused, ByReload, ByReview,
    ByRevision, ByShed, ByTerm, ByTrouble, ByWatch,
};
use crate::admission::{Endpoint, Request};
use crate::gate::Verdict;
use crate::policy::{Action, Date, Policy};
use crate::values::Change;

/// Upper bounds of the buckets for durations, in seconds: 0.1 ms, where a review belongs, to 10 s,
/// the time that an API server waits unless told otherwise.
const BUCKETS: [f64; 16] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Days before the end of an exemption from which on it is counted as ending.
pub const NOTICE: i64 = 14;

/// The metrics of a process; clones share them.
#[derive(Clone)]
pub struct Metrics {
    all: Arc<All>,
    registered: Arc<(Registry, Vec<Entry>)>,
}

struct All {
    reviews: Series<ByReview, Counter>,
    findings: Series<ByFinding, Counter>,
    defaults: Series<ByFamily, Counter>,
    review_duration: Timers,
    request_duration: Timers,
    in_flight_reviews: Gauge,
    in_flight_bytes: Gauge,
    in_flight_bytes_limit: Gauge,
    shed: Series<ByShed, Counter>,
    refused: Series<ByRefused, Counter>,
    connections_open: Gauge,
    connections_limit: Gauge,
    connections_accepted: Counter,
    connections_evicted: Counter,
    handshake_failures: Series<ByHandshake, Counter>,
    panics: Counter,
    certificate_not_after: Gauge<f64, AtomicU64>,
    authority_not_after: Gauge<f64, AtomicU64>,
    cluster_synced: Gauge<f64, AtomicU64>,
    cluster_troubles: Series<ByTrouble, Counter>,
    reloads: Series<ByReload, Counter>,
    files_usable: Series<ByFiles, Gauge>,
    policy: Series<ByRevision, Gauge>,
    policy_revision: Mutex<Option<ByRevision>>,
    exemptions: Series<ByTerm, Gauge>,
    watch_followed: Series<ByWatch, Gauge>,
    watch_objects: Series<ByWatch, Gauge>,
    watch_left_out: Series<ByWatch, Gauge>,
    watch_failing_since: Series<ByWatch, Gauge>,
}

type Timers = Series<ByEndpoint, Histogram, fn() -> Histogram>;

impl Metrics {
    /// All metrics, at nought.
    pub fn new() -> Self {
        let mut book = Book::new();
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        book.info("build", "The program that runs", build);
        let timers = || Timers::new_with_constructor(|| Histogram::new(BUCKETS));
        let all = All {
            reviews: book.counters("reviews", "Reviews answered, by what was asked and decided"),
            findings: book.counters(
                "findings",
                "Faults found in configs, by rule and by what they led to",
            ),
            defaults: book.counters("defaults", "Values put into configs, by what they are about"),
            review_duration: book.timers(
                "review_duration_seconds",
                "Time that the work on a review takes, without waiting and reading",
                timers(),
            ),
            request_duration: book.timers(
                "request_duration_seconds",
                "Time from the head of a request to its answer, reading and waiting included",
                timers(),
            ),
            in_flight_reviews: book.gauge("in_flight_reviews", "Reviews under way"),
            in_flight_bytes: book.gauge("in_flight_bytes", "Memory set aside for reviews under way"),
            in_flight_bytes_limit: book.gauge(
                "in_flight_limit_bytes",
                "The bound of distrogate_in_flight_bytes, above which requests are shed",
            ),
            shed: book.counters(
                "shed_requests",
                "Requests turned away for now with Retry-After, which the API server sends again",
            ),
            refused: book.counters(
                "refused_requests",
                "Requests refused for good, without a review",
            ),
            connections_open: book.gauge("connections_open", "Connections of clients"),
            connections_limit: book.gauge(
                "connections_limit",
                "The bound of distrogate_connections_open, at which others are closed for newcomers",
            ),
            connections_accepted: book.counter("connections_accepted", "Connections accepted"),
            connections_evicted: book.counter(
                "connections_evicted",
                "Connections that gave little and were closed to make room for others",
            ),
            handshake_failures: book.counters("tls_handshake_failures", "Failed TLS handshakes"),
            panics: book.counter("panics", "Defects that a review or a task did not survive"),
            certificate_not_after: book.gauge_f64(
                "certificate_not_after_timestamp_seconds",
                "When the served certificate expires, in seconds since 1970; 0 before one is loaded",
            ),
            authority_not_after: book.gauge_f64(
                "authority_not_after_timestamp_seconds",
                "When the CA that issues the served certificate expires, in seconds since 1970; 0 unless \
                 certificates are self-managed",
            ),
            cluster_synced: book.gauge_f64(
                "cluster_synced_timestamp_seconds",
                "When all that is kept in the cluster was last found or put right, in seconds since \
                 1970; 0 before, and where nothing is kept there",
            ),
            cluster_troubles: book.counters(
                "cluster_troubles",
                "What stood in the way of keeping CA and webhook configurations in the cluster",
            ),
            reloads: book.counters("reloads", "Looks at changed files, by how they ended"),
            files_usable: book.gauges(
                "files_usable",
                "Whether what the files hold now is what counts (1), or cannot be used (0)",
            ),
            policy: book.gauges(
                "policy_info",
                "The policy in force: its revision, which is the same in Pods with the same files",
            ),
            policy_revision: Mutex::default(),
            exemptions: book.gauges("exemptions", "Exemptions of the policy in force, by term"),
            watch_followed: book.gauges(
                "watch_followed",
                "Whether what is watched in the cluster is known and followed (1), or not (0)",
            ),
            watch_objects: book.gauges("watch_objects", "Objects that are known from watching"),
            watch_left_out: book.gauges(
                "watch_left_out_objects",
                "Objects beyond the bound of distrogate_watch_objects, of which nothing is known",
            ),
            watch_failing_since: book.gauges(
                "watch_failing_since_timestamp_seconds",
                "Since when the API server does not tell, in seconds since 1970; 0 while it does",
            ),
        };
        let Book { registry, entries } = book;
        let metrics = Self {
            all: Arc::new(all),
            registered: Arc::new((registry, entries)),
        };
        metrics.show_small_sets();
        metrics
    }

    /// A series that is there from the start can be seen to grow.
    fn show_small_sets(&self) {
        let all = &*self.all;
        for endpoint in Endpoint::all() {
            drop(all.review_duration.get_or_create(&ByEndpoint { endpoint }));
            drop(all.request_duration.get_or_create(&ByEndpoint { endpoint }));
        }
        for rule in Rule::all() {
            for action in Action::all() {
                drop(all.findings.get_or_create(&ByFinding { rule, action }));
            }
        }
        for family in Family::all() {
            drop(all.defaults.get_or_create(&ByFamily { family }));
        }
        for reason in Shed::all() {
            drop(all.shed.get_or_create(&ByShed { reason }));
        }
        for reason in Refused::all() {
            drop(all.refused.get_or_create(&ByRefused { reason }));
        }
        for kind in Handshake::all() {
            drop(all.handshake_failures.get_or_create(&ByHandshake { kind }));
        }
        for kind in Trouble::all() {
            drop(all.cluster_troubles.get_or_create(&ByTrouble { kind }));
        }
        for term in Term::all() {
            drop(all.exemptions.get_or_create(&ByTerm { term }));
        }
    }

    /// A review was answered, after this much work.
    pub fn reviewed(
        &self,
        endpoint: Endpoint,
        request: &Request<'_>,
        verdict: &Verdict,
        elapsed: Duration,
    ) {
        let all = &*self.all;
        let by = ByReview {
            endpoint,
            carrier: Carrier::of(&request.kind, verdict.carrier.is_some()),
            operation: request.operation,
            decision: verdict.decision,
        };
        all.reviews.get_or_create(&by).inc();
        let by = ByEndpoint { endpoint };
        let timer = all.review_duration.get_or_create(&by);
        timer.observe(elapsed.as_secs_f64());
        for finding in verdict.findings() {
            let by = ByFinding {
                rule: Rule::of(finding),
                action: finding.action,
            };
            all.findings.get_or_create(&by).inc();
        }
        for edit in &verdict.edits {
            if matches!(edit.change, Change::Set(_)) {
                let family = Family::of(&edit.path);
                all.defaults.get_or_create(&ByFamily { family }).inc();
            }
        }
    }

    /// A request to one of the webhooks was answered, in whatever way, this long after its head.
    pub fn answered(&self, endpoint: Endpoint, elapsed: Duration) {
        let timer = self
            .all
            .request_duration
            .get_or_create(&ByEndpoint { endpoint });
        timer.observe(elapsed.as_secs_f64());
    }

    /// A review is under way until the guard goes.
    pub fn in_flight(&self) -> Held {
        Held::new(&self.all.in_flight_reviews, 1)
    }

    /// Memory is set aside until the guard goes, in bytes.
    pub fn bytes_in_flight(&self, bytes: usize) -> Held {
        Held::new(&self.all.in_flight_bytes, bytes)
    }

    /// The bounds of bytes in flight and of open connections.
    pub fn bounds(&self, bytes: usize, connections: usize) {
        self.all.in_flight_bytes_limit.set(number(bytes));
        self.all.connections_limit.set(number(connections));
    }

    /// A request was turned away for now.
    pub fn shed(&self, reason: Shed) {
        self.all.shed.get_or_create(&ByShed { reason }).inc();
    }

    /// A request was refused for good.
    pub fn refused(&self, reason: Refused) {
        self.all.refused.get_or_create(&ByRefused { reason }).inc();
    }

    /// A connection was accepted, and is open until the guard goes.
    pub fn connection(&self) -> Held {
        self.all.connections_accepted.inc();
        Held::new(&self.all.connections_open, 1)
    }

    /// A connection was told to end to make room for another.
    pub fn evicted(&self) {
        self.all.connections_evicted.inc();
    }

    /// A TLS handshake failed.
    pub fn handshake_failed(&self, kind: Handshake) {
        let by = ByHandshake { kind };
        self.all.handshake_failures.get_or_create(&by).inc();
    }

    /// Something panicked. The panic hook says so, for every thread.
    pub fn panicked(&self) {
        self.all.panics.inc();
    }

    /// A certificate is served, until this moment in seconds since 1970.
    pub fn certificate(&self, not_after: i64) {
        self.all.certificate_not_after.set(moment(not_after));
    }

    /// Certificates are issued by an authority that is good until this moment, in seconds since
    /// 1970.
    pub fn authority(&self, not_after: i64) {
        self.all.authority_not_after.set(moment(not_after));
    }

    /// All that is kept in the cluster is right at this moment, in seconds since 1970.
    pub fn cluster_synced(&self, now: i64) {
        self.all.cluster_synced.set(moment(now));
    }

    /// Something stood in the way of that.
    pub fn cluster_trouble(&self, kind: Trouble) {
        let by = ByTrouble { kind };
        self.all.cluster_troubles.get_or_create(&by).inc();
    }

    /// Files were loaded at the start.
    pub fn loaded(&self, files: Files) {
        self.all
            .files_usable
            .get_or_create(&ByFiles { files })
            .set(1);
        for outcome in Outcome::all() {
            drop(self.all.reloads.get_or_create(&ByReload { files, outcome }));
        }
    }

    /// Changed files were looked at: what they hold counts from now on, or cannot be used.
    pub fn reloaded(&self, files: Files, is_usable: bool) {
        let usable = self.all.files_usable.get_or_create(&ByFiles { files });
        usable.set(i64::from(is_usable));
        let outcome = if is_usable {
            Outcome::Taken
        } else {
            Outcome::Refused
        };
        self.all
            .reloads
            .get_or_create(&ByReload { files, outcome })
            .inc();
    }

    /// A policy is in force, by what tells it from others.
    pub fn policy(&self, revision: String) {
        let all = &*self.all;
        let now = ByRevision { revision };
        let mut current = all
            .policy_revision
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // the new one first: a scrape in between sees both rather than none
        all.policy.get_or_create(&now).set(1);
        if let Some(before) = current.replace(now.clone()).filter(|before| *before != now) {
            all.policy.remove(&before);
        }
    }

    /// Counts the exemptions of the policy in force, by how long they still count.
    pub fn exemptions(&self, policy: &Policy, today: Date) {
        let terms: Vec<_> = policy
            .exemptions()
            .map(|(_, exemption)| match exemption.days_left(today) {
                Some(0) => Term::Over,
                Some(days) if days <= NOTICE => Term::Ending,
                _ => Term::InEffect,
            })
            .collect();
        for term in Term::all() {
            let count = terms.iter().filter(|of| **of == term).count();
            let gauge = self.all.exemptions.get_or_create(&ByTerm { term });
            gauge.set(number(count));
        }
    }

    /// Something is watched from now on, and not known yet.
    pub fn watch_begins(&self, watch: Watch) {
        let by = ByWatch { watch };
        for gauge in [
            &self.all.watch_followed,
            &self.all.watch_objects,
            &self.all.watch_left_out,
            &self.all.watch_failing_since,
        ] {
            drop(gauge.get_or_create(&by));
        }
    }

    /// This many objects are known from watching, and this many did not fit.
    pub fn watch_holds(&self, watch: Watch, objects: usize, left_out: usize) {
        let by = ByWatch { watch };
        let all = &*self.all;
        all.watch_objects.get_or_create(&by).set(number(objects));
        all.watch_left_out.get_or_create(&by).set(number(left_out));
    }

    /// All of what is watched is known, and changes are told.
    pub fn watch_follows(&self, watch: Watch) {
        let by = ByWatch { watch };
        self.all.watch_followed.get_or_create(&by).set(1);
        self.all.watch_failing_since.get_or_create(&by).set(0);
    }

    /// Changes are told no more, from this moment on, in seconds since 1970.
    pub fn watch_fails(&self, watch: Watch, since: i64) {
        let by = ByWatch { watch };
        self.all.watch_followed.get_or_create(&by).set(0);
        self.all.watch_failing_since.get_or_create(&by).set(since);
    }

    /// All of them in the OpenMetrics text format 1.0.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // a String takes everything
        if text::encode(&mut text, &self.registered.0).is_err() {
            tracing::error!("Cannot write the metrics.");
        }
        text
    }

    /// All of them in Prometheus' older text format 0.0.4, for those that do not ask for another.
    pub fn encode_classic(&self) -> String {
        classic::of_open_metrics(&self.encode())
    }

    /// The page about them.
    pub fn page(&self) -> String {
        page::write(&self.registered.1)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Exact for every year that a certificate can name.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
fn moment(seconds: i64) -> f64 {
    seconds as f64
}

#[cfg(test)]
mod tests;

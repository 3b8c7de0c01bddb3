//! The table of metrics: the name of each, its type, its labels and what is said of it.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Series;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;

use super::labels::{Closed as _, Family, Handshake, Refused, Rule, Shed, Term, Trouble};
use super::page::Book;
use super::sets::{
    ByEndpoint, ByFamily, ByFiles, ByFinding, ByHandshake, ByRefused, ByReload, ByReview,
    ByRevision, ByShed, ByTerm, ByTrouble, ByWatch,
};
use crate::admission::Endpoint;
use crate::policy::Action;

/// Upper bounds of the buckets for durations, in seconds: 0.1 ms, where a review belongs, to 10 s,
/// the time that an API server waits unless told otherwise.
const BUCKETS: [f64; 16] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Every metric of a process.
pub(super) struct All {
    pub(super) reviews: Series<ByReview, Counter>,
    pub(super) findings: Series<ByFinding, Counter>,
    pub(super) defaults: Series<ByFamily, Counter>,
    pub(super) review_duration: Timers,
    pub(super) request_duration: Timers,
    pub(super) in_flight_reviews: Gauge,
    pub(super) in_flight_bytes: Gauge,
    pub(super) in_flight_bytes_limit: Gauge,
    pub(super) shed: Series<ByShed, Counter>,
    pub(super) refused: Series<ByRefused, Counter>,
    pub(super) connections_open: Gauge,
    pub(super) connections_limit: Gauge,
    pub(super) connections_accepted: Counter,
    pub(super) connections_evicted: Counter,
    pub(super) handshake_failures: Series<ByHandshake, Counter>,
    pub(super) panics: Counter,
    pub(super) certificate_not_after: Gauge<f64, AtomicU64>,
    pub(super) authority_not_after: Gauge<f64, AtomicU64>,
    pub(super) cluster_synced: Gauge<f64, AtomicU64>,
    pub(super) cluster_troubles: Series<ByTrouble, Counter>,
    pub(super) reloads: Series<ByReload, Counter>,
    pub(super) files_usable: Series<ByFiles, Gauge>,
    pub(super) policy: Series<ByRevision, Gauge>,
    pub(super) policy_revision: Mutex<Option<ByRevision>>,
    pub(super) exemptions: Series<ByTerm, Gauge>,
    pub(super) watch_followed: Series<ByWatch, Gauge>,
    pub(super) watch_objects: Series<ByWatch, Gauge>,
    pub(super) watch_left_out: Series<ByWatch, Gauge>,
    pub(super) watch_failing_since: Series<ByWatch, Gauge>,
}

pub(super) type Timers = Series<ByEndpoint, Histogram, fn() -> Histogram>;

impl All {
    /// All of them at nought, written into the book.
    pub(super) fn register(book: &mut Book) -> Self {
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        book.info("build", "The program that runs", build);
        let timers = || Timers::new_with_constructor(|| Histogram::new(BUCKETS));
        let all = Self {
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
        all.show_small_sets();
        all
    }

    /// A series that is there from the start can be seen to grow.
    fn show_small_sets(&self) {
        for endpoint in Endpoint::all() {
            drop(self.review_duration.get_or_create(&ByEndpoint { endpoint }));
            drop(
                self.request_duration
                    .get_or_create(&ByEndpoint { endpoint }),
            );
        }
        for rule in Rule::all() {
            for action in Action::all() {
                drop(self.findings.get_or_create(&ByFinding { rule, action }));
            }
        }
        for family in Family::all() {
            drop(self.defaults.get_or_create(&ByFamily { family }));
        }
        for reason in Shed::all() {
            drop(self.shed.get_or_create(&ByShed { reason }));
        }
        for reason in Refused::all() {
            drop(self.refused.get_or_create(&ByRefused { reason }));
        }
        for kind in Handshake::all() {
            drop(self.handshake_failures.get_or_create(&ByHandshake { kind }));
        }
        for kind in Trouble::all() {
            drop(self.cluster_troubles.get_or_create(&ByTrouble { kind }));
        }
        for term in Term::all() {
            drop(self.exemptions.get_or_create(&ByTerm { term }));
        }
    }
}

//! What Prometheus is told.
//!
//! Callers say what happened; names, labels and buckets are known here only. `docs/metrics.md` is
//! written from what is registered in `table`.

mod classic;
mod held;
mod labels;
mod page;
mod sets;
mod table;

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text;
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
use self::table::All;
use crate::admission::{Endpoint, Request};
use crate::gate::Verdict;
use crate::policy::{Date, Policy};
use crate::values::Change;

/// Days before the end of an exemption from which on it is counted as ending.
pub const NOTICE: i64 = 14;

/// The metrics of a process; clones share them.
#[derive(Clone)]
pub struct Metrics {
    all: Arc<All>,
    registered: Arc<(Registry, Vec<Entry>)>,
}

impl Metrics {
    /// All metrics, at nought.
    pub fn new() -> Self {
        let mut book = Book::new();
        let all = All::register(&mut book);
        let Book { registry, entries } = book;
        Self {
            all: Arc::new(all),
            registered: Arc::new((registry, entries)),
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

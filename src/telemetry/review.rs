//! One log line a review: who asked for what, what was decided, and by which rules.
//!
//! Never a body, never a value: names, rules and paths only.

use std::time::Duration;

use tracing::{debug, info, warn};

use crate::admission::{Endpoint, Request, RequestError};
use crate::gate::{Decision, Verdict, object_name};
use crate::text::printable;

/// Logs an answered review. Reviews of objects that hold no vCluster config are for debugging.
pub fn log_review(endpoint: Endpoint, request: &Request<'_>, verdict: &Verdict, elapsed: Duration) {
    // fits for half a million years; JSON has it as a number then
    let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let uid = printable(&request.uid, 64);
    let kind = printable(&request.kind.kind, 64);
    let object = object_name(request);
    let user = printable(&request.user, 253);
    let operation = request.operation.as_str();
    let dry_run = request.dry_run;
    let decision = verdict.decision.as_str();
    let mut rules: Vec<_> = verdict
        .findings()
        .map(|finding| {
            format!(
                "{}={} at {}",
                finding.rule,
                finding.action,
                finding.place.field()
            )
        })
        .collect();
    rules.dedup();
    let rules = rules.join(",");
    let edits = verdict.edits.len();
    match verdict.decision {
        Decision::NotOurs => debug!(
            %uid, ?endpoint, %kind, %object, operation, decision, elapsed_us,
            "Reviewed an object that holds no vCluster config."
        ),
        Decision::PatchWithheld => warn!(
            %uid, ?endpoint, carrier = %kind, %object, operation, decision, elapsed_us,
            "Withheld the defaults: they did not stand up to their own review."
        ),
        Decision::Unchanged | Decision::Allowed | Decision::Patched | Decision::Denied => info!(
            %uid, ?endpoint, carrier = %kind, %object, operation, %user, dry_run, decision, %rules, edits,
            elapsed_us, "Reviewed."
        ),
    }
}

/// Logs a body that is no review.
pub fn log_unreadable(endpoint: Endpoint, error: &RequestError) {
    warn!(?endpoint, %error, "Refused a body that is no review.");
}

//! What answers the reviews of a server: the gate, with one log line and its metrics a
//! review.

use std::sync::Arc;
use std::time::Instant;

use time::OffsetDateTime;

use super::policy_files::LivePolicy;
use crate::admission;
use crate::gate::{self, Cluster};
use crate::policy::Date;
use crate::server::Handler;
use crate::telemetry::metrics::Refused;
use crate::telemetry::{Metrics, log_review, log_unreadable};

/// Answers reviews by a policy.
pub(super) fn handler(policy: Arc<LivePolicy>, cluster: Cluster, metrics: Metrics) -> Handler {
    Arc::new(move |endpoint, body| {
        let start = Instant::now();
        // one review sees one policy, and the day that it is
        let policy = policy.current();
        let cluster = Cluster {
            today: Some(Date::of(OffsetDateTime::now_utc())),
            ..cluster.clone()
        };
        let answered = admission::answer(body, |request| {
            let verdict = gate::review(request, endpoint, &policy, &cluster);
            let elapsed = start.elapsed();
            log_review(endpoint, request, &verdict, elapsed);
            metrics.reviewed(endpoint, request, &verdict, elapsed);
            verdict
        });
        match answered {
            Ok((answer, _)) => answer,
            Err(error) => {
                log_unreadable(endpoint, &error);
                metrics.refused(Refused::Unreadable);
                error.answer()
            }
        }
    })
}

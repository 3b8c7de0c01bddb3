//! What answers the reviews of a server: the gate, with one log line and its metrics a
//! review.

use std::sync::Arc;
use std::time::Instant;

use time::OffsetDateTime;

use super::policy_files::LivePolicy;
use super::watch_args::Surroundings;
use crate::admission;
use crate::gate::{self, Cluster};
use crate::policy::Date;
use crate::server::Handler;
use crate::telemetry::metrics::Refused;
use crate::telemetry::{Metrics, log_review, log_unreadable};

/// Answers reviews by a policy, on the day that it is, unless another one is given.
pub(super) fn handler(
    policy: Arc<LivePolicy>,
    surroundings: Surroundings,
    day: Option<Date>,
    metrics: Metrics,
) -> Handler {
    Arc::new(move |endpoint, body| {
        let start = Instant::now();
        // one review sees one policy, one state of the cluster, and the day that it is
        let policy = policy.current();
        let cluster = Cluster {
            today: day.or_else(|| Some(Date::of(OffsetDateTime::now_utc()))),
            ..surroundings.now()
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

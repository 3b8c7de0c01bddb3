//! How well something that is watched is known: not yet, up to date, or from before the API server
//! stopped telling.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::telemetry::Metrics;
use crate::telemetry::metrics::Watch;

/// How long what was known counts on without an API server that confirms it: a rolling update of
/// the control plane takes less, and a virtual cluster is seldom deleted and made again meanwhile.
pub(super) const STALE_AFTER: Duration = Duration::from_mins(5);

/// How well one kind of object is known.
#[derive(Debug)]
pub(super) struct Health {
    watch: Watch,
    metrics: Metrics,
    state: RwLock<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// Whether all were listed once.
    is_listed: bool,
    /// How many are held.
    objects: usize,
    /// How many were left out for want of room.
    left_out: usize,
    /// When the API server last told something of them, if only that nothing changed.
    heard: Option<Instant>,
    /// Since when they cannot be followed, and why.
    failing: Option<(Instant, String)>,
}

impl Health {
    pub(super) fn new(watch: Watch, metrics: Metrics) -> Self {
        Self {
            watch,
            metrics,
            state: RwLock::default(),
        }
    }

    /// It is watched from now on.
    pub(super) fn begins(&self) {
        self.metrics.watch_begins(self.watch);
    }

    /// The API server tells of them.
    pub(super) fn hears(&self) {
        self.write().heard = Some(Instant::now());
    }

    /// This many are held, and as many were left out.
    pub(super) fn holds(&self, objects: usize, left_out: usize) {
        let mut state = self.write();
        let is_new = left_out > 0 && state.left_out == 0;
        (state.objects, state.left_out) = (objects, left_out);
        drop(state);
        self.metrics.watch_holds(self.watch, objects, left_out);
        if is_new {
            warn!(
                watch = %self.watch,
                objects,
                "There are more objects than are kept; of the others nothing is known."
            );
        }
    }

    /// All were listed, and changes are told.
    pub(super) fn follows(&self) {
        let mut state = self.write();
        let is_new = !state.is_listed || state.failing.is_some();
        (state.is_listed, state.failing) = (true, None);
        state.heard = Some(Instant::now());
        let objects = state.objects;
        drop(state);
        if is_new {
            info!(watch = %self.watch, objects, "Watching.");
            self.metrics.watch_follows(self.watch);
        }
    }

    /// They cannot be followed for now.
    pub(super) fn fails(&self, why: &str) {
        let mut state = self.write();
        let (since, told) = match &state.failing {
            Some((since, before)) => (*since, before == why),
            None => (Instant::now(), false),
        };
        let is_first = state.failing.is_none();
        state.failing = Some((since, why.to_owned()));
        drop(state);
        if is_first {
            let now = OffsetDateTime::now_utc().unix_timestamp();
            self.metrics.watch_fails(self.watch, now);
        }
        if told {
            debug!(watch = %self.watch, why, "Still cannot watch.");
        } else {
            warn!(watch = %self.watch, why, "Cannot watch; what it would tell will not be known.");
        }
    }

    /// Whether all of it is known, or was until lately.
    pub(super) fn is_known(&self, now: Instant) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let lately = |since: Instant| now.saturating_duration_since(since) <= STALE_AFTER;
        state.is_listed && state.heard.is_some_and(lately)
    }

    /// What there is to say about it.
    pub(super) fn says(&self, now: Instant) -> String {
        let State {
            is_listed,
            objects,
            left_out,
            heard: _,
            failing,
        } = self
            .state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let known = || match left_out {
            0 => format!("{objects} known"),
            more => format!("{objects} known, {more} left out"),
        };
        match (is_listed, failing) {
            (false, None) => "not known yet".to_owned(),
            (false, Some((_, why))) => format!("not known: {why}"),
            (true, None) => known(),
            (true, Some((since, why))) => {
                let seconds = now.saturating_duration_since(since).as_secs();
                format!("{}, not followed for {seconds} s: {why}", known())
            }
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_known_counts_on_for_a_while_and_says_so() {
        let health = Health::new(Watch::Secrets, Metrics::new());
        let now = Instant::now();
        assert!(!health.is_known(now));
        assert_eq!(health.says(now), "not known yet");
        health.fails("forbidden");
        assert!(!health.is_known(now));
        assert_eq!(health.says(now), "not known: forbidden");
        health.holds(3, 0);
        health.follows();
        assert!(health.is_known(now));
        assert_eq!(health.says(now), "3 known");
        health.fails("connection refused");
        health.fails("no route");
        assert!(health.is_known(Instant::now()));
        assert_eq!(health.says(now), "3 known, not followed for 0 s: no route");
        let later = Instant::now() + STALE_AFTER + Duration::from_millis(1);
        assert!(!health.is_known(later));
        health.follows();
        let later = Instant::now() + STALE_AFTER + Duration::from_millis(1);
        assert!(
            !health.is_known(later),
            "silence counts, whatever it comes of"
        );
    }
}

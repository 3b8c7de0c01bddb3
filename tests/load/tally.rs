//! Counts and percentiles.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What became of reviews, counted by many tasks.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) answered: usize,
    /// How often each failure was met.
    failed: BTreeMap<String, usize>,
}

impl Tally {
    pub(crate) fn answered(&self) {
        self.count(|counts| counts.answered += 1);
    }

    pub(crate) fn failed(&self, failure: &impl Display) {
        self.count(|counts| *counts.failed.entry(failure.to_string()).or_default() += 1);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Counts {
    /// One line for each kind of failure.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failed = self.failed.iter();
        failed
            .map(|(failure, count)| format!("{count} reviews failed: {failure}"))
            .collect()
    }
}

impl Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed: usize = self.failed.values().sum();
        write!(f, "{} reviews answered, {failed} failed", self.answered)
    }
}

/// The time within which 99 of 100 were answered.
pub(crate) fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * 99).div_ceil(100);
    let longest_of_99 = times.get(rank.saturating_sub(1));
    longest_of_99.copied().unwrap_or_default()
}

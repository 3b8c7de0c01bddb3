//! What is under way: counted up, and down again whatever happens.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::gauge::Gauge;

/// Something that is counted as long as this is held.
#[derive(Debug)]
#[must_use = "it is counted as long as this is held"]
pub struct Held {
    gauge: Gauge,
    amount: AtomicU64,
}

impl Held {
    pub(super) fn new(gauge: &Gauge, amount: usize) -> Self {
        gauge.inc_by(number(amount));
        Self {
            gauge: gauge.clone(),
            amount: AtomicU64::new(amount as u64),
        }
    }

    /// This much more of it is held.
    pub fn grow(&self, more: usize) {
        self.gauge.inc_by(number(more));
        self.amount.fetch_add(more as u64, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let amount = i64::try_from(*self.amount.get_mut()).unwrap_or(i64::MAX);
        self.gauge.dec_by(amount);
    }
}

/// As gauges count.
pub(super) fn number(amount: usize) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

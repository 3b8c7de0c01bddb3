//! Whether reviews can be sent here, and if not, why not.

use std::fmt;
use std::sync::Arc;

use super::shutdown::Shutdown;

/// Something without which reviews cannot be answered; what is amiss, if it is. Asked at every
/// probe, so it has to answer from memory.
pub type Condition = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What readiness takes; a server that is about to stop is never ready.
#[derive(Clone, Default)]
pub struct Readiness {
    shutdown: Shutdown,
    conditions: Vec<(&'static str, Condition)>,
}

impl Readiness {
    /// Ready until this stops.
    pub fn new(shutdown: Shutdown) -> Self {
        Self {
            shutdown,
            conditions: Vec::new(),
        }
    }

    /// Ready only while this holds, too.
    #[must_use]
    pub fn and(mut self, name: &'static str, condition: Condition) -> Self {
        self.conditions.push((name, condition));
        self
    }

    /// Every condition with what is amiss with it.
    pub fn report(&self) -> Vec<(&'static str, Result<(), String>)> {
        let shutdown = if self.shutdown.is_leaving() {
            Err("draining".to_owned())
        } else {
            Ok(())
        };
        let conditions = self.conditions.iter();
        [("shutdown", shutdown)]
            .into_iter()
            .chain(conditions.map(|(name, holds)| (*name, holds())))
            .collect()
    }

    /// What is amiss first.
    pub fn check(&self) -> Result<(), String> {
        self.report()
            .into_iter()
            .try_for_each(|(_, outcome)| outcome)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Readiness").field(&self.report()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn what_is_amiss_is_said() {
        let shutdown = Shutdown::new();
        let is_good = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&is_good);
        let condition = move || {
            if seen.load(Ordering::Relaxed) {
                Ok(())
            } else {
                Err("the certificate expired".to_owned())
            }
        };
        let readiness = Readiness::new(shutdown.clone()).and("certificate", Arc::new(condition));
        readiness.check().unwrap();
        is_good.store(false, Ordering::Relaxed);
        assert_eq!(readiness.check().unwrap_err(), "the certificate expired");
        shutdown.leave();
        assert_eq!(readiness.check().unwrap_err(), "draining");
        assert_eq!(
            readiness.report(),
            [
                ("shutdown", Err("draining".to_owned())),
                ("certificate", Err("the certificate expired".to_owned())),
            ]
        );
    }
}

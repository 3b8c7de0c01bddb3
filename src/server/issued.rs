//! A certificate that somebody issues to the server while it runs.
//!
//! Owns what is served, from the first one on; who issues it, and when, is another's affair.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;

use super::reload::Served;
use crate::certs::Validity;
use crate::telemetry::Metrics;

/// The certificate of the moment; handshakes fail before there is one.
#[derive(Debug)]
pub struct IssuedCertificate {
    current: RwLock<Option<Arc<Served>>>,
    metrics: Metrics,
}

impl IssuedCertificate {
    /// None yet.
    pub fn awaited(metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            current: RwLock::default(),
            metrics,
        })
    }

    /// Serves another one from now on.
    pub fn serve(&self, key: CertifiedKey) {
        let served = Arc::new(Served::new(key, &self.metrics));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(served);
    }

    /// The dates of the served certificate, if there is one.
    pub fn validity(&self) -> Option<Validity> {
        self.current()?.validity()
    }

    /// Tells of its end when that is near.
    pub fn look(&self, now: OffsetDateTime) {
        if let Some(current) = self.current() {
            current.tell_of_its_end(now);
        }
    }

    fn current(&self) -> Option<Arc<Served>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}

impl ResolvesServerCert for IssuedCertificate {
    fn resolve(&self, _client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current()?.key())
    }
}

//! What a replica serves: a certificate that it issues to itself, with a key that never leaves the
//! process.

use std::sync::Arc;

use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use tracing::info;

use crate::certs::{Authority, CertError, Fingerprint, ISSUED_DAYS, Names, Validity};
use crate::server::{IssuedCertificate, tls};
use crate::telemetry::Metrics;

/// Issues to one server.
pub struct Issuer {
    names: Names,
    served: Arc<IssuedCertificate>,
    /// Who signed what is served, and its dates.
    current: Option<(Arc<Authority>, Validity)>,
    metrics: Metrics,
}

impl Issuer {
    /// For these names; nothing is served yet.
    pub fn new(names: Names, served: Arc<IssuedCertificate>, metrics: Metrics) -> Self {
        Self {
            names,
            served,
            current: None,
            metrics,
        }
    }

    /// Who signed what is served.
    pub fn authority(&self) -> Option<&Arc<Authority>> {
        self.current.as_ref().map(|(authority, _)| authority)
    }

    /// Who signed what is served.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.authority().map(|authority| authority.fingerprint())
    }

    /// Whether something is served that clients take.
    pub fn is_good(&self, now: OffsetDateTime) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|(_, leaf)| leaf.is_good(now))
    }

    /// Serves a certificate of this authority from now on.
    pub fn issue(
        &mut self,
        authority: &Arc<Authority>,
        now: OffsetDateTime,
    ) -> Result<(), IssueError> {
        let leaf = authority.issue(&self.names, now, ISSUED_DAYS)?;
        let key = CertifiedKey::from_der(leaf.chain(), leaf.key(), &tls::provider())?;
        self.served.serve(key);
        let of = authority.fingerprint();
        info!(
            authority = of.short(),
            not_after = %leaf.validity().not_after,
            "Serving a certificate that was just issued."
        );
        let not_after = authority.validity().not_after;
        self.metrics.authority(not_after.unix_timestamp());
        self.current = Some((Arc::clone(authority), leaf.validity()));
        Ok(())
    }

    /// Renews what is served in time, from the authority that it is of: that needs no cluster.
    pub fn renew(&mut self, now: OffsetDateTime) -> Result<(), IssueError> {
        self.served.look(now);
        let due = self.current.as_ref().filter(|(_, leaf)| leaf.is_due(now));
        let due = due.filter(|(authority, leaf)| {
            // nothing is gained by another one that ends with its authority
            leaf.not_after < authority.validity().not_after
        });
        match due.map(|(authority, _)| Arc::clone(authority)) {
            Some(authority) => self.issue(&authority, now),
            None => Ok(()),
        }
    }
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// It could not be signed.
    #[error(transparent)]
    Sign(#[from] CertError),
    /// It cannot be served.
    #[error("cannot use the certificate just made")]
    Serve(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_without_asking_anybody() {
        let now = OffsetDateTime::now_utc();
        let metrics = Metrics::new();
        let served = IssuedCertificate::awaited(metrics.clone());
        let names = Names {
            dns: vec!["localhost".parse().unwrap()],
            ip: Vec::new(),
        };
        let mut issuer = Issuer::new(names, Arc::clone(&served), metrics);
        assert!(!issuer.is_good(now));
        issuer.renew(now).unwrap();
        assert_eq!(served.validity(), None);

        let authority = Arc::new(Authority::generate(now).unwrap());
        issuer.issue(&authority, now).unwrap();
        let until = || served.validity().unwrap().not_after;
        let first = until();
        issuer.renew(now + Duration::days(79)).unwrap();
        assert_eq!(until(), first);
        issuer.renew(now + Duration::days(81)).unwrap();
        let second = until();
        assert_eq!((second - first).whole_days(), 81);
        assert!(issuer.is_good(now + Duration::days(200)));
        assert!(!issuer.is_good(now + Duration::days(202)));
        // a clock that was set back
        assert!(!issuer.is_good(now));
    }
}

//! A certificate that is renewed while the server runs.
//!
//! The files are looked at again and again, by content: a mounted Secret changes by a swap of
//! links that file watches miss. Certificate and key are taken together or not at all, so that a
//! pair of which only one half is written yet stays out until both fit.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use time::{Duration, OffsetDateTime};
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::certs::{Facts, Validity};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Files;

use super::limits::EXPIRY_NOTICES;
use super::tls::{self, TlsError};

/// Something that is kept in files, and follows them.
pub trait Refresh: Send + Sync + 'static {
    /// What is told when it does.
    const RENEWED: &'static str;
    /// What is told when it cannot, with the reason.
    const KEPT: &'static str;

    /// Looks at the files again; true if something else counts from now on. What is wrong with
    /// them is an error once, and what counted before counts on.
    fn refresh(&self) -> anyhow::Result<bool>;
}

/// The certificate in two files, as they are now.
#[derive(Debug)]
pub struct FileCertificate {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<Served>>,
    /// What the files held when they were last looked at, fitting or not.
    seen: Mutex<(Vec<u8>, Vec<u8>)>,
    metrics: Metrics,
}

/// A certificate that is served.
#[derive(Debug)]
pub(super) struct Served {
    key: Arc<CertifiedKey>,
    /// Its dates, if they can be read.
    validity: Option<Validity>,
    /// The lowest of [`EXPIRY_NOTICES`] that has been given; negative when its end was told.
    told: AtomicI64,
}

impl FileCertificate {
    /// Loads the pair; it has to fit now.
    pub fn load(
        certificate: PathBuf,
        key: PathBuf,
        metrics: Metrics,
    ) -> Result<Arc<Self>, TlsError> {
        // Read before it is loaded: a change in between is seen at the next look.
        let seen = read(&certificate, &key);
        let current = Served::new(tls::load(&certificate, &key)?, &metrics);
        metrics.loaded(Files::Certificate);
        Ok(Arc::new(Self {
            certificate,
            key,
            current: RwLock::new(Arc::new(current)),
            seen: Mutex::new(seen),
            metrics,
        }))
    }

    /// The dates of the served certificate, if they can be read.
    pub fn validity(&self) -> Option<Validity> {
        self.current().validity
    }

    fn current(&self) -> Arc<Served> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }
}

impl Served {
    pub(super) fn new(key: CertifiedKey, metrics: &Metrics) -> Self {
        let facts = key.cert.first().and_then(|leaf| Facts::read(leaf));
        let validity = facts.map(|facts| facts.validity);
        if let Some(validity) = validity {
            metrics.certificate(validity.not_after.unix_timestamp());
        }
        let served = Self {
            key: Arc::new(key),
            validity,
            told: AtomicI64::new(i64::MAX),
        };
        served.tell_of_its_end(OffsetDateTime::now_utc());
        served
    }

    /// Its dates, if they can be read.
    pub(super) fn validity(&self) -> Option<Validity> {
        self.validity
    }

    /// Certificate and key.
    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }

    /// Tells once of each notice that is due; true if it did.
    pub(super) fn tell_of_its_end(&self, now: OffsetDateTime) -> bool {
        let Some(Validity { not_after, .. }) = self.validity else {
            return false;
        };
        let left = not_after - now;
        let is_over = left.is_negative();
        let notices = EXPIRY_NOTICES.iter().copied();
        let due = if is_over {
            Some(-1)
        } else {
            notices.filter(|days| left <= Duration::days(*days)).min()
        };
        let Some(due) = due.filter(|due| *due < self.told.load(Relaxed)) else {
            return false;
        };
        self.told.store(due, Relaxed);
        if is_over {
            error!(%not_after, "The served certificate expired: no review can be sent here.");
        } else {
            let days = left.whole_days();
            warn!(%not_after, days, "The served certificate expires soon.");
        }
        true
    }
}

impl Refresh for FileCertificate {
    const RENEWED: &'static str = "Serving a renewed certificate.";
    const KEPT: &'static str = "Still serving the old certificate, the new one cannot be used.";

    /// `Ok(true)`: another pair is served from now on.
    fn refresh(&self) -> anyhow::Result<bool> {
        self.current().tell_of_its_end(OffsetDateTime::now_utc());
        let now = read(&self.certificate, &self.key);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return Ok(false);
            }
            *seen = now;
        }
        let renewed = tls::load(&self.certificate, &self.key);
        self.metrics.reloaded(Files::Certificate, renewed.is_ok());
        let renewed = Arc::new(Served::new(renewed?, &self.metrics));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(true)
    }
}

/// Looks again and again, for ever. What is wrong with new files is told once.
pub async fn watch<R: Refresh>(files: Arc<R>, interval: std::time::Duration) -> Infallible {
    loop {
        sleep(interval).await;
        let files = Arc::clone(&files);
        match tokio::task::spawn_blocking(move || files.refresh()).await {
            Ok(Ok(true)) => info!("{}", R::RENEWED),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => warn!(error = format!("{error:#}"), "{}", R::KEPT),
            Err(error) => warn!(%error, "Cannot look at the files."),
        }
    }
}

impl ResolvesServerCert for FileCertificate {
    fn resolve(&self, _client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current().key))
    }
}

/// What the files hold; nothing if one cannot be read.
fn read(certificate: &PathBuf, key: &PathBuf) -> (Vec<u8>, Vec<u8>) {
    (
        fs::read(certificate).unwrap_or_default(),
        fs::read(key).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certs::{Authority, Names};

    #[test]
    fn the_end_is_told_once_a_notice() {
        let now = OffsetDateTime::now_utc();
        let names = Names {
            dns: vec!["localhost".parse().unwrap()],
            ip: Vec::new(),
        };
        let leaf = Authority::generate(now)
            .unwrap()
            .issue(&names, now, 40)
            .unwrap();
        let key = CertifiedKey::from_der(leaf.chain(), leaf.key(), &tls::provider()).unwrap();
        let metrics = Metrics::new();
        let served = Served::new(key, &metrics);
        let end = served.validity.unwrap().not_after;
        assert!(metrics.encode().contains(&format!(
            "certificate_not_after_timestamp_seconds {}.0\n",
            end.unix_timestamp()
        )));
        let told = [31, 30, 29, 8, 7, 6, 2, 1, 0, -1, -2]
            .map(|days| served.tell_of_its_end(end - Duration::days(days)));
        assert_eq!(
            told,
            [
                false, true, false, false, true, false, false, true, false, true, false
            ]
        );
    }
}

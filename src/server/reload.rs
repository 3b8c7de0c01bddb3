//! A certificate that is renewed while the server runs.
//!
//! The files are looked at again and again, by content: a mounted Secret changes by a swap of
//! links that file watches miss. Certificate and key are taken together or not at all, so that a
//! pair of which only one half is written yet stays out until both fit.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::sleep;
use tracing::{info, warn};

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
    current: RwLock<Arc<CertifiedKey>>,
    /// What the files held when they were last looked at, fitting or not.
    seen: Mutex<(Vec<u8>, Vec<u8>)>,
}

impl FileCertificate {
    /// Loads the pair; it has to fit now.
    pub fn load(certificate: PathBuf, key: PathBuf) -> Result<Arc<Self>, TlsError> {
        // Read before it is loaded: a change in between is seen at the next look.
        let seen = read(&certificate, &key);
        let current = tls::load(&certificate, &key)?;
        Ok(Arc::new(Self {
            certificate,
            key,
            current: RwLock::new(Arc::new(current)),
            seen: Mutex::new(seen),
        }))
    }
}

impl Refresh for FileCertificate {
    const RENEWED: &'static str = "Serving a renewed certificate.";
    const KEPT: &'static str = "Still serving the old certificate, the new one cannot be used.";

    /// `Ok(true)`: another pair is served from now on.
    fn refresh(&self) -> anyhow::Result<bool> {
        let now = read(&self.certificate, &self.key);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return Ok(false);
            }
            *seen = now;
        }
        let renewed = Arc::new(tls::load(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(true)
    }
}

/// Looks again and again, for ever. What is wrong with new files is told once.
pub async fn watch<R: Refresh>(files: Arc<R>, interval: Duration) -> Infallible {
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
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current))
    }
}

/// What the files hold; nothing if one cannot be read.
fn read(certificate: &PathBuf, key: &PathBuf) -> (Vec<u8>, Vec<u8>) {
    (
        fs::read(certificate).unwrap_or_default(),
        fs::read(key).unwrap_or_default(),
    )
}

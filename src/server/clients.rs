//! Who may ask: clients with a certificate of a CA in a file, and with an allowed name.
//!
//! TLS checks the chain of what a client shows, and that it has the key. Whether a review is taken
//! from it is decided here, by connection, so that a client that may not is told so in words, and
//! probes need no certificate. A session that is resumed, or goes on, while the CA changes is
//! checked against what counts now.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::certs::Facts;
use crate::globs::Globs;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Files;

use super::reload::Refresh;
use super::tls::{TlsError, provider};

/// The clients that may ask, by what a file holds now.
#[derive(Debug)]
pub struct FileClients {
    file: PathBuf,
    /// Names of which one has to be in a certificate; none: all may.
    allowed: Option<Globs>,
    current: RwLock<Current>,
    /// What the file held when it was last looked at, usable or not.
    seen: Mutex<Vec<u8>>,
    metrics: Metrics,
}

#[derive(Clone, Debug)]
struct Current {
    verifier: Arc<dyn ClientCertVerifier>,
    /// How often the CA has changed.
    generation: u64,
}

impl FileClients {
    /// Loads the CA; it has to be right now.
    pub fn load(
        file: PathBuf,
        allowed: Option<Globs>,
        metrics: Metrics,
    ) -> Result<Arc<Self>, TlsError> {
        let pem = fs::read(&file).map_err(|source| TlsError::Unreadable {
            file: file.clone(),
            source,
        })?;
        let current = Current {
            verifier: verifier(&file, &pem)?,
            generation: 0,
        };
        metrics.loaded(Files::ClientCa);
        Ok(Arc::new(Self {
            file,
            allowed,
            current: RwLock::new(current),
            seen: Mutex::new(pem),
            metrics,
        }))
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn judge(
        &self,
        verifier: &dyn ClientCertVerifier,
        chain: &[CertificateDer<'_>],
    ) -> Result<(), NotAllowed> {
        let (client, intermediates) = chain.split_first().ok_or(NotAllowed::NoCertificate)?;
        verifier
            .verify_client_cert(client, intermediates, UnixTime::now())
            .map_err(|_| NotAllowed::NotTrusted)?;
        let Some(allowed) = &self.allowed else {
            return Ok(());
        };
        let facts = Facts::read(client).ok_or(NotAllowed::OtherName)?;
        if facts.names.iter().any(|name| allowed.matches(name)) {
            Ok(())
        } else {
            Err(NotAllowed::OtherName)
        }
    }
}

/// The client at the other end of a connection.
#[derive(Debug)]
pub(super) struct Client {
    clients: Arc<FileClients>,
    chain: Vec<CertificateDer<'static>>,
    /// What was decided, and by which CA.
    decided: Mutex<Option<(u64, Result<(), NotAllowed>)>>,
}

impl Client {
    pub(super) fn new(
        clients: Arc<FileClients>,
        chain: Option<&[CertificateDer<'static>]>,
    ) -> Arc<Self> {
        Arc::new(Self {
            clients,
            chain: chain.unwrap_or_default().to_vec(),
            decided: Mutex::default(),
        })
    }

    /// Whether reviews are taken from it.
    pub(super) fn check(&self) -> Result<(), NotAllowed> {
        let Current {
            verifier,
            generation,
        } = self.clients.current();
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        match *decided {
            Some((by, outcome)) if by == generation => outcome,
            _ => {
                let outcome = self.clients.judge(&*verifier, &self.chain);
                *decided = Some((generation, outcome));
                outcome
            }
        }
    }
}

/// Why reviews are not taken from a client. The messages go to the API server's user.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum NotAllowed {
    /// It shows none.
    #[error(
        "reviews are taken only from clients with a certificate, and none was shown: configure one \
         for the API server (AdmissionConfiguration, kubeConfigFile)"
    )]
    NoCertificate,
    /// Its certificate is not of the CA, expired, or not for clients.
    #[error("the client's certificate is not one that the admission server trusts (any more)")]
    NotTrusted,
    /// It has none of the allowed names.
    #[error("the client's certificate has none of the names that the admission server allows")]
    OtherName,
}

impl Refresh for FileClients {
    const RENEWED: &'static str = "Trusting clients by a renewed CA.";
    const KEPT: &'static str = "Still trusting clients by the old CA, the new one cannot be used.";

    fn refresh(&self) -> anyhow::Result<bool> {
        // What cannot be read differs from everything that can.
        let now = fs::read(&self.file).unwrap_or_default();
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == now {
                return Ok(false);
            }
            seen.clone_from(&now);
        }
        let renewed = verifier(&self.file, &now);
        self.metrics.reloaded(Files::ClientCa, renewed.is_ok());
        let verifier = renewed?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.verifier = verifier;
        current.generation += 1;
        Ok(true)
    }
}

fn verifier(file: &Path, pem: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::pem(file, &error))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate {
            file: file.to_owned(),
        });
    }
    let malformed = || TlsError::BadAuthority {
        file: file.to_owned(),
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|_| malformed())?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|_| malformed())
}

impl ClientCertVerifier for FileClients {
    /// Probes come without.
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None, which is legal, as they would have to outlive a change.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.current()
            .verifier
            .verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

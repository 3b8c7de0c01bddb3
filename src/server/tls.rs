//! Key material from PEM files, and the TLS settings.
//!
//! Owns reading and checking a certificate chain with its key. Errors name the file and the reason
//! and never quote a file's content: one of them is a private key. [`load`] gives a pair that can
//! be served or refuses it whole, so that whoever loads again can keep the last good one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, ServerConfig};
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::clients::FileClients;
use super::suites::{self, CipherSuite, MinVersion};

/// HTTP/2's name in TLS.
pub(super) const ALPN_HTTP2: &[u8] = b"h2";
/// HTTP/1.1's name in TLS.
const ALPN_HTTP11: &[u8] = b"http/1.1";

/// The cryptography in use everywhere.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Makes [`provider`] the default of the process for libraries that ask for one, unless there is a
/// default already.
pub fn install_default_provider() {
    if CryptoProvider::get_default().is_none()
        && aws_lc_rs::default_provider().install_default().is_err()
    {
        tracing::debug!("Another thread installed a cryptography provider first.");
    }
}

/// Reads a certificate chain (the server's own certificate first) and its key. The key can be in
/// any of the three usual forms: PKCS #8, PKCS #1, SEC 1.
pub fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::pem(certificate, &error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate {
            file: certificate.to_owned(),
        });
    }
    let private_key = match PrivateKeyDer::from_pem_slice(&read(key)?) {
        Ok(private_key) => private_key,
        Err(pem::Error::NoItemsFound) => {
            return Err(TlsError::NoKey {
                file: key.to_owned(),
            });
        }
        Err(error) => return Err(TlsError::pem(key, &error)),
    };
    CertifiedKey::from_der(chain, private_key, &provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::KeyMismatch {
            key: key.to_owned(),
            certificate: certificate.to_owned(),
        },
        rustls::Error::InvalidCertificate(_) => TlsError::BadCertificate {
            file: certificate.to_owned(),
        },
        _ => TlsError::BadKey {
            file: key.to_owned(),
        },
    })
}

/// [`server_config_with`] one certificate for good, and all versions and cipher suites.
pub fn server_config(certified_key: CertifiedKey) -> Result<ServerConfig, TlsError> {
    let certificates = Arc::new(SingleCertAndKey::from(certified_key));
    server_config_with(certificates, &TlsOptions::default())
}

/// Which TLS is spoken, and with whom.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// The oldest version.
    pub min_version: MinVersion,
    /// These cipher suites only; all if there are none.
    pub cipher_suites: Vec<CipherSuite>,
    /// Whom reviews are taken from. If that is all, clients are not asked for a certificate: an
    /// API server has none to show unless it is specially configured.
    pub clients: Option<Arc<FileClients>>,
}

/// TLS with HTTP/2 and HTTP/1.1. Sessions are resumed by tickets: the server keeps nothing for a
/// client that has gone.
pub fn server_config_with(
    certificates: Arc<dyn ResolvesServerCert>,
    options: &TlsOptions,
) -> Result<ServerConfig, TlsError> {
    let TlsOptions {
        min_version,
        cipher_suites,
        clients,
    } = options;
    let has_tls13 = cipher_suites.iter().any(|suite| suite.is_of_tls13());
    if !cipher_suites.is_empty() && *min_version == MinVersion::Tls13 && !has_tls13 {
        return Err(TlsError::NoSuite);
    }
    let config = ServerConfig::builder_with_provider(suites::limited(cipher_suites))
        .with_protocol_versions(&min_version.versions())
        .map_err(TlsError::Settings)?;
    let mut config = match clients {
        Some(clients) => config.with_client_cert_verifier(Arc::clone(clients) as _),
        None => config.with_no_client_auth(),
    }
    .with_cert_resolver(certificates);
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec(), ALPN_HTTP11.to_vec()];
    config.ticketer = Ticketer::new().map_err(TlsError::Settings)?;
    Ok(config)
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|source| TlsError::Unreadable {
        file: file.to_owned(),
        source,
    })
}

/// Why a certificate and its key cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not PEM.
    #[error("{} is not valid PEM: {reason}", file.display())]
    BadPem {
        /// Which one.
        file: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file has no certificate in it.
    #[error("no certificate in {}: expected a section BEGIN CERTIFICATE", file.display())]
    NoCertificate {
        /// Which one.
        file: PathBuf,
    },
    /// The file has no private key in it.
    #[error(
        "no private key in {}: expected a section BEGIN PRIVATE KEY, BEGIN EC PRIVATE KEY or BEGIN RSA PRIVATE KEY",
        file.display()
    )]
    NoKey {
        /// Which one.
        file: PathBuf,
    },
    /// The first certificate cannot be parsed.
    #[error("the first certificate in {} is malformed", file.display())]
    BadCertificate {
        /// Where it is.
        file: PathBuf,
    },
    /// The private key cannot be parsed or is of a kind that TLS does not have.
    #[error(
        "the private key in {} is malformed or of an unknown kind: expected RSA, ECDSA or Ed25519",
        file.display()
    )]
    BadKey {
        /// Where it is.
        file: PathBuf,
    },
    /// The two files do not belong together.
    #[error(
        "the private key in {} does not match the first certificate in {}",
        key.display(),
        certificate.display()
    )]
    KeyMismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// A certificate among those of an authority cannot be parsed.
    #[error("a certificate in {} is malformed or no authority's", file.display())]
    BadAuthority {
        /// Where it is.
        file: PathBuf,
    },
    /// Only older versions have the wanted cipher suites.
    #[error("none of the cipher suites is of TLS 1.3, and no older version is allowed: add one")]
    NoSuite,
    /// The cryptography does not offer what is wanted.
    #[error("these TLS settings are not available")]
    Settings(#[source] rustls::Error),
}

impl TlsError {
    /// In words of our own: the library's quote the line.
    pub(super) fn pem(file: &Path, error: &pem::Error) -> Self {
        let reason = match error {
            pem::Error::MissingSectionEnd { .. } => "a section has no END line",
            pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed",
            pem::Error::Base64Decode(_) => "a section is not valid base64",
            _ => "it cannot be parsed",
        };
        Self::BadPem {
            file: file.to_owned(),
            reason,
        }
    }
}

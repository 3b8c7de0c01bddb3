//! Which TLS is spoken: versions and cipher suites, by the names that people know them by.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use super::tls::provider;

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MinVersion {
    /// TLS 1.2, the API server's own least.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl MinVersion {
    /// All versions from this one on.
    pub(super) fn versions(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Tls12 => vec![&TLS13, &TLS12],
            Self::Tls13 => vec![&TLS13],
        }
    }
}

impl FromStr for MinVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err("has to be 1.2 or 1.3".to_owned()),
        }
    }
}

impl fmt::Display for MinVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        })
    }
}

/// A cipher suite that we have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CipherSuite(SupportedCipherSuite);

impl CipherSuite {
    /// Whether it is of TLS 1.3; if not it is of 1.2.
    pub(super) fn is_of_tls13(self) -> bool {
        self.0.tls13().is_some()
    }
}

impl FromStr for CipherSuite {
    type Err = String;

    /// Knows the names in IANA's registry.
    fn from_str(text: &str) -> Result<Self, String> {
        let suites = provider().cipher_suites.clone();
        let found = suites.iter().find(|suite| iana_name(**suite) == text);
        found.copied().map(Self).ok_or_else(|| {
            let names: Vec<_> = suites.into_iter().map(iana_name).collect();
            format!(
                "there is no such cipher suite; there are {}",
                names.join(", ")
            )
        })
    }
}

/// The cryptography with these cipher suites only, in this order; with all if there are none.
pub(super) fn limited(suites: &[CipherSuite]) -> Arc<CryptoProvider> {
    let mut provider = (*provider()).clone();
    if !suites.is_empty() {
        provider.cipher_suites = suites.iter().map(|suite| suite.0).collect();
    }
    Arc::new(provider)
}

/// rustls gives the suites of TLS 1.3 names of its own.
fn iana_name(suite: SupportedCipherSuite) -> String {
    let name = suite.suite().as_str().unwrap_or("unknown");
    name.replacen("TLS13_", "TLS_", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_known_by_their_iana_names() {
        let suite: CipherSuite = "TLS_AES_128_GCM_SHA256".parse().unwrap();
        assert!(suite.is_of_tls13());
        let suite: CipherSuite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".parse().unwrap();
        assert!(!suite.is_of_tls13());
        assert_eq!(limited(&[suite]).cipher_suites, [suite.0]);
        assert_eq!(
            "TLS_RSA_WITH_RC4_128_SHA"
                .parse::<CipherSuite>()
                .unwrap_err(),
            "there is no such cipher suite; there are TLS_AES_256_GCM_SHA384, \
             TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256, \
             TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, \
             TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, \
             TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        );
    }

    #[test]
    fn there_are_two_versions() {
        for text in ["1.2", "1.3"] {
            assert_eq!(text.parse::<MinVersion>().unwrap().to_string(), text);
        }
        assert_eq!(
            "1.1".parse::<MinVersion>().unwrap_err(),
            "has to be 1.2 or 1.3"
        );
    }
}

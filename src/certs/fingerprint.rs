//! Certificates of others as PEM has them, and what tells one from another.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::validity::Validity;
use super::x509::Facts;

/// Characters of base64 in a line of PEM.
const LINE: usize = 64;

/// SHA-256 of a certificate; as text `openssl x509 -fingerprint -sha256` in lower case, without
/// the colons.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        // the one hash that the cryptography in use offers to everybody
        let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else {
            return Self(String::new());
        };
        let hash = suite.common.hash_provider.hash(certificate);
        let mut text = String::new();
        for byte in hash.as_ref() {
            // a String takes everything
            let _written = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Enough of it for people.
    pub fn short(&self) -> &str {
        self.0.get(..16).unwrap_or(&self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A certificate without its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// As it is.
    pub der: CertificateDer<'static>,
    /// Its dates.
    pub validity: Validity,
    /// Whom it names.
    pub names: Vec<String>,
}

impl Certificate {
    /// Reads one in DER; nothing if that cannot be done.
    pub fn read(der: CertificateDer<'static>) -> Option<Self> {
        let Facts { validity, names } = Facts::read(&der)?;
        Some(Self {
            der,
            validity,
            names,
        })
    }

    /// Those in a text of PEM that can be read, and whether that is all that is in it.
    pub fn all(pem: &[u8]) -> (Vec<Self>, bool) {
        let mut all = Vec::new();
        let mut whole = true;
        for der in CertificateDer::pem_slice_iter(pem) {
            match der.ok().and_then(Self::read) {
                Some(certificate) => all.push(certificate),
                None => whole = false,
            }
        }
        (all, whole)
    }

    /// What tells it from others.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }

    /// As PEM.
    pub fn pem(&self) -> String {
        pem(&self.der)
    }
}

/// A certificate as PEM.
pub(super) fn pem(der: &CertificateDer<'_>) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let base64 = STANDARD.encode(der);
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.extend([line, "\n"]);
        rest = after;
    }
    text + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;
    use crate::certs::Authority;

    #[test]
    fn what_is_written_is_read_again() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let [one, two] = [(); 2].map(|()| Authority::generate(now).unwrap());
        let text = one.certificate_pem() + &two.certificate_pem();
        assert!(text.lines().all(|line| line.len() <= LINE));
        let (all, whole) = Certificate::all(text.as_bytes());
        assert!(whole);
        assert_eq!(all.iter().map(Certificate::pem).collect::<String>(), text);
        assert_eq!(all[0].fingerprint(), one.fingerprint());
        assert_ne!(one.fingerprint(), two.fingerprint());
        assert_eq!(one.fingerprint().to_string().len(), 64);
    }

    #[test]
    fn what_cannot_be_read_is_noticed() {
        let one = Authority::generate(OffsetDateTime::UNIX_EPOCH).unwrap();
        let text = one.certificate_pem()
            + "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let (all, whole) = Certificate::all(text.as_bytes());
        assert_eq!((all.len(), whole), (1, false));
        assert_eq!(Certificate::all(b"").0, []);
    }

    /// `printf '' | sha256sum`
    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(
            Fingerprint::of(&CertificateDer::from(Vec::new())).to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}

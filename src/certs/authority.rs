//! A certificate authority of our own, and the server certificates that it signs.
//!
//! P-256 keys throughout: every TLS client has the curve, keys and signatures are small.

use std::fmt;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls::crypto::{CryptoProvider, GetRandomFailed, aws_lc_rs};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;

use super::fingerprint::{Fingerprint, pem};
use super::names::Names;
use super::validity::{AUTHORITY_DAYS, Validity};
use super::x509::Facts;

/// The common name of every authority of ours.
pub(super) const AUTHORITY_NAME: &str = "distrogate CA";

/// An authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    validity: Validity,
}

impl Authority {
    /// A fresh authority, good from now for [`AUTHORITY_DAYS`].
    pub fn generate(now: OffsetDateTime) -> Result<Self, CertError> {
        let validity = Validity::starting(now, AUTHORITY_DAYS);
        let params = authority_params(validity)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate: certificate.into(),
            validity,
        })
    }

    /// One that [`generate`](Self::generate) made, from its certificate and key in PEM. Whether it
    /// is still good is another question.
    pub fn load(certificate_pem: &[u8], key_pem: &[u8]) -> Result<Self, LoadError> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem)
            .map_err(|_unsaid| LoadError::Certificate)?;
        let facts = Facts::read(&certificate).ok_or(LoadError::Certificate)?;
        if facts.names != [AUTHORITY_NAME] {
            return Err(LoadError::Foreign);
        }
        let key = str::from_utf8(key_pem)
            .ok()
            .and_then(|pem| KeyPair::from_pem_and_sign_algo(pem, &PKCS_ECDSA_P256_SHA256).ok())
            .ok_or(LoadError::Key)?;
        let signing_key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let provider = aws_lc_rs::default_provider();
        CertifiedKey::from_der(vec![certificate.clone()], signing_key, &provider)
            .map_err(|_unsaid| LoadError::Mismatch)?;
        // what signing needs of the parameters is the same in every authority of ours
        let params = authority_params(facts.validity).map_err(|_unsaid| LoadError::Certificate)?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
            validity: facts.validity,
        })
    }

    /// Signs a fresh server certificate for these names, good from now for so many days or as long
    /// as the authority, whichever ends first. Nothing is signed before the authority begins.
    pub fn issue(&self, names: &Names, now: OffsetDateTime, days: u16) -> Result<Leaf, CertError> {
        let validity = Validity::starting(now, days).within(self.validity);
        if !validity.is_good(now) {
            return Err(CertError::NotGood);
        }
        let params = leaf_params(names, validity)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Leaf {
            certificate: certificate.into(),
            authority: self.certificate.clone(),
            key,
            validity,
        })
    }

    /// The authority's certificate, to be trusted by clients.
    pub fn certificate_pem(&self) -> String {
        pem(&self.certificate)
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// What tells the authority from others.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate)
    }

    /// From when until when the authority is good.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The authority's private key.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

/// A server certificate with its key.
pub struct Leaf {
    certificate: CertificateDer<'static>,
    authority: CertificateDer<'static>,
    key: KeyPair,
    validity: Validity,
}

impl Leaf {
    /// The certificate, then the authority's.
    pub fn chain_pem(&self) -> String {
        pem(&self.certificate) + &pem(&self.authority)
    }

    /// The certificate, then the authority's.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone(), self.authority.clone()]
    }

    /// The private key.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// From when until when the certificate is good.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The private key.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaf")
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

fn authority_params(validity: Validity) -> Result<CertificateParams, CertError> {
    let mut params = params(AUTHORITY_NAME, validity)?;
    // May sign servers, not other authorities.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params(names: &Names, validity: Validity) -> Result<CertificateParams, CertError> {
    let Names { dns, ip } = names;
    let mut params = params("distrogate", validity)?;
    for name in dns {
        params
            .subject_alt_names
            .push(SanType::DnsName(name.as_str().try_into()?));
    }
    params
        .subject_alt_names
        .extend(ip.iter().copied().map(SanType::IpAddress));
    if params.subject_alt_names.is_empty() {
        return Err(CertError::NoNames);
    }
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(common_name: &str, validity: Validity) -> Result<CertificateParams, CertError> {
    let mut params = CertificateParams::default();
    params.not_before = validity.not_before;
    params.not_after = validity.not_after;
    params.serial_number = Some(serial_number(&aws_lc_rs::default_provider())?);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

/// 127 random bits: positive, as RFC 5280 demands, and within its 20 bytes.
fn serial_number(provider: &CryptoProvider) -> Result<SerialNumber, CertError> {
    let mut bytes = [0_u8; 16];
    provider.secure_random.fill(&mut bytes)?;
    let number = u128::from_be_bytes(bytes) >> 1;
    Ok(SerialNumber::from_slice(&number.to_be_bytes()))
}

/// Why an authority could not be loaded; what the texts hold is not quoted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// The certificate cannot be parsed.
    #[error("the certificate is not one in PEM")]
    Certificate,
    /// The certificate has another name than ours have.
    #[error("the certificate is not of an authority that distrogate made")]
    Foreign,
    /// The key cannot be parsed.
    #[error("the key is not a P-256 key in PEM")]
    Key,
    /// The key is another one's.
    #[error("the key does not match the certificate")]
    Mismatch,
}

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertError {
    /// It would be good for nothing.
    #[error("a server certificate needs at least one DNS name or IP address")]
    NoNames,
    /// Nobody would take it now.
    #[error("the authority is over or has not begun: is this machine's clock right?")]
    NotGood,
    /// The system gives no random numbers.
    #[error("no random numbers: {0:?}")]
    Random(GetRandomFailed),
    /// A name is none.
    #[error(transparent)]
    Name(#[from] super::names::NameError),
    /// The certificate could not be encoded or signed.
    #[error("cannot make the certificate")]
    Generate(#[from] rcgen::Error),
}

impl From<GetRandomFailed> for CertError {
    fn from(error: GetRandomFailed) -> Self {
        Self::Random(error)
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn localhost() -> Names {
        Names {
            dns: vec!["localhost".parse().unwrap()],
            ip: Vec::new(),
        }
    }

    #[test]
    fn an_authority_may_only_sign_servers_for_ten_years() {
        let params = authority_params(Validity::starting(NOW, AUTHORITY_DAYS)).unwrap();
        assert_eq!(params.not_before, NOW - Duration::DAY);
        assert_eq!(params.not_after, NOW + Duration::days(3_650));
        assert_eq!(params.is_ca, IsCa::Ca(BasicConstraints::Constrained(0)));
        assert_eq!(
            params.key_usages,
            [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]
        );
    }

    #[test]
    fn serial_numbers_differ_and_are_positive() {
        let provider = aws_lc_rs::default_provider();
        let numbers: Vec<_> = (0..64)
            .map(|_| serial_number(&provider).unwrap().to_bytes())
            .collect();
        for number in &numbers {
            assert!(number[0] < 0x80, "{number:?}");
            assert_eq!(numbers.iter().filter(|other| *other == number).count(), 1);
        }
    }

    #[test]
    fn an_authority_is_loaded_with_its_own_key_only() {
        let made = Authority::generate(NOW).unwrap();
        let other = Authority::generate(NOW).unwrap();
        let (certificate, key) = (made.certificate_pem(), made.key_pem());
        let load =
            |certificate: &str, key: &str| Authority::load(certificate.as_bytes(), key.as_bytes());
        let loaded = load(&certificate, &key).unwrap();
        assert_eq!(loaded.certificate(), made.certificate());
        assert_eq!(loaded.validity(), made.validity());
        let names = localhost();
        let leaf = loaded.issue(&names, NOW, 1).unwrap();
        assert_eq!(leaf.chain()[1], *made.certificate());
        assert_eq!(
            load(&certificate, &other.key_pem()).unwrap_err(),
            LoadError::Mismatch
        );
        assert_eq!(load("", &key).unwrap_err(), LoadError::Certificate);
        assert_eq!(load(&certificate, "").unwrap_err(), LoadError::Key);
        let not_ours = leaf.chain_pem();
        assert_eq!(
            load(&not_ours, &leaf.key_pem()).unwrap_err(),
            LoadError::Foreign
        );
    }

    #[test]
    fn a_certificate_without_names_is_not_made() {
        let authority = Authority::generate(NOW).unwrap();
        assert!(matches!(
            authority.issue(&Names::default(), NOW, 1),
            Err(CertError::NoNames)
        ));
    }

    #[test]
    fn a_leaf_does_not_outlive_its_authority() {
        let authority = Authority::generate(NOW).unwrap();
        let later = NOW + Duration::days(3_600);
        let validity = Validity::starting(later, 365).within(authority.validity);
        assert_eq!(validity.not_after, authority.validity.not_after);
        assert_eq!(validity.not_before, later - Duration::DAY);
        // nor is it there before
        let names = localhost();
        for now in [NOW - Duration::days(2), authority.validity.not_after] {
            let issued = authority.issue(&names, now, 1);
            assert!(matches!(issued, Err(CertError::NotGood)), "{now}");
        }
    }

    #[test]
    fn no_key_shows_in_debug_output() {
        let authority = Authority::generate(NOW).unwrap();
        let names = localhost();
        let leaf = authority.issue(&names, NOW, 1).unwrap();
        let validity = leaf.validity();
        assert_eq!(
            format!("{leaf:?}"),
            format!("Leaf {{ validity: {validity:?}, .. }}")
        );
        let validity = authority.validity();
        assert_eq!(
            format!("{authority:?}"),
            format!("Authority {{ validity: {validity:?}, .. }}")
        );
    }
}

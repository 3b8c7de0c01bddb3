//! Our certificates, judged by the verifier that a client would use.

use std::sync::Arc;
use std::time::Duration;

use distrogate::certs::{Authority, Leaf, Names};
use distrogate::server::tls;
use rustls::CertificateError::{
    ExpiredContext, NotValidForNameContext, NotValidYetContext, UnknownIssuer,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{Error, RootCertStore};
use time::OffsetDateTime;

/// The moment of issue, in seconds since 1970.
const ISSUED: u64 = 1_800_000_000;
const DAY: u64 = 24 * 60 * 60;

/// An authority and a certificate for some names, good for 30 days.
fn issue() -> (Authority, Leaf) {
    let now = OffsetDateTime::from_unix_timestamp(ISSUED.cast_signed()).unwrap();
    let authority = Authority::generate(now).unwrap();
    let names = Names {
        dns: vec![
            "distrogate.team-a.svc".parse().unwrap(),
            "*.corp.example".parse().unwrap(),
        ],
        ip: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
    };
    let leaf = authority.issue(&names, now, 30).unwrap();
    (authority, leaf)
}

/// Whether a client that trusts the authority believes the server at that time.
fn verify(authority: &Authority, leaf: &Leaf, name: &str, at: u64) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).unwrap();
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build();
    let chain = leaf.chain();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
    verifier
        .unwrap()
        .verify_server_cert(&chain[0], &chain[1..], &name, &[], at)
        .map(drop)
}

#[test]
fn a_certificate_is_good_for_its_names_only() {
    let (authority, leaf) = issue();
    for name in [
        "distrogate.team-a.svc",
        "x.corp.example",
        "127.0.0.1",
        "::1",
    ] {
        assert_eq!(verify(&authority, &leaf, name, ISSUED), Ok(()), "{name}");
    }
    for name in [
        "distrogate.team-b.svc",
        "localhost",
        "a.b.corp.example",
        "127.0.0.2",
        "::2",
    ] {
        let result = verify(&authority, &leaf, name, ISSUED);
        assert!(
            matches!(
                result,
                Err(Error::InvalidCertificate(NotValidForNameContext { .. }))
            ),
            "{name}: {result:?}"
        );
    }
}

#[test]
fn a_certificate_is_good_for_its_days_only_and_for_slow_clocks() {
    let (authority, leaf) = issue();
    for at in [ISSUED - DAY, ISSUED, ISSUED + 30 * DAY] {
        assert_eq!(verify(&authority, &leaf, "127.0.0.1", at), Ok(()), "{at}");
    }
    let early = verify(&authority, &leaf, "127.0.0.1", ISSUED - DAY - 1);
    assert!(
        matches!(
            early,
            Err(Error::InvalidCertificate(NotValidYetContext { .. }))
        ),
        "{early:?}"
    );
    let late = verify(&authority, &leaf, "127.0.0.1", ISSUED + 30 * DAY + 1);
    assert!(
        matches!(late, Err(Error::InvalidCertificate(ExpiredContext { .. }))),
        "{late:?}"
    );
}

#[test]
fn another_authority_of_the_same_name_is_not_believed() {
    let (_, leaf) = issue();
    let (other, _) = issue();
    let result = verify(&other, &leaf, "127.0.0.1", ISSUED);
    assert!(
        matches!(
            result,
            Err(Error::InvalidCertificate(
                UnknownIssuer | rustls::CertificateError::BadSignature
            ))
        ),
        "{result:?}"
    );
}

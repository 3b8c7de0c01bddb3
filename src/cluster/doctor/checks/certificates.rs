//! The API server can trust what is served, and for how long.
//!
//! Go and rustls agree on chains and names, but for a certificate that is trusted itself: Go takes
//! it, and so does this.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::Value;
use time::OffsetDateTime;

use super::super::snapshot::{list, text, titled};
use super::super::{Check, Finding, Seen, Snapshot, Status, Wanted};
use super::configurations::present;
use super::mends::Mends;
use crate::certs::Facts;
use crate::server::tls;
use crate::text::printable;

/// Days in which somebody should look after a server's certificate: its alert goes off then, too.
const LEAF_NOTICE: i64 = 14;
/// Days in which somebody should look after an authority: it takes changing the webhooks, too.
const AUTHORITY_NOTICE: i64 = 60;

/// How much of a certificate's names is shown.
const NAMES_SHOWN: usize = 512;

/// Looks at what is trusted and what is served.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let view = View { snapshot, wanted };
    let mut findings = Vec::new();
    for object in &wanted.objects {
        if let Some(configuration) = present(snapshot, object) {
            findings.extend(view.bundles(configuration));
        }
    }
    findings.extend(view.served());
    findings
}

struct View<'a> {
    snapshot: &'a Snapshot,
    wanted: &'a Wanted,
}

impl View<'_> {
    /// One finding for all webhooks of a configuration that trust the same.
    fn bundles(&self, configuration: &Value) -> Vec<Finding> {
        let webhooks = list(configuration, "/webhooks");
        // in their order in the configuration
        let mut bundles: IndexMap<&str, Vec<&str>> = IndexMap::new();
        for webhook in webhooks {
            let bundle = text(webhook, "/clientConfig/caBundle");
            bundles
                .entry(bundle)
                .or_default()
                .push(text(webhook, "/name"));
        }
        bundles
            .into_iter()
            .flat_map(|(bundle, names)| {
                let names = if names.len() == webhooks.len() {
                    "*".to_owned()
                } else {
                    names.join(", ")
                };
                let field = format!("webhooks[{names}].clientConfig.caBundle");
                let findings = self.bundle(bundle, configuration);
                findings
                    .into_iter()
                    .map(move |one| one.of(titled(configuration)).at(field.clone()))
            })
            .collect()
    }

    fn bundle(&self, bundle: &str, configuration: &Value) -> Vec<Finding> {
        let check = Check::Certificates;
        let write = || self.mends().bundle(configuration);
        if bundle.is_empty() {
            let finding = check
                .error("is not set")
                .why("the API server trusts no certificate of the server, and asks nobody");
            return vec![finding.mend_if(write())];
        }
        let pem = STANDARD.decode(bundle).unwrap_or_default();
        let trusted: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let Some(trusted) = trusted.ok().filter(|all| !all.is_empty()) else {
            let finding = check
                .error("holds no certificates in PEM")
                .why("the API server trusts no certificate of the server, and asks nobody");
            return vec![finding.mend_if(write())];
        };
        let mut findings = self.ages(&trusted, configuration);
        let lacks = |one: &CertificateDer<'_>| !trusted.contains(one);
        if self.wanted.authorities.iter().any(lacks) {
            findings.push(
                check
                    .error("lacks a certificate that --ca-file has")
                    .why("a server certificate of that authority is not trusted")
                    .mend_if(write()),
            );
        }
        findings.extend(self.fits(&trusted, configuration));
        if !findings.iter().any(|one| one.status > Status::Info) {
            let until = trusted
                .iter()
                .filter_map(|one| Facts::read(one))
                .map(|facts| facts.validity.not_after);
            let last = until.max().unwrap_or(self.snapshot.now);
            let days = self.days_until(last);
            let mut says = format!("is good until {}, {days} days left", last.date());
            if self.snapshot.served.is().is_some() {
                says += ", and fits what is served";
            }
            findings.push(check.ok(says));
        }
        findings
    }

    /// Of the certificates that are trusted.
    fn ages(&self, trusted: &[CertificateDer<'_>], configuration: &Value) -> Vec<Finding> {
        let check = Check::Certificates;
        let facts: Vec<_> = trusted.iter().filter_map(|one| Facts::read(one)).collect();
        let now = self.snapshot.now;
        let (ended, good): (Vec<_>, Vec<_>) =
            facts.iter().partition(|one| one.validity.not_after < now);
        let longest = good.iter().map(|one| one.validity.not_after).max();
        let Some(longest) = longest else {
            let last = ended.iter().map(|one| one.validity.not_after).max();
            let last = last.map_or_else(String::new, |last| format!(" ended on {}", last.date()));
            let finding = check
                .error(format!("holds nothing that is good now: it{last}"))
                .why("the API server trusts no certificate of the server, and asks nobody");
            return vec![finding.mend(self.mends().authority(configuration))];
        };
        let days = self.days_until(longest);
        let mut findings = Vec::new();
        if days < AUTHORITY_NOTICE {
            findings.push(
                check
                    .warning(format!("ends on {}, {days} days left", longest.date()))
                    .why("from then on the API server trusts no certificate of the server")
                    .mend(self.mends().authority(configuration)),
            );
        }
        let begins = good.iter().map(|one| one.validity.not_before).min();
        if let Some(begins) = begins.filter(|begins| *begins > now) {
            findings.push(
                check
                    .error(format!(
                        "begins on {}, and the API server has {}",
                        moment(begins),
                        moment(now)
                    ))
                    .why("until then it trusts no certificate of the server: clocks differ")
                    .mend("timedatectl set-ntp true"),
            );
        }
        findings
    }

    /// Whether what is trusted leads to what is served.
    fn fits(&self, trusted: &[CertificateDer<'_>], configuration: &Value) -> Option<Finding> {
        let chain = self.snapshot.served.is()?;
        let (leaf, between) = chain.split_first()?;
        let name = ServerName::try_from(self.wanted.backend.host()).ok()?;
        // names and dates are told of the certificate itself
        let validity = Facts::read(leaf)?.validity;
        let now = self
            .snapshot
            .now
            .min(validity.not_after)
            .max(validity.not_before);
        let error = verify(trusted, leaf, between, &name, now)?;
        let is_of_chain = matches!(
            error,
            CertificateError::UnknownIssuer | CertificateError::BadSignature
        );
        is_of_chain.then(|| {
            Check::Certificates
                .error("is not of the authority that signed the certificate that is served")
                .why("the API server says \"x509: certificate signed by unknown authority\", and asks nobody")
                .mend_if(self.mends().bundle(configuration))
        })
    }

    fn served(&self) -> Vec<Finding> {
        let check = Check::Certificates;
        let (chain, what) = match &self.snapshot.served {
            Seen::Is(chain) => (chain, "certificate that is served"),
            Seen::Absent => return Vec::new(),
            Seen::Hidden(why) => {
                return vec![check.not_seen(why).of("certificate that is served")];
            }
        };
        let facts = chain.first().and_then(|leaf| Facts::read(leaf));
        let Some(facts) = facts else {
            return vec![check.not_seen("cannot be read").of(what)];
        };
        let host = self.wanted.backend.host();
        let now = self.snapshot.now;
        let validity = facts.validity;
        let days = self.days_until(validity.not_after);
        let mut findings = Vec::new();
        if validity.not_after < now {
            findings.push(
                check
                    .error(format!("ended on {}", validity.not_after.date()))
                    .why("the API server refuses every connection")
                    .mend(self.mends().certificate()),
            );
        } else if days < LEAF_NOTICE {
            let date = validity.not_after.date();
            findings.push(
                check
                    .warning(format!("ends on {date}, {days} days left"))
                    .why("from then on the API server refuses every connection")
                    .mend(self.mends().certificate()),
            );
        }
        if validity.not_before > now {
            findings.push(
                check
                    .error(format!(
                        "begins on {}, and the API server has {}",
                        moment(validity.not_before),
                        moment(now)
                    ))
                    .why("until then the API server refuses every connection: clocks differ")
                    .mend("timedatectl set-ntp true"),
            );
        }
        if !chain.first().is_some_and(|leaf| is_named(leaf, &host)) {
            let names = printable(&facts.names.join(", "), NAMES_SHOWN);
            findings.push(
                check
                    .error(format!("names {names}, and the API server calls {host}"))
                    .why("the API server refuses every connection")
                    .mend(self.mends().certificate()),
            );
        }
        if findings.is_empty() {
            findings.push(check.ok(format!(
                "is good for {host} until {}, {days} days left",
                validity.not_after.date()
            )));
        }
        findings.into_iter().map(|one| one.of(what)).collect()
    }

    fn days_until(&self, end: OffsetDateTime) -> i64 {
        (end - self.snapshot.now).whole_days()
    }

    fn mends(&self) -> Mends<'_> {
        let Self { snapshot, wanted } = self;
        Mends { snapshot, wanted }
    }
}

/// To the minute: clocks that differ by less are no trouble.
fn moment(at: OffsetDateTime) -> String {
    format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
}

/// What is wrong with a chain at this time; nothing if it is good.
fn verify(
    trusted: &[CertificateDer<'_>],
    leaf: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: OffsetDateTime,
) -> Option<CertificateError> {
    if trusted.contains(leaf) {
        return None;
    }
    let mut roots = RootCertStore::empty();
    let owned = trusted.iter().map(|one| one.clone().into_owned());
    roots.add_parsable_certificates(owned);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), tls::provider());
    // without a root there is no verifier, and no issuer is known
    let Ok(verifier) = verifier.build() else {
        return Some(CertificateError::UnknownIssuer);
    };
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    match verifier.verify_server_cert(leaf, between, name, &[], now) {
        Ok(_) => None,
        Err(rustls::Error::InvalidCertificate(error)) => Some(error),
        Err(_) => Some(CertificateError::UnknownIssuer),
    }
}

/// Whether a certificate is good for a name, whoever signed it.
fn is_named(leaf: &CertificateDer<'_>, host: &str) -> bool {
    let Ok(name) = ServerName::try_from(host) else {
        return false;
    };
    ParsedCertificate::try_from(leaf).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

#[cfg(test)]
mod tests;

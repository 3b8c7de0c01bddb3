//! What we need to know of a certificate besides what TLS checks: its dates, and whom it names.
//!
//! Reads DER as RFC 5280 has it, and only the parts asked for. It decides about nobody: chains and
//! signatures are checked by the TLS library before.

use std::net::{Ipv4Addr, Ipv6Addr};

use time::{Date, Month, OffsetDateTime, Time};

use super::validity::Validity;

/// What a certificate says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Facts {
    /// Its dates.
    pub validity: Validity,
    /// Whom it names: the subject's common name, and DNS names, addresses, e-mail addresses and
    /// URIs of the extension for alternative names.
    pub names: Vec<String>,
}

impl Facts {
    /// Reads a certificate in DER; nothing if it cannot be read.
    pub fn read(certificate: &[u8]) -> Option<Self> {
        let mut certificate = Der(Der(certificate).expect(SEQUENCE)?);
        let mut fields = Der(certificate.expect(SEQUENCE)?);
        fields.optional(VERSION);
        fields.expect(INTEGER)?;
        fields.expect(SEQUENCE)?; // of the signature
        fields.expect(SEQUENCE)?; // the issuer
        let validity = validity(Der(fields.expect(SEQUENCE)?))?;
        let subject = Der(fields.expect(SEQUENCE)?);
        let mut names = common_names(subject)?;
        fields.expect(SEQUENCE)?; // the key
        while let Some((tag, content)) = fields.next() {
            if tag == EXTENSIONS {
                let extensions = Der(Der(content).expect(SEQUENCE)?);
                names.extend(alternative_names(extensions)?);
            }
        }
        Some(Self { validity, names })
    }
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// `id-ce-subjectAltName`, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

fn validity(mut fields: Der<'_>) -> Option<Validity> {
    Some(Validity {
        not_before: moment(fields.next()?)?,
        not_after: moment(fields.next()?)?,
    })
}

/// `YYMMDDHHMMSSZ`, where years below 50 are of this century, or `YYYYMMDDHHMMSSZ`.
fn moment((tag, content): (u8, &[u8])) -> Option<OffsetDateTime> {
    let text = str::from_utf8(content).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i32 = year.parse().ok()?;
            (year + if year < 50 { 2_000 } else { 1_900 }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 {
        return None;
    }
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    let month = Month::try_from(part(0)?).ok()?;
    let date = Date::from_calendar_date(year, month, part(2)?).ok()?;
    let time = Time::from_hms(part(4)?, part(6)?, part(8)?).ok()?;
    Some(date.with_time(time).assume_utc())
}

/// Of a distinguished name. What is not UTF-8 is none that a person would allow by name.
fn common_names(mut subject: Der<'_>) -> Option<Vec<String>> {
    let mut names = Vec::new();
    while !subject.is_empty() {
        let mut set = Der(subject.expect(SET)?);
        while !set.is_empty() {
            let mut attribute = Der(set.expect(SEQUENCE)?);
            let is_common_name = attribute.expect(OID)? == COMMON_NAME;
            let (_, value) = attribute.next()?;
            if let Ok(name) = str::from_utf8(value)
                && is_common_name
            {
                names.push(name.to_owned());
            }
        }
    }
    Some(names)
}

fn alternative_names(mut extensions: Der<'_>) -> Option<Vec<String>> {
    let mut names = Vec::new();
    while !extensions.is_empty() {
        let mut extension = Der(extensions.expect(SEQUENCE)?);
        let id = extension.expect(OID)?;
        extension.optional(BOOLEAN);
        let value = extension.expect(OCTET_STRING)?;
        if id != SUBJECT_ALT_NAME {
            continue;
        }
        let mut general_names = Der(Der(value).expect(SEQUENCE)?);
        while !general_names.is_empty() {
            names.extend(general_name(general_names.next()?));
        }
    }
    Some(names)
}

/// Of the kinds that are written as text.
fn general_name((tag, content): (u8, &[u8])) -> Option<String> {
    match tag {
        // e-mail address, DNS name, URI
        0x81 | 0x82 | 0x86 => str::from_utf8(content).ok().map(str::to_owned),
        0x87 => {
            let v4 = <[u8; 4]>::try_from(content).map(|octets| Ipv4Addr::from(octets).to_string());
            let v6 = <[u8; 16]>::try_from(content).map(|octets| Ipv6Addr::from(octets).to_string());
            v4.or(v6).ok()
        }
        _ => None,
    }
}

/// Values one after another, each a tag of one byte, a length and content.
#[derive(Clone, Copy, Debug)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next value's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], mut rest) = self.0.split_first_chunk()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            // How many bytes the length has; a certificate has no use for more than three.
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            if bytes.is_empty() || bytes.len() > 3 {
                return None;
            }
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The next value's content, which has this tag.
    fn expect(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(tag, _)| *tag == wanted)
            .map(|(_, content)| content)
    }

    /// Leaves out the next value if it has this tag.
    fn optional(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

    use super::*;

    fn certificate() -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(2051, 2, 28);
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "system:masters");
        params
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        params.subject_alt_names = vec![
            SanType::DnsName("api.corp.example".try_into().unwrap()),
            SanType::IpAddress("10.0.0.1".parse().unwrap()),
            SanType::IpAddress("fd00::1".parse().unwrap()),
            SanType::URI("spiffe://corp.example/api".try_into().unwrap()),
        ];
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn dates_and_names_are_read() {
        let facts = Facts::read(&certificate()).unwrap();
        assert_eq!(facts.validity.not_before, date_time_ymd(2026, 11, 1));
        assert_eq!(facts.validity.not_after, date_time_ymd(2051, 2, 28));
        assert_eq!(
            facts.names,
            [
                "kube-apiserver",
                "api.corp.example",
                "10.0.0.1",
                "fd00::1",
                "spiffe://corp.example/api",
            ],
            "and not the organization"
        );
    }

    #[test]
    fn a_certificate_without_names_has_none() {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(
            Facts::read(certificate.der()).unwrap().names,
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_is_cut_or_flipped_is_no_panic() {
        let certificate = certificate();
        for end in 0..certificate.len() {
            assert_eq!(Facts::read(&certificate[..end]), None, "{end}");
        }
        for at in 0..certificate.len() {
            let mut flipped = certificate.clone();
            flipped[at] ^= 0xff;
            // Whatever it says: it is read to an end.
            drop(Facts::read(&flipped));
        }
    }

    #[test]
    fn dates_are_of_their_century() {
        let read =
            |tag, text: &str| moment((tag, text.as_bytes())).map(OffsetDateTime::unix_timestamp);
        assert_eq!(read(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(read(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(
            read(GENERALIZED_TIME, "20500101000000Z"),
            Some(2_524_608_000)
        );
        for (tag, text) in [
            (UTC_TIME, "20500101000000Z"),
            (GENERALIZED_TIME, "500101000000Z"),
            (UTC_TIME, "701301000000Z"),
            (UTC_TIME, "700230000000Z"),
            (UTC_TIME, "7001010000Z"),
            (UTC_TIME, "700101000000+0100"),
            (INTEGER, "700101000000Z"),
        ] {
            assert_eq!(read(tag, text), None, "{text}");
        }
    }
}

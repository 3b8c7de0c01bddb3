//! The names that a server certificate is good for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What a certificate is good for. Go's TLS looks at nothing else: a common name does not count.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names {
    /// DNS names.
    pub dns: Vec<DnsName>,
    /// IP addresses.
    pub ip: Vec<IpAddr>,
}

/// A DNS name that a certificate can be good for; its first label may be `*`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DnsName(String);

impl DnsName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DnsName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.parse::<IpAddr>().is_ok() {
            return Err(NameError::IsAddress);
        }
        let base = text.strip_prefix("*.").unwrap_or(text);
        let valid = rustls_pki_types::DnsName::try_from(base).is_ok() && !base.ends_with('.');
        if valid {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(NameError::Malformed)
        }
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why something is no DNS name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// It is an IP address.
    #[error("this is an IP address, not a DNS name")]
    IsAddress,
    /// It has characters or lengths that DNS forbids.
    #[error(
        "not a DNS name: expected labels of letters, digits and hyphens, such as distrogate.distrogate-system.svc"
    )]
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_lowered() {
        for (text, expected) in [
            ("localhost", Ok("localhost")),
            ("Distrogate.Team-A.svc", Ok("distrogate.team-a.svc")),
            ("*.corp.example", Ok("*.corp.example")),
            ("10.0.0.1", Err(NameError::IsAddress)),
            ("::1", Err(NameError::IsAddress)),
            ("a..b", Err(NameError::Malformed)),
            ("a.b.", Err(NameError::Malformed)),
            ("a.*.b", Err(NameError::Malformed)),
            ("https://a", Err(NameError::Malformed)),
            ("bücher", Err(NameError::Malformed)),
            ("", Err(NameError::Malformed)),
        ] {
            let name = text.parse::<DnsName>();
            assert_eq!(
                name.as_ref().map(DnsName::as_str).map_err(|error| *error),
                expected,
                "{text}"
            );
        }
    }
}

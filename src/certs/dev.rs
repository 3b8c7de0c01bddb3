//! The certificate of `serve --dev`: made at every start, its keys never leave the process.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use time::OffsetDateTime;

use super::authority::{Authority, CertError, Leaf};
use super::names::Names;
use super::validity::LEAF_DAYS;

/// An authority nobody keeps the key of, and its one certificate for this machine.
#[derive(Debug)]
pub struct DevCertificate {
    /// What clients trust, as PEM.
    pub authority_pem: String,
    /// What the server shows.
    pub leaf: Leaf,
}

impl DevCertificate {
    /// A certificate for `localhost`, `127.0.0.1`, `::1` and the address that is listened on.
    pub fn generate(now: OffsetDateTime, listen: IpAddr) -> Result<Self, CertError> {
        let authority = Authority::generate(now)?;
        let mut ip = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        if !listen.is_unspecified() && !ip.contains(&listen) {
            ip.push(listen);
        }
        let names = Names {
            dns: vec!["localhost".parse()?],
            ip,
        };
        let leaf = authority.issue(&names, now, LEAF_DAYS)?;
        Ok(Self {
            authority_pem: authority.certificate_pem(),
            leaf,
        })
    }
}

//! Making certificates: an authority of our own and what it signs; and reading what others say.
//!
//! Owns what is in them (names, usages, dates) and how they get onto a disk ([`files`]). It has no
//! clock of its own: whoever asks says what time it is. Serving certificates, also foreign ones,
//! is `server::tls`'s affair.

mod authority;
mod dev;
pub mod files;
mod fingerprint;
mod names;
mod trust;
mod validity;
mod x509;

pub use self::authority::{Authority, CertError, Leaf, LoadError};
pub use self::dev::DevCertificate;
pub use self::fingerprint::{Certificate, Fingerprint};
pub use self::names::{DnsName, NameError, Names};
pub use self::trust::{Damage, Data, Overlap, ROTATE, Step, Trust};
pub use self::validity::{AUTHORITY_DAYS, BACKDATE, ISSUED_DAYS, LEAF_DAYS, Validity};
pub use self::x509::Facts;

//! Making certificates: an authority of our own and what it signs; and reading what others say.
//!
//! Owns what is in them (names, usages, dates) and how they get onto a disk ([`files`]). It has no
//! clock of its own: whoever asks says what time it is. Serving certificates, also foreign ones,
//! is `server::tls`'s affair.

mod authority;
mod dev;
pub mod files;
mod names;
mod validity;
mod x509;

pub use self::authority::{Authority, CertError, Leaf};
pub use self::dev::DevCertificate;
pub use self::names::{DnsName, NameError, Names};
pub use self::validity::{AUTHORITY_DAYS, LEAF_DAYS, Validity};
pub use self::x509::Facts;

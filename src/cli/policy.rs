//! `distrogate policy`: prints the built-in policy.

use crate::policy::BUILT_IN;

/// The document, as it is built in.
pub fn run() -> &'static str {
    BUILT_IN
}

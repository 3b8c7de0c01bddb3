//! The one integration-test binary.

mod apiserver;
mod bounds;
mod cli;
mod fixtures;
mod harness;
mod oracle;
mod properties;
mod support;

//! The one integration-test binary.

#![expect(
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test that is wrong about its own data should fail loudly"
)]

mod admin;
mod alerts;
mod apiserver;
mod authority;
mod bounds;
mod canary;
mod certs;
mod chart;
mod cli;
mod client;
mod clients;
mod conditions;
mod dev_server;
mod doctor;
mod edit;
mod examples;
mod explain;
mod fake_api;
mod fixtures;
mod flight;
mod handshake;
mod harness;
mod helm;
mod installed;
mod logs;
mod malformed;
mod manifests;
mod memory;
mod oracle;
mod policies;
mod probe;
mod properties;
mod quantities;
mod references;
mod registration;
mod roads;
mod rules;
mod scan;
mod serve;
mod server;
mod shutdown;
mod support;
mod timers;
mod tls;
mod unnoticed;

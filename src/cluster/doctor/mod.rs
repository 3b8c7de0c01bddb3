//! Whether an installation protects, and cannot hurt.
//!
//! [`Gatherer`] reads a [`Snapshot`] of a cluster, [`examine`] judges it: a function of what was
//! read and what is wanted, without a cluster or a clock. What could not be looked at is told as
//! such, never as a fault.

mod ask;
mod checks;
mod commands;
mod container;
mod finding;
mod gather;
mod handshake;
mod seen;
mod selector;
mod snapshot;

use rustls_pki_types::CertificateDer;
use serde_json::Value;

pub use self::checks::examine;
pub use self::commands::{Commands, fetch, quoted};
pub use self::finding::{Check, Finding, Status};
pub use self::gather::{Bait, Gatherer, Sight};
pub use self::seen::{Hidden, Right, Seen};
pub use self::snapshot::{
    Answer, Behind, Canary, Endpoint, Expected, Labels, Mounted, Snapshot, Workload,
};
use super::Backend;

/// How the installation should be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where the API server reaches the server.
    pub backend: Backend,
    /// The namespace of the server.
    pub namespace: String,
    /// Both webhook configurations, those that validate in front.
    pub objects: [Value; 2],
    /// The certificates that have to be trusted, where they are known.
    pub authorities: Vec<CertificateDer<'static>>,
    /// What became of the policies.
    pub policies: Policies,
    /// How the mending commands begin.
    pub commands: Commands,
}

/// What became of the policies when they were read.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Those that are mounted: their revision, or their mistakes. Nothing where they were not seen.
    pub mounted: Option<Result<String, String>>,
    /// Those of files at hand: nothing where none were named, else their mistakes if they have
    /// some.
    pub files: Option<Result<(), String>>,
    /// Those files, as words of a shell.
    pub paths: String,
    /// Whether both hold the same, where both are known.
    pub is_same: Option<bool>,
    /// Why nobody knows which policy counts, where that is so: what follows from it alone is not
    /// judged then.
    pub unseen: Option<String>,
}

impl Snapshot {
    /// What the Deployment says for a flag of the server, such as `enforcement`.
    pub fn flag(&self, name: &str) -> Option<String> {
        let deployments = self.behind.as_ref()?.deployments.is()?;
        container::flag(deployments.first()?, name)
    }
}

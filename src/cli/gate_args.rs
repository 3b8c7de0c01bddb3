//! The flags that say what a review is judged by, shared by every subcommand that judges.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use crate::gate::Cluster;
use crate::policy::{Action, Policy};
use crate::vcluster::{Catalogue, KubeVersion};

/// What reviews are judged by.
#[derive(Args, Clone, Debug)]
pub struct GateArgs {
    /// Policy document; without one the built-in policy counts (`distrogate policy` prints it)
    #[arg(long, value_name = "FILE", env = "DISTROGATE_POLICY")]
    pub policy: Option<PathBuf>,

    /// The most that any rule of any policy may do
    #[arg(long, value_enum, default_value_t, env = "DISTROGATE_ENFORCEMENT")]
    pub enforcement: Enforcement,

    /// Kubernetes version of the host cluster, which charts 0.21 to 0.24 follow; such as v1.31.4
    #[arg(long, value_name = "VERSION", value_parser = parse_version, env = "DISTROGATE_HOST_VERSION")]
    pub host_version: Option<KubeVersion>,
}

/// The most that any rule may do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Enforcement {
    /// Refuse.
    #[default]
    Deny,
    /// Warn, and let through.
    Warn,
    /// Write to the audit log, tell nobody, and let through.
    Audit,
}

impl GateArgs {
    /// Reads the policy, or takes the built-in one.
    pub fn policy(&self) -> anyhow::Result<Policy> {
        let policy = match &self.policy {
            Some(file) => read_policy(file)?,
            None => Policy::built_in(),
        };
        Ok(self.capped(policy))
    }

    /// A policy with at most `--enforcement`.
    pub fn capped(&self, policy: Policy) -> Policy {
        policy.capped(match self.enforcement {
            Enforcement::Deny => Action::Deny,
            Enforcement::Warn => Action::Warn,
            Enforcement::Audit => Action::Audit,
        })
    }

    /// What is known from outside.
    pub fn cluster(&self) -> Cluster {
        Cluster {
            host_version: self.host_version.clone(),
        }
    }
}

/// Reads a policy document from a file.
pub fn read_policy(file: &Path) -> anyhow::Result<Policy> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("policy {shown}"))?;
    Policy::parse(&text, Catalogue::embedded()).with_context(|| format!("policy {shown}"))
}

fn parse_version(text: &str) -> Result<KubeVersion, String> {
    let with_v = if text.starts_with('v') {
        text.to_owned()
    } else {
        format!("v{text}")
    };
    KubeVersion::parse(&with_v)
        .ok_or_else(|| "has to be a Kubernetes version with three numbers, as v1.31.4".to_owned())
}

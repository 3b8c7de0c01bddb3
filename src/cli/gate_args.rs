//! The flags that say what a review is judged by, shared by every subcommand that judges.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use time::OffsetDateTime;

use super::policy_files;
use crate::gate::Cluster;
use crate::policy::{Action, Date, Labels, Policy};
use crate::values::{Limits, read_yaml};
use crate::vcluster::{Inventory, KubeVersion};

/// What reviews are judged by.
#[derive(Args, Clone, Debug)]
pub struct GateArgs {
    /// Policy document, or a folder of such; may be given several times
    ///
    /// Where none says anything the built-in policy counts (`distrogate policy` prints it).
    #[arg(
        long,
        value_name = "FILE|DIR",
        env = "DISTROGATE_POLICY",
        value_delimiter = ','
    )]
    pub policy: Vec<PathBuf>,

    /// The most that any rule of any policy may do
    #[arg(long, value_enum, default_value_t, env = "DISTROGATE_ENFORCEMENT")]
    pub enforcement: Enforcement,

    /// Kubernetes version of the host cluster, which charts 0.21 to 0.24 follow; such as v1.31.4
    #[arg(long, value_name = "VERSION", value_parser = parse_version, env = "DISTROGATE_HOST_VERSION")]
    pub host_version: Option<KubeVersion>,

    /// Labels of namespaces, which policies choose by: a YAML map of namespaces to maps of labels
    #[arg(long, value_name = "FILE", env = "DISTROGATE_NAMESPACE_LABELS")]
    pub namespace_labels: Option<PathBuf>,

    /// The day to judge by instead of today, in UTC: exemptions end; such as 2027-03-31
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    pub today: Option<Date>,
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
    /// Reads the policy documents.
    pub fn policy(&self) -> anyhow::Result<Policy> {
        let texts = policy_files::read(&self.policy)?;
        Ok(policy_files::compile(&texts)?.capped(self.cap()))
    }

    /// The most that any rule may do.
    pub const fn cap(&self) -> Action {
        match self.enforcement {
            Enforcement::Deny => Action::Deny,
            Enforcement::Warn => Action::Warn,
            Enforcement::Audit => Action::Audit,
        }
    }

    /// The day to judge by.
    pub fn today(&self) -> Date {
        self.today
            .unwrap_or_else(|| Date::of(OffsetDateTime::now_utc()))
    }

    /// What is known from outside.
    pub fn cluster(&self) -> anyhow::Result<Cluster> {
        let namespace_labels = match &self.namespace_labels {
            Some(file) => read_labels(file)?,
            None => HashMap::new(),
        };
        Ok(Cluster {
            host_version: self.host_version.clone(),
            namespace_labels: Arc::new(namespace_labels),
            today: Some(self.today()),
            inventory: Inventory::default(),
        })
    }
}

/// Labels by namespace.
fn read_labels(file: &Path) -> anyhow::Result<HashMap<String, Arc<Labels>>> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("labels {shown}"))?;
    let read = read_yaml(text.as_bytes(), &Limits::VALUES).map_err(|error| {
        let line = error.at.map_or(1, |at| at.line);
        anyhow::anyhow!("labels {shown}, line {line}: {error}")
    })?;
    let labels: HashMap<String, Labels> =
        serde_json::from_value(read.root.to_json()).map_err(|_| {
            anyhow::anyhow!(
                "labels {shown}: has to be a map of namespaces to maps of labels: texts"
            )
        })?;
    let labels = labels.into_iter();
    Ok(labels
        .map(|(name, labels)| (name, Arc::new(labels)))
        .collect())
}

fn parse_date(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "has to be a day, as 2027-03-31".to_owned())
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

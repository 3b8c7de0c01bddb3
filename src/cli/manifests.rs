//! `distrogate manifests`: prints both webhook configurations for the carriers in use.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::gate_args::GateArgs;
use super::output;
use crate::cluster::{Backend, FailurePolicies, Registration};
use crate::values::{Path, suggestion};

/// The arguments of `manifests`.
#[derive(Args, Clone, Debug)]
pub struct ManifestsArgs {
    /// Namespace that the server runs in
    #[arg(long, value_name = "NAME", default_value = "distrogate-system")]
    pub namespace: String,

    /// Service that the server is reached by
    #[arg(long, value_name = "NAME", default_value = "distrogate")]
    pub service: String,

    /// Port of the Service
    #[arg(long, value_name = "PORT", default_value_t = 443)]
    pub port: u16,

    /// Address of the server, where it is not behind a Service
    #[arg(long, value_name = "URL", conflicts_with_all = ["service", "port"])]
    pub url: Option<String>,

    /// Certificates that the server is trusted by, PEM; without it somebody else has to write them in
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// What becomes of a request that could not be judged
    #[arg(long, value_enum, default_value_t = FailurePolicy::Fail)]
    pub validate_failure_policy: FailurePolicy,

    /// What becomes of a request that got no answer about defaults
    #[arg(long, value_enum, default_value_t = FailurePolicy::Ignore)]
    pub mutate_failure_policy: FailurePolicy,

    /// Seconds until the API server waits no longer, from 1 to 30
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=30))]
    pub timeout: u8,

    /// Further namespace that never depends on the server; may be given several times
    #[arg(long, value_name = "NAME")]
    pub exempt_namespace: Vec<String>,

    /// Form of what is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Policies, which may declare carriers of their own.
    #[command(flatten)]
    pub gate: GateArgs,
}

/// What becomes of a request that the server did not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FailurePolicy {
    /// It is refused.
    Fail,
    /// It is let through.
    Ignore,
}

/// Form of what is printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// Two documents of YAML.
    #[default]
    Yaml,
    /// A List in JSON.
    Json,
}

/// Prints the configurations.
pub fn run(args: &ManifestsArgs) -> anyhow::Result<()> {
    let objects = args.registration()?.objects(&args.gate.policy()?);
    let text = match args.format {
        Format::Yaml => {
            let documents = objects.iter().map(|object| {
                let fields = object.as_object().into_iter().flatten();
                let fields = fields.map(|(key, value)| (Path::keys([&**key]), value.clone()));
                suggestion(&fields.collect::<Vec<_>>())
            });
            documents.collect::<Vec<_>>().join("---\n")
        }
        Format::Json => {
            let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
            format!("{list:#}\n")
        }
    };
    output::print(&text).context("cannot write to standard output")
}

impl ManifestsArgs {
    fn registration(&self) -> anyhow::Result<Registration> {
        let ca_bundle = match &self.ca_file {
            Some(file) => {
                let shown = file.display();
                let pem = fs::read_to_string(file).with_context(|| shown.to_string())?;
                if !pem.contains("-----BEGIN CERTIFICATE-----") {
                    bail!("{shown}: has to hold certificates in PEM");
                }
                Some(pem)
            }
            None => None,
        };
        let backend = match &self.url {
            Some(url) if url.starts_with("https://") => Backend::Url(url.clone()),
            Some(_) => bail!("--url has to begin with https://, as the API server asks for"),
            None => Backend::Service {
                namespace: self.namespace.clone(),
                name: self.service.clone(),
                port: self.port,
            },
        };
        let own = ["kube-system", &self.namespace];
        let mut exempt: Vec<_> = own.iter().map(|name| (*name).to_owned()).collect();
        exempt.extend(self.exempt_namespace.iter().cloned());
        exempt.dedup();
        Ok(Registration {
            backend,
            ca_bundle,
            failure_policies: FailurePolicies {
                validate: self.validate_failure_policy.as_str(),
                mutate: self.mutate_failure_policy.as_str(),
            },
            timeout: self.timeout,
            exempt,
        })
    }
}

impl FailurePolicy {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

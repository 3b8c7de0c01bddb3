//! `distrogate manifests`: prints both webhook configurations for the carriers in use.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::gate_args::GateArgs;
use super::output;
use crate::cluster::{Backend, FailurePolicies, Registration};
use crate::values::{Path, suggestion};

/// The last column of an expression.
const WIDTH: usize = 96;

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
    #[arg(long, value_name = "PORT", default_value_t = 443, value_parser = clap::value_parser!(u16).range(1..))]
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
    let objects = args.registration()?.objects(&args.gate.policy()?)?;
    let text = match args.format {
        Format::Yaml => objects.each_ref().map(yaml).join("---\n"),
        Format::Json => {
            let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
            format!("{list:#}\n")
        }
    };
    output::print(&text).context("cannot write to standard output")
}

/// An object as a document.
fn yaml(object: &Value) -> String {
    let fields = object.as_object().into_iter().flatten();
    let fields = fields.map(|(key, value)| (Path::keys([&**key]), value.clone()));
    let text = suggestion(&fields.collect::<Vec<_>>());
    text.lines()
        .map(|line| folded(line).unwrap_or_else(|| format!("{line}\n")))
        .collect()
}

/// An expression in lines that can be read; `None` for every other line.
fn folded(line: &str) -> Option<String> {
    let (indent, quoted) = line.split_once("expression: ")?;
    let expression: String = serde_json::from_str(quoted).ok()?;
    let mut text = format!("{indent}expression: >-");
    let mut column = WIDTH;
    for word in expression.split(' ') {
        if column + 1 + word.len() > WIDTH {
            text += "\n  ";
            text.extend(std::iter::repeat_n(' ', indent.len()));
            column = indent.len() + 2;
        } else {
            text.push(' ');
            column += 1;
        }
        text += word;
        column += word.len();
    }
    text.push('\n');
    Some(text)
}

/// The URL of a server as the API server takes it.
fn check_url(url: &str) -> anyhow::Result<()> {
    let Some(rest) = url.strip_prefix("https://") else {
        bail!("--url has to begin with https://, as the API server asks for");
    };
    if rest.is_empty() || rest.starts_with(['/', ':']) {
        bail!("--url has to name a host after https://");
    }
    let strange = |c: char| c.is_whitespace() || c.is_control() || "?#@".contains(c);
    if rest.contains(strange) {
        bail!("--url may hold no user, query or fragment: the API server takes none");
    }
    Ok(())
}

/// Certificates to trust, as they are in a file.
fn read_bundle(file: &std::path::Path) -> anyhow::Result<String> {
    let shown = file.display();
    let pem = fs::read_to_string(file).with_context(|| shown.to_string())?;
    if pem.contains("PRIVATE KEY-----") {
        bail!(
            "{shown}: holds a private key, which everybody could read in the webhooks: name a file with certificates alone"
        );
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    if certificates.is_ok_and(|certificates| !certificates.is_empty()) {
        Ok(pem)
    } else {
        bail!("{shown}: has to hold certificates in PEM")
    }
}

impl ManifestsArgs {
    fn registration(&self) -> anyhow::Result<Registration> {
        let ca_bundle = self.ca_file.as_deref().map(read_bundle).transpose()?;
        let backend = match &self.url {
            Some(url) => {
                check_url(url)?;
                Backend::Url(url.clone())
            }
            None => Backend::Service {
                namespace: self.namespace.clone(),
                name: self.service.clone(),
                port: self.port,
            },
        };
        let mut exempt = vec!["kube-system".to_owned()];
        for name in [&self.namespace].into_iter().chain(&self.exempt_namespace) {
            if !exempt.contains(name) {
                exempt.push(name.clone());
            }
        }
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

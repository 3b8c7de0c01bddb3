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
use super::registration_args::RegistrationArgs;
use crate::values::{Path, suggestion};

/// The last column of an expression.
const WIDTH: usize = 96;

/// The arguments of `manifests`.
#[derive(Args, Clone, Debug)]
pub struct ManifestsArgs {
    /// Namespace that the server runs in
    #[arg(long, value_name = "NAME", default_value = "distrogate-system")]
    pub namespace: String,

    /// How the server is reached, and what depends on it.
    #[command(flatten)]
    pub registration: RegistrationArgs,

    /// Certificates that the server is trusted by, PEM; without it somebody else has to write them in
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Form of what is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Policies, which may declare carriers of their own.
    #[command(flatten)]
    pub gate: GateArgs,
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
    let ca_bundle = args.ca_file.as_deref().map(read_bundle).transpose()?;
    let registration = args.registration.registration(&args.namespace, ca_bundle)?;
    let objects = registration.objects(&args.gate.policy()?)?;
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

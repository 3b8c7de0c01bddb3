//! `distrogate explain config`: what will really run under a config, and what decides it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{input, render};
use crate::cli::gate_args::GateArgs;
use crate::cli::output;
use crate::vcluster::Range;

/// Arguments of `distrogate explain config`.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// Manifests or AdmissionReviews, YAML or JSON, several documents a file; with --chart also
    /// vcluster.yaml by itself. - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Chart version or range of values that no object holds, as 0.30.4
    #[arg(long, value_name = "VERSION", value_parser = parse_chart)]
    pub chart: Option<String>,

    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// What configs are judged by.
    #[command(flatten)]
    pub gate: GateArgs,
}

/// What to print.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; `version` says which form it has.
    Json,
}

/// Explains every config in the files. If one of them cannot be explained, nothing is printed.
pub fn run(args: &ConfigArgs) -> anyhow::Result<()> {
    let ConfigArgs {
        files,
        chart,
        format,
        gate,
    } = args;
    let reader = input::Reader {
        policy: gate.policy()?,
        cluster: gate.cluster()?,
        chart: chart.as_deref(),
    };
    let mut explained = Vec::new();
    for file in files {
        explained.extend(reader.explain_file(file)?);
    }
    output::print(&match format {
        Format::Text => render::text(&explained),
        Format::Json => render::json(&explained),
    })?;
    Ok(())
}

fn parse_chart(text: &str) -> Result<String, String> {
    match Range::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

//! `distrogate manifests`: prints both webhook configurations for the carriers in use.

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::output;
use super::registration_args::InstallationArgs;
use crate::values::{Path, suggestion};

/// The last column of an expression.
const WIDTH: usize = 96;

/// The arguments of `manifests`.
#[derive(Args, Clone, Debug)]
pub struct ManifestsArgs {
    /// What the API server is told.
    #[command(flatten)]
    pub installation: InstallationArgs,

    /// Form of what is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
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
    let ManifestsArgs {
        installation,
        format,
    } = args;
    let policy = installation.gate.policy()?;
    let objects = installation.registration()?.objects(&policy)?;
    let text = match format {
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

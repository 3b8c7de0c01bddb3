//! `distrogate replay`: recorded AdmissionReviews, answered without a cluster.
//!
//! Each review goes the API server's way: the mutation first, its patch applied, then the
//! judgement of the result. A `response.json` beside a `request.*` says what is expected.

mod facts;
mod input;
mod outcome;
mod render;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::gate_args::GateArgs;
use super::{FOUND, output, policy_files};
use crate::gate::Cluster;
use crate::policy::Policy;

/// Arguments of `distrogate replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// Files or folders with AdmissionReviews, JSON or YAML, several documents a file; - is
    /// standard input. A policy.yaml in a file's folder counts for it unless --policy is given.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Write what was answered into the response.json beside each request.*.
    #[arg(long)]
    pub update: bool,

    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// What is known of the cluster, instead of the cluster.yaml in a file's folder: a YAML map of
    /// hostVersion, namespaceLabels and virtualClusters
    #[arg(long, value_name = "FILE")]
    pub cluster_facts: Option<PathBuf>,

    /// What reviews are judged by.
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

/// What became of one file.
#[derive(Debug)]
struct Replayed {
    file: PathBuf,
    outcomes: Vec<outcome::Outcome>,
    expected: Expected,
}

/// How the outcome compares with what is written down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Expected {
    /// There is no response.json.
    Nothing,
    /// As expected.
    Met,
    /// Not as expected.
    Missed,
    /// Written just now.
    Updated,
}

/// Replays everything, prints what came of it, and returns the exit code.
pub fn run(args: &ReplayArgs) -> anyhow::Result<u8> {
    let policy = args.gate.policy()?;
    let mut cluster = args.gate.cluster()?;
    if let Some(file) = &args.cluster_facts {
        cluster = facts::read(file, &cluster)?;
    }
    let replayed = input::files(&args.paths)?
        .iter()
        .map(|file| replay_file(file, args, &policy, &cluster))
        .collect::<anyhow::Result<Vec<_>>>()?;
    output::print(&match args.format {
        Format::Text => render::text(&replayed),
        Format::Json => render::json(&replayed),
    })?;
    let found = replayed.iter().any(|one| match one.expected {
        Expected::Met | Expected::Updated => false,
        Expected::Missed => true,
        Expected::Nothing => one.outcomes.iter().any(outcome::Outcome::is_denied),
    });
    Ok(if found { FOUND } else { 0 })
}

fn replay_file(
    file: &Path,
    args: &ReplayArgs,
    policy: &Policy,
    cluster: &Cluster,
) -> anyhow::Result<Replayed> {
    let reviews = input::read(file)?;
    let own_policy = file.parent().map(|folder| folder.join("policy.yaml"));
    let own_policy = match own_policy {
        Some(path) if args.gate.policy.is_empty() && path.is_file() => {
            let own = policy_files::compile(&policy_files::read(&[path])?)?;
            Some(own.capped(args.gate.cap()))
        }
        _ => None,
    };
    let policy = own_policy.as_ref().unwrap_or(policy);
    let beside = file.with_file_name(facts::FILE);
    let own_cluster = (args.cluster_facts.is_none() && beside.is_file())
        .then(|| facts::read(&beside, cluster))
        .transpose()?;
    let cluster = own_cluster.as_ref().unwrap_or(cluster);
    let outcomes = reviews
        .iter()
        .enumerate()
        .map(|(number, review)| {
            outcome::replay(review, policy, cluster).map_err(|error| {
                anyhow::anyhow!("{}, document {}: {error}", file.display(), number + 1)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let expected = compare(file, &outcomes, args.update)?;
    Ok(Replayed {
        file: file.to_owned(),
        outcomes,
        expected,
    })
}

/// Compares with the response.json beside a request.*, or writes it.
fn compare(file: &Path, outcomes: &[outcome::Outcome], update: bool) -> anyhow::Result<Expected> {
    if file.file_stem().is_none_or(|stem| stem != "request") {
        return Ok(Expected::Nothing);
    }
    let beside = file.with_file_name("response.json");
    let answered = match outcomes {
        [only] => only.to_json(),
        several => several.iter().map(outcome::Outcome::to_json).collect(),
    };
    if update {
        let text = format!("{answered:#}\n");
        std::fs::write(&beside, text)
            .map_err(|error| anyhow::anyhow!("{}: {error}", beside.display()))?;
        return Ok(Expected::Updated);
    }
    if !beside.is_file() {
        return Ok(Expected::Nothing);
    }
    let shown = beside.display();
    let text =
        std::fs::read_to_string(&beside).map_err(|error| anyhow::anyhow!("{shown}: {error}"))?;
    let wanted: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| anyhow::anyhow!("{shown}: {error}"))?;
    Ok(if wanted == answered {
        Expected::Met
    } else {
        Expected::Missed
    })
}

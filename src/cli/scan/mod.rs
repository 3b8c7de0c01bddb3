//! `distrogate scan`: everything that is there already, judged as it is.
//!
//! Objects come from files or from a cluster; each is judged as the server would judge it if it
//! were new. Of an object only what is printed is kept. The objects of one virtual cluster are
//! compared with each other in the end.

mod files;
mod json;
mod judge;
mod junit;
mod live;
mod progress;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use self::judge::Scanned;
use self::progress::Progress;
use super::cluster_args::ClusterArgs;
use super::gate_args::GateArgs;
use super::{FOUND, UNREADABLE, output};
use crate::gate::{Claim, Comparison, Disagreement, compare};
use crate::policy::Action;
use crate::text::printable;

/// Arguments of `distrogate scan`.
#[derive(Args, Debug)]
pub struct ScanArgs {
    /// Files or folders with objects, YAML or JSON, as kubectl get -o yaml prints them; - is
    /// standard input. Without any a cluster is asked.
    #[arg(value_name = "PATH", conflicts_with_all = ["kubeconfig", "context"])]
    pub paths: Vec<PathBuf>,

    /// Namespace to look at instead of all; may be given several times
    ///
    /// Objects that live in no namespace are left out then.
    #[arg(long, value_name = "NAME", value_parser = parse_namespace)]
    pub namespace: Vec<String>,

    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// What ends in exit code 1; may be given several times
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "WHAT",
        default_value = "deny"
    )]
    pub fail_on: Vec<FailOn>,

    /// How many objects to ask the API server for at once.
    #[arg(long, hide = true, value_name = "COUNT", default_value_t = 500,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub page_size: u32,

    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// What objects are judged by.
    #[command(flatten)]
    pub gate: GateArgs,
}

/// What to print.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people: a table, then each finding.
    #[default]
    Table,
    /// For programs; `version` says which form it has.
    Json,
    /// For CI servers: a `JUnit` report, one test case a config.
    Junit,
}

/// What is taken for a failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FailOn {
    /// A config that would be refused.
    Deny,
    /// A config that would be refused or warned of.
    Warn,
    /// Objects of one virtual cluster that do not agree.
    Difference,
    /// Nothing.
    Never,
}

/// What came of a scan.
#[derive(Debug, Default)]
struct Outcome {
    /// Every object with a config.
    objects: Vec<Scanned>,
    /// How many objects were looked at.
    looked_at: usize,
    /// What each config says of its virtual cluster.
    claims: Vec<Claim>,
    disagreements: Vec<Disagreement>,
    /// What could not be read.
    unread: Vec<Unread>,
    /// What else people have to know.
    notes: BTreeSet<String>,
    /// What is taken for a failure.
    fail_on: Vec<FailOn>,
}

/// Something that could not be read.
#[derive(Debug)]
struct Unread {
    what: String,
    why: String,
}

/// Scans, prints what came of it, and returns the exit code.
pub async fn run(args: &ScanArgs) -> anyhow::Result<u8> {
    let ScanArgs {
        paths,
        namespace,
        format,
        fail_on,
        page_size,
        cluster,
        gate,
    } = args;
    let mut outcome = Outcome {
        fail_on: fail_on.clone(),
        ..Outcome::default()
    };
    let mut progress = Progress::to_terminal();
    if paths.is_empty() {
        let client = cluster.client().await?;
        live::scan(
            client,
            *page_size,
            namespace,
            gate,
            &mut outcome,
            &mut progress,
        )
        .await?;
    } else {
        files::scan(paths, namespace, gate, &mut outcome, &mut progress)?;
    }
    progress.end();
    outcome.conclude();
    output::print(&match format {
        Format::Table => table::text(&outcome),
        Format::Json => json::text(&outcome),
        Format::Junit => junit::text(&outcome)?,
    })?;
    Ok(outcome.exit_code())
}

impl Outcome {
    /// Takes in what was found in an object.
    fn take(&mut self, judged: Option<judge::Judged>) {
        self.looked_at += 1;
        if let Some(judge::Judged {
            object,
            claims,
            notes,
        }) = judged
        {
            self.objects.push(object);
            self.claims.extend(claims);
            self.notes.extend(notes);
        }
    }

    fn could_not_read(&mut self, what: impl Into<String>, why: &anyhow::Error) {
        self.unread.push(Unread {
            what: printable(&what.into(), 512),
            why: printable(&format!("{why:#}"), 1_024),
        });
    }

    /// Puts things in order and compares the objects of each virtual cluster.
    fn conclude(&mut self) {
        self.objects.sort_by(|a, b| a.order().cmp(&b.order()));
        let Comparison { found, notes } = compare(&std::mem::take(&mut self.claims));
        self.disagreements = found;
        self.notes.extend(notes);
    }

    /// How many objects would be refused, and how many warned of.
    fn counts(&self) -> (usize, usize) {
        let count = |action| {
            let of = self
                .objects
                .iter()
                .filter(|one| one.action() == Some(action));
            of.count()
        };
        (count(Action::Deny), count(Action::Warn))
    }

    /// Whether what was found is taken for a failure.
    fn fails(&self, action: Option<Action>) -> bool {
        match action {
            Some(Action::Deny) => self.fails_on(FailOn::Deny) || self.fails_on(FailOn::Warn),
            Some(Action::Warn) => self.fails_on(FailOn::Warn),
            Some(Action::Audit | Action::Disabled) | None => false,
        }
    }

    fn fails_on(&self, what: FailOn) -> bool {
        self.fail_on.contains(&what)
    }

    fn exit_code(&self) -> u8 {
        let differs = self.fails_on(FailOn::Difference) && !self.disagreements.is_empty();
        if !self.unread.is_empty() {
            UNREADABLE
        } else if differs || self.objects.iter().any(|one| self.fails(one.action())) {
            FOUND
        } else {
            0
        }
    }
}

fn parse_namespace(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.is_empty() && text.len() <= 63 && text.chars().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("has to be the name of a namespace: small letters, digits and -".to_owned())
    }
}

//! What the server bears: load and faults over real sockets on loopback, against the real program.
//!
//! `cargo build && cargo run --example load -- short` takes about half a minute, `long` five to ten;
//! names of scenarios after it run only those. Each prints what it measured, then `ok` or `FAILED`,
//! and the exit code is 1 if one failed. The program under load is `distrogate` of the same profile.
//!
//! Nothing is compared with a clock, only with what the same run measured: a slow machine makes
//! everything slow. What depends on whom the cores are shared with is measured up to three times,
//! and fails if it fails each time.
//!
//! | file | owns |
//! |---|---|
//! | `rotations` | certificates and policies that change under load |
//! | `sigterm` | stopping, alone and as one of two |
//! | `hostile`, `crowd` | clients that hold connections and give nothing |
//! | `overload` | twice as much as can be answered |
//! | `pool` | clients that keep connections as an API server does |
//! | `client` | one connection, by hand |
//! | `process` | the server under load, and folders that change as the kubelet's do |
//! | `balancer` | what stands for a Service |
//! | `reviews` | what is sent |
//! | `tally` | counts and percentiles |

#![expect(
    clippy::print_stdout,
    reason = "what was measured is this program's output"
)]

mod balancer;
mod client;
mod crowd;
mod hostile;
mod overload;
mod pool;
mod process;
mod reviews;
mod rotations;
mod sigterm;
mod tally;

use std::env;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use self::process::World;

/// Whoever waits this long for something waits for nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// How much is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// Seconds: enough to notice what is broken.
    Short,
    /// Minutes: what the numbers in `docs/load.md` are from.
    Long,
}

impl Form {
    fn choose<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// What a scenario measured.
#[derive(Debug)]
struct Report {
    measured: String,
    /// What is not as it has to be.
    failures: Vec<String>,
}

const SCENARIOS: [&str; 5] = ["rotations", "sigterm", "rolling", "hostile", "overload"];

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let (form, chosen) = arguments
        .split_first()
        .context("usage: load short|long [SCENARIO]...")?;
    let form = match form.as_str() {
        "short" => Form::Short,
        "long" => Form::Long,
        other => bail!("{other}: has to be short or long"),
    };
    if let Some(unknown) = chosen
        .iter()
        .find(|name| !SCENARIOS.contains(&name.as_str()))
    {
        let known = SCENARIOS.join(", ");
        bail!("{unknown}: no such scenario, there are {known}");
    }
    let world = World::new()?;
    let mut has_failed = false;
    for name in SCENARIOS {
        if !chosen.is_empty() && !chosen.iter().any(|one| one == name) {
            continue;
        }
        let start = Instant::now();
        let report = run(name, form, &world).await;
        let Report { measured, failures } = report.unwrap_or_else(|error| Report {
            measured: "not measured".to_owned(),
            failures: vec![format!("{error:#}")],
        });
        let verdict = if failures.is_empty() { "ok" } else { "FAILED" };
        let took = start.elapsed().as_secs();
        println!("{name}: {measured} ({took} s): {verdict}");
        for failure in &failures {
            println!("  {failure}");
        }
        has_failed |= !failures.is_empty();
    }
    Ok(if has_failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn run(name: &str, form: Form, world: &World) -> anyhow::Result<Report> {
    match name {
        "rotations" => rotations::run(form, world).await,
        "sigterm" => sigterm::alone(form, world).await,
        "rolling" => sigterm::rolling(form, world).await,
        "hostile" => hostile::run(form, world).await,
        "overload" => overload::run(form, world).await,
        _ => bail!("no such scenario"),
    }
}

/// Measures up to three times, until nothing is amiss: one disturbance by others is no finding.
async fn best_of_three(
    mut measure: impl AsyncFnMut() -> anyhow::Result<Report>,
) -> anyhow::Result<Report> {
    let mut report = measure().await?;
    for attempt in 2..=3 {
        if report.failures.is_empty() {
            break;
        }
        println!(
            "  again, as it was {}: {}",
            report.measured,
            report.failures.join("; ")
        );
        report = measure().await?;
        write!(report.measured, ", at attempt {attempt}")?;
    }
    Ok(report)
}

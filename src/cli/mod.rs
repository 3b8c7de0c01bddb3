//! The command line: one file a subcommand.

pub mod gate_args;
pub mod policy;
pub mod replay;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Admission server that keeps vCluster distro configuration right at the Kubernetes API.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer recorded AdmissionReviews without a cluster.
    ///
    /// Exit codes: 0 all allowed, or as the response.json beside it expects; 1 something was
    /// refused or is not as expected; 2 wrong usage; 3 something could not be read.
    Replay(replay::ReplayArgs),
    /// Print the built-in policy.
    Policy,
}

/// What a subcommand ends with.
#[derive(Debug, Default)]
pub struct Exit {
    /// The exit code.
    pub code: u8,
    /// For standard output.
    pub out: String,
    /// For standard error.
    pub err: String,
}

impl Exit {
    /// A success that prints something.
    pub fn success(out: impl Into<String>) -> Self {
        Self {
            out: out.into(),
            ..Self::default()
        }
    }

    /// Input that could not be read: exit code 3.
    pub fn unreadable(error: &anyhow::Error) -> Self {
        Self {
            code: 3,
            out: String::new(),
            err: format!("error: {error:#}\n"),
        }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // help and version are no errors and go to standard output
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match &cli.command {
        Command::Replay(args) => replay::run(args),
        Command::Policy => Ok(Exit::success(policy::run())),
    };
    let Exit { code, out, err } = result.unwrap_or_else(|error| Exit::unreadable(&error));
    // a reader that has seen enough (`| head`) is no failure
    let _ = std::io::stdout().write_all(out.as_bytes());
    let _ = std::io::stderr().write_all(err.as_bytes());
    ExitCode::from(code)
}

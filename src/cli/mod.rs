//! The command line: one file a subcommand.

pub mod certs;
pub mod cluster_args;
pub mod defaults;
mod dev_ca;
pub mod doctor;
pub mod explain;
pub mod gate_args;
mod handler;
pub mod manifests;
mod objects;
mod output;
pub mod policy;
pub mod policy_files;
pub mod probe;
pub mod registration_args;
pub mod replay;
pub mod scan;
mod self_managed;
pub mod serve;
pub mod tls_args;
pub mod unregister;
mod watch_args;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code of a subcommand that found something: a denial, or an answer that is not as expected.
const FOUND: u8 = 1;
/// Exit code of wrong usage, which is also that of the argument parser.
const USAGE: u8 = 2;
/// Exit code where something could not be read.
const UNREADABLE: u8 = 3;

/// Admission server that keeps vCluster distro configuration right at the Kubernetes API.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the webhooks over HTTPS
    ///
    /// Ends on SIGTERM or SIGINT when everything under way is answered; a second signal ends it
    /// within a second.
    Serve(Box<serve::ServeArgs>),
    /// Answer recorded AdmissionReviews without a cluster
    ///
    /// Exit codes: 0 all allowed, or as the response.json beside it expects; 1 something was
    /// refused or is not as expected; 2 wrong usage; 3 something could not be read.
    Replay(replay::ReplayArgs),
    /// Judge all that a cluster or a folder of dumped objects has, as it is
    ///
    /// Each object is judged as if it were new, and the objects of one virtual cluster are compared
    /// with each other. Nothing is changed.
    ///
    /// Exit codes: 0 nothing of --fail-on; 1 something of it; 2 wrong usage; 3 something could not be
    /// read, and the rest is printed all the same.
    Scan(Box<scan::ScanArgs>),
    /// Explain a rule, or what will really run under a config, and why
    ///
    /// Exit codes: 0 explained; 2 wrong usage, or no such rule; 3 something could not be read.
    Explain(explain::ExplainArgs),
    /// Print the built-in policy, or look after others
    Policy(policy::PolicyArgs),
    /// Look after the defaults that were put into manifests
    Defaults(defaults::DefaultsArgs),
    /// Make certificates, look at them, rotate them
    Certs(certs::CertsArgs),
    /// Print the webhook configurations that send reviews here
    ///
    /// For exactly the carriers that are known and those that policies declare, with every field
    /// written out.
    Manifests(manifests::ManifestsArgs),
    /// Ask a server as the API server would
    ///
    /// Exit codes: 0 it answers, and how; 1 it answers something else; 2 wrong usage; 3 it cannot be
    /// reached or is not trusted.
    Probe(probe::ProbeArgs),
    /// Take the webhooks out of a cluster, before the server goes
    ///
    /// First the server's right to register itself anew, then both webhook configurations, with
    /// --certificates also what the servers made for themselves. What is not ours stays.
    ///
    /// Exit codes: 0 nothing of ours is left; 1 something stays, as it is not ours or made anew; 2
    /// wrong usage; 3 the API server cannot be reached, or refuses.
    Unregister(unregister::UnregisterArgs),
    /// Tell whether an installation protects, and cannot hurt
    ///
    /// Looks at a cluster and changes nothing: webhooks, certificates, Service, Deployment, policies,
    /// and whether what must be refused is refused. Each finding comes with what mends it.
    ///
    /// Exit codes: 0 nothing is broken; 1 something is; 2 wrong usage; 3 the cluster cannot be
    /// reached, or its webhooks not be seen.
    Doctor(Box<doctor::DoctorArgs>),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // help and version are no errors, and go to standard output
            let printed = error.print();
            let code = u8::try_from(error.exit_code()).unwrap_or(USAGE);
            return ExitCode::from(if printed.is_ok() { code } else { USAGE });
        }
    };
    match run(&cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::complain(&error);
            ExitCode::from(UNREADABLE)
        }
    }
}

fn run(command: &Command) -> anyhow::Result<u8> {
    match command {
        Command::Serve(args) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            let result = runtime.block_on(serve::run(args));
            // a hard stop does not wait for a review that is still being answered
            runtime.shutdown_background();
            result.map(|()| 0)
        }
        Command::Replay(args) => replay::run(args),
        Command::Scan(args) => asking(scan::run(args)),
        Command::Explain(args) => explain::run(args),
        Command::Policy(args) => policy::run(args),
        Command::Defaults(args) => defaults::run(args).map(|()| 0),
        Command::Certs(args) => certs::run(args),
        Command::Manifests(args) => manifests::run(args).map(|()| 0),
        Command::Probe(args) => asking(probe::run(args)),
        Command::Unregister(args) => asking(unregister::run(args)),
        Command::Doctor(args) => asking(doctor::run(args)),
    }
}

/// Asks others, on one thread.
fn asking(question: impl Future<Output = anyhow::Result<u8>>) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(question);
    // a name that is still being looked up is not waited for
    runtime.shutdown_background();
    result
}

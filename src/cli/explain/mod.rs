//! `distrogate explain`: what will really run, and why; one file a topic.

pub mod config;
mod input;
mod render;
mod words;

use clap::{Args, Subcommand};

/// Arguments of `distrogate explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// What to explain.
    #[command(subcommand)]
    pub topic: Topic,
}

/// What can be explained.
#[derive(Debug, Subcommand)]
pub enum Topic {
    /// Explain configs: what will run, and where each value comes from
    ///
    /// Distro, Kubernetes version, images, scheduler, backing store and resources as the chart
    /// will have them if the object were new, with the line, field or default that decides. What
    /// cannot be seen is unknown, with the reason.
    ///
    /// Exit codes: 0 explained; 2 wrong usage; 3 something could not be read, or holds no config.
    Config(config::ConfigArgs),
}

/// Explains, and returns the exit code.
pub fn run(args: &ExplainArgs) -> anyhow::Result<u8> {
    match &args.topic {
        Topic::Config(args) => config::run(args).map(|()| 0),
    }
}

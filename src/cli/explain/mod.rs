//! `distrogate explain`: what a rule is about, what will really run, and why; one file a topic.

pub mod config;
pub mod example;
mod input;
mod render;
pub mod rule;
pub mod sheet;
mod words;

use clap::{Args, Subcommand};

use super::USAGE;
use crate::rules::Rule;

/// Arguments of `distrogate explain`: a rule's name, or a topic with arguments of its own.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ExplainArgs {
    /// The rule to explain, by the name that messages have in brackets
    #[arg(required = true, value_name = "RULE", value_parser = rule::parse)]
    pub rule: Option<&'static Rule>,

    /// What to explain besides rules.
    #[command(subcommand)]
    pub topic: Option<Topic>,
}

/// What can be explained besides rules.
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
    let ExplainArgs { rule, topic } = args;
    match (topic, rule) {
        (Some(Topic::Config(args)), _) => config::run(args).map(|()| 0),
        (None, Some(rule)) => rule::run(rule).map(|()| 0),
        // the argument parser has asked for one of them
        (None, None) => Ok(USAGE),
    }
}

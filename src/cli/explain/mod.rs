//! `distrogate explain`: what a rule is about; one file a topic.

pub mod example;
pub mod rule;
pub mod sheet;

use clap::Args;

use crate::rules::Rule;

/// Arguments of `distrogate explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The rule to explain, as messages name it in brackets
    #[arg(value_name = "RULE", value_parser = rule::parse)]
    pub rule: &'static Rule,
}

/// Explains, and returns the exit code.
pub fn run(args: &ExplainArgs) -> anyhow::Result<u8> {
    rule::run(args.rule).map(|()| 0)
}

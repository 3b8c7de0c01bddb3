//! The log: to standard error, as text or JSON lines.

use std::env;
use std::io::{self, IsTerminal as _};

use clap::{Args, ValueEnum};
use tracing::Metadata;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterFn, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// A library that calls every refused call an error; whoever called says what it means, and once.
const QUIET: &str = "kube_client::client::builder=off";

/// What libraries log with the API server's whole answer in it, which may be a Secret: never logged,
/// whatever is asked for. Whoever called says what went wrong.
const WITHHELD: [&str; 2] = ["kube_client::client", "kube_runtime::watcher"];

/// What to log, and how.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// How log lines look
    #[arg(
        long,
        value_name = "FORMAT",
        env = "DISTROGATE_LOG_FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,

    /// What to log: a level, or levels by module such as `info,distrogate::server=debug`
    #[arg(
        long,
        value_name = "FILTER",
        env = "DISTROGATE_LOG_LEVEL",
        default_value = "info"
    )]
    pub log_level: String,
}

impl LogArgs {
    /// Starts the log of the process.
    pub fn init(&self) -> Result<(), LogError> {
        let Self {
            log_format,
            log_level,
        } = self;
        let filter = EnvFilter::builder()
            .parse(format!("{QUIET},{log_level}"))
            .map_err(|source| LogError::Filter {
                filter: log_level.clone(),
                source,
            })?;
        let builder = tracing_subscriber::fmt()
            .with_writer(io::stderr)
            // A log that cannot be written is no reason to fail: it would be told by a panic.
            .log_internal_errors(false)
            .with_env_filter(filter);
        let told = FilterFn::new(is_told);
        match log_format {
            LogFormat::Text => builder
                .with_ansi(wants_colour())
                .finish()
                .with(told)
                .try_init()?,
            LogFormat::Json => builder
                .json()
                .with_ansi(false)
                .finish()
                .with(told)
                .try_init()?,
        }
        Ok(())
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Why the log cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is none.
    #[error("invalid log level `{filter}`")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// There is a log already.
    #[error("cannot start the log")]
    Init(#[from] TryInitError),
}

/// Whether something may be logged at all.
fn is_told(metadata: &Metadata<'_>) -> bool {
    !WITHHELD.contains(&metadata.target())
}

/// Colour is for terminals whose user did not say no (<https://no-color.org>).
fn wants_colour() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !refused
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_bad_filter_is_named() {
        let log_level = "distrogate=loud".to_owned();
        let error = LogArgs {
            log_format: LogFormat::Text,
            log_level,
        }
        .init()
        .unwrap_err();
        assert_eq!(error.to_string(), "invalid log level `distrogate=loud`");
        let source = error.source().unwrap().to_string();
        assert!(
            source.contains("expected one of \"off\", \"error\""),
            "{source}"
        );
    }
}

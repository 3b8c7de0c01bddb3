//! The flags that say what is registered at an API server, shared by every subcommand that makes
//! webhook configurations.

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::cluster::{Backend, FailurePolicies, Registration};

/// How the server is reached, and what depends on it.
#[derive(Args, Clone, Debug)]
pub struct RegistrationArgs {
    /// Service that the server is reached by
    #[arg(
        long,
        help_heading = "Registration",
        value_name = "NAME",
        default_value = "distrogate"
    )]
    pub service: String,

    /// Port of the Service
    #[arg(long, help_heading = "Registration", value_name = "PORT", default_value_t = 443, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,

    /// Address of the server, where it is not behind a Service
    #[arg(long, help_heading = "Registration", value_name = "URL", conflicts_with_all = ["service", "port"])]
    pub url: Option<String>,

    /// What becomes of a request that could not be judged
    #[arg(long, help_heading = "Registration", value_enum, default_value_t = FailurePolicy::Fail)]
    pub validate_failure_policy: FailurePolicy,

    /// What becomes of a request that got no answer about defaults
    #[arg(long, help_heading = "Registration", value_enum, default_value_t = FailurePolicy::Ignore)]
    pub mutate_failure_policy: FailurePolicy,

    /// Seconds until the API server waits no longer, from 1 to 30
    #[arg(long, help_heading = "Registration", value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=30))]
    pub timeout: u8,

    /// Further namespace that never depends on the server; may be given several times
    #[arg(long, help_heading = "Registration", value_name = "NAME")]
    pub exempt_namespace: Vec<String>,
}

/// What becomes of a request that the server did not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum FailurePolicy {
    /// It is refused.
    Fail,
    /// It is let through.
    Ignore,
}

impl RegistrationArgs {
    /// For a server in this namespace.
    pub fn registration(
        &self,
        namespace: &str,
        ca_bundle: Option<String>,
    ) -> anyhow::Result<Registration> {
        let backend = match &self.url {
            Some(url) => {
                check_url(url)?;
                Backend::Url(url.clone())
            }
            None => Backend::Service {
                namespace: namespace.to_owned(),
                name: self.service.clone(),
                port: self.port,
            },
        };
        let mut exempt = vec!["kube-system".to_owned()];
        let further = self.exempt_namespace.iter().map(String::as_str);
        for name in [namespace].into_iter().chain(further) {
            if !exempt.iter().any(|known| known == name) {
                exempt.push(name.to_owned());
            }
        }
        Ok(Registration {
            backend,
            ca_bundle,
            failure_policies: FailurePolicies {
                validate: self.validate_failure_policy.as_str(),
                mutate: self.mutate_failure_policy.as_str(),
            },
            timeout: self.timeout,
            exempt,
        })
    }
}

impl FailurePolicy {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

/// The URL of a server as the API server takes it.
fn check_url(url: &str) -> anyhow::Result<()> {
    let Some(rest) = url.strip_prefix("https://") else {
        bail!("--url has to begin with https://, as the API server asks for");
    };
    if rest.is_empty() || rest.starts_with(['/', ':']) {
        bail!("--url has to name a host after https://");
    }
    let strange = |c: char| c.is_whitespace() || c.is_control() || "?#@".contains(c);
    if rest.contains(strange) {
        bail!("--url may hold no user, query or fragment: the API server takes none");
    }
    Ok(())
}

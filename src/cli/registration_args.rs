//! The flags that say what is registered at an API server, shared by every subcommand that makes
//! or compares webhook configurations.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::gate_args::GateArgs;
use crate::cluster::doctor::quoted;
use crate::cluster::{Backend, FailurePolicies, Registration};

/// The namespace that `deploy/` makes.
const NAMESPACE: &str = "distrogate-system";
/// The Service that `deploy/` makes.
const SERVICE: &str = "distrogate";
/// Its port.
const PORT: u16 = 443;
/// Seconds; far more than a review takes, and less than users wait.
const TIMEOUT: u8 = 5;

/// All that the webhook configurations of an installation depend on, as somebody from outside says.
#[derive(Args, Clone, Debug)]
pub struct InstallationArgs {
    /// Namespace that the server runs in
    #[arg(long, value_name = "NAME", default_value = NAMESPACE)]
    pub namespace: String,

    /// How the server is reached, and what depends on it.
    #[command(flatten)]
    pub registration: RegistrationArgs,

    /// Certificates that the server is trusted by, PEM; without it somebody else has to write them in
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Policies, which may declare carriers of their own.
    #[command(flatten)]
    pub gate: GateArgs,
}

/// How the server is reached, and what depends on it.
#[derive(Args, Clone, Debug)]
pub struct RegistrationArgs {
    /// Service that the server is reached by
    #[arg(
        long,
        help_heading = "Registration",
        value_name = "NAME",
        default_value = SERVICE
    )]
    pub service: String,

    /// Port of the Service
    #[arg(long, help_heading = "Registration", value_name = "PORT", default_value_t = PORT, value_parser = clap::value_parser!(u16).range(1..))]
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
    #[arg(long, help_heading = "Registration", value_name = "SECONDS", default_value_t = TIMEOUT, value_parser = clap::value_parser!(u8).range(1..=30))]
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

impl InstallationArgs {
    /// The same, checked.
    pub fn registration(&self) -> anyhow::Result<Registration> {
        let ca_bundle = self.ca_file.as_deref().map(read_bundle).transpose()?;
        self.registration.registration(&self.namespace, ca_bundle)
    }

    /// The flags that were given and differ from what counts without them, as words of a shell;
    /// the CA aside, which somebody else may write, and the policies, which may be mounted.
    pub fn words(&self) -> String {
        let Self {
            namespace,
            registration,
            ca_file: _,
            gate: _,
        } = self;
        let RegistrationArgs {
            service,
            port,
            url,
            validate_failure_policy,
            mutate_failure_policy,
            timeout,
            exempt_namespace,
        } = registration;
        let mut words = String::new();
        let mut say = |flag: &str, value: &str, is_default: bool| {
            if !is_default {
                // a String takes everything
                let _written = write!(words, " {flag} {}", quoted(value));
            }
        };
        say("--namespace", namespace, namespace == NAMESPACE);
        say("--service", service, service == SERVICE);
        say("--port", &port.to_string(), *port == PORT);
        if let Some(url) = url {
            say("--url", url, false);
        }
        let (fail, ignore) = (FailurePolicy::Fail, FailurePolicy::Ignore);
        let is_open = *validate_failure_policy == ignore;
        say("--validate-failure-policy", "ignore", !is_open);
        let is_closed = *mutate_failure_policy == fail;
        say("--mutate-failure-policy", "fail", !is_closed);
        say("--timeout", &timeout.to_string(), *timeout == TIMEOUT);
        for name in exempt_namespace {
            say("--exempt-namespace", name, false);
        }
        words
    }
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

/// Certificates to trust, as they are in a file.
fn read_bundle(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    let pem = fs::read_to_string(file).with_context(|| shown.to_string())?;
    if pem.contains("PRIVATE KEY-----") {
        bail!(
            "{shown}: holds a private key, which everybody could read in the webhooks: name a file with certificates alone"
        );
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    if certificates.is_ok_and(|certificates| !certificates.is_empty()) {
        Ok(pem)
    } else {
        bail!("{shown}: has to hold certificates in PEM")
    }
}

//! What `serve` keeps in the cluster: its flags, and what comes of them.

use std::env;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use time::OffsetDateTime;

use super::cluster_args::ClusterArgs;
use super::policy_files::LivePolicy;
use super::registration_args::RegistrationArgs;
use crate::certs::Names;
use crate::cluster::{InForce, Issuer, Keeper, KeeperOptions, Pace};
use crate::server::IssuedCertificate;
use crate::telemetry::Metrics;

/// What is kept in the cluster.
#[derive(Args, Clone, Debug)]
pub struct SelfManagedArgs {
    /// Keep both webhook configurations registered, for the carriers of the policy in force
    ///
    /// They stay when the server ends.
    #[arg(long, env = "DISTROGATE_REGISTER", help_heading = "Registration")]
    pub register: bool,

    /// Namespace that the server runs in; without it that of the service account
    #[arg(
        long,
        value_name = "NAME",
        env = "DISTROGATE_NAMESPACE",
        help_heading = "Registration"
    )]
    pub namespace: Option<String>,

    /// How the server is reached, and what depends on it.
    #[command(flatten)]
    pub registration: RegistrationArgs,

    /// Rotate within seconds, which is safe with a single API server on this machine only: for tests
    #[arg(long, hide = true)]
    pub hurry: bool,
}

impl SelfManagedArgs {
    /// What looks after it; nothing if nothing is kept there.
    pub(super) async fn keeper(
        &self,
        cluster: &ClusterArgs,
        certificate: Option<&Arc<IssuedCertificate>>,
        policy: &Arc<LivePolicy>,
        metrics: &Metrics,
    ) -> anyhow::Result<Option<Keeper>> {
        let Self {
            register,
            namespace,
            registration,
            hurry,
        } = self;
        if certificate.is_none() && !register {
            return Ok(None);
        }
        let client = cluster.client().await?;
        let namespace = namespace
            .clone()
            .unwrap_or_else(|| client.default_namespace().to_owned());
        let issuer = match certificate {
            Some(certificate) => {
                let names = names(registration, &namespace)?;
                Some(Issuer::new(names, Arc::clone(certificate), metrics.clone()))
            }
            None => None,
        };
        let registration = registration.registration(&namespace, None)?;
        let policy = Arc::clone(policy);
        // one that nothing can be registered for is refused now rather than told of for ever
        registration.objects(&policy.current())?;
        let in_force: InForce = Arc::new(move || policy.current());
        Ok(Some(Keeper::new(KeeperOptions {
            client,
            namespace,
            identity: identity(),
            issuer,
            register: register.then_some((registration, in_force)),
            pace: if *hurry { Pace::HURRIED } else { Pace::DEFAULT },
            clock: Arc::new(OffsetDateTime::now_utc),
            metrics: metrics.clone(),
        })))
    }
}

/// What API servers call the server: the names of its Service, or the host of its address.
fn names(registration: &RegistrationArgs, namespace: &str) -> anyhow::Result<Names> {
    let service = &registration.service;
    let mut names = Names::default();
    for name in [
        format!("{service}.{namespace}.svc"),
        format!("{service}.{namespace}.svc.cluster.local"),
        format!("{service}.{namespace}"),
        service.clone(),
    ] {
        let parsed = name.parse();
        names
            .dns
            .push(parsed.with_context(|| format!("the Service's name {name}"))?);
    }
    let Some(url) = &registration.url else {
        return Ok(names);
    };
    let uri: hyper::Uri = url.parse().with_context(|| format!("--url {url}"))?;
    let Some(host) = uri.host() else {
        bail!("--url {url} names no host");
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(address) => names.ip.push(address),
        Err(_) => names
            .dns
            .push(host.parse().with_context(|| format!("--url {url}"))?),
    }
    Ok(names)
}

/// The Pod's name for people, and a number that no other start has.
fn identity() -> String {
    let host = env::var("HOSTNAME").unwrap_or_else(|_| "distrogate".to_owned());
    let random = RandomState::new().build_hasher().finish();
    format!("{host}_{random:016x}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: SelfManagedArgs,
    }

    fn named(arguments: &[&str]) -> (Vec<String>, Vec<String>) {
        let arguments = [&["serve"], arguments].concat();
        let args = Cli::try_parse_from(arguments).unwrap().args;
        let Names { dns, ip } = names(&args.registration, "platform").unwrap();
        (
            dns.iter().map(ToString::to_string).collect(),
            ip.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn a_certificate_names_the_service_and_the_address() {
        let service = [
            "distrogate.platform.svc",
            "distrogate.platform.svc.cluster.local",
            "distrogate.platform",
            "distrogate",
        ];
        assert_eq!(named(&[]), (service.map(String::from).to_vec(), vec![]));
        assert_eq!(named(&["--service", "gate"]).0[0], "gate.platform.svc");
        assert_eq!(
            named(&["--url", "https://a.example:8443/x"]).0[4],
            "a.example"
        );
        assert_eq!(named(&["--url", "https://127.0.0.1:1"]).1, ["127.0.0.1"]);
        assert_eq!(named(&["--url", "https://[::1]:1"]).1, ["::1"]);
    }

    #[test]
    fn no_two_starts_are_called_the_same() {
        assert_ne!(identity(), identity());
    }
}

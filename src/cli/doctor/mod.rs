//! `distrogate doctor`: tells whether an installation protects, and cannot hurt.
//!
//! Owns flags, exit codes and which policies are meant. What is looked at, and what is said about
//! it, is `cluster::doctor`'s affair.

mod canary;
mod render;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::cluster_args::ClusterArgs;
use super::gate_args::GateArgs;
use super::policy_files::{self, Texts};
use super::registration_args::InstallationArgs;
use super::{FOUND, UNREADABLE, USAGE, output};
use crate::cluster::doctor::{
    Commands, Gatherer, Policies, Seen, Sight, Snapshot, Status, Wanted, examine, fetch, quoted,
};
use crate::policy::{Action, Policy};

/// The arguments of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// How it should be registered.
    #[command(flatten)]
    pub installation: InstallationArgs,

    /// Where the server is reached from here, if that is not where the webhooks call; such as a
    /// forwarded port
    #[arg(long, value_name = "HOST:PORT")]
    pub via: Option<String>,

    /// Namespace for objects that nobody would want, which are asked for in a dry run
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub canary_namespace: String,

    /// Ask for no such objects
    #[arg(long)]
    pub no_canary: bool,

    /// Seconds that one answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=60))]
    pub check_timeout: u8,

    /// From which finding on the exit code is 1
    #[arg(long, value_enum, default_value_t)]
    pub fail_on: FailOn,

    /// Form of what is printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// From which finding on the exit code is 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum FailOn {
    /// What is broken.
    #[default]
    Error,
    /// What will break, too.
    Warning,
}

/// Form of what is printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Looks, and prints what was found.
pub async fn run(args: &DoctorArgs) -> anyhow::Result<u8> {
    let DoctorArgs {
        cluster,
        installation,
        via,
        canary_namespace,
        no_canary,
        check_timeout,
        fail_on,
        format,
    } = args;
    let registered = installation.registration()?;
    if !no_canary && registered.exempt.contains(canary_namespace) {
        output::complain(&anyhow!(
            "--canary-namespace: nothing in {canary_namespace} is looked at, so nothing is refused \
             there: name another namespace"
        ));
        return Ok(USAGE);
    }
    let files = policy_files::read(&installation.gate.policy)?;
    let gatherer = Gatherer::new(
        cluster.client().await?,
        Sight {
            backend: registered.backend.clone(),
            namespace: installation.namespace.clone(),
            via: via.clone(),
            patience: Duration::from_secs((*check_timeout).into()),
        },
    );
    // what is asked at once is large
    let snapshot = Box::pin(gatherer.snapshot()).await;
    let mut snapshot = snapshot.map_err(|why| anyhow!("cannot reach the cluster: {why}"))?;
    let (policy, policies) = policies(&snapshot, &files, &installation.gate);
    if !no_canary {
        let unseen = policies.unseen.as_deref();
        for bait in canary::baits(canary_namespace, &policy, unseen, &installation.gate)? {
            snapshot.canaries.push(gatherer.canary(bait).await);
        }
    }
    let objects = registered.objects(&policy)?;
    let at_hand = policy_files::compile(&files).ok();
    let at_hand = at_hand.and_then(|policy| registered.objects(&policy).ok());
    let (fetch, flags) = if at_hand.as_ref() == Some(&objects) {
        (None, flags(&installation.gate))
    } else {
        let mounted = snapshot.behind.as_ref().and_then(|one| one.mounted.is());
        let mounted = mounted.map_or(&[][..], Vec::as_slice);
        fetch(&cluster.kubectl(), &installation.namespace, mounted).map_or_else(
            || (None, flags(&installation.gate)),
            |(get, flags)| (Some(get), flags),
        )
    };
    let wanted = Wanted {
        objects,
        authorities: authorities(registered.ca_bundle.as_deref()),
        backend: registered.backend,
        namespace: installation.namespace.clone(),
        policies,
        commands: Commands {
            kubectl: cluster.kubectl(),
            helm: cluster.helm(),
            policies: flags,
            fetch,
            manifests: format!("distrogate manifests{}", installation.words()),
            ca_file: installation
                .ca_file
                .as_ref()
                .map(|file| file.display().to_string()),
        },
    };
    let findings = examine(&snapshot, &wanted);
    let text = match format {
        Format::Text => render::text(&findings),
        Format::Json => render::json(&snapshot, &findings),
    };
    output::print(&text).context("cannot write to standard output")?;
    let worst = findings.iter().map(|one| one.status).max();
    let bound = match fail_on {
        FailOn::Error => Status::Error,
        FailOn::Warning => Status::Warning,
    };
    let is_blind = [&snapshot.validating, &snapshot.mutating]
        .iter()
        .all(|seen| matches!(seen, Seen::Hidden(_)));
    Ok(if worst >= Some(bound) {
        FOUND
    } else if is_blind {
        UNREADABLE
    } else {
        0
    })
}

/// The policy that reviews are judged by: what is mounted if that was seen, else the files at
/// hand, else, as long as nothing can be mounted, the built-in one; and what there is to say about
/// both.
fn policies(snapshot: &Snapshot, files: &Texts, gate: &GateArgs) -> (Policy, Policies) {
    let behind = snapshot.behind.as_ref();
    let mounted: Option<Texts> = behind
        .and_then(|behind| behind.mounted.is())
        .map(|mounted| {
            let mounted = mounted.iter();
            let owned = mounted.map(|one| (PathBuf::from(&one.path), one.text.clone()));
            owned.collect()
        });
    let compile =
        |texts: &Texts| policy_files::compile(texts).map_err(|error| format!("{error:#}"));
    let (of_files, of_mounted) = (compile(files), mounted.as_ref().map(compile));
    let texts = |texts: &Texts| {
        let mut texts: Vec<_> = texts.iter().map(|(_, text)| text.clone()).collect();
        texts.sort();
        texts
    };
    let named = !files.is_empty();
    let unseen = match (behind, &of_mounted, named, &of_files) {
        (_, Some(Ok(_)), ..) | (_, _, true, Ok(_)) | (None, _, false, _) => None,
        (.., true, Err(_)) => Some("those of --policy cannot be used".to_owned()),
        (_, Some(Err(_)), ..) => Some("those that are mounted cannot be used".to_owned()),
        (Some(behind), None, ..) => Some(match behind.mounted.hidden() {
            Some(why) => format!("what is mounted: {why}"),
            None => "what is mounted: there is no Deployment".to_owned(),
        }),
    };
    let policies = Policies {
        unseen,
        is_same: mounted
            .as_ref()
            .filter(|_| named)
            .map(|mounted| texts(mounted) == texts(files)),
        paths: {
            let paths = gate.policy.iter().map(|path| path.display().to_string());
            paths
                .map(|path| quoted(&path))
                .collect::<Vec<_>>()
                .join(" ")
        },
        files: named.then(|| of_files.as_ref().map(|_| ()).map_err(Clone::clone)),
        mounted: of_mounted
            .as_ref()
            .zip(mounted.as_ref())
            .map(|(policy, texts)| {
                let policy = policy.as_ref();
                policy
                    .map(|_| policy_files::revision_of(texts))
                    .map_err(Clone::clone)
            }),
    };
    let cap = match snapshot.flag("enforcement").as_deref() {
        Some("audit") => Action::Audit,
        Some("warn") => Action::Warn,
        Some("deny") => Action::Deny,
        _ => gate.cap(),
    };
    let policy = match (of_mounted, of_files) {
        (Some(Ok(policy)), _) | (_, Ok(policy)) => policy,
        _ => Policy::built_in(),
    };
    (policy.capped(cap), policies)
}

/// The flags that name the policies at hand.
fn flags(gate: &GateArgs) -> String {
    let paths = gate.policy.iter().map(|path| path.display().to_string());
    paths.fold(String::new(), |flags, path| {
        format!("{flags} --policy {}", quoted(&path))
    })
}

/// The certificates of PEM that was checked before.
fn authorities(pem: Option<&str>) -> Vec<CertificateDer<'static>> {
    let pem = pem.unwrap_or_default().as_bytes();
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect()
}

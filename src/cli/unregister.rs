//! `distrogate unregister`: takes out of a cluster what would outlive the server.

use anyhow::Context as _;
use clap::Args;

use super::cluster_args::ClusterArgs;
use super::{FOUND, UNREADABLE, output};
use crate::cluster::{Installation, Outcome, unregister};

/// The arguments of `unregister`.
#[derive(Args, Clone, Debug)]
pub struct UnregisterArgs {
    /// Namespace of the server
    #[arg(
        long,
        value_name = "NAME",
        default_value = "distrogate-system",
        env = "DISTROGATE_NAMESPACE"
    )]
    pub namespace: String,

    /// Service that the webhooks lead to
    #[arg(long, value_name = "NAME", default_value = "distrogate")]
    pub service: String,

    /// Take away what servers with --certificates=self-managed made, too: Secret and Lease
    #[arg(long)]
    pub certificates: bool,

    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Takes it away, and says of each object what became of it.
pub async fn run(args: &UnregisterArgs) -> anyhow::Result<u8> {
    let UnregisterArgs {
        namespace,
        service,
        certificates,
        cluster,
    } = args;
    let client = cluster.client().await?;
    let installation = Installation {
        namespace: namespace.clone(),
        service: service.clone(),
    };
    let removals = unregister(&client, &installation, *certificates).await;
    let removals = removals.context("cannot ask the API server")?;
    let mut text = String::new();
    for removal in &removals {
        text.extend([&removal.to_string(), "\n"]);
    }
    output::print(&text).context("cannot write to standard output")?;
    let is_refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused(_));
    let mut outcomes = removals.iter().map(|removal| &removal.outcome);
    Ok(if outcomes.clone().any(is_refused) {
        UNREADABLE
    } else if outcomes.all(Outcome::is_gone) {
        0
    } else {
        FOUND
    })
}

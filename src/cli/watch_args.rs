//! The flags that let the server look at its cluster, and what it knows by them.

use std::convert::Infallible;
use std::sync::Arc;

use clap::Args;
use kube::Client;
use tokio::time::Instant;

use super::cluster_args::ClusterArgs;
use crate::cluster::{Known, Watches};
use crate::gate::Cluster;
use crate::server::Check;
use crate::telemetry::Metrics;

/// What to find out in the cluster.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct WatchArgs {
    /// Watch the cluster's virtual clusters: one that is made again on another distro's data is
    /// refused too
    ///
    /// Reads the metadata of Secrets and volume claims of the chart, in all namespaces,
    /// and needs the right to list and watch them. No data of a Secret is asked for.
    #[arg(long, env = "DISTROGATE_WATCH_LIVE", help_heading = "Cluster")]
    pub watch_live: bool,

    /// Watch the labels of namespaces, which policies choose by
    ///
    /// Needs the right to list and watch namespaces.
    #[arg(
        long,
        env = "DISTROGATE_WATCH_NAMESPACES",
        conflicts_with = "namespace_labels",
        help_heading = "Cluster"
    )]
    pub watch_namespaces: bool,

    /// Ask the cluster for the Kubernetes version that --host-version would say
    #[arg(
        long,
        env = "DISTROGATE_WATCH_HOST_VERSION",
        conflicts_with = "host_version",
        help_heading = "Cluster"
    )]
    pub watch_host_version: bool,
}

/// What is known from outside: what the flags say, and what the cluster does.
#[derive(Clone)]
pub(super) struct Surroundings {
    said: Cluster,
    watched: Option<(Arc<Known>, Watches, Client)>,
}

impl WatchArgs {
    /// What is known, besides what the flags say. Nothing is asked yet; without a way to the
    /// cluster it fails.
    pub(super) async fn surroundings(
        self,
        said: Cluster,
        cluster: &ClusterArgs,
        metrics: &Metrics,
    ) -> anyhow::Result<Surroundings> {
        let Self {
            watch_live,
            watch_namespaces,
            watch_host_version,
        } = self;
        let watches = Watches {
            live: watch_live,
            namespaces: watch_namespaces,
            host_version: watch_host_version,
        };
        let cluster_watched = if watches.any() {
            let client = cluster.client().await?;
            Some((Arc::new(Known::new(watches, metrics)), watches, client))
        } else {
            None
        };
        Ok(Surroundings {
            said,
            watched: cluster_watched,
        })
    }
}

impl Surroundings {
    /// What is known now.
    pub(super) fn now(&self) -> Cluster {
        let mut cluster = self.said.clone();
        let Some((known, watches, _)) = &self.watched else {
            return cluster;
        };
        let Watches {
            live,
            namespaces,
            host_version,
        } = *watches;
        if live {
            cluster.inventory = known.inventory(Instant::now());
        }
        if namespaces {
            cluster.namespace_labels = known.namespace_labels();
        }
        if host_version {
            cluster.host_version = known.host_version();
        }
        cluster
    }

    /// What there is to say about each watch. None of them makes the server unready: it answers
    /// without what they would tell.
    pub(super) fn checks(&self) -> Vec<Check> {
        let says = |(known, ..): &(Arc<Known>, _, _)| known.says(Instant::now());
        let says = self.watched.as_ref().map(says).unwrap_or_default();
        let check = |(name, says)| Check {
            name,
            passed: true,
            says,
        };
        says.into_iter().map(check).collect()
    }

    /// Follows the cluster, if there is anything to follow; in a task of its own, so that working out
    /// what is known holds up nobody who waits beside it.
    pub(super) async fn follow(&self) -> Infallible {
        let Some((known, _, client)) = &self.watched else {
            return std::future::pending().await;
        };
        let (known, client) = (Arc::clone(known), client.clone());
        let following = tokio::spawn(async move { known.follow(client).await });
        match following.await {
            Ok(never) => match never {},
            // nobody cancels it
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

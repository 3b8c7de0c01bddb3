//! The flags that say which cluster is meant, shared by every subcommand that asks one.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use kube::Client;

use crate::cluster::Access;
use crate::cluster::doctor::quoted;

/// Which cluster, and as whom.
#[derive(Args, Clone, Debug, Default)]
pub struct ClusterArgs {
    /// Kubeconfig of the cluster
    ///
    /// Without it: KUBECONFIG, the Pod's service account or ~/.kube/config, the first that is there.
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig, instead of its current one
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub context: Option<String>,
}

impl ClusterArgs {
    /// `kubectl`, told the same.
    pub fn kubectl(&self) -> String {
        self.told("kubectl", "--context")
    }

    /// `helm`, told the same.
    pub fn helm(&self) -> String {
        self.told("helm", "--kube-context")
    }

    fn told(&self, program: &str, context_flag: &str) -> String {
        let Self {
            kubeconfig,
            context,
        } = self;
        let kubeconfig = kubeconfig.as_ref().map(|file| file.display().to_string());
        let mut command = program.to_owned();
        for (flag, value) in [("--kubeconfig", &kubeconfig), (context_flag, context)] {
            if let Some(value) = value {
                command = format!("{command} {flag} {}", quoted(value));
            }
        }
        command
    }

    /// A client; nothing is asked yet.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let Self {
            kubeconfig,
            context,
        } = self;
        let access = Access {
            kubeconfig: kubeconfig.clone(),
            context: context.clone(),
        };
        access.client().await.context("cannot reach a cluster")
    }
}

//! What is known of a cluster, in a file: as `serve` finds it out, or the flags say it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use serde::Deserialize;

use crate::gate::Cluster;
use crate::policy::Labels;
use crate::values::{Limits, read_yaml};
use crate::vcluster::{Distro, HeldBy, Inventory, KubeVersion, Live, Store, Told};

/// The file that counts for the reviews beside it.
pub(super) const FILE: &str = "cluster.yaml";

/// What such a file can say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Facts {
    host_version: Option<String>,
    namespace_labels: HashMap<String, Labels>,
    virtual_clusters: Vec<VirtualCluster>,
}

/// A virtual cluster that is there, or has left a claim.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VirtualCluster {
    namespace: String,
    release: String,
    distro: Option<String>,
    store: Option<String>,
    /// The claim that is left; without it the Secret is there.
    claim: Option<String>,
}

/// Reads such a file. What `said` knows already, from flags, counts.
pub(super) fn read(file: &Path, said: &Cluster) -> anyhow::Result<Cluster> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| shown.to_string())?;
    let read = read_yaml(text.as_bytes(), &Limits::VALUES).map_err(|error| {
        let line = error.at.map_or(1, |at| at.line);
        anyhow!("{shown}, line {line}: {error}")
    })?;
    let facts: Facts = match read.root.to_json() {
        serde_json::Value::Null => Facts::default(),
        value => serde_json::from_value(value).map_err(|error| anyhow!("{shown}: {error}"))?,
    };
    facts
        .over(said)
        .map_err(|error| anyhow!("{shown}: {error}"))
}

impl Facts {
    fn over(self, said: &Cluster) -> anyhow::Result<Cluster> {
        let Self {
            host_version,
            namespace_labels,
            virtual_clusters,
        } = self;
        let mut cluster = said.clone();
        if let (None, Some(version)) = (&cluster.host_version, host_version) {
            let version = KubeVersion::parse(&version)
                .context("hostVersion: has to be a Kubernetes version, as v1.31.4")?;
            cluster.host_version = Some(version);
        }
        if cluster.namespace_labels.is_empty() {
            let labels = namespace_labels.into_iter();
            let labels = labels.map(|(name, labels)| (name, Arc::new(labels)));
            cluster.namespace_labels = Arc::new(labels.collect());
        }
        let live = virtual_clusters.into_iter().map(VirtualCluster::live);
        cluster.inventory = Inventory::new(live.collect::<anyhow::Result<_>>()?);
        Ok(cluster)
    }
}

impl VirtualCluster {
    fn live(self) -> anyhow::Result<(Arc<str>, Arc<Live>)> {
        let Self {
            namespace,
            release,
            distro,
            store,
            claim,
        } = self;
        let known = |names: Vec<&str>| names.join(", ");
        let distro = distro.map(|name| {
            let all = || known(Distro::ALL.map(Distro::key).to_vec());
            Distro::from_key(&name)
                .with_context(|| format!("distro {name}: has to be of {}", all()))
        });
        let store = store.map(|name| {
            let all = || known(Store::ALL.map(Store::as_str).to_vec());
            let found = Store::ALL.into_iter().find(|store| store.as_str() == name);
            found.with_context(|| format!("store {name}: has to be of {}", all()))
        });
        let live = Live {
            told: Told {
                distro: distro.transpose()?,
                store: store.transpose()?,
            },
            held_by: match claim {
                Some(claim) => HeldBy::Claim(format!("{namespace}/{claim}").into()),
                None => HeldBy::Secret(format!("{namespace}/vc-config-{release}").into()),
            },
        };
        Ok((Inventory::key(&namespace, &release).into(), Arc::new(live)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str, said: &Cluster) -> Result<Cluster, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE);
        std::fs::write(&file, text).unwrap();
        let name = file.display().to_string();
        read(&file, said).map_err(|error| format!("{error:#}").replace(&name, FILE))
    }

    #[test]
    fn a_file_says_what_a_cluster_would_and_flags_count_before_it() {
        let text = "hostVersion: v1.31.4\nnamespaceLabels: {team-a: {tier: prod}}\n\
                    virtualClusters: [{namespace: team-a, release: dev, distro: k3s}]\n";
        let cluster = read_text(text, &Cluster::default()).unwrap();
        assert_eq!(cluster.host_version, KubeVersion::parse("v1.31.4"));
        assert_eq!(cluster.namespace_labels["team-a"]["tier"], "prod");
        let live = cluster.inventory.get("team-a", "dev").unwrap();
        assert_eq!(live.told.distro, Some(Distro::K3s));
        assert_eq!(live.held_by.to_string(), "Secret team-a/vc-config-dev");
        let said = Cluster {
            host_version: KubeVersion::parse("v1.30.0"),
            ..Cluster::default()
        };
        let cluster = read_text(text, &said).unwrap();
        assert_eq!(cluster.host_version, said.host_version);
        assert!(read_text("", &said).unwrap().inventory.is_empty());
    }

    #[test]
    fn what_such_a_file_cannot_say_is_told() {
        let told = |text: &str| read_text(text, &Cluster::default()).unwrap_err();
        for (text, expected) in [
            (
                "hostVersion: [1]",
                "cluster.yaml: invalid type: sequence, expected a string",
            ),
            (
                "hostVersion: latest",
                "cluster.yaml: hostVersion: has to be a Kubernetes version, as v1.31.4",
            ),
            (
                "hosts: 1",
                "cluster.yaml: unknown field `hosts`, expected one of `hostVersion`, \
                 `namespaceLabels`, `virtualClusters`",
            ),
            (
                "virtualClusters: [{namespace: a, release: b, distro: k9s}]",
                "cluster.yaml: distro k9s: has to be of k3s, k0s, eks, k8s",
            ),
            (
                "virtualClusters: [{namespace: a, release: b, store: disk}]",
                "cluster.yaml: store disk: has to be of embedded-etcd, external-etcd, \
                 deployed-etcd, embedded-database, external-database",
            ),
        ] {
            assert_eq!(told(text), expected);
        }
        assert!(told("a: [1").starts_with("cluster.yaml, line 1: "));
    }
}

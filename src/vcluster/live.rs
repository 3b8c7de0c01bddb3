//! What a cluster holds of virtual clusters, besides the object under review: a Secret of the chart
//! that is there, or data that outlived it.
//!
//! Where it is found out is another room's affair. What is not known for certain is left out here:
//! nobody is refused on a guess.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::{ChartSource, Distro, Store};

/// The first minor version whose charts have no other distro than k8s.
const K8S_ONLY: u64 = 33;

/// The first minor version that calls a deployed etcd so; until then it was `external-etcd`.
const DEPLOYED_ETCD: u64 = 25;

/// How a virtual cluster keeps its state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Told {
    /// The distro that made it.
    pub distro: Option<Distro>,
    /// Where it is.
    pub store: Option<Store>,
}

/// A virtual cluster that is there, or was and has left its data.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Live {
    /// How it keeps its state.
    pub told: Told,
    /// The object that this is known from.
    pub held_by: HeldBy,
}

/// An object that tells of a virtual cluster, by namespace and name: `team-a/data-dev-0`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HeldBy {
    /// The Secret that the chart renders.
    Secret(Box<str>),
    /// A claim that holds the data, without the Secret.
    Claim(Box<str>),
    /// One of them in a namespace that whoever asks may not look into: it is told to nobody.
    Elsewhere {
        /// Whether it is a claim.
        is_claim: bool,
    },
}

/// Every virtual cluster of which something is known, by namespace and release. Cheap to clone,
/// never changed.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    by_release: Arc<HashMap<Arc<str>, Arc<Live>>>,
}

impl Told {
    /// What the metadata of the chart's Secret tells: its label `chart`, and the annotations that
    /// vCluster's pod writes (`vcluster.loft.sh/distro` up to 0.32, `vcluster.loft.sh/store`).
    pub fn by_secret(chart: Option<&str>, distro: Option<&str>, store: Option<&str>) -> Self {
        let minor = chart.and_then(minor_of);
        let told = distro.and_then(Distro::from_key);
        let distro = match minor {
            // another distro's annotation is left over, or its data not migrated yet
            Some(minor) if minor >= K8S_ONLY => {
                (distro.is_none() || told == Some(Distro::K8s)).then_some(Distro::K8s)
            }
            _ => told,
        };
        let named = |name| Store::ALL.into_iter().find(|store| store.as_str() == name);
        let store = match store.and_then(named) {
            // from 0.25 on it is one that somebody else runs, or what 0.24 wrote down
            Some(Store::ExternalEtcd) => {
                let early = minor.is_some_and(|minor| minor < DEPLOYED_ETCD);
                early.then_some(Store::DeployedEtcd)
            }
            store => store,
        };
        Self { distro, store }
    }
}

impl Live {
    /// The same for whoever asks from another namespace.
    #[must_use]
    pub fn from_elsewhere(&self) -> Self {
        let is_claim = self.outlived();
        Self {
            told: self.told,
            held_by: HeldBy::Elsewhere { is_claim },
        }
    }

    /// Whether only the data is left.
    pub const fn outlived(&self) -> bool {
        matches!(
            self.held_by,
            HeldBy::Claim(_) | HeldBy::Elsewhere { is_claim: true }
        )
    }
}

impl Inventory {
    /// Of what is known by [`key`](Self::key).
    pub fn new(by_release: HashMap<Arc<str>, Arc<Live>>) -> Self {
        Self {
            by_release: Arc::new(by_release),
        }
    }

    /// How a virtual cluster is called here; neither name can have a slash.
    pub fn key(namespace: &str, release: &str) -> String {
        format!("{namespace}/{release}")
    }

    /// What is known of a virtual cluster.
    pub fn get(&self, namespace: &str, release: &str) -> Option<&Arc<Live>> {
        if self.by_release.is_empty() {
            return None;
        }
        self.by_release.get(&*Self::key(namespace, release))
    }

    /// Of how many virtual clusters something is known.
    pub fn len(&self) -> usize {
        self.by_release.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_release.is_empty()
    }
}

impl fmt::Display for HeldBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => write!(f, "Secret {name}"),
            Self::Claim(name) => write!(f, "PersistentVolumeClaim {name}"),
            Self::Elsewhere { .. } => f.write_str("an object in another namespace"),
        }
    }
}

/// The minor version of a chart that a label names.
fn minor_of(label: &str) -> Option<u64> {
    let (name, version) = ChartSource::of_label(label)?;
    (name == "vcluster" && version.major == 0).then_some(version.minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_writes_the_distro_down_and_from_0_33_on_there_is_one() {
        let distro = |chart: &str, told| Told::by_secret(Some(chart), told, None).distro;
        assert_eq!(distro("vcluster-0.30.4", Some("k3s")), Some(Distro::K3s));
        assert_eq!(distro("vcluster-0.30.4", None), None);
        assert_eq!(distro("vcluster-0.30.4", Some("talos")), None);
        assert_eq!(distro("vcluster-0.33.0", None), Some(Distro::K8s));
        assert_eq!(distro("vcluster-0.37.0-rc.1", None), Some(Distro::K8s));
        assert_eq!(distro("vcluster-0.36.0_a1", None), Some(Distro::K8s));
        assert_eq!(distro("vcluster-0.33.0", Some("k8s")), Some(Distro::K8s));
        assert_eq!(distro("vcluster-0.33.0", Some("k3s")), None, "left over");
        assert_eq!(distro("vcluster-0.33.0", Some("talos")), None);
        assert_eq!(distro("fork-0.36.0", None), None);
        assert_eq!(
            Told::by_secret(None, Some("k0s"), None).distro,
            Some(Distro::K0s)
        );
    }

    #[test]
    fn an_external_etcd_is_a_deployed_one_up_to_0_24_and_else_not_certain() {
        let store = |chart: &str, told| Told::by_secret(Some(chart), None, Some(told)).store;
        assert_eq!(
            store("vcluster-0.24.2", "external-etcd"),
            Some(Store::DeployedEtcd)
        );
        assert_eq!(store("vcluster-0.30.4", "external-etcd"), None);
        assert_eq!(
            store("vcluster-0.30.4", "deployed-etcd"),
            Some(Store::DeployedEtcd)
        );
        assert_eq!(
            store("?", "embedded-database"),
            Some(Store::EmbeddedDatabase)
        );
        assert_eq!(store("vcluster-0.30.4", "floppy"), None);
    }

    #[test]
    fn a_virtual_cluster_is_found_by_namespace_and_release() {
        let live = Live {
            told: Told::default(),
            held_by: HeldBy::Claim("team-a/data-dev-0".into()),
        };
        let key = Arc::from(Inventory::key("team-a", "dev"));
        let inventory = Inventory::new(HashMap::from([(key, Arc::new(live))]));
        assert!(inventory.get("team-a", "dev").is_some());
        assert!(inventory.get("team-b", "dev").is_none());
        assert!(inventory.get("team-a", "de").is_none());
    }
}

//! The Kubernetes distributions that a virtual cluster's control plane can be.

use std::fmt;

use crate::values::Path;

/// A distro, in the order in which vCluster decides between several that are enabled
/// (`config.go`, `Distro()`): k3s, then k0s, then k8s.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Distro {
    /// Rancher's k3s; charts up to 0.32.
    K3s,
    /// Mirantis' k0s; charts up to 0.25.
    K0s,
    /// Amazon's EKS distro; only charts before 0.20.
    Eks,
    /// Upstream Kubernetes, and what a config without any enabled distro means.
    K8s,
}

impl Distro {
    /// Every distro, in the order of decision.
    pub const ALL: [Self; 4] = [Self::K3s, Self::K0s, Self::Eks, Self::K8s];

    /// The key under `controlPlane.distro`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::K3s => "k3s",
            Self::K0s => "k0s",
            Self::Eks => "eks",
            Self::K8s => "k8s",
        }
    }

    /// Where it is switched on.
    pub fn enabled_path(self) -> Path {
        Path::keys(["controlPlane", "distro", self.key(), "enabled"])
    }

    /// The distro with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|distro| distro.key() == key)
    }

    /// The distro of a chart before 0.20, which was told by the chart's name.
    pub fn of_legacy_chart(name: &str) -> Option<Self> {
        match name {
            "vcluster" | "vcluster-k3s" => Some(Self::K3s),
            "vcluster-k8s" => Some(Self::K8s),
            "vcluster-k0s" => Some(Self::K0s),
            "vcluster-eks" => Some(Self::Eks),
            _ => None,
        }
    }
}

impl fmt::Display for Distro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

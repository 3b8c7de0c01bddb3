//! The words of documents, and what they stand for.

use std::fmt;

use crate::vcluster::{Distro, Store};

/// What a finding leads to, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Action {
    /// The rule is not looked at.
    Disabled,
    /// It is written to the audit log, and the user sees nothing.
    Audit,
    /// The user is warned.
    Warn,
    /// The request is refused.
    Deny,
}

/// The words for actions in documents.
pub(super) const ACTIONS: [(&str, Action); 4] = [
    ("Deny", Action::Deny),
    ("Warn", Action::Warn),
    ("Audit", Action::Audit),
    ("Disabled", Action::Disabled),
];

/// The words for distros in documents.
pub(super) const DISTROS: [(&str, Distro); 4] = [
    ("k3s", Distro::K3s),
    ("k0s", Distro::K0s),
    ("eks", Distro::Eks),
    ("k8s", Distro::K8s),
];

/// The words for backing stores in documents.
pub(super) const STORES: [(&str, Store); 5] = {
    let [a, b, c, d, e] = Store::ALL;
    [
        (a.as_str(), a),
        (b.as_str(), b),
        (c.as_str(), c),
        (d.as_str(), d),
        (e.as_str(), e),
    ]
};

/// When defaults go in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum On {
    /// Into a new config only: an unrelated edit must not restart a control plane.
    #[default]
    Create,
    /// Into a changed config too.
    Always,
}

/// Over what defaults go in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Apply {
    /// Only where nothing is set.
    #[default]
    Missing,
    /// Over what is set, too.
    Always,
}

/// How defaults go in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// They are put in.
    #[default]
    Edit,
    /// The user is told what to add.
    Suggest,
}

/// What defaults go into: before Helm, or what it has made already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// Values that Helm will render, in whichever carrier they are.
    Values,
    /// The merged config that vCluster's pod reads, the Secret `vc-config-*`.
    Secret,
    /// The control plane's StatefulSet or Deployment.
    Workload,
}

/// The words for targets in documents.
pub(super) const TARGETS: [(&str, Target); 3] = [
    (Target::Values.as_str(), Target::Values),
    (Target::Secret.as_str(), Target::Secret),
    (Target::Workload.as_str(), Target::Workload),
];

/// A block of the chart's own defaults.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pin {
    /// Registry, repository and tag of the images of the distro in force.
    Images,
    /// The resources of the distro's init container.
    Resources,
}

impl Action {
    /// As a policy writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::Audit => "Audit",
            Self::Warn => "Warn",
            Self::Deny => "Deny",
        }
    }

    /// One step milder: a denial becomes a warning, a warning an entry in the audit log.
    #[must_use]
    pub const fn milder(self) -> Self {
        match self {
            Self::Deny => Self::Warn,
            Self::Warn | Self::Audit => Self::Audit,
            Self::Disabled => Self::Disabled,
        }
    }
}

impl On {
    /// As a policy writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Always => "Always",
        }
    }
}

impl Apply {
    /// As a policy writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "Missing",
            Self::Always => "Always",
        }
    }
}

impl Mode {
    /// As a policy writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "Edit",
            Self::Suggest => "Suggest",
        }
    }
}

impl Target {
    /// As a policy writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Values => "Values",
            Self::Secret => "Secret",
            Self::Workload => "Workload",
        }
    }
}

impl Pin {
    /// As a policy writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Resources => "resources",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "disabled",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        })
    }
}

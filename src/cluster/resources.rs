//! Which resources hold configs, as the API server names them.

use thiserror::Error;

use crate::carrier::{Carrier, VALUES_LABEL};
use crate::policy::Policy;

/// A kind of object as rules of webhooks name it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The versions; all of them where they are not known.
    pub versions: Vec<&'static str>,
    /// The plural in lower case.
    pub resource: String,
    /// Whether its objects live in namespaces; `*` where that is not known, or differs.
    pub scope: &'static str,
    /// Whether defaults may go into it.
    pub is_mutated: bool,
}

/// Which objects of a resource may be carriers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Selection {
    /// Any.
    All,
    /// Those that this label selector selects.
    Labels(&'static str),
    /// Those whose name begins so, or that have the label.
    NameOrLabel(&'static str, &'static str),
}

/// Groups with the versions that have carriers. `matchPolicy: Equivalent` brings others too.
const VERSIONS: [(&str, &[&str]); 12] = [
    ("", &["v1"]),
    ("apps", &["v1"]),
    ("argoproj.io", &["v1alpha1"]),
    ("controlplane.cluster.x-k8s.io", &["v1alpha1"]),
    ("fleet.cattle.io", &["v1alpha1"]),
    ("helm.cattle.io", &["v1"]),
    ("helm.crossplane.io", &["v1beta1"]),
    ("helm.m.crossplane.io", &["v1beta1"]),
    ("helm.toolkit.fluxcd.io", &["v2", "v2beta2"]),
    ("infrastructure.cluster.x-k8s.io", &["v1alpha1"]),
    ("management.loft.sh", &["v1"]),
    ("storage.loft.sh", &["v1"]),
];

/// Groups of which some kinds live in no namespace.
const MIXED: [&str; 4] = [
    "management.loft.sh",
    "storage.loft.sh",
    "helm.crossplane.io",
    "helm.m.crossplane.io",
];

/// Kinds that Helm has rendered already, or that are somebody's fragment: nothing goes into them,
/// unless a policy asks for those by a name or a label (see `webhooks`).
const READ_ONLY: [&str; 4] = ["ConfigMap", "Deployment", "Secret", "StatefulSet"];

/// What too much depends on for all of it to come here: Secrets come by their name or a label,
/// `ConfigMap`s by a label, workloads by the chart's.
const SELECTED: [(&str, &str); 4] = [
    ("", "ConfigMap"),
    ("", "Secret"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
];

/// A carrier of a policy that nothing can be registered for.
#[derive(Clone, Debug, Eq, PartialEq, Error)]
#[error(
    "customCarriers: {kind} is of the kinds that every namespace depends on, and not all of it may \
     come here: put the label distrogate.io/values on the objects instead, in a ConfigMap or Secret"
)]
pub struct Unselected {
    kind: Box<str>,
}

impl Resource {
    /// Which of its objects may be carriers; the same as the webhooks select.
    pub fn selection(&self) -> Selection {
        match (&*self.group, &*self.resource) {
            ("", "secrets") => Selection::NameOrLabel("vc-config-", VALUES_LABEL),
            ("", "configmaps") => Selection::Labels(VALUES_LABEL),
            ("apps", "deployments" | "statefulsets") => Selection::Labels("app=vcluster"),
            _ => Selection::All,
        }
    }

    /// The group whose objects these are too, under another name of the group: the platform's own
    /// API shows what is stored.
    pub fn stored_in(&self) -> Option<&'static str> {
        (self.group == "management.loft.sh").then_some("storage.loft.sh")
    }
}

/// Every resource that the known carriers and those of a policy are.
pub fn resources(policy: &Policy) -> Result<Vec<Resource>, Unselected> {
    let mut declared = policy.roads.custom.iter().flat_map(|one| one.kinds());
    if let Some((_, kind)) = declared.find(|kind| SELECTED.contains(kind)) {
        return Err(Unselected { kind: kind.into() });
    }
    let known = Carrier::kinds().into_iter().map(|(group, kind)| {
        let versions = VERSIONS.iter().find(|(known, _)| *known == group);
        Resource {
            group: group.to_owned(),
            versions: versions.map_or_else(|| vec!["*"], |(_, versions)| versions.to_vec()),
            resource: plural(kind),
            scope: if MIXED.contains(&group) {
                "*"
            } else {
                "Namespaced"
            },
            is_mutated: !READ_ONLY.contains(&kind),
        }
    });
    let custom = policy.roads.custom.iter().flat_map(|declaration| {
        declaration.kinds().map(|(group, kind)| Resource {
            group: group.to_owned(),
            versions: vec!["*"],
            resource: plural(kind),
            scope: "*",
            is_mutated: declaration
                .configs
                .iter()
                .any(|config| config.edit.is_some()),
        })
    });
    let mut all: Vec<_> = known.chain(custom).collect();
    all.sort();
    all.dedup_by(|a, b| (&a.group, &a.resource) == (&b.group, &b.resource));
    Ok(all)
}

/// As Kubernetes' code generators make it from a kind.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| kind.ends_with(ending));
    if ends(&["s", "x", "ch", "sh"]) {
        format!("{kind}es")
    } else if ends(&["y"]) && !ends(&["ay", "ey", "iy", "oy", "uy"]) {
        format!("{}ies", kind.trim_end_matches('y'))
    } else {
        format!("{kind}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_those_of_kubernetes() {
        for (kind, resource) in [
            ("HelmRelease", "helmreleases"),
            ("Ingress", "ingresses"),
            ("NetworkPolicy", "networkpolicies"),
            ("Gateway", "gateways"),
            ("VCluster", "vclusters"),
            ("Bundle", "bundles"),
        ] {
            assert_eq!(plural(kind), resource);
        }
    }

    #[test]
    fn every_known_group_has_its_versions() {
        let resources = resources(&Policy::built_in()).unwrap();
        assert!(
            resources.iter().all(|resource| resource.versions != ["*"]),
            "{resources:?}"
        );
        assert_eq!(resources.len(), Carrier::kinds().len());
    }
}

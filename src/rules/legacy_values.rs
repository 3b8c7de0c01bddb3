//! `legacy-values`: the layout of charts before 0.20 under a later chart.
//!
//! Mirrors `config/legacyconfig/config.go` of vCluster, as far as its keys are not also keys of
//! the unified layout (`sync`, `rbac`, `telemetry`, `plugin`, `pro` and `serviceCIDR` are).

use super::{Context, Example, Finding, Page, Rule, list};
use crate::policy::Action;
use crate::values::{Map, Path};

pub(super) const RULE: Rule = Rule {
    id: "legacy-values",
    action: Action::Warn,
    about: "values in the layout of charts before 0.20 under a later chart",
    page: Page {
        why: "With 0.20 all charts became one, with a layout of its own below controlPlane. Its \
              schema refuses the keys of the older charts; where the schema is skipped they have \
              no effect, and the virtual cluster becomes k8s with everything by default.",
        refused: Example::new("0.30.4", "vcluster:\n  image: rancher/k3s:v1.29.0-k3s1\n"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k3s:\n      enabled: true\n      image:\n        tag: v1.33.3-k3s1\n",
        ),
        fix: "Write the values in the new layout; vCluster's command line up to 0.31 does it: \
              vcluster convert config --distro k3s -f values.yaml. Name the distro that the old \
              chart had: vcluster was k3s.",
    },
    settings: &[],
    ratchet: true,
    check,
};

/// The keys that only the older charts have, each with its place in the new layout if there is
/// one to name.
const LEGACY: [(&str, Option<&str>); 44] = [
    // what decides about the distro first
    ("vcluster", Some("controlPlane.distro.k3s or .k0s")),
    ("api", Some("controlPlane.distro.k8s.apiServer")),
    (
        "controller",
        Some("controlPlane.distro.k8s.controllerManager"),
    ),
    ("scheduler", Some("controlPlane.distro.k8s.scheduler")),
    ("etcd", Some("controlPlane.backingStore.etcd.deploy")),
    (
        "embeddedEtcd",
        Some("controlPlane.backingStore.etcd.embedded"),
    ),
    (
        "defaultImageRegistry",
        Some("controlPlane.advanced.defaultImageRegistry"),
    ),
    ("k3sToken", Some("controlPlane.distro.k3s.token")),
    ("syncer", Some("controlPlane.statefulSet")),
    ("storage", Some("controlPlane.statefulSet.persistence")),
    (
        "enableHA",
        Some("controlPlane.statefulSet.highAvailability"),
    ),
    ("coredns", Some("controlPlane.coredns")),
    ("ingress", Some("controlPlane.ingress")),
    ("service", Some("controlPlane.service")),
    ("isolation", Some("policies")),
    ("mapServices", Some("networking.replicateServices")),
    ("init", Some("experimental.deploy.vcluster")),
    ("multiNamespaceMode", None),
    ("autoDeletePersistentVolumeClaims", None),
    ("globalAnnotations", None),
    ("proLicenseSecret", None),
    ("headless", None),
    ("fallbackHostDns", None),
    ("proxy", None),
    ("volumes", None),
    ("serviceAccount", None),
    ("workloadServiceAccount", None),
    ("nodeSelector", None),
    ("affinity", None),
    ("priorityClassName", None),
    ("tolerations", None),
    ("labels", None),
    ("podLabels", None),
    ("annotations", None),
    ("podAnnotations", None),
    ("podDisruptionBudget", None),
    ("securityContext", None),
    ("podSecurityContext", None),
    ("openshift", None),
    ("noopSyncer", None),
    ("monitoring", None),
    ("centralAdmission", None),
    ("replicas", None),
    ("job", None),
];

/// How many keys a message names.
const NAMED: usize = 5;

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let chart = &context.config.chart;
    // a chart that wraps vCluster's may have any key of its own
    if !chart.is_told_unified() || context.config.is_rendered() {
        return;
    }
    for (layer, document) in context.config.documents() {
        let Some(map) = document.root.as_map().filter(|map| !is_wrapped(map)) else {
            continue;
        };
        let written: Vec<_> = LEGACY
            .iter()
            .filter_map(|(key, becomes)| Some((*key, *becomes, map.get(*key)?)))
            .collect();
        let Some((first, _, entry)) = written.first() else {
            continue;
        };
        let mut names: Vec<_> = written.iter().map(|(key, ..)| *key).take(NAMED).collect();
        let more = written.len().saturating_sub(NAMED);
        let more = format!("{more} more");
        if written.len() > NAMED {
            names.push(&more);
        }
        let moves: Vec<_> = written
            .iter()
            .take(NAMED)
            .filter_map(|(key, becomes, _)| Some(format!("{key} to {}", (*becomes)?)))
            .collect();
        let moves = if moves.is_empty() {
            String::new()
        } else {
            format!("move {}; ", moves.join(", "))
        };
        let place = layer.place(Path::root().key(first), entry.at);
        findings.push(
            Finding::new(
                place,
                format!(
                    "{} {} of the layout before chart 0.20, {chart} has no such {} and does not \
                     read {}",
                    list(&names),
                    if written.len() == 1 { "is" } else { "are" },
                    if written.len() == 1 { "key" } else { "keys" },
                    if written.len() == 1 { "it" } else { "them" },
                ),
            )
            .fix(format!(
                "{moves}vcluster convert config of vCluster's command line up to 0.31 rewrites \
                 all values"
            )),
        );
    }
}

/// Whether the values are those of another chart, which gives vCluster's below its name.
fn is_wrapped(map: &Map) -> bool {
    const UNIFIED: [&str; 4] = ["controlPlane", "exportKubeConfig", "sync", "experimental"];
    map.get("vcluster")
        .and_then(|entry| entry.value.as_map())
        .is_some_and(|below| UNIFIED.iter().any(|key| below.contains_key(*key)))
}

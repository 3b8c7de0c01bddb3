//! The objects that a tenant writes.

use serde_json::{Value, json};

/// The tenant's namespace.
pub(super) const NAMESPACE: &str = "team-a";

/// What the chart 0.30.4 writes into its Secret, distro by distro.
const CONFIG: &str = include_str!("../../data/vc-config-0.30.4.yaml");

/// A HelmRelease of a vCluster chart with these distros enabled, nothing else set.
pub(super) fn release(name: &str, version: &str, enabled: &[&str]) -> Value {
    let distro: Value = enabled
        .iter()
        .map(|distro| ((*distro).to_owned(), json!({"enabled": true})))
        .collect();
    let source = json!({"kind": "HelmRepository", "name": "vcluster", "namespace": "flux-system"});
    json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "interval": "10m",
            "chart": {"spec": {"chart": "vcluster", "version": version, "sourceRef": source}},
            "values": {"controlPlane": {"distro": distro}},
        },
    })
}

/// A `VCluster` of Cluster API whose values are this text.
pub(super) fn vcluster(name: &str, version: &str, values: &str) -> Value {
    let repo = "https://charts.example";
    let chart = json!({"name": "vcluster", "repo": repo, "version": version});
    json!({
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1alpha1",
        "kind": "VCluster",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"helmRelease": {"chart": chart, "values": values}},
    })
}

/// The Secret that the chart 0.30.4 makes with these distros enabled.
pub(super) fn secret(release: &str, enabled: &[&str]) -> Value {
    let config = ["k3s", "k8s"]
        .iter()
        .fold(CONFIG.to_owned(), |config, distro| {
            let value = if enabled.contains(distro) {
                "true"
            } else {
                "false"
            };
            config.replace(&format!("{{{distro}}}"), value)
        });
    let labels = json!({
        "app": "vcluster", "chart": "vcluster-0.30.4", "heritage": "Helm", "release": release,
    });
    let name = format!("vc-config-{release}");
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "stringData": {"config.yaml": config},
        "type": "Opaque",
    })
}

/// Puts the keys of `over` into `object`.
pub(super) fn merge(object: &mut Value, over: Value) {
    let (Value::Object(object), Value::Object(over)) = (object, over) else {
        panic!("not two JSON objects");
    };
    object.extend(over);
}

/// An object with a merge patch applied.
pub(super) fn both(object: &Value, patch: &Value) -> Value {
    let mut both = object.clone();
    json_patch::merge(&mut both, patch);
    both
}

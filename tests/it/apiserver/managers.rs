//! Who writes: kubectl in its several ways, under several names. All of them have to succeed.

use serde_json::{Value, json};

use super::claims::said;
use super::objects::{NAMESPACE, both};
use crate::harness::kubectl::Kubectl;

pub(super) fn apply(tenant: &Kubectl, manifest: &Value) {
    said(tenant.run(&["apply", "-f", "-"], &manifest.to_string())).succeeds();
}

pub(super) fn apply_as(tenant: &Kubectl, manager: &str, manifest: &Value) {
    let mut arguments = vec![
        "apply",
        "--server-side",
        "-f",
        "-",
        "--field-manager",
        manager,
    ];
    arguments.extend((manager == "b").then_some("--force-conflicts"));
    said(tenant.run(&arguments, &manifest.to_string())).succeeds();
}

pub(super) fn replace(tenant: &Kubectl, manifest: &Value) {
    said(tenant.run(&["replace", "-f", "-"], &manifest.to_string())).succeeds();
}

pub(super) fn patch(tenant: &Kubectl, name: &str, patch: &Value) {
    patch_as_another(tenant, "helmrelease", name, patch);
}

pub(super) fn patch_as_another(tenant: &Kubectl, kind: &str, name: &str, patch: &Value) {
    let patch = patch.to_string();
    let how = ["--field-manager=another", "--type=merge", "--patch", &patch];
    let arguments = [&["patch", "-n", NAMESPACE, kind, name], &how[..]].concat();
    said(tenant.run(&arguments, "")).succeeds();
}

/// As controllers write, without kubectl's own annotation.
pub(super) fn put(tenant: &Kubectl, name: &str, round: usize) {
    let group = "/apis/helm.toolkit.fluxcd.io/v2";
    let path = format!("--raw={group}/namespaces/{NAMESPACE}/helmreleases/{name}");
    let label = json!({"metadata": {"labels": {"round": round.to_string()}}});
    let stored = tenant.stored(&["-n", NAMESPACE, "helmrelease", name]);
    let labelled = both(&stored, &label).to_string();
    said(tenant.run(&["replace", &path, "-f", "-"], &labelled)).succeeds();
}

/// What is stored, with a label more and without what the API server keeps for itself.
pub(super) fn labelled(tenant: &Kubectl, name: &str, round: usize) -> Value {
    let stored = tenant.stored(&["-n", NAMESPACE, "helmrelease", name]);
    let nothing = json!({"resourceVersion": null, "uid": null, "creationTimestamp": null,
        "generation": null, "managedFields": null, "labels": {"round": round.to_string()}});
    both(&stored, &json!({"metadata": nothing}))
}

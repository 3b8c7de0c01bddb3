//! distrogate is gone: what waits for it, and what goes on.

use serde_json::json;

use super::ACTIVE_WITHIN;
use super::claims::{NO_ANSWER, create, is_absent, said, stored_k8s};
use super::objects::{NAMESPACE, merge, release, secret};
use crate::harness::cluster::Cluster;
use crate::harness::kubectl::{Kubectl, Outcome};
use crate::harness::manifests::MATCH_CONDITIONS;
use crate::harness::process::until;

pub(super) fn without_an_answer_validation_fails_closed(tenant: &Kubectl) {
    let k8s = secret("bad", &["k8s"]).to_string();
    said(tenant.run(&["replace", "-f", "-"], &k8s)).fails_with(NO_ANSWER);
    // Mutation fails first and is skipped: it is validation that is named.
    create(tenant, &release("closed", "0.30.4", &["k8s"])).fails_with(NO_ANSWER);
}

pub(super) fn without_an_answer_other_secrets_go_on(cluster: &Cluster, tenant: &Kubectl) {
    let mut unrelated = secret("x", &["k3s", "k8s"]);
    merge(
        &mut unrelated,
        json!({"metadata": {"name": "unrelated", "namespace": NAMESPACE}}),
    );
    let created = create(tenant, &unrelated);
    if cluster.minor_version() < MATCH_CONDITIONS {
        created.fails_with(NO_ANSWER);
    } else {
        created.succeeds();
    }
}

pub(super) fn without_an_answer_mutation_is_skipped(cluster: &Cluster, tenant: &Kubectl) {
    let validation = "validatingwebhookconfiguration/validate.distrogate.io";
    cluster.admin().must(&["delete", validation], "");
    until("validation gone", ACTIVE_WITHIN, || {
        let Outcome { ok, stderr, .. } =
            create(tenant, &release("open", "0.30.4", &["k8s"])).outcome;
        if ok { Ok(()) } else { Err(stderr) }
    });
    assert_eq!(stored_k8s(tenant, "open"), json!({"enabled": true}));
}

pub(super) fn without_an_answer_status_and_deletion_go_on(cluster: &Cluster, tenant: &Kubectl) {
    let status = r#"{"status": {"observedGeneration": 1}}"#;
    let patch = [
        "patch",
        "-n",
        NAMESPACE,
        "helmrelease",
        "bad",
        "--subresource=status",
    ];
    let how = ["--type=merge", "-p", status];
    said(cluster.admin().run(&[&patch[..], &how].concat(), "")).succeeds();
    for object in ["helmrelease/bad", "secret/vc-config-bad"] {
        said(tenant.run(&["delete", "-n", NAMESPACE, object], "")).succeeds();
        is_absent(tenant, object);
    }
}

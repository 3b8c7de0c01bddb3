//! What is left when distrogate goes: `distrogate unregister`, and `helm uninstall` with the Job
//! that runs it.

use std::path::Path;
use std::thread;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::OWN;
use crate::harness::cluster::Cluster;
use crate::harness::kubectl::Kubectl;
use crate::harness::manifests;
use crate::harness::process::until;
use crate::helm::binary::{Helm, Helms};
use crate::manifests::{beside, objects_at};
use crate::support::{distrogate, stderr, stdout};

/// Generous: Helm has to start and to install its hooks.
const HOOKED_WITHIN: Duration = Duration::from_mins(2);

/// The kinds that distrogate brings into a cluster.
const KINDS: &str = "clusterroles,clusterrolebindings,deployments,jobs,leases,\
    mutatingwebhookconfigurations,networkpolicies,poddisruptionbudgets,priorityclasses,roles,\
    rolebindings,secrets,serviceaccounts,services,validatingwebhookconfigurations,configmaps";

/// Exit code, standard output and standard error of `distrogate unregister`.
fn unregister(config: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = distrogate();
    command.arg("unregister").args(arguments);
    let output = command.arg("--kubeconfig").arg(config).output().unwrap();
    (output.status.code(), stdout(&output), stderr(&output))
}

/// All that is there by the name of distrogate.
fn left(admin: &Kubectl) -> Vec<String> {
    let names = admin.must(&["get", KINDS, "-A", "-o=name"], "");
    let ours = names.lines().filter(|name| name.contains("distrogate"));
    ours.map(str::to_owned).collect()
}

/// What a server with certificates of its own making makes.
fn made_by_the_server(admin: &Kubectl) {
    let secret = ["create", "secret", "generic", "distrogate-authority"];
    let content = ["--from-literal=ca.key=canary-of-a-key", "-n", OWN];
    admin.must(&[&secret[..], &content].concat(), "");
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "distrogate", "namespace": OWN},
    });
    admin.must(&["create", "-f", "-"], &lease.to_string());
}

pub(super) fn whatever_is_ours_goes_and_nothing_else(cluster: &Cluster) {
    let admin = cluster.admin();
    let config = cluster.kubeconfig();
    made_by_the_server(&admin);
    let folder = beside("resources: [../deploy/self-managed]\n");
    let mut objects = objects_at(&folder.path().join("mine"));
    manifests::adapt_to(&mut objects, cluster.minor_version());
    admin.must(&["apply", "-f", "-"], &manifests::list(&objects));

    let (code, told, errors) = unregister(config, &["--context=tenant", "--certificates"]);
    assert_eq!((code, &*errors), (Some(3), ""));
    assert_snapshot!(told, @r#"
    ClusterRoleBinding distrogate not deleted: clusterrolebindings.rbac.authorization.k8s.io "distrogate" is forbidden: User "tenant" cannot get resource "clusterrolebindings" in API group "rbac.authorization.k8s.io" at the cluster scope
    RoleBinding distrogate-system/distrogate not deleted: rolebindings.rbac.authorization.k8s.io "distrogate" is forbidden: User "tenant" cannot get resource "rolebindings" in API group "rbac.authorization.k8s.io" in the namespace "distrogate-system"
    ValidatingWebhookConfiguration validate.distrogate.io not deleted: validatingwebhookconfigurations.admissionregistration.k8s.io "validate.distrogate.io" is forbidden: User "tenant" cannot get resource "validatingwebhookconfigurations" in API group "admissionregistration.k8s.io" at the cluster scope
    MutatingWebhookConfiguration mutate.distrogate.io not deleted: mutatingwebhookconfigurations.admissionregistration.k8s.io "mutate.distrogate.io" is forbidden: User "tenant" cannot get resource "mutatingwebhookconfigurations" in API group "admissionregistration.k8s.io" at the cluster scope
    Secret distrogate-system/distrogate-authority not deleted: secrets "distrogate-authority" is forbidden: User "tenant" cannot delete resource "secrets" in API group "" in the namespace "distrogate-system"
    Lease distrogate-system/distrogate not deleted: leases.coordination.k8s.io "distrogate" is forbidden: User "tenant" cannot delete resource "leases" in API group "coordination.k8s.io" in the namespace "distrogate-system"
    "#);

    // another installation's, by another's words
    let (code, told, _) = unregister(config, &["--namespace=team-a"]);
    assert_eq!(code, Some(1));
    assert_snapshot!(told, @r#"
    ClusterRoleBinding distrogate kept: it is not about the service account team-a/distrogate alone
    ValidatingWebhookConfiguration validate.distrogate.io kept: its webhook validate.distrogate.io leads to the Service distrogate-system/distrogate, not to team-a/distrogate
    MutatingWebhookConfiguration mutate.distrogate.io kept: its webhook mutate.distrogate.io leads to the Service distrogate-system/distrogate, not to team-a/distrogate
    "#);

    let (code, told, errors) = unregister(config, &["--certificates"]);
    assert_eq!((code, &*errors), (Some(0), ""), "{told}");
    assert_snapshot!(told, @r#"
    ClusterRoleBinding distrogate deleted
    RoleBinding distrogate-system/distrogate deleted
    ValidatingWebhookConfiguration validate.distrogate.io deleted
    MutatingWebhookConfiguration mutate.distrogate.io deleted
    Secret distrogate-system/distrogate-authority deleted
    Lease distrogate-system/distrogate deleted
    "#);
    assert!(!told.contains("canary"));

    let (code, told, _) = unregister(config, &["--certificates"]);
    assert_eq!(code, Some(0));
    assert_snapshot!(told, @r#"
    ClusterRoleBinding distrogate not there
    RoleBinding distrogate-system/distrogate not there
    ValidatingWebhookConfiguration validate.distrogate.io not there
    MutatingWebhookConfiguration mutate.distrogate.io not there
    Secret distrogate-system/distrogate-authority not there
    Lease distrogate-system/distrogate not there
    "#);

    // what does not go is said to be there
    let held = objects
        .iter_mut()
        .find(|object| object["kind"] == "MutatingWebhookConfiguration");
    let held = held.unwrap();
    held["metadata"]["finalizers"] = json!(["example.com/held"]);
    admin.must(&["apply", "-f", "-"], &held.to_string());
    let (code, told, _) = unregister(config, &[]);
    assert_eq!(code, Some(1));
    assert_snapshot!(told, @"
    ClusterRoleBinding distrogate not there
    ValidatingWebhookConfiguration validate.distrogate.io not there
    MutatingWebhookConfiguration mutate.distrogate.io still there: a server that may register itself makes it anew, or a finalizer holds it
    ");
    let held = [
        "patch",
        "mutatingwebhookconfiguration",
        "mutate.distrogate.io",
        "--type=merge",
    ];
    let free = r#"{"metadata": {"finalizers": null}}"#;
    admin.must(&[&held[..], &["-p", free]].concat(), "");

    let delete = ["delete", "--ignore-not-found", "-f", "-"];
    objects.retain(|object| object["kind"] != "Namespace");
    admin.must(&delete, &manifests::list(&objects));
    assert_eq!(left(&admin), Vec::<String>::new());
}

#[test]
fn a_cluster_that_is_not_there_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let (code, told, errors) = unregister(&config, &[]);
    assert_eq!((code, &*told), (Some(3), ""));
    let errors = errors.replace(folder.path().to_str().unwrap(), "DIR");
    assert_snapshot!(errors, @"error: cannot reach a cluster: kubeconfig DIR/config: No such file or directory (os error 2)");
}

pub(super) fn helm_leaves_nothing(cluster: &Cluster, helms: &Helms) {
    let admin = cluster.admin();
    let folder = tempfile::tempdir().unwrap();
    let chart = manifests::chart(folder.path(), cluster.minor_version());
    let chart = chart.to_str().unwrap();
    let config = cluster.kubeconfig().to_str().unwrap();
    let on = ["--kubeconfig", config, "--kube-context=admin", "-n", OWN];
    for helm in helms.each() {
        let run = |arguments: &[&str]| helm.run(&[arguments, &on[..]].concat());
        // a Job has nobody to run it here
        let without_probe = "--set=probe.enabled=false";
        run(&["install", "distrogate", chart, without_probe]).unwrap();
        made_by_the_server(&admin);

        // the image is gone: an end, and a way on
        let error = run(&["uninstall", "distrogate", "--timeout=3s"]).unwrap_err();
        let is_in_time = ["timed out", "deadline exceeded"].map(|words| error.contains(words));
        assert!(is_in_time.contains(&true), "{helm}: {error}");
        let configuration = "validatingwebhookconfiguration/validate.distrogate.io";
        admin.must(&["get", configuration], "");

        thread::scope(|scope| {
            let uninstall = scope.spawn(|| run(&["uninstall", "distrogate"]));
            as_the_job_controller(cluster, helm);
            uninstall.join().unwrap().unwrap();
        });
        assert_eq!(left(&admin), Vec::<String>::new(), "{helm}");
    }
}

/// Runs what the Job says as its service account, and says that it is done.
fn as_the_job_controller(cluster: &Cluster, helm: &Helm) {
    let admin = cluster.admin();
    let job = ["-n", OWN, "job/distrogate-unregister"];
    let job: Value = until("the Job", HOOKED_WITHIN, || {
        let outcome = admin.run(&[&["get", "-o=json"], &job[..]].concat(), "");
        let found = serde_json::from_str(&outcome.stdout).ok();
        found.filter(|_| outcome.ok).ok_or(outcome.stderr)
    });
    let pod = &job["spec"]["template"]["spec"];
    let account = pod["serviceAccountName"].as_str().unwrap();
    let container = &pod["containers"][0];
    let arguments: Vec<String> = serde_json::from_value(container["args"].clone()).unwrap();
    assert_eq!(arguments[0], "unregister");
    let arguments: Vec<_> = arguments[1..].iter().map(String::as_str).collect();
    let config = cluster.kubeconfig_of(OWN, account);
    let (code, told, errors) = unregister(&config, &arguments);
    assert_eq!((code, &*errors), (Some(0), ""), "{helm}: {told}");
    assert!(!told.contains("not there"), "{helm}: {told}");
    let done = json!({"status": {
        "succeeded": 1,
        "startTime": "2026-01-01T00:00:00Z",
        "completionTime": "2026-01-01T00:00:01Z",
        "conditions": [{"type": "Complete", "status": "True"}],
    }})
    .to_string();
    let patch = ["patch", "-n", OWN, "job", "distrogate-unregister"];
    let how = ["--subresource=status", "--type=merge", "-p", &done];
    admin.must(&[&patch[..], &how].concat(), "");
}

//! A real API server, scanned: page by page, by somebody who may read all of it, some or nothing.

use std::fs;
use std::process::Output;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{json as printed, role};
use crate::harness::cluster::Cluster;
use crate::harness::kubectl::Kubectl;
use crate::harness::process::until;
use crate::support::{cluster_api, distrogate, release, secret, stderr, stdout};

/// In every Secret, where no rule looks.
const CANARY: &str = "canary-of-a-tenant";

/// The API server takes a moment to serve a kind that is new, and to follow a role.
const SERVED_WITHIN: Duration = Duration::from_mins(1);

/// A version that all charts here are made for, whatever the API server has.
const HOST: [&str; 2] = ["--host-version", "v1.30.2"];

const CRDS: [(&str, &str); 2] = [
    (
        "helmreleases.helm.toolkit.fluxcd.io",
        include_str!("../../data/helmrelease-crd.yaml"),
    ),
    (
        "vclusters.infrastructure.cluster.x-k8s.io",
        include_str!("../../data/vcluster-crd.yaml"),
    ),
];

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn a_real_cluster_is_scanned() {
    let cluster = Cluster::start();
    let admin = cluster.admin();
    fill(&admin);

    everything_is_found_on_pages_of_any_size(&cluster);
    what_the_cluster_tells_of_itself_counts(&cluster);
    one_namespace_is_looked_at_alone(&cluster);
    who_may_nothing_is_told_so_kind_by_kind(&cluster);
    who_may_some_gets_the_rest(&cluster, &admin);
    the_documented_role_is_enough(&cluster, &admin);
}

fn everything_is_found_on_pages_of_any_size(cluster: &Cluster) {
    let output = scan(
        cluster,
        "admin",
        &[&HOST[..], &["--page-size", "2"]].concat(),
    );
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let found = printed(&output);
    // 13 releases of which one is of another chart, five Secrets and one labelled, a ConfigMap, a
    // workload, a VCluster
    let sum = json!({"lookedAt": 22, "objects": 21, "refused": 1, "warned": 3,
        "disagreements": 1, "unread": 0});
    assert_eq!(found["summary"], sum, "{found:#}");
    let disagreement = &found["disagreements"][0];
    assert_eq!(
        disagreement["between"],
        json!(["HelmRelease team-a/dev", "Secret team-a/vc-config-dev"])
    );
    for size in ["1", "3", "500"] {
        let other = scan(
            cluster,
            "admin",
            &[&HOST[..], &["--page-size", size]].concat(),
        );
        assert_eq!(printed(&other), found, "pages of {size}");
    }
    for format in ["table", "junit", "json"] {
        let output = scan(cluster, "admin", &["--format", format]);
        let printed = stdout(&output) + &stderr(&output);
        assert!(printed.contains("vc-config-dev"), "{printed}");
        for text in [CANARY.to_owned(), STANDARD.encode(CANARY)] {
            assert!(!printed.contains(&text), "{printed}");
        }
    }
}

/// Its version, which old charts follow, and the labels of namespaces, which policies choose by.
fn what_the_cluster_tells_of_itself_counts(cluster: &Cluster) {
    let version = cluster.admin().must(&["get", "--raw=/version"], "");
    let version: Value = serde_json::from_str(&version).unwrap();
    let found = printed(&scan(cluster, "admin", &[]));
    let kubernetes = |found: &Value, name: &str| {
        let mut objects = found["objects"].as_array().unwrap().iter();
        let object = objects.find(|object| object["name"] == name).unwrap();
        object["configs"][0]["kubernetes"].clone()
    };
    assert_eq!(kubernetes(&found, "old"), version["gitVersion"]);
    let told = printed(&scan(cluster, "admin", &["--host-version", "v1.29.1"]));
    assert_eq!(kubernetes(&told, "old"), "v1.29.1");

    let policy = cluster.dir().join("policy.yaml");
    fs::write(
        &policy,
        "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {name: prod}\nspec:\n  \
         match: {namespaceSelector: {matchLabels: {tier: prod}}}\n  \
         rules: {version-allowed: {action: Deny, versions: \"1.20.x\"}}\n",
    )
    .unwrap();
    let policy = policy.to_str().unwrap();
    let found = printed(&scan(cluster, "admin", &["--policy", policy]));
    let refused = |found: &Value| -> Vec<String> {
        let objects = found["objects"].as_array().unwrap().iter();
        let refused = objects.filter(|object| object["action"] == "deny");
        let names = refused.map(|object| object["name"].as_str().unwrap().to_owned());
        names.collect()
    };
    assert_eq!(refused(&found), ["three", "one", "two"], "{found:#}");
}

fn one_namespace_is_looked_at_alone(cluster: &Cluster) {
    let output = scan(cluster, "admin", &["--namespace", "team-b"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(printed(&output)["summary"]["lookedAt"], 3);
    let both = ["--namespace", "team-b", "--namespace", "team-a"];
    assert_eq!(
        printed(&scan(cluster, "admin", &both))["summary"]["lookedAt"],
        22
    );
    // a name that nothing has is somebody's slip
    let output = scan(cluster, "admin", &["--namespace", "team-q"]);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert_eq!(
        printed(&output)["unread"],
        json!([{"what": "namespaces", "why": "namespaces \"team-q\" not found"}])
    );
}

fn who_may_nothing_is_told_so_kind_by_kind(cluster: &Cluster) {
    let output = scan(cluster, "tenant", &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let found = printed(&output);
    let unread = found["unread"].as_array().unwrap();
    let what: Vec<_> = unread
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        what,
        [
            "configmaps",
            "secrets",
            "deployments.apps",
            "statefulsets.apps",
            "helmreleases.helm.toolkit.fluxcd.io",
            "vclusters.infrastructure.cluster.x-k8s.io",
        ],
        "what is not installed is not missed, and no policy asks for labels"
    );
    assert_eq!(
        unread[1]["why"],
        "secrets is forbidden: User \"tenant\" cannot list resource \"secrets\" in API group \"\" \
         at the cluster scope"
    );
    assert_eq!(found["summary"]["lookedAt"], 0);
}

fn who_may_some_gets_the_rest(cluster: &Cluster, admin: &Kubectl) {
    let kind = "--resource=helmreleases.helm.toolkit.fluxcd.io";
    let role = [
        "-n",
        "team-a",
        "create",
        "role",
        "some",
        "--verb=list",
        kind,
    ];
    admin.must(&role, "");
    bind(
        admin,
        &[
            "-n",
            "team-a",
            "create",
            "rolebinding",
            "some",
            "--role=some",
        ],
    );
    let found = until("some", SERVED_WITHIN, || {
        let output = scan(cluster, "tenant", &["--namespace", "team-a"]);
        let found = printed(&output);
        if found["summary"]["lookedAt"] == 0 {
            return Err(stdout(&output));
        }
        assert_eq!(
            output.status.code(),
            Some(3),
            "more than what is refused counts what is not read"
        );
        Ok(found)
    });
    assert_eq!(found["summary"]["lookedAt"], 10);
    assert_eq!(found["summary"]["refused"], 1);
    let unread = found["unread"].as_array().unwrap();
    assert!(
        unread.iter().any(|one| one["what"] == "secrets in team-a"),
        "{unread:?}"
    );
    assert_eq!(unread.len(), 5, "{unread:?}");
}

fn the_documented_role_is_enough(cluster: &Cluster, admin: &Kubectl) {
    admin.must(&["apply", "-f", "-"], &role());
    bind(
        admin,
        &[
            "create",
            "clusterrolebinding",
            "scan",
            "--clusterrole=distrogate-scan",
        ],
    );
    let all = printed(&scan(cluster, "admin", &[]));
    until("all of it", SERVED_WITHIN, || {
        let output = scan(cluster, "tenant", &[]);
        if output.status.code() == Some(3) {
            return Err(stdout(&output));
        }
        assert_eq!(printed(&output), all);
        Ok(())
    });
    let some = ["--namespace", "team-b"];
    let output = scan(cluster, "tenant", &some);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(printed(&output), printed(&scan(cluster, "admin", &some)));
}

fn bind(admin: &Kubectl, arguments: &[&str]) {
    admin.must(&[arguments, &["--user=tenant"]].concat(), "");
}

/// Scans as one of the kubeconfig's users; JSON where nothing else is asked for.
fn scan(cluster: &Cluster, user: &str, arguments: &[&str]) -> Output {
    let mut command = distrogate();
    command
        .args(["scan", "--context", user, "--kubeconfig"])
        .arg(cluster.kubeconfig())
        .args(arguments);
    if !arguments.contains(&"--format") {
        command.args(["--format", "json"]);
    }
    command.output().unwrap()
}

/// Objects of many kinds, among others that are none of ours.
fn fill(admin: &Kubectl) {
    for (name, crd) in CRDS {
        admin.must(&["apply", "-f", "-"], crd);
        let established = "--for=condition=Established";
        admin.must(&["wait", established, "--timeout=60s", "crd", name], "");
    }
    for name in ["team-a", "team-b"] {
        admin.must(&["create", "namespace", name], "");
    }
    admin.must(&["label", "namespace", "team-b", "tier=prod"], "");
    for object in objects() {
        // a new kind takes a moment to be served everywhere
        until("an object", SERVED_WITHIN, || {
            let outcome = admin.run(&["apply", "-f", "-"], &object.to_string());
            if outcome.ok {
                Ok(())
            } else {
                Err(outcome.stderr)
            }
        });
    }
}

fn objects() -> Vec<Value> {
    let k8s = json!({"controlPlane": {"distro": {"k8s": {"enabled": true}}}});
    let two =
        json!({"controlPlane": {"distro": {"k8s": {"enabled": true}, "k3s": {"enabled": true}}}});
    let named = |mut object: Value, namespace: &str, name: &str| {
        object["metadata"]["namespace"] = json!(namespace);
        object["metadata"]["name"] = json!(name);
        object
    };
    let mut objects = Vec::new();
    for name in ["dev", "r1", "r2", "r3", "r4", "r5", "r6", "r7"] {
        objects.push(named(release("0.30.4", &k8s), "team-a", name));
    }
    objects.push(named(release("0.30.4", &two), "team-a", "three"));
    objects.push(named(release("0.23.0", &k8s), "team-a", "old"));
    for name in ["one", "two"] {
        objects.push(named(release("0.30.4", &k8s), "team-b", name));
    }
    // of another chart
    let mut other = named(release("1.0.0", &json!({})), "team-b", "other");
    other["spec"]["chart"]["spec"]["chart"] = json!("podinfo");
    objects.push(other);
    let config = |enabled: &str| {
        format!(
            "controlPlane: {{distro: {{{enabled}: {{enabled: true}}}}, proxy: {{extraSANs: [{CANARY}]}}}}"
        )
    };
    for (name, enabled) in [
        ("dev", "k3s"),
        ("r1", "k8s"),
        ("r2", "k8s"),
        ("r3", "k8s"),
        ("r4", "k8s"),
    ] {
        let object = secret("0.30.4", config(enabled).as_bytes());
        objects.push(named(object, "team-a", &format!("vc-config-{name}")));
    }
    for number in 0..7 {
        objects.push(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": format!("other-{number}"), "namespace": "team-a"},
            "stringData": {"password": CANARY},
        }));
    }
    let labels = json!({"distrogate.io/values": "values.yaml"});
    for (kind, labels) in [
        ("Secret", &labels),
        ("ConfigMap", &labels),
        ("ConfigMap", &json!({})),
    ] {
        let suffix = labels.as_object().unwrap().len();
        let mut object = json!({
            "apiVersion": "v1", "kind": kind,
            "metadata": {"name": format!("values-{suffix}"), "namespace": "team-a", "labels": labels},
        });
        let field = if kind == "Secret" {
            "stringData"
        } else {
            "data"
        };
        object[field] = json!({"values.yaml": config("k8s")});
        objects.push(object);
    }
    let pod = |app: &str| {
        json!({
            "metadata": {"labels": {"app": app, "release": "r1"}},
            "spec": {
                "initContainers": [{"name": "kubernetes", "image": "ghcr.io/loft-sh/kubernetes:v1.34.0"}],
                "containers": [{"name": "syncer", "image": "ghcr.io/loft-sh/vcluster-pro:0.30.4"}],
            },
        })
    };
    for app in ["vcluster", "another"] {
        objects.push(json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {
                "name": if app == "vcluster" { "r1" } else { "another" },
                "namespace": "team-a",
                "labels": {"app": app, "chart": "vcluster-0.30.4", "release": "r1"},
            },
            "spec": {
                "serviceName": "r1-headless",
                "selector": {"matchLabels": {"app": app, "release": "r1"}},
                "template": pod(app),
            },
        }));
    }
    objects.push(named(cluster_api("0.30.4", &json!("")), "team-a", "c1"));
    objects
}

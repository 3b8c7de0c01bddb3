//! Every kind that configs are kept in, at a real API server: the fixtures' objects are refused
//! there in the words that are written down beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use super::objects::both;
use super::{ACTIVE_WITHIN, label_namespace};
use crate::harness::kubectl::Kubectl;
use crate::harness::process::until;
use crate::support::file;

/// Kinds whose CRDs have nothing in them but a name: group, version, kind, plural, scope.
const KINDS: [[&str; 5]; 11] = [
    [
        "argoproj.io",
        "v1alpha1",
        "Application",
        "applications",
        "Namespaced",
    ],
    [
        "argoproj.io",
        "v1alpha1",
        "ApplicationSet",
        "applicationsets",
        "Namespaced",
    ],
    [
        "controlplane.cluster.x-k8s.io",
        "v1alpha1",
        "VCluster",
        "vclusters",
        "Namespaced",
    ],
    [
        "fleet.cattle.io",
        "v1alpha1",
        "Bundle",
        "bundles",
        "Namespaced",
    ],
    [
        "helm.cattle.io",
        "v1",
        "HelmChart",
        "helmcharts",
        "Namespaced",
    ],
    [
        "helm.cattle.io",
        "v1",
        "HelmChartConfig",
        "helmchartconfigs",
        "Namespaced",
    ],
    [
        "helm.crossplane.io",
        "v1beta1",
        "Release",
        "releases",
        "Cluster",
    ],
    [
        "management.loft.sh",
        "v1",
        "VirtualClusterInstance",
        "virtualclusterinstances",
        "Namespaced",
    ],
    [
        "management.loft.sh",
        "v1",
        "VirtualClusterTemplate",
        "virtualclustertemplates",
        "Cluster",
    ],
    [
        "storage.loft.sh",
        "v1",
        "VirtualClusterInstance",
        "virtualclusterinstances",
        "Namespaced",
    ],
    [
        "storage.loft.sh",
        "v1",
        "VirtualClusterTemplate",
        "virtualclustertemplates",
        "Cluster",
    ],
];

/// How many fixtures of one kind are tried: there are a hundred of the commonest.
const OF_A_KIND: usize = 4;

/// Their CRDs. They come last, as one kind's name is that of another group's.
fn register(admin: &Kubectl) {
    let crds: Vec<_> = KINDS.iter().map(crd).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": crds}).to_string();
    admin.must(&["apply", "-f", "-"], &list);
    let established = "--for=condition=Established";
    admin.must(&["wait", established, "--timeout=60s", "crd", "--all"], "");
}

fn crd(&[group, version, kind, plural, scope]: &[&str; 5]) -> Value {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            // the API server asks for it where a group is Kubernetes' own
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural},
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": anything},
            }],
        },
    })
}

/// A fixture that is refused when its object is created: its name, the object and the words.
struct Refused {
    name: String,
    object: Value,
    words: String,
}

fn refused() -> Vec<Refused> {
    let mut of_kind: BTreeMap<String, usize> = BTreeMap::new();
    let mut folders: Vec<_> = fs::read_dir(file("tests/fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.is_dir() && !folder.join("policy.yaml").exists())
        .collect();
    folders.sort();
    let of_the_api_server = json!({"resourceVersion": null, "uid": null, "generation": null,
        "creationTimestamp": null, "managedFields": null});
    let mut all = vec![];
    for folder in folders {
        // some are deeper than this test can read
        let read = |name: &str| {
            serde_json::from_slice::<Value>(&fs::read(folder.join(name)).unwrap()).ok()
        };
        let (Some(mut request), Some(mut answer)) = (read("request.json"), read("response.json"))
        else {
            continue;
        };
        let request = request["request"].take();
        let answer = answer["validate"]["response"].take();
        let group = request["kind"]["group"].as_str().unwrap();
        // workloads come with labels and defaults of the API server's own
        if request["operation"] != "CREATE" || answer["allowed"] != false || group == "apps" {
            continue;
        }
        let counted = of_kind.entry(request["kind"].to_string()).or_default();
        *counted += 1;
        if *counted > OF_A_KIND {
            continue;
        }
        let mut object = both(&request["object"], &json!({"metadata": of_the_api_server}));
        let mut words = answer["status"]["message"].as_str().unwrap().to_owned();
        // where nothing depends on distrogate
        if object["metadata"]["namespace"] == "kube-system" {
            object["metadata"]["namespace"] = json!("k3s-charts");
            words = words.replace("kube-system/", "k3s-charts/");
        }
        all.push(Refused {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            object,
            words,
        });
    }
    all
}

pub(super) fn fixtures_are_refused_in_their_own_words(admin: &Kubectl) {
    register(admin);
    let all = refused();
    let namespaces: BTreeSet<_> = all
        .iter()
        .filter_map(|one| one.object["metadata"]["namespace"].as_str())
        .collect();
    for namespace in namespaces {
        admin.run(&["create", "namespace", namespace], "");
        label_namespace(admin, namespace);
    }
    // a new CRD takes a moment to be served everywhere
    until("all are refused", ACTIVE_WITHIN, || {
        let said: Vec<_> = all.iter().filter_map(|one| otherwise(admin, one)).collect();
        if said.is_empty() {
            Ok(())
        } else {
            Err(said.join("\n"))
        }
    });
    let kinds: BTreeSet<_> = all
        .iter()
        .map(|one| one.object["kind"].to_string())
        .collect();
    assert!(kinds.len() >= 8, "{kinds:?}");
}

/// What is said where it is not these words.
fn otherwise(admin: &Kubectl, refused: &Refused) -> Option<String> {
    let Refused {
        name,
        object,
        words,
    } = refused;
    let create = ["create", "--dry-run=server", "-f", "-"];
    let outcome = admin.run(&create, &object.to_string());
    let is_told = outcome
        .stderr
        .contains(&format!("denied the request: {words}"));
    (!is_told).then(|| {
        format!(
            "{name}: {}{}\nbut not: {words}",
            outcome.stdout, outcome.stderr
        )
    })
}

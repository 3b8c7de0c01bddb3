//! `distrogate manifests`: what it prints, and that the files in `deploy/` are just that.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{file, run, stderr, stdout};

/// What stands above each configuration in `deploy/`.
const HEADERS: [(&str, &str); 2] = [
    (
        "validating",
        "\
# Refuses what would break a virtual cluster. Written by UPDATE_DOCS=1 tests/run from
# `distrogate manifests`: every field, API server defaults too, so that a GitOps tool sees no
# difference between this file and the cluster.
#
# Of all Secrets only those that hold a vCluster config come to the server, of Argo CD's objects,
# which have their status in themselves, only those whose spec or operation changes, of the control
# planes only those whose pods do, and of what is being deleted nothing but another spec: an outage
# cannot stop the others. An error in an expression would, so nothing is asked for that may be
# absent.
",
    ),
    (
        "mutating",
        "\
# Fills in defaults. Written by UPDATE_DOCS=1 tests/run from `distrogate manifests`: every field,
# API server defaults too, so that a GitOps tool sees no difference between this file and the
# cluster.
#
# Without defaults a deployment is less tidy, without an answer it is stopped, so it fails open:
# what must not pass is refused by the validating webhooks. Reinvoked after other webhooks, it adds
# only what is still missing.
",
    ),
];

/// A policy with carriers of its own: one that gets defaults, one that is only read.
const CUSTOM: &str = "\
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: platform}
spec:
  customCarriers:
    - group: platform.example
      kinds: [TenantCluster, TenantPolicy]
      values: [{path: spec.vcluster.values, encoding: object}]
    - group: ops.example
      kinds: [Proxy]
      values: [{path: spec.config}]
      defaults: false
";

/// What the program prints.
fn manifests(arguments: &[&str]) -> String {
    let output = run(&[&["manifests"], arguments].concat());
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
    stdout(&output)
}

/// The same as objects.
fn objects(arguments: &[&str]) -> Vec<Value> {
    let text = manifests(&[arguments, &["--format", "json"]].concat());
    let list: Value = serde_json::from_str(&text).unwrap();
    list["items"].as_array().unwrap().clone()
}

/// `UPDATE_DOCS=1` writes the files instead of comparing them.
#[test]
fn the_files_in_deploy_are_what_is_printed() {
    let text = manifests(&[]);
    let (validating, mutating) = text.split_once("---\n").unwrap();
    for ((name, header), document) in HEADERS.iter().zip([validating, mutating]) {
        let wanted = format!("{header}{document}");
        for folder in ["deploy/base", "deploy/chart/files"] {
            let path = file(folder).join(format!("{name}-webhook.yaml"));
            if std::env::var_os("UPDATE_DOCS").is_some() {
                fs::write(&path, &wanted).unwrap();
            }
            let found = fs::read_to_string(&path).unwrap();
            let shown = path.display();
            assert_eq!(found, wanted, "UPDATE_DOCS=1 tests/run writes {shown}");
        }
    }
}

/// `UPDATE_DOCS=1` copies them: a chart reads nothing outside of itself.
#[test]
fn the_chart_has_the_alerts_and_the_dashboard_of_deploy() {
    for name in ["prometheusrule.yaml", "dashboard.json"] {
        let wanted = fs::read_to_string(file("deploy/monitoring").join(name)).unwrap();
        let path = file("deploy/chart/files").join(name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &wanted).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap();
        let shown = path.display();
        assert!(found == wanted, "UPDATE_DOCS=1 tests/run writes {shown}");
    }
}

#[test]
fn json_says_the_same_as_yaml() {
    let text = manifests(&[]);
    for (document, object) in text.split("---\n").zip(objects(&[])) {
        let read =
            distrogate::values::read_yaml(document.as_bytes(), &distrogate::values::Limits::VALUES);
        assert_eq!(read.unwrap().root.to_json(), object);
    }
}

#[test]
fn all_that_can_be_said_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // one byte of DER is enough here: the API server is the one to verify
    let ca = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let text = manifests(&[
        "--url",
        "https://webhooks.example:8443/distrogate/",
        "--ca-file",
        &path("ca.crt", ca),
        "--validate-failure-policy=ignore",
        "--mutate-failure-policy=fail",
        "--timeout=3",
        "--namespace=platform",
        "--exempt-namespace=flux-system",
        "--exempt-namespace=kube-system",
        "--exempt-namespace=flux-system",
        "--policy",
        &path("policy.yaml", CUSTOM),
    ]);
    assert_snapshot!(text);
}

#[test]
fn a_service_may_be_anywhere() {
    let objects = objects(&["--namespace=platform", "--service=gate", "--port=8443"]);
    for (object, path) in objects.iter().zip(["/validate", "/mutate"]) {
        for webhook in object["webhooks"].as_array().unwrap() {
            let service =
                json!({"namespace": "platform", "name": "gate", "path": path, "port": 8443});
            assert_eq!(webhook["clientConfig"], json!({"service": service}));
            assert_eq!(
                webhook["namespaceSelector"]["matchExpressions"][0]["values"],
                json!(["kube-system", "platform"])
            );
        }
    }
}

#[test]
fn what_an_api_server_would_not_take_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let policy = |group: &str, kind: &str| {
        let text = format!(
            "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: a}}\nspec:\n  \
             customCarriers: [{{group: \"{group}\", kinds: [{kind}], values: [{{path: data.values}}]}}]\n"
        );
        path(&format!("{kind}.yaml"), &text)
    };
    let key = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n\
               -----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let scheme = "--url has to begin with https://, as the API server asks for";
    let parts = "--url may hold no user, query or fragment: the API server takes none";
    let host = "--url has to name a host after https://";
    let no_certificate = "DIR/none.crt: has to hold certificates in PEM";
    let broken = "DIR/broken.crt: has to hold certificates in PEM";
    let with_key = "DIR/both.crt: holds a private key, which everybody could read in the webhooks: \
                    name a file with certificates alone";
    let selected = |kind: &str| {
        format!(
            "customCarriers: {kind} is of the kinds that every namespace depends on, and not all of \
             it may come here: put the label distrogate.io/values on the objects instead, in a \
             ConfigMap or Secret"
        )
    };
    for (arguments, error) in [
        (
            ["--url", "http://a.example"].map(String::from),
            scheme.to_owned(),
        ),
        (["--url", "https://"].map(String::from), host.to_owned()),
        (
            ["--url", "https://:8443/"].map(String::from),
            host.to_owned(),
        ),
        (
            ["--url", "https://a.example/?b"].map(String::from),
            parts.to_owned(),
        ),
        (
            ["--url", "https://a@b.example"].map(String::from),
            parts.to_owned(),
        ),
        (
            ["--url", "https://a.example#b"].map(String::from),
            parts.to_owned(),
        ),
        (
            ["--ca-file".to_owned(), path("none.crt", "")],
            no_certificate.to_owned(),
        ),
        (
            [
                "--ca-file".to_owned(),
                path("broken.crt", "-----BEGIN CERTIFICATE-----\n"),
            ],
            broken.to_owned(),
        ),
        (
            ["--ca-file".to_owned(), path("both.crt", key)],
            with_key.to_owned(),
        ),
        (
            ["--policy".to_owned(), policy("", "ConfigMap")],
            selected("ConfigMap"),
        ),
        (
            ["--policy".to_owned(), policy("", "Secret")],
            selected("Secret"),
        ),
        (
            ["--policy".to_owned(), policy("apps", "Deployment")],
            selected("Deployment"),
        ),
        (
            ["--policy".to_owned(), policy("apps", "StatefulSet")],
            selected("StatefulSet"),
        ),
    ] {
        let output = run(&["manifests", &arguments[0], &arguments[1]]);
        let told = stderr(&output).replace(folder.path().to_str().unwrap(), "DIR");
        assert_eq!(told, format!("error: {error}\n"), "{arguments:?}");
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
    for arguments in [
        ["--timeout=0", "--port=443"],
        ["--timeout=31", "--port=443"],
        ["--timeout=5", "--port=0"],
        ["--port=443", "--url=https://a.example"],
    ] {
        let output = run(&["manifests", arguments[0], arguments[1]]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

/// Of what Helm has rendered only that comes to be changed which a policy asks for, and only what
/// would come to be judged.
#[test]
fn what_helm_has_rendered_is_mutated_where_a_policy_asks() {
    let webhooks = |into: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        let text = format!(
            "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: p}}\n\
             spec: {{defaults: {{into: [{into}]}}}}\n"
        );
        fs::write(&file, text).unwrap();
        let all = objects(&["--policy", file.to_str().unwrap()]);
        let [validating, mutating] = [0, 1].map(|number: usize| {
            let webhooks = all[number]["webhooks"].as_array().unwrap().clone();
            let named = webhooks.into_iter().map(|webhook| {
                let name = webhook["name"].as_str().unwrap().to_owned();
                (name, webhook)
            });
            named.collect::<std::collections::BTreeMap<_, _>>()
        });
        (validating, mutating)
    };
    let names = |into| webhooks(into).1.into_keys().collect::<Vec<_>>();
    assert_eq!(names("Values"), ["mutate.distrogate.io"]);
    assert_eq!(
        names("Values, Secret"),
        ["mutate-secrets.distrogate.io", "mutate.distrogate.io"],
    );
    assert_eq!(
        names("Workload"),
        ["mutate-workloads.distrogate.io", "mutate.distrogate.io"],
    );
    let (validating, mutating) = webhooks("Secret, Workload");
    let secrets = &mutating["mutate-secrets.distrogate.io"];
    assert_eq!(secrets["failurePolicy"], "Ignore");
    assert_eq!(secrets["reinvocationPolicy"], "IfNeeded");
    assert_eq!(secrets["rules"][0]["resources"], json!(["secrets"]));
    let conditions = secrets["matchConditions"].as_array().unwrap();
    let judged = validating["validate.distrogate.io"]["matchConditions"]
        .as_array()
        .unwrap();
    assert_eq!(conditions[..], judged[..2]);
    let workloads = &mutating["mutate-workloads.distrogate.io"];
    let judged = &validating["workloads.distrogate.io"];
    for key in [
        "rules",
        "objectSelector",
        "matchConditions",
        "namespaceSelector",
    ] {
        assert_eq!(workloads[key], judged[key], "{key}");
    }
}

//! No secret ever comes out: 200 reviews and more with a marker wherever one can stand, against the
//! program itself, with everything logged.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::dev_server::DevServer;

/// What must not be seen again.
const MARKER: &str = "hunter2canary";

/// A policy of many words: more remarks, more suggestions, a carrier of its own.
const POLICY: &str = r"
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: platform}
spec:
  defaults:
    on: Always
    mode: MODE
    values:
      controlPlane:
        advanced: {defaultImageRegistry: registry.corp.example}
        distro: {k8s: {resources: {limits: {memory: 512Mi}}}}
  rules:
    tag-form: {action: Warn}
    unknown-field: {action: Warn}
    extra-args: {denied: ['--*']}
";

/// Values with the marker in them, in the forms of Helm, of slips and of mistakes.
fn values() -> Vec<Value> {
    let m = MARKER;
    let env = json!([{"name": "PASSWORD", "value": m}]);
    vec![
        json!({
            "controlPlane": {
                "distro": {
                    "k8s": {
                        "enabled": true,
                        "apiServer": {"extraArgs": [format!("--token={m}")], "command": [m]},
                        "env": env,
                        "secret": {"deep": [m]},
                    },
                },
                "backingStore": {"database": {"external": {
                    "enabled": true,
                    "dataSource": format!("mysql://root:{m}@tcp(db)/x"),
                    "caFile": m,
                }}},
                "statefulSet": {"env": env, "annotations": {"token": m}},
            },
            "experimental": {"deploy": {"vcluster": {"manifests": format!("password: {m}")}}},
            "telemetry": {"platformUserID": m},
            "password": m,
        }),
        json!({"controlPlane": {"distro": {
            "k3s": {
                "enabled": true, "token": m, "env": env, "extraArgs": [format!("--token={m}")],
            },
            "k8s": {"enabled": true},
        }}}),
        json!({"controlPlane": {"distro": {
            "k8s": {
                "enabled": true, "env": m, "extraArgs": m, "passwort": m, "resources": m,
                "scheduler": m, "controllerManager": [m], "apiServer": {"extraArgs": {"a": m}},
            },
            "k3s": m,
            "oops": {"token": m},
        }}}),
        json!({"controlPlane": {
            "distro": {"k8s": {
                "enabled": true,
                "apiServer": {"extraArgs": ["--token", m, format!("token={m}"), format!("-t={m}"), m]},
                "env": [
                    {"name": format!("TOKEN={m}"), "value": m}, {"name": "A", "value": {"x": m}},
                    {"name": "A", "value": m, "valueFrom": {"secretKeyRef": {"name": m, "key": m}}},
                ],
                "securityContext": {"privileged": true, "seLinuxOptions": {"user": m}},
            }},
            "backingStore": {
                "etcd": {"embedded": {"enabled": true}},
                "database": {
                    "embedded": {"enabled": true, "dataSource": m, "keyFile": m},
                    "external": {"enabled": true, "dataSource": m},
                },
            },
        }}),
        json!({"controlPlane": {"distro": {
            "k3s": {"enabled": true, "token": {"value": m}, "image": m, "extraArgs": [{"x": m}]},
            "k3": m,
        }}}),
        json!({"controlPlane": {"distro": m, "advanced": m, "backingStore": m}}),
        json!({"controlPlane": m, "x": m}),
    ]
}

/// Texts that nobody can read, or not as they were meant.
fn texts() -> Vec<String> {
    let m = MARKER;
    let k3s = "controlPlane:\n  distro:\n    k3s:\n      enabled: true\n";
    vec![
        format!("{k3s}      token: \"{m}\n"),
        format!("{k3s}      token: *{m}\n"),
        format!("{k3s}      token: {m}: {m}\n"),
        format!("{k3s}      token: !{m} {m}\n"),
        format!("{k3s}      token:{m}\n"),
        format!("{k3s}\ttoken: {m}\n"),
        format!("{k3s}      token: {m}\n      token: {m}\n"),
        format!("{k3s}      token: [{m}\n"),
        format!("{k3s}      \"--token={m}\": true\n"),
        format!("{k3s}      token: \"{{{{ .Values.{m} }}}}\"\n      env: {{{{ {m} }}\n"),
        format!("{k3s}      extraArgs: |-2\n {m}\n"),
        format!("%{m} 1\n---\n{k3s}---\n{m}\n"),
        m.to_owned(),
    ]
}

/// Every carrier with these values, as an object where it takes one and as text where it takes that.
fn carriers(values: &Value, text: &str) -> Vec<Value> {
    [
        of_clusters(values, text),
        of_charts(values, text),
        of_argo(values, text),
        rendered(text),
    ]
    .concat()
}

fn object(api_version: &str, kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "spec": spec})
}

/// Names and values in Helm's `--set` grammar, some of them wrong.
fn set() -> Value {
    let m = MARKER;
    json!({
        "controlPlane.distro.k3s.token": m,
        "controlPlane.distro.k8s.env[0].value": format!("x,{m}"),
        "controlPlane.distro.k8s.extraArgs": format!("{{--a={m}"),
        "controlPlane.distro.k3s.extraArgs[x]": m,
        "controlPlane.distro.k8s.version": format!("v1.33.4,{m}"),
    })
}

fn set_list() -> Vec<Value> {
    let set = set();
    let entries = set.as_object().unwrap().iter();
    entries
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

fn of_clusters(values: &Value, text: &str) -> Vec<Value> {
    let m = MARKER;
    let chart = json!({"name": "vcluster", "version": "0.30.4"});
    let platform = json!({
        "helmRelease": {"chart": chart, "values": text}, "accessPoint": {"token": m},
    });
    let cluster_api = "infrastructure.cluster.x-k8s.io/v1alpha1";
    let instance = json!({"template": platform, "parameters": format!("token: {m}\n")});
    let template = json!({
        "template": platform,
        "parameters": [{"variable": "token", "defaultValue": m}],
        "versions": [{"version": "1.0.0", "template": platform}],
    });
    vec![
        object(
            cluster_api,
            "VCluster",
            &json!({"helmRelease": {"chart": chart, "values": text}}),
        ),
        object(
            cluster_api,
            "VCluster",
            &json!({"helmRelease": {"chart": chart, "valuesObject": values}}),
        ),
        object("storage.loft.sh/v1", "VirtualClusterInstance", &instance),
        object("storage.loft.sh/v1", "VirtualClusterTemplate", &template),
    ]
}

fn of_charts(values: &Value, text: &str) -> Vec<Value> {
    let m = MARKER;
    let chart = json!({"chart": "vcluster", "version": "0.30.4"});
    let with = |more: Value| {
        let mut spec = chart.clone();
        let more = more.as_object().unwrap().clone();
        spec.as_object_mut().unwrap().extend(more);
        spec
    };
    let flux = json!({
        "chart": {"spec": chart},
        "valuesFrom": [{"kind": "Secret", "name": m, "valuesKey": m}],
        "values": values,
    });
    let crossplane = json!({"forProvider": {
        "chart": {"name": "vcluster", "version": "0.30.4"}, "values": values, "set": set_list(),
    }});
    let fleet = json!({
        "helm": with(json!({"values": values})), "resources": [{"content": m}],
    });
    vec![
        object("helm.toolkit.fluxcd.io/v2", "HelmRelease", &flux),
        object(
            "helm.cattle.io/v1",
            "HelmChart",
            &with(json!({"valuesContent": text, "set": set()})),
        ),
        object(
            "helm.cattle.io/v1",
            "HelmChart",
            &with(json!({"values": values, "authSecret": {"name": m}})),
        ),
        object("helm.crossplane.io/v1beta1", "Release", &crossplane),
        object("fleet.cattle.io/v1alpha1", "Bundle", &fleet),
    ]
}

fn of_argo(values: &Value, text: &str) -> Vec<Value> {
    let m = MARKER;
    let source = |helm: Value| {
        json!({
            "repoURL": format!("https://ann:{m}@charts.example"), "chart": "vcluster",
            "targetRevision": "0.30.4", "helm": helm,
        })
    };
    let as_text = source(json!({"values": text, "parameters": set_list()}));
    let as_object = source(json!({
        "valuesObject": values, "fileParameters": [{"name": "a", "path": m}],
    }));
    let set = json!({
        "generators": [{"list": {"elements": [{"token": m}]}}],
        "template": {"metadata": {"name": "dev"}, "spec": {"source": as_text}},
    });
    let api_version = "argoproj.io/v1alpha1";
    vec![
        object(api_version, "Application", &json!({"source": as_text})),
        object(api_version, "Application", &json!({"source": as_object})),
        object(api_version, "ApplicationSet", &set),
    ]
}

/// What Helm makes of a chart, and what it takes values from.
fn rendered(text: &str) -> Vec<Value> {
    let m = MARKER;
    let pod = json!({"spec": {
        "initContainers": [{
            "name": "kubernetes", "image": "ghcr.io/loft-sh/kubernetes:1.33.4", "args": [m],
            "env": [{"name": "TOKEN", "value": m}], "command": ["sh", "-c", m],
            "volumeMounts": [{"name": "binaries", "mountPath": "/binaries"}],
        }],
        "containers": [{
            "name": "syncer", "args": [m], "env": [{"name": "K3S_TOKEN", "value": m}],
        }],
    }});
    let workload = |kind: &str| {
        let mut workload = object("apps/v1", kind, &json!({"template": pod}));
        workload["metadata"]["labels"] =
            json!({"app": "vcluster", "release": "dev", "chart": "vcluster-0.30.4"});
        workload
    };
    let data = json!({
        "config.yaml": STANDARD.encode(text), "values.yaml": STANDARD.encode(text),
        "password": STANDARD.encode(m), m: STANDARD.encode(m),
    });
    let secret = |name: &str, labels: Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": labels},
            "data": data, "stringData": {"token": m},
        })
    };
    vec![
        secret("vc-config-dev", json!({"chart": "vcluster-0.30.4"})),
        secret("values", json!({"distrogate.io/values": "values.yaml"})),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"labels": {"distrogate.io/values": ""}},
            "data": {"values.yaml": text, "password": m},
        }),
        workload("StatefulSet"),
        workload("Deployment"),
    ]
}

/// The review of an object, with the marker in what surrounds it, too.
fn review(mut object: Value, number: usize) -> String {
    let m = MARKER;
    let metadata = &mut object["metadata"];
    if metadata["name"].is_null() {
        metadata["name"] = json!("dev");
    }
    metadata["namespace"] = json!("team-a");
    metadata["annotations"] = json!({
        "corp.example/token": m,
        "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"token\":\"{m}\"}}"),
        "distrogate.io/defaults": format!("{{\"\":{{\"controlPlane.distro.k3s.token\":\"{m}\"}},\"{m}\":1}}"),
    });
    metadata["managedFields"] = json!([{
        "manager": "kubectl", "operation": "Apply", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {format!("k:{{\"name\":\"{m}\"}}"): {}}},
    }]);
    object["status"] = json!({"token": m, "history": [m]});
    let mut old = Value::Null;
    if number % 2 == 1 {
        // of another chart, so that it is not untouched
        old = serde_json::from_str(&object.to_string().replace("0.30.4", "0.30.3")).unwrap();
        if object["kind"] == "HelmRelease" {
            let k3s = json!({"enabled": true, "token": m});
            old["spec"]["values"] = json!({"controlPlane": {"distro": {"k3s": k3s}}});
        }
    }
    let (group, version) = object["apiVersion"]
        .as_str()
        .unwrap()
        .split_once('/')
        .unwrap_or(("", "v1"));
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": format!("canary-{number}"),
            "kind": {"group": group, "version": version, "kind": object["kind"]},
            "namespace": "team-a",
            "name": object["metadata"]["name"],
            "operation": if old.is_null() { "CREATE" } else { "UPDATE" },
            "userInfo": {"username": "ann", "extra": {"token": [m]}},
            "options": {"fieldManager": m},
            "object": object,
            "oldObject": old,
            "dryRun": false,
        },
    })
    .to_string()
}

/// Fails if the marker is in an answer where the user did not put it: a patch of a text holds the
/// rest of that text.
fn look_through(answer: &str, response: &Value, body: &str, what: &str) {
    let patch = response["patch"].as_str().unwrap_or_default();
    let rest = if patch.is_empty() {
        answer.to_owned()
    } else {
        answer.replace(patch, "")
    };
    assert_unseen(&rest, what);
    let patch = STANDARD.decode(patch).unwrap();
    if patch.is_empty() {
        return;
    }
    let body: Value = serde_json::from_str(body).unwrap();
    let patch: Value = serde_json::from_slice(&patch).unwrap();
    for operation in patch.as_array().unwrap() {
        let at = operation["path"].as_str().unwrap();
        let before = body["request"]["object"]
            .pointer(at)
            .and_then(Value::as_str);
        let count = |text: &str| text.matches(MARKER).count();
        let had = before.map_or(0, count);
        let has = count(&operation["value"].to_string());
        assert!(has <= had, "{what}: {operation}");
        let recorded = at.contains("distrogate.io~1defaults") && has > 0;
        assert!(!recorded, "{what}: {operation}");
    }
}

/// Fails if the marker is in a text, plain or as a Secret has it.
fn assert_unseen(text: &str, what: &str) {
    for form in [MARKER.to_owned(), STANDARD.encode(MARKER)] {
        if let Some(line) = text.lines().find(|line| line.contains(&form)) {
            panic!("{what}: {line}");
        }
    }
}

/// Sends all reviews to both webhooks of a server; says how many there were.
fn send_all(server: &DevServer) -> usize {
    let mut objects = Vec::new();
    for values in values() {
        objects.extend(carriers(&values, &values.to_string()));
    }
    for text in texts() {
        objects.extend(carriers(&json!(text), &text));
    }
    let mut number = 0;
    let mut decisions = std::collections::BTreeSet::new();
    for object in objects {
        for _ in ["created", "changed"] {
            let body = review(object.clone(), number);
            for path in ["/mutate", "/validate"] {
                let (response, answer) = server.post(path, &body);
                let what = format!("{path}, {}: {body}", response["uid"]);
                assert!(
                    answer.starts_with("HTTP/1.1 200 OK\r\n"),
                    "{what}\n{answer}"
                );
                look_through(&answer, &response, &body, &what);
                let patched = !response["patch"].is_null();
                let warned = !response["warnings"].is_null();
                decisions.insert((response["allowed"] == true, patched, warned));
            }
            number += 1;
        }
    }
    // the reviews are worth something: of all kinds of answers there are some
    assert!(decisions.len() >= 4, "{decisions:?}");
    for body in [
        format!("{{\"{MARKER}"),
        format!("{{\"apiVersion\": \"{MARKER}\", \"kind\": \"{MARKER}\"}}"),
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": [MARKER]}}).to_string(),
        MARKER.to_owned(),
    ] {
        let (_, answer) = server.post("/validate", &body);
        assert!(answer.contains("\"kind\":\"Status\""), "{answer}");
        assert_unseen(&answer, &body);
    }
    number
}

fn nothing_comes_out(log_format: &str, mode: &str) {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    fs::write(&policy, POLICY.replace("MODE", mode)).unwrap();
    let policy = policy.to_str().unwrap();
    let server = DevServer::start(&[
        "--log-level",
        "trace",
        "--log-format",
        log_format,
        "--policy",
        policy,
    ]);
    let count = send_all(&server);
    assert!(count >= 200, "{count}");
    assert_unseen(&server.scrape(), "metrics");
    let (printed, log) = server.stop();
    assert_unseen(&printed.join("\n"), "standard output");
    let lines = log.matches("Reviewed").count();
    assert!(lines >= count, "the log says something: {lines} of {count}");
    assert_unseen(&log, "log");
}

#[test]
fn no_secret_comes_out_with_a_text_log() {
    nothing_comes_out("text", "Edit");
}

#[test]
fn no_secret_comes_out_with_a_json_log() {
    nothing_comes_out("json", "Suggest");
}

//! What a review costs, from bytes to bytes: the cases that an API server sends most.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use distrogate::admission::{self, Endpoint};
use distrogate::gate::{self, Cluster};
use distrogate::policy::{Document, Policy};
use distrogate::values::{Limits, read_yaml};
use distrogate::vcluster::Catalogue;
use serde_json::{Value, json};

/// Cases of `tests/fixtures`, and the webhook that is called.
const CASES: [(&str, Endpoint); 6] = [
    // the pod writes an annotation
    ("secret-untouched-annotate", Endpoint::Validate),
    // `helm upgrade` writes another merged config, 5 KB
    ("secret-update-era-d-0.36", Endpoint::Validate),
    ("secret-two-distros-k3s-k8s-0.30", Endpoint::Validate),
    ("helmrelease-create-era-d-0.36", Endpoint::Mutate),
    ("helmrelease-create-era-d-0.36", Endpoint::Validate),
    // no version: every chart of the catalogue has to be thought of
    ("helmrelease-chart-no-version", Endpoint::Validate),
];

fn review(criterion: &mut Criterion) {
    let policy = Policy::built_in();
    let cluster = Cluster::default();
    for (case, endpoint) in CASES {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(case)
            .join("request.json");
        let body = fs::read(file).expect("a fixture of this name");
        criterion.bench_function(&format!("{endpoint:?} {case}"), |bencher| {
            bencher.iter(|| {
                let answer = admission::answer(black_box(&body), |request| {
                    gate::review(request, endpoint, &policy, &cluster)
                });
                black_box(answer.is_ok())
            });
        });
    }
}

fn reader(criterion: &mut Criterion) {
    let entries: Vec<_> = (0..1_000)
        .map(|n| format!("key{n}:\n  enabled: true\n  image: v1.{n}.0\n"))
        .collect();
    let config = entries.concat();
    let name = format!("read_yaml, {} KB of block maps", config.len() / 1_000);
    criterion.bench_function(&name, |bencher| {
        bencher.iter(|| read_yaml(black_box(config.as_bytes()), &Limits::VALUES));
    });
}

/// What grows with a carrier: twice as many sources, parameters or items have to cost about twice
/// as much, never four times.
fn roads(criterion: &mut Criterion) {
    let policy = Policy::built_in();
    let cluster = Cluster::default();
    for count in [10, 100, 1_000] {
        for (name, object) in [
            ("sources", sources(count)),
            ("parameters", parameters(count)),
            ("list items", list_items(count)),
            ("versions", versions(count)),
        ] {
            let body = body(&object);
            for endpoint in [Endpoint::Mutate, Endpoint::Validate] {
                let name = format!("{endpoint:?} {count} {name}");
                criterion.bench_function(&name, |bencher| {
                    bencher.iter(|| {
                        let answer = admission::answer(black_box(&body), |request| {
                            gate::review(request, endpoint, &policy, &cluster)
                        });
                        black_box(answer.is_ok())
                    });
                });
            }
        }
    }
}

fn body(object: &Value) -> Vec<u8> {
    let (group, version) = object["apiVersion"]
        .as_str()
        .and_then(|text| text.split_once('/'))
        .unwrap_or_default();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "0f3d0c5e-6a4f-4b3e-9a43-3f0f5a3b7b52",
            "kind": {"group": group, "version": version, "kind": object["kind"]},
            "namespace": "argocd",
            "name": "dev",
            "operation": "CREATE",
            "object": object,
        },
    });
    review.to_string().into_bytes()
}

fn application(sources: &[Value]) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "dev", "namespace": "argocd"},
        "spec": {"destination": {"namespace": "vc"}, "sources": sources},
    })
}

fn source(number: usize, helm: &Value) -> Value {
    let mut helm = helm.clone();
    if let Some(helm) = helm.as_object_mut() {
        helm.insert("releaseName".into(), json!(format!("vc-{number}")));
    }
    json!({"chart": "vcluster", "repoURL": "https://example.test", "targetRevision": "0.30.4", "helm": helm})
}

fn sources(count: usize) -> Value {
    let values = json!({"valuesObject": {"controlPlane": {"distro": {"k8s": {"enabled": true}}}}});
    let sources: Vec<_> = (0..count).map(|number| source(number, &values)).collect();
    application(&sources)
}

fn parameters(count: usize) -> Value {
    let parameters: Vec<_> = (0..count)
        .map(|number| json!({"name": format!("controlPlane.distro.k8s.extra.k{number}"), "value": "x"}))
        .collect();
    application(&[source(0, &json!({"parameters": parameters}))])
}

fn list_items(count: usize) -> Value {
    let env: Vec<_> = (0..count)
        .map(|number| json!({"name": format!("N{number}"), "value": "x"}))
        .collect();
    let values = json!({"controlPlane": {"distro": {"k8s": {"env": env}}}});
    application(&[source(0, &json!({"valuesObject": values}))])
}

fn versions(count: usize) -> Value {
    let version = |number| {
        json!({"version": format!("{number}.0.0"), "template": {"helmRelease": {
            "chart": {"version": "0.30.x"},
            "values": "controlPlane: {distro: {k8s: {enabled: true}}}",
        }}})
    };
    json!({
        "apiVersion": "storage.loft.sh/v1",
        "kind": "VirtualClusterTemplate",
        "metadata": {"name": "dev"},
        "spec": {"versions": (0..count).map(version).collect::<Vec<_>>()},
    })
}

/// A thousand teams' documents, of which one matches, have to cost about what that one costs.
fn policies(criterion: &mut Criterion) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/helmrelease-create-era-d-0.36/request.json");
    let body = fs::read(file).expect("a fixture of this name");
    let cluster = Cluster::default();
    for (by, matching) in [
        ("namespaces", "namespaces: [team-NUMBER]"),
        ("patterns of namespaces", "namespaces: [\"team-NUMBER*\"]"),
        ("targetNamespaces", "targetNamespaces: [team-NUMBER]"),
        ("carriers", "carriers: [NUMBER]"),
    ] {
        for count in [1, 1_000] {
            let documents = (0..count).map(|number| {
                // the first is about the review, whose object is in team-a
                let here = if by == "carriers" { "HelmRelease" } else { "a" };
                let number = match number {
                    0 => here.to_owned(),
                    number => format!("n{number}"),
                };
                let matching = matching.replace("NUMBER", &number);
                let name = number.to_lowercase();
                let text = format!(
                    "{{apiVersion: distrogate.io/v1alpha1, kind: DistroPolicy, \
                     metadata: {{name: {name}}}, spec: {{match: {{{matching}}}, \
                     rules: {{tag-form: {{action: Warn}}}}}}}}"
                );
                Document::parse(&text, Catalogue::embedded()).expect("a policy")
            });
            let policy = Policy::of(documents.collect(), Catalogue::embedded());
            let policy = policy.expect("different names");
            let name = format!("{count} documents by {by}");
            criterion.bench_function(&name, |bencher| {
                bencher.iter(|| {
                    let answer = admission::answer(black_box(&body), |request| {
                        gate::review(request, Endpoint::Validate, &policy, &cluster)
                    });
                    black_box(answer.is_ok())
                });
            });
        }
    }
}

criterion_group!(benches, review, reader, roads, policies);
criterion_main!(benches);

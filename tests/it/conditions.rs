//! `matchConditions`, evaluated with a CEL interpreter: under `failurePolicy: Fail` an error in one
//! of them would block the cluster's Secrets, so there is none, whatever an object lacks.
//!
//! What is null is no variable at all here, so that asking for it is an error, as it is in the API
//! server: `oldObject` on CREATE, `object` on DELETE.

use cel::{Context, Program};
use serde_json::{Value, json};

use crate::support::{run, stdout};

/// A policy that has a mutating webhook for everything.
const AFTER_HELM: &str = "
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: after-helm}
spec:
  defaults: {into: [Values, Secret, Workload]}
";

/// The webhooks that Secrets come here by: to be judged, and to get defaults after Helm.
const OF_SECRETS: [&str; 2] = ["validate.distrogate.io", "mutate-secrets.distrogate.io"];

/// The same for workloads.
const OF_WORKLOADS: [&str; 2] = ["workloads.distrogate.io", "mutate-workloads.distrogate.io"];

/// The conditions of one webhook.
struct Webhook(Vec<Program>);

impl Webhook {
    /// As `distrogate manifests` prints them.
    fn named(name: &str) -> Self {
        let policy = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(policy.path(), AFTER_HELM).unwrap();
        let policy = policy.path().to_str().unwrap();
        let output = run(&["manifests", "--format", "json", "--policy", policy]);
        let list: Value = serde_json::from_str(&stdout(&output)).unwrap();
        let webhooks = list["items"].as_array().unwrap().iter();
        let mut webhooks = webhooks.flat_map(|item| item["webhooks"].as_array().unwrap());
        let webhook = webhooks.find(|webhook| webhook["name"] == name);
        let conditions = webhook.unwrap()["matchConditions"].as_array().unwrap();
        let compile = |one: &Value| Program::compile(one["expression"].as_str().unwrap()).unwrap();
        Self(conditions.iter().map(compile).collect())
    }

    /// Whether the API server would send this here.
    fn is_sent(&self, request: &Value) -> bool {
        let mut context = Context::default();
        context
            .add_variable("request", &request["request"])
            .unwrap();
        for name in ["object", "oldObject"] {
            if !request[name].is_null() {
                context.add_variable(name, &request[name]).unwrap();
            }
        }
        // every one, also after one that says no: the API server does not stop there
        let answers = self.0.iter().map(|program| {
            let answer = program.execute(&context);
            match answer {
                Ok(cel::Value::Bool(answer)) => answer,
                other => panic!("{other:?} for {request:#}"),
            }
        });
        answers.fold(true, |all, answer| all & answer)
    }
}

/// What conditions know of a request. Groups and resources are there always, a name is not.
fn request(
    (group, resource): (&str, &str),
    operation: &str,
    name: Option<&str>,
    object: &Value,
    old: &Value,
) -> Value {
    let mut request = json!({
        "operation": operation,
        "namespace": "team-a",
        "resource": {"group": group, "version": "v1", "resource": resource},
    });
    if let Some(name) = name {
        request["name"] = json!(name);
    }
    json!({"request": request, "object": object, "oldObject": old})
}

/// An object of parts, of which each may be absent.
fn object(metadata: [(&str, &Option<Value>); 3], rest: &[(&str, &Option<Value>)]) -> Value {
    let mut object = json!({"metadata": {"namespace": "team-a", "uid": "1"}});
    for (key, value) in metadata {
        if let Some(value) = value {
            object["metadata"][key] = value.clone();
        }
    }
    for (key, value) in rest {
        if let Some(value) = value {
            object[key] = value.clone();
        }
    }
    object
}

const SECRETS: (&str, &str) = ("", "secrets");

/// Annotations say nothing, but may be absent.
fn annotations() -> [Option<Value>; 2] {
    [None, Some(json!({"vcluster.loft.sh/object-name": "x"}))]
}

fn labels() -> [Option<Value>; 5] {
    [
        None,
        Some(json!({})),
        Some(json!({"app": "vcluster"})),
        Some(json!({"app": "vcluster", "chart": "vcluster-0.30.4"})),
        Some(json!({"app": "vcluster", "chart": "vcluster-0.31.0"})),
    ]
}

fn data() -> [Option<Value>; 5] {
    [
        None,
        Some(json!({})),
        Some(json!({"config.yaml": "YQ=="})),
        Some(json!({"config.yaml": "Yg=="})),
        Some(json!({"config.yaml": "YQ==", "other": "YQ=="})),
    ]
}

#[test]
fn the_judge_knows_errors() {
    let judge = |expression: &str, request: &Value| {
        let webhook = Webhook(vec![Program::compile(expression).unwrap()]);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| webhook.is_sent(request))).ok()
    };
    let bare = object([("", &None); 3], &[]);
    let request = request(SECRETS, "CREATE", None, &bare, &Value::Null);
    for (expression, answer) in [
        ("object.data == object.data", None),
        ("object.metadata.labels['chart'] == 'x'", None),
        ("has(object.metadata.labels.chart)", None),
        ("request.name == 'x'", None),
        ("has(oldObject.data)", None),
        ("'text'", None),
        ("has(object.data)", Some(false)),
        ("has(object.metadata.uid)", Some(true)),
    ] {
        assert_eq!(judge(expression, &request), answer, "{expression}");
    }
}

#[test]
fn a_secret_that_is_created_comes_here_by_its_name() {
    for name in OF_SECRETS {
        created_secrets_come_here(&Webhook::named(name));
    }
}

fn created_secrets_come_here(webhook: &Webhook) {
    let names = [
        None,
        Some(""),
        Some("vc-config-dev"),
        Some("vc-config-"),
        Some("vc-dev"),
        Some("my-vc-config-dev"),
    ];
    let prefixes = [
        None,
        Some(""),
        Some("vc-config-"),
        Some("vc-config-dev-"),
        Some("other-"),
    ];
    let mut sent = 0;
    for name in names {
        for prefix in prefixes {
            // the generated name begins with the prefix, and counts where there is none
            let begins = match name {
                None | Some("") => prefix.unwrap_or_default(),
                Some(name) => name,
            };
            let expected = begins.starts_with("vc-config-");
            for labels in &labels() {
                for annotations in &annotations() {
                    for data in &data() {
                        let prefix = prefix.map(|prefix| json!(prefix));
                        let metadata = [
                            ("generateName", &prefix),
                            ("labels", labels),
                            ("annotations", annotations),
                        ];
                        let object = object(metadata, &[("data", data)]);
                        let request = request(SECRETS, "CREATE", name, &object, &Value::Null);
                        assert_eq!(webhook.is_sent(&request), expected, "{request:#}");
                        sent += usize::from(expected);
                    }
                }
            }
        }
    }
    assert_eq!(sent, (2 * 5 + 2 * 2) * 50);
}

#[test]
fn an_update_of_a_secret_comes_here_with_other_data_or_another_chart() {
    for name in OF_SECRETS {
        updated_secrets_come_here(&Webhook::named(name));
    }
}

fn updated_secrets_come_here(webhook: &Webhook) {
    let chart = |labels: &Option<Value>| labels.as_ref().map(|labels| labels["chart"].clone());
    for name in ["vc-config-dev", "sh.helm.release.v1.dev.v1"] {
        for (labels, old_labels) in pairs(&labels()) {
            for (data, old_data) in pairs(&data()) {
                for (annotations, old_annotations) in pairs(&annotations()) {
                    let one = |labels, annotations, data| {
                        let metadata = [
                            ("generateName", &None),
                            ("labels", labels),
                            ("annotations", annotations),
                        ];
                        object(metadata, &[("data", data)])
                    };
                    let new = one(labels, annotations, data);
                    let old = one(old_labels, old_annotations, old_data);
                    let is_another_chart =
                        chart(labels).unwrap_or_default() != chart(old_labels).unwrap_or_default();
                    let expected =
                        name == "vc-config-dev" && (data != old_data || is_another_chart);
                    let request = request(SECRETS, "UPDATE", Some(name), &new, &old);
                    assert_eq!(webhook.is_sent(&request), expected, "{request:#}");
                }
            }
        }
    }
}

/// Each with each, itself too.
fn pairs(all: &[Option<Value>]) -> impl Iterator<Item = (&Option<Value>, &Option<Value>)> {
    all.iter()
        .flat_map(move |one| all.iter().map(move |other| (one, other)))
}

#[test]
fn argo_cds_objects_come_here_with_another_spec_or_operation() {
    let webhook = Webhook::named("validate.distrogate.io");
    let specs = [
        None,
        Some(Value::Null),
        Some(json!({})),
        Some(json!({"source": {"chart": "vcluster"}})),
        Some(json!({"source": {"chart": "vcluster", "targetRevision": "0.30.4"}})),
    ];
    let operations = [
        None,
        Some(Value::Null),
        Some(json!({"sync": {}})),
        Some(json!({"sync": {"source": {"chart": "vcluster"}}})),
    ];
    let statuses = [None, Some(json!({"sync": {"status": "Synced"}}))];
    let bare = [("", &None); 3];
    for resource in ["applications", "applicationsets"] {
        let application = ("argoproj.io", resource);
        for (spec, old_spec) in pairs(&specs) {
            for (operation, old_operation) in pairs(&operations) {
                for (status, old_status) in pairs(&statuses) {
                    let one = |spec, operation, status| {
                        object(
                            bare,
                            &[("spec", spec), ("operation", operation), ("status", status)],
                        )
                    };
                    let new = one(spec, operation, status);
                    let old = one(old_spec, old_operation, old_status);
                    let is_asked_to_sync = operation.is_some() && operation != old_operation;
                    let update = request(application, "UPDATE", Some("dev"), &new, &old);
                    let expected = spec != old_spec || is_asked_to_sync;
                    assert_eq!(webhook.is_sent(&update), expected, "{update:#}");
                    let create = request(application, "CREATE", None, &new, &Value::Null);
                    assert!(webhook.is_sent(&create), "{create:#}");
                }
            }
        }
    }
}

#[test]
fn everything_else_comes_here_whatever_it_lacks() {
    let webhook = Webhook::named("validate.distrogate.io");
    let full = json!({
        "metadata": {"name": "dev", "generateName": "d", "labels": {}, "annotations": {}},
        "data": {},
        "spec": {},
        "status": {},
    });
    let objects = [json!({"metadata": {}}), full];
    for kind in [
        ("helm.toolkit.fluxcd.io", "helmreleases"),
        ("infrastructure.cluster.x-k8s.io", "vclusters"),
        ("helm.cattle.io", "helmcharts"),
        ("fleet.cattle.io", "bundles"),
        // whose name is that of another group's
        ("platform.example", "secrets"),
        ("platform.example", "applications"),
    ] {
        for name in [None, Some(""), Some("dev")] {
            for new in &objects {
                for old in &objects {
                    let update = request(kind, "UPDATE", name, new, old);
                    assert!(webhook.is_sent(&update), "{update:#}");
                }
                let create = request(kind, "CREATE", name, new, &Value::Null);
                assert!(webhook.is_sent(&create), "{create:#}");
                // no rule asks for it, and no error if one did
                let delete = request(kind, "DELETE", name, &Value::Null, new);
                assert!(webhook.is_sent(&delete), "{delete:#}");
            }
        }
    }
}

#[test]
fn what_is_deleted_can_go_without_us() {
    let webhook = Webhook::named("validate.distrogate.io");
    let release = ("helm.toolkit.fluxcd.io", "helmreleases");
    let with = |key: &str, is_going: bool, finalizers: &[&str], chart: &str| {
        let mut object = json!({"metadata": {"name": "dev", "finalizers": finalizers}});
        object[key] = json!({"chart": chart});
        if is_going {
            object["metadata"]["deletionTimestamp"] = json!("2026-11-01T00:00:00Z");
        }
        object
    };
    let one = ["finalizers.example"];
    for (words, new, old, expected) in [
        (
            "the last finalizer goes",
            with("spec", true, &[], "a"),
            with("spec", true, &one, "a"),
            false,
        ),
        (
            "deleted, and changed nevertheless",
            with("spec", true, &one, "b"),
            with("spec", true, &one, "a"),
            true,
        ),
        (
            "nobody deletes it",
            with("spec", false, &[], "a"),
            with("spec", false, &one, "a"),
            true,
        ),
        (
            "where the config is kept elsewhere",
            with("config", true, &[], "a"),
            with("config", true, &one, "a"),
            true,
        ),
    ] {
        let update = request(release, "UPDATE", Some("dev"), &new, &old);
        assert_eq!(webhook.is_sent(&update), expected, "{words}");
    }
    let secret = |data: &str, finalizers: &[&str]| {
        let mut object = with("data", true, finalizers, data);
        object["metadata"]["labels"] = json!({"chart": "vcluster-0.30.4"});
        object
    };
    for (words, data, expected) in [
        ("a Secret's last finalizer goes", "a", false),
        ("a Secret that a pod can still read is changed", "b", true),
    ] {
        let (new, old) = (secret(data, &[]), secret("a", &one));
        let update = request(SECRETS, "UPDATE", Some("vc-config-dev"), &new, &old);
        assert_eq!(webhook.is_sent(&update), expected, "{words}");
    }
}

#[test]
fn a_workload_comes_here_with_another_pod() {
    for name in OF_WORKLOADS {
        workloads_come_here(&Webhook::named(name));
    }
}

fn workloads_come_here(webhook: &Webhook) {
    let with = |image: &str, replicas: u32, labels: Value| {
        json!({
            "metadata": {"name": "dev", "labels": labels},
            "spec": {
                "replicas": replicas,
                "template": {"spec": {"initContainers": [{"image": image}]}},
            },
            "status": {"replicas": replicas},
        })
    };
    let before = with("a:v1", 1, json!({"app": "vcluster"}));
    for resource in ["statefulsets", "deployments"] {
        let kind = ("apps", resource);
        for (after, expected) in [
            (with("a:v1", 1, json!({"app": "vcluster"})), false),
            (
                with("a:v1", 3, json!({"app": "vcluster", "more": "x"})),
                false,
            ),
            (with("a:v2", 1, json!({"app": "vcluster"})), true),
            (with("a:v2", 3, json!({})), true),
        ] {
            let update = request(kind, "UPDATE", Some("dev"), &after, &before);
            assert_eq!(webhook.is_sent(&update), expected, "{update:#}");
            let create = request(kind, "CREATE", None, &after, &Value::Null);
            assert!(webhook.is_sent(&create), "{create:#}");
        }
    }
}

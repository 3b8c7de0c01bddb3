//! `deploy/` and `certs/` build, and the webhooks say everything that an API server would add.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distrogate::values::{Limits, read_yaml};
use serde_json::{Value, json};

use crate::harness::kubectl::Kubectl;
use crate::harness::manifests::{build, copy, text};
use crate::support::{file, has_kubectl, run, stderr};

/// The objects of a kustomization.
pub(crate) fn objects(folder: &str) -> Vec<Value> {
    objects_at(&file(folder))
}

/// The same, wherever that is.
pub(crate) fn objects_at(folder: &Path) -> Vec<Value> {
    let home = tempfile::tempdir().unwrap();
    build(&Kubectl::offline(None, home.path()), folder)
}

pub(crate) fn of_kind<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    objects
        .iter()
        .filter(|object| object["kind"] == kind)
        .collect()
}

#[test]
fn every_kustomization_builds_what_it_says() {
    if !has_kubectl() {
        return;
    }
    let kinds = |folder: &str| -> Vec<String> {
        let mut kinds: Vec<_> = objects(folder)
            .iter()
            .map(|object| text(object, "/kind").to_owned())
            .collect();
        kinds.sort();
        kinds
    };
    let base = [
        "Deployment",
        "MutatingWebhookConfiguration",
        "Namespace",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PriorityClass",
        "Service",
        "ServiceAccount",
        "ValidatingWebhookConfiguration",
    ];
    assert_eq!(kinds("deploy"), base);
    let mut with_certificates = [&base[..], &["Certificate"; 2], &["Issuer"; 2]].concat();
    with_certificates.sort_unstable();
    assert_eq!(kinds("certs/cert-manager"), with_certificates);
    let roles = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
    let mut self_managed = [&base[..], &roles].concat();
    self_managed.sort_unstable();
    assert_eq!(kinds("deploy/self-managed"), self_managed);
    assert_eq!(
        kinds("deploy/monitoring"),
        ["ConfigMap", "PrometheusRule", "Service", "ServiceMonitor"]
    );
}

#[test]
fn the_kubelet_and_prometheus_find_the_admin_port() {
    if !has_kubectl() {
        return;
    }
    let base = objects("deploy");
    let [deployment] = of_kind(&base, "Deployment")[..] else {
        panic!("one Deployment")
    };
    let pod = &deployment["spec"]["template"];
    let container = &pod["spec"]["containers"][0];
    let ports = json!([
        {"name": "https", "containerPort": 8443, "protocol": "TCP"},
        {"name": "admin", "containerPort": 8080, "protocol": "TCP"},
    ]);
    assert_eq!(container["ports"], ports);
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/livez")] {
        let asked = json!({"path": path, "port": "admin"});
        assert_eq!(container[probe]["httpGet"], asked, "{probe}");
    }
    let monitoring = objects("deploy/monitoring");
    let [service] = of_kind(&monitoring, "Service")[..] else {
        panic!("one Service")
    };
    let [monitor] = of_kind(&monitoring, "ServiceMonitor")[..] else {
        panic!("one ServiceMonitor")
    };
    let chosen = |selector: &Value, labels: &Value| {
        let wanted = selector.as_object().unwrap().iter();
        wanted.clone().count() > 0 && wanted.into_iter().all(|(key, value)| labels[key] == *value)
    };
    assert!(chosen(
        &service["spec"]["selector"],
        &pod["metadata"]["labels"]
    ));
    assert_eq!(service["spec"]["ports"][0]["targetPort"], "admin");
    let selector = &monitor["spec"]["selector"]["matchLabels"];
    assert!(chosen(selector, &service["metadata"]["labels"]));
    for other in of_kind(&base, "Service") {
        assert!(
            !chosen(selector, &other["metadata"]["labels"]),
            "only that one"
        );
    }
    let job = &service["metadata"]["labels"][monitor["spec"]["jobLabel"].as_str().unwrap()];
    assert_eq!(job, "distrogate", "the alerts go by it");
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!(endpoint["port"], service["spec"]["ports"][0]["name"]);
    assert_eq!(endpoint["path"], "/metrics");
}

/// `deploy/` and `certs/` in a folder of their own, with a kustomization beside them.
pub(crate) fn beside(kustomization: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in ["deploy", "certs"] {
        copy(&file(folder), &root.path().join(folder));
    }
    let own = root.path().join("mine");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("kustomization.yaml"), kustomization).unwrap();
    root
}

/// The kustomization that `docs/install.md` begins with.
fn documented() -> String {
    let page = fs::read_to_string(file("docs/install.md")).unwrap();
    let (_, rest) = page
        .split_once("```yaml\n# mine/kustomization.yaml\n")
        .unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// What the server is told in the first week.
const FIRST_WEEK: [&str; 2] = ["--enforcement=audit", "--validate-failure-policy=ignore"];

#[test]
fn a_server_that_registers_itself_refuses_nothing_in_the_first_week() {
    if !has_kubectl() {
        return;
    }
    for components in [
        "../deploy/audit, ../deploy/register",
        "../deploy/register, ../deploy/audit",
    ] {
        let folder = beside(&format!(
            "resources: [../deploy/self-managed]\ncomponents: [{components}]\n"
        ));
        let objects = objects_at(&folder.path().join("mine"));
        assert!(of_kind(&objects, "ValidatingWebhookConfiguration").is_empty());
        let [deployment] = of_kind(&objects, "Deployment")[..] else {
            panic!("one Deployment")
        };
        let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
        let arguments = arguments.as_array().unwrap();
        for wanted in FIRST_WEEK.into_iter().chain(["--register"]) {
            assert!(arguments.contains(&json!(wanted)), "{arguments:?}");
        }
    }
}

#[test]
fn the_first_week_refuses_nothing_and_differs_in_nothing_else() {
    if !has_kubectl() {
        return;
    }
    let first = documented();
    assert!(first.contains("components: [../deploy/audit]"), "{first}");
    let folder = beside(&first);
    let audited = objects_at(&folder.path().join("mine"));
    let plain = first.replace("components: [../deploy/audit]", "components: []");
    let folder = beside(&plain);
    let mut expected = objects_at(&folder.path().join("mine"));
    for object in &mut expected {
        if object["kind"] == "Deployment" {
            let container = &mut object["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(
                container["image"],
                "registry.example/platform/distrogate:0.1.0"
            );
            let arguments = container["args"].as_array_mut().unwrap();
            arguments.extend(FIRST_WEEK.map(|argument| json!(argument)));
        }
        if object["kind"] == "ValidatingWebhookConfiguration" {
            for webhook in object["webhooks"].as_array_mut().unwrap() {
                webhook["failurePolicy"] = json!("Ignore");
            }
        }
    }
    assert_eq!(audited, expected);
}

#[test]
fn a_ca_of_ones_own_is_in_every_webhook_and_its_key_nowhere() {
    if !has_kubectl() {
        return;
    }
    let folder = beside("resources: [../certs/own-ca]\n");
    let out = folder.path().join("certs/own-ca");
    let output = run(&[
        "certs",
        "init",
        "--force",
        "--out",
        out.to_str().unwrap(),
        "--dns=distrogate.distrogate-system.svc",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let objects = objects_at(&folder.path().join("mine"));
    let encoded = |name: &str| STANDARD.encode(fs::read(out.join(name)).unwrap());
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let [configuration] = of_kind(&objects, kind)[..] else {
            panic!("one {kind}")
        };
        for webhook in configuration["webhooks"].as_array().unwrap() {
            // kustomize breaks it into lines
            let bundle = text(webhook, "/clientConfig/caBundle").replace('\n', "");
            assert_eq!(bundle, encoded("ca.crt"));
        }
    }
    let [secret] = of_kind(&objects, "Secret")[..] else {
        panic!("one Secret")
    };
    let data = secret["data"].as_object().unwrap();
    assert_eq!(
        data.keys().collect::<Vec<_>>(),
        ["ca.crt", "tls.crt", "tls.key"]
    );
    for (name, value) in data {
        let value = value.as_str().unwrap().replace('\n', "");
        assert_eq!(value, encoded(name), "{name}");
    }
    let key = encoded("ca.key");
    assert!(!json!(objects).to_string().replace("\\n", "").contains(&key));
}

#[test]
fn reviews_come_in_and_nothing_goes_out() {
    if !has_kubectl() {
        return;
    }
    let objects = objects("deploy");
    let [policy] = of_kind(&objects, "NetworkPolicy")[..] else {
        panic!("one NetworkPolicy")
    };
    let [deployment] = of_kind(&objects, "Deployment")[..] else {
        panic!("one Deployment")
    };
    let spec = &policy["spec"];
    assert_eq!(spec["policyTypes"], json!(["Ingress", "Egress"]));
    assert!(spec.get("egress").is_none_or(|egress| egress == &json!([])));
    assert_eq!(spec["podSelector"], deployment["spec"]["selector"]);
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let ports = container["ports"].as_array().unwrap().iter();
    // each by itself: whoever names the API server's addresses leaves the probes alone
    let rules = ports.map(
        |port| json!({"ports": [{"port": port["containerPort"], "protocol": port["protocol"]}]}),
    );
    assert_eq!(spec["ingress"], json!(rules.collect::<Vec<_>>()));
}

#[test]
fn cert_manager_writes_the_ca_into_both_webhooks_and_the_server_reads_its_secret() {
    if !has_kubectl() {
        return;
    }
    let objects = objects("certs/cert-manager");
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let [webhooks] = of_kind(&objects, kind)[..] else {
            panic!("one {kind}")
        };
        assert_eq!(
            text(
                webhooks,
                "/metadata/annotations/cert-manager.io~1inject-ca-from"
            ),
            "distrogate-system/distrogate-tls",
        );
    }
    let leaf = of_kind(&objects, "Certificate")
        .into_iter()
        .find(|certificate| certificate["metadata"]["name"] == "distrogate-tls")
        .unwrap();
    let names = leaf["spec"]["dnsNames"].as_array().unwrap();
    assert!(
        names.contains(&json!("distrogate.distrogate-system.svc")),
        "the API server's name"
    );
    let [deployment] = of_kind(&objects, "Deployment")[..] else {
        panic!("one Deployment")
    };
    assert_eq!(
        text(
            deployment,
            "/spec/template/spec/volumes/0/secret/secretName"
        ),
        text(leaf, "/spec/secretName"),
    );
}

#[test]
fn the_webhooks_say_all_that_an_api_server_would_add() {
    if !has_kubectl() {
        return;
    }
    let objects = objects("deploy");
    for (kind, failure_policy, path) in [
        ("MutatingWebhookConfiguration", "Ignore", "/mutate"),
        ("ValidatingWebhookConfiguration", "Fail", "/validate"),
    ] {
        let [configuration] = of_kind(&objects, kind)[..] else {
            panic!("one {kind}")
        };
        let webhooks = configuration["webhooks"].as_array().unwrap();
        assert_eq!(
            webhooks[0]["objectSelector"],
            json!({}),
            "no label lets a carrier by"
        );
        for webhook in webhooks {
            for (pointer, value) in [
                ("/failurePolicy", json!(failure_policy)),
                ("/matchPolicy", json!("Equivalent")),
                ("/sideEffects", json!("None")),
                ("/timeoutSeconds", json!(5)),
                ("/admissionReviewVersions", json!(["v1"])),
                ("/clientConfig/service/port", json!(443)),
                ("/clientConfig/service/path", json!(path)),
            ] {
                assert_eq!(webhook.pointer(pointer), Some(&value), "{kind} {pointer}");
            }
            let exempt = &webhook["namespaceSelector"]["matchExpressions"];
            assert_eq!(
                exempt,
                &json!([{
                    "key": "kubernetes.io/metadata.name",
                    "operator": "NotIn",
                    "values": ["kube-system", "distrogate-system"],
                }]),
                "by a label that no tenant can edit",
            );
            for rule in webhook["rules"].as_array().unwrap() {
                assert_eq!(rule["operations"], json!(["CREATE", "UPDATE"]));
                let scope = rule["scope"].as_str().unwrap();
                assert!(["Namespaced", "*"].contains(&scope), "{scope}");
            }
        }
    }
}

#[test]
fn the_server_is_locked_in_and_has_no_token() {
    if !has_kubectl() {
        return;
    }
    let objects = objects("deploy");
    let [deployment] = of_kind(&objects, "Deployment")[..] else {
        panic!("one Deployment")
    };
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    let [class] = of_kind(&objects, "PriorityClass")[..] else {
        panic!("one PriorityClass")
    };
    assert_eq!(pod["priorityClassName"], class["metadata"]["name"]);
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(
        container["securityContext"]["capabilities"]["drop"],
        json!(["ALL"])
    );
    assert_eq!(
        container["resources"]["limits"]["cpu"],
        Value::Null,
        "throttling is a timeout"
    );
    assert!(of_kind(&objects, "ClusterRoleBinding").is_empty());
}

#[test]
fn every_carrier_that_is_known_is_sent_here() {
    if !has_kubectl() {
        return;
    }
    let objects = objects("deploy");
    let resources = |kind: &str| -> std::collections::BTreeSet<(String, String)> {
        let [configuration] = of_kind(&objects, kind)[..] else {
            panic!("one {kind}")
        };
        let webhooks = configuration["webhooks"].as_array().unwrap().iter();
        let rules = webhooks.flat_map(|webhook| webhook["rules"].as_array().unwrap());
        let mut resources = std::collections::BTreeSet::new();
        for rule in rules {
            for group in rule["apiGroups"].as_array().unwrap() {
                for resource in rule["resources"].as_array().unwrap() {
                    let text = |value: &Value| value.as_str().unwrap().to_owned();
                    resources.insert((text(group), text(resource)));
                }
            }
        }
        resources
    };
    let validated = resources("ValidatingWebhookConfiguration");
    let mutated = resources("MutatingWebhookConfiguration");
    let carriers = distrogate::carrier::Carrier::kinds();
    assert_eq!(validated.len(), carriers.len());
    for (group, kind) in carriers {
        let resource = (group.to_owned(), format!("{}s", kind.to_lowercase()));
        assert!(validated.contains(&resource), "{resource:?}");
        assert_eq!(
            mutated.contains(&resource),
            !["Secret", "ConfigMap", "StatefulSet", "Deployment"].contains(&kind),
            "{resource:?}"
        );
    }
}

/// The webhook of this name, of the configuration that validates.
fn validating(objects: &[Value], name: &str) -> Value {
    let [configuration] = of_kind(objects, "ValidatingWebhookConfiguration")[..] else {
        panic!("one ValidatingWebhookConfiguration")
    };
    let webhooks = configuration["webhooks"].as_array().unwrap();
    let named = webhooks.iter().find(|webhook| webhook["name"] == name);
    named.unwrap().clone()
}

#[test]
fn every_example_comes_here() {
    if !has_kubectl() {
        return;
    }
    let objects = objects("deploy");
    let contains = |list: &Value, text: &str| list.as_array().unwrap().contains(&json!(text));
    for entry in fs::read_dir(file("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let object = read_yaml(&bytes, &Limits::VALUES).unwrap().root.to_json();
        let name = path.file_stem().unwrap().to_string_lossy();
        let webhook = match name.split_once('-').unwrap().0 {
            "labelled" => validating(&objects, "values.distrogate.io"),
            "workload" => validating(&objects, "workloads.distrogate.io"),
            _ => validating(&objects, "validate.distrogate.io"),
        };
        let api_version = text(&object, "/apiVersion");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = format!("{}s", text(&object, "/kind").to_lowercase());
        let is_meant = |rule: &Value| {
            contains(&rule["apiGroups"], group)
                && contains(&rule["apiVersions"], version)
                && contains(&rule["resources"], &resource)
                && (rule["scope"] == "*" || !object["metadata"]["namespace"].is_null())
        };
        assert!(
            webhook["rules"].as_array().unwrap().iter().any(is_meant),
            "{name}"
        );
        let labels = &object["metadata"]["labels"];
        for (key, value) in webhook["objectSelector"]["matchLabels"]
            .as_object()
            .into_iter()
            .flatten()
        {
            assert_eq!(&labels[key], value, "{name}");
        }
        for expression in webhook["objectSelector"]["matchExpressions"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert_eq!(expression["operator"], "Exists", "{name}");
            assert!(labels[text(expression, "/key")].is_string(), "{name}");
        }
    }
}

#[test]
fn only_what_could_change_a_config_comes_here() {
    if !has_kubectl() {
        return;
    }
    let objects = objects("deploy");
    let conditions = |webhook: &str| -> Vec<String> {
        let webhook = validating(&objects, webhook);
        let conditions = webhook["matchConditions"].as_array().cloned();
        let conditions = conditions.unwrap_or_default();
        let shown = |one: &Value| {
            let words = text(one, "/expression").split_whitespace();
            format!(
                "{}: {}",
                text(one, "/name"),
                words.collect::<Vec<_>>().join(" ")
            )
        };
        conditions.iter().map(shown).collect()
    };
    assert_eq!(
        conditions("validate.distrogate.io"),
        [
            "secrets-of-vcluster-only: request.resource.group != '' || \
             request.resource.resource != 'secrets' || \
             (has(request.name) && request.name != '' ? request.name : \
             has(object.metadata.generateName) ? object.metadata.generateName : \
             '').startsWith('vc-config-')",
            "another-config-than-before: request.operation != 'UPDATE' || \
             request.resource.group != '' || request.resource.resource != 'secrets' || \
             has(object.data) != has(oldObject.data) || \
             (has(object.data) && object.data != oldObject.data) || \
             (has(object.metadata.labels) && 'chart' in object.metadata.labels ? \
             object.metadata.labels['chart'] : '') != \
             (has(oldObject.metadata.labels) && 'chart' in oldObject.metadata.labels ? \
             oldObject.metadata.labels['chart'] : '')",
            "no-refreshed-status: request.resource.group != 'argoproj.io' || \
             request.operation != 'UPDATE' || has(object.spec) != has(oldObject.spec) || \
             (has(object.spec) && object.spec != oldObject.spec) || \
             (has(object.operation) && \
             (!has(oldObject.operation) || object.operation != oldObject.operation))",
            "no-last-farewell: request.operation != 'UPDATE' || \
             !has(object.metadata.deletionTimestamp) || !has(object.spec) || \
             !has(oldObject.spec) || object.spec != oldObject.spec",
        ]
    );
    assert_eq!(
        conditions("workloads.distrogate.io"),
        ["another-pod-than-before: request.operation != 'UPDATE' || \
          object.spec.template != oldObject.spec.template"]
    );
    assert!(conditions("values.distrogate.io").is_empty());
    // the record in the annotation is looked after on every update
    let [mutating] = of_kind(&objects, "MutatingWebhookConfiguration")[..] else {
        panic!("one MutatingWebhookConfiguration")
    };
    for webhook in mutating["webhooks"].as_array().unwrap() {
        assert_eq!(webhook["matchConditions"], Value::Null);
    }
}

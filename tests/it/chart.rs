//! `deploy/chart`, as Helm 3 and 4 render it: the same as the kustomization and as
//! `distrogate manifests`, and no value that means nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use distrogate::values::{Limits, read_yaml};
use serde_json::{Value, json};

use crate::helm::binary::{Helm, Helms};
use crate::manifests::{beside, objects, objects_at, of_kind};
use crate::support::{file, has_kubectl, run, stderr, stdout};

/// A CA as values name it: the API server is the one to verify it.
const CA: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

/// A policy with carriers of its own: one that gets defaults, one that is only read.
fn policy() -> Value {
    json!({
        "apiVersion": "distrogate.io/v1alpha1",
        "kind": "DistroPolicy",
        "metadata": {"name": "platform"},
        "spec": {
            "chart": {"fallback": "0.36"},
            "defaults": {"values": {"controlPlane": {"distro": {"k8s": {"enabled": true}}}}},
            "customCarriers": [
                {
                    "group": "platform.example",
                    "kinds": ["TenantCluster", "TenantPolicy", "Gateway", "Mesh"],
                    "values": [{"path": "spec.vcluster.values", "encoding": "object"}],
                },
                {
                    "group": "ops.example",
                    "kinds": ["Proxy"],
                    "values": [{"path": "spec.config"}],
                    "defaults": false,
                },
            ],
        },
    })
}

/// What Helm makes of values, in a namespace.
pub(crate) fn template(helm: &Helm, namespace: &str, values: &Value) -> Result<Vec<Value>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("values.json");
    fs::write(&path, values.to_string()).unwrap();
    let text = helm.run(&[
        "template",
        "distrogate",
        file("deploy/chart").to_str().unwrap(),
        "--namespace",
        namespace,
        "--kube-version=1.33.0",
        "--values",
        path.to_str().unwrap(),
    ])?;
    let documents = text.split("\n---\n").map(|document| {
        let document = document.trim_start_matches("---\n");
        let read = read_yaml(document.as_bytes(), &Limits::VALUES).unwrap();
        read.root.to_json()
    });
    Ok(documents.filter(|object| !object.is_null()).collect())
}

/// Objects by kind and name, without what the tool that applies them labels them with.
pub(crate) fn by_name(objects: &[Value]) -> BTreeMap<String, Value> {
    let named = objects.iter().map(|object| {
        let name = object["metadata"]["name"].as_str().unwrap();
        let mut object = object.clone();
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.remove("labels");
        // which kubectl leaves behind where it turns YAML into JSON
        if metadata.get("annotations") == Some(&json!({})) {
            metadata.remove("annotations");
        }
        if object["spec"]["egress"] == json!([]) {
            // kustomize leaves an empty list out, which says the same
            object["spec"].as_object_mut().unwrap().remove("egress");
        }
        (
            format!("{} {name}", object["kind"].as_str().unwrap()),
            object,
        )
    });
    named.collect()
}

/// A configuration whose rules are one for each resource: they may be grouped in several ways.
fn by_resource(configuration: &Value) -> Value {
    let mut configuration =
        json!({"kind": configuration["kind"], "webhooks": configuration["webhooks"]});
    for webhook in configuration["webhooks"].as_array_mut().unwrap() {
        let mut rules = BTreeSet::new();
        for rule in webhook["rules"].as_array().unwrap() {
            for resource in rule["resources"].as_array().unwrap() {
                let mut rule = rule.clone();
                rule["resources"] = json!([resource]);
                rules.insert(rule.to_string());
            }
        }
        webhook["rules"] = json!(rules);
    }
    configuration
}

/// Roles are compared where they are compared with the program's own table.
#[test]
fn it_says_the_same_as_the_kustomization() {
    let Some(helms) = Helms::find() else { return };
    if !has_kubectl() {
        return;
    }
    let cert_manager = json!({"certificates": {"mode": "cert-manager"}});
    let registered = json!({
        "webhooks": {"register": true},
        "watchLive": true,
        "watchNamespaces": true,
        "watchHostVersion": true,
    });
    for (kustomization, values) in [
        ("resources: [../certs/cert-manager]\n", cert_manager),
        ("resources: [../deploy/self-managed]\n", json!({})),
        (
            "resources: [../deploy/self-managed]\n\
             components: [../deploy/register, ../deploy/watch-live, \
             ../deploy/watch-namespaces, ../deploy/watch-host-version]\n",
            registered,
        ),
    ] {
        let folder = beside(kustomization);
        let mut expected = by_name(&objects_at(&folder.path().join("mine")));
        // Helm makes it, or it is there
        expected.remove("Namespace distrogate-system");
        expected.retain(|name, _| !name.contains("Role"));
        for helm in helms.each() {
            let mut rendered = by_name(&template(helm, "distrogate-system", &values).unwrap());
            let probe = rendered.remove("Job distrogate-probe");
            assert!(probe.is_some(), "{helm}");
            rendered.retain(|name, _| !name.contains("Role") && !name.ends_with("-unregister"));
            for (name, object) in &expected {
                assert_eq!(rendered.get(name), Some(object), "{helm}: {name}");
            }
            assert_eq!(
                rendered.len(),
                expected.len(),
                "{helm}: {:?}",
                rendered.keys()
            );
        }
    }
}

#[test]
fn its_monitoring_is_that_of_the_kustomization() {
    let Some(helms) = Helms::find() else { return };
    if !has_kubectl() {
        return;
    }
    let on = json!({"enabled": true});
    let values =
        json!({"monitoring": {"serviceMonitor": on, "prometheusRule": on, "dashboard": on}});
    // the text's last line break differs
    let trimmed = |mut objects: BTreeMap<String, Value>| {
        if let Some(map) = objects.get_mut("ConfigMap distrogate-dashboard") {
            let text = map["data"]["distrogate.json"].as_str().unwrap().trim_end();
            map["data"]["distrogate.json"] = json!(text);
        }
        objects
    };
    let expected = trimmed(by_name(&objects("deploy/monitoring")));
    for helm in helms.each() {
        let plain = by_name(&template(helm, "distrogate-system", &json!({})).unwrap());
        let rendered = template(helm, "distrogate-system", &values).unwrap();
        let mut added = trimmed(by_name(&rendered));
        added.retain(|name, _| !plain.contains_key(name));
        assert_eq!(added.len(), expected.len(), "{helm}: {:?}", added.keys());
        for (name, object) in &expected {
            assert!(added[name] == *object, "{helm}: {name}: {:#}", added[name]);
        }
        let [monitor] = of_kind(&rendered, "ServiceMonitor")[..] else {
            panic!("one ServiceMonitor")
        };
        let labels = monitor["spec"]["selector"]["matchLabels"]
            .as_object()
            .unwrap();
        let services = of_kind(&rendered, "Service").into_iter();
        let chosen = services.filter(|service| {
            let own = &service["metadata"]["labels"];
            labels.iter().all(|(key, value)| own[key] == *value)
        });
        let names: Vec<_> = chosen.map(|service| &service["metadata"]["name"]).collect();
        assert_eq!(names, ["distrogate-metrics"], "{helm}");
    }
}

#[test]
fn its_webhooks_are_those_that_manifests_prints() {
    let Some(helms) = Helms::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let ca = format!("--ca-file={}", path("ca.crt", CA));
    let policies = format!("--policy={}", path("policy.yaml", &policy().to_string()));
    let secret = json!({"mode": "secret", "caBundle": CA});
    for (namespace, values, arguments) in [
        ("distrogate-system", json!({}), vec![]),
        ("platform", json!({}), vec!["--namespace=platform"]),
        (
            "kube-system",
            json!({"certificates": secret}),
            vec!["--namespace=kube-system", &ca],
        ),
        (
            "distrogate-system",
            json!({
                "certificates": secret,
                "policies": [policy()],
                "webhooks": {
                    "validateFailurePolicy": "Ignore",
                    "mutateFailurePolicy": "Fail",
                    "timeoutSeconds": 30,
                    "exemptNamespaces": ["flux-system", "kube-system", "argocd"],
                },
            }),
            vec![
                &*ca,
                &*policies,
                "--validate-failure-policy=ignore",
                "--mutate-failure-policy=fail",
                "--timeout=30",
                "--exempt-namespace=flux-system",
                "--exempt-namespace=kube-system",
                "--exempt-namespace=argocd",
            ],
        ),
    ] {
        let output = run(&[&["manifests", "--format=json"], &*arguments].concat());
        assert_eq!(stderr(&output), "");
        let list: Value = serde_json::from_str(&stdout(&output)).unwrap();
        for helm in helms.each() {
            let rendered = template(helm, namespace, &values).unwrap();
            for wanted in list["items"].as_array().unwrap() {
                let [found] = of_kind(&rendered, wanted["kind"].as_str().unwrap())[..] else {
                    panic!("one {}", wanted["kind"])
                };
                assert_eq!(found["metadata"]["name"], wanted["metadata"]["name"]);
                assert_eq!(by_resource(found), by_resource(wanted), "{helm} {values}");
            }
        }
    }
}

#[test]
fn its_policies_are_what_the_program_reads() {
    let Some(helms) = Helms::find() else { return };
    for helm in helms.each() {
        let rendered = template(helm, "platform", &json!({"policies": [policy()]})).unwrap();
        let [map] = of_kind(&rendered, "ConfigMap")[..] else {
            panic!("one ConfigMap")
        };
        let text = map["data"]["platform.yaml"].as_str().unwrap();
        let read = read_yaml(text.as_bytes(), &Limits::VALUES).unwrap();
        assert_eq!(read.root.to_json(), policy(), "{helm}");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("platform.yaml"), text).unwrap();
        let output = run(&["policy", "check", folder.path().to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    }
}

/// Values that change what runs, and what the program has to understand then.
#[test]
fn the_program_knows_every_argument_that_it_is_given() {
    let Some(helms) = Helms::find() else { return };
    let files = ["--tls-cert=/tls/tls.crt", "--tls-key=/tls/tls.key"];
    let cert_manager = json!({"mode": "cert-manager"});
    let secret = json!({"mode": "secret", "caBundle": CA, "secretName": "other"});
    for (values, first, expected) in [
        (json!({"certificates": cert_manager}), &files[..], vec![]),
        (
            json!({"certificates": cert_manager, "enforcement": "audit"}),
            &files,
            vec!["--enforcement=audit"],
        ),
        (
            json!({
                "certificates": secret,
                "enforcement": "warn",
                "policies": [policy()],
                "hostVersion": "v1.31.4",
                "log": {"format": "json", "level": "info,distrogate::server=debug"},
            }),
            &files,
            vec![
                "--enforcement=warn",
                "--policy=/policies",
                "--host-version=v1.31.4",
                "--log-format=json",
                "--log-level=info,distrogate::server=debug",
            ],
        ),
        (json!({}), &[SELF_MANAGED], vec![]),
        (
            json!({
                "enforcement": "audit",
                "watchLive": true,
                "watchNamespaces": true,
                "watchHostVersion": true,
                "webhooks": {
                    "register": true,
                    "validateFailurePolicy": "Ignore",
                    "mutateFailurePolicy": "Fail",
                    "timeoutSeconds": 7,
                    "exemptNamespaces": ["flux-system", "argocd"],
                },
            }),
            &[SELF_MANAGED],
            vec![
                "--register",
                "--validate-failure-policy=ignore",
                "--mutate-failure-policy=fail",
                "--timeout=7",
                "--exempt-namespace=flux-system",
                "--exempt-namespace=argocd",
                "--watch-live",
                "--watch-namespaces",
                "--watch-host-version",
                "--enforcement=audit",
            ],
        ),
    ] {
        for helm in helms.each() {
            let rendered = template(helm, "platform", &values).unwrap();
            let [deployment] = of_kind(&rendered, "Deployment")[..] else {
                panic!("one Deployment")
            };
            let wanted = [&["serve"], first, &expected].concat();
            assert_eq!(arguments(deployment), wanted, "{helm}");
            let is_self_managed = first == [SELF_MANAGED];
            let mut workloads = vec![deployment];
            let jobs = of_kind(&rendered, "Job");
            for job in &jobs {
                let container = &job["spec"]["template"]["spec"]["containers"][0];
                let wanted = match container["name"].as_str().unwrap() {
                    "probe" => &[
                        "probe",
                        "--url=https://distrogate.platform.svc",
                        "--ca-file=/ca/ca.crt",
                        "--wait=120",
                    ][..],
                    _ => &["unregister", "--certificates", "--namespace=platform"],
                };
                assert_eq!(arguments(job), wanted, "{helm}");
            }
            assert_eq!(jobs.len(), if is_self_managed { 2 } else { 1 });
            workloads.extend(jobs);
            for workload in workloads {
                // what comes before it is read first
                let mut arguments = arguments(workload);
                arguments.push("--help".to_owned());
                let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
                let output = run(&arguments);
                assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            }
        }
    }
}

/// How the server is told to make its own certificates.
const SELF_MANAGED: &str = "--certificates=self-managed";

fn arguments(workload: &Value) -> Vec<String> {
    let container = &workload["spec"]["template"]["spec"]["containers"][0];
    serde_json::from_value(container["args"].clone()).unwrap()
}

#[test]
fn pods_are_locked_in_and_no_key_goes_further_than_it_has_to() {
    let Some(helms) = Helms::find() else { return };
    for mode in ["self-managed", "cert-manager", "secret"] {
        let is_self_managed = mode == "self-managed";
        for helm in helms.each() {
            let certificates = json!({"mode": mode, "caBundle": CA, "secretName": "other"});
            let values = json!({"certificates": certificates, "policies": [policy()]});
            let rendered = template(helm, "platform", &values).unwrap();
            let [servers, jobs] = ["Deployment", "Job"].map(|kind| of_kind(&rendered, kind));
            assert_eq!(
                (servers.len(), jobs.len()),
                (1, if is_self_managed { 2 } else { 1 })
            );
            for workload in servers.into_iter().chain(jobs) {
                let pod = &workload["spec"]["template"]["spec"];
                let container = &pod["containers"][0];
                let name = container["name"].as_str().unwrap();
                let asks = is_self_managed && name != "probe";
                assert_eq!(pod["automountServiceAccountToken"], asks, "{name}");
                assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
                assert_eq!(
                    container["securityContext"],
                    json!({
                        "allowPrivilegeEscalation": false,
                        "privileged": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": {"drop": ["ALL"]},
                    })
                );
                let resources = &container["resources"];
                assert!(resources["requests"]["cpu"].is_string(), "{name}");
                assert!(resources["limits"]["memory"].is_string(), "{name}");
                assert_eq!(resources["limits"]["cpu"], Value::Null, "{name}");
                for volume in pod["volumes"].as_array().into_iter().flatten() {
                    let Some(secret) = volume.get("secret") else {
                        continue;
                    };
                    let source = if is_self_managed {
                        "distrogate-authority"
                    } else {
                        "other"
                    };
                    assert_eq!(secret["secretName"], source);
                    let items = secret["items"].as_array().unwrap().iter();
                    let keys: Vec<_> = items.map(|item| item["key"].as_str().unwrap()).collect();
                    let wanted = match name {
                        "distrogate" => vec!["tls.crt", "tls.key"],
                        _ => vec!["ca.crt"],
                    };
                    assert_eq!(keys, wanted);
                }
            }
            let roles = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];
            for kind in roles
                .into_iter()
                .filter(|_| !is_self_managed)
                .chain(["Secret"])
            {
                assert!(of_kind(&rendered, kind).is_empty(), "{kind}");
            }
        }
    }
}

/// What only the mode cert-manager has.
const OF_CERT_MANAGER: [&str; 4] = [
    "Certificate distrogate-ca",
    "Certificate distrogate-tls",
    "Issuer distrogate-ca",
    "Issuer distrogate-selfsigned",
];

/// What is not there where the server registers itself.
const REGISTERED: [&str; 2] = [
    "MutatingWebhookConfiguration mutate.distrogate.io",
    "ValidatingWebhookConfiguration validate.distrogate.io",
];

/// What only the mode self-managed has, that of the Job before an uninstall last.
const OF_SELF_MANAGED: [&str; 10] = [
    "ClusterRole distrogate",
    "ClusterRoleBinding distrogate",
    "Role distrogate",
    "RoleBinding distrogate",
    "ClusterRole distrogate-unregister",
    "ClusterRoleBinding distrogate-unregister",
    "Job distrogate-unregister",
    "Role distrogate-unregister",
    "RoleBinding distrogate-unregister",
    "ServiceAccount distrogate-unregister",
];

#[test]
fn what_is_switched_off_is_not_there() {
    let Some(helms) = Helms::find() else { return };
    let plain: BTreeSet<_> = [
        "Certificate distrogate-ca",
        "Certificate distrogate-tls",
        "Deployment distrogate",
        "Issuer distrogate-ca",
        "Issuer distrogate-selfsigned",
        "Job distrogate-probe",
        "MutatingWebhookConfiguration mutate.distrogate.io",
        "NetworkPolicy distrogate",
        "PodDisruptionBudget distrogate",
        "PriorityClass distrogate",
        "Service distrogate",
        "ServiceAccount distrogate",
        "ValidatingWebhookConfiguration validate.distrogate.io",
    ]
    .into();
    let cert_manager = json!({"mode": "cert-manager"});
    for (values, without, with) in [
        (json!({"certificates": cert_manager}), vec![], vec![]),
        (
            json!({"certificates": cert_manager, "probe": {"enabled": false}}),
            vec!["Job distrogate-probe"],
            vec![],
        ),
        (
            json!({"certificates": cert_manager, "networkPolicy": {"enabled": false}}),
            vec!["NetworkPolicy distrogate"],
            vec![],
        ),
        (
            json!({"certificates": cert_manager, "priorityClass": {"create": false}}),
            vec!["PriorityClass distrogate"],
            vec![],
        ),
        (
            json!({"certificates": cert_manager, "replicas": 1}),
            vec!["PodDisruptionBudget distrogate"],
            vec![],
        ),
        (
            json!({"certificates": {"mode": "cert-manager", "issuer": {"name": "company"}}}),
            vec![
                "Certificate distrogate-ca",
                "Issuer distrogate-ca",
                "Issuer distrogate-selfsigned",
            ],
            vec![],
        ),
        (
            json!({"certificates": {"mode": "secret", "caBundle": CA}, "policies": [policy()]}),
            vec![
                "Certificate distrogate-ca",
                "Certificate distrogate-tls",
                "Issuer distrogate-ca",
                "Issuer distrogate-selfsigned",
            ],
            vec!["ConfigMap distrogate-ca", "ConfigMap distrogate-policies"],
        ),
        (
            json!({}),
            OF_CERT_MANAGER.to_vec(),
            OF_SELF_MANAGED.to_vec(),
        ),
        (
            json!({"cleanup": {"enabled": false}}),
            OF_CERT_MANAGER.to_vec(),
            OF_SELF_MANAGED[..4].to_vec(),
        ),
        (
            json!({"webhooks": {"register": true}}),
            [&OF_CERT_MANAGER[..], &REGISTERED].concat(),
            OF_SELF_MANAGED.to_vec(),
        ),
    ] {
        let mut expected = plain.clone();
        for name in &without {
            assert!(expected.remove(name), "{name}");
        }
        expected.extend(with);
        for helm in helms.each() {
            let rendered = by_name(&template(helm, "platform", &values).unwrap());
            let names: BTreeSet<_> = rendered.keys().map(String::as_str).collect();
            assert_eq!(names, expected, "{helm} {values}");
        }
    }
}

#[test]
fn wrong_values_are_refused() {
    let Some(helms) = Helms::find() else { return };
    let mut doubled = policy();
    doubled["spec"] = json!({});
    let carrier = |kind: &str| {
        let mut policy = policy();
        policy["spec"]["customCarriers"][0]["kinds"] = json!([kind]);
        json!({"policies": [policy]})
    };
    let both = format!("{CA}-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    for (values, words) in [
        (json!({"enforcment": "audit"}), "enforcment"),
        (json!({"enforcement": "Audit"}), "enforcement"),
        (json!({"replicas": 0}), "replicas"),
        (json!({"replicas": "2"}), "replicas"),
        (json!({"image": {"pullPolicy": "Sometimes"}}), "pullPolicy"),
        (json!({"image": {"digest": "sha256:1"}}), "digest"),
        (json!({"image": {"name": "x"}}), "name"),
        (
            json!({"webhooks": {"validateFailurePolicy": "fail"}}),
            "validateFailurePolicy",
        ),
        (
            json!({"webhooks": {"timeoutSeconds": 31}}),
            "timeoutSeconds",
        ),
        (
            json!({"webhooks": {"exemptNamespaces": ["Team"]}}),
            "exemptNamespaces",
        ),
        (json!({"certificates": {"mode": "vault"}}), "mode"),
        (json!({"watchLive": "yes"}), "watchLive"),
        (
            json!({"watchHostVersion": true, "hostVersion": "v1.31.4"}),
            "watchHostVersion asks for what hostVersion says",
        ),
        (json!({"cleanup": {"seconds": 0}}), "seconds"),
        (json!({"cleanup": {"image": "kubectl"}}), "image"),
        (
            json!({"networkPolicy": {"apiServerPorts": []}}),
            "apiServerPorts",
        ),
        (
            json!({"networkPolicy": {"apiServerPorts": [0]}}),
            "apiServerPorts",
        ),
        (json!({"webhooks": {"register": "true"}}), "register"),
        (
            json!({"certificates": {"mode": "cert-manager"}, "webhooks": {"register": true}}),
            "webhooks.register needs certificates.mode self-managed",
        ),
        (
            json!({"certificates": {"mode": "secret"}}),
            "certificates.caBundle is needed",
        ),
        (
            json!({"certificates": {"mode": "secret", "caBundle": "x"}}),
            "caBundle",
        ),
        (
            json!({"certificates": {"mode": "secret", "caBundle": both}}),
            "caBundle",
        ),
        (json!({"hostVersion": "1.31"}), "hostVersion"),
        (json!({"log": {"format": "xml"}}), "format"),
        (
            json!({"networkPolicy": {"apiServerCidrs": ["10.0.0.1"]}}),
            "apiServerCidrs",
        ),
        (json!({"priorityClass": {"value": 2_000_000_000}}), "value"),
        (
            json!({"priorityClass": {"name": ""}}),
            "priorityClass.name is needed",
        ),
        (
            json!({"podDisruptionBudget": {"minAvailable": "one"}}),
            "minAvailable",
        ),
        (json!({"probe": {"seconds": 0}}), "seconds"),
        (json!({"monitoring": {"enabled": true}}), "enabled"),
        (json!({"resources": {"claims": []}}), "claims"),
        (json!({"policies": {"platform": {}}}), "policies"),
        (json!({"policies": [{"kind": "DistroPolicy"}]}), "policies"),
        (
            json!({"policies": [policy(), doubled]}),
            "policies: two are called platform",
        ),
        (
            carrier("Secret"),
            "customCarriers: Secret is of the kinds that every namespace",
        ),
        (
            carrier("ConfigMap"),
            "customCarriers: ConfigMap is of the kinds that every namespace",
        ),
    ] {
        for helm in helms.each() {
            let error = template(helm, "platform", &values).unwrap_err();
            assert!(error.contains(words), "{helm} {values}: {error}");
        }
    }
}

#[test]
fn the_page_about_installing_sets_what_there_is() {
    let Some(helms) = Helms::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.crt");
    fs::write(&ca, CA).unwrap();
    let page = fs::read_to_string(file("docs/install.md")).unwrap();
    let page = page.replace("\\\n", "");
    let commands = page.lines().filter(|line| {
        ["helm install ", "helm upgrade "]
            .iter()
            .any(|verb| line.starts_with(verb))
    });
    let mut number = 0;
    for command in commands {
        number += 1;
        let is_first = command.starts_with("helm install ");
        let words: Vec<_> = command.split_whitespace().collect();
        assert_eq!(
            words[2..6],
            [
                "distrogate",
                "deploy/chart",
                "--namespace",
                "distrogate-system"
            ]
        );
        let chart = file("deploy/chart");
        let mut arguments: Vec<String> = vec!["template".to_owned(), "distrogate".to_owned()];
        arguments.push(chart.display().to_string());
        arguments.push("--kube-version=1.33.0".to_owned());
        let pairs = words.windows(2).filter(|pair| pair[0].starts_with("--set"));
        for pair in pairs {
            let value = pair[1].replace("certs/own-ca/ca.crt", &ca.display().to_string());
            arguments.extend([pair[0].to_owned(), value]);
        }
        for helm in helms.each() {
            let text = helm.run(&arguments).unwrap();
            assert_eq!(
                text.contains("- --enforcement=audit\n"),
                is_first,
                "{command}"
            );
            assert_eq!(
                text.contains("failurePolicy: Fail\n"),
                !is_first,
                "{command}"
            );
        }
    }
    assert_eq!(number, 4);
}

#[test]
fn helm_has_nothing_to_say_against_it() {
    let Some(helms) = Helms::find() else { return };
    let chart = file("deploy/chart");
    for helm in helms.each() {
        let text = helm
            .run(&["lint", "--strict", chart.to_str().unwrap()])
            .unwrap();
        assert!(
            text.contains("1 chart(s) linted, 0 chart(s) failed"),
            "{helm}: {text}"
        );
    }
}

#[test]
fn the_chart_has_the_versions_of_the_program() {
    let text = fs::read(file("deploy/chart/Chart.yaml")).unwrap();
    let chart = read_yaml(&text, &Limits::VALUES).unwrap().root.to_json();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
}

//! `distrogate policy`: the form of policies as a schema, and mistakes in them.

mod actions;
mod cookbook;
mod malformed;
mod predicted;
mod reload;
mod show;

use std::fs;

use distrogate::policy::{BUILT_IN, Policy, schema};
use distrogate::rules::RULES;
use distrogate::values::{Limits, read_yaml};
use distrogate::vcluster::Catalogue;
use insta::assert_snapshot;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::{file, run, stderr, stdout};

/// A key that is near no other.
const STRANGE: &str = "zzzzzzzzzzzzzzzzzzzz";

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

/// As JSON, the way Go reads it.
fn to_json(text: &str) -> Value {
    let document = read_yaml(text.as_bytes(), &Limits::VALUES).unwrap();
    document.root.to_json()
}

fn read(document: &Value) -> Result<(), String> {
    let policy = Policy::parse(&document.to_string(), Catalogue::embedded());
    policy.map(|_| ()).map_err(|error| error.message)
}

/// Every key that a policy may have, but for the rules and the chart's values, which come from
/// tables.
pub(crate) fn full() -> Value {
    json!({
        "apiVersion": "distrogate.io/v1alpha1",
        "kind": "DistroPolicy",
        "metadata": {"name": "full", "labels": {"a": "b"}, "annotations": {"a": "b"}},
        "spec": {
            "priority": 10,
            "enforcement": "Warn",
            "match": {
                "namespaces": ["team-*", "!team-sandbox"],
                "targetNamespaces": ["vc-*"],
                "namespaceSelector": {
                    "matchLabels": {"tier": "prod"},
                    "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
                },
                "carriers": ["Secret"],
                "charts": ">=0.30",
                "users": ["system:serviceaccount:flux-system:*"],
                "groups": ["system:masters"],
            },
            "chart": {"fallback": "0.36", "paths": ["charts/*"]},
            "defaults": {
                "on": "Create",
                "apply": "Missing",
                "mode": "Edit",
                "into": ["Values", "Secret"],
                "values": {"controlPlane": {"distro": {"k8s": {
                    "enabled": true,
                    "image": {"tag": "v1.34.0"},
                    "apiServer": {"extraArgs": ["--v=2"]},
                }}}},
                "variants": [{
                    "whenChart": ">=0.33",
                    "whenDistro": "k8s",
                    "on": "Always",
                    "apply": "Always",
                    "values": {"controlPlane": {"advanced": {"defaultImageRegistry": "r.example"}}},
                }],
                "pinChartDefaults": ["images", "resources"],
            },
            "rules": {
                "distro-change": {
                    "action": "Deny",
                    "allow": [{"from": "k3s", "to": "k8s", "charts": ">=0.25"}],
                },
            },
            "exemptions": [{
                "rules": ["tag-form"],
                "namespaces": ["team-legacy"],
                "until": "2027-03-31",
                "owner": "platform@corp.example",
                "reason": "migration, ticket 4711",
            }],
            "customCarriers": [{
                "group": "platform.example",
                "kinds": ["Tenant"],
                "values": [{"path": "spec.clusters.*.values", "encoding": "yaml"}],
                "chart": {
                    "name": "spec.clusters.*.chart.name",
                    "names": ["vcluster"],
                    "version": "spec.clusters.*.chart.version",
                },
                "release": {
                    "name": "spec.clusters.*.name",
                    "namespace": "spec.namespace",
                    "cluster": "spec.cluster",
                },
                "template": false,
                "defaults": true,
            }],
        },
    })
}

#[test]
fn the_schema_accepts_every_policy_that_there_is() {
    let validator = validator();
    let mut policies = vec![("built-in".to_owned(), to_json(BUILT_IN))];
    for entry in fs::read_dir(file("tests/fixtures")).unwrap() {
        let path = entry.unwrap().path().join("policy.yaml");
        if let Ok(text) = fs::read_to_string(&path) {
            policies.push((path.display().to_string(), to_json(&text)));
        }
    }
    policies.push(("full".to_owned(), full()));
    assert!(policies.len() > 20, "{}", policies.len());
    for (name, policy) in policies {
        let errors: Vec<_> = validator.iter_errors(&policy).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
        assert_eq!(read(&policy), Ok(()), "{name}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = validator();
    for text in [
        "{}",
        "[]",
        "kind: DistroPolicy",
        "{apiVersion: distrogate.io/v2, kind: DistroPolicy, metadata: {name: p}}",
        "{apiVersion: distrogate.io/v1alpha1, kind: Policy, metadata: {name: p}}",
        "{apiVersion: distrogate.io/v1alpha1, kind: DistroPolicy, metadata: {}}",
    ] {
        let policy = to_json(text);
        assert!(!validator.is_valid(&policy), "{text}");
        assert!(read(&policy).is_err(), "{text}");
    }
    let policy =
        to_json("{apiVersion: distrogate.io/v1alpha1, kind: DistroPolicy, metadata: {name: A b}}");
    assert!(!validator.is_valid(&policy));
    assert!(read(&policy).is_err());
    for spec in [
        "{enforcment: Warn}",
        "{enforcement: Disabled}",
        "{chart: {fallback: 0.36}}",
        "{defaults: {on: Sometimes}}",
        "{defaults: {values: {sync: {}}}}",
        "{defaults: {values: {controlPlane: {distro: {k8s: {version: 1.30}}}}}}",
        "{defaults: {values: {controlPlane: {distro: {k8s: {apiServer: {imag: {}}}}}}}}",
        "{defaults: {pinChartDefaults: [image]}}",
        "{rules: {tag-from: {action: Warn}}}",
        "{rules: {tag-form: {action: deny}}}",
        "{rules: {tag-form: {allow: []}}}",
        "{rules: {distro-change: {allow: [{from: k3s}]}}}",
        "{rules: {distro-change: {allow: [{from: k3s, to: k9s}]}}}",
        "{priority: 1.5}",
        "{match: {namespace: [a]}}",
        "{match: {namespaceSelector: {matchLabels: {tier: 1}}}}",
        "{match: {namespaceSelector: {matchExpressions: [{key: a, operator: Is}]}}}",
        "{match: {charts: 0.30}}",
        "{exemptions: [{rules: [tag-from], owner: a, reason: b}]}",
        "{exemptions: [{rules: [tag-form], owner: a}]}",
        "{exemptions: [{rules: [], owner: a, reason: b}]}",
        "{exemptions: [{rules: [tag-form], owner: \" \", reason: b}]}",
        "{exemptions: [{rules: [tag-form], namespaces: [], owner: a, reason: b}]}",
        "{match: {namespaces: []}}",
        "{match: {users: []}}",
        "{defaults: {variants: [{values: {}}]}}",
        "{defaults: {variants: [{whenDistro: k9s, values: {}}]}}",
        "{customCarriers: [{group: a.example, kinds: [], values: [{path: a}]}]}",
        "{customCarriers: [{group: a.example, kinds: [A], values: []}]}",
        "{customCarriers: [{group: a.example, kinds: [A], values: [{path: a, encoding: json}]}]}",
    ] {
        let policy = to_json(&format!(
            "{{apiVersion: distrogate.io/v1alpha1, kind: DistroPolicy, metadata: {{name: p}}, spec: {spec}}}"
        ));
        assert!(!validator.is_valid(&policy), "{spec}");
        assert!(read(&policy).is_err(), "{spec}");
    }
}

/// One place of the full policy after another is spoiled, and the reader asked what there may be.
#[test]
fn the_schema_has_the_keys_and_words_that_the_reader_names() {
    let (schema, validator) = (schema(), validator());
    let mut places = Vec::new();
    find_places(&schema, &full(), "", &mut places);
    assert!(places.len() > 40, "{}", places.len());
    let refuse = |at: &str, spoil: &dyn Fn(&mut Value)| {
        let mut policy = full();
        spoil(policy.pointer_mut(at).unwrap());
        assert!(!validator.is_valid(&policy), "{at}: {policy}");
        let answer = read(&policy);
        answer.expect_err(&format!("the reader takes, at {at}, {policy}"))
    };
    for (at, form) in &places {
        // the reader lets everything pass in these
        if form["type"] == "object" && form["additionalProperties"] != false {
            continue;
        }
        refuse(at, &|place| *place = json!({STRANGE: STRANGE}));
        if let Some(keys) = form["properties"].as_object() {
            refuse(at, &|place| *place = json!(STRANGE));
            let message = refuse(at, &|place| place[STRANGE] = json!(STRANGE));
            let mut named = words(&message);
            named.sort_unstable();
            let mut keys: Vec<_> = keys.keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(named, keys, "{at}: {message}");
        }
        for required in form["required"].as_array().into_iter().flatten() {
            let key = required.as_str().unwrap();
            let message = refuse(at, &|place| {
                place.as_object_mut().unwrap().remove(key).unwrap();
            });
            assert_eq!(message, format!("{key} is missing"), "{at}");
        }
        if let Some(known) = form["enum"].as_array() {
            let message = refuse(at, &|place| *place = json!(STRANGE));
            assert_eq!(words(&message), *known, "{at}: {message}");
        }
        if let Some(known) = form["const"].as_str() {
            let message = refuse(at, &|place| *place = json!(STRANGE));
            assert_eq!(message, format!("has to be {known}"), "{at}");
        }
    }
}

/// The places of a policy with their forms; whatever may be there has to be there.
fn find_places<'s>(
    form: &'s Value,
    policy: &Value,
    at: &str,
    places: &mut Vec<(String, &'s Value)>,
) {
    places.push((at.to_owned(), form));
    for (key, below) in form["properties"].as_object().into_iter().flatten() {
        let of_chart = at.starts_with("/spec/defaults/") && at.contains("/values");
        let from_a_table = at == "/spec/rules" || of_chart;
        match policy.get(key) {
            Some(value) => find_places(below, value, &format!("{at}/{key}"), places),
            None => assert!(from_a_table || key == "true", "{at}/{key} is not tried"),
        }
    }
    if let (Some(items), Some(first)) = (form.get("items"), policy.get(0)) {
        find_places(items, first, &format!("{at}/0"), places);
    }
}

/// The words at the end of a message that lists what there may be.
fn words(message: &str) -> Vec<&str> {
    let starts = ["one of ", "there are ", "there is only ", "what is below "];
    let listed = starts
        .iter()
        .find_map(|start| message.split_once(start))
        .unwrap_or_else(|| panic!("lists nothing: {message}"))
        .1;
    listed
        .split(", ")
        .flat_map(|words| words.split(" and "))
        .collect()
}

#[test]
fn every_rule_is_in_the_schema_with_its_settings() {
    let schema = schema();
    let rules = &schema["properties"]["spec"]["properties"]["rules"]["properties"];
    assert_eq!(rules.as_object().unwrap().len(), RULES.len());
    for rule in RULES {
        let form = &rules[rule.id];
        assert_eq!(form["description"], rule.about);
        for setting in rule.settings {
            let form = &form["properties"][setting.key];
            assert_eq!(form["description"], setting.about);
            assert!(
                form.as_object().unwrap().len() > 1,
                "SETTINGS in src/policy/schema.rs does not say what form {} of {} has",
                setting.key,
                rule.id
            );
        }
    }
}

#[test]
fn the_schema_is_printed() {
    let output = run(&["policy", "schema"]);
    assert_eq!(output.status.code(), Some(0));
    let printed: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(printed, schema());
    assert_eq!(
        printed["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("a-good.yaml", BUILT_IN);
    write(
        "b-bad.yml",
        "apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: platform}
spec:
  enforcment: Warn
  chart: {fallback: \"0.99\"}
  rules:
    tag-from: {action: Warn}
    distro-change: {action: Deny, allow: [{from: k3s, to: k9s}]}
",
    );
    write(
        "c-broken.json",
        "{\"kind\": \"DistroPolicy\", \"spec\": [}\n",
    );
    write("d-empty.yaml", "# nothing yet\n");
    write(
        "e-twice.yaml",
        "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nkind: DistroPolicy\n",
    );
    write("notes.txt", "not a policy\n");
    let output = run(&["policy", "check", folder.path().to_str().unwrap()]);
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(1));
    let told = stdout(&output).replace(folder.path().to_str().unwrap(), "DIR");
    assert_snapshot!(told, @r#"
    DIR/a-good.yaml: ok
    DIR/b-bad.yml:5:3: spec.enforcment: unknown key; did you mean enforcement?
      |
    5 |   enforcment: Warn
      |   ^^^^^^^^^^
    DIR/b-bad.yml:6:21: spec.chart.fallback: has to be a vCluster chart from 0.20 to 0.36
      |
    6 |   chart: {fallback: "0.99"}
      |                     ^^^^^^
    DIR/b-bad.yml:8:5: spec.rules.tag-from: unknown rule; did you mean tag-form?
      |
    8 |     tag-from: {action: Warn}
      |     ^^^^^^^^
    DIR/b-bad.yml:9:59: spec.rules.distro-change.allow[0].to: has to be one of k3s, k0s, eks, k8s
      |
    9 |     distro-change: {action: Deny, allow: [{from: k3s, to: k9s}]}
      |                                                           ^^^
    DIR/c-broken.json:1:34: not YAML: mismatched bracket '[' closed by '}'
      |
    1 | {"kind": "DistroPolicy", "spec": [}
      |                                  ^
    DIR/d-empty.yaml: the policy is empty
    DIR/e-twice.yaml:3:1: kind: set before, in line 2
      |
    3 | kind: DistroPolicy
      | ^^^^
    "#);
}

#[test]
fn a_good_policy_is_ok_and_one_that_is_not_there_ends_with_3() {
    let policy = "tests/fixtures/cluster-api-policy-suggest/policy.yaml";
    let output = run(&["policy", "check", policy]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), format!("{policy}: ok\n"));
    let output = run(&["policy", "check", policy, "missing.yaml"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stdout(&output), "");
    assert_snapshot!(stderr(&output), @"error: missing.yaml: No such file or directory (os error 2)");
    assert_eq!(run(&["policy", "check"]).status.code(), Some(2));
    assert_eq!(run(&["policy", "chek"]).status.code(), Some(2));
}

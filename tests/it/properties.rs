//! Invariants over generated configs.

use distrogate::admission::Endpoint;
use distrogate::gate::Decision;
use distrogate::policy::Policy;
use distrogate::values::{Limits, read_yaml};
use distrogate::vcluster::Catalogue;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{cluster_api, envelope, patched, release, review, secret};

const CHARTS: [&str; 12] = [
    "0.20.0", "0.22.4", "0.24.2", "0.25.1", "0.26.5", "0.28.x", "0.30.4", "0.32.3", "0.33.0",
    "0.36.1", "0.99.0", "*",
];

/// Policies with defaults that may overrule something.
const POLICIES: [&str; 4] = [
    "{}",
    "{defaults: {values: {controlPlane: {advanced: {defaultImageRegistry: r.example}}}}}",
    "{defaults: {on: Always, values: {controlPlane: {distro: {k8s: {version: v1.31.1, resources: {limits: {memory: 1Gi}}}}}}}}",
    "{defaults: {on: Always, apply: Always, values: {controlPlane: {distro: {k3s: {imagePullPolicy: Always}}}}}}",
];

fn policy(spec: &str) -> Policy {
    let text = format!(
        "{{apiVersion: distrogate.io/v1alpha1, kind: DistroPolicy, metadata: {{name: p}}, spec: {spec}}}"
    );
    Policy::parse(&text, Catalogue::embedded()).unwrap()
}

/// Anything that may stand at a leaf: right, wrong and strange.
fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!("")),
        Just(json!({})),
        Just(json!([])),
        Just(json!(1.5)),
        Just(json!("v1.30.1")),
        Just(json!("registry.example/")),
        Just(json!("k8s/~weird\u{7f}\n")),
    ]
}

/// Values under the keys that matter, some of them misspelt.
fn values() -> impl Strategy<Value = Value> {
    let keys = prop::sample::select(vec![
        "controlPlane",
        "distro",
        "advanced",
        "defaultImageRegistry",
        "k8s",
        "k3s",
        "k0s",
        "K8S",
        "enabled",
        "version",
        "apiServer",
        "image",
        "tag",
        "registry",
        "repository",
        "resources",
        "limits",
        "memory",
        "extraArgs",
        "a/b~c",
        "privateNodes",
    ]);
    leaf().prop_recursive(6, 40, 5, move |inner| {
        prop::collection::btree_map(keys.clone(), inner, 0..5).prop_map(|map| json!(map))
    })
}

/// Values of the right shape, for whatever the leaves are.
fn config() -> impl Strategy<Value = Value> {
    let image = || {
        prop::option::of((leaf(), leaf(), leaf()).prop_map(|(registry, repository, tag)| {
        json!({"registry": registry, "repository": repository, "tag": tag})
    }))
    };
    (values(), leaf(), leaf(), image(), image(), leaf(), leaf()).prop_map(
        |(any, k8s, k3s, combined, split, version, registry)| {
            let mut distro = json!({"k8s": {"enabled": k8s}, "k3s": {"enabled": k3s}});
            if let Some(image) = combined {
                distro["k8s"]["image"] = image;
            }
            if let Some(image) = split {
                distro["k8s"]["apiServer"] = json!({"image": image});
            }
            if !version.is_null() {
                distro["k8s"]["version"] = version;
            }
            let mut values = json!({"controlPlane": {"distro": distro}, "other": any});
            if !registry.is_null() {
                values["controlPlane"]["advanced"] = json!({"defaultImageRegistry": registry});
            }
            values
        },
    )
}

/// JSON text with the keys of every map in the opposite order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries = map.iter().rev();
            let entries = entries.map(|(key, value)| format!("{}:{}", json!(key), reversed(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        value => value.to_string(),
    }
}

/// Everything that `before` sets is set alike in `after`.
fn keeps(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => before
            .iter()
            .all(|(key, value)| after.get(key).is_some_and(|after| keeps(value, after))),
        (before, after) => before == after,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_applies_keeps_what_is_set_and_leaves_nothing_for_a_second_pass(
        values in prop_oneof![config(), values()],
        chart in prop::sample::select(&CHARTS[..]),
        spec in prop::sample::select(&POLICIES[..]),
    ) {
        let policy = policy(spec);
        let body = envelope(&release(chart, &values), None);
        let (verdict, response) = review(&body, Endpoint::Mutate, &policy);
        prop_assert_ne!(verdict.decision, Decision::PatchWithheld);
        let again = patched(&body, &response);
        let (second, _) = review(&again, Endpoint::Mutate, &policy);
        prop_assert!(second.patch.0.is_empty(), "{:?}", second.patch);
        if !spec.contains("apply: Always") && !values.is_null() {
            let after: Value = serde_json::from_str(&again).unwrap();
            prop_assert!(keeps(&values, &after["request"]["object"]["spec"]["values"]));
        }
    }

    #[test]
    fn what_was_not_refused_is_not_refused_with_our_defaults(
        values in config(),
        chart in prop::sample::select(&CHARTS[..]),
        spec in prop::sample::select(&POLICIES[..]),
    ) {
        let policy = policy(spec);
        let body = envelope(&release(chart, &values), None);
        let (plain, _) = review(&body, Endpoint::Validate, &policy);
        let (_, response) = review(&body, Endpoint::Mutate, &policy);
        let (with, _) = review(&patched(&body, &response), Endpoint::Validate, &policy);
        prop_assert_eq!(plain.decision, with.decision);
    }

    #[test]
    fn text_gets_the_same_defaults_as_an_object(
        values in config(),
        chart in prop::sample::select(&CHARTS[..]),
        spec in prop::sample::select(&POLICIES[..]),
    ) {
        let policy = policy(spec);
        let text = format!("# mine\n{values}\n");
        let body = envelope(&cluster_api(chart, &json!(text)), None);
        let (verdict, response) = review(&body, Endpoint::Mutate, &policy);
        prop_assert_ne!(verdict.decision, Decision::PatchWithheld);
        let again = patched(&body, &response);
        let (second, _) = review(&again, Endpoint::Mutate, &policy);
        prop_assert!(second.patch.0.is_empty(), "{:?}", second.patch);
        let after: Value = serde_json::from_str(&again).unwrap();
        let after = after["request"]["object"]["spec"]["helmRelease"]["values"].as_str().unwrap();
        prop_assert!(after.starts_with("# mine\n"));
        if verdict.decision == Decision::Patched {
            let body = envelope(&release(chart, &values), None);
            let (_, response) = review(&body, Endpoint::Mutate, &policy);
            let object: Value = serde_json::from_str(&patched(&body, &response)).unwrap();
            let read = read_yaml(after.as_bytes(), &Limits::VALUES).unwrap().root.to_json();
            prop_assert_eq!(&read, &object["request"]["object"]["spec"]["values"]);
        }
    }

    #[test]
    fn ours_moves_with_the_chart_and_theirs_stays(
        values in config(),
        from in prop::sample::select(&CHARTS[..]),
        to in prop::sample::select(&CHARTS[..]),
        spec in prop::sample::select(&POLICIES[..2]),
    ) {
        let policy = policy(spec);
        let created = envelope(&release(from, &values), None);
        let (_, response) = review(&created, Endpoint::Mutate, &policy);
        let created: Value = serde_json::from_str(&patched(&created, &response)).unwrap();
        let old = &created["request"]["object"];
        let mut new = old.clone();
        new["spec"]["chart"]["spec"]["version"] = json!(to);
        let body = envelope(&new, Some(old));
        let (verdict, response) = review(&body, Endpoint::Mutate, &policy);
        // without ours a guessed chart may become clear, and a fault of the user's with it
        prop_assume!(verdict.decision != Decision::PatchWithheld);
        let moved = patched(&body, &response);
        let (second, _) = review(&moved, Endpoint::Mutate, &policy);
        prop_assert!(second.patch.0.is_empty(), "{:?}", second.patch);
        let moved: Value = serde_json::from_str(&moved).unwrap();
        prop_assert!(keeps(&values, &moved["request"]["object"]["spec"]["values"]));
        // and back again to where it was, but for what went out with another era
        let mut back = moved["request"]["object"].clone();
        back["spec"]["chart"]["spec"]["version"] = json!(from);
        let body = envelope(&back, Some(&moved["request"]["object"]));
        let (_, response) = review(&body, Endpoint::Mutate, &policy);
        let back: Value = serde_json::from_str(&patched(&body, &response)).unwrap();
        prop_assert!(keeps(&values, &back["request"]["object"]["spec"]["values"]));
    }

    #[test]
    fn between_two_other_mutators_nothing_flips(
        values in config(),
        chart in prop::sample::select(&CHARTS[..]),
        spec in prop::sample::select(&POLICIES[..3]),
        as_text in any::<bool>(),
    ) {
        let policy = policy(spec);
        let object = if as_text {
            cluster_api(chart, &json!(format!("# mine\n{values}\n")))
        } else {
            release(chart, &values)
        };
        let body = envelope(&object, None);
        let (_, response) = review(&body, Endpoint::Mutate, &policy);
        let ours: Value = serde_json::from_str(&patched(&body, &response)).unwrap();
        // one adds a field and a label, one writes all keys in another order: then we are asked again
        let mut object = ours["request"]["object"].clone();
        object["spec"]["interval"] = json!("5m");
        object["metadata"]["labels"] = json!({"injected": "yes"});
        let reordered = reversed(&object);
        let body = envelope(&object, None).replace(&object.to_string(), &reordered);
        prop_assert!(body.contains(&reordered));
        let (again, _) = review(&body, Endpoint::Mutate, &policy);
        prop_assert!(again.patch.0.is_empty(), "{:?}", again.patch);
    }

    #[test]
    fn an_unchanged_object_is_never_judged(
        values in values(),
        chart in prop::sample::select(&CHARTS[..]),
    ) {
        let object = release(chart, &values);
        let mut annotated = object.clone();
        annotated["metadata"]["annotations"] = json!({"a": "b"});
        let body = envelope(&annotated, Some(&object));
        let (verdict, _) = review(&body, Endpoint::Validate, &Policy::built_in());
        prop_assert_eq!(verdict.decision, Decision::Unchanged);
    }

    #[test]
    fn any_text_in_a_secret_is_answered(text in ".{0,200}", chart in "[0-9a-z.]{0,12}") {
        let body = envelope(&secret(&chart, text.as_bytes()), None);
        let (verdict, response) = review(&body, Endpoint::Validate, &Policy::built_in());
        prop_assert!(matches!(verdict.decision, Decision::Allowed | Decision::Denied));
        prop_assert_eq!(response["allowed"].as_bool(), Some(verdict.decision == Decision::Allowed));
    }
}

//! Webhook configurations as they are in the cluster, compared with what they have to be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::client::FIELD_MANAGER;
use crate::certs::Certificate;

/// The webhooks of a configuration.
pub(super) fn webhooks(live: &DynamicObject) -> impl Iterator<Item = &Value> {
    let webhooks = live.data.get("webhooks").and_then(Value::as_array);
    webhooks.into_iter().flatten()
}

/// Whom every webhook of a configuration trusts; a webhook without `caBundle` trusts nobody of
/// ours.
pub fn trusted(live: &DynamicObject) -> Vec<Certificate> {
    let mut bundles = webhooks(live).map(|webhook| {
        let bundle = webhook.pointer("/clientConfig/caBundle");
        let bundle = bundle.and_then(Value::as_str).unwrap_or_default();
        Certificate::all(&STANDARD.decode(bundle).unwrap_or_default()).0
    });
    let mut common = bundles.next().unwrap_or_default();
    for bundle in bundles {
        common.retain(|one| bundle.contains(one));
    }
    common
}

/// What is to be applied so that every webhook trusts just this bundle, and nothing else of it is
/// ours; `None` where that is so. The object is the one that was seen, or nothing is applied.
pub(super) fn bundle_patch(live: &DynamicObject, bundle: &str) -> Option<Value> {
    let wanted = STANDARD.encode(bundle);
    let fits = |webhook: &Value| {
        webhook
            .pointer("/clientConfig/caBundle")
            .and_then(Value::as_str)
            == Some(&wanted)
    };
    if webhooks(live).all(fits) {
        return None;
    }
    let webhooks: Vec<_> = webhooks(live)
        .filter_map(|webhook| webhook.get("name"))
        .map(|name| json!({"name": name, "clientConfig": {"caBundle": wanted}}))
        .collect();
    let types = live.types.clone().unwrap_or_default();
    Some(json!({
        "apiVersion": types.api_version,
        "kind": types.kind,
        "metadata": identity(live),
        "webhooks": webhooks,
    }))
}

/// What is to be applied so that a configuration is as wanted; `None` where it is.
pub(super) fn whole_patch(live: Option<&DynamicObject>, wanted: &Value) -> Option<Value> {
    let Some(live) = live else {
        return Some(wanted.clone());
    };
    let annotations = wanted.pointer("/metadata/annotations");
    let annotations = annotations.cloned().unwrap_or_else(|| json!({}));
    let present = json!(live.metadata.annotations.clone().unwrap_or_default());
    if covers(&live.data, wanted) && covers(&present, &annotations) && !has_left_over(live, wanted)
    {
        return None;
    }
    let mut metadata = identity(live);
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("annotations".to_owned(), annotations);
    }
    let mut patch = wanted.clone();
    if let Some(patch) = patch.as_object_mut() {
        patch.insert("metadata".to_owned(), metadata);
    }
    Some(patch)
}

/// Whether a webhook is still there that was applied from here and is not wanted any more.
fn has_left_over(live: &DynamicObject, wanted: &Value) -> bool {
    let fields = live.metadata.managed_fields.iter().flatten();
    let applied = fields
        .filter(|entry| {
            entry.manager.as_deref() == Some(FIELD_MANAGER)
                && entry.operation.as_deref() == Some("Apply")
        })
        .filter_map(|entry| entry.fields_v1.as_ref()?.0.get("f:webhooks"));
    let applied: Vec<_> = applied.collect();
    let wanted = wanted.get("webhooks").and_then(Value::as_array);
    let is_wanted = |name| wanted.is_some_and(|all| all.iter().any(|one| one.get("name") == name));
    webhooks(live).any(|webhook| {
        let name = webhook.get("name");
        let key = format!("k:{}", json!({"name": name}));
        !is_wanted(name) && applied.iter().any(|fields| fields.get(&key).is_some())
    })
}

/// What narrows down what is sent here, of a webhook: nobody else has a say in it.
const NARROWING: [&str; 3] = ["matchConditions", "namespaceSelector", "objectSelector"];

/// What is to be merged so that nothing of somebody else's keeps reviews away; `None` where there
/// is no such thing. Applying does not do it: conditions that others added are theirs.
pub(super) fn widening_patch(live: &DynamicObject, wanted: &Value) -> Option<Value> {
    let ours = |name: Option<&Value>| {
        let wanted = wanted.get("webhooks").and_then(Value::as_array)?;
        wanted.iter().find(|wanted| wanted.get("name") == name)
    };
    let mut is_narrowed = false;
    let mut webhooks: Vec<_> = webhooks(live).cloned().collect();
    for webhook in webhooks.iter_mut().filter_map(Value::as_object_mut) {
        let Some(wanted) = ours(webhook.get("name")) else {
            continue;
        };
        for key in NARROWING {
            let wanted = wanted.get(key).filter(|wanted| !is_empty(wanted));
            if webhook.get(key).filter(|live| !is_empty(live)) == wanted {
                continue;
            }
            is_narrowed = true;
            match wanted {
                Some(wanted) => webhook.insert(key.to_owned(), wanted.clone()),
                None => webhook.remove(key),
            };
        }
    }
    is_narrowed.then(|| json!({"metadata": identity(live), "webhooks": webhooks}))
}

/// Nothing, as an API server writes it where it is not said.
fn is_empty(value: &Value) -> bool {
    [json!(null), json!([]), json!({})].contains(value)
}

/// Applied with these, a change that somebody made in between is an error, and an object that is
/// gone does not come back as a torso.
fn identity(live: &DynamicObject) -> Value {
    let metadata = &live.metadata;
    json!({
        "name": metadata.name,
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
    })
}

/// Whether all that is wanted is there. What is there besides is somebody else's, but for lists
/// without names, which are one value.
fn covers(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| match key.as_str() {
                "apiVersion" | "kind" | "metadata" => true,
                _ => live.get(key).is_some_and(|live| covers(live, wanted)),
            })
        }
        (Value::Array(live), Value::Array(wanted)) => {
            let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
            if wanted.iter().all(|one| name(one).is_some()) {
                return wanted.iter().all(|wanted| {
                    let mut same = live.iter().filter(|live| name(live) == name(wanted));
                    same.any(|live| covers(live, wanted))
                });
            }
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| covers(live, wanted))
        }
        _ => live == wanted,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::cluster) fn live(bundles: &[&str]) -> DynamicObject {
        let webhooks: Vec<_> = bundles
            .iter()
            .enumerate()
            .map(|(at, bundle)| {
                let config = json!({"url": "https://a", "caBundle": STANDARD.encode(bundle)});
                json!({"name": format!("w{at}"), "clientConfig": config, "timeoutSeconds": 5})
            })
            .collect();
        serde_json::from_value(json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "a", "uid": "u", "resourceVersion": "7"},
            "webhooks": webhooks,
        }))
        .unwrap()
    }

    #[test]
    fn only_the_bundle_is_written_and_only_where_it_differs() {
        assert_eq!(bundle_patch(&live(&["x", "x"]), "x"), None);
        let patch = bundle_patch(&live(&["x", ""]), "x").unwrap();
        let webhook = |name| json!({"name": name, "clientConfig": {"caBundle": "eA=="}});
        assert_eq!(
            patch,
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "a", "uid": "u", "resourceVersion": "7"},
                "webhooks": [webhook("w0"), webhook("w1")],
            })
        );
    }

    #[test]
    fn what_others_add_is_theirs_and_what_they_change_is_not() {
        let live = live(&["x"]);
        let wanted = |webhook: Value| json!({"metadata": {"name": "a"}, "webhooks": [webhook]});
        let same = wanted(json!({"name": "w0", "timeoutSeconds": 5}));
        assert_eq!(whole_patch(Some(&live), &same), None);
        for changed in [
            json!({"name": "w0", "timeoutSeconds": 6}),
            json!({"name": "w1", "timeoutSeconds": 5}),
            json!({"name": "w0", "rules": []}),
        ] {
            let patch = whole_patch(Some(&live), &wanted(changed.clone())).unwrap();
            assert_eq!(patch["webhooks"], json!([changed]));
            assert_eq!(patch["metadata"]["resourceVersion"], "7");
        }
        assert_eq!(whole_patch(None, &same), Some(same));
        assert!(!covers(&json!([1, 2]), &json!([1])), "a list is one value");
    }

    #[test]
    fn annotations_are_applied_with_the_rest() {
        let mut live = live(&["x"]);
        let wanted = json!({"metadata": {"name": "a", "annotations": {"k": "v"}}, "webhooks": []});
        let patch = whole_patch(Some(&live), &wanted).unwrap();
        let metadata = json!({
            "name": "a", "uid": "u", "resourceVersion": "7", "annotations": {"k": "v"},
        });
        assert_eq!(patch["metadata"], metadata);
        let annotations = [("k", "v"), ("theirs", "w")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        live.metadata.annotations = Some(annotations.into());
        assert_eq!(whole_patch(Some(&live), &wanted), None);
    }

    #[test]
    fn what_was_applied_and_is_not_wanted_any_more_goes() {
        let mut live = live(&["x", "x"]);
        let wanted = json!({"webhooks": [{"name": "w0"}]});
        for (manager, operation, goes) in [
            (FIELD_MANAGER, "Apply", true),
            (FIELD_MANAGER, "Update", false),
            ("kubectl", "Apply", false),
        ] {
            let fields = json!({"f:webhooks": {".": {}, "k:{\"name\":\"w1\"}": {".": {}}}});
            let entry = json!({"manager": manager, "operation": operation, "fieldsV1": fields});
            live.metadata.managed_fields = serde_json::from_value(json!([entry])).unwrap();
            let patch = whole_patch(Some(&live), &wanted);
            assert_eq!(patch.is_some(), goes, "{manager} {operation}");
        }
        live.metadata.managed_fields = None;
        assert_eq!(whole_patch(Some(&live), &wanted), None);
    }

    #[test]
    fn what_others_put_in_the_way_of_reviews_is_taken_out() {
        let namespaces = json!({"matchExpressions": [{"key": "n", "operator": "Exists"}]});
        let condition = json!({"name": "ours", "expression": "true"});
        let ours = json!({
            "name": "w0",
            "matchConditions": [condition],
            "namespaceSelector": namespaces,
            "objectSelector": {},
        });
        let wanted = json!({"metadata": {"name": "a"}, "webhooks": [ours]});
        let with = |pointer: &str, value: Value| {
            let mut live = live(&["x", "y"]);
            let webhook = &mut live.data["webhooks"][0];
            let more = ours.as_object().unwrap().clone();
            webhook.as_object_mut().unwrap().extend(more);
            if let Some(at) = webhook.pointer_mut(pointer) {
                *at = value;
            }
            live
        };
        assert_eq!(widening_patch(&with("/no", json!(0)), &wanted), None);
        let labels = json!({"matchLabels": {"a": "b"}});
        let mut more = namespaces.clone();
        more["matchLabels"] = labels["matchLabels"].clone();
        let other = json!({"name": "theirs", "expression": "false"});
        for (pointer, value) in [
            ("/objectSelector", labels),
            ("/namespaceSelector", more),
            ("/matchConditions", json!([condition, other])),
        ] {
            let live = with(pointer, value);
            assert_eq!(whole_patch(Some(&live), &wanted), None, "{pointer}: theirs");
            let patch = widening_patch(&live, &wanted).unwrap();
            assert_eq!(patch["metadata"]["resourceVersion"], "7");
            let [first, second] = &patch["webhooks"].as_array().unwrap()[..] else {
                panic!("{patch}")
            };
            assert_eq!(*second, live.data["webhooks"][1], "another one's webhook");
            for (key, wanted) in ours.as_object().unwrap() {
                let found = first.get(key).cloned().unwrap_or_else(|| json!({}));
                assert_eq!(found, *wanted, "{pointer}");
            }
            assert_eq!(first["timeoutSeconds"], 5, "{pointer}");
            assert!(first["clientConfig"]["caBundle"].is_string(), "{pointer}");
        }
        // where we have none, nobody has
        let without = json!({"webhooks": [{
            "name": "w0",
            "namespaceSelector": namespaces,
            "objectSelector": {},
        }]});
        let patch = widening_patch(&with("/no", json!(0)), &without).unwrap();
        assert_eq!(patch["webhooks"][0].get("matchConditions"), None);
    }
}

//! `matchConditions`: what the API server does not even ask about.
//!
//! Under `failurePolicy: Fail` an error in an expression blocks the request, so nothing is asked
//! for without `has` first: labels, data, names and the old object may all be absent.

use serde_json::{Value, json};

/// Only Secrets with a vCluster config come here, by their name, which nobody can leave out.
pub(super) fn secrets_of_vcluster() -> Value {
    json!({
        "name": "secrets-of-vcluster-only",
        "expression": "request.resource.group != '' || request.resource.resource != 'secrets' || \
            (has(request.name) && request.name != '' ? request.name : \
            has(object.metadata.generateName) ? object.metadata.generateName : '')\
            .startsWith('vc-config-')",
    })
}

/// vCluster's own pod writes annotations on its Secret at every start, and must not need us for
/// that: an UPDATE with the same data, chart and release tells nothing new.
pub(super) fn another_config_than_before() -> Value {
    json!({
        "name": "another-config-than-before",
        "expression": "request.operation != 'UPDATE' || request.resource.group != '' || \
            request.resource.resource != 'secrets' || \
            has(object.data) != has(oldObject.data) || \
            (has(object.data) && object.data != oldObject.data) || \
            (has(object.metadata.labels) && 'chart' in object.metadata.labels ? \
            object.metadata.labels['chart'] : '') != \
            (has(oldObject.metadata.labels) && 'chart' in oldObject.metadata.labels ? \
            oldObject.metadata.labels['chart'] : '')",
    })
}

/// Argo CD writes the status of Applications into the objects themselves, at every refresh, and
/// must not need us for that either, whatever they deploy.
pub(super) fn no_refreshed_status() -> Value {
    json!({
        "name": "no-refreshed-status",
        "expression": "request.resource.group != 'argoproj.io' || \
            request.operation != 'UPDATE' || object.spec != oldObject.spec || \
            (has(object.operation) && \
            (!has(oldObject.operation) || object.operation != oldObject.operation))",
    })
}

/// Status, scale and labels change nothing about what runs.
pub(super) fn another_pod_than_before() -> Value {
    json!({
        "name": "another-pod-than-before",
        "expression": "request.operation != 'UPDATE' || \
            object.spec.template != oldObject.spec.template",
    })
}

//! What the rules of a webhook cover, whatever the order that they are written in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::snapshot::{list, text, texts};

/// One thing that the API server asks about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Covered {
    /// The API group; empty for the core group.
    pub(super) group: String,
    /// The plural, maybe with a subresource.
    pub(super) resource: String,
    version: String,
    operation: String,
    scope: String,
}

/// What one rule covers.
pub(super) fn of_rule(rule: &Value) -> BTreeSet<Covered> {
    let mut all = BTreeSet::new();
    let scope = match text(rule, "/scope") {
        "" => "*",
        scope => scope,
    };
    for group in texts(rule, "/apiGroups") {
        for resource in texts(rule, "/resources") {
            for version in texts(rule, "/apiVersions") {
                for operation in texts(rule, "/operations") {
                    all.insert(Covered {
                        group: group.to_owned(),
                        resource: resource.to_owned(),
                        version: version.to_owned(),
                        operation: operation.to_owned(),
                        scope: scope.to_owned(),
                    });
                }
            }
        }
    }
    all
}

/// What a webhook covers.
pub(super) fn of_webhook(webhook: &Value) -> BTreeSet<Covered> {
    list(webhook, "/rules").iter().flat_map(of_rule).collect()
}

/// What makes these rules cover what those do: rules that cover anything else go, from the end on,
/// and those come that cover what is then missing.
pub(super) fn rule_operations(is: &[Value], has_to_be: &[Value]) -> Vec<Value> {
    if is.is_empty() {
        // there may be no list to add to
        return vec![json!({"op": "add", "path": "/rules", "value": has_to_be})];
    }
    let all: BTreeSet<_> = has_to_be.iter().flat_map(of_rule).collect();
    let mut operations = Vec::new();
    let mut kept = BTreeSet::new();
    for (number, rule) in is.iter().enumerate().rev() {
        let covered = of_rule(rule);
        if covered.is_subset(&all) {
            kept.extend(covered);
        } else {
            let path = format!("/rules/{number}");
            operations.push(json!({"op": "remove", "path": path}));
        }
    }
    for rule in has_to_be {
        if !of_rule(rule).is_subset(&kept) {
            operations.push(json!({"op": "add", "path": "/rules/-", "value": rule}));
        }
    }
    operations
}

impl Covered {
    /// `helmreleases.helm.toolkit.fluxcd.io`.
    pub(super) fn name(&self) -> String {
        if self.group.is_empty() {
            self.resource.clone()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    /// Whether it covers a resource of a group.
    pub(super) fn covers(&self, group: &str, resource: &str) -> bool {
        let is_group = self.group == "*" || self.group == group;
        is_group && (["*", "*/*"].contains(&&*self.resource) || self.resource == resource)
    }

    /// Whether that is so for what is new.
    pub(super) fn covers_new(&self, group: &str, resource: &str) -> bool {
        self.covers(group, resource) && ["*", "CREATE"].contains(&&*self.operation)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::installed;
    use super::*;

    #[test]
    fn mended_rules_are_those_that_are_wanted() {
        let has_to_be =
            installed().configurations().next().unwrap()["webhooks"][0]["rules"].clone();
        let has_to_be = has_to_be.as_array().unwrap();
        let mut other = has_to_be.clone();
        other.remove(3);
        other[0]["resources"] = json!(["secrets", "pods"]);
        other.swap(1, 4);
        let pods = &other[..1];
        for mut webhook in [
            json!({"rules": other}),
            json!({"rules": pods}),
            json!({"rules": []}),
            json!({"rules": null}),
            json!({}),
        ] {
            let operations = rule_operations(list(&webhook, "/rules"), has_to_be);
            let patch: json_patch::Patch = serde_json::from_value(Value::from(operations)).unwrap();
            json_patch::patch(&mut webhook, &patch).unwrap();
            assert_eq!(
                of_webhook(&webhook),
                of_webhook(&json!({"rules": has_to_be}))
            );
        }
    }
}

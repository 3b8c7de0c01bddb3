//! What the rules of a webhook cover, whatever the order that they are written in.

use std::collections::BTreeSet;

use serde_json::Value;

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

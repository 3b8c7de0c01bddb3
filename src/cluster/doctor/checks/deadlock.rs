//! The webhooks cannot stop what the server needs to run: they leave its namespace and kube-system
//! alone, and ask about nothing that Pods, nodes and the API server itself depend on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::snapshot::{Labels, NAME_LABEL, list, text, titled};
use super::super::{Check, Finding, Seen, Snapshot, Status, Wanted, selector};
use super::configurations::present;
use super::rules::{Covered, of_webhook, rule_operations};
use crate::text::printable;

/// The label that selectors go by.
const NAME: &str = "kubernetes.io/metadata.name";
/// More than anybody waits for a write.
const LONGEST: u64 = 15;

/// What Pods need to start, nodes to stay and the API server to answer.
const VITAL: [(&str, &str); 15] = [
    ("", "pods"),
    ("", "nodes"),
    ("", "namespaces"),
    ("", "serviceaccounts"),
    ("", "endpoints"),
    ("", "events"),
    ("apps", "replicasets"),
    ("apps", "daemonsets"),
    ("coordination.k8s.io", "leases"),
    ("discovery.k8s.io", "endpointslices"),
    (
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
    ),
    (
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
    ),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
];

/// What every namespace depends on, unless it is narrowed down to what has configs.
const NARROWED: [(&str, &str); 4] = [
    ("", "secrets"),
    ("", "configmaps"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
];

/// Looks at every webhook of ours.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let check = Check::Deadlock;
    let mut findings = Vec::new();
    let configurations: Vec<_> = wanted
        .objects
        .iter()
        .filter_map(|object| Some((present(snapshot, object)?, object)))
        .collect();
    if configurations.is_empty() {
        return vec![check.not_seen("there is no configuration to look at")];
    }
    findings.extend(unnamed(snapshot, wanted));
    for (live, object) in configurations {
        for (number, webhook) in list(live, "/webhooks").iter().enumerate() {
            let one = Webhook {
                snapshot,
                wanted,
                configuration: live,
                number,
                live: webhook,
                model: list(object, "/webhooks")
                    .iter()
                    .find(|one| text(one, "/name") == text(webhook, "/name")),
            };
            findings.extend(one.namespaces());
            findings.extend(one.vital());
            findings.extend(one.wide());
            findings.extend(one.slow());
        }
    }
    if findings.is_empty() {
        let own = &wanted.namespace;
        findings.push(check.ok(format!(
            "kube-system, {own} and what Pods and nodes need never wait for the server"
        )));
    }
    findings
}

/// Before 1.21 namespaces have no label to go by, unless somebody gives them one.
fn unnamed(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let lacking = snapshot
        .namespaces
        .iter()
        .filter(|(_, labels)| labels.is().is_some_and(|labels| !labels.contains_key(NAME)));
    lacking
        .map(|(name, _)| {
            let label = format!("label namespace {name} {NAME}={name}");
            Check::Deadlock
                .error("is not set, and the webhooks leave namespaces alone by it")
                .of(format!("Namespace {name}"))
                .at(format!("metadata.labels.{}", NAME.replace('.', "\\.")))
                .why(format!(
                    "what is written there waits for the server; the API server sets it from \
                     1.{NAME_LABEL} on"
                ))
                .mend(wanted.commands.kubectl(&label))
        })
        .collect()
}

/// One webhook of ours.
struct Webhook<'a> {
    snapshot: &'a Snapshot,
    wanted: &'a Wanted,
    configuration: &'a Value,
    number: usize,
    live: &'a Value,
    /// The same as it should be.
    model: Option<&'a Value>,
}

impl Webhook<'_> {
    fn namespaces(&self) -> Vec<Finding> {
        let selector = self.live.get("namespaceSelector").unwrap_or(&Value::Null);
        let matched = self.snapshot.namespaces.iter().filter(|(name, labels)| {
            let known: Labels = [(NAME.to_owned(), (*name).clone())].into();
            let labels = match labels {
                // told by itself
                Seen::Is(labels) if !labels.contains_key(NAME) => &known,
                Seen::Is(labels) => labels,
                Seen::Absent | Seen::Hidden(_) => &known,
            };
            selector::matches(selector, labels)
        });
        matched
            .map(|(name, _)| {
                self.finding("namespaceSelector", &format!("takes the namespace {name}"))
                    .why(
                        "what is written there waits for the server, also what it takes to start it",
                    )
                    .mend_if(self.set("namespaceSelector"))
            })
            .collect()
    }

    fn vital(&self) -> Option<Finding> {
        let covered = of_webhook(self.live);
        let hits = |one: &Covered| {
            VITAL
                .iter()
                .any(|(group, resource)| one.covers(group, resource))
        };
        let names: BTreeSet<_> = covered
            .iter()
            .filter(|one| hits(one))
            .map(Covered::name)
            .collect();
        if names.is_empty() {
            return None;
        }
        let names: Vec<_> = names.iter().map(|name| printable(name, 128)).collect();
        Some(
            self.finding("rules", &format!("asks about {}", names.join(", ")))
                .why("without a server, nothing starts that could bring the server back")
                .mend_if(self.rules()),
        )
    }

    fn wide(&self) -> Option<Finding> {
        let selector = self.live.get("objectSelector").unwrap_or(&Value::Null);
        if !selector::is_open(selector) {
            return None;
        }
        let covered = of_webhook(self.live);
        let is_named = |(group, resource): &&(&str, &str)| {
            covered
                .iter()
                .any(|one| one.group == *group && one.resource == *resource)
        };
        let mut wide: Vec<_> = NARROWED.iter().filter(is_named).collect();
        // Secrets are narrowed by their name; what an older API server does not know, it cannot lack
        let conditions = list(self.live, "/matchConditions");
        let by_name = conditions
            .iter()
            .any(|one| text(one, "/expression").contains("vc-config-"));
        if by_name || !self.snapshot.knows_conditions() {
            wide.retain(|one| **one != ("", "secrets"));
        }
        if wide.is_empty() {
            return None;
        }
        let names: Vec<_> = wide.iter().map(|(_, resource)| *resource).collect();
        let field = if names == ["secrets"] {
            "matchConditions"
        } else {
            "objectSelector"
        };
        Some(
            self.finding(
                field,
                &format!("lets all {} come here", names.join(" and ")),
            )
            .why("every namespace depends on them, and they would on the server")
            .mend_if(self.set(field)),
        )
    }

    fn slow(&self) -> Option<Finding> {
        let seconds = self.live.get("timeoutSeconds")?.as_u64()?;
        (seconds > LONGEST).then(|| {
            let mut finding = self.finding("timeoutSeconds", &format!("is {seconds}"));
            finding.status = Status::Warning;
            finding
                .why("every write that is asked about takes that long if a server hangs")
                .mend_if(self.set("timeoutSeconds"))
        })
    }

    /// What fails closed stops; what fails open slows down.
    fn finding(&self, field: &str, says: &str) -> Finding {
        let status = if text(self.live, "/failurePolicy") == "Ignore" {
            Status::Warning
        } else {
            Status::Error
        };
        let name = printable(text(self.live, "/name"), 253);
        Check::Deadlock
            .finding(status, says)
            .of(titled(self.configuration))
            .at(format!("webhooks[{name}].{field}"))
    }

    fn set(&self, field: &str) -> Option<String> {
        let path = format!("/{field}");
        self.patch(|model| {
            let value = model.get(field).cloned().unwrap_or_default();
            vec![json!({"op": "add", "path": path, "value": value})]
        })
    }

    fn rules(&self) -> Option<String> {
        if self.wanted.policies.unseen.is_some() {
            return None;
        }
        let live = list(self.live, "/rules");
        self.patch(|model| rule_operations(live, list(model, "/rules")))
    }

    /// What is none of ours goes; nothing is said where a policy that was not seen may want it.
    fn patch(&self, operations: impl FnOnce(&Value) -> Vec<Value>) -> Option<String> {
        let operations = match self.model {
            Some(model) => operations(model),
            None if self.wanted.policies.unseen.is_some() => return None,
            None => vec![json!({"op": "remove", "path": ""})],
        };
        let commands = &self.wanted.commands;
        Some(commands.patch_webhook(self.configuration, self.number, operations))
    }
}

#[cfg(test)]
mod tests;

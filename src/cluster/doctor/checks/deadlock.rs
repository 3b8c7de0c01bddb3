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
mod tests {
    use insta::assert_snapshot;

    use super::super::super::Hidden;
    use super::super::testing::{change, installed, told, wanted};
    use super::*;

    #[test]
    fn what_manifests_prints_cannot_deadlock() {
        let mut snapshot = installed();
        let ok = "ok: kube-system, distrogate-system and what Pods and nodes need never wait for the server\n";
        assert_eq!(told(&look(&snapshot, &wanted())), ok);
        for labels in snapshot.namespaces.values_mut() {
            *labels = Seen::Hidden(Hidden::Late(5));
        }
        assert_eq!(
            told(&look(&snapshot, &wanted())),
            ok,
            "names are known without a look"
        );
    }

    #[test]
    fn a_namespace_without_its_label_is_named() {
        let mut snapshot = installed();
        let labels = Seen::Is(Labels::new());
        snapshot
            .namespaces
            .insert("distrogate-system".to_owned(), labels);
        assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
        error: Namespace distrogate-system metadata.labels.kubernetes\.io/metadata\.name is not set, and the webhooks leave namespaces alone by it
          why: what is written there waits for the server; the API server sets it from 1.21 on
          mend: kubectl label namespace distrogate-system kubernetes.io/metadata.name=distrogate-system
        "#);
    }

    #[test]
    fn what_takes_our_namespace_or_what_pods_need_is_named() {
        let mut snapshot = installed();
        change(&mut snapshot, "validating", |webhooks| {
            webhooks[2]["namespaceSelector"] = json!({
                "matchExpressions": [
                    {"key": NAME, "operator": "NotIn", "values": ["kube-system"]},
                ],
            });
        });
        change(&mut snapshot, "mutating", |webhooks| {
            webhooks[0]["rules"].as_array_mut().unwrap().push(json!({
                "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"],
            }));
        });
        assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
        error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[workloads.distrogate.io].namespaceSelector takes the namespace distrogate-system
          why: what is written there waits for the server, also what it takes to start it
          mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/2/name","value":"workloads.distrogate.io"},{"op":"add","path":"/webhooks/2/namespaceSelector","value":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system","distrogate-system"]}]}}]'
        warning: MutatingWebhookConfiguration mutate.distrogate.io webhooks[mutate.distrogate.io].rules asks about *.*
          why: without a server, nothing starts that could bring the server back
          mend: kubectl patch mutatingwebhookconfiguration mutate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/0/name","value":"mutate.distrogate.io"},{"op":"remove","path":"/webhooks/0/rules/10"}]'
        "#);
    }

    #[test]
    fn nothing_is_taken_away_that_a_policy_may_want() {
        let mut snapshot = installed();
        change(&mut snapshot, "validating", |webhooks| {
            webhooks[0]["rules"][0]["resources"] = json!(["*"]);
            webhooks[0]["rules"][0]["apiGroups"] = json!(["*"]);
            webhooks[1]["name"] = json!("another.distrogate.io");
            webhooks[1]["timeoutSeconds"] = json!(30);
            webhooks[2]["timeoutSeconds"] = json!(30);
        });
        let mut wanted = wanted();
        wanted.policies.unseen = Some("no answer in 5 s".to_owned());
        let found = look(&snapshot, &wanted);
        let mends: Vec<_> = found.iter().map(|one| one.mend.is_some()).collect();
        assert_eq!(mends, [false, false, true], "{}", told(&found));
        wanted.policies.unseen = None;
        let found = look(&snapshot, &wanted);
        assert!(found.iter().all(|one| one.mend.is_some()));
    }

    #[test]
    fn what_is_wide_or_slow_is_named() {
        let mut snapshot = installed();
        change(&mut snapshot, "validating", |webhooks| {
            webhooks[0]["matchConditions"] = json!([]);
            webhooks[1]["objectSelector"] = json!({});
            webhooks[2]["timeoutSeconds"] = json!(30);
        });
        assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
        error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[validate.distrogate.io].matchConditions lets all secrets come here
          why: every namespace depends on them, and they would on the server
          mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/0/name","value":"validate.distrogate.io"},{"op":"add","path":"/webhooks/0/matchConditions","value":[{"expression":"request.resource.group != '\'''\'' || request.resource.resource != '\''secrets'\'' || (has(request.name) && request.name != '\'''\'' ? request.name : has(object.metadata.generateName) ? object.metadata.generateName : '\'''\'').startsWith('\''vc-config-'\'')","name":"secrets-of-vcluster-only"},{"expression":"request.operation != '\''UPDATE'\'' || request.resource.group != '\'''\'' || request.resource.resource != '\''secrets'\'' || has(object.data) != has(oldObject.data) || (has(object.data) && object.data != oldObject.data) || (has(object.metadata.labels) && '\''chart'\'' in object.metadata.labels ? object.metadata.labels['\''chart'\''] : '\'''\'') != (has(oldObject.metadata.labels) && '\''chart'\'' in oldObject.metadata.labels ? oldObject.metadata.labels['\''chart'\''] : '\'''\'')","name":"another-config-than-before"},{"expression":"request.resource.group != '\''argoproj.io'\'' || request.operation != '\''UPDATE'\'' || has(object.spec) != has(oldObject.spec) || (has(object.spec) && object.spec != oldObject.spec) || (has(object.operation) && (!has(oldObject.operation) || object.operation != oldObject.operation))","name":"no-refreshed-status"},{"expression":"request.operation != '\''UPDATE'\'' || !has(object.metadata.deletionTimestamp) || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec","name":"no-last-farewell"}]}]'
        error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[values.distrogate.io].objectSelector lets all secrets and configmaps come here
          why: every namespace depends on them, and they would on the server
          mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/1/name","value":"values.distrogate.io"},{"op":"add","path":"/webhooks/1/objectSelector","value":{"matchExpressions":[{"key":"distrogate.io/values","operator":"Exists"}]}}]'
        warning: ValidatingWebhookConfiguration validate.distrogate.io webhooks[workloads.distrogate.io].timeoutSeconds is 30
          why: every write that is asked about takes that long if a server hangs
          mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/2/name","value":"workloads.distrogate.io"},{"op":"add","path":"/webhooks/2/timeoutSeconds","value":5}]'
        "#);
        snapshot.minor = 20;
        change(&mut snapshot, "validating", |webhooks| {
            webhooks.as_array_mut().unwrap().truncate(1);
        });
        let told = told(&look(&snapshot, &wanted()));
        assert!(
            told.starts_with("ok: "),
            "the API server's own finding: {told}"
        );
    }
}

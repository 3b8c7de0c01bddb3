//! The Deployment bears the loss of a Pod, of a node, and a drain.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::snapshot::{Labels, is_ready, list, text};
use super::super::{Behind, Check, Finding, Seen, Snapshot, Wanted, selector};
use super::configurations::present;
use super::mends::Mends;

/// Looks at the Deployment and what goes with it.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let check = Check::Deployment;
    let Some(behind) = &snapshot.behind else {
        return vec![check.not_seen("the server is not behind a Service")];
    };
    let deployments = match &behind.deployments {
        Seen::Is(deployments) => deployments,
        Seen::Absent => &Vec::new(),
        Seen::Hidden(why) => return vec![check.not_seen(why)],
    };
    let Some(deployment) = deployments.first() else {
        return vec![
            check
                .error(format!(
                    "there is none in {} whose Pods the Service selects",
                    wanted.namespace
                ))
                .why("nothing keeps a server running")
                .mend_if(Mends { snapshot, wanted }.install()),
        ];
    };
    let name = deployment.metadata.name.clone().unwrap_or_default();
    let room = Room {
        behind,
        wanted,
        deployment,
        name: &name,
        fails_closed: fails_closed(snapshot, wanted),
    };
    let mut findings = room.replicas();
    // without a server there is nothing to take away
    if replicas(deployment) > 0 {
        findings.extend(room.budget());
    }
    findings.extend(room.nodes());
    findings.extend(room.priority());
    if findings.is_empty() {
        let replicas = replicas(deployment);
        findings.push(check.ok(format!(
            "{replicas} of {replicas} replicas are available, and bear a drain"
        )));
    }
    let title = format!("Deployment {}/{name}", wanted.namespace);
    let titled = |mut one: Finding| {
        if one.object.is_empty() {
            one.object.clone_from(&title);
        }
        one
    };
    findings.into_iter().map(titled).collect()
}

struct Room<'a> {
    behind: &'a Behind,
    wanted: &'a Wanted,
    deployment: &'a Deployment,
    name: &'a str,
    /// Whether writes are refused while there is no server.
    fails_closed: bool,
}

impl Room<'_> {
    fn replicas(&self) -> Vec<Finding> {
        let check = Check::Deployment;
        let wanted = replicas(self.deployment);
        let status = self.deployment.status.as_ref();
        let available = status
            .and_then(|status| status.available_replicas)
            .unwrap_or(0);
        let mut findings = Vec::new();
        if wanted == 0 {
            findings.push(
                check
                    .error("is 0")
                    .at("spec.replicas")
                    .why("there is no server")
                    .mend(self.kubectl(&format!("scale deployment/{} --replicas=2", self.name))),
            );
            return findings;
        }
        if available < wanted {
            let says = format!("is {available}, has to be {wanted}");
            let finding = if available == 0 {
                check.error(says).why("there is no server")
            } else {
                check
                    .warning(says)
                    .why("what is left may not bear the next loss")
            };
            let restart = format!("rollout restart deployment/{}", self.name);
            findings.push(
                finding
                    .at("status.availableReplicas")
                    .mend(self.kubectl(&restart)),
            );
        }
        if wanted == 1 && self.fails_closed {
            findings.push(
                check
                    .warning("is 1, and validation fails closed")
                    .at("spec.replicas")
                    .why("whenever that Pod moves, writes of objects with vCluster configs are refused")
                    .mend(self.kubectl(&format!("scale deployment/{} --replicas=2", self.name))),
            );
        }
        findings
    }

    fn budget(&self) -> Option<Finding> {
        let check = Check::Deployment;
        let budgets = match &self.behind.budgets {
            Seen::Is(budgets) => budgets,
            Seen::Absent => return None,
            Seen::Hidden(why) => {
                return Some(check.not_seen(why).of("PodDisruptionBudget"));
            }
        };
        let labels = self.labels();
        let ours: Vec<_> = budgets.iter().filter(|one| takes(one, &labels)).collect();
        let replicas = replicas(self.deployment);
        let name = self.name;
        let title = |one: &PodDisruptionBudget| {
            let name = one.metadata.name.clone().unwrap_or_default();
            (
                format!("PodDisruptionBudget {}/{name}", self.wanted.namespace),
                name,
            )
        };
        match ours.as_slice() {
            [] => self.fails_closed.then(|| {
                let wanted: Vec<_> = labels
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                let create = format!(
                    "create poddisruptionbudget {name} --selector={} --min-available=1",
                    wanted.join(",")
                );
                check
                    .warning("has no PodDisruptionBudget")
                    .why("draining nodes may take every server at once")
                    .mend(self.kubectl(&create))
            }),
            [one] => {
                let (title, name) = title(one);
                let (field, says) = blocks(one, replicas)?;
                let patch = r#"'{"spec":{"maxUnavailable":null,"minAvailable":1}}'"#;
                let mend = if replicas == 1 {
                    format!("scale deployment/{} --replicas=2", self.name)
                } else {
                    format!("patch poddisruptionbudget {name} --type=merge -p {patch}")
                };
                Some(
                    check
                        .warning(says)
                        .of(title)
                        .at(field)
                        .why("no Pod may ever be taken, and draining a node waits for ever")
                        .mend(self.kubectl(&mend)),
                )
            }
            [first, .., last] => {
                let (title, _) = title(first);
                let other = last.metadata.name.clone().unwrap_or_default();
                Some(
                    check
                        .warning(format!("is about the same Pods as {other}"))
                        .of(title)
                        .why("Kubernetes evicts nothing that two budgets are about, and draining a node waits for ever")
                        .mend(self.kubectl(&format!("delete poddisruptionbudget {other}"))),
                )
            }
        }
    }

    fn nodes(&self) -> Option<Finding> {
        let check = Check::Deployment;
        let pods = match &self.behind.pods {
            Seen::Is(pods) => pods,
            Seen::Absent => return None,
            Seen::Hidden(why) => return Some(check.not_seen(why).of("Pods")),
        };
        let ready: Vec<&Pod> = pods.iter().filter(|pod| is_ready(pod)).collect();
        let node = |pod: &&Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
        let nodes: BTreeSet<_> = ready.iter().filter_map(node).collect();
        let only = nodes
            .first()
            .filter(|_| nodes.len() == 1 && ready.len() > 1)?;
        let restart = format!("rollout restart deployment/{}", self.name);
        Some(
            check
                .warning(format!(
                    "all {} Pods that are ready run on the node {only}",
                    ready.len()
                ))
                .why("the loss of that node takes every server at once")
                .mend(self.kubectl(&restart)),
        )
    }

    fn priority(&self) -> Option<Finding> {
        let spec = self.deployment.spec.as_ref()?.template.spec.as_ref()?;
        let name = self.name;
        let is_set = spec.priority_class_name.is_some();
        let patch = format!(
            r#"patch deployment {name} --type=merge -p '{{"spec":{{"template":{{"spec":{{"priorityClassName":"distrogate"}}}}}}}}'"#
        );
        (!is_set).then(|| {
            Check::Deployment
                .info("is not set")
                .at("spec.template.spec.priorityClassName")
                .why("where nodes are full, ordinary workloads are scheduled before the server that they wait for")
                .mend(self.kubectl(&patch))
        })
    }

    fn labels(&self) -> Labels {
        let template = self.deployment.spec.as_ref().map(|spec| &spec.template);
        let metadata = template.and_then(|template| template.metadata.as_ref());
        metadata
            .and_then(|metadata| metadata.labels.clone())
            .unwrap_or_default()
    }

    fn kubectl(&self, arguments: &str) -> String {
        let namespace = &self.wanted.namespace;
        self.wanted
            .commands
            .kubectl(&format!("-n {namespace} {arguments}"))
    }
}

/// Whether a webhook of ours refuses while nobody answers.
fn fails_closed(snapshot: &Snapshot, wanted: &Wanted) -> bool {
    let configurations = wanted
        .objects
        .iter()
        .filter_map(|one| present(snapshot, one));
    let mut webhooks = configurations.flat_map(|one| list(one, "/webhooks"));
    webhooks.any(|webhook| text(webhook, "/failurePolicy") == "Fail")
}

fn replicas(deployment: &Deployment) -> i32 {
    let spec = deployment.spec.as_ref();
    spec.and_then(|spec| spec.replicas).unwrap_or(1)
}

/// Whether a budget is about Pods with these labels. Without a selector it is about none.
fn takes(budget: &PodDisruptionBudget, labels: &Labels) -> bool {
    let spec = budget.spec.as_ref();
    let selector = spec.and_then(|spec| spec.selector.as_ref());
    let selector = selector.and_then(|one| serde_json::to_value(one).ok());
    selector.is_some_and(|selector| selector::matches(&selector, labels))
}

/// The field by which a budget lets no Pod go, and what that says.
fn blocks(budget: &PodDisruptionBudget, replicas: i32) -> Option<(&'static str, String)> {
    let spec = budget.spec.as_ref()?;
    let is_none = |bound: &IntOrString| match bound {
        IntOrString::Int(number) => *number <= 0,
        IntOrString::String(share) => share == "0%",
    };
    let is_all = |bound: &IntOrString| match bound {
        IntOrString::Int(number) => *number >= replicas,
        // rounded up
        IntOrString::String(share) => {
            let share = share.trim_end_matches('%').parse().unwrap_or(0);
            share.min(100) * replicas > 100 * (replicas - 1)
        }
    };
    let shown = |bound: &IntOrString| match bound {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(share) => share.clone(),
    };
    if let Some(bound) = spec.max_unavailable.as_ref().filter(|one| is_none(one)) {
        return Some(("spec.maxUnavailable", format!("is {}", shown(bound))));
    }
    let bound = spec.min_available.as_ref().filter(|one| is_all(one))?;
    let says = format!("is {}, of {replicas} in all", shown(bound));
    Some(("spec.minAvailable", says))
}

#[cfg(test)]
mod tests;

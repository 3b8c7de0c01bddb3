//! The examples of a rule's page, tried out on the gate as a tenant would.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::admission::{Endpoint, GroupVersionKind, Operation, Reply as _, Request};
use crate::gate::{self, Cluster, Decision, Verdict};
use crate::policy::{Action, Policy};
use crate::rules::{Example, Finding, Rule};
use crate::values::{Limits, read_yaml};
use crate::vcluster::{Catalogue, KubeVersion};

/// What came of a rule's examples.
#[derive(Debug)]
pub struct Tried {
    /// The object that held them: not every rule speaks of every kind.
    pub object: &'static str,
    /// What the rule found in the refused example: at least one thing.
    pub refused: Vec<Finding>,
    /// What a tenant, or the audit log where tenants are told nothing, reads of it.
    pub told: String,
    /// What the rule found in the allowed example: nothing, if the page is right.
    pub allowed: Vec<Finding>,
}

/// Tries a rule's examples in the first kind of object in which the refused one is found fault
/// with.
///
/// # Errors
/// An example cannot be read, or the rule has nothing to say of the refused one.
pub fn try_out(rule: &Rule) -> anyhow::Result<Tried> {
    for holder in HOLDERS {
        let Some(verdict) = review(rule, &rule.page.refused, holder)? else {
            continue;
        };
        let refused: Vec<_> = verdict.findings().cloned().collect();
        if refused.is_empty() {
            continue;
        }
        let allowed = review(rule, &rule.page.allowed, holder)?;
        let allowed = allowed.context("the allowed example fits only into another object")?;
        return Ok(Tried {
            object: holder.name,
            told: told(&verdict),
            refused,
            allowed: allowed.findings().cloned().collect(),
        });
    }
    anyhow::bail!("{} finds no fault with its own example", rule.id)
}

/// A policy that says of one rule what an example needs.
pub fn policy_of(rule: &Rule, example: &Example) -> Option<String> {
    let said = example.policy?.trim_end();
    let said = if said.contains('\n') || !said.starts_with('{') {
        format!("\n      {}", said.replace('\n', "\n      "))
    } else {
        format!(" {said}")
    };
    Some(format!("spec:\n  rules:\n    {}:{said}\n", rule.id))
}

/// An object that holds values.
#[derive(Clone, Copy)]
struct Holder {
    name: &'static str,
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    object_name: &'static str,
    /// The object with a chart and values; `None` if these values cannot be in it.
    object: fn(&Example, &str) -> Option<Value>,
}

/// Where examples are tried, in this order.
const HOLDERS: [Holder; 4] = [
    Holder {
        name: "the values of a Flux HelmRelease",
        group: "helm.toolkit.fluxcd.io",
        version: "v2",
        kind: "HelmRelease",
        object_name: "dev",
        object: |example, values| {
            let values = read_yaml(values.as_bytes(), &Limits::VALUES).ok()?.root;
            values.as_map()?;
            let chart = json!({"chart": "vcluster", "version": example.chart});
            Some(json!({"spec": {"chart": {"spec": chart}, "values": values.to_json()}}))
        },
    },
    Holder {
        name: "the values of Cluster API's VCluster",
        group: "infrastructure.cluster.x-k8s.io",
        version: "v1alpha1",
        kind: "VCluster",
        object_name: "dev",
        object: |example, values| {
            let chart = json!({"version": example.chart});
            Some(json!({"spec": {"helmRelease": {"chart": chart, "values": values}}}))
        },
    },
    Holder {
        name: "the values of a VirtualClusterInstance",
        group: "storage.loft.sh",
        version: "v1",
        kind: "VirtualClusterInstance",
        object_name: "dev",
        object: |example, values| {
            let chart = json!({"name": "vcluster", "version": example.chart});
            let release = json!({"chart": chart, "values": values});
            Some(json!({"spec": {"template": {"helmRelease": release}}}))
        },
    },
    Holder {
        name: "the Secret that Helm renders",
        group: "",
        version: "v1",
        kind: "Secret",
        object_name: "vc-config-dev",
        object: |example, values| {
            Some(json!({
                "metadata": {"labels": {"chart": format!("vcluster-{}", example.chart)}},
                "data": {"config.yaml": STANDARD.encode(values)},
            }))
        },
    },
];

/// What the validating webhook decides about an example, as far as the rule has a say in it;
/// `None` if the object cannot hold the example.
fn review(rule: &Rule, example: &Example, holder: Holder) -> anyhow::Result<Option<Verdict>> {
    let policy = match policy_of(rule, example) {
        Some(spec) => {
            let header =
                "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {name: example}";
            Policy::parse(&format!("{header}\n{spec}"), Catalogue::embedded())?
        }
        None => Policy::built_in(),
    };
    let raw = |values: &str| -> anyhow::Result<Option<Box<RawValue>>> {
        let object = (holder.object)(example, values);
        Ok(object.map(|object| to_raw_value(&object)).transpose()?)
    };
    let Some(object) = raw(example.values)? else {
        return Ok(None);
    };
    let before = match example.before {
        Some(values) => raw(values)?,
        None => None,
    };
    let kind = GroupVersionKind {
        group: holder.group.into(),
        version: holder.version.into(),
        kind: holder.kind.into(),
    };
    let mut request = Request::about(kind, "team-a", holder.object_name);
    request.operation = match before {
        Some(_) => Operation::Update,
        None => Operation::Create,
    };
    request.object = Some(&object);
    request.old_object = before.as_deref();
    let cluster = Cluster {
        host_version: example.host.and_then(KubeVersion::parse),
        ..Cluster::default()
    };
    let mut verdict = gate::review(&request, Endpoint::Validate, &policy, &cluster);
    for config in &mut verdict.configs {
        config.findings.retain(|finding| finding.rule == rule.id);
    }
    verdict.remarks.clear();
    let is_denied = verdict
        .findings()
        .any(|finding| finding.action == Action::Deny);
    verdict.decision = if is_denied {
        Decision::Denied
    } else {
        Decision::Allowed
    };
    Ok(Some(verdict))
}

/// What is read of a verdict.
fn told(verdict: &Verdict) -> String {
    let response = verdict.response();
    let mut lines: Vec<_> = response
        .denial
        .into_iter()
        .map(|denial| denial.message)
        .chain(response.warnings)
        .collect();
    if lines.is_empty() {
        lines.extend(response.audit_annotations.into_values());
    }
    lines.join("\n")
}

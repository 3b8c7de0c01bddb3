//! What was read of a cluster, at one time. Every check is a function of it alone.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::seen::Seen;

/// The first minor version of Kubernetes 1 that knows `matchConditions` by itself.
pub(super) const MATCH_CONDITIONS: u32 = 28;
/// The first that gives every namespace the label that selectors go by.
pub(super) const NAME_LABEL: u32 = 21;

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// What was read of a cluster.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What time it is for the API server, to the second.
    pub now: OffsetDateTime,
    /// How far our own clock is ahead of that.
    pub ahead: Duration,
    /// The API server's version, as in `v1.33.4`.
    pub version: String,
    /// Its minor version.
    pub minor: u32,
    /// Every validating configuration of the cluster.
    pub validating: Seen<Vec<Value>>,
    /// Every mutating one.
    pub mutating: Seen<Vec<Value>>,
    /// The labels of kube-system and of the server's own namespace.
    pub namespaces: BTreeMap<String, Seen<Labels>>,
    /// What is only there behind a Service.
    pub behind: Option<Behind>,
    /// The certificates that the server shows, its own in front.
    pub served: Seen<Vec<CertificateDer<'static>>>,
    /// The control planes of virtual clusters.
    pub workloads: Seen<Vec<Workload>>,
    /// What became of the canaries.
    pub canaries: Vec<Canary>,
}

/// What stands behind a Service.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The Service.
    pub service: Seen<Service>,
    /// Where it leads.
    pub endpoints: Seen<Vec<Endpoint>>,
    /// The Deployments whose Pods it selects.
    pub deployments: Seen<Vec<Deployment>>,
    /// The Pods that it selects.
    pub pods: Seen<Vec<Pod>>,
    /// Every budget of the namespace.
    pub budgets: Seen<Vec<PodDisruptionBudget>>,
    /// What `/readyz?verbose` of each ready Pod says, by the Pod's name.
    pub pages: BTreeMap<String, Seen<String>>,
    /// The policies that are mounted; none where the Deployment names none.
    pub mounted: Seen<Vec<Mounted>>,
}

/// A policy that is mounted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mounted {
    /// Where it is for the server.
    pub path: String,
    /// What it says.
    pub text: String,
    /// The `ConfigMap` that it is in.
    pub config_map: String,
    /// And under which key.
    pub key: String,
}

impl Behind {
    /// The name of the Deployment.
    pub(super) fn deployment(&self) -> Option<&str> {
        self.deployments.is()?.first()?.metadata.name.as_deref()
    }
}

/// One address of a Service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// The address.
    pub address: String,
    /// Whether reviews are sent there.
    pub is_ready: bool,
}

/// A control plane of a virtual cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Workload {
    /// `StatefulSet team-a/dev`.
    pub object: String,
    /// Its label `chart`.
    pub chart: String,
}

/// An object that nobody would want, which the API server was asked to make, and not to keep.
#[derive(Clone, Debug)]
pub struct Canary {
    /// `Secret default/vc-config-distrogate-canary`.
    pub object: String,
    /// What should become of it.
    pub expected: Expected,
    /// Why that is not certain, where it is not.
    pub doubt: Option<String>,
    /// What did.
    pub answer: Seen<Answer>,
}

/// What should become of a canary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Expected {
    /// It is refused.
    Refused,
    /// It is let through, and the user is warned.
    Warned,
    /// It is let through, and the user hears nothing.
    Silence,
    /// Its record of defaults, which is a lie, does not come back.
    Changed {
        /// The annotation that holds it.
        annotation: &'static str,
        /// What it says.
        lie: String,
    },
}

/// What the API server said to a canary.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer {
    /// The code of HTTP.
    pub code: u16,
    /// The message, where it refused.
    pub message: String,
    /// The warnings.
    pub warnings: Vec<String>,
    /// The annotations of the object as it would have been stored.
    pub annotations: Labels,
}

impl Snapshot {
    /// Whether the API server knows `matchConditions`.
    pub(super) const fn knows_conditions(&self) -> bool {
        self.minor >= MATCH_CONDITIONS
    }

    /// Every configuration that was seen, those that validate in front.
    pub(super) fn configurations(&self) -> impl Iterator<Item = &Value> {
        let seen = [&self.validating, &self.mutating];
        seen.into_iter().filter_map(Seen::is).flatten()
    }

    /// The configuration of a kind with a name.
    pub(super) fn configuration(&self, kind: &str, name: &str) -> Option<&Value> {
        self.configurations()
            .find(|one| text(one, "/kind") == kind && text(one, "/metadata/name") == name)
    }
}

/// Whether reviews are sent to a Pod.
pub(super) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|one| one.type_ == "Ready" && one.status == "True");
    ready.next().is_some() && pod.metadata.deletion_timestamp.is_none()
}

/// The text at a JSON pointer; empty if there is none.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The list at a JSON pointer; empty if there is none.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The texts of a list at a JSON pointer.
pub(super) fn texts<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v str> {
    list(value, pointer).iter().filter_map(Value::as_str)
}

/// `ValidatingWebhookConfiguration validate.distrogate.io`.
pub(super) fn titled(object: &Value) -> String {
    format!(
        "{} {}",
        text(object, "/kind"),
        text(object, "/metadata/name")
    )
}

//! `component-disabled`: a control plane without its API server or controller manager.
//!
//! Mirrors `pkg/k8s/k8s.go` of vCluster: what is off is not started, and nothing stands in for it.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::Distro;

pub(super) const RULE: Rule = Rule {
    id: "component-disabled",
    action: Action::Warn,
    about: "the API server or the controller manager is off",
    page: Page {
        why: "What is off is not started, and nothing stands in for it: without an API server the \
              virtual cluster answers nobody, without a controller manager its deployments, jobs \
              and service accounts are never acted upon.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      controllerManager:\n        enabled: false\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      controllerManager:\n        enabled: true\n",
        ),
        fix: "Leave both on, as the chart has them. The scheduler is off by default and may stay \
              so: pods are scheduled by the host cluster.",
    },
    settings: &[],
    ratchet: true,
    check,
};

/// The key of a component, what it is called, and what is missing without it.
const COMPONENTS: [(&str, &str, &str); 2] = [
    ("apiServer", "API server", "answers nobody"),
    (
        "controllerManager",
        "controller manager",
        "acts upon no deployment, job or service account",
    ),
];

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.judged_distro() != Some(Distro::K8s) {
        return;
    }
    for (key, name, lacks) in COMPONENTS {
        let path = Path::keys(["controlPlane", "distro", "k8s", key, "enabled"]);
        let enabled = context.config.get(path.as_keys().unwrap_or_default());
        if enabled.bool() == Some(false) {
            findings.push(
                Finding::new(
                    context.config.place(&path),
                    format!("without its {name} the virtual cluster {lacks}"),
                )
                .fix(format!("set {path} to true, or leave it out")),
            );
        }
    }
}

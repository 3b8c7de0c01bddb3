//! `scheduler-unused`: settings of a scheduler that is not started.
//!
//! Up to chart 0.25 the scheduler is enabled with `controlPlane.advanced.virtualScheduler`, from
//! 0.26 on also with `scheduler.enabled`; private nodes always start one.

use super::{Context, Example, Finding, Page, Rule, below};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::{Completeness, Distro};

pub(super) const RULE: Rule = Rule {
    id: "scheduler-unused",
    action: Action::Warn,
    about: "settings of the scheduler while it is off",
    page: Page {
        why: "The virtual cluster's own scheduler is off by default: the host cluster schedules \
              its pods. What is set for it has no effect then, and nobody says so.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      scheduler:\n        extraArgs: [--v=2]\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      scheduler:\n        enabled: true\n        extraArgs: [--v=2]\n",
        ),
        fix: "Switch the scheduler on (controlPlane.distro.k8s.scheduler.enabled, up to chart \
              0.25 controlPlane.advanced.virtualScheduler.enabled; it needs \
              sync.fromHost.nodes.enabled), or remove its settings. An image that is set for the \
              other components too is no fault.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    if context.judged_distro() != Some(Distro::K8s) || config.scheduler_enabled() != Some(false) {
        return;
    }
    // a switch that nobody set here may be set by values that are not seen
    if context.completeness != Completeness::Whole {
        return;
    }
    let path = Path::dotted("controlPlane.distro.k8s.scheduler");
    let set: Vec<_> = config
        .set_beyond_defaults(&path)
        .into_iter()
        .filter(|set| set.last_key() != Some("enabled") && !is_set_for_all(context, set))
        .collect();
    if set.is_empty() {
        return;
    }
    let switch = "controlPlane.distro.k8s.scheduler.enabled";
    let of_all = "controlPlane.advanced.virtualScheduler.enabled";
    let has_switch = |field: &crate::vcluster::Field| field.get(switch.split('.')).is_some();
    let switch = if config.chart.fields().all(has_switch) {
        switch
    } else {
        of_all
    };
    findings.push(
        Finding::new(
            config.place_of_causes(&path, &set),
            format!(
                "the scheduler is off, what is set for it has no effect: {}",
                below(&path, &set)
            ),
        )
        .fix(format!("set {switch} to true, or remove what is set")),
    );
}

/// Whether the other components have the same setting: whoever gives all of them one registry
/// does not expect each of them to run.
fn is_set_for_all(context: &Context<'_>, set: &Path) -> bool {
    let keys = set.as_keys().unwrap_or_default();
    let of_image = keys.get(4..).unwrap_or_default();
    if !matches!(of_image.first(), Some(&("image" | "imagePullPolicy"))) {
        return false;
    }
    ["apiServer", "controllerManager"].iter().any(|other| {
        let other = Path::keys(["controlPlane", "distro", "k8s", other]);
        let other = of_image.iter().fold(other, |path, key| path.key(key));
        !context.config.set_beyond_defaults(&other).is_empty()
    })
}

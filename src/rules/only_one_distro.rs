//! `only-one-distro`: a virtual cluster runs one distro.
//!
//! Mirrors `vcluster.distro` in the chart's `_distro.tpl` and `validateDistro` in vCluster's
//! `pkg/config/validation.go`: enabling none is fine and means k8s.

use super::{Context, Example, Finding, Page, Rule, list};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::{Completeness, Distro};

pub(super) const RULE: Rule = Rule {
    id: "only-one-distro",
    action: Action::Deny,
    about: "more than one distro is enabled",
    page: Page {
        why: "A virtual cluster runs one distro. The chart stops with `you can only enable one \
              distro at the same time`, and so does the pod; with the chart's schema or Helm out \
              of the way, k3s silently wins over k0s, and both over k8s.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      enabled: true\n    k3s:\n      enabled: true\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      enabled: true\n",
        ),
        fix: "Leave one distro enabled. For a virtual cluster that runs already, that is the one \
              it runs: see distro-change.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let enabled = context.config.enabled();
    if enabled.len() < 2 {
        return;
    }
    // the one that the virtual cluster has, else k8s, else the one that vCluster would take
    let before = context.before.and_then(super::Config::distro);
    let k8s = enabled
        .iter()
        .copied()
        .find(|distro| *distro == Distro::K8s);
    let kept = before
        .filter(|distro| enabled.contains(distro))
        .or(k8s)
        .or_else(|| enabled.first().copied());
    let causes: Vec<_> = enabled.iter().map(|distro| distro.enabled_path()).collect();
    let names: Vec<_> = enabled.iter().map(|distro| distro.key()).collect();
    let switch_off: Vec<_> = enabled
        .iter()
        .filter(|distro| Some(**distro) != kept)
        .map(|distro| format!("controlPlane.distro.{distro}.enabled"))
        .collect();
    let switch_off: Vec<_> = switch_off.iter().map(String::as_str).collect();
    // other values, which are not seen, may switch one off again
    let at_most = match context.completeness {
        Completeness::Fragment => Action::Warn,
        Completeness::Whole | Completeness::Extended => Action::Deny,
    };
    findings.push(
        Finding::new(
            context
                .config
                .place_of_causes(&Path::dotted("controlPlane.distro"), &causes),
            format!(
                "only one distro can be enabled at the same time, found {}",
                list(&names)
            ),
        )
        .fix(format!("set {} to false", list(&switch_off)))
        .at_most(at_most),
    );
}

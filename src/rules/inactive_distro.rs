//! `inactive-distro`: settings of a distro that is not in force.
//!
//! vCluster ignores them without a word.

use super::{Context, Example, Finding, Page, Rule, below};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::{Completeness, Distro};

pub(super) const RULE: Rule = Rule {
    id: "inactive-distro",
    action: Action::Warn,
    about: "settings of a distro that is not enabled",
    page: Page {
        why: "Only the distro in force reads its settings, and with none enabled that is k8s. \
              What is set for another one is ignored without a word: an image, a flag or a limit \
              that somebody relies on is not there.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k3s:\n      image:\n        tag: v1.33.3-k3s1\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k3s:\n      enabled: true\n      image:\n        tag: v1.33.3-k3s1\n",
        ),
        fix: "Enable that distro for a new virtual cluster, move the settings to the one in \
              force, or remove them.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let Some(in_force) = context.judged_distro() else {
        return;
    };
    let enabled = config.enabled();
    // other values, which are not seen, may enable the one that these are for
    match context.completeness {
        Completeness::Whole => {}
        Completeness::Extended if !enabled.is_empty() => {}
        Completeness::Extended | Completeness::Fragment => return,
    }
    for distro in Distro::ALL {
        // several enabled, or one that the chart does not have, are told by other rules
        if distro == in_force || enabled.contains(&distro) || !config.chart.has_distro(distro) {
            continue;
        }
        let path = Path::keys(["controlPlane", "distro", distro.key()]);
        let set: Vec<_> = config
            .set_beyond_defaults(&path)
            .into_iter()
            .filter(|set| *set != distro.enabled_path())
            .collect();
        if set.is_empty() {
            continue;
        }
        let why = if enabled.is_empty() {
            format!("no distro is enabled, which means {in_force}")
        } else {
            format!("{in_force} is enabled")
        };
        findings.push(
            Finding::new(
                config.place_of_causes(&path, &set),
                format!(
                    "{why}; what is set for {distro} has no effect: {}",
                    below(&path, &set)
                ),
            )
            .fix(format!(
                "set what is meant under controlPlane.distro.{in_force}, and remove it here"
            )),
        );
    }
}

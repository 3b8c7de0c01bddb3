//! `deprecated-distro`: a distro that later charts do not have.
//!
//! Charts mark k3s and k0s as deprecated from 0.25 on; k0s went with 0.26, k3s with 0.33.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::vcluster::Distro;

pub(super) const RULE: Rule = Rule {
    id: "deprecated-distro",
    action: Action::Warn,
    about: "k3s or k0s under a chart that calls it deprecated",
    page: Page {
        why: "From chart 0.25 on k3s and k0s are deprecated; k0s went with 0.26 and k3s with 0.33. A virtual cluster that runs one of them cannot go to those charts as it is.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k3s:\n      enabled: true\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      enabled: true\n",
        ),
        fix: "Make new virtual clusters with k8s. vCluster migrates k3s to k8s from chart 0.25 on, one way; the policy has to let it through (distro-change). For k0s there is no migration.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    if config.chart.minor_within(25..=u64::MAX) != Some(true) {
        return;
    }
    let enabled = config.enabled();
    // which of several is to stay, another rule says
    if enabled.len() > 1 {
        return;
    }
    for distro in enabled {
        if !matches!(distro, Distro::K3s | Distro::K0s) || !config.chart.has_distro(distro) {
            continue;
        }
        let charts = context.policy.catalogue.charts(|_| true);
        let last = charts
            .filter(|(_, block)| block.distros().any(|has| has == distro))
            .last();
        let Some((last, _)) = last else {
            continue;
        };
        let message = format!(
            "{distro} is deprecated, vCluster charts have it up to {}.{}",
            last.major, last.minor
        );
        let fix = match distro {
            Distro::K3s => {
                "plan the move to k8s, which vCluster can migrate k3s to, one way; new virtual \
                 clusters take k8s"
            }
            _ => "take k8s for new virtual clusters; vCluster cannot migrate k0s",
        };
        findings.push(
            Finding::new(config.place(&distro.enabled_path()), message)
                .fix(fix)
                .at_most(context.at_most()),
        );
    }
}

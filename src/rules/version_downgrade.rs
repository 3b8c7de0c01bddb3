//! `version-downgrade`: a virtual cluster's Kubernetes goes forward, one minor version at a time.
//!
//! vCluster checks neither, in no chart; Kubernetes supports neither going back nor skipping.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::text::printable;
use crate::vcluster::{Certainty, Config, ImagePart, KubeVersion, Origin};

pub(super) const RULE: Rule = Rule {
    id: "version-downgrade",
    action: Action::Warn,
    about: "an older Kubernetes version than before, or a minor version that is skipped",
    page: Page {
        why: "An older API server may not be able to read what a newer one has stored, and Kubernetes supports going up by one minor version at a time only. vCluster checks neither. Another chart can bring another version, too, where none is set.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.32.1\n",
        )
        .after("controlPlane:\n  distro:\n    k8s:\n      version: v1.33.4\n"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.34.0\n",
        )
        .after("controlPlane:\n  distro:\n    k8s:\n      version: v1.33.4\n"),
        fix: "Stay on the version, or go up by one minor version, wait until the virtual cluster runs, and go on from there.",
    },
    settings: &[],
    // what changes with this very review is no old fault
    ratchet: false,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(before_config) = context.before else {
        return;
    };
    let config = context.config;
    let legacy = |config: &Config<'_>| config.chart.certainty() == Certainty::Legacy;
    let (Some(before), Some(now)) = (
        before_config.kubernetes_version(),
        config.kubernetes_version(),
    ) else {
        return;
    };
    if legacy(before_config) || legacy(config) {
        return;
    }
    let images = config.images();
    let Some(ImagePart::Known { path, origin, .. }) = images.first().map(|image| &image.tag) else {
        return;
    };
    let [from, to] = [&before, &now].map(KubeVersion::release);
    // who set nothing is told where it comes from
    let whose = match origin {
        Origin::Chart if !config.is_rendered() => format!(", which {} brings", config.chart),
        _ => String::new(),
    };
    // distros bring different patch versions of one minor version
    let same_distro = before_config.distro() == config.distro();
    let is_older = if same_distro {
        now.number() < before.number()
    } else {
        (now.major, now.minor) < (before.major, before.minor)
    };
    let (message, fix) = if is_older {
        let keep = if same_distro {
            KubeVersion { v: true, ..before }
        } else {
            from.clone()
        };
        (
            format!("Kubernetes goes back from {from} to {to}{whose}, and that is not supported"),
            format!(
                "set {path} to {} or to a later version",
                printable(&keep.to_string(), 64)
            ),
        )
    } else if now.major == before.major && now.minor > before.minor.saturating_add(1) {
        let next = before.minor.saturating_add(1);
        (
            format!(
                "Kubernetes goes from {from} to {to}{whose}, and only one minor version at a time \
                 is supported"
            ),
            format!("set {path} to a version of v{}.{next} first", before.major),
        )
    } else {
        return;
    };
    let at_most = if context.is_template || !before_config.chart.is_certain() {
        Action::Warn
    } else {
        context.at_most()
    };
    findings.push(
        Finding::new(config.place(path), message)
            .fix(fix)
            .evidence((from, to))
            .at_most(at_most),
    );
}

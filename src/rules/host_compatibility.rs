//! `host-compatibility`: host and virtual cluster as the chart's documentation lists them.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::vcluster::{Certainty, Compatibility, ImagePart};

pub(super) const RULE: Rule = Rule {
    id: "host-compatibility",
    action: Action::Warn,
    about: "a Kubernetes version that the chart is not made for, on the host or inside, or a known issue of the two",
    page: Page {
        why: "vCluster's documentation lists for each chart the Kubernetes versions that it is made for, on the host and in the virtual cluster, and pairs with known issues. What is not listed may work, and nobody has tried it. The rule speaks only where the host's version is known.",
        refused: Example::new(
            "0.36.1",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.33.4\n",
        )
        .on_host("v1.35.0"),
        allowed: Example::new(
            "0.36.1",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.35.0\n",
        )
        .on_host("v1.35.0"),
        fix: "Set a version that the chart lists; or take the chart that lists the host's version.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let chart = &config.chart;
    if chart.certainty() == Certainty::Legacy {
        return;
    }
    let (Some(listed), Some(host), Some(version)) = (
        Compatibility::of(chart),
        config.host_version(),
        config.kubernetes_version(),
    ) else {
        return;
    };
    let images = config.images();
    let Some(ImagePart::Known { path, .. }) = images.first().map(|image| &image.tag) else {
        return;
    };
    let range = format!("v1.{} to v1.{}", listed.minors.start(), listed.minors.end());
    let set = format!("set {path} to a version from {range}");
    let other_chart = "take a chart that lists the host's version";
    let inner = version.release();
    let host = host.release();
    let (message, fix) = match (listed.lists(&host), listed.lists(&version)) {
        (true, true) => match listed.issue(&host, &version) {
            Some(issue) => (
                format!(
                    "Kubernetes {inner} on a host with {host} has a known issue: {}",
                    issue.what
                ),
                format!(
                    "set {path} to the host's minor version, v{}.{}",
                    host.major, host.minor
                ),
            ),
            None => return,
        },
        (true, false) => (
            format!("{chart} is made for virtual clusters with {range}, and this one has {inner}"),
            set,
        ),
        (false, true) => (
            format!("{chart} is made for hosts with {range}, and this one has {host}"),
            other_chart.to_owned(),
        ),
        (false, false) => (
            format!(
                "{chart} is made for {range}, and the virtual cluster has {inner} on a host with \
                 {host}"
            ),
            other_chart.to_owned(),
        ),
    };
    findings.push(
        Finding::new(config.place(path), message)
            .fix(fix)
            .at_most(context.at_most()),
    );
}

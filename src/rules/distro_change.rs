//! `distro-change`: the distro of a virtual cluster stays what it is.
//!
//! vCluster keeps its state in the distro's own form. Its own check (`ValidateDistroChanges`) runs
//! in its command line and in the pod, after the object was stored; from chart 0.33 on nobody
//! checks. k3s to k8s is migrated from 0.25 on, one way: a policy can let it through.

use super::{Context, Finding, Rule};
use crate::policy::{Action, Transition};
use crate::values::Path;
use crate::vcluster::{Certainty, Config, Distro};

pub(super) const RULE: Rule = Rule {
    id: "distro-change",
    action: Action::Deny,
    about: "another distro than before",
    // what changes with this very review is no old fault
    ratchet: false,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(before_config) = context.before else {
        return;
    };
    let (Some(before), Some(now)) = (before_config.distro(), context.config.distro()) else {
        return;
    };
    // a config that was refused for several distros may keep any of them
    let was_several = before_config.enabled();
    if before == now
        || (was_several.len() > 1 && was_several.contains(&now))
        || context
            .policy
            .transitions
            .iter()
            .any(|allowed| lets_through(allowed, before, now, context.config))
    {
        return;
    }
    let meaning = if context.config.enabled().is_empty() {
        " (no distro is enabled, which means k8s)"
    } else {
        ""
    };
    findings.push(
        Finding::new(
            context.config.place(&Path::dotted("controlPlane.distro")),
            format!(
                "the distro of a virtual cluster cannot be changed, it is {before} and would \
                 become {now}{meaning}; {}",
                migration(context.config, before, now),
            ),
        )
        .fix(way_back(context.config, before, now)),
    );
}

fn lets_through(allowed: &Transition, before: Distro, now: Distro, config: &Config<'_>) -> bool {
    let Transition { from, to, charts } = allowed;
    let in_charts = charts.as_ref().is_none_or(|range| {
        config
            .chart
            .version()
            .is_some_and(|version| range.contains(version))
    });
    *from == before && *to == now && in_charts
}

/// How to stay with the distro that the virtual cluster has.
fn way_back(config: &Config<'_>, before: Distro, now: Distro) -> String {
    let legacy = config.chart.certainty() == Certainty::Legacy;
    if legacy || !config.chart.has_distro(before) {
        return format!("stay on a chart that has {before}, or create a new virtual cluster");
    }
    let enabled = |distro: Distro| format!("controlPlane.distro.{distro}.enabled");
    if config.enabled().contains(&now) {
        format!(
            "set {} to true and {} to false",
            enabled(before),
            enabled(now)
        )
    } else {
        format!("set {} to true", enabled(before))
    }
}

/// Whether vCluster can move the state from one distro to the other, and who lets it.
fn migration(config: &Config<'_>, before: Distro, now: Distro) -> String {
    let allow = match (before, now) {
        (Distro::K3s, Distro::K8s) if config.chart.minor_within(0..=24) == Some(true) => {
            return "vCluster migrates k3s to k8s only from chart 0.25 on".to_owned();
        }
        (Distro::K3s, Distro::K8s) => "{from: k3s, to: k8s, charts: \">=0.25\"}",
        (Distro::Eks, Distro::K8s) => "{from: eks, to: k8s}",
        _ => return format!("vCluster has no migration from {before} to {now}"),
    };
    format!(
        "vCluster can migrate {before} to {now}, the platform team lets it through with \
         rules.distro-change.allow: [{allow}] in the policy"
    )
}

//! `distro-change`: the distro of a virtual cluster stays what it is.
//!
//! vCluster keeps its state in the distro's own form. Its own check (`ValidateDistroChanges`) runs
//! in its command line and in the pod, after the object was stored; from chart 0.33 on nobody
//! checks. k3s to k8s is migrated from 0.25 on, one way: a policy can let it through.

use super::{
    Context, ELSEWHERE, ELSEWHERE_FIX, ELSEWHERE_UNTOLD, Example, Finding, Page, Rule, Setting,
    is_elsewhere, or_delete,
};
use crate::policy::{Action, Transition};
use crate::values::Path;
use crate::vcluster::{Certainty, Completeness, Config, Distro, HeldBy, Live};

pub(super) const RULE: Rule = Rule {
    id: "distro-change",
    action: Action::Deny,
    about: "another distro than before",
    page: Page {
        why: "Each distro keeps its state in a form of its own. vCluster checks a change only in \
              its command line and when the pod starts, after the object was stored; from chart \
              0.33 on nobody checks, and the control plane comes up empty. A claim outlives a \
              virtual cluster that is deleted, and what is created again under its name comes \
              upon the data: with serve --watch-live that is found out too. Who deploys to another \
              namespace than that of the object is refused as well, and not told what is there.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      enabled: true\n",
        )
        .after("controlPlane:\n  distro:\n    k3s:\n      enabled: true\n"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k3s:\n      enabled: true\n",
        )
        .after("controlPlane:\n  distro:\n    k3s:\n      enabled: true\n"),
        fix: "Keep the distro, or create a new virtual cluster under another name; where it was \
              deleted and may go, delete its claim too. vCluster itself migrates k3s to \
              k8s from chart 0.25 on, one way: the platform team can let that through with allow.",
    },
    settings: &[Setting {
        key: "allow",
        about: "changes that are let through, each with from, to and, if it counts under some \
                charts only, charts: [{from: k3s, to: k8s, charts: \">=0.25\"}]",
    }],
    // what changes with this very review is no old fault
    ratchet: false,
    check,
};

/// What the distro was.
struct Was<'a> {
    distro: Distro,
    /// The config, where the carrier has it.
    config: Option<&'a Config<'a>>,
    /// Where it is known from without one.
    live: Option<&'a Live>,
}

impl<'a> Was<'a> {
    fn of(context: &Context<'a>) -> Option<Self> {
        let (config, live) = (context.before, context.live);
        let distro = match config {
            Some(config) => config.distro().or(context.told_before),
            None => live?.told.distro,
        };
        Some(Self {
            distro: distro?,
            config,
            live,
        })
    }

    fn enabled(&self) -> Vec<Distro> {
        self.config.map(Config::enabled).unwrap_or_default()
    }
}

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let (Some(was), Some(now)) = (Was::of(context), context.config.distro()) else {
        return;
    };
    // a config that was refused for several distros may keep any of them
    let (before, was_several) = (was.distro, was.enabled());
    if before == now
        || (was_several.len() > 1 && was_several.contains(&now))
        || context
            .settings
            .allow
            .iter()
            .any(|allowed| lets_through(allowed, before, now, context.config))
    {
        return;
    }
    // a template's distro counts for virtual clusters that are made from now on, and where nothing
    // is set another object may set it
    let open = match context.completeness {
        Completeness::Whole => false,
        // what is not set here was, or is, for the other object to set
        Completeness::Extended => {
            context.config.enabled().is_empty() || (was.config.is_some() && was_several.is_empty())
        }
        Completeness::Fragment => true,
    };
    let at_most = if context.is_template || open {
        Action::Warn
    } else {
        Action::Deny
    };
    let way_back = if is_elsewhere(was.live) {
        ELSEWHERE_FIX.to_owned()
    } else {
        way_back(context.config, before, now)
    };
    findings.push(
        Finding::new(
            context
                .config
                .place_of_causes(&Path::dotted("controlPlane.distro"), &[now.enabled_path()]),
            message(context, &was, now),
        )
        .fix(or_delete(way_back, was.live))
        .at_most(at_most),
    );
}

fn message(context: &Context<'_>, was: &Was<'_>, now: Distro) -> String {
    let before = was.distro;
    let becomes = if context.config.enabled().is_empty() {
        format!("{now} (no distro is enabled, which means k8s)")
    } else {
        now.to_string()
    };
    if is_elsewhere(was.live) {
        return format!(
            "{ELSEWHERE}, of another distro, and that cannot become {becomes}; {ELSEWHERE_UNTOLD}"
        );
    }
    let migration = migration(context, before, now);
    match was.live.map(|live| &live.held_by) {
        Some(secret @ HeldBy::Secret(_)) => format!(
            "this virtual cluster is there already, and its distro cannot be changed: it is \
             {before} ({secret}) and would become {becomes}; {migration}"
        ),
        Some(claim @ HeldBy::Claim(_)) => format!(
            "the data of this virtual cluster is still there, made by {before} ({claim}), and \
             would come under {becomes}; {migration}"
        ),
        Some(HeldBy::Elsewhere { .. }) | None => {
            let legacy = |config: &Config<'_>| config.chart.certainty() == Certainty::Legacy;
            let told = if was.config.is_some_and(legacy) {
                " (as all charts called so before 0.20)"
            } else {
                ""
            };
            format!(
                "the distro of a virtual cluster cannot be changed, it is {before}{told} and would \
                 become {becomes}; {migration}"
            )
        }
    }
}

fn lets_through(
    allowed: &Transition<Distro>,
    before: Distro,
    now: Distro,
    config: &Config<'_>,
) -> bool {
    let Transition { from, to, charts } = allowed;
    let in_charts = charts
        .as_ref()
        .is_none_or(|range| config.chart.lies_in(range));
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
fn migration(context: &Context<'_>, before: Distro, now: Distro) -> String {
    let chart = &context.config.chart;
    let allow = match (before, now) {
        (Distro::K3s, Distro::K8s) if chart.minor_within(0..=24) == Some(true) => {
            return "vCluster migrates k3s to k8s only from chart 0.25 on".to_owned();
        }
        (Distro::K3s, Distro::K8s) => "{from: k3s, to: k8s, charts: \">=0.25\"}",
        (Distro::Eks, Distro::K8s) => "{from: eks, to: k8s}",
        _ => return format!("vCluster has no migration from {before} to {now}"),
    };
    let transitions = &context.settings.allow;
    let allowed = transitions
        .iter()
        .find(|allowed| allowed.from == before && allowed.to == now);
    if let Some(charts) = allowed.and_then(|allowed| allowed.charts.as_ref()) {
        return format!("the policy lets {before} become {now} with charts {charts} only");
    }
    format!(
        "vCluster can migrate {before} to {now}, one way, if the platform team lets it: \
         rules.distro-change.allow: [{allow}] in the policy"
    )
}

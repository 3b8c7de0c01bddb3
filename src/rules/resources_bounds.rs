//! `resources-bounds`: how much a control plane may ask for, and how little.

use super::resources_form::{quantity, resources, text};
use super::{Context, Example, Finding, Page, Rule, Setting};
use crate::policy::{Action, Bound};
use crate::values::Path;
use crate::vcluster::{Known, Lookup, Origin, Quantity};

pub(super) const RULE: Rule = Rule {
    id: "resources-bounds",
    action: Action::Deny,
    about: "a request or limit outside the bounds that the policy sets",
    page: Page {
        why: "Every virtual cluster's control plane takes its share of the host. What is set, and the chart's default where nothing is, has to lie between the bounds of the policy; without bounds the rule says nothing.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      resources:\n        limits:\n          memory: 8Gi\n",
        )
        .under("bounds:\n  limits:\n    memory: {min: 256Mi, max: 2Gi}"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      resources:\n        limits:\n          memory: 1Gi\n",
        )
        .under("bounds:\n  limits:\n    memory: {min: 256Mi, max: 2Gi}"),
        fix: "Set a quantity between the bounds. Without a limit there is no bound above; without a request the limit counts as request.",
    },
    settings: &[Setting {
        key: "bounds",
        about: "the least and the most, by limits and requests and by resource: {limits: {memory: {min: 256Mi, max: 2Gi}}, requests: {cpu: {max: 500m}}}",
    }],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let bounds = &context.settings.bounds;
    let Some(resources) = resources(context).filter(|_| !config.is_rendered()) else {
        return;
    };
    for bound in bounds {
        let path = resources.key(bound.kind.key()).key(&bound.resource);
        let Some(message) = fault(context, bound, &path, &resources) else {
            continue;
        };
        let range = match (&bound.min, &bound.max) {
            (Some(min), Some(max)) => format!("a quantity from {min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => continue,
        };
        let evidence = config.get(path.as_keys().unwrap_or_default());
        let evidence = match evidence {
            Lookup::Known(known) => text(known),
            Lookup::Map(_) | Lookup::Unknown(_) | Lookup::Absent => String::new(),
        };
        findings.push(
            Finding::new(config.place(&path), message)
                .fix(format!("set {path} to {range}"))
                // the chart's own is the same fault once it is written out
                .evidence(evidence)
                .at_most(context.at_most()),
        );
    }
}

/// What is in force.
enum InForce<'c> {
    /// This is set, by the user or by the chart.
    Set(&'c Known),
    /// A request that is not set is as the limit.
    Limit(&'c Known),
    /// Nothing is.
    Nothing,
}

fn fault(context: &Context<'_>, bound: &Bound, path: &Path, resources: &Path) -> Option<String> {
    let requests = bound.kind.is_requests();
    let in_force = match at(context, path)? {
        InForce::Nothing if requests => {
            match at(context, &resources.key("limits").key(&bound.resource))? {
                InForce::Set(limit) => InForce::Limit(limit),
                _ => InForce::Nothing,
            }
        }
        in_force => in_force,
    };
    let (known, words) = match in_force {
        InForce::Set(known) => {
            let own = known.origin == Origin::Chart;
            let words = if own { ", the chart's own," } else { "" };
            (known, format!("{}{words}", text(known)))
        }
        InForce::Limit(known) => (known, format!("the limit {} counts here and", text(known))),
        InForce::Nothing => {
            let zero = Quantity::zero();
            return match (&bound.min, &bound.max) {
                (Some(min), _) if requests && min.quantity > zero => Some(format!(
                    "no request is set, and the policy asks for at least {min}"
                )),
                (_, Some(max)) if !requests => Some(format!(
                    "no limit is set, and the policy asks for at most {max}"
                )),
                _ => None,
            };
        }
    };
    let quantity = quantity(known)?;
    match (&bound.min, &bound.max) {
        (Some(min), _) if quantity < min.quantity => {
            Some(format!("{words} is below the policy's minimum {min}"))
        }
        (_, Some(max)) if quantity > max.quantity => {
            Some(format!("{words} is above the policy's maximum {max}"))
        }
        _ => None,
    }
}

/// What stands at a path, if that can be seen and is a leaf.
fn at<'c>(context: &Context<'c>, path: &Path) -> Option<InForce<'c>> {
    let config: &'c _ = context.config;
    match config.get(path.as_keys()?) {
        Lookup::Known(known) => Some(InForce::Set(known)),
        Lookup::Absent => Some(InForce::Nothing),
        Lookup::Map(_) | Lookup::Unknown(_) => None,
    }
}

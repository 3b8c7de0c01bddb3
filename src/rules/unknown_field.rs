//! `unknown-field`: a key under `controlPlane.distro` that the chart's schema lacks.
//!
//! The schema accepts no other keys (`additionalProperties: false`), and the pod reads strictly.

use super::{Context, Example, FINDINGS_OF_A_RULE, Finding, Page, Rule, schema};
use crate::policy::{Action, nearest};
use crate::values::{Path, go_fold_eq};
use crate::vcluster::{Config, Reading};

pub(super) const RULE: Rule = Rule {
    id: "unknown-field",
    action: Action::Deny,
    about: "a key under controlPlane.distro that the chart does not have, or in the wrong case",
    page: Page {
        why: "The chart's schema refuses keys that it does not know, with a text that does not say \
              where; with schema validation skipped the pod refuses them when it starts. Fields \
              come and go between charts: images per component went with 0.25.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      imag:\n        tag: v1.34.0\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      image:\n        tag: v1.34.0\n",
        ),
        fix: "Write the field as this chart has it, in the same case; the message names the \
              nearest.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let distros = Path::dotted("controlPlane.distro");
    above_distros(context, findings);
    let chart = &context.config.chart;
    schema::walk(context.config, &mut |written| {
        if !written.is_unknown() || findings.len() >= FINDINGS_OF_A_RULE {
            return;
        }
        let key = written.key();
        let right_case = written
            .siblings
            .iter()
            .find(|known| go_fold_eq(known, &key));
        let (message, fix) = match (right_case, nearest(&key, written.siblings.iter().copied())) {
            (Some(right), _) => (
                format!("keys are case-sensitive, {key} is not {right}"),
                format!("rename {key} to {right}"),
            ),
            // another distro is told by another rule
            (None, _) if written.path.parent() == distros => return,
            (None, Some(near)) => (
                format!("{chart} has no such field"),
                format!("rename {key} to {near}"),
            ),
            (None, None) => (
                format!(
                    "{chart} has no such field, it has {}",
                    written.siblings.join(", ")
                ),
                other_era(context.config, &written.path)
                    .unwrap_or_else(|| format!("remove {}", written.path)),
            ),
        };
        let finding = Finding::new(written.place(), message)
            .fix(fix)
            .evidence(&key);
        findings.push(if chart.is_certain() {
            finding
        } else {
            finding.at_most(Action::Warn)
        });
    });
}

/// The pod also matches the keys that lead to the distros without case; Helm does not.
fn above_distros(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.reading != Reading::Pod {
        return;
    }
    for (layer, document) in context.config.documents() {
        let mut maps = vec![(Path::root(), &document.root)];
        for right in ["controlPlane", "distro"] {
            let mut below = Vec::new();
            for (path, node) in maps {
                for (key, entry) in node.as_map().into_iter().flatten() {
                    if !go_fold_eq(key, right) {
                        continue;
                    }
                    let path = path.key(key);
                    if **key != *right {
                        let message = format!("keys are case-sensitive, {key} is not {right}");
                        findings.push(
                            Finding::new(layer.place(path.clone(), entry.at), message)
                                .fix(format!("rename {key} to {right}")),
                        );
                    }
                    below.push((path, &entry.value));
                }
            }
            maps = below;
        }
    }
}

/// Where a field of another era went.
fn other_era(config: &Config<'_>, path: &Path) -> Option<String> {
    const COMPONENTS: [&str; 3] = ["apiServer", "controllerManager", "scheduler"];

    let has = |path: &str| {
        config
            .chart
            .fields()
            .all(|field| field.get(path.split('.')).is_some())
    };
    match path.as_keys()?.as_slice() {
        [
            "controlPlane",
            "distro",
            "k8s",
            component,
            key @ ("image" | "imagePullPolicy"),
        ] if COMPONENTS.contains(component) && has("controlPlane.distro.k8s.image") => {
            Some(format!(
                "remove {path}; from chart 0.25 on all components come in one image, \
                 controlPlane.distro.k8s.{key}"
            ))
        }
        [
            "controlPlane",
            "distro",
            "k8s",
            key @ ("image" | "imagePullPolicy"),
        ] if has("controlPlane.distro.k8s.apiServer.image") => Some(format!(
            "remove {path}; up to chart 0.24 each component has its own, as in \
                 controlPlane.distro.k8s.apiServer.{key}"
        )),
        ["controlPlane", "distro", "k8s", "scheduler", "enabled"] => Some(format!(
            "remove {path}; up to chart 0.25 it is controlPlane.advanced.virtualScheduler.enabled"
        )),
        _ => None,
    }
}

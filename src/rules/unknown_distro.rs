//! `unknown-distro`: a distro that the chart does not have.
//!
//! eks ended before 0.20, k0s with 0.25, k3s with 0.32. The chart's schema refuses their keys when
//! Helm renders, and a pod that finds them in its config does not start.

use super::{Context, Example, FINDINGS_OF_A_RULE, Finding, Page, Rule, list, schema};
use crate::policy::{Action, nearest};
use crate::values::{Node, Path, go_fold_eq};
use crate::vcluster::Distro;

pub(super) const RULE: Rule = Rule {
    id: "unknown-distro",
    action: Action::Deny,
    about: "a distro that the chart does not have",
    page: Page {
        why: "A distro that the chart does not have is ignored by templates and stops the pod, \
              which reads its config strictly (`json: unknown field`). k0s went with chart 0.26, \
              k3s with 0.33; eks had charts of its own before 0.20.",
        refused: Example::new(
            "0.36.1",
            "controlPlane:\n  distro:\n    k3s:\n      enabled: false\n",
        ),
        allowed: Example::new(
            "0.36.1",
            "controlPlane:\n  distro:\n    k8s:\n      enabled: true\n",
        ),
        fix: "Remove the distro's block, or stay on a chart that has it.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let distros = Path::dotted("controlPlane.distro");
    let chart = &context.config.chart;
    schema::walk(context.config, &mut |written| {
        if findings.len() >= FINDINGS_OF_A_RULE {
            return;
        }
        let key = written.key();
        let in_wrong_case = written.siblings.iter().any(|known| go_fold_eq(known, &key));
        if !written.is_unknown() || in_wrong_case || written.path.parent() != distros {
            return;
        }
        let has = list(&written.siblings);
        let ended = match Distro::from_key(&key) {
            Some(Distro::K3s) => " (k3s ended with chart 0.32)",
            Some(Distro::K0s) => " (k0s ended with chart 0.25)",
            Some(Distro::Eks) => " (eks ended before chart 0.20)",
            _ => "",
        };
        let fix = match nearest(&key, written.siblings.iter().copied()) {
            Some(near) if Distro::from_key(&key).is_none() => format!("rename {key} to {near}"),
            _ if !ended.is_empty() && is_enabled(&written.entry.value) => {
                format!(
                    "stay on a chart that has {key}, or remove {} for k8s",
                    written.path
                )
            }
            _ => format!("remove {}", written.path),
        };
        let finding = Finding::new(
            written.place(),
            format!("{chart} has no distro {key}{ended}, it has {has}"),
        )
        .fix(fix)
        .evidence(&key);
        findings.push(if chart.is_certain() {
            finding
        } else {
            finding.at_most(Action::Warn)
        });
    });
}

fn is_enabled(distro: &Node) -> bool {
    distro.get(["enabled"]).and_then(Node::as_bool) == Some(true)
}

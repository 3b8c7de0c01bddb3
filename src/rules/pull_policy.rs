//! `pull-policy`: an image pull policy that Kubernetes does not have.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::text::printable;

pub(super) const RULE: Rule = Rule {
    id: "pull-policy",
    action: Action::Deny,
    about: "an image pull policy other than Always, IfNotPresent, Never or empty",
    page: Page {
        why: "The chart's schema takes any text. The API server refuses the control plane's StatefulSet, in the middle of an upgrade.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      imagePullPolicy: ifnotpresent\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      imagePullPolicy: IfNotPresent\n",
        ),
        fix: "Write Always, IfNotPresent or Never, in this case; or nothing, and Kubernetes decides by the tag.",
    },
    settings: &[],
    ratchet: true,
    check,
};

const POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    for image in config.images() {
        let path = image.path.parent().key("imagePullPolicy");
        let lookup = config.get(path.as_keys().unwrap_or_default());
        let (Some(text), Some(origin)) = (lookup.str(), lookup.origin()) else {
            continue;
        };
        if !origin.is_user() || text.is_empty() || POLICIES.contains(&text) {
            continue;
        }
        // what does not run is not rendered
        let at_most = match config.runs(image.component) {
            Some(true) if config.chart.is_certain() => Action::Deny,
            _ => Action::Warn,
        };
        let fix = match crate::policy::nearest(text, POLICIES) {
            Some(near) => format!("write {near}"),
            None => "write one of them, or remove the field".to_owned(),
        };
        findings.push(
            Finding::new(
                config.place(&path),
                format!(
                    "\"{}\" is no pull policy, there are Always, IfNotPresent and Never",
                    printable(text, 40)
                ),
            )
            .fix(fix)
            .at_most(at_most),
        );
    }
}

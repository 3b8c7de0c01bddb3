//! `version-allowed`: the Kubernetes versions that the platform team runs.

use super::{Context, Example, Finding, Page, Rule, Setting};
use crate::policy::Action;
use crate::text::printable;
use crate::vcluster::{Certainty, ImagePart, KubeVersion};

pub(super) const RULE: Rule = Rule {
    id: "version-allowed",
    action: Action::Deny,
    about: "a Kubernetes version outside the range that the policy names",
    page: Page {
        why: "vCluster takes any tag. Which Kubernetes versions are run, patched and tested here is for the platform team to say; without versions the rule says nothing.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.30.2\n",
        )
        .under("versions: \">=1.31 <1.35\""),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.33.4\n",
        )
        .under("versions: \">=1.31 <1.35\""),
        fix: "Set a version of the range. What follows the numbers of a tag, as -k3s1, has no say.",
    },
    settings: &[Setting {
        key: "versions",
        about: "the range of Kubernetes versions that are allowed: \">=1.31 <1.35\", \"1.33.x\", \"~1.33.4 || 1.34\"",
    }],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let Some(versions) = &context.settings.versions else {
        return;
    };
    if config.chart.certainty() == Certainty::Legacy {
        return;
    }
    let images = config.images();
    let Some(ImagePart::Known { value, path, .. }) = images.first().map(|image| &image.tag) else {
        return;
    };
    let (message, at_most) = match KubeVersion::parse(value) {
        // no tag at all is told by another rule
        None if value.is_empty() => return,
        None => (
            format!(
                "only {versions} is allowed here, and \"{}\" does not tell its Kubernetes version",
                printable(value, 64)
            ),
            Action::Warn,
        ),
        Some(version) if versions.contains(&version.semver()) => return,
        Some(version) => (
            format!(
                "Kubernetes {} is not allowed here, only {versions}",
                version.release()
            ),
            context.at_most(),
        ),
    };
    findings.push(
        Finding::new(config.place(path), message)
            .fix(format!("set {path} to one of {versions}"))
            .at_most(at_most),
    );
}

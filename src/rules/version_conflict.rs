//! `version-conflict`: `version` and an image tag that say different things.
//!
//! Mirrors `_init-containers.tpl`: up to 0.24 a tag that is not the chart's own wins for its
//! component, from 0.25 on `version` always wins.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::text::printable;
use crate::values::Path;
use crate::vcluster::{Config, ImagePart, Lookup, Reading};

pub(super) const RULE: Rule = Rule {
    id: "version-conflict",
    action: Action::Warn,
    about: "version and an image tag that differ, of which one does not count",
    page: Page {
        why: "Kubernetes' version can be set in two places, and no chart says that they differ. Up to chart 0.24 a tag that is not the chart's own wins, for its component only; from 0.25 on version always wins, and the tag is not read.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.33.4\n      image:\n        tag: v1.34.0\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.33.4\n",
        ),
        fix: "Leave one of the two out: the message names the one that counts.",
    },
    settings: &[],
    ratchet: true,
    check,
};

const VERSION: &str = "controlPlane.distro.k8s.version";

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let version_path = Path::dotted(VERSION);
    let Some(version) = set(context, &version_path) else {
        return;
    };
    for image in config.images() {
        let tag_path = image.path.key("tag");
        let Some(tag) = set(context, &tag_path).filter(|tag| *tag != version) else {
            continue;
        };
        let ImagePart::Known { path: decides, .. } = &image.tag else {
            continue;
        };
        let [version, tag] = [version, tag].map(|text| printable(text, 64));
        let (message, fix) = if *decides == tag_path {
            (
                format!(
                    "{tag} counts here and version {version} does not: up to chart 0.24 a tag that \
                     is not the chart's own wins"
                ),
                format!("remove {tag_path} if {version} is meant"),
            )
        } else if *decides == version_path {
            let why = if image.component.is_split() {
                "the chart takes its own tag for none"
            } else {
                "from chart 0.25 on version always wins"
            };
            (
                format!("the tag {tag} does not count, version {version} does: {why}"),
                format!("remove {tag_path}, or {version_path} if {tag} is meant"),
            )
        } else {
            continue;
        };
        findings.push(
            Finding::new(config.place(&tag_path), message)
                .fix(fix)
                .at_most(context.at_most()),
        );
    }
}

/// The text at a path, if a user set it to something. The merged Secret has the chart's own values
/// too: there it is one that the chart does not have.
fn set<'c>(context: &Context<'c>, path: &Path) -> Option<&'c str> {
    let config: &'c Config<'c> = context.config;
    let keys = path.as_keys()?;
    let lookup = config.get(keys.iter().copied());
    let text = lookup.str().filter(|text| !text.is_empty())?;
    let is_own = match (context.reading, config.defaults().get(keys)) {
        (Reading::Helm, _) => false,
        (Reading::Rendered, _) | (Reading::Pod, Lookup::Unknown(_)) => true,
        (Reading::Pod, default) => default.str() == Some(text),
    };
    (lookup.origin()?.is_user() && !is_own).then_some(text)
}

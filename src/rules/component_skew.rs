//! `component-skew`: components whose versions do not go together.
//!
//! Up to chart 0.24 each component has an image of its own. Kubernetes' version skew policy: no
//! component is newer than the API server, and controller manager and scheduler are at most one
//! minor version older.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::{Component, Config, Image, ImagePart, KubeVersion};

pub(super) const RULE: Rule = Rule {
    id: "component-skew",
    action: Action::Deny,
    about: "a controller manager or scheduler that is newer than the API server, or too old for it",
    page: Page {
        why: "Up to chart 0.24 API server, controller manager and scheduler have an image each. Kubernetes supports none that is newer than its API server, and none that is more than one minor version older; vCluster does not check. What is switched off is warned of only.",
        refused: Example::new(
            "0.20.0",
            "controlPlane:\n  advanced:\n    virtualScheduler:\n      enabled: true\n  distro:\n    k8s:\n      version: v1.30.1\n      scheduler:\n        image:\n          tag: v1.31.0\n",
        ),
        allowed: Example::new(
            "0.20.0",
            "controlPlane:\n  advanced:\n    virtualScheduler:\n      enabled: true\n  distro:\n    k8s:\n      version: v1.30.1\n      scheduler:\n        image:\n          tag: v1.29.6\n",
        ),
        fix: "Set version, and leave the tags of single components out.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let images = config.images();
    let Some((server, api)) = images
        .iter()
        .find(|image| image.component == Component::ApiServer)
        .and_then(version)
    else {
        return;
    };
    for image in &images {
        let name = match image.component {
            Component::ControllerManager => "controller manager",
            Component::Scheduler => "scheduler",
            Component::ApiServer | Component::Distro(_) => continue,
        };
        let Some((own, version)) = version(image) else {
            continue;
        };
        let [ahead, behind] = [(&version, &api), (&api, &version)]
            .map(|(one, other)| (one.major, one.minor) > (other.major, other.minor));
        let too_old = api.minor > version.minor.saturating_add(1) || api.major > version.major;
        let allowed = match (ahead, behind && too_old) {
            (true, _) => "it must not be newer",
            (false, true) => "it may be one minor version older, not more",
            (false, false) => continue,
        };
        // what somebody set for a single component, and not the chart's own tag written out; the
        // component itself rather than the server
        let Some((culprit, right)) = [(server, &version), (own, &api)]
            .into_iter()
            .filter(|(part, _)| part.is_user)
            .max_by_key(|(part, _)| part.path.last_key() == Some("tag") && !is_own(config, part))
        else {
            continue;
        };
        let (running, at_most) = match config.runs(image.component) {
            Some(true) => ("", context.at_most()),
            Some(false) => (" once it is switched on", Action::Warn),
            None => (" if it runs", Action::Warn),
        };
        let message = format!(
            "the {name} would be {} and the API server {}, and {allowed}{running}",
            version.release(),
            api.release(),
        );
        findings.push(
            Finding::new(config.place(culprit.path), message)
                .fix(format!(
                    "set {} to {}, or set version alone",
                    culprit.path,
                    right.release()
                ))
                .at_most(at_most),
        );
    }
}

#[derive(Clone, Copy)]
struct Part<'i> {
    path: &'i Path,
    value: &'i str,
    is_user: bool,
}

/// Whether a value is the one that the chart has.
fn is_own(config: &Config<'_>, part: &Part<'_>) -> bool {
    let default = config
        .defaults()
        .get(part.path.as_keys().unwrap_or_default());
    default.str() == Some(part.value)
}

/// Who decides a component's version, and the version.
fn version(image: &Image) -> Option<(Part<'_>, KubeVersion)> {
    match &image.tag {
        ImagePart::Known {
            value,
            path,
            origin,
        } => Some((
            Part {
                path,
                value,
                is_user: origin.is_user(),
            },
            KubeVersion::parse(value)?,
        )),
        ImagePart::Unknown => None,
    }
}

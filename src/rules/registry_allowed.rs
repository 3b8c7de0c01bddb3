//! `registry-allowed`: where a control plane's images may come from.
//!
//! Mirrors `vcluster.image` in the chart's `_helper.tpl`, which also makes the names of the
//! syncer's image and of the etcd that the chart deploys.

use super::{Context, Example, Finding, Page, Rule, Setting};
use crate::policy::{Action, ImagePatterns};
use crate::text::printable;
use crate::values::Path;
use crate::vcluster::{Certainty, Config, ImagePart, Reference, split_host};

pub(super) const RULE: Rule = Rule {
    id: "registry-allowed",
    action: Action::Deny,
    about: "an image of the control plane from elsewhere than the policy allows",
    page: Page {
        why: "A non-empty defaultImageRegistry replaces every registry, a single image's own counts otherwise, and the chart's default is a public one. What is pulled in the end is what the policy is about; without registries the rule says nothing.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      image:\n        registry: mirror.example\n",
        )
        .under("registries: [\"registry.example/*\"]"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  advanced:\n    defaultImageRegistry: registry.example/vcluster\n",
        )
        .under("registries: [\"registry.example/*\"]"),
        fix: "Set controlPlane.advanced.defaultImageRegistry to one of the allowed registries: it counts for all images.",
    },
    settings: &[Setting {
        key: "registries",
        about: "patterns of images that are allowed, with host and repository and * for any text: [\"registry.example/*\", \"rancher/k3s\"]; Docker Hub's short names mean docker.io",
    }],
    ratchet: true,
    check,
};

const DEFAULT_REGISTRY: &str = "controlPlane.advanced.defaultImageRegistry";

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(allowed) = &context.settings.registries else {
        return;
    };
    if context.config.chart.certainty() == Certainty::Legacy {
        return;
    }
    for pulled in pulled(context.config) {
        let Some(Fault { message, evidence }) = fault(&pulled, allowed) else {
            continue;
        };
        let culprit = match (&pulled.registry, &pulled.repository) {
            (ImagePart::Known { value, path, .. }, _) if !value.is_empty() => path,
            (_, ImagePart::Known { path, .. }) => path,
            _ => continue,
        };
        let fix = if culprit.to_string() == DEFAULT_REGISTRY {
            format!("set {DEFAULT_REGISTRY} to one of them")
        } else {
            format!("set {culprit}, or {DEFAULT_REGISTRY} for all images")
        };
        let at_most = if pulled.runs == Some(true) {
            context.at_most()
        } else {
            Action::Warn
        };
        let finding = Finding::new(context.config.place(culprit), message)
            .fix(fix)
            .evidence(evidence)
            .at_most(at_most);
        // one value may decide the registries of several images
        if !findings.iter().any(|other| other.place == finding.place) {
            findings.push(finding);
        }
    }
}

/// An image that the control plane's pods name.
struct Pulled {
    registry: ImagePart,
    repository: ImagePart,
    /// With what the chart adds, if it can be seen.
    tag: Option<String>,
    runs: Option<bool>,
}

fn pulled(config: &Config<'_>) -> Vec<Pulled> {
    let images = config.images().into_iter().map(|image| Pulled {
        tag: image
            .tag
            .value()
            .zip(image.suffix)
            // none in a workload may be a digest; in values it is told by another rule
            .filter(|(tag, _)| !tag.is_empty())
            .map(|(tag, suffix)| format!("{tag}{suffix}")),
        runs: config.runs(image.component),
        registry: image.registry,
        repository: image.repository,
    });
    let mut pulled: Vec<_> = images.filter(|image| image.runs != Some(false)).collect();
    if config.is_rendered() {
        return pulled;
    }
    let mut others = vec![Path::dotted("controlPlane.statefulSet.image")];
    let deployed = ["controlPlane", "backingStore", "etcd", "deploy"];
    if config.get(deployed.into_iter().chain(["enabled"])).bool() == Some(true) {
        others.push(Path::keys(deployed).key("statefulSet").key("image"));
    }
    pulled.extend(others.iter().map(|path| {
        let [registry, repository, tag] = config.image_at(path);
        Pulled {
            registry,
            repository,
            // no tag means the chart's own version
            tag: tag.value().filter(|tag| !tag.is_empty()).map(str::to_owned),
            runs: Some(true),
        }
    }));
    pulled
}

struct Fault {
    message: String,
    evidence: String,
}

/// What is wrong, if what is known decides it.
fn fault(pulled: &Pulled, allowed: &ImagePatterns) -> Option<Fault> {
    let registry = pulled.registry.value()?;
    let shown = |text: &str| printable(text, 200);
    let fault = |message: String, evidence: String| Some(Fault { message, evidence });
    let Some(repository) = pulled.repository.value() else {
        let registry = format!("{registry}/");
        let (host, rest) = split_host(&registry);
        let start = format!("{host}/{rest}");
        if registry == "/" || !allowed.exclude(&start) {
            return None;
        }
        let shown = shown(&start);
        let message = format!("images from {shown} are not allowed here, only {allowed}");
        return fault(message, start);
    };
    // what a workload does not have
    if registry.is_empty() && repository.is_empty() {
        return None;
    }
    let separator = if registry.is_empty() { "" } else { "/" };
    let name = format!("{registry}{separator}{repository}");
    let Some(tag) = &pulled.tag else {
        let reference = Reference::parse(&name)?;
        let decided = !tag_counts(&reference, allowed) && !allowed.match_image(&reference);
        return decided
            .then(|| fault(refused(&reference, allowed), reference.name()))
            .flatten();
    };
    let whole = format!("{name}:{tag}");
    let Some(reference) = Reference::parse(&whole) else {
        let shown = shown(&whole);
        let message =
            format!("\"{shown}\" is no name of an image, and only {allowed} is allowed here");
        return fault(message, whole);
    };
    if allowed.match_image(&reference) {
        return None;
    }
    // another tag of the same repository is the same fault, unless tags are what this is about
    let evidence = if tag_counts(&reference, allowed) {
        reference.to_string()
    } else {
        reference.name()
    };
    fault(refused(&reference, allowed), evidence)
}

fn refused(reference: &Reference, allowed: &ImagePatterns) -> String {
    let reference = printable(&reference.to_string(), 200);
    format!("the image {reference} is not allowed here, only {allowed}")
}

/// Whether a tag could make a pattern match.
fn tag_counts(reference: &Reference, allowed: &ImagePatterns) -> bool {
    [":", "@"]
        .iter()
        .any(|next| !allowed.exclude(&format!("{}{next}", reference.name())))
}

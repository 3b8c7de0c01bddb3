//! `tag-form`: an image tag that its repository cannot have.
//!
//! vCluster passes tags on as they are; whether one exists shows only when the image is pulled.

use super::{Context, Finding, Rule};
use crate::policy::Action;
use crate::vcluster::{Distro, Image, ImagePart, KubeVersion};

pub(super) const RULE: Rule = Rule {
    id: "tag-form",
    action: Action::Deny,
    about: "an image tag without v, with another distro's suffix, empty, or latest",
    ratchet: true,
    check,
};

/// The public repositories, whose tags have a known form.
const UPSTREAM: [(&str, &str); 6] = [
    ("registry.k8s.io", "kube-apiserver"),
    ("registry.k8s.io", "kube-controller-manager"),
    ("registry.k8s.io", "kube-scheduler"),
    ("ghcr.io", "loft-sh/kubernetes"),
    ("", "rancher/k3s"),
    ("", "k0sproject/k0s"),
];

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for image in context.config.images() {
        let ImagePart::Known {
            value,
            path,
            origin,
        } = &image.tag
        else {
            continue;
        };
        if !origin.is_user() {
            continue;
        }
        let Some((fault, fix)) = fault(value, &image) else {
            continue;
        };
        let mut finding = Finding::new(context.config.place(path), fault).fix(fix);
        let is_latest = value.as_ref() == "latest";
        if is_latest || !is_upstream(&image) {
            finding = finding.at_most(Action::Warn);
        }
        // one value may decide the tags of several components
        if !findings.iter().any(|other| other.place == finding.place) {
            findings.push(finding);
        }
    }
}

/// What is wrong with a tag, and what to write instead.
fn fault(tag: &str, image: &Image) -> Option<(String, String)> {
    let distro = image.component.distro();
    let example = example(distro);
    let shown = crate::admission::printable(tag, 64);
    if tag.is_empty() {
        let message = "the image tag is empty, which makes the name of the image invalid";
        return Some((
            message.to_owned(),
            format!("name a version, such as {example}"),
        ));
    }
    if tag == "latest" {
        let message = "the tag latest can be another Kubernetes version after every restart";
        return Some((
            message.to_owned(),
            format!("name a version, such as {example}"),
        ));
    }
    let Some(version) = KubeVersion::parse(tag) else {
        // a digest alone, or somebody's own naming: nothing is known about it
        let is_version = tag
            .trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit());
        return (is_version && !tag.contains('@')).then(|| {
            let message = format!("\"{shown}\" is no tag of {distro}, they are like {example}");
            (
                message,
                format!("name major, minor and patch version, such as {example}"),
            )
        });
    };
    if !version.v {
        let message = format!("\"{shown}\" is no tag of {distro}, they begin with v");
        return Some((message, format!("write v{shown}")));
    }
    let suffix = &*version.suffix;
    let foreign = ["k3s", "k0s"]
        .into_iter()
        .find(|other| *other != distro.key() && suffix.contains(other));
    if let Some(other) = foreign {
        let message = format!("\"{shown}\" is a tag of {other}, and the distro is {distro}");
        return Some((
            message,
            format!("name a tag of {distro}, such as {example}"),
        ));
    }
    let needs = match distro {
        Distro::K3s => "-k3s",
        Distro::K0s => "-k0s",
        Distro::K8s | Distro::Eks => "",
    };
    (!suffix.starts_with(needs)).then(|| {
        let message = format!("\"{shown}\" is no tag of {distro}, they end like {example}");
        (message, format!("write the whole tag, such as {example}"))
    })
}

/// Whether the image comes from the public repository; its own name is not enough where a
/// registry of somebody else's stands before it.
fn is_upstream(image: &Image) -> bool {
    let (Some(registry), Some(repository)) = (image.registry.value(), image.repository.value())
    else {
        return false;
    };
    let registry = registry.strip_prefix("docker.io").unwrap_or(registry);
    UPSTREAM.contains(&(registry, repository))
}

const fn example(distro: Distro) -> &'static str {
    match distro {
        Distro::K3s => "v1.32.1-k3s1",
        Distro::K0s => "v1.30.2-k0s.0",
        Distro::K8s | Distro::Eks => "v1.33.4",
    }
}

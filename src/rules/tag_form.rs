//! `tag-form`: an image tag that its repository cannot have.
//!
//! vCluster passes tags on as they are; whether one exists shows only when the image is pulled.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::text::printable;
use crate::vcluster::{Config, Distro, Image, ImagePart, KubeVersion};

pub(super) const RULE: Rule = Rule {
    id: "tag-form",
    action: Action::Deny,
    about: "an image tag without v, with another distro's suffix, empty, or latest",
    page: Page {
        why: "vCluster passes tags on as they are; whether one exists shows only when the image is \
              pulled, and a control plane that cannot pull its image does not come back.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      image:\n        tag: 1.34.0\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      image:\n        tag: v1.34.0\n",
        ),
        fix: "Write a tag that the repository has: v1.34.0 for k8s, v1.34.1-k3s1 for k3s, \
              v1.30.2-k0s.0 for k0s.",
    },
    settings: &[],
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
        // a digest in the repository makes the tag part of it
        let by_digest = image
            .repository
            .value()
            .is_some_and(|text| text.contains('@'));
        // and a workload's image may have a digest in the tag's place
        let untold = value.is_empty() && context.config.is_rendered();
        if !origin.is_user() || by_digest || untold {
            continue;
        }
        let example = example(context.config, &image);
        let Some(Fault {
            message,
            fix,
            action,
        }) = fault(value, &image, &example)
        else {
            continue;
        };
        let finding = Finding::new(context.config.place(path), message)
            .fix(fix)
            .at_most(action);
        let finding = if is_upstream(&image) {
            finding
        } else {
            finding.at_most(Action::Warn)
        };
        // one value may decide the tags of several components
        if !findings.iter().any(|other| other.place == finding.place) {
            findings.push(finding);
        }
    }
}

struct Fault {
    message: String,
    fix: String,
    action: Action,
}

/// What is wrong with a tag, and what to write instead.
fn fault(tag: &str, image: &Image, example: &str) -> Option<Fault> {
    let distro = image.component.distro();
    let shown = printable(tag, 64);
    let deny = |message: String, fix: String| {
        Some(Fault {
            message,
            fix,
            action: Action::Deny,
        })
    };
    if tag.is_empty() {
        return deny(
            "the image tag is empty, which makes the name of the image invalid".to_owned(),
            format!("name a version, such as {example}"),
        );
    }
    if tag.contains(char::is_whitespace) {
        return deny(
            format!("\"{shown}\" has a space in it, which makes the name of the image invalid"),
            format!(
                "write {}",
                printable(&tag.split_whitespace().collect::<String>(), 64)
            ),
        );
    }
    if tag == "latest" {
        return Some(Fault {
            message: "the tag latest can be another Kubernetes version after every restart".into(),
            fix: format!("name a version, such as {example}"),
            action: Action::Warn,
        });
    }
    if let (Some(suffix @ "-full"), true) =
        (image.suffix, tag.contains("-full") || tag.contains('@'))
    {
        return deny(
            format!(
                "\"{shown}\" would become \"{shown}{suffix}\": for private nodes the chart adds it"
            ),
            format!(
                "write {}",
                printable(tag.split(['@', '-']).next().unwrap_or_default(), 64)
            ),
        );
    }
    let Some(version) = KubeVersion::parse(tag) else {
        // a digest alone, or somebody's own naming: nothing is known about it
        let is_version = tag
            .trim_start_matches('v')
            .starts_with(|c: char| c.is_ascii_digit());
        return (is_version && !tag.contains('@')).then(|| Fault {
            message: format!("\"{shown}\" is no tag of {distro}, they are like {example}"),
            fix: format!("name major, minor and patch version, such as {example}"),
            action: Action::Deny,
        });
    };
    if !version.v {
        let message = format!("\"{shown}\" is no tag of {distro}, they begin with v");
        return deny(message, format!("write v{shown}"));
    }
    let suffix = &*version.suffix;
    let foreign = ["k3s", "k0s"]
        .into_iter()
        .find(|other| *other != distro.key() && suffix.contains(other));
    if let Some(other) = foreign {
        return deny(
            format!("\"{shown}\" is a tag of {other}, and the distro is {distro}"),
            format!("name a tag of {distro}, such as {example}"),
        );
    }
    let needs = match distro {
        Distro::K3s => "-k3s",
        Distro::K0s => "-k0s",
        Distro::K8s | Distro::Eks => "",
    };
    // release candidates have more before it: v1.32.1-rc1-k3s1
    if suffix.contains(needs) {
        return None;
    }
    deny(
        format!("\"{shown}\" is no tag of {distro}, they end like {example}"),
        format!("write the whole tag, such as {example}"),
    )
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

/// A tag of the distro: the chart's own, where it is known.
fn example(config: &Config<'_>, image: &Image) -> String {
    let path = image.path.key("tag");
    let own = config.defaults().get(path.as_keys().unwrap_or_default());
    own.str().map_or_else(
        || match image.component.distro() {
            Distro::K3s => "v1.34.1-k3s1".to_owned(),
            Distro::K0s => "v1.30.2-k0s.0".to_owned(),
            Distro::K8s | Distro::Eks => "v1.34.0".to_owned(),
        },
        str::to_owned,
    )
}

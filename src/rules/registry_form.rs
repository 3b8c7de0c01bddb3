//! `registry-form`: a registry that cannot stand in an image's name.
//!
//! The chart joins registry, repository and tag as they are, and does not trim anything.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::{ImagePart, Origin};

pub(super) const RULE: Rule = Rule {
    id: "registry-form",
    action: Action::Deny,
    about: "a registry with scheme or trailing slash, or a host that stands twice",
    page: Page {
        why: "The chart joins registry, repository and tag as they are: a scheme, a slash at the \
              end or a host that stands twice makes an image that cannot be pulled.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  advanced:\n    defaultImageRegistry: https://registry.example/\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  advanced:\n    defaultImageRegistry: registry.example/mirror\n",
        ),
        fix: "Write host and path only, without a slash at the end, and the host once.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // wrong whatever the distro is
    let path = Path::dotted("controlPlane.advanced.defaultImageRegistry");
    let default = context.config.get(path.as_keys().unwrap_or_default());
    if let (Some(text), Some(origin)) = (default.str(), default.origin()) {
        push(context, findings, &path, origin, registry_fault(text));
    }
    for image in context.config.images() {
        let ImagePart::Known {
            value: registry,
            path,
            origin,
        } = &image.registry
        else {
            continue;
        };
        push(context, findings, path, *origin, registry_fault(registry));
        let ImagePart::Known {
            value: repository,
            path: below,
            origin: wrote,
        } = &image.repository
        else {
            continue;
        };
        let Some(host) = host_of(repository) else {
            continue;
        };
        let wrote = if wrote.is_user() { *wrote } else { *origin };
        let rest = repository.split_once('/').map_or("", |(_, rest)| rest);
        let shown = |text: &str| crate::text::printable(text, 80);
        if Some(host) == registry.split('/').next().filter(|host| !host.is_empty()) {
            let fault = Fault {
                message: format!("the host {} stands in the registry already", shown(host)),
                fix: format!("set {below} to {}", shown(rest)),
                action: Action::Deny,
            };
            push(context, findings, below, wrote, Some(fault));
        } else if path.last_key() == Some("defaultImageRegistry") && !registry.is_empty() {
            let fault = Fault {
                message: format!(
                    "the repository names the host {} and defaultImageRegistry stands before it, \
                     the image will be {}/{}",
                    shown(host),
                    shown(registry),
                    shown(repository),
                ),
                fix: format!("set {below} to {} if that is not meant", shown(rest)),
                action: Action::Warn,
            };
            push(context, findings, below, wrote, Some(fault));
        }
    }
}

struct Fault {
    message: String,
    fix: String,
    action: Action,
}

fn push(
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
    path: &Path,
    origin: Origin,
    fault: Option<Fault>,
) {
    let place = context.config.place(path);
    // one value may decide the registries of several components
    let told = findings.iter().any(|finding| finding.place == place);
    if let (
        true,
        Some(Fault {
            message,
            fix,
            action,
        }),
        false,
    ) = (origin.is_user(), fault, told)
    {
        findings.push(Finding::new(place, message).fix(fix).at_most(action));
    }
}

fn registry_fault(registry: &str) -> Option<Fault> {
    let shown = crate::text::printable(registry, 80);
    let (message, right) = if let Some((scheme, rest)) = registry.split_once("://") {
        let scheme = crate::text::printable(scheme, 16);
        (
            format!("a registry is a host without {scheme}://, found \"{shown}\""),
            rest,
        )
    } else if registry.ends_with('/') {
        let message = format!(
            "a registry has no slash at its end, the chart writes one itself, found \"{shown}\""
        );
        (message, registry)
    } else if registry.contains(char::is_whitespace) {
        (
            format!("a registry has no spaces, found \"{shown}\""),
            registry,
        )
    } else {
        return None;
    };
    let right: String = right.split_whitespace().collect();
    let right = crate::text::printable(right.trim_end_matches('/'), 80);
    Some(Fault {
        message,
        fix: format!("set it to {right}"),
        action: Action::Deny,
    })
}

/// The host that a repository begins with, as container runtimes tell one from a folder.
fn host_of(repository: &str) -> Option<&str> {
    let (host, _) = repository.split_once('/')?;
    (host.contains(['.', ':']) || host == "localhost").then_some(host)
}

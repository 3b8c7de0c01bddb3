//! An image and its parts.
//!
//! An image does not tell where its registry ends: both may have a path. Where it ends in a
//! repository that the component usually has, all before that is the registry.

use crate::vcluster::FULL;

/// The parts of an image that values name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Named<'n> {
    pub(super) registry: Option<&'n str>,
    pub(super) repository: Option<&'n str>,
    pub(super) tag: Option<&'n str>,
}

/// What the image of a component usually is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    /// The chart's own repository, and those that vCluster's documentation tells to take. Of two
    /// that fit the longer stands first.
    repositories: &'static [&'static str],
    /// Whether the chart adds `-full` to its tag, for private nodes.
    is_full: bool,
}

impl Usual {
    /// Of a distro's component; `None` is all of the distro.
    pub(super) fn of(distro: &str, component: Option<&str>) -> Self {
        let repositories: &[&str] = match (distro, component) {
            ("k8s", None) => &["loft-sh/kubernetes"],
            ("k8s", Some("apiServer")) => {
                &["eks-distro/kubernetes/kube-apiserver", "kube-apiserver"]
            }
            ("k8s", Some("controllerManager")) => &[
                "eks-distro/kubernetes/kube-controller-manager",
                "kube-controller-manager",
            ],
            ("k8s", Some("scheduler")) => {
                &["eks-distro/kubernetes/kube-scheduler", "kube-scheduler"]
            }
            ("k3s", _) => &["rancher/k3s"],
            ("k0s", _) => &["k0sproject/k0s"],
            _ => &[],
        };
        Self {
            repositories,
            is_full: (distro, component) == ("k8s", None),
        }
    }
}

/// An image with other parts. An image that ends in the repository that is named, or begins with
/// the registry, has it already. The nodes' binaries stay: where the chart added `-full` to the tag,
/// it would to another one.
pub(super) fn with_parts(image: &str, usual: Usual, named: Named<'_>) -> String {
    let Named {
        registry,
        repository,
        tag,
    } = named;
    let behind = image_suffix(image);
    let name = image.strip_suffix(behind).unwrap_or(image);
    let (old_registry, old_repository) = match (registry, repository) {
        (None, Some(repository)) => ends_in(name, &[repository]),
        _ => None,
    }
    .or_else(|| ends_in(name, usual.repositories))
    .or_else(|| {
        let registry = registry.filter(|registry| !registry.is_empty())?;
        Some((registry, name.strip_prefix(registry)?.strip_prefix('/')?))
    })
    .unwrap_or_else(|| at_host(name));
    let registry = registry.unwrap_or(old_registry);
    let slash = if registry.is_empty() { "" } else { "/" };
    let repository = repository.unwrap_or(old_repository);
    match (tag, behind.strip_prefix(':')) {
        (Some(tag), Some(old)) => {
            let old = old.split('@').next().unwrap_or(old);
            let is_full = |tag: &str| tag.ends_with(FULL);
            // a digest says what it is
            let full = if usual.is_full && is_full(old) && !is_full(tag) && !tag.contains('@') {
                FULL
            } else {
                ""
            };
            format!("{registry}{slash}{repository}:{tag}{full}")
        }
        _ => format!("{registry}{slash}{repository}{behind}"),
    }
}

/// Registry and repository of a name that ends in one of these repositories.
fn ends_in<'i>(name: &'i str, repositories: &[&str]) -> Option<(&'i str, &'i str)> {
    repositories.iter().find_map(|repository| {
        let front = name.strip_suffix(repository)?;
        if front.is_empty() {
            return Some(("", name));
        }
        let registry = front.strip_suffix('/')?;
        Some((registry, name.strip_prefix(front)?))
    })
}

/// Registry and repository as container runtimes tell them.
fn at_host(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((host, rest)) if is_host(host) => (host, rest),
        _ => ("", name),
    }
}

fn is_host(text: &str) -> bool {
    text.contains(['.', ':']) || text == "localhost"
}

/// What stands behind an image's name: `:v1`, `@sha256:…`, both or nothing.
fn image_suffix(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    let from = name.rfind('/').map_or(0, |slash| slash + 1);
    let colon = name.get(from..).and_then(|last| last.find(':'));
    let end = colon.map_or(name.len(), |at| from + at);
    image.get(end..).unwrap_or_default()
}

/// Registry, repository and tag of an image; a digest stays with the tag, as in values. An image by
/// digest alone has no tag: so do webhooks leave it that pin images.
pub(super) fn split(image: &str, usual: Usual) -> (&str, &str, Option<&str>) {
    let behind = image_suffix(image);
    let name = image.strip_suffix(behind).unwrap_or(image);
    let (registry, repository) = ends_in(name, usual.repositories)
        .filter(|(registry, _)| registry.split('/').next().is_some_and(is_host))
        .unwrap_or_else(|| at_host(name));
    (registry, repository, behind.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Path;
    use crate::vcluster::Catalogue;

    #[test]
    fn images_are_split_where_their_registry_ends() {
        let k8s = Usual::of("k8s", None);
        let api_server = Usual::of("k8s", Some("apiServer"));
        for (image, usual, parts) in [
            (
                "ghcr.io/loft-sh/kubernetes:v1.34.0",
                k8s,
                ("ghcr.io", "loft-sh/kubernetes", Some("v1.34.0")),
            ),
            (
                "reg.example/mirror/loft-sh/kubernetes:v1.34.0",
                k8s,
                ("reg.example/mirror", "loft-sh/kubernetes", Some("v1.34.0")),
            ),
            (
                "mirror/loft-sh/kubernetes",
                k8s,
                ("", "mirror/loft-sh/kubernetes", None),
            ),
            (
                "public.ecr.aws/eks-distro/kubernetes/kube-apiserver:v1",
                api_server,
                (
                    "public.ecr.aws",
                    "eks-distro/kubernetes/kube-apiserver",
                    Some("v1"),
                ),
            ),
            (
                "reg.example/a/kube-apiserver:v1",
                api_server,
                ("reg.example/a", "kube-apiserver", Some("v1")),
            ),
            (
                "rancher/k3s:v1.30.2-k3s1",
                Usual::of("k3s", None),
                ("", "rancher/k3s", Some("v1.30.2-k3s1")),
            ),
            (
                "reg:5000/a/b/kubernetes",
                k8s,
                ("reg:5000", "a/b/kubernetes", None),
            ),
            (
                "localhost/k:v1@sha256:0a",
                k8s,
                ("localhost", "k", Some("v1@sha256:0a")),
            ),
            ("r.example/k@sha256:0a", k8s, ("r.example", "k", None)),
            ("reg.example/k:", k8s, ("reg.example", "k", Some(""))),
            ("k", k8s, ("", "k", None)),
            ("", k8s, ("", "", None)),
        ] {
            assert_eq!(split(image, usual), parts, "{image}");
        }
    }

    #[test]
    fn every_repository_of_the_charts_is_usual() {
        for block in Catalogue::embedded().blocks() {
            for (path, known) in block.defaults.leaves(&Path::dotted("controlPlane.distro")) {
                let keys = path.as_keys().unwrap();
                let usual = match *keys.as_slice() {
                    [_, _, distro, "image", "repository"] => Usual::of(distro, None),
                    [_, _, distro, component, "image", "repository"] => {
                        Usual::of(distro, Some(component))
                    }
                    _ => continue,
                };
                let repository = known.data.to_json();
                let repository = repository.as_str().unwrap();
                assert!(usual.repositories.contains(&repository), "{path}");
            }
        }
    }

    #[test]
    fn an_image_gets_only_the_parts_that_are_named() {
        let parts = |image, [registry, repository, tag]: [Option<&str>; 3]| {
            let named = Named {
                registry,
                repository,
                tag,
            };
            with_parts(image, Usual::of("k8s", None), named)
        };
        let image = "ghcr.io/loft-sh/kubernetes:v1.34.0";
        let mirrored = "reg.example:5000/mirror/loft-sh/kubernetes:v1.34.0";
        for (image, named, becomes) in [
            (image, [None, None, None], image),
            (
                image,
                [Some("reg.example:5000/mirror"), None, None],
                mirrored,
            ),
            (
                mirrored,
                [Some("reg.example:5000/mirror"), None, None],
                mirrored,
            ),
            (
                mirrored,
                [Some("reg.example:5000/other"), None, None],
                "reg.example:5000/other/loft-sh/kubernetes:v1.34.0",
            ),
            (
                mirrored,
                [Some("reg.example:5000"), None, None],
                "reg.example:5000/loft-sh/kubernetes:v1.34.0",
            ),
            (
                "mirror/loft-sh/kubernetes:v1.34.0",
                [Some("reg.example"), None, None],
                "reg.example/loft-sh/kubernetes:v1.34.0",
            ),
            (mirrored, [None, Some("loft-sh/kubernetes"), None], mirrored),
            (
                mirrored,
                [None, Some("mirror/loft-sh/kubernetes"), None],
                mirrored,
            ),
            (
                "reg.example/mirror/fork/kubernetes:v1",
                [Some("reg.example/mirror"), None, None],
                "reg.example/mirror/fork/kubernetes:v1",
            ),
            (
                image,
                [None, Some("fork/kubernetes"), Some("v1.35.0")],
                "ghcr.io/fork/kubernetes:v1.35.0",
            ),
            (
                "rancher/k3s:v1.30.2-k3s1",
                [Some("reg.example"), None, None],
                "reg.example/rancher/k3s:v1.30.2-k3s1",
            ),
            (image, [Some(""), None, None], "loft-sh/kubernetes:v1.34.0"),
            (
                "r.example/k:v1@sha256:0a",
                [None, None, Some("v2")],
                "r.example/k:v2",
            ),
            (
                "r.example/k@sha256:0a",
                [Some("q.example"), None, Some("v2")],
                "q.example/k@sha256:0a",
            ),
        ] {
            assert_eq!(parts(image, named), becomes, "{image} {named:?}");
            // and it is so then
            assert_eq!(parts(becomes, named), becomes, "{becomes} {named:?}");
        }
    }

    #[test]
    fn the_nodes_binaries_stay_in_the_image() {
        let with_tag = |image: &str, usual, tag| {
            let named = Named {
                tag: Some(tag),
                ..Named::default()
            };
            with_parts(image, usual, named)
        };
        let k8s = Usual::of("k8s", None);
        for (old, tag, becomes) in [
            ("v1.33.4-full", "v1.34.0", "k:v1.34.0-full"),
            ("v1.34.0-full", "v1.34.0", "k:v1.34.0-full"),
            ("v1.33.4-full@sha256:0a", "v1.34.0", "k:v1.34.0-full"),
            ("v1.33.4-full", "v1.34.0-full", "k:v1.34.0-full"),
            ("v1.33.4-full", "v1.34.0@sha256:0a", "k:v1.34.0@sha256:0a"),
            ("v1.33.4", "v1.34.0", "k:v1.34.0"),
        ] {
            let image = format!("k:{old}");
            assert_eq!(with_tag(&image, k8s, tag), becomes, "{old} {tag}");
        }
        let k3s = Usual::of("k3s", None);
        assert_eq!(with_tag("k:v1-full", k3s, "v2"), "k:v2");
    }
}

//! An image and its parts.

/// An image with other parts. A registry may have a path, and begin the image already.
pub(super) fn with_parts(
    image: &str,
    registry: Option<&str>,
    repository: Option<&str>,
    tag: Option<&str>,
) -> String {
    let (mut old_registry, mut old_repository, old_tag) = split(image);
    let behind = image_suffix(image);
    let name = image.strip_suffix(behind).unwrap_or(image);
    let begins = registry.filter(|registry| !registry.is_empty());
    let rest = begins.and_then(|registry| name.strip_prefix(registry)?.strip_prefix('/'));
    if let (Some(registry), Some(rest)) = (registry, rest) {
        (old_registry, old_repository) = (registry, rest);
    } else if let Some(front) = repository.and_then(|repository| {
        let front = name.strip_suffix(repository)?;
        front.strip_suffix('/').filter(|_| registry.is_none())
    }) {
        (old_registry, old_repository) = (front, repository.unwrap_or(old_repository));
    }
    let registry = registry.unwrap_or(old_registry);
    let slash = if registry.is_empty() { "" } else { "/" };
    let repository = repository.unwrap_or(old_repository);
    match (tag, old_tag) {
        (Some(tag), Some(_)) => format!("{registry}{slash}{repository}:{tag}"),
        _ => format!("{registry}{slash}{repository}{behind}"),
    }
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
pub(super) fn split(image: &str) -> (&str, &str, Option<&str>) {
    let behind = image_suffix(image);
    let path = image.strip_suffix(behind).unwrap_or(image);
    let (registry, repository) = match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("", path),
    };
    (registry, repository, behind.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_split_as_container_runtimes_split_them() {
        for (image, parts) in [
            (
                "ghcr.io/loft-sh/kubernetes:v1.34.0",
                ("ghcr.io", "loft-sh/kubernetes", Some("v1.34.0")),
            ),
            (
                "rancher/k3s:v1.30.2-k3s1",
                ("", "rancher/k3s", Some("v1.30.2-k3s1")),
            ),
            (
                "reg:5000/a/b/kubernetes",
                ("reg:5000", "a/b/kubernetes", None),
            ),
            (
                "localhost/k:v1@sha256:0a",
                ("localhost", "k", Some("v1@sha256:0a")),
            ),
            ("r.example/k@sha256:0a", ("r.example", "k", None)),
            ("reg.example/k:", ("reg.example", "k", Some(""))),
            ("k", ("", "k", None)),
            ("", ("", "", None)),
        ] {
            assert_eq!(split(image), parts, "{image}");
        }
    }

    #[test]
    fn an_image_gets_only_the_parts_that_are_named() {
        let parts = |image, [registry, repository, tag]: [Option<&str>; 3]| {
            with_parts(image, registry, repository, tag)
        };
        let image = "ghcr.io/loft-sh/kubernetes:v1.34.0";
        for (image, named, becomes) in [
            (image, [None, None, None], image),
            (
                image,
                [Some("reg.example:5000/mirror"), None, None],
                "reg.example:5000/mirror/loft-sh/kubernetes:v1.34.0",
            ),
            (
                "reg.example:5000/mirror/loft-sh/kubernetes:v1.34.0",
                [Some("reg.example:5000/mirror"), None, None],
                "reg.example:5000/mirror/loft-sh/kubernetes:v1.34.0",
            ),
            (
                "reg.example:5000/mirror/loft-sh/kubernetes:v1.34.0",
                [None, Some("loft-sh/kubernetes"), None],
                "reg.example:5000/mirror/loft-sh/kubernetes:v1.34.0",
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
}

//! The guard: with a default in, the effective value of every path that the user set is what it
//! was before.

use crate::values::{Node, Path};
use crate::vcluster::{Config, ImagePart, Origin};

/// The path of something that the user set and that a default would overrule.
pub(super) fn overruled(before: &Config<'_>, after: &Config<'_>, default: &Path) -> Option<Path> {
    distro(before, after)
        .or_else(|| image(before, after, default))
        .or_else(|| image_elsewhere(before, default))
}

/// A distro that the user enabled stays the one in force.
fn distro(before: &Config<'_>, after: &Config<'_>) -> Option<Path> {
    let enabled = before.enabled();
    let first = enabled.first()?;
    let same = after.enabled() == enabled && after.distro() == before.distro();
    (!same).then(|| Path::keys(["controlPlane", "distro", first.key(), "enabled"]))
}

/// An image of which the user set a part stays the image that it is: `version` overrules a tag,
/// and `defaultImageRegistry` a registry, also one that is written in the repository. A version
/// beside the tag of one component would move the others away from it.
fn image(before: &Config<'_>, after: &Config<'_>, default: &Path) -> Option<Path> {
    let after = after.images();
    for image in before.images() {
        let same = after
            .iter()
            .find(|other| other.component == image.component);
        for (part, of_image) in [
            (&image.registry, Of::Registry),
            (&image.repository, Of::Registry),
            (&image.tag, Of::Tag),
        ] {
            let ImagePart::Known {
                value,
                path,
                origin,
            } = part
            else {
                continue;
            };
            if *origin == Origin::Chart || value.is_empty() {
                continue;
            }
            let kept = match of_image {
                // a repository alone may come from any registry, one with a host may not
                Of::Registry if path.last_key() == Some("repository") && !has_host(value) => true,
                Of::Registry => same.is_some_and(|other| other.registry == image.registry),
                Of::Tag => {
                    default.last_key() != Some("version")
                        && same.is_some_and(|other| other.tag == image.tag)
                }
            };
            if !kept {
                return Some(path.clone());
            }
        }
    }
    None
}

enum Of {
    Registry,
    Tag,
}

/// `defaultImageRegistry` also stands before images that are none of the distro's: vCluster's own,
/// those of etcd and DNS, of plugins. Whoever wrote one of them with its host wants that host.
fn image_elsewhere(before: &Config<'_>, default: &Path) -> Option<Path> {
    if default.last_key() != Some("defaultImageRegistry") {
        return None;
    }
    before
        .documents()
        .find_map(|(_, document)| image_below(&document.root, &Path::root()))
}

/// The first image with a host in a document.
fn image_below(node: &Node, path: &Path) -> Option<Path> {
    node.as_map()?.iter().find_map(|(key, entry)| {
        let path = path.key(key);
        let text = entry.value.as_str().unwrap_or_default();
        let names_host = match &**key {
            "image" => has_host(text),
            "registry" => !text.is_empty() && path.parent().last_key() == Some("image"),
            "repository" => has_host(text) && path.parent().last_key() == Some("image"),
            _ => false,
        };
        if names_host {
            Some(path)
        } else {
            image_below(&entry.value, &path)
        }
    })
}

/// Whether an image or repository begins with a host, as container runtimes tell one.
fn has_host(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost")
}

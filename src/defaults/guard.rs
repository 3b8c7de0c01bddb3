//! The guard: with a default in, the effective value of every path that the user set is what it
//! was before.

use crate::values::Path;
use crate::vcluster::{Config, ImagePart};

/// The path of something that the user set and that a default would overrule.
pub(super) fn overruled(before: &Config<'_>, after: &Config<'_>, default: &Path) -> Option<Path> {
    distro(before, after)
        .or_else(|| image_part(before, after))
        .or_else(|| registry_elsewhere(before, default))
}

/// A distro that the user enabled stays the one in force.
fn distro(before: &Config<'_>, after: &Config<'_>) -> Option<Path> {
    let enabled = before.enabled();
    let first = enabled.first()?;
    let same = after.enabled() == enabled && after.distro() == before.distro();
    (!same).then(|| Path::keys(["controlPlane", "distro", first.key(), "enabled"]))
}

/// `version` overrules a tag, and `defaultImageRegistry` a registry.
fn image_part(before: &Config<'_>, after: &Config<'_>) -> Option<Path> {
    let after = after.images();
    for image in before.images() {
        let same = after
            .iter()
            .find(|other| other.component == image.component);
        for (part, other) in [
            (&image.registry, same.map(|image| &image.registry)),
            (&image.repository, same.map(|image| &image.repository)),
            (&image.tag, same.map(|image| &image.tag)),
        ] {
            let ImagePart::Known {
                value,
                path,
                origin,
            } = part
            else {
                continue;
            };
            if origin.is_user() && other.and_then(ImagePart::value) != Some(value) {
                return Some(path.clone());
            }
        }
    }
    None
}

/// `defaultImageRegistry` also replaces the registries of images that are none of the distro's:
/// vCluster's own, etcd and DNS.
fn registry_elsewhere(before: &Config<'_>, default: &Path) -> Option<Path> {
    if default.last_key() != Some("defaultImageRegistry") {
        return None;
    }
    before
        .user_paths()
        .into_iter()
        .find(|(path, known)| {
            path.last_key() == Some("registry")
                && path.parent().last_key() == Some("image")
                && known.data != crate::values::Data::String("".into())
        })
        .map(|(path, _)| path)
}

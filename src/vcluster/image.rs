//! The images that the control plane will run, as the chart puts them together.
//!
//! Mirrors `chart/templates/_init-containers.tpl` and `vcluster.image` in `_helper.tpl`: a
//! non-empty `defaultImageRegistry` replaces every registry; up to 0.24 `version` stands in only
//! for tags that equal the chart's own; from 0.25 on `version` always beats the tag.

use super::lookup::{Lookup, Presence};
use super::tree::{Known, Origin};
use super::{Config, Distro, Era, KubeVersion, Reading};
use crate::values::{Data, Path};

/// What the chart adds to the tag for private nodes: the image also holds the nodes' binaries.
pub const FULL: &str = "-full";

/// Where `defaultImageRegistry` stands.
const DEFAULT_IMAGE_REGISTRY: [&str; 3] = ["controlPlane", "advanced", "defaultImageRegistry"];

/// The image of one component, with the path that decides each of its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// What runs from it.
    pub component: Component,
    /// Path of its `image` block.
    pub path: Path,
    /// The registry, empty for Docker Hub.
    pub registry: ImagePart,
    /// The repository.
    pub repository: ImagePart,
    /// The tag, as it is written.
    pub tag: ImagePart,
    /// What the chart adds to the tag by itself: `-full` for private nodes; `None` if it cannot
    /// be seen whether it does.
    pub suffix: Option<&'static str>,
}

/// What runs from an image.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Component {
    /// All of a distro, in one image.
    Distro(Distro),
    /// The API server; eras with an image per component.
    ApiServer,
    /// The controller manager; likewise.
    ControllerManager,
    /// The scheduler; likewise.
    Scheduler,
}

/// One part of an image, as it will be.
#[derive(Clone, Debug, PartialEq)]
pub enum ImagePart {
    /// Known, and decided by the value at this path.
    Known {
        /// The value.
        value: Box<str>,
        /// Path of the value that decides.
        path: Path,
        /// Where that value comes from.
        origin: Origin,
    },
    /// It cannot be seen, or is no text.
    Unknown,
}

impl Config<'_> {
    /// The images of the distro in force; none where the distro or the chart's layout is unknown.
    pub fn images(&self) -> Vec<Image> {
        let components: &[(Component, &[&str])] = match (self.distro(), self.has_combined_image()) {
            (Some(Distro::K8s), Some(true)) => &[(Component::Distro(Distro::K8s), &["k8s"])],
            (Some(Distro::K8s), Some(false)) => &[
                (Component::ApiServer, &["k8s", "apiServer"]),
                (Component::ControllerManager, &["k8s", "controllerManager"]),
                (Component::Scheduler, &["k8s", "scheduler"]),
            ],
            (Some(Distro::K3s), _) => &[(Component::Distro(Distro::K3s), &["k3s"])],
            (Some(Distro::K0s), _) => &[(Component::Distro(Distro::K0s), &["k0s"])],
            _ => &[],
        };
        components
            .iter()
            .map(|(component, keys)| self.image(*component, keys))
            .collect()
    }

    /// The Kubernetes version that the API server will have, if it can be seen.
    pub fn kubernetes_version(&self) -> Option<KubeVersion> {
        match self.images().first().map(|image| &image.tag) {
            Some(ImagePart::Known { value, .. }) => KubeVersion::parse(value),
            _ => None,
        }
    }

    /// Registry, repository and tag of an image as they are written at a path, with
    /// `defaultImageRegistry` in the place of the registry.
    pub fn image_at(&self, path: &Path) -> [ImagePart; 3] {
        let registry = match self.part(&Path::keys(DEFAULT_IMAGE_REGISTRY)) {
            ImagePart::Known { value, .. } if value.is_empty() => self.part(&path.key("registry")),
            part => part,
        };
        let [repository, tag] = ["repository", "tag"].map(|key| self.part(&path.key(key)));
        [registry, repository, tag]
    }

    /// Whether k8s comes in one image, as far as the chart is known.
    fn has_combined_image(&self) -> Option<bool> {
        let path = ["controlPlane", "distro", "k8s", "image"];
        let mut combined = self.chart.fields().map(|fields| fields.get(path).is_some());
        let first = combined.next()?;
        combined.all(|other| other == first).then_some(first)
    }

    fn image(&self, component: Component, keys: &[&str]) -> Image {
        let path = Path::keys(["controlPlane", "distro"].iter().chain(keys).copied()).key("image");
        let [registry, repository, _] = self.image_at(&path);
        let tag = self.tag(component, &path);
        let suffix = match component {
            Component::Distro(Distro::K8s) => self.full_suffix(),
            _ => Some(""),
        };
        Image {
            component,
            path,
            registry,
            repository,
            tag,
            suffix,
        }
    }

    /// The value at a path; what is absent is empty, as in Go and in templates.
    fn part(&self, path: &Path) -> ImagePart {
        let known = |value: &str, origin| ImagePart::Known {
            value: value.into(),
            path: path.clone(),
            origin,
        };
        match self.get(path.as_keys().unwrap_or_default()) {
            Lookup::Known(Known {
                data: Data::String(text),
                origin,
                ..
            }) => known(text, *origin),
            Lookup::Known(Known {
                data: Data::Null,
                origin,
                ..
            }) => known("", *origin),
            // a user's null deletes the chart's value
            Lookup::Absent => match self.user_presence(&path.as_keys().unwrap_or_default()) {
                Presence::Set(Some(null)) => known("", null.origin),
                _ => known("", Origin::Chart),
            },
            Lookup::Known(_) | Lookup::Map(_) | Lookup::Unknown(_) => ImagePart::Unknown,
        }
    }

    fn tag(&self, component: Component, image: &Path) -> ImagePart {
        let tag = self.part(&image.key("tag"));
        if self.reading == Reading::Rendered {
            return tag;
        }
        if !matches!(component, Component::Distro(Distro::K8s)) && !component.is_split() {
            return tag;
        }
        let version = self.part(&Path::dotted("controlPlane.distro.k8s.version"));
        let ImagePart::Known {
            value: version_text,
            ..
        } = &version
        else {
            return ImagePart::Unknown;
        };
        if !component.is_split() {
            return if version_text.is_empty() {
                tag
            } else {
                version
            };
        }
        // era A: the chart's own tag stands for "not set"
        let default_tag = self
            .defaults()
            .get(image.key("tag").as_keys().unwrap_or_default());
        match (&tag, default_tag.str()) {
            (ImagePart::Known { value, .. }, Some(default)) if **value != *default => tag,
            (ImagePart::Known { .. }, Some(_)) if !version_text.is_empty() => version,
            (ImagePart::Known { .. }, Some(_)) => self.tag_of_host(tag),
            (ImagePart::Known { origin, .. }, None)
                if version_text.is_empty()
                    && origin.is_user()
                    && self.follows_host() == Some(false) =>
            {
                tag
            }
            _ => ImagePart::Unknown,
        }
    }

    /// Charts 0.21 to 0.24 take the host's version in the place of their own tag.
    fn tag_of_host(&self, tag: ImagePart) -> ImagePart {
        match (self.follows_host(), self.host_version(), tag) {
            (Some(false), _, tag) => tag,
            (Some(true), Some(host), ImagePart::Known { path, origin, .. }) => ImagePart::Known {
                value: host.release().to_string().into(),
                path,
                origin,
            },
            _ => ImagePart::Unknown,
        }
    }

    /// Whether the host's version stands in for the tag of an image: up to 0.24 the chart's own tag
    /// counts as none, whoever wrote it.
    pub(super) fn is_hosts_tag(&self, image: &Image) -> bool {
        let path = image.path.key("tag");
        let keys = path.as_keys().unwrap_or_default();
        let decides = matches!(&image.tag, ImagePart::Known { path: by, .. } if *by == path);
        decides
            && image.component.is_split()
            && self.reading != Reading::Rendered
            && self.follows_host() == Some(true)
            && self.get(keys.iter().copied()).str() == self.defaults().get(keys).str()
    }

    /// Whether the chart takes the host's Kubernetes version where nothing else is set.
    pub fn follows_host(&self) -> Option<bool> {
        match self.chart.era() {
            Some(Era::B | Era::C | Era::D) => Some(false),
            _ => self.chart.minor_within(21..=24),
        }
    }

    /// Private nodes need the image that also holds the nodes' binaries.
    fn full_suffix(&self) -> Option<&'static str> {
        let private = self.get(["privateNodes", "enabled"]);
        let binaries = self.get(["privateNodes", "importNodeBinaries"]);
        let full = match (
            self.chart.minor_within(26..=26),
            self.chart.minor_within(27..=u64::MAX),
        ) {
            _ if is_on(private) == Some(false) => false,
            // no chart turns private nodes on by itself
            _ if matches!(private, Lookup::Unknown(cause) if cause.is_charts()) => false,
            (Some(true), _) if private.bool() == Some(true) => is_on(binaries)?,
            (Some(false), Some(true)) => private.bool()?,
            (Some(false), Some(false)) => false,
            _ => return None,
        };
        Some(if full { FULL } else { "" })
    }
}

/// Whether a template takes a switch for on; a null, and nothing at all, is off.
fn is_on(switch: Lookup<'_>) -> Option<bool> {
    match switch {
        Lookup::Absent
        | Lookup::Known(Known {
            data: Data::Null, ..
        }) => Some(false),
        switch => switch.bool(),
    }
}

impl Image {
    /// The reference that will be pulled, if all of it can be seen.
    pub fn reference(&self) -> Option<String> {
        let (registry, repository) = (self.registry.value()?, self.repository.value()?);
        let (tag, suffix) = (self.tag.value()?, self.suffix?);
        let separator = if registry.is_empty() { "" } else { "/" };
        Some(format!("{registry}{separator}{repository}:{tag}{suffix}"))
    }
}

impl Component {
    /// Its key under `controlPlane.distro`, or under the distro's own.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Distro(distro) => distro.key(),
            Self::ApiServer => "apiServer",
            Self::ControllerManager => "controllerManager",
            Self::Scheduler => "scheduler",
        }
    }

    /// The distro that it belongs to.
    pub const fn distro(self) -> Distro {
        match self {
            Self::Distro(distro) => distro,
            Self::ApiServer | Self::ControllerManager | Self::Scheduler => Distro::K8s,
        }
    }

    /// Whether it is one of several components with an image of their own.
    pub const fn is_split(self) -> bool {
        matches!(
            self,
            Self::ApiServer | Self::ControllerManager | Self::Scheduler
        )
    }
}

impl ImagePart {
    /// The value, if it can be seen.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests;

//! What the chart renders: the control plane's StatefulSet or Deployment, lowered into values from
//! its images.
//!
//! Mirrors `chart/templates/statefulset.yaml` and `_init-containers.tpl`: each distro has init
//! containers of its own, by name and volumes, whatever registry the images come from. Etcd is
//! another workload (`app: vcluster-etcd`), and so are tenants' own.

use serde_json::value::RawValue;

use super::carried::name_of;
use super::dig::{dig, dig_list, dig_str};
use super::{Carried, Content, Held, Part, Release, Seen};
use crate::values::{Data, Path};
use crate::vcluster::{ChartSource, Reading};

/// More containers or volumes than a pod has.
const ITEMS: usize = 256;

/// The kinds of workload that the chart renders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// With a volume of its own.
    StatefulSet,
    /// Without.
    Deployment,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Self; 2] = [Self::StatefulSet, Self::Deployment];

    /// The kind with this group and name.
    pub(super) fn of(group: &str, kind: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == (group, kind))
    }

    /// Group and kind.
    pub(super) const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::StatefulSet => ("apps", "StatefulSet"),
            Self::Deployment => ("apps", "Deployment"),
        }
    }
}

/// The config that a control plane's workload tells of.
pub(super) fn configs<'a>(_: Kind, object: &'a RawValue, seen: Seen<'_>) -> Held<'a> {
    let labels =
        ["app", "release", "chart"].map(|key| dig_str(object, &["metadata", "labels", key]));
    let [Some(app), Some(release), Some(chart)] = labels else {
        return Held::default();
    };
    let name = name_of(object);
    // the chart names the workload after the release
    let containers = init_containers(object);
    let lowered = lowered(object, &containers);
    if app != "vcluster" || name != release || lowered.is_empty() {
        return Held::default();
    }
    let release = Release {
        namespace: seen.namespace.to_owned(),
        name: release.into_owned(),
        ..Release::default()
    };
    // a copy of the chart under another name has versions of its own
    let version = chart.strip_prefix("vcluster-");
    let version = version.map(|version| version.replacen('_', "+", 1));
    let chart = ChartSource::named(Some("vcluster"), version.as_deref());
    let part = Part {
        at: Path::dotted(INIT_CONTAINERS),
        content: Content::Lowered(lowered),
    };
    Held::one(Some(Carried {
        reading: Reading::Rendered,
        pieces: vec![
            dig(object, &["metadata", "labels", "chart"]),
            dig(object, &["spec", "template", "spec"]),
        ],
        ..Carried::new(release, chart, vec![part])
    }))
}

const INIT_CONTAINERS: &str = "spec.template.spec.initContainers";

/// An init container: where it is, its name and its image.
struct InitContainer {
    at: Path,
    name: String,
    image: String,
}

fn init_containers(object: &RawValue) -> Vec<InitContainer> {
    let keys = ["spec", "template", "spec", "initContainers"];
    let items = dig_list(object, &keys, ITEMS).unwrap_or_default();
    let items = items
        .into_iter()
        .enumerate()
        .map(|(number, item)| InitContainer {
            at: Path::keys(keys).index(number),
            name: dig_str(item, &["name"]).unwrap_or_default().into_owned(),
            image: dig_str(item, &["image"]).unwrap_or_default().into_owned(),
        });
    items.collect()
}

/// The values that would render such images: path, value, and where it stands in the object.
fn lowered(object: &RawValue, containers: &[InitContainer]) -> Vec<(Path, Data, Path)> {
    let volumes = dig_list(object, &["spec", "template", "spec", "volumes"], ITEMS);
    let volumes = volumes.unwrap_or_default();
    let has_volume = |name: &str| {
        let names = volumes
            .iter()
            .filter_map(|volume| dig_str(volume, &["name"]));
        names.into_iter().any(|known| known == name)
    };
    let mut lowered = Vec::new();
    for InitContainer { at, name, image } in containers {
        let keys: &[&str] = match &**name {
            "kubernetes" => &["k8s"],
            "kube-apiserver" => &["k8s", "apiServer"],
            "kube-controller-manager" => &["k8s", "controllerManager"],
            "kube-scheduler-manager" => &["k8s", "scheduler"],
            "vcluster" if has_volume("k3s-config") => &["k3s"],
            "vcluster" if has_volume("run-k0s") => &["k0s"],
            _ => continue,
        };
        let distro = Path::keys(["controlPlane", "distro"]);
        let distro = keys.iter().fold(distro, |path, key| path.key(key));
        let at = at.key("image");
        let (registry, repository, tag) = split(image);
        for (key, value) in [
            ("registry", Some(registry)),
            ("repository", Some(repository)),
            ("tag", tag),
        ] {
            let Some(value) = value else { continue };
            let path = distro.key("image").key(key);
            lowered.push((path, Data::String(value.into()), at.clone()));
        }
        let enabled = Path::keys(["controlPlane", "distro"])
            .key(keys.first().unwrap_or(&"k8s"))
            .key("enabled");
        if !lowered.iter().any(|(path, ..)| *path == enabled) {
            lowered.push((enabled, Data::Bool(true), at));
        }
    }
    lowered
}

/// Registry, repository and tag of an image; a digest stays with the tag, as in values. An image by
/// digest alone has no tag: so do webhooks leave it that pin images.
fn split(image: &str) -> (&str, &str, Option<&str>) {
    let name = image.split('@').next().unwrap_or(image);
    let from = name.rfind('/').map_or(0, |slash| slash + 1);
    let colon = name
        .get(from..)
        .and_then(|last| last.find(':'))
        .map(|at| from + at);
    let end = colon.unwrap_or(name.len());
    let tag = colon.and_then(|colon| image.get(colon + 1..));
    let path = image.get(..end).unwrap_or(image);
    let (registry, repository) = match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("", path),
    };
    (registry, repository, tag)
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
}

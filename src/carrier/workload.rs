//! What the chart renders: the control plane's StatefulSet or Deployment, lowered into values from
//! the images and resources of its init containers, and how values get back into these.
//!
//! Mirrors `chart/templates/statefulset.yaml` and `_init-containers.tpl`: each distro has init
//! containers of its own, by name and volumes, whatever registry the images come from. Etcd is
//! another workload (`app: vcluster-etcd`), and so are tenants' own.

use std::collections::BTreeMap;

use json_patch::{Patch, PatchOperation, ReplaceOperation};
use serde_json::Value;
use serde_json::value::RawValue;

use super::carried::name_of;
use super::dig::{dig, dig_list, dig_map, dig_str, value_at};
use super::edit::{self, pointer};
use super::ownership::is_tracked;
use super::{Carried, Content, EditAt, Encoding, Held, Part, Release, Seen};
use crate::values::{Change, Data, EditError, Path};
use crate::vcluster::{ChartSource, Quantity, Reading};

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
        edit_at: Some(EditAt {
            at: Path::dotted(INIT_CONTAINERS),
            within: (Path::root(), object),
            encoding: Encoding::InitContainers,
            // Argo CD would put its own back, and we ours, for ever
            suggest: is_tracked(object),
        }),
        reading: Reading::Rendered,
        pieces: vec![
            dig(object, &["metadata", "labels", "chart"]),
            dig(object, &["spec", "template", "spec"]),
        ],
        ..Carried::new(release, chart, vec![part], seen.budget)
    }))
}

const INIT_CONTAINERS: &str = "spec.template.spec.initContainers";

/// An init container: where it is, and what of it values decide.
struct InitContainer<'a> {
    at: Path,
    raw: &'a RawValue,
    name: String,
    image: String,
}

fn init_containers(object: &RawValue) -> Vec<InitContainer<'_>> {
    let keys = ["spec", "template", "spec", "initContainers"];
    let items = dig_list(object, &keys, ITEMS).unwrap_or_default();
    let items = items.into_iter().enumerate().map(|(number, raw)| {
        let text = |key| dig_str(raw, &[key]).unwrap_or_default().into_owned();
        InitContainer {
            at: Path::keys(keys).index(number),
            raw,
            name: text("name"),
            image: text("image"),
        }
    });
    items.collect()
}

/// The init containers of distros: each with the path of its distro in values, and that of its
/// component there.
fn of_distros<'c, 'a>(
    object: &RawValue,
    containers: &'c [InitContainer<'a>],
) -> impl Iterator<Item = (&'c InitContainer<'a>, Path, Path)> {
    let volumes = dig_list(object, &["spec", "template", "spec", "volumes"], ITEMS);
    let names = volumes
        .unwrap_or_default()
        .into_iter()
        .filter_map(|volume| dig_str(volume, &["name"]))
        .collect::<Vec<_>>();
    let has = |name: &str| names.iter().any(|known| known == name);
    let (has_k3s, has_k0s) = (has("k3s-config"), has("run-k0s"));
    containers.iter().filter_map(move |container| {
        let (distro, component) = match &*container.name {
            "kubernetes" => ("k8s", None),
            "kube-apiserver" => ("k8s", Some("apiServer")),
            "kube-controller-manager" => ("k8s", Some("controllerManager")),
            "kube-scheduler-manager" => ("k8s", Some("scheduler")),
            "vcluster" if has_k3s => ("k3s", None),
            "vcluster" if has_k0s => ("k0s", None),
            _ => return None,
        };
        let distro = Path::keys(["controlPlane", "distro", distro]);
        let component = match component {
            Some(component) => distro.key(component),
            None => distro.clone(),
        };
        Some((container, distro, component))
    })
}

/// The values that would render such images and resources: path, value, and where it stands in the
/// object.
fn lowered(object: &RawValue, containers: &[InitContainer<'_>]) -> Vec<(Path, Data, Path)> {
    let mut lowered = Vec::new();
    for (container, distro, component) in of_distros(object, containers) {
        let at = container.at.key("image");
        let (registry, repository, tag) = split(&container.image);
        for (key, value) in [
            ("registry", Some(registry)),
            ("repository", Some(repository)),
            ("tag", tag),
        ] {
            let Some(value) = value else { continue };
            let path = component.key("image").key(key);
            lowered.push((path, Data::String(value.into()), at.clone()));
        }
        let enabled = distro.key("enabled");
        if !lowered.iter().any(|(path, ..)| *path == enabled) {
            lowered.push((enabled, Data::Bool(true), at));
        }
        for kind in ["limits", "requests"] {
            let below = Path::keys(["resources", kind]);
            let quantities = dig(container.raw, &["resources", kind]);
            for (name, _) in quantities.map_or_else(Vec::new, |raw| dig_map(raw, ITEMS)) {
                // what is no string is a number, which means what it looks like
                let quantity = dig_str(container.raw, &["resources", kind, &name]);
                let Some(quantity) = quantity else { continue };
                lowered.push((
                    distro.join(&below).key(&name),
                    Data::String((&*quantity).into()),
                    container.at.join(&below).key(&name),
                ));
            }
        }
    }
    lowered
}

/// The operations that make the init containers what these values would render: the image of just
/// the component's, the resources of all of the distro's. Values that would render nothing of them
/// are left alone.
///
/// # Errors
/// Where Kubernetes would not take the resources.
pub(super) fn json_patch(
    object: &RawValue,
    changes: &[(Path, Change)],
) -> Result<Patch, EditError> {
    let sets: BTreeMap<&Path, &Value> = changes
        .iter()
        .filter_map(|(path, change)| match change {
            Change::Set(value) => Some((path, value)),
            Change::Remove => None,
        })
        .collect();
    let containers = init_containers(object);
    let mut operations = Vec::new();
    for (container, distro, component) in of_distros(object, &containers) {
        let image = component.key("image");
        let part = |key| sets.get(&image.key(key)).and_then(|value| value.as_str());
        let [registry, repository, tag] = ["registry", "repository", "tag"].map(part);
        let wanted = with_parts(&container.image, registry, repository, tag);
        if wanted != container.image {
            operations.push(PatchOperation::Replace(ReplaceOperation {
                path: pointer(&container.at.key("image")),
                value: Value::String(wanted),
            }));
        }
        let resources = distro.key("resources");
        let below = sets.iter().filter_map(|(path, value)| {
            let path = path.below(&resources)?;
            Some((path, Change::Set((*value).clone())))
        });
        let below: Vec<_> = below.collect();
        if below.is_empty() {
            continue;
        }
        let edit_at = EditAt {
            at: container.at.key("resources"),
            within: (container.at.clone(), container.raw),
            encoding: Encoding::Object,
            suggest: false,
        };
        check_resources(container.raw, &below)?;
        operations.extend(edit::json_patch(&edit_at, &below)?.0);
    }
    Ok(Patch(operations))
}

/// Whether resources are in order once these are among them: the API server takes no request above
/// its limit.
fn check_resources(container: &RawValue, sets: &[(Path, Change)]) -> Result<(), EditError> {
    let resources = value_at(container, &Path::keys(["resources"]));
    let quantity = |kind: &str, name: &str| {
        let path = Path::keys([kind, name]);
        let set = sets.iter().find_map(|(at, change)| match change {
            Change::Set(value) if *at == path => Some(value),
            _ => None,
        });
        let present = || resources.get(kind)?.get(name);
        Quantity::parse(set.or_else(present)?.as_str()?).ok()
    };
    for (path, _) in sets {
        let Some([_, name]) = path
            .as_keys()
            .as_deref()
            .map(<[_; 2]>::try_from)
            .and_then(Result::ok)
        else {
            continue;
        };
        if let (Some(request), Some(limit)) = (quantity("requests", name), quantity("limits", name))
            && request > limit
        {
            return Err(EditError::Refused("a request would be above its limit"));
        }
    }
    Ok(())
}

/// An image with other parts. A registry may have a path, and begin the image already.
fn with_parts(
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
fn split(image: &str) -> (&str, &str, Option<&str>) {
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

    #[test]
    fn a_request_does_not_go_in_above_its_limit() {
        let patch = |resources: &str, sets: &[(&str, &str)]| {
            let object = format!(
                r#"{{"spec":{{"template":{{"spec":{{"initContainers":[{{"name":"other"}},{{"name":"kubernetes","image":"k:v1","resources":{resources}}}]}}}}}}}}"#
            );
            let raw: &RawValue = serde_json::from_str(&object).unwrap();
            let changes: Vec<_> = sets
                .iter()
                .map(|(path, quantity)| {
                    let path =
                        Path::dotted("controlPlane.distro.k8s.resources").join(&Path::dotted(path));
                    (path, Change::Set(Value::from(*quantity)))
                })
                .collect();
            match json_patch(raw, &changes) {
                Ok(patch) => serde_json::to_string(&patch).unwrap(),
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(
            patch(
                "{}",
                &[("limits.memory", "1Gi"), ("requests.memory", "1Gi")]
            ),
            r#"[{"op":"add","path":"/spec/template/spec/initContainers/1/resources/limits","value":{"memory":"1Gi"}},{"op":"add","path":"/spec/template/spec/initContainers/1/resources/requests","value":{"memory":"1Gi"}}]"#,
        );
        assert_eq!(
            patch(
                r#"{"limits":{"memory":"512Mi"}}"#,
                &[("requests.memory", "1Gi")]
            ),
            "a request would be above its limit",
        );
        assert_eq!(
            patch(
                r#"{"requests":{"memory":"1Gi"}}"#,
                &[("limits.memory", "512Mi")]
            ),
            "a request would be above its limit",
        );
    }
}

//! What the chart renders: the control plane's StatefulSet or Deployment, lowered into values from
//! the images and resources of its init containers, and how values get back into these.
//!
//! Mirrors `chart/templates/statefulset.yaml` and `_init-containers.tpl`: each distro has init
//! containers of its own, by name and volumes, whatever registry the images come from. Etcd is
//! another workload (`app: vcluster-etcd`), and so are tenants' own.

mod image;
mod lowering;
mod patch;

use serde_json::value::RawValue;

use self::image::Usual;
use self::lowering::lowered;
pub(super) use self::patch::json_patch;
use super::carried::name_of;
use super::dig::{dig, dig_list, dig_str};
use super::ownership::is_tracked_after_helm;
use super::{Carried, Content, EditAt, Encoding, Held, Part, Release, Seen};
use crate::values::Path;
use crate::vcluster::{ChartSource, Reading};

/// More containers, volumes or resources than a pod has.
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
    if app != "vcluster" || name != release {
        return Held::default();
    }
    let containers = containers(object);
    if containers.is_empty() {
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
        content: match lowered(&containers, seen.budget) {
            Ok(lowered) => Content::Lowered(lowered),
            Err(error) => Content::Unreadable(error),
        },
    };
    Held::one(Some(Carried {
        edit_at: Some(EditAt {
            at: Path::dotted(INIT_CONTAINERS),
            within: (Path::root(), object),
            encoding: Encoding::InitContainers,
            // Argo CD would put its own back, and we ours, for ever
            suggest: is_tracked_after_helm(object),
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

/// An init container of a distro's: where it is, and what of it values decide.
struct Container<'a> {
    at: Path,
    raw: &'a RawValue,
    image: String,
    /// The path of its distro in values.
    distro: Path,
    /// That of its component there; the distro's own, if one image holds all of it.
    component: Path,
    usual: Usual,
}

/// The init containers of distros. A pod has one of each name, which the API server sees to.
fn containers(object: &RawValue) -> Vec<Container<'_>> {
    let volumes = dig_list(object, &["spec", "template", "spec", "volumes"], ITEMS);
    let names = volumes
        .unwrap_or_default()
        .into_iter()
        .filter_map(|volume| dig_str(volume, &["name"]))
        .collect::<Vec<_>>();
    let has = |name: &str| names.iter().any(|known| known == name);
    let (has_k3s, has_k0s) = (has("k3s-config"), has("run-k0s"));
    let keys = ["spec", "template", "spec", "initContainers"];
    let items = dig_list(object, &keys, ITEMS).unwrap_or_default();
    let mut found: Vec<Container<'_>> = Vec::new();
    for (number, raw) in items.into_iter().enumerate() {
        let (distro, component) = match dig_str(raw, &["name"]).as_deref() {
            Some("kubernetes") => ("k8s", None),
            Some("kube-apiserver") => ("k8s", Some("apiServer")),
            Some("kube-controller-manager") => ("k8s", Some("controllerManager")),
            Some("kube-scheduler-manager") => ("k8s", Some("scheduler")),
            Some("vcluster") if has_k3s => ("k3s", None),
            Some("vcluster") if has_k0s => ("k0s", None),
            _ => continue,
        };
        let usual = Usual::of(distro, component);
        let distro = Path::keys(["controlPlane", "distro", distro]);
        let component = component.map_or_else(|| distro.clone(), |key| distro.key(key));
        if found.iter().any(|known| known.component == component) {
            continue;
        }
        found.push(Container {
            at: Path::keys(keys).index(number),
            raw,
            image: dig_str(raw, &["image"]).unwrap_or_default().into_owned(),
            distro,
            component,
            usual,
        });
    }
    found
}

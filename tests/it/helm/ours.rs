//! What we say of a case.

use std::collections::BTreeMap;
use std::sync::Arc;

use distrogate::admission::{self, Endpoint};
use distrogate::gate::{self, Cluster};
use distrogate::policy::{Applicant, Policy};
use distrogate::values::{
    Assignment, Data, Document, Entry, Limits, Map, Node, Path, SetError, assign, read_set,
    read_yaml,
};
use distrogate::vcluster::{
    Catalogue, ChartSource, Completeness, Component, Config, Distro, KubeVersion, Layer,
    LayerContent, Lookup, Operation, Parts, Reading, Subject,
};
use serde_json::{Value, json};

use super::Seen;
use super::binary::Rendered;
use super::chart::{Traits, traits};
use super::config::Case;
use crate::support::{cluster_api, envelope, patched, release};

/// A case as we read it.
pub(super) struct Ours {
    /// Every file a layer, and every text of assignments one over them.
    layered: Config<'static>,
    /// All of them merged into one layer.
    merged: Config<'static>,
    /// The values that are merged so.
    values: Node,
}

impl Ours {
    /// Reads a case; an error is one of an assignment.
    pub(super) fn of(case: &Case) -> Result<Self, SetError> {
        let mut values = Node::new(Data::Map(Map::new()));
        let mut layers = Vec::new();
        for text in &case.files {
            let document = read_yaml(text.as_bytes(), &Limits::VALUES).unwrap();
            merge(&mut values, &document.root);
            layers.push((document.root, Vec::new()));
        }
        let sets = case.sets.iter().map(|text| (text, true));
        for (text, typed) in sets.chain(case.strings.iter().map(|text| (text, false))) {
            let assignments = read_set(text, typed)?;
            for assignment in &assignments {
                assign(&mut values, assignment)?;
            }
            layers.push((Node::new(Data::Map(Map::new())), assignments));
        }
        Ok(Self {
            layered: compose(case, layers),
            merged: compose(case, vec![(values.clone(), Vec::new())]),
            values,
        })
    }

    /// Whether what Helm made of the case is what we say.
    pub(super) fn compare(&self, case: &Case, rendered: &Rendered) -> Result<Seen, String> {
        let config = &self.layered;
        let images = self.images();
        if (config.distro(), &images) != (self.merged.distro(), &images_of(&self.merged)) {
            return Err(format!(
                "layered {images:?}, merged {:?}",
                images_of(&self.merged)
            ));
        }
        let findings = self.findings();
        let several = findings.contains(&"only-one-distro");
        let wrong_type = findings.contains(&"wrong-type") || self.has_wrong_type_elsewhere();
        let missing = self.missing_map(case, several);
        match rendered {
            Rendered::Refused(error) if rendered.is_several() => {
                if several && missing.is_none() {
                    Ok(Seen::Refused)
                } else if wrong_type {
                    Ok(Seen::Unknown)
                } else {
                    Err(format!("Helm: {error}; we find {findings:?}, {missing:?}"))
                }
            }
            Rendered::Refused(error) => match missing {
                Some(_) if error.contains("nil pointer evaluating") => Ok(Seen::Refused),
                _ if wrong_type => Ok(Seen::Unknown),
                _ => Err(format!("Helm: {error}; we find {findings:?}, {missing:?}")),
            },
            Rendered::Workload { .. } if several || missing.is_some() => Err(format!(
                "we find {findings:?}, {missing:?}; Helm {rendered:?}"
            )),
            Rendered::Workload {
                images: rendered,
                volumes,
            } => {
                let distro = if volumes.iter().any(|volume| volume == "k3s-config") {
                    Distro::K3s
                } else if volumes.iter().any(|volume| volume == "run-k0s") {
                    Distro::K0s
                } else {
                    Distro::K8s
                };
                let mut seen = Seen::Known;
                match config.distro() {
                    None if wrong_type => return Ok(Seen::Unknown),
                    ours if ours == Some(distro) => {}
                    ours => return Err(format!("Helm {distro:?}, we {ours:?}")),
                }
                for (name, image) in rendered {
                    if name == "vcluster-copy" {
                        continue;
                    }
                    match images.get(name.as_str()) {
                        Some(Some(ours)) if ours == image => {}
                        Some(None) if wrong_type || self.lacks_binaries(case) => {
                            seen = Seen::Unknown;
                        }
                        ours => return Err(format!("{name}: Helm {image:?}, we {ours:?}")),
                    }
                }
                Ok(seen)
            }
        }
    }

    /// The user's values with our defaults, if any go in: into a single file as text, where it
    /// stands, else into an object.
    pub(super) fn with_defaults(&self, case: &Case) -> Option<String> {
        let (object, values) = match case.files.as_slice() {
            [text] if case.sets.is_empty() && case.strings.is_empty() => (
                cluster_api(case.chart, &json!(text)),
                "/request/object/spec/helmRelease/values",
            ),
            _ => (
                release(case.chart, &self.values.to_json()),
                "/request/object/spec/values",
            ),
        };
        let body = envelope(&object, None);
        let cluster = Cluster {
            host_version: KubeVersion::parse(case.host),
            ..Cluster::default()
        };
        let (answer, _) = admission::answer(body.as_bytes(), |request| {
            gate::review(request, Endpoint::Mutate, &Policy::built_in(), &cluster)
        })
        .unwrap();
        let review: Value = serde_json::from_slice(&answer.body).unwrap();
        review["response"]["patch"].as_str()?;
        let review: Value = serde_json::from_str(&patched(&body, &review["response"])).unwrap();
        match review.pointer(values).unwrap() {
            Value::String(text) => Some(text.clone()),
            values => Some(values.to_string()),
        }
    }

    /// By the name of the init container.
    fn images(&self) -> BTreeMap<&'static str, Option<String>> {
        images_of(&self.layered)
    }

    /// The rules that find something.
    fn findings(&self) -> Vec<&'static str> {
        let subject = Subject {
            operation: Operation::Create,
            reading: Reading::Helm,
            is_template: false,
            completeness: Completeness::Whole,
            renders_on: None,
            now: self.layered.with(&distrogate::vcluster::Tree::empty()),
            before: None,
            told_before: None,
            live: None,
        };
        let in_force = Policy::built_in().in_force(&Applicant::default());
        let findings = gate::judge(&subject, &in_force);
        findings.iter().map(|finding| finding.rule).collect()
    }

    /// A map that the templates look into, and that is none: then they fail. `several` distros end
    /// it earlier.
    fn missing_map(&self, case: &Case, several: bool) -> Option<String> {
        let Traits {
            distros,
            split,
            host: _,
            full,
        } = traits(case.chart);
        let config = &self.layered;
        let is_on = |path: &str| config.get(path.split('.')).bool() == Some(true);
        let distro = |key: &str| format!("controlPlane.distro.{key}");
        let mut needed: Vec<_> = distros.iter().map(|key| distro(key)).collect();
        if !several {
            needed.push("controlPlane.advanced".to_owned());
        }
        match (config.distro().filter(|_| !several), split) {
            (Some(Distro::K3s), _) => needed.push(distro("k3s.image")),
            (Some(Distro::K0s), _) => needed.push(distro("k0s.image")),
            (Some(Distro::K8s), None) => {
                needed.push(distro("k8s.image"));
                if full != "never" {
                    needed.push("privateNodes".to_owned());
                }
            }
            (Some(Distro::K8s), Some(_)) => {
                needed.push("controlPlane.advanced.virtualScheduler".to_owned());
                for (key, enabled) in [
                    ("apiServer", distro("k8s.apiServer.enabled")),
                    ("controllerManager", distro("k8s.controllerManager.enabled")),
                    (
                        "scheduler",
                        "controlPlane.advanced.virtualScheduler.enabled".to_owned(),
                    ),
                ] {
                    if key != "scheduler" {
                        needed.push(distro(&format!("k8s.{key}")));
                    }
                    if is_on(&enabled) {
                        needed.push(distro(&format!("k8s.{key}.image")));
                    }
                }
            }
            (Some(Distro::Eks) | None, _) => {}
        }
        needed
            .into_iter()
            .find(|path| !matches!(config.get(path.split('.')), Lookup::Map(_)))
    }

    /// The default of this one field, which charts 0.26 look at, is not in the catalogue.
    fn lacks_binaries(&self, case: &Case) -> bool {
        let get = |key| self.layered.get(["privateNodes", key]);
        traits(case.chart).full == "imported"
            && get("enabled").bool() == Some(true)
            && get("importNodeBinaries").is_unknown()
    }

    /// A value that the chart's schema refuses where no rule looks. What it does to a template
    /// depends on how that asks, so that nothing is said of it.
    fn has_wrong_type_elsewhere(&self) -> bool {
        let is = |path: &str, fits: fn(&Data) -> bool| match self.layered.get(path.split('.')) {
            Lookup::Known(known) => known.data == Data::Null || fits(&known.data),
            Lookup::Map(_) | Lookup::Unknown(_) | Lookup::Absent => true,
        };
        let maps = [
            "controlPlane",
            "controlPlane.advanced",
            "controlPlane.advanced.virtualScheduler",
            "privateNodes",
        ];
        let switches = [
            "controlPlane.advanced.virtualScheduler.enabled",
            "privateNodes.enabled",
            "privateNodes.importNodeBinaries",
        ];
        let is_switch = |data: &Data| matches!(data, Data::Bool(_));
        !maps.iter().all(|path| is(path, |_| false))
            || !switches.iter().all(|path| is(path, is_switch))
    }
}

fn images_of(config: &Config<'_>) -> BTreeMap<&'static str, Option<String>> {
    let named = config.images().into_iter().map(|image| {
        let name = match image.component {
            Component::Distro(Distro::K8s) => "kubernetes",
            Component::Distro(Distro::K3s | Distro::K0s | Distro::Eks) => "vcluster",
            Component::ApiServer => "kube-apiserver",
            Component::ControllerManager => "kube-controller-manager",
            Component::Scheduler => "kube-scheduler-manager",
        };
        (name, image.reference())
    });
    named.collect()
}

fn compose(case: &Case, layers: Vec<(Node, Vec<Assignment>)>) -> Config<'static> {
    let layers = layers.into_iter().map(|(root, sets)| {
        Arc::new(Layer {
            at: Path::dotted("spec.values"),
            text: true,
            content: LayerContent::Values(Document {
                root,
                notes: Vec::new(),
                steps: 0,
            }),
            templated: Vec::new(),
            sets,
            stands: Vec::new(),
            refers: 0,
        })
    });
    Config::compose(Parts {
        chart: &ChartSource::version(case.chart),
        layers: layers.collect(),
        reading: Reading::Helm,
        catalogue: Catalogue::embedded(),
        fallback: None,
        host_version: KubeVersion::parse(case.host),
    })
}

/// As Helm merges one file over another: maps into maps, everything else replaces. An empty file
/// does nothing.
fn merge(below: &mut Node, above: &Node) {
    let (Data::Map(below), Data::Map(above)) = (&mut below.data, &above.data) else {
        return;
    };
    for (key, entry) in above {
        match below.get_mut(key) {
            Some(Entry { value, .. })
                if value.as_map().is_some() && entry.value.as_map().is_some() =>
            {
                merge(value, &entry.value);
            }
            _ => {
                below.insert(key.clone(), entry.clone());
            }
        }
    }
}

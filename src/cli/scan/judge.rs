//! One object, judged as if it were new, and what of it is kept.

use serde_json::value::RawValue;

use crate::admission::{Endpoint, GroupVersionKind, Operation, Request};
use crate::gate::{self, Claim, Cluster, Lowered};
use crate::policy::{Action, Policy};
use crate::rules::Finding;
use crate::text::printable;
use crate::vcluster::{Explanation, Fact, explain};

/// How much of a value is shown: names of images have at most 255 characters.
const SHOWN: usize = 255;

/// What objects are judged by.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) policy: Policy,
    pub(super) cluster: Cluster,
}

/// An object, judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) object: Scanned,
    pub(super) claims: Vec<Claim>,
    /// What only the audit log would be told.
    pub(super) notes: Vec<String>,
}

/// An object with configs; all texts are fit to be shown.
#[derive(Debug)]
pub(super) struct Scanned {
    /// Where it was found, if that is not a cluster.
    pub(super) place: Option<Place>,
    /// As `helm.toolkit.fluxcd.io/v2`.
    pub(super) api_version: String,
    pub(super) kind: String,
    /// Empty for one that lives in none.
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) configs: Vec<Scan>,
    /// What is said of the object as a whole.
    pub(super) remarks: Vec<String>,
}

/// Where in files an object was found.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) file: String,
    /// Which of the file's documents, from 1.
    pub(super) document: usize,
}

/// One config.
#[derive(Debug)]
pub(super) struct Scan {
    /// `HelmRelease team-a/dev (vCluster chart 0.30.4)`.
    pub(super) title: String,
    /// What tells it from the object's other configs; empty for the only one.
    pub(super) item: String,
    pub(super) release: Release,
    pub(super) facts: Facts,
    pub(super) findings: Vec<Finding>,
    /// What to do, where the object is not the place to do it.
    pub(super) advice: Option<String>,
}

/// Which virtual cluster a config is for.
#[derive(Debug)]
pub(super) struct Release {
    /// Whether it is in another cluster than the object.
    pub(super) is_elsewhere: bool,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// What will run; `None` where it cannot be seen.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) chart: Option<String>,
    pub(super) distro: Option<String>,
    pub(super) kubernetes: Option<String>,
    pub(super) store: Option<String>,
    /// Component and reference.
    pub(super) images: Vec<(&'static str, Option<String>)>,
}

impl Judge {
    /// Judges an object; `None` if it holds no config.
    pub(super) fn judge(
        &self,
        place: Option<&Place>,
        kind: GroupVersionKind<'_>,
        (namespace, name): (&str, &str),
        object: &RawValue,
    ) -> Option<Judged> {
        let mut request = Request::about(kind, namespace, name);
        (request.operation, request.object) = (Operation::Create, Some(object));
        let verdict = gate::review(&request, Endpoint::Validate, &self.policy, &self.cluster);
        verdict.carrier.as_ref()?;
        let (lowered, _) = gate::lower(&request, &self.policy, &self.cluster);
        let kind = &request.kind;
        let shown = format!(
            "{} {}",
            printable(&kind.kind, 63),
            gate::object_name(&request)
        );
        let claims = lowered.iter();
        let claims = claims.filter_map(|config| config.claim(kind, &shown, namespace));
        let claims = claims.collect();
        let several = lowered.len() > 1;
        let configs = lowered.iter().zip(verdict.configs).map(|(config, judged)| {
            let gate::Judged {
                title,
                findings,
                advice,
            } = judged;
            Scan {
                title,
                item: if several { item(config) } else { String::new() },
                release: Release::of(config),
                facts: Facts::of(config),
                advice: advice.filter(|_| !findings.is_empty()),
                findings,
            }
        });
        Some(Judged {
            object: Scanned {
                place: place.cloned(),
                api_version: printable(&api_version(kind), 512),
                kind: printable(&kind.kind, 63),
                namespace: printable(namespace, 253),
                name: printable(name, 253),
                configs: configs.collect(),
                remarks: verdict.remarks,
            },
            claims,
            notes: verdict.notes.into_iter().collect(),
        })
    }
}

impl Scanned {
    /// What it is sorted by.
    pub(super) fn order(&self) -> (&str, &str, &str, Option<(&str, usize)>) {
        let place = self.place.as_ref();
        let place = place.map(|place| (&*place.file, place.document));
        (&self.namespace, &self.kind, &self.name, place)
    }

    /// The most that its findings lead to; `None` without any.
    pub(super) fn action(&self) -> Option<Action> {
        self.configs.iter().filter_map(Scan::action).max()
    }
}

impl Scan {
    /// The most that its findings lead to; `None` without any.
    pub(super) fn action(&self) -> Option<Action> {
        self.findings.iter().map(|finding| finding.action).max()
    }
}

impl Release {
    fn of(config: &Lowered<'_>) -> Self {
        let release = &config.carried.release;
        Self {
            is_elsewhere: release.cluster.is_some(),
            namespace: printable(&release.namespace, 253),
            name: printable(&release.name, 253),
        }
    }
}

impl Facts {
    fn of(config: &Lowered<'_>) -> Self {
        let config = &config.subject.now;
        let Explanation {
            distro,
            kubernetes,
            images,
            scheduler: _,
            store,
            resources: _,
        } = explain(config);
        let shown = |fact: &Fact| fact.value.as_ref().map(|text| printable(text, SHOWN));
        let images = images.iter().map(|image| {
            let reference = image.reference.as_ref();
            let reference = reference.map(|text| printable(text, 3 * SHOWN));
            (image.component.key(), reference)
        });
        Self {
            chart: config.chart.written().map(|text| printable(text, 40)),
            distro: shown(&distro),
            kubernetes: shown(&kubernetes),
            store: shown(&store),
            images: images.collect(),
        }
    }
}

/// What tells a config from the others of its object.
fn item(config: &Lowered<'_>) -> String {
    let carried = &config.carried;
    let item = carried.release.item.as_deref();
    let text = match (item, &*carried.record_key) {
        (Some(item), _) => item,
        (None, "") => &carried.release.name,
        (None, key) => key,
    };
    printable(text, 64)
}

fn api_version(kind: &GroupVersionKind<'_>) -> String {
    match &*kind.group {
        "" => kind.version.clone().into_owned(),
        group => format!("{group}/{}", kind.version),
    }
}

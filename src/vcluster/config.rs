//! One virtual cluster's config: its layers, and what is in force once they are composed.

use std::sync::Arc;

use super::lookup::{Lookup, Presence};
use super::place::{Kept, Place};
use super::reading::{fold, relevant};
use super::tree::{Cause, Known, Origin, Tree};
use super::{Block, Catalogue, Certainty, Chart, ChartSource, Distro, KubeVersion, Reading};
use crate::values::{Assignment, Data, Document, Node, Path, Position, ReadError, Step};

/// A config: the layers that the carrier gives, over the chart's defaults.
#[derive(Debug)]
pub struct Config<'c> {
    /// The chart that it is for.
    pub chart: Chart<'c>,
    /// Who reads it.
    pub(super) reading: Reading,
    /// What the carrier gives, lowest first.
    pub layers: Vec<Arc<Layer>>,
    /// The host cluster's Kubernetes version, which charts 0.21 to 0.24 follow.
    host_version: Option<KubeVersion>,
    /// The chart's defaults, as far as they are known.
    defaults: Arc<Tree>,
    user: Tree,
    effective: Tree,
}

/// One part of a carrier that gives values.
#[derive(Debug)]
pub struct Layer {
    /// Where in the object it stands: `spec.values`, `data[config.yaml]`.
    pub at: Path,
    /// Whether it is kept as text rather than as an object.
    pub text: bool,
    /// What it holds.
    pub content: LayerContent,
    /// Paths at and below which a template decides.
    pub templated: Vec<Path>,
    /// Assignments into the values below, where the layer consists of such; the content says the
    /// same as far as it can be said by itself.
    pub sets: Vec<Assignment>,
    /// Where values that were made from something else stand in the object.
    pub stands: Vec<(Path, Path)>,
    /// What tells a reference from another one at the same place; 0 where there is none.
    pub refers: u64,
}

/// What a [`Layer`] holds.
#[derive(Debug)]
pub enum LayerContent {
    /// Values that were read.
    Values(Document),
    /// Something that cannot be read as values.
    Unreadable(ReadError),
    /// Nothing, where the carrier must have something.
    Missing,
    /// Values beside others, here, which exclude them.
    Excluded(Path),
    /// Values that are kept elsewhere, and could set everything.
    Elsewhere(Box<str>),
    /// Values that are kept elsewhere, and set what stands at or below this path, over all else.
    ElsewhereAt(Box<str>, Path),
}

/// What a config is composed of, and against what it is read.
pub struct Parts<'p, 'c> {
    /// What the carrier says about its chart.
    pub chart: &'p ChartSource,
    /// What the carrier gives, lowest first.
    pub layers: Vec<Arc<Layer>>,
    /// Who reads it.
    pub reading: Reading,
    /// The known charts.
    pub catalogue: &'c Catalogue,
    /// The chart to assume where none is known.
    pub fallback: Option<&'c Block>,
    /// The host cluster's Kubernetes version.
    pub host_version: Option<KubeVersion>,
}

impl<'c> Config<'c> {
    /// Composes a config as its reader would.
    pub fn compose(parts: Parts<'_, 'c>) -> Self {
        let Parts {
            chart,
            layers,
            reading,
            catalogue,
            fallback,
            host_version,
        } = parts;
        let mut chart = match reading {
            Reading::Helm => Chart::resolve(chart, catalogue),
            Reading::Pod | Reading::Rendered => Chart::resolve_unified(chart, catalogue),
        };
        for layer in &layers {
            if let LayerContent::Values(document) = &layer.content {
                chart.infer(&document.root, fallback);
            }
        }
        let fields: Vec<_> = chart.fields().collect();
        let mut user = Tree::empty();
        for (number, layer) in layers.iter().enumerate() {
            user = match &layer.content {
                LayerContent::Values(_) if !layer.sets.is_empty() => {
                    for one in &layer.sets {
                        user.assign(one, Origin::Part(number, None));
                    }
                    user
                }
                LayerContent::Values(document) => {
                    let relevant = relevant(&document.root);
                    let node = match reading {
                        Reading::Helm | Reading::Rendered => relevant,
                        Reading::Pod => fold(&relevant, &fields),
                    };
                    user.under(Tree::from_node(&node, &|at| Origin::Part(number, at)))
                }
                LayerContent::Unreadable(_) | LayerContent::Missing | LayerContent::Excluded(_) => {
                    user.under(Tree::Unknown(Cause::Unreadable))
                }
                LayerContent::Elsewhere(what) => {
                    user.under(Tree::Unknown(Cause::Elsewhere(what.clone())))
                }
                LayerContent::ElsewhereAt(what, path) => {
                    // a list is a leaf: what is not seen in one makes it unknown
                    let keys: Vec<_> = path.steps().iter().map_while(Step::as_key).collect();
                    user.obscure(&keys, &Cause::Elsewhere(what.clone()));
                    user
                }
            };
            for path in &layer.templated {
                let keys = path.as_keys().unwrap_or_default();
                user.obscure(&keys, &Cause::Elsewhere(layer.at.to_string().into()));
            }
        }
        let defaults = Arc::new(chart.defaults());
        let effective = effective(reading, &defaults, &user);
        Self {
            chart,
            reading,
            layers,
            host_version,
            defaults,
            user,
            effective,
        }
    }

    /// What is in force at a path: the user's layers over the chart's defaults.
    pub fn get<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Lookup<'_> {
        self.effective.get(keys)
    }

    /// Every known leaf in force at or below a path, in the order of their paths.
    pub fn leaves(&self, at: &Path) -> Vec<(Path, &Known)> {
        self.effective.leaves(at)
    }

    /// Whether it was made from what Helm rendered.
    pub fn is_rendered(&self) -> bool {
        self.reading == Reading::Rendered
    }

    /// Whether Helm has laid the values over the chart's defaults already.
    pub fn is_after_helm(&self) -> bool {
        self.reading != Reading::Helm
    }

    /// The chart's defaults, as far as they are known.
    pub fn defaults(&self) -> &Tree {
        &self.defaults
    }

    /// What the user's layers give, without the chart.
    pub(super) const fn user(&self) -> &Tree {
        &self.user
    }

    /// Whether the user's layers set something at a path.
    pub fn user_presence(&self, keys: &[&str]) -> Presence<'_> {
        self.user.presence(keys)
    }

    /// Whether a layer could not be read.
    pub fn has_unreadable(&self) -> bool {
        self.layers.iter().any(|layer| {
            matches!(
                layer.content,
                LayerContent::Unreadable(_) | LayerContent::Missing | LayerContent::Excluded(_)
            )
        })
    }

    /// The same config with more values over the user's; its layers are still the old ones.
    #[must_use]
    pub fn with(&self, values: &Tree) -> Self {
        self.over_defaults(self.user.clone().under(values.clone()))
    }

    /// The same config without some of the user's values, and without the maps that only held
    /// them.
    #[must_use]
    pub fn without<'p>(&self, paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut user = self.user.clone();
        for path in paths {
            user.remove(&path.as_keys().unwrap_or_default());
        }
        self.over_defaults(user)
    }

    /// The host cluster's Kubernetes version, where it is known.
    pub const fn host_version(&self) -> Option<&KubeVersion> {
        self.host_version.as_ref()
    }

    /// Distros that are enabled, in vCluster's order of decision. A distro that the chart does
    /// not have is none, if that is certain.
    pub fn enabled(&self) -> Vec<Distro> {
        self.possible_distros()
            .filter(|distro| {
                let path = ["controlPlane", "distro", distro.key(), "enabled"];
                self.get(path).bool() == Some(true)
            })
            .collect()
    }

    /// The distro in force, if it can be seen. None enabled means k8s.
    pub fn distro(&self) -> Option<Distro> {
        if self.chart.certainty() == Certainty::Legacy {
            return self.chart.legacy_distro();
        }
        if let Some(first) = self.enabled().first() {
            return Some(*first);
        }
        for distro in self.possible_distros() {
            match self.get(["controlPlane", "distro", distro.key(), "enabled"]) {
                Lookup::Unknown(cause) if !cause.is_charts() => return None,
                // something that is no boolean: what it does depends on who looks
                Lookup::Known(known) if !matches!(known.data, Data::Bool(_) | Data::Null) => {
                    return None;
                }
                _ => {}
            }
        }
        Some(Distro::K8s)
    }

    fn possible_distros(&self) -> impl Iterator<Item = Distro> {
        let certain = self.chart.is_certain();
        Distro::ALL
            .into_iter()
            .filter(move |distro| !certain || self.chart.has_distro(*distro))
    }

    /// The documents that were read, with the layer that each belongs to.
    pub fn documents(&self) -> impl Iterator<Item = (&Layer, &Document)> {
        self.layers.iter().filter_map(|layer| match &layer.content {
            LayerContent::Values(document) => Some((&**layer, document)),
            _ => None,
        })
    }

    /// The same where the cause is one of several values: in the uppermost layer that has one of
    /// them as it is in force.
    pub fn place_of_causes(&self, path: &Path, causes: &[Path]) -> Place {
        let layer =
            causes
                .iter()
                .filter_map(|cause| match self.get(cause.as_keys()?).origin()? {
                    Origin::Part(layer, _) => Some(layer),
                    Origin::Chart | Origin::Default => None,
                });
        let layer = layer.max().and_then(|layer| self.layers.get(layer));
        match layer.map(|layer| (layer, &layer.content)) {
            Some((layer, LayerContent::Values(document))) => {
                let (_, position) = locate(&document.root, path);
                layer.place(path.clone(), position)
            }
            _ => self.place(path),
        }
    }

    /// Where a values path stands in the carrier: in the uppermost layer that has it, else where
    /// the nearest path above it does.
    pub fn place(&self, path: &Path) -> Place {
        let mut looked_for = path.clone();
        loop {
            for (layer, document) in self.documents().collect::<Vec<_>>().into_iter().rev() {
                if let (true, position) = locate(&document.root, &looked_for) {
                    return layer.place(path.clone(), position);
                }
            }
            if looked_for.steps().is_empty() {
                break;
            }
            looked_for = looked_for.parent();
        }
        self.layers.last().map_or_else(
            || Place {
                values: path.clone(),
                part: Path::root(),
                position: None,
                kept: Kept::Fields,
            },
            |layer| layer.place(path.clone(), None),
        )
    }
}

impl Config<'_> {
    /// The same config with other values of the user's; its layers are still the old ones.
    fn over_defaults(&self, user: Tree) -> Self {
        Self {
            chart: self.chart.clone(),
            reading: self.reading,
            layers: self.layers.clone(),
            host_version: self.host_version.clone(),
            effective: effective(self.reading, &self.defaults, &user),
            defaults: Arc::clone(&self.defaults),
            user,
        }
    }
}

impl Layer {
    /// A place in this layer.
    pub fn place(&self, values: Path, position: Option<Position>) -> Place {
        let stands = |(of, _): &&(Path, Path)| of.starts_with(&values) || values.starts_with(of);
        if let Some((_, at)) = self.stands.iter().find(stands) {
            return Place {
                values,
                part: at.clone(),
                position: None,
                kept: Kept::Otherwise,
            };
        }
        Place {
            values,
            part: self.at.clone(),
            position,
            kept: if self.text { Kept::Text } else { Kept::Fields },
        }
    }
}

impl Cause {
    /// Whether only the chart's own part is unknown, not what a user set.
    pub const fn is_charts(&self) -> bool {
        matches!(self, Self::ChartVaries | Self::NotCatalogued)
    }
}

/// What is in force: Helm lays values over the chart's defaults, and has done so for the others.
fn effective(reading: Reading, defaults: &Tree, user: &Tree) -> Tree {
    match reading {
        Reading::Helm => defaults.clone().coalesce(user.clone()),
        Reading::Pod | Reading::Rendered => user.clone(),
    }
}

/// Whether a path is there, and the place of its key, which values that were kept as an object
/// do not have.
fn locate(root: &Node, path: &Path) -> (bool, Option<Position>) {
    let mut node = root;
    let mut at = root.at;
    for step in path.steps() {
        let next = match (step, &node.data) {
            (Step::Key(key), Data::Map(map)) => map.get(key).map(|entry| (entry.at, &entry.value)),
            (Step::Index(index), Data::List(items)) => {
                items.get(*index).map(|item| (item.at, item))
            }
            _ => None,
        };
        let Some(next) = next else {
            return (false, None);
        };
        (at, node) = next;
    }
    (true, at)
}

#[cfg(test)]
mod tests;

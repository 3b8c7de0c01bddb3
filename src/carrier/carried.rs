//! What a carrier yields: configs as the object holds them, part by part.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::values::{Assignment, Budget, Data, Limits, Node, Path, ReadError, Step, read_json};
use crate::vcluster::{
    ChartSource, Completeness, Distro, KubeVersion, Layer, LayerContent, Reading,
};

/// The configs of one object.
#[derive(Debug, Default)]
pub struct Held<'a> {
    /// The configs, in the order of the object.
    pub configs: Vec<Carried<'a>>,
    /// Whether the object has more than are looked at.
    pub more: bool,
}

/// One config in an object, as the object holds it.
#[derive(Debug)]
pub struct Carried<'a> {
    /// Which virtual cluster it is: destination cluster, namespace, release name. Configs of the
    /// old and the new object are paired by it.
    pub release: Release,
    /// What tells it from the object's other configs in our record; empty for the only one.
    pub record_key: String,
    /// What the object says about the chart.
    pub chart: ChartSource,
    /// The parts that give values, lowest first.
    pub parts: Vec<Part<'a>>,
    /// Who reads the values next.
    pub reading: Reading,
    /// Whether other objects are made from this one.
    pub is_template: bool,
    /// Whether it is laid over the object's own template: it is compared with that where it is new.
    pub is_over_base: bool,
    /// Whether it counts for one time only, over what the object holds for good: Argo CD's sync
    /// operation.
    pub is_passing: bool,
    /// Whether it is all that there is.
    pub completeness: Completeness,
    /// Where defaults go, if they may go anywhere.
    pub edit_at: Option<EditAt<'a>>,
    /// The distro that vCluster's pod wrote down on the object.
    pub told_distro: Option<Distro>,
    /// The Kubernetes version that the chart is told, where the object says so.
    pub told_host: Option<KubeVersion>,
    /// What changes the rendered objects after Helm, and cannot be seen through.
    pub renders_on: Option<Path>,
    /// Everything else of the object that has a say in the config.
    pub(super) pieces: Vec<Option<&'a RawValue>>,
    /// What reading the object's values may ask.
    pub(super) budget: Rc<Budget>,
    /// The parts, once they were read.
    pub(super) layers: OnceCell<Vec<Arc<Layer>>>,
}

/// Which virtual cluster a config is for.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Release {
    /// Another cluster than the one that the object is in, as the object names it.
    pub cluster: Option<String>,
    /// The namespace that the virtual cluster lives in.
    pub namespace: String,
    /// The Helm release's name.
    pub name: String,
    /// What tells several configs of one object apart: a template's version.
    pub item: Option<String>,
}

/// Where in an object defaults go.
#[derive(Clone, Debug)]
pub struct EditAt<'a> {
    /// The part, which need not be there yet.
    pub at: Path,
    /// What of the object holds the part, and where that is.
    pub within: (Path, &'a RawValue),
    /// How it is kept.
    pub encoding: Encoding,
    /// Whether the text is not to be touched, and lines are suggested instead.
    pub suggest: bool,
}

/// How values are kept in an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// As an object, with the object's own fields.
    Object,
    /// As an object in whose strings templates may stand.
    TemplatedObject(Templates),
    /// As YAML text in a string.
    Yaml,
    /// As YAML text in which templates may stand.
    TemplatedYaml,
    /// As YAML text, base64-encoded in a string: the data of a Secret.
    Base64Yaml,
    /// Not as values, but in the init containers that Helm rendered from them.
    InitContainers,
}

/// Whose templates stand in the strings of an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Templates {
    /// Fleet's: `${ .ClusterName }`.
    Fleet,
    /// Argo CD's: `{{ .name }}`.
    ApplicationSet,
}

/// One part of an object that gives values.
#[derive(Debug)]
pub struct Part<'a> {
    /// Where in the object it stands.
    pub at: Path,
    /// What it holds.
    pub content: Content<'a>,
}

/// What tells a reference from another one at the same place: a hash of how it is written, so that
/// nothing of it is kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Reference(u64);

/// What a [`Part`] holds.
#[derive(Debug)]
pub enum Content<'a> {
    /// Values, encoded in this way.
    Values(Encoding, &'a RawValue),
    /// Nothing, where there has to be something.
    Missing,
    /// A reference to values that are kept elsewhere, and could set everything.
    Elsewhere(Reference),
    /// The same, but they set only what stands at or below this path, over everything else.
    ElsewhereAt(Path, Reference),
    /// Assignments in Helm's `--set` grammar.
    Set(Vec<Assignment>),
    /// Something in Helm's `--set` grammar that Helm does not read.
    Unreadable(ReadError),
    /// Values that stand beside others which exclude them.
    Excluded(Path),
    /// Values that were made from something else, and where each of them stands in the object.
    Lowered(Vec<(Path, Data, Path)>),
}

impl Reference {
    /// One that is written so.
    pub(super) fn to(raw: &RawValue) -> Self {
        let mut hasher = DefaultHasher::new();
        raw.get().hash(&mut hasher);
        Self(hasher.finish())
    }

    /// The hash.
    pub(super) const fn hash(self) -> u64 {
        self.0
    }
}

impl Templates {
    /// What a template begins with.
    pub const fn open(self) -> &'static str {
        match self {
            Self::Fleet => "${",
            Self::ApplicationSet => "{{",
        }
    }
}

impl Encoding {
    /// Whether values are kept as text.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Yaml | Self::TemplatedYaml | Self::Base64Yaml)
    }
}

impl<'a> Held<'a> {
    /// At most one config.
    pub(super) fn one(config: Option<Carried<'a>>) -> Self {
        Self {
            configs: config.into_iter().collect(),
            more: false,
        }
    }
}

impl<'a> Carried<'a> {
    /// A config that Helm renders, and that is all that there is.
    pub(super) fn new(
        release: Release,
        chart: ChartSource,
        parts: Vec<Part<'a>>,
        budget: &Rc<Budget>,
    ) -> Self {
        Self {
            release,
            record_key: String::new(),
            chart,
            parts,
            reading: Reading::Helm,
            is_template: false,
            is_over_base: false,
            is_passing: false,
            completeness: Completeness::Whole,
            edit_at: None,
            told_distro: None,
            told_host: None,
            renders_on: None,
            pieces: Vec::new(),
            budget: Rc::clone(budget),
            layers: OnceCell::new(),
        }
    }

    /// Values in YAML that no object holds: a string, for tools. Defaults may go into them.
    pub fn values(text: &'a RawValue, chart: ChartSource) -> Self {
        let at = Path::keys(["values"]);
        let part = Part {
            at: at.clone(),
            content: Content::Values(Encoding::Yaml, text),
        };
        Self {
            edit_at: Some(EditAt {
                within: (at.clone(), text),
                at,
                encoding: Encoding::Yaml,
                suggest: false,
            }),
            ..Self::new(Release::default(), chart, vec![part], &Rc::default())
        }
    }

    /// Whether nothing that has a say in the config differs: the bytes first, then what they mean.
    /// Configs share pieces, of which each pair is read once.
    pub fn is_untouched_since(&self, before: &Carried<'_>, alike: &Alike) -> bool {
        self.release == before.release
            && self.pieces.len() == before.pieces.len()
            && self
                .pieces
                .iter()
                .zip(&before.pieces)
                .all(|(now, before)| match (now, before) {
                    (None, None) => true,
                    (Some(now), Some(before)) => {
                        now.get() == before.get() || alike.are(now, before)
                    }
                    _ => false,
                })
            && (self.has_same_texts(before) || self.means_the_same(before))
    }

    /// Whether the values have what only vCluster's have: settings of a distro. A `controlPlane`
    /// with a `distro` of another kind is some other chart's.
    pub(super) fn looks_like_vcluster(&self) -> bool {
        self.layers().iter().any(|layer| match &layer.content {
            LayerContent::Values(read) => {
                let distros = read.root.get(["controlPlane", "distro"]);
                let keys = distros.and_then(Node::as_map).into_iter().flatten();
                keys.into_iter()
                    .any(|(key, _)| Distro::from_key(key).is_some())
            }
            LayerContent::ElsewhereAt(_, path) => is_of_distro(path),
            _ => false,
        })
    }

    /// The parts, read. They are read once, however often they are asked for.
    pub fn layers(&self) -> &[Arc<Layer>] {
        self.layers.get_or_init(|| {
            self.parts
                .iter()
                .map(|part| Arc::new(part.read(&self.budget)))
                .collect()
        })
    }

    /// Whether values that are kept as text are, byte for byte, what they were.
    pub fn has_same_texts(&self, before: &Carried<'_>) -> bool {
        let now = self.parts.iter().filter_map(Part::text);
        now.eq(before.parts.iter().filter_map(Part::text))
    }

    /// Whether the texts mean the same, and the new ones have no more that a strict reader
    /// dislikes.
    fn means_the_same(&self, before: &Carried<'_>) -> bool {
        let documents = |carried: &Carried<'_>| -> Option<Vec<_>> {
            let read = carried.parts.iter().zip(carried.layers());
            read.filter(|(part, _)| part.text().is_some())
                .map(|(_, layer)| match &layer.content {
                    LayerContent::Values(read) => Some((read.root.to_json(), read.notes.len())),
                    _ => None,
                })
                .collect()
        };
        match (documents(self), documents(before)) {
            (Some(now), Some(before)) => {
                now.len() == before.len()
                    && now
                        .iter()
                        .zip(&before)
                        .all(|(now, before)| now.0 == before.0 && now.1 <= before.1)
            }
            _ => false,
        }
    }
}

impl<'a> Part<'a> {
    /// Whether it is not there although it has to be.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self.content, Content::Missing)
    }

    /// Whether it holds values.
    pub(super) fn has_values(&self) -> bool {
        matches!(self.content, Content::Values(..))
    }

    /// The raw part, if it holds values as text.
    fn text(&self) -> Option<&'a str> {
        match self.content {
            Content::Values(encoding, raw) if encoding.is_text() => Some(raw.get()),
            _ => None,
        }
    }
}

impl EditAt<'_> {
    /// Where the part is, from what holds it on.
    pub(super) fn relative(&self) -> Path {
        self.at.below(&self.within.0).unwrap_or_default()
    }
}

/// Whether a path leads to a distro's settings, or below.
pub(super) fn is_of_distro(path: &Path) -> bool {
    let keys: Vec<_> = path.steps().iter().map_while(Step::as_key).collect();
    matches!(*keys, ["controlPlane", "distro", distro, ..] if Distro::from_key(distro).is_some())
}

/// Which pieces of a new and an old object are the same JSON, as far as was asked; for one pair of
/// objects.
#[derive(Debug, Default)]
pub struct Alike(RefCell<HashMap<[usize; 2], bool>>);

impl Alike {
    fn are(&self, now: &RawValue, before: &RawValue) -> bool {
        let read = |raw: &RawValue| {
            let read = read_json(raw.get(), &Limits::VALUES);
            read.map(|document| document.root)
        };
        // no two pieces of one object begin at one place
        let places = [now, before].map(|raw| raw.get().as_ptr().addr());
        let mut known = self.0.borrow_mut();
        *known.entry(places).or_insert_with(
            || matches!((read(now), read(before)), (Ok(now), Ok(before)) if now == before),
        )
    }
}

/// The name of an object, or what the API server will make it from.
pub(super) fn name_of(object: &RawValue) -> Cow<'_, str> {
    use super::dig::dig_str;

    dig_str(object, &["metadata", "name"])
        .or_else(|| dig_str(object, &["metadata", "generateName"]))
        .unwrap_or_default()
}

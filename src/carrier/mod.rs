//! Carriers: the objects that hold vCluster configs, and how an edit gets back into them.
//!
//! Simple carriers are [`Declaration`]s; those with a precedence of their own have code. Every
//! carrier yields [`Carried`] configs, which are lowered into the domain's layers here. Nothing in
//! this room judges anything.

mod built_in;
mod declaration;
mod dig;
mod edit;
mod flux;
mod ownership;
mod read;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::value::RawValue;

pub use self::declaration::{ChartAt, ConfigAt, Declaration, Holds, PartAt, ReleaseAt};
pub use self::dig::value_at;
pub use self::edit::{json_patch, put, take_out};
pub use self::ownership::{RECORD, is_owned, record, record_path};
use crate::admission::Request;
use crate::values::{Limits, Path, read_json};
use crate::vcluster::{ChartSource, Distro, Layer, LayerContent, Reading};

/// A kind of object that holds configs.
#[derive(Clone, Copy, Debug)]
pub enum Carrier {
    /// One that a declaration describes.
    Declared(&'static Declaration),
    /// Flux' HelmRelease.
    HelmRelease,
}

/// One config in an object, as the object holds it.
#[derive(Debug)]
pub struct Carried<'a> {
    /// Which virtual cluster it is: destination cluster, namespace, release name. Configs of the
    /// old and the new object are paired by it.
    pub release: Release,
    /// What the object says about the chart.
    pub chart: ChartSource,
    /// The parts that give values, lowest first.
    pub parts: Vec<Part<'a>>,
    /// Who reads the values next.
    pub reading: Reading,
    /// Whether other objects are made from this one.
    pub is_template: bool,
    /// Whether another object may bring more values, over these.
    pub is_completed_elsewhere: bool,
    /// Where defaults go, if they may go anywhere.
    pub edit_at: Option<EditAt>,
    /// The distro that vCluster's pod wrote down on the object.
    pub told_distro: Option<Distro>,
    /// Our own record in the object.
    pub record: Option<Cow<'a, str>>,
    /// Everything else of the object that has a say in the config.
    pieces: Vec<Option<&'a RawValue>>,
    /// The parts, once they were read.
    layers: OnceCell<Vec<Arc<Layer>>>,
}

/// Which virtual cluster a config is for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EditAt {
    /// The part, which need not be there yet.
    pub at: Path,
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
    /// As an object in whose strings Fleet's templates (`${ }`) may stand.
    FleetObject,
    /// As YAML text in a string.
    Yaml,
    /// As YAML text in which templates may stand.
    TemplatedYaml,
    /// As YAML text, base64-encoded in a string: the data of a Secret.
    Base64Yaml,
}

/// One part of an object that gives values.
#[derive(Debug)]
pub struct Part<'a> {
    /// Where in the object it stands.
    pub at: Path,
    /// What it holds.
    pub content: Content<'a>,
}

/// What a [`Part`] holds.
#[derive(Debug)]
pub enum Content<'a> {
    /// Values, encoded in this way.
    Values(Encoding, &'a RawValue),
    /// Nothing, where there has to be something.
    Missing,
    /// A reference to values that are kept elsewhere, and could set everything.
    Elsewhere,
    /// The same, but they set only what stands at or below this path, over everything else.
    ElsewhereAt(Vec<String>),
    /// An assignment in Helm's `--set` grammar, and whether its value is typed.
    Set(String, bool),
    /// Values that stand beside others which exclude them.
    Excluded(Path),
}

impl Encoding {
    /// Whether values are kept as text.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Yaml | Self::TemplatedYaml | Self::Base64Yaml)
    }
}

impl Carrier {
    /// The kind of carrier that a request is about, if it is about one.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        let kind = &request.kind;
        if flux::is_helm_release(&kind.group, &kind.kind) {
            return Some(Self::HelmRelease);
        }
        built_in::built_in()
            .iter()
            .find(|declaration| declaration.matches(&kind.group, &kind.kind))
            .map(Self::Declared)
    }

    /// Group and kind of every carrier that is known.
    pub fn kinds() -> Vec<(&'static str, &'static str)> {
        let declared = built_in::built_in().iter().flat_map(|declaration| {
            declaration
                .groups
                .iter()
                .map(|group| (*group, declaration.kind))
        });
        std::iter::once(flux::KIND).chain(declared).collect()
    }

    /// What users call this kind of object.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Declared(declaration) => declaration.kind,
            Self::HelmRelease => "HelmRelease",
        }
    }

    /// The configs that an object holds; none if it deploys something else. An object that is
    /// known to hold one is taken at that, even where it no longer tells.
    pub fn configs<'a>(
        self,
        object: &'a RawValue,
        request: &Request<'_>,
        known: bool,
    ) -> Vec<Carried<'a>> {
        match self {
            Self::Declared(declaration) => declaration.configs(object, &request.namespace, known),
            Self::HelmRelease => flux::configs(object, &request.namespace, known),
        }
    }
}

impl Carried<'_> {
    /// Whether nothing that has a say in the config differs: the bytes first, then what they mean.
    pub fn is_untouched_since(&self, before: &Carried<'_>) -> bool {
        self.release == before.release
            && self.record == before.record
            && self.pieces.len() == before.pieces.len()
            && self
                .pieces
                .iter()
                .zip(&before.pieces)
                .all(|(now, before)| match (now, before) {
                    (None, None) => true,
                    (Some(now), Some(before)) => {
                        now.get() == before.get() || same_json(now.get(), before.get())
                    }
                    _ => false,
                })
            && (self.has_same_texts(before) || self.means_the_same(before))
    }

    /// Whether the values have what only vCluster's have.
    fn looks_like_vcluster(&self) -> bool {
        self.layers().iter().any(|layer| match &layer.content {
            LayerContent::Values(read) => read.root.get(["controlPlane", "distro"]).is_some(),
            _ => false,
        })
    }

    /// The parts, read. They are read once, however often they are asked for.
    pub fn layers(&self) -> &[Arc<Layer>] {
        self.layers.get_or_init(|| {
            self.parts
                .iter()
                .map(|part| Arc::new(part.read()))
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
        let documents = |layers: &[Arc<Layer>]| -> Option<Vec<_>> {
            let texts = layers.iter().filter(|layer| layer.text);
            texts
                .map(|layer| match &layer.content {
                    LayerContent::Values(read) => Some((read.root.to_json(), read.notes.len())),
                    _ => None,
                })
                .collect()
        };
        match (documents(self.layers()), documents(before.layers())) {
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
    fn is_missing(&self) -> bool {
        matches!(self.content, Content::Missing)
    }

    /// Whether it holds values.
    fn has_values(&self) -> bool {
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

fn same_json(now: &str, before: &str) -> bool {
    let read = |text| read_json(text, &Limits::VALUES).map(|document| document.root);
    matches!((read(now), read(before)), (Ok(now), Ok(before)) if now == before)
}

//! Carriers: the objects that hold vCluster configs, and how an edit gets back into them.
//!
//! Simple carriers are [`Declaration`]s; those with a precedence of their own have code. Every
//! carrier yields [`Carried`] configs, which are lowered into the domain's layers here. Nothing in
//! this room judges anything.

mod declaration;
mod dig;
mod edit;
mod flux;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;

pub use self::declaration::{Declaration, Encoding, ValuesAt};
pub use self::edit::{Overlay, json_patch};
use crate::admission::Request;
use crate::values::{Data, Document, Limits, Path, ReadError, ReadErrorKind, read_json, read_yaml};
use crate::vcluster::{ChartSource, Layer, LayerContent, Reading};

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
    /// Where defaults go, if they may go anywhere: a part that holds values as an object.
    pub edit_at: Option<Path>,
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
}

impl Carrier {
    /// The kind of carrier that a request is about, if it is about one.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        let kind = &request.kind;
        if flux::is_helm_release(&kind.group, &kind.kind) {
            return Some(Self::HelmRelease);
        }
        Declaration::built_in()
            .iter()
            .find(|declaration| declaration.matches(&kind.group, &kind.kind))
            .map(Self::Declared)
    }

    /// What users call this kind of object.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Declared(declaration) => declaration.kind,
            Self::HelmRelease => "HelmRelease",
        }
    }

    /// The configs that an object holds; none if it deploys something else.
    pub fn configs<'a>(self, object: &'a RawValue, request: &Request<'_>) -> Vec<Carried<'a>> {
        match self {
            Self::Declared(declaration) => declaration.configs(object, &request.namespace),
            Self::HelmRelease => flux::configs(object, &request.namespace),
        }
    }
}

impl Carried<'_> {
    /// Whether nothing that has a say in the config differs: the bytes first, then what they mean.
    pub fn is_untouched_since(&self, before: &Carried<'_>) -> bool {
        self.release == before.release
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

    /// The parts, read. They are read once, however often they are asked for.
    pub fn layers(&self) -> &[Arc<Layer>] {
        self.layers.get_or_init(|| {
            self.parts
                .iter()
                .map(|part| Arc::new(part.read()))
                .collect()
        })
    }

    fn has_same_texts(&self, before: &Carried<'_>) -> bool {
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
    /// The raw part, if it holds values as text.
    fn text(&self) -> Option<&'a str> {
        match self.content {
            Content::Values(encoding, raw) if encoding != Encoding::Object => Some(raw.get()),
            _ => None,
        }
    }

    fn read(&self) -> Layer {
        let (text, content) = match &self.content {
            Content::Values(encoding, raw) => (
                !matches!(encoding, Encoding::Object),
                match read(*encoding, raw.get()).and_then(only_map) {
                    Ok(document) => LayerContent::Values(document),
                    Err(error) => LayerContent::Unreadable(error),
                },
            ),
            Content::Missing => (true, LayerContent::Missing),
            Content::Elsewhere => (false, LayerContent::Elsewhere(self.at.to_string().into())),
            Content::ElsewhereAt(keys) => (
                false,
                LayerContent::ElsewhereAt(self.at.to_string().into(), keys.clone()),
            ),
        };
        Layer {
            at: self.at.clone(),
            text,
            content,
        }
    }
}

fn read(encoding: Encoding, raw: &str) -> Result<Document, ReadError> {
    let limits = &Limits::VALUES;
    let syntax = |text: &str| ReadError {
        kind: ReadErrorKind::Syntax(text.to_owned()),
        at: None,
        steps: 0,
    };
    if encoding == Encoding::Object {
        return read_json(raw, limits);
    }
    let text: Cow<'_, str> =
        serde_json::from_str(raw).map_err(|_| syntax("the part is not a string"))?;
    match encoding {
        Encoding::Base64Yaml => {
            // four characters hold three bytes: nothing larger is decoded
            if text.len() / 4 * 3 > limits.bytes + 3 {
                let kind = ReadErrorKind::TooLarge {
                    limit: limits.bytes,
                };
                return Err(ReadError {
                    kind,
                    at: None,
                    steps: 0,
                });
            }
            let bytes = STANDARD
                .decode(text.as_bytes())
                .map_err(|_| syntax("not base64"))?;
            read_yaml(&bytes, limits)
        }
        Encoding::Yaml | Encoding::Object => read_yaml(text.as_bytes(), limits),
    }
}

/// Values are a map, or nothing at all.
fn only_map(document: Document) -> Result<Document, ReadError> {
    let found = match &document.root.data {
        Data::Map(_) | Data::Null => return Ok(document),
        data => data.type_name(),
    };
    Err(ReadError {
        kind: ReadErrorKind::Syntax(format!("values have to be a map, this is a {found}")),
        at: document.root.at,
        steps: document.steps,
    })
}

fn same_json(now: &str, before: &str) -> bool {
    let read = |text| read_json(text, &Limits::VALUES).map(|document| document.root);
    matches!((read(now), read(before)), (Ok(now), Ok(before)) if now == before)
}

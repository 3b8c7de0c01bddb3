//! The metadata of objects as the API server tells it, of which only what is needed is held.
//!
//! An object may have hundreds of kilobytes of annotations, whoever writes it, and a page of a list
//! has many objects. So an answer is read as it comes: what is not asked for is skipped, and never
//! is in memory as a whole. That waits for the network and computes, on a thread of its own.

use std::fmt;
use std::io::{self, BufReader, Read};
use std::pin::Pin;

use futures_util::io::{AsyncRead, AsyncReadExt as _};
use serde::de::{DeserializeOwned, Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::client::LONGEST_MESSAGE;
use crate::text::printable;

/// The longest name that Kubernetes takes; what is longer is not held.
const LONGEST: usize = 253;

/// What is held of an object's metadata, besides labels `L`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata<L> {
    #[serde(default)]
    pub(super) name: Text,
    #[serde(default)]
    pub(super) namespace: Text,
    #[serde(default)]
    pub(super) uid: Text,
    #[serde(default)]
    resource_version: Text,
    deletion_timestamp: Option<IgnoredAny>,
    owner_references: Option<Vec<IgnoredAny>>,
    pub(super) labels: Option<L>,
    pub(super) annotations: Option<Annotations>,
}

/// The labels of what a chart renders.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ChartLabels {
    #[serde(default)]
    pub(super) chart: Text,
    #[serde(default)]
    pub(super) release: Text,
}

/// The annotations that vCluster's pod writes on the chart's Secret.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Annotations {
    #[serde(default, rename = "vcluster.loft.sh/distro")]
    pub(super) distro: Text,
    #[serde(default, rename = "vcluster.loft.sh/store")]
    pub(super) store: Text,
}

/// A text, if there is one and it is no longer than a name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Text(Option<Box<str>>);

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "L: DeserializeOwned")]
pub(super) struct Page<L> {
    metadata: PageMetadata,
    /// Null in a list of a Go program that has none.
    items: Option<Vec<Object<L>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(rename = "continue", default)]
    token: String,
    #[serde(default)]
    resource_version: Text,
}

#[derive(Debug, Deserialize)]
#[serde(bound = "L: DeserializeOwned")]
struct Object<L> {
    metadata: Metadata<L>,
}

/// What a watch tells.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "type",
    content = "object",
    rename_all = "UPPERCASE",
    bound = "L: DeserializeOwned"
)]
enum Line<L> {
    Added(Object<L>),
    Modified(Object<L>),
    Deleted(Object<L>),
    Bookmark(Object<IgnoredAny>),
    Error(Refusal),
}

#[derive(Debug, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

/// What a watch tells, taken apart.
#[derive(Debug)]
pub(super) enum Told<L> {
    /// An object is there, as it is now.
    Is(Metadata<L>),
    /// An object is there no more.
    Gone(Metadata<L>),
    /// All changes up to a version were told.
    Nothing,
    /// The watch cannot go on; the API server's words, or our own.
    Failed(String),
}

impl<L> Metadata<L> {
    /// Whether it is being deleted, or goes with another object.
    pub(super) fn is_going(&self) -> bool {
        let owners = self.owner_references.as_ref();
        self.deletion_timestamp.is_some() || owners.is_some_and(|owners| !owners.is_empty())
    }
}

impl Text {
    /// It, if it is there.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<L> Page<L> {
    /// The objects; what the next page is asked with, and where there is none, the version that the
    /// list is of.
    pub(super) fn open(self) -> (impl Iterator<Item = Metadata<L>>, Result<String, Version>) {
        let Self { metadata, items } = self;
        let objects = items.into_iter().flatten().map(|object| object.metadata);
        let PageMetadata {
            token,
            resource_version,
        } = metadata;
        let next = if token.is_empty() {
            Err(Version(resource_version))
        } else {
            Ok(token)
        };
        (objects, next)
    }
}

/// The version that a watch goes on from.
#[derive(Debug)]
pub(super) struct Version(Text);

impl Version {
    /// For the API server; without one a watch cannot begin.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.get().filter(|version| !version.is_empty())
    }
}

/// Reads a page as it comes.
pub(super) async fn page<L>(body: impl AsyncRead + Send + 'static) -> Result<Page<L>, String>
where
    L: DeserializeOwned + Send + 'static,
{
    let body = Waiting::on(body);
    let read = spawn_blocking(move || serde_json::from_reader(body)).await;
    match read {
        Ok(Ok(page)) => Ok(page),
        Ok(Err(error)) => Err(words(&error)),
        Err(error) => Err(error.to_string()),
    }
}

/// What a watch tells, with the version after it, as it comes; no more of it is read ahead than
/// `ahead`. It ends where the API server ends it, or the connection breaks.
pub(super) fn watch<L>(
    body: impl AsyncRead + Send + 'static,
    ahead: usize,
) -> mpsc::Receiver<(Told<L>, Version)>
where
    L: DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ahead);
    let body = Waiting::on(body);
    spawn_blocking(move || {
        for line in serde_json::Deserializer::from_reader(body).into_iter() {
            let told = match line {
                Ok(line) => told(line),
                Err(error) if error.is_io() || error.is_eof() => return,
                Err(error) => (Told::Failed(words(&error)), Version(Text(None))),
            };
            let is_over = matches!(told, (Told::Failed(_), _));
            if sender.blocking_send(told).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}

fn told<L>(line: Line<L>) -> (Told<L>, Version) {
    let is = |told: fn(_) -> _, Object { mut metadata }: Object<L>| {
        let version = std::mem::take(&mut metadata.resource_version);
        (told(metadata), Version(version))
    };
    match line {
        Line::Added(object) | Line::Modified(object) => is(Told::Is, object),
        Line::Deleted(object) => is(Told::Gone, object),
        Line::Bookmark(object) => (Told::Nothing, Version(object.metadata.resource_version)),
        Line::Error(refusal) => (
            Told::Failed(printable(&refusal.message, LONGEST_MESSAGE)),
            Version(Text(None)),
        ),
    }
}

/// What is wrong with an answer, without a word of it.
fn words(error: &serde_json::Error) -> String {
    if error.is_io() || error.is_eof() {
        "the answer breaks off".to_owned()
    } else {
        "the API server answers something else than metadata of objects".to_owned()
    }
}

/// A body, for a thread that may wait.
struct Waiting<B> {
    body: Pin<Box<B>>,
    runtime: Handle,
}

impl<B: AsyncRead> Waiting<B> {
    fn on(body: B) -> BufReader<Self> {
        BufReader::new(Self {
            body: Box::pin(body),
            runtime: Handle::current(),
        })
    }
}

impl<B: AsyncRead> Read for Waiting<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.body.read(buffer))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Short;

        impl Visitor<'_> for Short {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text((text.len() <= LONGEST).then(|| text.into())))
            }
        }

        deserializer.deserialize_str(Short)
    }
}

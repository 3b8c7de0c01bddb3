//! ConfigMaps and Secrets with values for a carrier that refers to them: known by a label.

use serde_json::value::RawValue;

use super::carried::name_of;
use super::dig::{dig, dig_str_at};
use super::{Carried, Content, Encoding, Held, Part, Reference, Release, Seen};
use crate::values::Path;
use crate::vcluster::{ChartSource, Completeness};

/// The label that says which key of the data has values: `distrogate.io/values: values.yaml`.
pub const LABEL: &str = "distrogate.io/values";

/// The kinds of object that can have the label.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Self; 2] = [Self::ConfigMap, Self::Secret];

    /// The kind with this group and name.
    pub(super) fn of(group: &str, kind: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == (group, kind))
    }

    /// Group and kind.
    pub(super) const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::ConfigMap => ("", "ConfigMap"),
            Self::Secret => ("", "Secret"),
        }
    }
}

/// The values in a labelled object: some of those that a release gets, between others that are
/// not seen.
pub(super) fn configs<'a>(kind: Kind, object: &'a RawValue, seen: Seen<'_>) -> Held<'a> {
    let label = Path::keys(["metadata", "labels", LABEL]);
    let Some(key) = dig_str_at(object, &label) else {
        return Held::default();
    };
    let key = if key.is_empty() { "values.yaml" } else { &*key };
    let encoding = match kind {
        Kind::ConfigMap => Encoding::Yaml,
        Kind::Secret => Encoding::Base64Yaml,
    };
    let found = [("data", encoding), ("binaryData", Encoding::Base64Yaml)]
        .into_iter()
        .find_map(|(field, encoding)| {
            let raw = dig(object, &[field, key])?;
            Some((Path::keys([field, key]), Content::Values(encoding, raw)))
        });
    let others = Part {
        // a key that is not there is somebody's slip
        at: if found.is_some() {
            label
        } else {
            Path::keys(["data", key])
        },
        content: Content::Elsewhere(Reference::default()),
    };
    let mut parts = vec![others];
    parts.extend(found.map(|(at, content)| Part { at, content }));
    let release = Release {
        namespace: seen.namespace.to_owned(),
        name: name_of(object).into_owned(),
        ..Release::default()
    };
    let chart = ChartSource {
        name: Some("vcluster".to_owned()),
        ..ChartSource::default()
    };
    Held::one(Some(Carried {
        completeness: Completeness::Fragment,
        pieces: vec![dig(object, &["metadata", "labels", LABEL])],
        ..Carried::new(release, chart, parts, seen.budget)
    }))
}

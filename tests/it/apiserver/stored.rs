//! What is stored in a HelmRelease, by whose it is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::NAMESPACE;
use crate::harness::kubectl::Kubectl;

/// Where our record is.
pub(super) const RECORD: &str = "/metadata/annotations/distrogate.io~1defaults";

/// Values by path.
pub(super) type Leaves = BTreeMap<String, Value>;

/// A stored HelmRelease, by whose it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Stored {
    /// Our annotation, byte by byte; empty if there is none.
    pub(super) record: String,
    /// The values that it lists, by their path in the values.
    pub(super) ours: Leaves,
    /// All else in the spec.
    pub(super) theirs: Leaves,
}

impl Stored {
    /// The same part of ours beside this of the user's.
    pub(super) fn with(&self, manifest: &Value) -> Self {
        Self {
            record: self.record.clone(),
            ours: self.ours.clone(),
            theirs: leaves(&manifest["spec"]),
        }
    }
}

pub(super) fn stored(tenant: &Kubectl, name: &str) -> Stored {
    let object = tenant.stored(&["-n", NAMESPACE, "helmrelease", name]);
    let record = object
        .pointer(RECORD)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let listed: BTreeMap<String, Leaves> = serde_json::from_str(record).unwrap_or_default();
    let listed = listed.into_values().next().unwrap_or_default();
    let mut theirs = leaves(&object["spec"]);
    let ours: Leaves = listed
        .keys()
        .filter_map(|path| Some((path.clone(), theirs.remove(&format!("values.{path}"))?)))
        .collect();
    assert_eq!(ours, listed, "the record lists what is there");
    Stored {
        record: record.to_owned(),
        ours,
        theirs,
    }
}

/// Our part is what it was, or less, and the record with it.
#[track_caller]
pub(super) fn never_comes_back(before: &Stored, now: Stored) -> Stored {
    let kept = now.ours.is_empty() && now.record.is_empty();
    assert!(
        kept || (&now.record, &now.ours) == (&before.record, &before.ours),
        "{now:?}"
    );
    now
}

/// What is not an object, or an empty one, by its path.
pub(super) fn leaves(value: &Value) -> Leaves {
    let Some(map) = value.as_object().filter(|map| !map.is_empty()) else {
        return [(String::new(), value.clone())].into();
    };
    map.iter()
        .flat_map(|(key, value)| {
            leaves(value).into_iter().map(move |(path, leaf)| {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{key}.{path}")
                };
                (path, leaf)
            })
        })
        .collect()
}

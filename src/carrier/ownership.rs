//! Whose a field of an object is: our record in an annotation, and what others say is theirs.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::EditAt;
use super::dig::{dig_at, dig_list, dig_str, dig_str_at, value_at};
use crate::values::{Limits, Node, Path, Step, read_yaml};

/// The annotation that says which values of an object are defaults that we put in.
pub const RECORD: &str = "distrogate.io/defaults";

/// What `kubectl apply` keeps of what its user wrote.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// More field managers than an object has.
const MANAGERS: usize = 64;

/// The text of our record in an object.
pub fn record(object: &RawValue) -> Option<Cow<'_, str>> {
    dig_str_at(object, &annotation(RECORD))
}

/// Where our record is in an object.
pub fn record_path() -> Path {
    annotation(RECORD)
}

/// Whether Argo CD keeps the object as a Git repository has it.
pub(super) fn is_tracked(object: &RawValue) -> bool {
    dig_at(object, &annotation("argocd.argoproj.io/tracking-id")).is_some()
}

/// The same for what Helm rendered. Up to version 2 Argo CD tracks objects by a label, which
/// vCluster's chart does not set; what Helm installs by itself has Helm's annotation.
pub(super) fn is_tracked_after_helm(object: &RawValue) -> bool {
    let label = Path::keys(["metadata", "labels", "app.kubernetes.io/instance"]);
    let is_helms = || dig_at(object, &annotation("meta.helm.sh/release-name")).is_some();
    is_tracked(object) || (dig_at(object, &label).is_some() && !is_helms())
}

/// What the object says about whose its fields are: read once, however many are asked for.
#[derive(Debug)]
pub struct Ownership {
    /// The fields of each manager, and whether it applies them.
    managers: Vec<(bool, Value)>,
    /// What a user last gave to `kubectl apply`.
    last_applied: Value,
}

/// What is said of one part of an object: read once, however many values are asked for.
#[derive(Debug)]
pub enum PartOwnership<'o> {
    /// Values among the object's fields.
    Fields {
        /// What each field manager has of them.
        managed: Vec<&'o Value>,
        /// What a user last applied.
        applied: Option<&'o Value>,
    },
    /// A text.
    Text {
        /// Whether a field manager applied the whole of it.
        is_managed: bool,
        /// What a user last applied.
        applied: Option<Node>,
    },
}

impl Ownership {
    /// Of an object.
    pub fn of(object: &RawValue) -> Self {
        let managers = dig_list(object, &["metadata", "managedFields"], MANAGERS);
        let managers = managers.unwrap_or_default().into_iter().map(|manager| {
            let operation = dig_str(manager, &["operation"]);
            let fields = value_at(manager, &Path::keys(["fieldsV1"]));
            (operation.as_deref() == Some("Apply"), fields)
        });
        let last_applied = dig_str_at(object, &annotation(LAST_APPLIED));
        Self {
            managers: managers.collect(),
            last_applied: last_applied
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default(),
        }
    }

    /// What is said of the part that a config's values are kept in. A text is owned as a whole:
    /// whoever applied another text than before wrote all of it.
    pub fn of_part(&self, edit_at: &EditAt<'_>, text_changed: bool) -> PartOwnership<'_> {
        let applied = at(&self.last_applied, &edit_at.at, "");
        if !edit_at.encoding.is_text() {
            let managed = self.managers.iter();
            return PartOwnership::Fields {
                managed: managed
                    .filter_map(|(_, fields)| at(fields, &edit_at.at, "f:"))
                    .collect(),
                applied,
            };
        }
        let is_managed = self.managers.iter().any(|(applies, fields)| {
            let fields = at(fields, &edit_at.at, "f:").filter(|fields| !fields.is_null());
            *applies && fields.is_some()
        });
        PartOwnership::Text {
            is_managed: text_changed && is_managed,
            applied: applied
                .and_then(Value::as_str)
                .and_then(|text| read_yaml(text.as_bytes(), &Limits::VALUES).ok())
                .map(|read| read.root),
        }
    }
}

impl PartOwnership<'_> {
    /// Whether somebody says that a value of the config is theirs: a field manager that owns just
    /// this leaf, or what a user last gave to `kubectl apply`.
    pub fn is_owned(&self, leaf: &Path) -> bool {
        let is_there = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
        match self {
            Self::Fields { managed, applied } => {
                let mut managed = managed.iter();
                managed.any(|fields| is_there(at(fields, leaf, "f:")))
                    || is_there(applied.and_then(|applied| at(applied, leaf, "")))
            }
            Self::Text {
                is_managed,
                applied,
            } => {
                let sets = |root: &Node| {
                    let keys = leaf.as_keys();
                    keys.is_some_and(|keys| root.get(keys).is_some())
                };
                *is_managed || applied.as_ref().is_some_and(sets)
            }
        }
    }
}

/// What stands at a path of an object whose keys have a prefix.
fn at<'v>(object: &'v Value, path: &Path, prefix: &str) -> Option<&'v Value> {
    path.steps()
        .iter()
        .try_fold(object, |value, step| match step {
            Step::Key(key) => value.get(format!("{prefix}{key}")),
            Step::Index(index) => value.get(index),
        })
}

fn annotation(name: &str) -> Path {
    Path::keys(["metadata", "annotations", name])
}

#[cfg(test)]
mod tests {
    use super::super::Encoding;
    use super::*;

    fn owned(metadata: &str, encoding: Encoding) -> bool {
        let text = format!(r#"{{"metadata":{metadata}}}"#);
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        let edit_at = EditAt {
            at: Path::dotted("spec.values"),
            within: (Path::root(), raw),
            encoding,
            suggest: false,
        };
        Ownership::of(raw)
            .of_part(&edit_at, true)
            .is_owned(&Path::dotted("a.b"))
    }

    #[test]
    fn argo_cd_tracks_by_annotation_or_label() {
        let tracking =
            r#""annotations":{"argocd.argoproj.io/tracking-id":"dev:apps/StatefulSet:a/b"}"#;
        let label = r#""labels":{"app.kubernetes.io/instance":"dev"}"#;
        let helms = r#""annotations":{"meta.helm.sh/release-name":"dev"}"#;
        for (metadata, tracked) in [
            (String::new(), [false, false]),
            (tracking.to_owned(), [true, true]),
            // of what people write the label says nothing
            (label.to_owned(), [false, true]),
            (format!("{label},{helms}"), [false, false]),
            (format!("{label},{tracking}"), [true, true]),
        ] {
            let text = format!(r#"{{"metadata":{{{metadata}}}}}"#);
            let raw: &RawValue = serde_json::from_str(&text).unwrap();
            let found = [is_tracked(raw), is_tracked_after_helm(raw)];
            assert_eq!(found, tracked, "{metadata}");
        }
    }

    #[test]
    fn a_text_is_somebodys_as_a_whole() {
        for (metadata, theirs) in [
            (
                r#"{"managedFields":[{"operation":"Apply","fieldsV1":{"f:spec":{"f:values":{}}}}]}"#,
                true,
            ),
            (
                r#"{"managedFields":[{"operation":"Update","fieldsV1":{"f:spec":{"f:values":{}}}}]}"#,
                false,
            ),
            (
                r#"{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"values\":\"a: {b: 1}\"}}"}}"#,
                true,
            ),
            (
                r#"{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"values\":\"a: {}\"}}"}}"#,
                false,
            ),
        ] {
            assert_eq!(owned(metadata, Encoding::Yaml), theirs, "{metadata}");
        }
    }

    #[test]
    fn a_leaf_is_somebodys_who_says_so() {
        for (metadata, theirs) in [
            ("{}", false),
            (
                r#"{"managedFields":[{"fieldsV1":{"f:spec":{"f:values":{}}}}]}"#,
                false,
            ),
            (
                r#"{"managedFields":[{"fieldsV1":{"f:spec":{"f:values":{"f:a":{}}}}}]}"#,
                false,
            ),
            (
                r#"{"managedFields":[{},{"fieldsV1":{"f:spec":{"f:values":{"f:a":{"f:b":{}}}}}}]}"#,
                true,
            ),
            (
                r#"{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"values\":{\"a\":{\"b\":1}}}}"}}"#,
                true,
            ),
            (
                r#"{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"values\":{\"a\":{}}}}"}}"#,
                false,
            ),
            (
                r#"{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"["}}"#,
                false,
            ),
        ] {
            assert_eq!(owned(metadata, Encoding::Object), theirs, "{metadata}");
        }
    }
}

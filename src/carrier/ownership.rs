//! Whose a field of an object is: our record in an annotation, and what others say is theirs.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::EditAt;
use super::dig::{dig_at, dig_list, dig_str, dig_str_at, value_at};
use crate::values::{Limits, Path, Step, read_yaml};

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

    /// Whether somebody says that a value of a config is theirs: a field manager that owns just
    /// this leaf, or what a user last gave to `kubectl apply`. A text is owned as a whole: whoever
    /// applied another text than before wrote all of it.
    pub fn is_owned(&self, edit_at: &EditAt<'_>, leaf: &Path, text_changed: bool) -> bool {
        let is_text = edit_at.encoding.is_text();
        let path = if is_text {
            edit_at.at.clone()
        } else {
            edit_at.at.join(leaf)
        };
        let managed = self.managers.iter().any(|(applies, fields)| {
            let counts = !is_text || (text_changed && *applies);
            counts && at(fields, &path, "f:").is_some_and(|fields| !fields.is_null())
        });
        let applied = at(&self.last_applied, &path, "").filter(|value| !value.is_null());
        managed
            || applied.is_some_and(|applied| match (is_text, applied.as_str()) {
                (false, _) => true,
                (true, Some(text)) => is_in_text(text, leaf),
                (true, None) => false,
            })
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

/// Whether a text sets a value.
fn is_in_text(text: &str, leaf: &Path) -> bool {
    let read = read_yaml(text.as_bytes(), &Limits::VALUES);
    read.is_ok_and(|read| {
        leaf.as_keys()
            .is_some_and(|keys| read.root.get(keys).is_some())
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
        Ownership::of(raw).is_owned(&edit_at, &Path::dotted("a.b"), true)
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

//! Whose a field of an object is: our record in an annotation, and what others say is theirs.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::EditAt;
use super::dig::{dig_at, dig_list, dig_str_at};
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

/// Whether somebody says that a value of a config is theirs: a field manager that owns just this
/// leaf, or what a user last gave to `kubectl apply`. A text is owned as a whole: whoever applied
/// another text than before wrote all of it.
pub fn is_owned(object: &RawValue, edit_at: &EditAt, leaf: &Path, text_changed: bool) -> bool {
    let is_text = edit_at.encoding.is_text();
    let path = if is_text {
        edit_at.at.clone()
    } else {
        edit_at.at.join(leaf)
    };
    let fields = path
        .steps()
        .iter()
        .fold(Path::root(), |fields, step| match step {
            Step::Key(key) => fields.key(&format!("f:{key}")),
            Step::Index(index) => fields.index(*index),
        });
    let managers = dig_list(object, &["metadata", "managedFields"], MANAGERS).unwrap_or_default();
    let managed = managers.into_iter().any(|manager| {
        let applied = dig_str_at(manager, &Path::keys(["operation"]));
        let counts = !is_text || (text_changed && applied.as_deref() == Some("Apply"));
        let all = dig_at(manager, &Path::keys(["fieldsV1"]));
        counts && all.is_some_and(|all| dig_at(all, &fields).is_some())
    });
    managed || is_in_last_applied(object, &path, is_text.then_some(leaf))
}

/// Whether a user's last `kubectl apply` had a value at a path, or in the text there.
fn is_in_last_applied(object: &RawValue, path: &Path, in_text: Option<&Path>) -> bool {
    let Some(applied) = dig_str_at(object, &annotation(LAST_APPLIED)) else {
        return false;
    };
    let Ok(applied) = serde_json::from_str::<&RawValue>(&applied) else {
        return false;
    };
    match in_text {
        None => dig_at(applied, path).is_some(),
        Some(leaf) => dig_str_at(applied, path).is_some_and(|text| {
            let read = read_yaml(text.as_bytes(), &Limits::VALUES);
            read.is_ok_and(|read| {
                leaf.as_keys()
                    .is_some_and(|keys| read.root.get(keys).is_some())
            })
        }),
    }
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
            encoding,
            suggest: false,
        };
        is_owned(raw, &edit_at, &Path::dotted("a.b"), true)
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

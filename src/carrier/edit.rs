//! How edits get back into an object: the smallest JSON Patch.
//!
//! Values that are kept as an object get what is missing, with missing parents; text is edited in
//! place and goes in whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;
use serde_json::value::RawValue;

use super::dig::{dig_at, dig_str_at};
use super::{EditAt, Encoding, workload};
use crate::values::{Change, EditError, Path, Step, edit_all, is_templated};

/// The operations that set values at paths of a config, and take some out. Missing parents are
/// added together with what goes in, present ones are left alone; parents that only held what is
/// taken out go with it.
///
/// # Errors
/// Why a text cannot be edited; values that are kept as an object always can.
pub fn json_patch(edit_at: &EditAt<'_>, changes: &[(Path, Change)]) -> Result<Patch, EditError> {
    let EditAt {
        at,
        within: (_, holder),
        encoding,
        suggest: _,
    } = edit_at;
    let present = dig_at(holder, &edit_at.relative());
    if changes.is_empty() {
        return Ok(Patch::default());
    }
    if *encoding == Encoding::InitContainers {
        return workload::json_patch(holder, changes);
    }
    if encoding.is_text() {
        let text = present.and_then(|raw| dig_str_at(raw, &Path::root()));
        let mut text = text.unwrap_or(Cow::Borrowed(""));
        if *encoding == Encoding::Base64Yaml {
            text = Cow::Owned(decoded(&text)?);
        }
        if *encoding == Encoding::TemplatedYaml && is_templated(&text) {
            return Err(EditError::Refused("templates stand in the text"));
        }
        let mut text = edit_all(&text, changes)?;
        if *encoding == Encoding::Base64Yaml {
            text = STANDARD.encode(text);
        }
        return Ok(Patch(vec![put_within(edit_at, Value::String(text))]));
    }
    let mut operations = Vec::new();
    let mut values = match present {
        Some(raw) => serde_json::from_str(raw.get()).unwrap_or_default(),
        None => Value::Null,
    };
    for (path, _) in changes
        .iter()
        .filter(|(_, change)| *change == Change::Remove)
    {
        if let Some(gone) = remove(&mut values, &path.as_keys().unwrap_or_default()) {
            operations.push(take_out(
                &gone.iter().fold(at.clone(), |path, key| path.key(key)),
            ));
        }
    }
    let overlay = Overlay::of(changes);
    if overlay.is_empty() {
        return Ok(Patch(operations));
    }
    if values.is_null() {
        operations.push(put_within(edit_at, overlay.to_json()));
    } else {
        lay_over(&values, &pointer(at), &overlay, &mut operations);
    }
    Ok(Patch(operations))
}

/// The text that is kept in base64.
fn decoded(text: &str) -> Result<String, EditError> {
    let bytes = STANDARD.decode(text.as_bytes());
    bytes
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(EditError::Refused("the text is not UTF-8 in base64"))
}

/// The operation that puts a value at a path, with the parents that it lacks.
pub fn put(object: &RawValue, at: &Path, value: Value) -> PatchOperation {
    let edit_at = EditAt {
        at: at.clone(),
        within: (Path::root(), object),
        encoding: Encoding::Object,
        suggest: false,
    };
    put_within(&edit_at, value)
}

/// The same for a part, of which only the holder is looked into.
fn put_within(edit_at: &EditAt<'_>, value: Value) -> PatchOperation {
    let (mut here, mut holder) = (edit_at.within.0.clone(), edit_at.within.1);
    let relative = edit_at.relative();
    for (number, step) in relative.steps().iter().enumerate() {
        let one = Path::from_iter([step.clone()]);
        here = here.join(&one);
        let Some(below) = dig_at(holder, &one) else {
            let rest: Vec<_> = relative.steps().iter().skip(number + 1).collect();
            return add(pointer(&here), nest(&rest, value));
        };
        holder = below;
    }
    PatchOperation::Replace(ReplaceOperation {
        path: pointer(&edit_at.at),
        value,
    })
}

/// The operation that takes out what stands at a path.
pub fn take_out(at: &Path) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation { path: pointer(at) })
}

/// Takes out what stands at a path, and the maps that are empty then; the path of what is gone.
fn remove<'k>(values: &mut Value, keys: &[&'k str]) -> Option<Vec<&'k str>> {
    let (key, below) = keys.split_first()?;
    let map = values.as_object_mut()?;
    let gone = if below.is_empty() {
        Vec::new()
    } else {
        remove(map.get_mut(*key)?, below)?
    };
    let all = gone.is_empty()
        || map
            .get(*key)?
            .as_object()
            .is_some_and(serde_json::Map::is_empty);
    if all {
        map.remove(*key)?;
        return Some(vec![key]);
    }
    Some(std::iter::once(*key).chain(gone).collect())
}

/// Values to be laid over what an object holds, as a tree.
#[derive(Clone, Debug, Default, PartialEq)]
struct Overlay {
    entries: BTreeMap<Box<str>, OverlayEntry>,
}

#[derive(Clone, Debug, PartialEq)]
enum OverlayEntry {
    Value(Value),
    Below(Overlay),
}

impl Overlay {
    fn of(changes: &[(Path, Change)]) -> Self {
        let mut overlay = Self::default();
        for (path, change) in changes {
            if let Change::Set(value) = change {
                overlay.set(&path.as_keys().unwrap_or_default(), value.clone());
            }
        }
        overlay
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn set(&mut self, keys: &[&str], value: Value) {
        match keys.split_first() {
            None => {}
            Some((key, [])) => {
                self.entries
                    .insert((*key).into(), OverlayEntry::Value(value));
            }
            Some((key, below)) => {
                let entry = self
                    .entries
                    .entry((*key).into())
                    .or_insert_with(|| OverlayEntry::Below(Self::default()));
                if let OverlayEntry::Value(_) = entry {
                    *entry = OverlayEntry::Below(Self::default());
                }
                if let OverlayEntry::Below(overlay) = entry {
                    overlay.set(below, value);
                }
            }
        }
    }

    fn to_json(&self) -> Value {
        let entries = self.entries.iter().map(|(key, entry)| {
            let value = match entry {
                OverlayEntry::Value(value) => value.clone(),
                OverlayEntry::Below(overlay) => overlay.to_json(),
            };
            (key.to_string(), value)
        });
        Value::Object(entries.collect())
    }
}

fn lay_over(
    values: &Value,
    at: &PointerBuf,
    overlay: &Overlay,
    operations: &mut Vec<PatchOperation>,
) {
    for (key, entry) in &overlay.entries {
        let mut path = at.clone();
        path.push_back(&**key);
        let present = values.get(&**key);
        operations.push(match (entry, present) {
            (OverlayEntry::Below(below), Some(present @ Value::Object(_))) => {
                lay_over(present, &path, below, operations);
                continue;
            }
            (OverlayEntry::Below(below), _) => add(path, below.to_json()),
            (OverlayEntry::Value(value), None) => add(path, value.clone()),
            (OverlayEntry::Value(value), Some(_)) => PatchOperation::Replace(ReplaceOperation {
                path,
                value: value.clone(),
            }),
        });
    }
}

pub(super) fn pointer(path: &Path) -> PointerBuf {
    let mut pointer = PointerBuf::root();
    for step in path.steps() {
        match step {
            Step::Key(key) => pointer.push_back(&**key),
            Step::Index(index) => pointer.push_back(*index),
        }
    }
    pointer
}

fn add(path: PointerBuf, value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path, value })
}

fn nest(keys: &[&Step], value: Value) -> Value {
    keys.iter().rev().fold(value, |value, step| match step {
        Step::Key(key) => Value::Object([(key.to_string(), value)].into_iter().collect()),
        Step::Index(_) => value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(object: &str, sets: &[(&str, &str)]) -> String {
        patch_at(object, "spec.values", Encoding::Object, sets)
    }

    fn patch_at(object: &str, at: &str, encoding: Encoding, sets: &[(&str, &str)]) -> String {
        let raw: &RawValue = serde_json::from_str(object).unwrap();
        let sets: Vec<_> = sets
            .iter()
            .map(|(path, value)| {
                let change = match *value {
                    "-" => Change::Remove,
                    value => Change::Set(Value::String(value.to_owned())),
                };
                (Path::dotted(path), change)
            })
            .collect();
        let edit_at = EditAt {
            at: Path::dotted(at),
            within: (Path::root(), raw),
            encoding,
            suggest: false,
        };
        let patch = json_patch(&edit_at, &sets).unwrap();
        let mut patched = serde_json::from_str(object).unwrap();
        json_patch::patch(&mut patched, &patch).unwrap();
        format!("{} => {patched}", serde_json::to_string(&patch).unwrap())
    }

    #[test]
    fn text_goes_in_whole() {
        assert_eq!(
            patch_at(
                r##"{"spec":{"values":"# mine\na: {}\n"}}"##,
                "spec.values",
                Encoding::Yaml,
                &[("a.b", "1")],
            ),
            r##"[{"op":"replace","path":"/spec/values","value":"# mine\na: {b: \"1\"}\n"}] => {"spec":{"values":"# mine\na: {b: \"1\"}\n"}}"##,
        );
        assert_eq!(
            patch_at(
                r#"{"spec":{}}"#,
                "spec.values",
                Encoding::Yaml,
                &[("a.b", "c")]
            ),
            r#"[{"op":"add","path":"/spec/values","value":"a:\n  b: c\n"}] => {"spec":{"values":"a:\n  b: c\n"}}"#,
        );
    }

    #[test]
    fn missing_parents_come_with_what_goes_in() {
        assert_eq!(
            patch(
                r#"{"spec":{"values":{"a":{"x":1}}}}"#,
                &[("a.b.c", "1"), ("a.b.d", "2")]
            ),
            r#"[{"op":"add","path":"/spec/values/a/b","value":{"c":"1","d":"2"}}] => {"spec":{"values":{"a":{"b":{"c":"1","d":"2"},"x":1}}}}"#,
        );
        assert_eq!(
            patch(r#"{"spec":{"values":null}}"#, &[("a.b", "1")]),
            r#"[{"op":"add","path":"/spec/values","value":{"a":{"b":"1"}}}] => {"spec":{"values":{"a":{"b":"1"}}}}"#,
        );
        assert_eq!(
            patch("{}", &[("a", "1")]),
            r#"[{"op":"add","path":"/spec","value":{"values":{"a":"1"}}}] => {"spec":{"values":{"a":"1"}}}"#,
        );
    }

    #[test]
    fn keys_are_escaped_and_present_values_replaced() {
        assert_eq!(
            patch(
                r#"{"spec":{"values":{"a/b~":{"c":0}}}}"#,
                &[("a/b~.c", "1"), ("a/b~.d", "2")]
            ),
            r#"[{"op":"replace","path":"/spec/values/a~1b~0/c","value":"1"},{"op":"add","path":"/spec/values/a~1b~0/d","value":"2"}] => {"spec":{"values":{"a/b~":{"c":"1","d":"2"}}}}"#,
        );
    }

    #[test]
    fn parents_that_only_held_what_goes_out_go_with_it() {
        assert_eq!(
            patch(
                r#"{"spec":{"values":{"a":{"b":{"c":1}},"d":2}}}"#,
                &[("a.b.c", "-"), ("a.e", "1")]
            ),
            r#"[{"op":"remove","path":"/spec/values/a"},{"op":"add","path":"/spec/values/a","value":{"e":"1"}}] => {"spec":{"values":{"a":{"e":"1"},"d":2}}}"#,
        );
        assert_eq!(
            patch(
                r#"{"spec":{"values":{"a":{"b":1,"c":2}}}}"#,
                &[("a.b", "-"), ("x", "-")]
            ),
            r#"[{"op":"remove","path":"/spec/values/a/b"}] => {"spec":{"values":{"a":{"c":2}}}}"#,
        );
    }

    #[test]
    fn nothing_to_set_is_no_patch() {
        assert!(patch(r#"{"spec":{}}"#, &[]).starts_with("[] =>"));
    }
}

//! How edits get back into an object that keeps values as an object: the smallest JSON Patch.

use std::collections::BTreeMap;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, ReplaceOperation};
use serde_json::Value;
use serde_json::value::RawValue;

use super::dig::dig;
use crate::values::{Path, Step};

/// Values to be laid over what an object holds, as a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overlay {
    entries: BTreeMap<Box<str>, OverlayEntry>,
}

#[derive(Clone, Debug, PartialEq)]
enum OverlayEntry {
    Value(Value),
    Below(Overlay),
}

impl Overlay {
    /// Adds a value at a path of keys.
    pub fn set(&mut self, keys: &[&str], value: Value) {
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

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The overlay as plain JSON.
    pub fn to_json(&self) -> Value {
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

/// The operations that lay an overlay over the values at `at` of an object: missing parents are
/// added together with what goes in, present ones are left alone.
pub fn json_patch(object: &RawValue, at: &Path, overlay: &Overlay) -> Patch {
    let mut operations = Vec::new();
    if !overlay.is_empty() {
        let mut pointer = PointerBuf::root();
        let mut place = Some(object);
        for (number, step) in at.steps().iter().enumerate() {
            let Step::Key(key) = step else {
                return Patch::default();
            };
            pointer.push_back(&**key);
            let below = place.and_then(|place| dig(place, &[key]));
            if below.is_none() {
                let rest: Vec<_> = at.steps().iter().skip(number + 1).collect();
                operations.push(add(pointer, nest(&rest, overlay.to_json())));
                return Patch(operations);
            }
            place = below;
        }
        if let Some(values) = place {
            lay_over(values, &pointer, overlay, &mut operations);
        }
    }
    Patch(operations)
}

fn lay_over(
    values: &RawValue,
    pointer: &PointerBuf,
    overlay: &Overlay,
    operations: &mut Vec<PatchOperation>,
) {
    for (key, entry) in &overlay.entries {
        let mut pointer = pointer.clone();
        pointer.push_back(&**key);
        let present = dig(values, &[key]);
        match (entry, present) {
            (OverlayEntry::Below(below), Some(present)) if present.get().starts_with('{') => {
                lay_over(present, &pointer, below, operations);
            }
            (OverlayEntry::Below(below), _) => operations.push(add(pointer, below.to_json())),
            (OverlayEntry::Value(value), None) => operations.push(add(pointer, value.clone())),
            (OverlayEntry::Value(value), Some(_)) => {
                operations.push(PatchOperation::Replace(ReplaceOperation {
                    path: pointer,
                    value: value.clone(),
                }));
            }
        }
    }
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
        let raw: &RawValue = serde_json::from_str(object).unwrap();
        let mut overlay = Overlay::default();
        for (path, value) in sets {
            let keys: Vec<_> = path.split('.').collect();
            overlay.set(&keys, Value::String((*value).to_owned()));
        }
        let patch = json_patch(raw, &Path::dotted("spec.values"), &overlay);
        let mut patched = serde_json::from_str(object).unwrap();
        json_patch::patch(&mut patched, &patch).unwrap();
        format!("{} => {patched}", serde_json::to_string(&patch).unwrap())
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
    fn nothing_to_set_is_no_patch() {
        assert!(patch(r#"{"spec":{}}"#, &[]).starts_with("[] =>"));
    }
}

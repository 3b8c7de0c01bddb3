//! The small forms that others are put together from.

use serde_json::{Map, Value, json};

/// A map with these keys and no others.
pub(super) fn map<'k>(
    required: &[&str],
    fields: impl IntoIterator<Item = (&'k str, Value)>,
) -> Value {
    let properties: Map<_, _> = fields
        .into_iter()
        .map(|(key, form)| (key.to_owned(), form))
        .collect();
    let mut form = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Some(form), false) = (form.as_object_mut(), required.is_empty()) {
        form.insert("required".to_owned(), required.into());
    }
    form
}

pub(super) fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

pub(super) fn at_least_one(mut list: Value) -> Value {
    if let Some(list) = list.as_object_mut() {
        list.insert("minItems".to_owned(), 1.into());
    }
    list
}

pub(super) fn string(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

/// A map of texts by any key.
pub(super) fn texts() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

/// A text that says something.
pub(super) fn words_of(about: &str) -> Value {
    json!({"type": "string", "pattern": "\\S", "description": about})
}

pub(super) fn strings(about: &str) -> Value {
    described(list(&json!({"type": "string"})), about)
}

pub(super) fn one_of(about: &str, words: &[&str]) -> Value {
    json!({"enum": words, "description": about})
}

pub(super) fn words<T, const N: usize>(table: [(&'static str, T); N]) -> Vec<&'static str> {
    table.into_iter().map(|(word, _)| word).collect()
}

pub(super) fn described(mut form: Value, about: &str) -> Value {
    if let Some(form) = form.as_object_mut() {
        form.insert("description".to_owned(), about.into());
    }
    form
}

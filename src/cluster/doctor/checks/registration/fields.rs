//! The fields of a webhook that have to be as they are printed, and what it means that one is not.

use serde_json::Value;

use super::super::super::Status;
use super::super::super::snapshot::text;
use crate::text::printable;

/// How much of a field is shown.
const SHOWN: usize = 160;

/// Fields of a webhook, how bad another value is, and why.
const FIELDS: [(&str, Status, &str); 8] = [
    ("failurePolicy", Status::Error, ""),
    (
        "matchPolicy",
        Status::Error,
        "objects that are written in another version are not looked at",
    ),
    (
        "namespaceSelector",
        Status::Error,
        "other namespaces are asked about than should be",
    ),
    (
        "objectSelector",
        Status::Error,
        "other objects are asked about than should be",
    ),
    (
        "sideEffects",
        Status::Error,
        "dry runs are refused, or not asked about",
    ),
    (
        "timeoutSeconds",
        Status::Warning,
        "the API server waits longer, or not as long, as was meant",
    ),
    (
        "reinvocationPolicy",
        Status::Warning,
        "what webhooks after this one change gets no defaults",
    ),
    (
        "admissionReviewVersions",
        Status::Error,
        "the API server may ask in a form that is not understood",
    ),
];

/// A field that is not as it has to be.
pub(super) struct Differing {
    pub(super) field: &'static str,
    pub(super) status: Status,
    pub(super) says: String,
    pub(super) why: &'static str,
}

/// The fields of a webhook that differ from those of another.
pub(super) fn differing(live: &Value, wanted: &Value) -> impl Iterator<Item = Differing> {
    FIELDS.into_iter().filter_map(|(field, status, why)| {
        let (is, has_to_be) = (live.get(field), wanted.get(field));
        if has_to_be.is_none() || normal(is) == normal(has_to_be) {
            return None;
        }
        let why = match (field, text(live, "/failurePolicy")) {
            ("failurePolicy", "Ignore") => {
                "while no server answers, configs are let through unjudged"
            }
            ("failurePolicy", _) => "while no server answers, writes are stopped",
            _ => why,
        };
        Some(Differing {
            field,
            status,
            says: told(is, has_to_be),
            why,
        })
    })
}

/// What something is, and what it has to be.
pub(super) fn told(is: Option<&Value>, has_to_be: Option<&Value>) -> String {
    format!("is {}, has to be {}", shown(is), shown(has_to_be))
}

/// A field as it is compared: lists of names have no order, and what is empty is as if it were not
/// there.
fn normal(value: Option<&Value>) -> Value {
    match value {
        None => Value::Null,
        Some(Value::Array(all)) => {
            let mut all: Vec<_> = all.iter().map(|one| normal(Some(one))).collect();
            if all.iter().all(Value::is_string) {
                all.sort_by_key(ToString::to_string);
            }
            all.into()
        }
        Some(Value::Object(fields)) if fields.is_empty() => Value::Null,
        Some(Value::Object(fields)) => fields
            .iter()
            .map(|(key, value)| (key.clone(), normal(Some(value))))
            .collect(),
        Some(value) => value.clone(),
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None => return "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    printable(&text, SHOWN)
}

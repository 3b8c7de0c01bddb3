//! Label selectors, as the API server understands them.

use serde_json::Value;

use super::snapshot::{Labels, list, text, texts};

/// Whether a selector takes an object with these labels; an empty one takes every object.
pub(super) fn matches(selector: &Value, labels: &Labels) -> bool {
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let has_labels = wanted
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str());
    has_labels
        && list(selector, "/matchExpressions").iter().all(|one| {
            let value = labels.get(text(one, "/key"));
            let is_named = value.is_some_and(|value| texts(one, "/values").any(|one| one == value));
            match text(one, "/operator") {
                "In" => is_named,
                "NotIn" => !is_named,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                // there is none besides these
                _ => false,
            }
        })
}

/// Whether it takes every object, whatever its labels.
pub(super) fn is_open(selector: &Value) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    labels.is_none_or(serde_json::Map::is_empty) && list(selector, "/matchExpressions").is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_are_those_of_kubernetes() {
        let labels: Labels = [("a", "1"), ("b", "2")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let expression = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"a": "1"}}), true),
            (json!({"matchLabels": {"a": "1", "c": "3"}}), false),
            (expression("a", "In", &["1", "2"]), true),
            (expression("a", "In", &["2"]), false),
            (expression("c", "In", &["1"]), false),
            (expression("a", "NotIn", &["1"]), false),
            (expression("a", "NotIn", &["2"]), true),
            (expression("c", "NotIn", &["1"]), true),
            (expression("a", "Exists", &[]), true),
            (expression("c", "Exists", &[]), false),
            (expression("a", "DoesNotExist", &[]), false),
            (expression("c", "DoesNotExist", &[]), true),
        ] {
            assert_eq!(matches(&selector, &labels), expected, "{selector}");
        }
    }

    #[test]
    fn an_empty_selector_is_open() {
        assert!(is_open(&json!({})));
        assert!(is_open(&Value::Null));
        assert!(is_open(&json!({"matchLabels": {}})));
        assert!(!is_open(&json!({"matchLabels": {"a": "1"}})));
    }
}
